/*
 * Landlock for cordon-launcher: what `run` and `restrict` apply to themselves after the mounts and
 * before the system-call filter and execve.
 *
 *     struct landlock_rules rules = {0};
 *     for each word:  used = landlock_word(&rules, words + i, count - i, why, sizeof why);
 *                     used > 0: that many words were taken; 0: not a word of Landlock; -1: a fault
 *     last of all:    landlock_restrict(&rules, why, sizeof why) == 0, or do not exec
 *
 * Words, in the same NUL-separated list as the others:
 *
 *     --landlock ABI            the ABI that the plan was made for, 1 to LANDLOCK_NEWEST; no other
 *                               word of Landlock counts without it
 *     --landlock-read PATH      read, list, execute
 *     --landlock-write PATH     that, and every change, at and below PATH
 *     --landlock-edit PATH      read and execute, and change the content of files that exist
 *     --landlock-device PATH    read, write and control devices; make nothing
 *     --landlock-...-try PATH   the same; PATH may be absent
 *     --landlock-scope WHAT     `signal` or `abstract`: neither signals to processes outside, nor
 *                               their abstract sockets; needs ABI 6
 *     --landlock-tcp none       no TCP port can be bound or connected to; needs ABI 4
 *
 * PATH is absolute, as seen after the mounts, and leads through no symbolic link. Descriptors 0 to 2
 * may be opened again by name, each in the direction it was opened for.
 */
#ifndef CORDON_LANDLOCK_H
#define CORDON_LANDLOCK_H

#include <stddef.h>

/* The newest ABI whose rights are known here. A newer kernel is asked for these and no more. */
#define LANDLOCK_NEWEST 7

enum landlock_grant { LANDLOCK_READ, LANDLOCK_EDIT, LANDLOCK_DEVICE, LANDLOCK_WRITE };

struct landlock_path {
	const char *path;
	enum landlock_grant grant;
	int may_be_absent;
};

/* All zero: no Landlock. The strings belong to the caller and outlive it. */
struct landlock_rules {
	int abi;
	int scope_signal;
	int scope_abstract;
	int no_tcp;
	struct landlock_path *paths;
	size_t count;
};

/* The kernel's ABI; 0 where it has no Landlock, or has it switched off. */
int landlock_abi(void);

/*
 * Takes the words at `words[0]` that belong to Landlock. Returns how many, 0 for none, -1 for a
 * fault, with a line about it in `why`.
 */
int landlock_word(struct landlock_rules *rules, char *const *words, size_t left, char *why, size_t size);

/*
 * Sets no_new_privs and confines the calling thread, for ever and for all its children, to exactly
 * the rules. Everything that the ABI knows and no rule grants is denied.
 *
 * Returns 0, or -1 with a line in `why`; then some of it may hold already and nothing may be
 * executed. Without ABI in the rules it does nothing and returns 0.
 */
int landlock_restrict(const struct landlock_rules *rules, char *why, size_t size);

#endif
