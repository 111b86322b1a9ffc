/* See landlock.h. No header of the kernel is needed: one that is older than the kernel would lack rights. */
#define _GNU_SOURCE
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every processor. */
#define CALL_CREATE_RULESET 444
#define CALL_ADD_RULE 445
#define CALL_RESTRICT_SELF 446

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

/* LANDLOCK_ACCESS_FS_*, with the ABI that brought each. */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_BLOCK = 1 << 11,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,     /* 2 */
	TRUNCATE = 1 << 14,  /* 3 */
	IOCTL_DEV = 1 << 15, /* 5 */
};

#define FIRST_RIGHTS ((1 << 13) - 1)
#define RIGHTS_OF_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

#define TCP_BIND 1
#define TCP_CONNECT 2
#define SCOPE_ABSTRACT 1
#define SCOPE_SIGNAL 2

struct ruleset_attr {
	uint64_t rights_of_files;
	uint64_t rights_of_ports;
	uint64_t scopes;
};

struct beneath_attr {
	uint64_t rights;
	int32_t parent;
} __attribute__((packed));

static uint64_t rights_known(int abi)
{
	uint64_t rights = FIRST_RIGHTS;
	if (abi >= 2)
		rights |= REFER;
	if (abi >= 3)
		rights |= TRUNCATE;
	if (abi >= 5)
		rights |= IOCTL_DEV;
	return rights;
}

/* Devices are never made: even the one kind that needs no right marks a deletion in an overlay. */
static uint64_t rights_granted(enum landlock_grant grant)
{
	const uint64_t read = EXECUTE | READ_FILE | READ_DIR;
	switch (grant) {
	case LANDLOCK_READ:
		return read;
	case LANDLOCK_EDIT:
		return read | WRITE_FILE | TRUNCATE;
	case LANDLOCK_DEVICE:
		return READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | IOCTL_DEV;
	case LANDLOCK_WRITE:
		return read | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG |
		       MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER;
	}
	return 0;
}

int landlock_abi(void)
{
	long abi = syscall(CALL_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	return abi > 0 ? (int)abi : 0;
}

static int fault(char *why, size_t size, const char *what, const char *detail)
{
	snprintf(why, size, "Landlock: %s%s%s", what, *detail ? ": " : "", detail);
	return -1;
}

static int add_path(struct landlock_rules *rules, struct landlock_path path, char *why, size_t size)
{
	/* Grown at every power of two, so that no second counter is needed. */
	if ((rules->count & (rules->count - 1)) == 0) {
		size_t room = rules->count == 0 ? 1 : rules->count * 2;
		struct landlock_path *paths = realloc(rules->paths, room * sizeof *paths);
		if (paths == NULL)
			return fault(why, size, "no memory for its rules", "");
		rules->paths = paths;
	}
	rules->paths[rules->count++] = path;
	return 2;
}

static int path_word(struct landlock_rules *rules, const char *kind, const char *value, char *why,
		     size_t size)
{
	static const struct {
		const char *name;
		enum landlock_grant grant;
	} grants[] = {
		{"read", LANDLOCK_READ},
		{"edit", LANDLOCK_EDIT},
		{"device", LANDLOCK_DEVICE},
		{"write", LANDLOCK_WRITE},
	};
	for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
		size_t length = strlen(grants[i].name);
		if (strncmp(kind, grants[i].name, length) != 0)
			continue;
		int try = strcmp(kind + length, "-try") == 0;
		if (kind[length] != '\0' && !try)
			continue;
		if (value[0] != '/')
			return fault(why, size, "a path is not absolute", value);
		return add_path(rules, (struct landlock_path){value, grants[i].grant, try}, why, size);
	}
	return fault(why, size, "an unknown word", kind);
}

int landlock_word(struct landlock_rules *rules, char *const *words, size_t left, char *why, size_t size)
{
	static const char prefix[] = "--landlock";
	if (left == 0 || strncmp(words[0], prefix, sizeof prefix - 1) != 0)
		return 0;
	const char *kind = words[0] + sizeof prefix - 1;
	if (left < 2)
		return fault(why, size, "a word without a value", words[0]);
	const char *value = words[1];
	if (*kind == '\0') {
		char *end;
		long abi = strtol(value, &end, 10);
		if (*end != '\0' || abi < 1 || abi > LANDLOCK_NEWEST)
			return fault(why, size, "an ABI that is not known here", value);
		rules->abi = (int)abi;
		return 2;
	}
	if (*kind != '-')
		return fault(why, size, "an unknown word", words[0]);
	kind++;
	if (strcmp(kind, "scope") == 0 && strcmp(value, "signal") == 0)
		return rules->scope_signal = 1, 2;
	if (strcmp(kind, "scope") == 0 && strcmp(value, "abstract") == 0)
		return rules->scope_abstract = 1, 2;
	if (strcmp(kind, "tcp") == 0 && strcmp(value, "none") == 0)
		return rules->no_tcp = 1, 2;
	return path_word(rules, kind, value, why, size);
}

/* Adds one path. A link on the way is refused: the plan names what it resolved itself. */
/*
 * Opens an absolute path part by part, through no symbolic link. Not by openat2: inside bubblewrap the
 * filter, which refuses that, holds already.
 */
static int open_without_links(const char *path)
{
	int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (const char *at = path + strspn(path, "/"); here >= 0 && *at != '\0'; at += strspn(at, "/")) {
		char part[256];
		size_t length = strcspn(at, "/");
		struct stat stat;
		int next = -1;
		errno = ENAMETOOLONG;
		if (length < sizeof part) {
			memcpy(part, at, length);
			part[length] = '\0';
			next = openat(here, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		}
		/* O_PATH opens the link itself. */
		if (next >= 0 && (fstat(next, &stat) != 0 || S_ISLNK(stat.st_mode))) {
			close(next);
			next = -1;
			errno = ELOOP;
		}
		int error = errno;
		close(here);
		errno = error;
		here = next;
		at += length;
	}
	return here;
}

static int apply_path(int ruleset, const struct landlock_path *path, uint64_t known, char *why, size_t size)
{
	int fd = open_without_links(path->path);
	if (fd < 0) {
		int error = errno;
		if ((error == ENOENT || error == ENOTDIR) && path->may_be_absent)
			return 0;
		char line[160];
		snprintf(line, sizeof line, "no rule can be made (%s) for", strerror(error));
		return fault(why, size, line, path->path);
	}
	struct stat stat;
	struct beneath_attr rule = {rights_granted(path->grant) & known, fd};
	int done = fstat(fd, &stat);
	if (done == 0 && !S_ISDIR(stat.st_mode))
		rule.rights &= RIGHTS_OF_FILES;
	if (done == 0)
		done = (int)syscall(CALL_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
	int error = errno;
	close(fd);
	if (done == 0)
		return 0;
	char line[160];
	snprintf(line, sizeof line, "a rule is refused (%s) for", strerror(error));
	return fault(why, size, line, path->path);
}

/*
 * The first three descriptors stay usable by name (`> /dev/stderr`) where they lead to a file or a
 * terminal: each in the direction it was opened for, and no other.
 */
static void apply_streams(int ruleset, uint64_t known)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat stat;
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0 || (flags & O_PATH) != 0 || fstat(fd, &stat) != 0)
			continue;
		if (!S_ISREG(stat.st_mode) && !S_ISCHR(stat.st_mode))
			continue;
		struct beneath_attr rule = {0, fd};
		if ((flags & O_ACCMODE) != O_WRONLY)
			rule.rights |= READ_FILE;
		if ((flags & O_ACCMODE) != O_RDONLY)
			rule.rights |= WRITE_FILE | TRUNCATE;
		if (S_ISCHR(stat.st_mode))
			rule.rights |= IOCTL_DEV;
		rule.rights &= known;
		/* A descriptor that takes no rule is used as it is; nothing is opened by it then. */
		syscall(CALL_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
	}
}

/* What the rules ask for and the ABI cannot give is a fault, never a silent loss. */
static int check(const struct landlock_rules *rules, char *why, size_t size)
{
	int kernel = landlock_abi();
	char line[120];
	snprintf(line, sizeof line, "the plan needs ABI %d, the kernel has %d", rules->abi, kernel);
	if (rules->abi > kernel || rules->abi > LANDLOCK_NEWEST)
		return fault(why, size, line, "");
	if (rules->abi < 6 && (rules->scope_signal || rules->scope_abstract))
		return fault(why, size, "scopes need ABI 6", "");
	if (rules->abi < 4 && rules->no_tcp)
		return fault(why, size, "TCP needs ABI 4", "");
	return 0;
}

int landlock_restrict(const struct landlock_rules *rules, char *why, size_t size)
{
	if (rules->abi == 0 && rules->count == 0 && !rules->scope_signal && !rules->scope_abstract &&
	    !rules->no_tcp)
		return 0;
	if (rules->abi == 0)
		return fault(why, size, "rules without an ABI", "");
	if (check(rules, why, size) != 0)
		return -1;
	const struct ruleset_attr attr = {
		rights_known(rules->abi),
		rules->no_tcp ? TCP_BIND | TCP_CONNECT : 0,
		(rules->scope_signal ? SCOPE_SIGNAL : 0) | (rules->scope_abstract ? SCOPE_ABSTRACT : 0),
	};
	int ruleset = (int)syscall(CALL_CREATE_RULESET, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return fault(why, size, "no set of rules can be made", strerror(errno));
	for (size_t i = 0; i < rules->count; i++) {
		if (apply_path(ruleset, &rules->paths[i], attr.rights_of_files, why, size) != 0) {
			close(ruleset);
			return -1;
		}
	}
	apply_streams(ruleset, attr.rights_of_files);
	int done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (done == 0)
		done = (int)syscall(CALL_RESTRICT_SELF, ruleset, 0);
	int error = errno;
	close(ruleset);
	return done == 0 ? 0 : fault(why, size, "the rules cannot be applied", strerror(error));
}
