/*
 * The file system inside, built by descriptors: a path is resolved once, through no symbolic link,
 * and a mount is given its attributes before anybody can reach it.
 */
#ifndef CORDON_MOUNTS_H
#define CORDON_MOUNTS_H

#include "order.h"

struct view {
	/* Where sources are looked up; -1 once there is nothing outside any more. */
	int outside;
	/* Top of what is being built. */
	int inside;
	/* Devices of the file systems made here: only in these are mount points created. */
	unsigned long long own[64];
	int own_count;
	/* A tmpfs that holds what --stash kept; -1 without. */
	int stash;
	int stash_count;
};

/*
 * In a mount namespace of our own: makes it private, builds the early steps and makes the result the
 * root. What was outside cannot be reached afterwards, but for what was stashed.
 */
void build_root(struct view *view, const struct order *order);

/* In a copy of a namespace that `build_root` left: a view for the late steps. */
void enter_root(struct view *view);

void take_steps(struct view *view, const struct steps *steps);

/* Proves that /proc is ours and covers the stash; after this the view is not used again. */
void finish_root(struct view *view, const struct order *order);

/* Refuses if a mount that was made earlier is not where it was made. */
void check_mounts(const struct order *order);

#endif
