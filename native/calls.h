/*
 * System calls that the C library of an older distribution does not name. The numbers are the same
 * on x86-64 and arm64.
 */
#ifndef CORDON_CALLS_H
#define CORDON_CALLS_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL_OPEN_TREE 428
#define CALL_MOVE_MOUNT 429
#define CALL_FSOPEN 430
#define CALL_FSCONFIG 431
#define CALL_FSMOUNT 432
#define CALL_PIDFD_OPEN 434
#define CALL_CLOSE_RANGE 436
#define CALL_OPENAT2 437
#define CALL_MOUNT_SETATTR 442

/* linux/mount.h */
#define TREE_CLONE 1u
#define TREE_CLOEXEC 02000000u
#define AT_EMPTY 0x1000u
#define AT_RECURSE 0x8000u
#define MOVE_FROM_EMPTY 0x4u
#define MOVE_TO_EMPTY 0x40u
#define FS_CLOEXEC 1u
#define FS_SET_FLAG 0u
#define FS_SET_STRING 1u
#define FS_CREATE 6u
#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define ATTR_NOEXEC 0x8u

/* linux/openat2.h */
#define NO_MAGIC_LINKS 0x02u
#define NO_SYMLINKS 0x04u
#define IN_ROOT 0x10u

struct mount_change {
	uint64_t set, clear, propagation, userns_fd;
};

struct open_rule {
	uint64_t flags, mode, resolve;
};

static inline int open_tree_at(int dir, const char *path, unsigned flags)
{
	return (int)syscall(CALL_OPEN_TREE, dir, path, flags);
}

static inline int move_mount_fd(int from, int to)
{
	return (int)syscall(CALL_MOVE_MOUNT, from, "", to, "", MOVE_FROM_EMPTY | MOVE_TO_EMPTY);
}

static inline int fs_open(const char *type)
{
	return (int)syscall(CALL_FSOPEN, type, FS_CLOEXEC);
}

static inline int fs_config(int fs, unsigned what, const char *key, const char *value)
{
	return (int)syscall(CALL_FSCONFIG, fs, what, key, value, 0);
}

static inline int fs_mount(int fs, unsigned attributes)
{
	return (int)syscall(CALL_FSMOUNT, fs, FS_CLOEXEC, attributes);
}

static inline int close_from(unsigned first)
{
	return (int)syscall(CALL_CLOSE_RANGE, first, ~0u, 0);
}

static inline int open_by(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_rule rule = {flags, 0, resolve};
	return (int)syscall(CALL_OPENAT2, dir, path, &rule, sizeof rule);
}

static inline int mount_change(int dir, const char *path, unsigned flags, uint64_t set, uint64_t clear)
{
	struct mount_change change = {set, clear, 0, 0};
	return (int)syscall(CALL_MOUNT_SETATTR, dir, path, flags, &change, sizeof change);
}

#endif
