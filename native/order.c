#define _GNU_SOURCE
#include "order.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "report.h"

/* More than any plan needs; a wrong length must not ask for all the memory. */
#define MOST_BYTES (64u * 1024 * 1024)

static void *reserve(size_t count, size_t size)
{
	void *room = calloc(count + 1, size);
	if (room == NULL)
		fail(errno, "no memory for what was asked");
	return room;
}

static void read_all(int fd, void *into, size_t length)
{
	for (char *at = into; length > 0;) {
		ssize_t done = read(fd, at, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			fail(done < 0 ? errno : 0, "what was asked ended early");
		at += done;
		length -= (size_t)done;
	}
}

static char *read_block(size_t *length)
{
	uint32_t size;
	read_all(CHANNEL, &size, sizeof size);
	if (size > MOST_BYTES)
		fail(0, "what was asked is too long");
	char *block = reserve(size, 1);
	read_all(CHANNEL, block, size);
	*length = size;
	return block;
}

struct form {
	const char *word;
	enum step_kind kind;
	/* Words after it. The last one is TO, or the last path. */
	int words;
};

static const struct form FORMS[] = {
	{"--ro-bind", STEP_RO_BIND, 2},
	{"--bind", STEP_BIND, 2},
	{"--tmpfs", STEP_TMPFS, 3},
	{"--symlink", STEP_SYMLINK, 2},
	{"--dev", STEP_DEV, 1},
	{"--pts", STEP_PTS, 1},
	{"--proc", STEP_PROC, 1},
	{"--mask-file", STEP_MASK_FILE, 1},
	{"--mask-dir", STEP_MASK_DIR, 2},
	{"--seal", STEP_SEAL, 1},
	{"--overlay", STEP_OVERLAY, 4},
	{"--stash", STEP_STASH, 1},
	{"--stash-overlay", STEP_STASH_OVERLAY, 3},
	{"--ro-bind-here", STEP_RO_BIND_HERE, 1},
	{"--bind-here", STEP_BIND_HERE, 1},
	{"--ro-bind-stash", STEP_RO_BIND_STASH, 2},
	{"--bind-stash", STEP_BIND_STASH, 2},
};

static int take_step(struct steps *into, char **words, size_t left)
{
	for (size_t at = 0; at < sizeof FORMS / sizeof *FORMS; at++) {
		const struct form *form = &FORMS[at];
		if (strcmp(words[0], form->word) != 0)
			continue;
		if (left <= (size_t)form->words)
			fail(0, "%s lacks a word", form->word);
		struct step *step = &into->list[into->count++];
		const char *given[4] = {NULL};
		for (int word = 1; word < form->words; word++)
			given[word - 1] = words[word];
		*step = (struct step){form->kind, words[form->words], given[0], given[1], given[2]};
		if (step->to[0] != '/')
			fail(0, "%s is no absolute path", step->to);
		return form->words + 1;
	}
	return 0;
}

static void take_limit(struct order *order, const char *name, const char *value)
{
	static const struct {
		const char *name;
		int resource;
	} NAMES[] = {
		{"core", RLIMIT_CORE},     {"cpu", RLIMIT_CPU},     {"data", RLIMIT_DATA},
		{"fsize", RLIMIT_FSIZE},   {"nproc", RLIMIT_NPROC}, {"nofile", RLIMIT_NOFILE},
		{"stack", RLIMIT_STACK},   {"msgqueue", RLIMIT_MSGQUEUE},
		{"memlock", RLIMIT_MEMLOCK}, {"sigpending", RLIMIT_SIGPENDING},
	};
	char *end;
	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	if (errno != 0 || *end != '\0' || value[0] < '0' || value[0] > '9')
		fail(0, "the limit %s is no number: %s", name, value);
	for (size_t at = 0; at < sizeof NAMES / sizeof *NAMES; at++) {
		if (strcmp(name, NAMES[at].name) != 0)
			continue;
		if (order->limit_count == sizeof order->limits / sizeof *order->limits)
			fail(0, "too many limits");
		order->limits[order->limit_count++] = (struct limit){NAMES[at].resource, number};
		return;
	}
	fail(0, "no limit is called %s", name);
}

static void take_filter_from(struct order *order, const char *number)
{
	int fd = atoi(number);
	char *block = reserve(65536 * 8, 1);
	size_t size = 0;
	for (;;) {
		ssize_t done = read(fd, block + size, 65536 * 8 - size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			fail(errno, "the filter cannot be read from descriptor %d", fd);
		if (done == 0)
			break;
		size += (size_t)done;
	}
	if (size == 0)
		fail(0, "the filter is empty");
	order->filter = block;
	order->filter_size = size;
	close(fd);
}

/* A word of the command's own set-up; how many were taken. */
static size_t take_setting(struct order *order, char **words, size_t left)
{
	const char *word = words[0];
	if (strcmp(word, "--root-bind") == 0 || strcmp(word, "--root-empty") == 0)
		return order->root = word[7], 1;
	if (strcmp(word, "--feed") == 0)
		return order->feed = 1, 1;
	if (strcmp(word, "--merge") == 0)
		return order->merge = 1, 1;
	if (left > 2 && strcmp(word, "--limit") == 0)
		return take_limit(order, words[1], words[2]), 3;
	if (left > 2 && strcmp(word, "--setenv") == 0) {
		size_t name = strlen(words[1]), value = strlen(words[2]);
		char *entry = reserve(name + value + 1, 1);
		memcpy(entry, words[1], name);
		entry[name] = '=';
		memcpy(entry + name + 1, words[2], value);
		return order->environment[order->variable_count++] = entry, 3;
	}
	if (left < 2)
		return 0;
	if (strcmp(word, "--check") == 0)
		return order->checks[order->check_count++] = words[1], 2;
	if (strcmp(word, "--group") == 0)
		return order->groups[order->group_count++] = words[1], 2;
	if (strcmp(word, "--cwd") == 0)
		return order->cwd = words[1], 2;
	if (strcmp(word, "--pid-max") == 0)
		return order->pid_max = words[1], 2;
	if (strcmp(word, "--seccomp") == 0)
		return take_filter_from(order, words[1]), 2;
	return 0;
}

void order_from_arguments(struct order *order, char **words, size_t count)
{
	order->early.list = reserve(count, sizeof(struct step));
	order->late.list = reserve(count, sizeof(struct step));
	order->checks = reserve(count, sizeof(char *));
	order->groups = reserve(count, sizeof(char *));
	order->environment = reserve(count, sizeof(char *));
	struct steps *steps = &order->early;
	for (size_t at = 0; at < count;) {
		char why[256];
		size_t left = count - at;
		if (strcmp(words[at], "--") == 0) {
			if (left < 2 || words[at + 1][0] == '\0')
				fail(0, "there is no command");
			order->command = words + at + 1;
			return;
		}
		if (strcmp(words[at], "--late") == 0) {
			steps = &order->late;
			at++;
			continue;
		}
		size_t taken = (size_t)take_step(steps, words + at, left);
		if (taken == 0)
			taken = take_setting(order, words + at, left);
		if (taken == 0) {
			int used = landlock_word(&order->landlock, words + at, left, why, sizeof why);
			if (used < 0)
				fail(0, "%s", why);
			taken = (size_t)used;
		}
		if (taken == 0)
			fail(0, "%s is not known, or lacks a word", words[at]);
		at += taken;
	}
}

void read_order(struct order *order)
{
	size_t length, count = 0;
	char *block = read_block(&length);
	if (length > 0 && block[length - 1] != '\0')
		fail(0, "the last word does not end");
	for (size_t at = 0; at < length; at++)
		count += block[at] == '\0';
	char **words = reserve(count, sizeof(char *));
	size_t word = 0;
	for (char *at = block; word < count; at += strlen(at) + 1)
		words[word++] = at;
	order->filter = read_block(&order->filter_size);
	if (order->filter_size == 0)
		order->filter = NULL;
	order_from_arguments(order, words, count);
}
