/*
 * What the launcher is asked to do, as NUL-separated words. A word that is not known is a fault:
 * nothing that was asked for is left out.
 *
 *   the file system, in order; paths are absolute and lead through no symbolic link
 *     --root-bind                 begin with everything, read-only
 *     --root-empty                begin with nothing
 *     --ro-bind FROM TO           --bind FROM TO
 *     --tmpfs SIZE MODE TO        bytes, octal
 *     --symlink TARGET TO         --dev TO            --pts TO          --proc TO
 *     --mask-file TO              --mask-dir MODE TO  --seal TO
 *     --overlay LOWER UPPER WORK TO
 *     --stash FROM                keep FROM for a later --...-stash; numbered from 0
 *     --stash-overlay LOWER UPPER WORK
 *     --late                      the steps that follow are made anew for each command
 *     --ro-bind-here TO           --bind-here TO      what is at TO already, on itself
 *     --ro-bind-stash N TO        --bind-stash N TO
 *     --check PATH                refuse if no mount stands at PATH any more
 *
 *   the command
 *     --feed                      standard input is a socket made for this command: it gets a pipe
 *     --merge                     standard error goes where standard output goes
 *     --cwd DIR  --setenv NAME VALUE  --limit NAME VALUE  --group DIR  --pid-max N
 *     --landlock...               see landlock.h
 *     -- WORD...
 */
#ifndef CORDON_ORDER_H
#define CORDON_ORDER_H

#include <stddef.h>

#include "landlock.h"

enum step_kind {
	STEP_RO_BIND,
	STEP_BIND,
	STEP_TMPFS,
	STEP_SYMLINK,
	STEP_DEV,
	STEP_PTS,
	STEP_PROC,
	STEP_MASK_FILE,
	STEP_MASK_DIR,
	STEP_SEAL,
	STEP_OVERLAY,
	STEP_STASH,
	STEP_STASH_OVERLAY,
	STEP_RO_BIND_HERE,
	STEP_BIND_HERE,
	STEP_RO_BIND_STASH,
	STEP_BIND_STASH,
};

struct step {
	enum step_kind kind;
	const char *to;
	/* FROM, TARGET, LOWER, SIZE, MODE or N. */
	const char *one;
	/* UPPER or MODE. */
	const char *two;
	/* WORK. */
	const char *three;
};

struct steps {
	struct step *list;
	size_t count;
};

struct limit {
	int resource;
	unsigned long long value;
};

struct order {
	/* 'b' or 'e'; 0 = no file system of its own is asked for. */
	char root;
	struct steps early, late;
	const char **checks;
	size_t check_count;
	const char **groups;
	size_t group_count;
	struct limit limits[16];
	size_t limit_count;
	struct landlock_rules landlock;
	int feed, merge;
	const char *cwd;
	const char *pid_max;
	char **environment;
	size_t variable_count;
	/* Ends with NULL; NULL where there is no command. */
	char **command;
	/* Eight bytes an instruction; absent = no filter. */
	const void *filter;
	size_t filter_size;
};

/* Reads `u32 length, words, u32 length, filter` from the channel, little-endian. Never returns on a fault. */
void read_order(struct order *order);

/* The same from arguments, for `restrict`; `--seccomp FD` names where the filter comes from. */
void order_from_arguments(struct order *order, char **words, size_t count);

#endif
