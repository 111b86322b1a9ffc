/*
 * Pipes in place of the sockets that Node gives as a command's first three descriptors. A pipe can be
 * opened by name (`> /dev/stdout`), ends its writer when the reader is gone, and leads nowhere else.
 *
 * What is written is passed on by the process outside, while it waits for the end of the command.
 */
#ifndef CORDON_STREAMS_H
#define CORDON_STREAMS_H

#include <stddef.h>

struct stream {
	/* Where bytes come from and go to; -1 once it has ended. */
	int from, to;
	/* The socket is where they come from. */
	int input;
	/* Bytes still to be taken after the command's end. */
	size_t left;
	/* What was taken and not passed on yet. */
	size_t at, size;
	char *data;
};

struct streams {
	struct stream list[3];
	int count;
};

/*
 * Puts pipes in the place of standard output and standard error where those are sockets, one for both
 * where they are the same; and of standard input if `input`. To be called before the command's
 * processes are made: they get the pipes with the descriptors 0 to 2.
 */
void open_streams(struct streams *streams, int input);

/* In the process outside, which has no use for descriptors 0 to 2 any more. */
void keep_streams(struct streams *streams);

/* Passes bytes on until `end` can be read. */
void move_streams(struct streams *streams, int end);

/*
 * After the end of the command: passes on what it had written by then and closes everything. Waits for
 * a reader that does not read, but for nobody who still holds a pipe.
 */
void finish_streams(struct streams *streams);

#endif
