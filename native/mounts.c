#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "calls.h"
#include "report.h"
#include "trees.h"

#define PROC_MAGIC 0x9fa0
/*
 * Where what is stashed waits for the late steps. The fresh /proc covers it for good: nobody inside
 * has a right in the namespace that owns the mounts. Unmounting would wait for all processors.
 */
#define STASH "/proc"

static int is_own(const struct view *view, int fd)
{
	struct stat stat;
	if (fstat(fd, &stat) != 0)
		return 0;
	for (int at = 0; at < view->own_count; at++)
		if (view->own[at] == stat.st_dev)
			return 1;
	return 0;
}

static void note_own(struct view *view, int tree)
{
	struct stat stat;
	/* Beyond the room of the list a mount point is not created, which is an error, not a hole. */
	if (fstat(tree, &stat) == 0 && view->own_count < (int)(sizeof view->own / sizeof *view->own))
		view->own[view->own_count++] = stat.st_dev;
}

/* Opens the directory above `path`, making what is missing in file systems of our own. */
static int open_above(struct view *view, const char *path, const char **name)
{
	int here = find(view->inside, "/");
	const char *at = path + 1;
	for (const char *slash; here >= 0 && (slash = strchr(at, '/')) != NULL; at = slash + 1) {
		char part[256];
		if ((size_t)(slash - at) >= sizeof part)
			fail(ENAMETOOLONG, "%s", path);
		memcpy(part, at, (size_t)(slash - at));
		part[slash - at] = '\0';
		int next = open_by(here, part, O_PATH | O_CLOEXEC | O_NOFOLLOW, NO_SYMLINKS);
		if (next < 0 && errno == ENOENT && is_own(view, here) && mkdirat(here, part, 0755) == 0)
			next = open_by(here, part, O_PATH | O_CLOEXEC | O_NOFOLLOW, NO_SYMLINKS);
		if (next < 0)
			fail(errno, "the mount point %s", path);
		close(here);
		here = next;
	}
	*name = at;
	return here;
}

/* Whether what is missing of a path would be made in a file system of our own. */
static int is_above_own(const struct view *view, const char *path)
{
	char above[4096];
	if (strlen(path) >= sizeof above)
		return 0;
	strcpy(above, path);
	for (char *slash; (slash = strrchr(above, '/')) != NULL;) {
		slash[slash == above] = '\0';
		int fd = find(view->inside, above);
		int own = fd >= 0 && is_own(view, fd);
		if (fd >= 0)
			close(fd);
		if (fd >= 0 || slash == above)
			return own;
	}
	return 0;
}

/* The mount point; created only where that leaves nothing on the machine. */
static int find_target(struct view *view, const char *path, int directory)
{
	int target = find(view->inside, path);
	if (target >= 0 || errno != ENOENT)
		return target;
	if (!is_above_own(view, path))
		return errno = ENOENT, -1;
	const char *name;
	int above = open_above(view, path, &name);
	if (directory)
		mkdirat(above, name, 0755);
	else
		close(openat(above, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
	close(above);
	return find(view->inside, path);
}

static void attach(struct view *view, int tree, const char *to)
{
	int target = find_target(view, to, is_directory(tree));
	if (target < 0 || move_mount_fd(tree, target) != 0)
		fail(errno, "mounting on %s", to);
	close(target);
	close(tree);
}

static void bind(struct view *view, int source, const char *path, int writable, const char *to)
{
	uint64_t set = ATTR_NOSUID | ATTR_NODEV | (writable ? 0 : ATTR_RDONLY);
	attach(view, copy_tree(source, path, set), to);
}

/* What stands at a path, on itself. */
static void bind_here(struct view *view, int writable, const char *to)
{
	int tree = copy_tree(find(view->inside, to), to, ATTR_NOSUID | ATTR_NODEV | (writable ? 0 : ATTR_RDONLY));
	/* Writable again inside what was made read-only here. What is read-only outside stays so: EPERM. */
	if (writable && mount_change(tree, "", AT_EMPTY, 0, ATTR_RDONLY) != 0 && errno != EPERM)
		fail(errno, "what is to be writable, %s", to);
	attach(view, tree, to);
}

static int make_tmpfs(struct view *view, const char *size, const char *mode, uint64_t attributes)
{
	const char *const options[][2] = {{"size", size}, {"mode", mode}, {"source", "tmpfs"}, {NULL, NULL}};
	int tree = make_fs("tmpfs", options, ATTR_NOSUID | ATTR_NODEV | attributes);
	note_own(view, tree);
	return tree;
}

static void mask_file(struct view *view, const char *to)
{
	/* A device on a mount without devices: opening it is refused, whoever asks. */
	int null = find(view->outside >= 0 ? view->outside : view->inside, "/dev/null");
	bind(view, null, "/dev/null", 0, to);
}

static void make_dev(struct view *view, const char *to)
{
	static const char *const NODES[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const LINKS[][2] = {
		{"/proc/self/fd", "fd"},      {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
		{"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},     {"pts/ptmx", "ptmx"},
	};
	attach(view, make_tmpfs(view, "65536", "0755", 0), to);
	int dev = find(view->inside, to);
	for (size_t at = 0; at < sizeof NODES / sizeof *NODES; at++) {
		char from[32];
		snprintf(from, sizeof from, "/dev/%s", NODES[at]);
		/* Devices have to work here, so this mount alone may hold one. */
		int node = copy_tree(find(view->outside, from), from, ATTR_NOSUID | ATTR_NOEXEC);
		int target = openat(dev, NODES[at], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
		if (target < 0 || move_mount_fd(node, target) != 0)
			fail(errno, "the device %s", from);
		close(target);
		close(node);
	}
	for (size_t at = 0; at < sizeof LINKS / sizeof *LINKS; at++)
		if (symlinkat(LINKS[at][0], dev, LINKS[at][1]) != 0)
			fail(errno, "%s/%s", to, LINKS[at][1]);
	if (mkdirat(dev, "pts", 0755) != 0 || mkdirat(dev, "shm", 0755) != 0)
		fail(errno, "%s/pts", to);
	close(dev);
}

static void make_link(struct view *view, const char *to, const char *target)
{
	const char *name;
	int above = open_above(view, to, &name);
	char there[4096];
	ssize_t length = readlinkat(above, name, there, sizeof there);
	if (length >= 0 && (size_t)length == strlen(target) && memcmp(there, target, (size_t)length) == 0)
		return;
	if (!is_own(view, above) || symlinkat(target, above, name) != 0)
		fail(errno == 0 ? EEXIST : errno, "the link %s", to);
	close(above);
}

/* Keeps a tree for a late step, under the next number. */
static void stash(struct view *view, int tree)
{
	if (view->stash < 0) {
		const char *const options[][2] = {{"size", "1048576"}, {"mode", "0700"}, {"source", "tmpfs"}, {NULL, NULL}};
		int place = make_fs("tmpfs", options, ATTR_NOSUID | ATTR_NODEV);
		int target = find_target(view, STASH, 1);
		if (target < 0 || move_mount_fd(place, target) != 0)
			fail(errno, "the place for what is mounted later");
		close(target);
		view->stash = place;
	}
	char name[16];
	snprintf(name, sizeof name, "%d", view->stash_count++);
	int made = is_directory(tree) ? mkdirat(view->stash, name, 0700)
				      : openat(view->stash, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	int target = openat(view->stash, name, O_PATH | O_CLOEXEC);
	if (made < 0 || target < 0 || move_mount_fd(tree, target) != 0)
		fail(errno, "keeping what is mounted later");
	if (made > 0)
		close(made);
	close(target);
	close(tree);
}

static int from_stash(struct view *view, const char *name)
{
	if (view->stash < 0)
		view->stash = find(view->inside, STASH);
	return open_by(view->stash, name, O_PATH | O_CLOEXEC, NO_SYMLINKS);
}

static void seal(struct view *view, const char *to)
{
	int target = find(view->inside, to);
	if (target < 0 || mount_change(target, "", AT_EMPTY, ATTR_RDONLY, 0) != 0)
		fail(errno, "closing %s", to);
	close(target);
}

static void take_step(struct view *view, const struct step *step)
{
	static const char *const NONE[][2] = {{NULL, NULL}};
	static const char *const PTS[][2] = {{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "620"}, {NULL, NULL}};
	const char *to = step->to;
	switch (step->kind) {
	case STEP_RO_BIND:
	case STEP_BIND:
		return bind(view, find(view->outside, step->one), step->one, step->kind == STEP_BIND, to);
	case STEP_RO_BIND_HERE:
	case STEP_BIND_HERE:
		return bind_here(view, step->kind == STEP_BIND_HERE, to);
	case STEP_RO_BIND_STASH:
	case STEP_BIND_STASH:
		return bind(view, from_stash(view, step->one), to, step->kind == STEP_BIND_STASH, to);
	case STEP_TMPFS:
		return attach(view, make_tmpfs(view, step->one, step->two, 0), to);
	case STEP_MASK_DIR:
		return attach(view, make_tmpfs(view, "65536", step->one, ATTR_NOEXEC), to);
	case STEP_MASK_FILE:
		return mask_file(view, to);
	case STEP_SYMLINK:
		return make_link(view, to, step->one);
	case STEP_DEV:
		return make_dev(view, to);
	case STEP_PTS:
		return attach(view, make_fs("devpts", PTS, ATTR_NOSUID | ATTR_NOEXEC), to);
	case STEP_PROC:
		return attach(view, make_fs("proc", NONE, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC), to);
	case STEP_SEAL:
		return seal(view, to);
	case STEP_OVERLAY:
		return attach(view, overlay_tree(view->outside, step->one, step->two, step->three), to);
	case STEP_STASH:
		return stash(view, copy_tree(find(view->outside, to), to, ATTR_NOSUID | ATTR_NODEV));
	case STEP_STASH_OVERLAY:
		return stash(view, overlay_tree(view->outside, step->one, step->two, to));
	}
	fail(0, "a step of an unknown kind");
}

void take_steps(struct view *view, const struct steps *steps)
{
	for (size_t at = 0; at < steps->count; at++)
		take_step(view, &steps->list[at]);
}

/* The late steps find mount points of their own in what is made once. */
static void prepare_late(struct view *view, const struct steps *late)
{
	for (size_t at = 0; at < late->count; at++) {
		enum step_kind kind = late->list[at].kind;
		if (kind != STEP_TMPFS && kind != STEP_PROC && kind != STEP_PTS && kind != STEP_MASK_DIR)
			continue;
		int point = find_target(view, late->list[at].to, 1);
		if (point >= 0)
			close(point);
	}
}

static int new_root(struct view *view, char kind)
{
	if (kind == 'b')
		return copy_tree(find(view->outside, "/"), "/", ATTR_NOSUID | ATTR_NODEV | ATTR_RDONLY);
	return make_tmpfs(view, "1048576", "0755", 0);
}

void build_root(struct view *view, const struct order *order)
{
	*view = (struct view){-1, -1, {0}, 0, -1, 0};
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		fail(errno, "making the mounts private");
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	view->outside = old;
	int root = new_root(view, order->root);
	if (old < 0 || move_mount_fd(root, old) != 0)
		fail(errno, "the new root");
	view->inside = root;
	if (order->root == 'e')
		/* The kernel mounts a fresh /proc only where one is visible already. */
		bind(view, find(old, "/proc"), "/proc", 0, "/proc");
	take_steps(view, &order->early);
	prepare_late(view, &order->late);
	/* With both at the same place the old root comes to lie on top, and is taken away. */
	if (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ||
	    chdir("/") != 0)
		fail(errno, "leaving the old root");
	close(old);
	view->outside = -1;
}

void enter_root(struct view *view)
{
	*view = (struct view){-1, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), {0}, 0, -1, 0};
	if (view->inside < 0)
		fail(errno, "the root inside");
}

void finish_root(struct view *view, const struct order *order)
{
	const struct steps *late = &order->late;
	int wanted = 0;
	/* Nothing may come after it: it is what covers the stash. */
	for (size_t at = 0; at < late->count; at++)
		wanted = late->list[at].kind == STEP_PROC || (wanted && late->list[at].kind == STEP_SEAL);
	close(view->inside);
	if (view->stash >= 0)
		close(view->stash);
	struct statfs what;
	char self[8] = "";
	/* The first process of its own namespace, seen in a /proc of that namespace, is number 1. */
	if (!wanted || statfs("/proc", &what) != 0 || what.f_type != PROC_MAGIC ||
	    readlink("/proc/self", self, sizeof self - 1) != 1 || self[0] != '1')
		fail(0, "there is no /proc of its own");
}

void check_mounts(const struct order *order)
{
	for (size_t at = 0; at < order->check_count; at++) {
		struct statx seen;
		const char *path = order->checks[at];
		if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &seen) != 0 ||
		    (seen.stx_attributes_mask & seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
			fail_stale(path);
	}
}
