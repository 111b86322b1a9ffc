#define _GNU_SOURCE
#include "trees.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "report.h"

int find(int top, const char *path)
{
	const char *below = path[1] == '\0' ? "." : path + 1;
	return open_by(top, below, O_PATH | O_CLOEXEC | O_NOFOLLOW, NO_SYMLINKS | NO_MAGIC_LINKS | IN_ROOT);
}

int is_directory(int fd)
{
	struct stat stat;
	return fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode);
}

int copy_tree(int source, const char *path, uint64_t set)
{
	if (source < 0)
		fail(errno, "what is to be mounted, %s", path);
	int tree = open_tree_at(source, "", TREE_CLONE | TREE_CLOEXEC | AT_EMPTY | AT_RECURSE);
	if (tree < 0 || mount_change(tree, "", AT_EMPTY | AT_RECURSE, set, 0) != 0)
		fail(errno, "what is to be mounted, %s", path);
	close(source);
	return tree;
}

int make_fs(const char *type, const char *const options[][2], uint64_t attributes)
{
	int fs = fs_open(type);
	if (fs < 0)
		fail(errno, "a file system of type %s", type);
	for (; (*options)[0] != NULL; options++) {
		const char *value = (*options)[1];
		if (fs_config(fs, value == NULL ? FS_SET_FLAG : FS_SET_STRING, (*options)[0], value) != 0)
			fail(errno, "the option %s of %s", (*options)[0], type);
	}
	if (fs_config(fs, FS_CREATE, NULL, NULL) != 0)
		fail(errno, "a file system of type %s cannot be made", type);
	int tree = fs_mount(fs, (unsigned)attributes);
	if (tree < 0)
		fail(errno, "a file system of type %s cannot be mounted", type);
	close(fs);
	return tree;
}

int overlay_tree(int outside, const char *lower_path, const char *upper_path, const char *work_path)
{
	/* Opened without following links, then named by descriptor: the kernel takes only paths here. */
	int lower = find(outside, lower_path), upper = find(outside, upper_path);
	int work = find(outside, work_path);
	if (lower < 0 || upper < 0 || work < 0)
		fail(errno, "the parts of the layer over %s", lower_path);
	char paths[3][48];
	snprintf(paths[0], sizeof paths[0], "/proc/self/fd/%d", lower);
	snprintf(paths[1], sizeof paths[1], "/proc/self/fd/%d", upper);
	snprintf(paths[2], sizeof paths[2], "/proc/self/fd/%d", work);
	const char *const options[][2] = {
		{"lowerdir", paths[0]}, {"upperdir", paths[1]}, {"workdir", paths[2]},
		{"userxattr", NULL},    {"source", "overlay"},  {NULL, NULL},
	};
	int tree = make_fs("overlay", options, ATTR_NOSUID | ATTR_NODEV);
	close(lower);
	close(upper);
	close(work);
	return tree;
}
