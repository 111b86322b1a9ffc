#define _GNU_SOURCE
#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

void drop_rights(void)
{
	unsigned long right = 0;
	while (prctl(PR_CAPBSET_DROP, right, 0, 0, 0) == 0)
		right++;
	/* Beyond the last one that the kernel knows. */
	if (errno != EINVAL || right <= CAP_BLOCK_SUSPEND)
		fail(errno, "giving up the capability %lu", right);
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}}, left[2];
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	    syscall(SYS_capset, &head, none) != 0 || syscall(SYS_capget, &head, left) != 0)
		fail(errno, "giving up capabilities");
	if (left[0].permitted != 0 || left[1].permitted != 0)
		fail(0, "capabilities are left");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fail(errno, "no_new_privs");
}

void hide_process(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		fail(errno, "closing the launcher to others");
}

void set_limits(const struct order *order)
{
	for (size_t at = 0; at < order->limit_count; at++) {
		const struct limit *limit = &order->limits[at];
		struct rlimit both = {limit->value, limit->value};
		/* One second in which the signal that tells of it comes before the kill that does not. */
		if (limit->resource == RLIMIT_CPU)
			both.rlim_max += 1;
		if (setrlimit((__rlimit_resource_t)limit->resource, &both) != 0)
			fail(errno, "a limit (%d) to %llu", limit->resource, limit->value);
	}
}

void load_filter(const struct order *order)
{
	if (order->filter == NULL)
		return;
	if (order->filter_size % sizeof(struct sock_filter) != 0 || order->filter_size / sizeof(struct sock_filter) > 4096)
		fail(0, "the filter has a wrong length");
	struct sock_fprog program = {(unsigned short)(order->filter_size / sizeof(struct sock_filter)),
				     (struct sock_filter *)order->filter};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		fail(errno, "loading the filter of system calls");
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		fail(0, "the filter of system calls is not in force");
}

void start_command(const struct order *order)
{
	char **argv = order->command;
	environ = order->environment;
	execvp(argv[0], argv);
	int error = errno;
	dprintf(2, "cordon: %s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}
