/*
 * `probe WHAT...`: started inside a sandbox to find out what it stops. Each WHAT is tried once and
 * answered by one line, `WHAT ERRNO`, 0 for what worked. Whoever asks judges from outside.
 *
 *     write=PATH  outside=PATH  protected=PATH  read=PATH  connect=PATH  abstract=NAME  continue=PID
 *     datagrams  mount  user-namespace  mount-namespace  trace=PID
 *     processes     the number of processes in /proc, or -ERRNO
 *     rights        0 where no capability is left, 1 otherwise
 *     privileges    1 where no new ones can be had
 *     filter        2 where system calls are filtered
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "roles.h"

static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int try_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	int result = outcome(write(fd, "x", 1));
	close(fd);
	return result;
}

/* What is read goes to the output too: the one who asks knows what must not be in there. */
static int try_read(const char *path)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ssize_t length = read(fd, text, sizeof text - 1);
	int result = outcome(length);
	close(fd);
	if (length > 0) {
		text[length] = '\0';
		printf("content %s\n", text);
	}
	return result;
}

static int try_connect(const char *name, int abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	if (length + 1 >= sizeof address.sun_path)
		return ENAMETOOLONG;
	memcpy(address.sun_path + abstract, name, length);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	int result = outcome(connect(fd, (struct sockaddr *)&address, size));
	/* Some servers fill the whole of an abstract name with zeros. */
	if (result != 0 && abstract)
		result = outcome(connect(fd, (struct sockaddr *)&address, sizeof address));
	close(fd);
	return result;
}

static int try_datagrams(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static int count_processes(void)
{
	DIR *list = opendir("/proc");
	if (list == NULL)
		return -errno;
	int count = 0;
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
	closedir(list);
	return count;
}

static int has_rights(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct held[2];
	if (syscall(SYS_capget, &head, held) != 0)
		return 1;
	for (int half = 0; half < 2; half++)
		if (held[half].effective | held[half].permitted | held[half].inheritable)
			return 1;
	return 0;
}

static int try_one(const char *what, const char *value)
{
	static const char *const none = "none";
	if (strcmp(what, "write") == 0 || strcmp(what, "outside") == 0 || strcmp(what, "protected") == 0)
		return try_write(value);
	if (strcmp(what, "read") == 0)
		return try_read(value);
	if (strcmp(what, "connect") == 0 || strcmp(what, "abstract") == 0)
		return try_connect(value, what[0] == 'a');
	if (strcmp(what, "continue") == 0)
		return outcome(kill(atoi(value), SIGCONT));
	if (strcmp(what, "trace") == 0)
		return outcome(ptrace(PTRACE_SEIZE, atoi(value), NULL, NULL));
	if (strcmp(what, "datagrams") == 0)
		return try_datagrams();
	if (strcmp(what, "mount") == 0)
		return outcome(mount(none, "/tmp", "tmpfs", 0, NULL));
	if (strcmp(what, "user-namespace") == 0)
		return outcome(unshare(CLONE_NEWUSER));
	if (strcmp(what, "mount-namespace") == 0)
		return outcome(unshare(CLONE_NEWNS));
	if (strcmp(what, "processes") == 0)
		return count_processes();
	if (strcmp(what, "rights") == 0)
		return has_rights();
	if (strcmp(what, "privileges") == 0)
		return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	if (strcmp(what, "filter") == 0)
		return prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	return -EINVAL;
}

int probe(char **words, int count)
{
	for (int at = 0; at < count; at++) {
		char *value = strchr(words[at], '=');
		char what[32];
		size_t length = value == NULL ? strlen(words[at]) : (size_t)(value - words[at]);
		if (length >= sizeof what)
			return 64;
		memcpy(what, words[at], length);
		what[length] = '\0';
		int result = try_one(what, value == NULL ? "" : value + 1);
		printf("%s %d\n", what, result);
	}
	return 0;
}
