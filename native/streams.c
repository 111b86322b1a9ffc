#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

/* As much as a pipe holds. */
#define ROOM 65536

static int is_stream_socket(int fd)
{
	int type;
	socklen_t length = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

static int is_same(int one, int other)
{
	struct stat a, b;
	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Only our end does not wait: the command's is an open file of its own. */
static void open_stream(struct streams *streams, int fd, int input)
{
	struct stream *stream = &streams->list[streams->count++];
	int ends[2], socket = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (socket < 0 || pipe2(ends, O_CLOEXEC) != 0)
		fail(errno, "a pipe for the command");
	int ours = ends[input ? 1 : 0], theirs = ends[input ? 0 : 1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) != 0 || dup2(theirs, fd) < 0)
		fail(errno, "a pipe for the command");
	close(theirs);
	*stream = (struct stream){.from = input ? socket : ours, .to = input ? ours : socket, .input = input};
	stream->data = malloc(ROOM);
	if (stream->data == NULL)
		fail(errno, "no memory for what is passed on");
}

void open_streams(struct streams *streams, int input)
{
	int merged = is_stream_socket(1) && is_same(1, 2);
	streams->count = 0;
	if (input && is_stream_socket(0))
		open_stream(streams, 0, 1);
	if (is_stream_socket(1))
		open_stream(streams, 1, 0);
	if (merged && dup2(1, 2) < 0)
		fail(errno, "standard error");
	if (is_stream_socket(2))
		open_stream(streams, 2, 0);
}

void keep_streams(struct streams *streams)
{
	/* A command that reads no more must not end us. */
	if (streams->count > 0 && signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fail(errno, "ignoring a signal");
	close(0);
	close(1);
	close(2);
}

/* Whoever is at the other end of either side learns of it. */
static void end_stream(struct stream *stream)
{
	close(stream->from);
	close(stream->to);
	stream->from = stream->to = -1;
}

static int must_wait(ssize_t done)
{
	return done < 0 && (errno == EAGAIN || errno == EINTR);
}

static void take(struct stream *stream, size_t most)
{
	ssize_t done = stream->input ? recv(stream->from, stream->data, most, MSG_DONTWAIT)
				     : read(stream->from, stream->data, most);
	if (must_wait(done))
		return;
	if (done <= 0)
		return end_stream(stream);
	stream->at = 0;
	stream->size = (size_t)done;
}

static void give(struct stream *stream)
{
	const char *data = stream->data + stream->at;
	ssize_t done = stream->input ? write(stream->to, data, stream->size)
				     : send(stream->to, data, stream->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (must_wait(done))
		return;
	if (done < 0)
		return end_stream(stream);
	stream->at += (size_t)done;
	stream->size -= (size_t)done;
}

/* What to wait for: room for what is held, or else more, and a reader that goes away. */
static int watches(const struct stream *stream, struct pollfd *polls)
{
	if (stream->from < 0)
		return 0;
	polls[0] = (struct pollfd){stream->to, stream->size > 0 ? POLLOUT : 0, 0};
	polls[1] = (struct pollfd){stream->from, POLLIN, 0};
	return stream->size > 0 ? 1 : 2;
}

static void step(struct stream *stream, const struct pollfd *polls, int count)
{
	if ((polls[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		return end_stream(stream);
	if (count == 2 && polls[1].revents != 0)
		take(stream, ROOM);
	if (stream->from >= 0 && stream->size > 0)
		give(stream);
}

void move_streams(struct streams *streams, int end)
{
	for (;;) {
		struct pollfd polls[7] = {{end, POLLIN, 0}};
		int used[3], count = 1;
		for (int at = 0; at < streams->count; at++)
			count += used[at] = watches(&streams->list[at], polls + count);
		if (poll(polls, (nfds_t)count, -1) < 0) {
			if (errno == EINTR)
				continue;
			fail(errno, "waiting for the command");
		}
		if (polls[0].revents != 0)
			return;
		for (int at = 0, from = 1; at < streams->count; from += used[at++])
			if (used[at] > 0)
				step(&streams->list[at], polls + from, used[at]);
	}
}

/* Takes and passes on without waiting. True while there is something left that nobody takes. */
static int empty_stream(struct stream *stream)
{
	while (stream->from >= 0) {
		if (stream->size == 0 && stream->left > 0) {
			take(stream, stream->left < ROOM ? stream->left : ROOM);
			stream->left -= stream->size;
		}
		if (stream->from < 0)
			return 0;
		size_t before = stream->size;
		if (before == 0)
			return end_stream(stream), 0;
		give(stream);
		if (stream->from >= 0 && stream->size == before)
			return 1;
	}
	return 0;
}

void finish_streams(struct streams *streams)
{
	for (int at = 0; at < streams->count; at++) {
		struct stream *stream = &streams->list[at];
		int waiting = 0;
		/* Somebody outside may have been given the pipe, and could write for ever. */
		if (stream->from >= 0 && !stream->input && ioctl(stream->from, FIONREAD, &waiting) == 0)
			stream->left = (size_t)waiting;
		else if (stream->from >= 0)
			end_stream(stream);
	}
	for (;;) {
		struct pollfd polls[3];
		nfds_t count = 0;
		for (int at = 0; at < streams->count; at++)
			if (empty_stream(&streams->list[at]))
				polls[count++] = (struct pollfd){streams->list[at].to, POLLOUT, 0};
		if (count == 0)
			return;
		if (poll(polls, count, -1) < 0 && errno != EINTR)
			fail(errno, "passing on what the command wrote");
	}
}
