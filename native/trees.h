/* Trees of mounts that are not yet anywhere, by descriptor. Every failure ends the launcher. */
#ifndef CORDON_TREES_H
#define CORDON_TREES_H

#include <stdint.h>

/* An absolute path, resolved below `top` and through no link; -1 and errno where it is not there. */
int find(int top, const char *path);

int is_directory(int fd);

/* A copy of the mounts at `source`, which is `path` and is closed, with more attributes. */
int copy_tree(int source, const char *path, uint64_t set);

/* A new file system. The list of options ends with a name that is NULL; a value of NULL is a flag. */
int make_fs(const char *type, const char *const options[][2], uint64_t attributes);

/* A writable layer over a directory of the outside. */
int overlay_tree(int outside, const char *lower_path, const char *upper_path, const char *work_path);

#endif
