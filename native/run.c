/*
 * `run`: three processes. The one that was started stays outside, in the caller's namespaces of
 * processes, and tells how it ends. Its child is the first process of a new namespace of processes:
 * it mounts, gives everything up, and from then on only reaps. The command is its child.
 *
 * Whichever of them is killed takes the rest with it, and with the last process go the mounts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "confine.h"
#include "groups.h"
#include "mounts.h"
#include "report.h"
#include "roles.h"
#include "spaces.h"
#include "streams.h"

/* Seen by all three until the command is executed. */
struct shared {
	volatile int started;
	const int *groups;
};

/* `alive` closes with the parent, so that one that ended before this is noticed. */
static void die_with_parent(int alive)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		fail(errno, "following the end of the parent");
	struct pollfd watch = {alive, 0, 0};
	if (poll(&watch, 1, 0) > 0)
		_exit(125);
}

static void become_command(const struct order *order, struct shared *shared)
{
	char why[256];
	setsid();
	/* By the command's own rights, and through no link that took the place of a directory. */
	int cwd = open_by(AT_FDCWD, order->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC, NO_SYMLINKS);
	if (cwd < 0 || fchdir(cwd) != 0)
		fail(errno, "the directory %s", order->cwd);
	set_limits(order);
	if (landlock_restrict(&order->landlock, why, sizeof why) != 0)
		fail(0, "%s", why);
	if (order->merge && dup2(1, 2) < 0)
		fail(errno, "standard error");
	/* The channel closes by itself when the command is executed. */
	if (close_from(CHANNEL + 1) != 0)
		fail(errno, "closing descriptors");
	load_filter(order);
	shared->started = 1;
	start_command(order);
}

/* Until the command ends; whatever it left behind is taken in, and dies with us. */
static int reap(pid_t command)
{
	for (;;) {
		int status;
		pid_t ended = waitpid(-1, &status, 0);
		if (ended < 0 && errno != EINTR)
			return 125;
		if (ended == command)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

/* `user` is the session's inner user namespace, -1 without one. */
static void be_first(const struct order *order, const struct caller *caller, int user, int alive, struct shared *shared)
{
	struct view view;
	die_with_parent(alive);
	join_groups(order, shared->groups);
	setsid();
	enter_root(&view);
	check_mounts(order);
	take_steps(&view, &order->late);
	if (order->pid_max != NULL)
		bound_pids(caller, order->pid_max);
	finish_root(&view, order);
	if (user >= 0)
		join_inner_user(user);
	else
		make_inner_user(caller);
	drop_rights();
	hide_process();
	/* A change of rights can take this back. */
	die_with_parent(alive);
	pid_t command = fork();
	if (command < 0)
		fail(errno, "a process for the command");
	if (command == 0)
		become_command(order, shared);
	/* Whoever waits for the end of the command's output must not wait for us. */
	close_from(0);
	_exit(reap(command));
}

static int follow(pid_t first, const struct shared *shared, struct streams *streams)
{
	int status;
	if (streams->count > 0) {
		int end = (int)syscall(CALL_PIDFD_OPEN, first, 0);
		if (end < 0)
			fail(errno, "watching the command");
		move_streams(streams, end);
	}
	while (waitpid(first, &status, 0) < 0)
		if (errno != EINTR)
			fail(errno, "waiting for the command");
	finish_streams(streams);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (shared->started)
		report_number("exit-code", code);
	return code;
}

int run(char **descriptors, int count)
{
	struct order order = {0};
	struct caller caller;
	struct streams streams;
	int alive[2], user = -1;
	die_with_parent(CHANNEL);
	note_caller(&caller);
	read_order(&order);
	if (order.command == NULL || order.cwd == NULL)
		fail(0, "there is no command, or no directory for it");
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe2(alive, O_CLOEXEC) != 0 || fcntl(CHANNEL, F_SETFD, FD_CLOEXEC) != 0)
		fail(errno, "preparing");
	open_streams(&streams, order.feed);
	shared->groups = open_groups(&order);
	if (count == 5) {
		user = atoi(descriptors[0]);
		join_spaces(atoi(descriptors[1]), atoi(descriptors[2]), atoi(descriptors[3]), atoi(descriptors[4]));
	} else {
		struct view view;
		make_spaces(&caller);
		build_root(&view, &order);
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC) != 0)
		fail(errno, "the namespaces of the command cannot be made");
	pid_t first = fork();
	if (first < 0)
		fail(errno, "the first process inside");
	if (first == 0) {
		close(alive[1]);
		be_first(&order, &caller, user, alive[0], shared);
	}
	report_number("child-pid", first);
	keep_streams(&streams);
	/* From here on it only passes bytes on. */
	drop_rights();
	hide_process();
	die_with_parent(CHANNEL);
	return follow(first, shared, &streams);
}
