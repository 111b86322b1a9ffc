#define _GNU_SOURCE
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int channel = CHANNEL;

void report_to_stderr(void)
{
	channel = -1;
}

static void put(const char *text, size_t length)
{
	while (length > 0) {
		/* A reader that is gone must not end us by a signal: what is left to do is to kill. */
		ssize_t done = send(channel, text, length, MSG_NOSIGNAL);
		if (done <= 0)
			return;
		text += done;
		length -= (size_t)done;
	}
}

void report_number(const char *name, long number)
{
	char line[96];
	int length = snprintf(line, sizeof line, "{\"%s\": %ld}\n", name, number);
	if (channel >= 0)
		put(line, (size_t)length);
}

static void put_trouble(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	char line[4096 + 32] = "{\"trouble\": \"";
	size_t at = strlen(line);
	for (; *text != '\0' && at + 8 < sizeof line; text++) {
		line[at++] = digits[(unsigned char)*text >> 4];
		line[at++] = digits[(unsigned char)*text & 15];
	}
	memcpy(line + at, "\"}\n", 3);
	put(line, at + 3);
}

void fail(int error, const char *format, ...)
{
	char text[2000];
	va_list rest;
	va_start(rest, format);
	int length = vsnprintf(text, sizeof text, format, rest);
	va_end(rest);
	if (error != 0 && length >= 0 && (size_t)length + 4 < sizeof text)
		snprintf(text + length, sizeof text - (size_t)length, ": %s", strerror(error));
	if (channel >= 0)
		put_trouble(text);
	else
		dprintf(2, "cordon: %s\n", text);
	_exit(125);
}

void fail_stale(const char *path)
{
	report_number("stale", 1);
	fail(0, "%s was replaced since the mounts were made", path);
}
