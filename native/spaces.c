#define _GNU_SOURCE
#include "spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

void note_caller(struct caller *caller)
{
	*caller = (struct caller){getuid(), getgid(), open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	if (caller->proc < 0)
		fail(errno, "/proc");
}

static void put(const struct caller *caller, const char *path, const char *format, ...)
{
	char text[64];
	va_list rest;
	va_start(rest, format);
	int length = vsnprintf(text, sizeof text, format, rest);
	va_end(rest);
	int fd = openat(caller->proc, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)length) != length)
		fail(errno, "writing /proc/%s", path);
	close(fd);
}

static void map(const struct caller *caller, uid_t uid, uid_t outer_uid, gid_t gid, gid_t outer_gid)
{
	put(caller, "self/setgroups", "deny");
	put(caller, "self/uid_map", "%u %u 1\n", uid, outer_uid);
	put(caller, "self/gid_map", "%u %u 1\n", gid, outer_gid);
}

static void raise_loopback(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ask = {0};
	strcpy(ask.ifr_name, "lo");
	ask.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ask) != 0)
		fail(errno, "the loopback device");
	close(fd);
}

void make_spaces(const struct caller *caller)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP) != 0)
		fail(errno, "namespaces cannot be made");
	/* Pseudo-terminals need a root in the namespace that mounts them. */
	map(caller, 0, caller->uid, 0, caller->gid);
	raise_loopback();
}

void make_inner_user(const struct caller *caller)
{
	if (unshare(CLONE_NEWUSER) != 0)
		fail(errno, "the user namespace of the command cannot be made");
	map(caller, caller->uid, 0, caller->gid, 0);
	put(caller, "sys/user/max_user_namespaces", "0");
}

static void join(int fd, int type, const char *name)
{
	if (setns(fd, type) != 0)
		fail(errno, "joining the %s namespace of the session", name);
}

void join_spaces(int net, int uts, int cgroup, int mounts)
{
	int owner = ioctl(mounts, NS_GET_USERNS);
	if (owner < 0)
		fail(errno, "the owner of the session's mounts");
	join(owner, CLONE_NEWUSER, "user");
	close(owner);
	join(net, CLONE_NEWNET, "net");
	join(uts, CLONE_NEWUTS, "uts");
	join(cgroup, CLONE_NEWCGROUP, "cgroup");
	join(mounts, CLONE_NEWNS, "mount");
}

void join_inner_user(int user)
{
	join(user, CLONE_NEWUSER, "inner user");
}

void bound_pids(const struct caller *caller, const char *most)
{
	put(caller, "sys/kernel/pid_max", "%s", most);
}
