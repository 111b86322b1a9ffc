#define _GNU_SOURCE
#include "groups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report.h"

int *open_groups(const struct order *order)
{
	int *groups = calloc(order->group_count + 1, sizeof *groups);
	if (groups == NULL)
		fail(errno, "no memory for the control groups");
	for (size_t at = 0; at < order->group_count; at++) {
		char path[4096];
		if ((size_t)snprintf(path, sizeof path, "%s/cgroup.procs", order->groups[at]) >= sizeof path)
			fail(ENAMETOOLONG, "the control group");
		groups[at] = open(path, O_WRONLY | O_CLOEXEC);
		if (groups[at] < 0)
			fail(errno, "the control group %s", order->groups[at]);
	}
	return groups;
}

void join_groups(const struct order *order, const int *groups)
{
	for (size_t at = 0; at < order->group_count; at++) {
		/* 0 is whoever writes. */
		if (write(groups[at], "0", 1) != 1)
			fail(errno, "entering the control group %s", order->groups[at]);
		close(groups[at]);
	}
}
