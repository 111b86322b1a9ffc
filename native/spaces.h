/* Namespaces: made once for a session, joined by each command. */
#ifndef CORDON_SPACES_H
#define CORDON_SPACES_H

#include <sys/types.h>

struct caller {
	uid_t uid;
	gid_t gid;
	/* The /proc of the outside, for the maps: it stays writable when all else inside is not. */
	int proc;
};

/* Call first of all. */
void note_caller(struct caller *caller);

/*
 * A user namespace in which the caller is root, with mounts, a network of `lo` only, a host name and
 * control groups of its own.
 */
void make_spaces(const struct caller *caller);

/*
 * One more user namespace in the current one, in which the caller has his own number again, nothing
 * is owned, and no further one can be made.
 */
void make_inner_user(const struct caller *caller);

/* Joins what `make_spaces` made and descriptors keep: the user namespace that owns the mounts first. */
void join_spaces(int net, int uts, int cgroup, int mounts);

void join_inner_user(int user);

/* Bounds the numbers of processes in the current namespace of processes (Linux 6.14). */
void bound_pids(const struct caller *caller, const char *most);

#endif
