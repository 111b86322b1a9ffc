/*
 * `alone`: a command without namespaces, held by Landlock and a filter only. One process stays
 * outside and ends everything the command started, when the command ends or when it is told to.
 *
 * It ends with SIGTERM; killed with SIGKILL it leaves behind what the command's children started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "confine.h"
#include "groups.h"
#include "landlock.h"
#include "report.h"
#include "roles.h"
#include "streams.h"

static const int HEARD[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

#define CHILDREN "/proc/thread-self/children"

/* `alive` tells of a parent that ended before this was asked for. */
static void on_end_of_parent(int signal, int alive)
{
	if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0)
		fail(errno, "following the end of the parent");
	struct pollfd watch = {alive, 0, 0};
	if (poll(&watch, 1, 0) > 0)
		_exit(125);
}

/* Kills our children, the adopted ones too; theirs become ours in turn. */
static void kill_children(void)
{
	FILE *list = fopen(CHILDREN, "re");
	int pid;
	if (list == NULL)
		return;
	while (fscanf(list, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(list);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Takes in what has ended. False when nothing is left. */
static int reap(pid_t command, int *code)
{
	int status;
	pid_t ended;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
		if (ended == command)
			*code = code_of(status);
	return ended == 0 || errno == EINTR;
}

static void end_all(pid_t command, int *code)
{
	const struct timespec pause = {0, 500 * 1000};
	for (kill_children(); reap(command, code); kill_children())
		nanosleep(&pause, NULL);
}

static int supervise(pid_t command, int signals, struct streams *streams)
{
	int code = -1;
	while (code < 0) {
		struct signalfd_siginfo what;
		move_streams(streams, signals);
		if (read(signals, &what, sizeof what) != sizeof what)
			continue;
		if (what.ssi_signo != SIGCHLD)
			break;
		reap(command, &code);
	}
	end_all(command, &code);
	finish_streams(streams);
	return code;
}

static void become_command(const struct order *order, int alive, volatile int *started)
{
	char why[256];
	sigset_t none;
	sigemptyset(&none);
	on_end_of_parent(SIGKILL, alive);
	setsid();
	int cwd = open_by(AT_FDCWD, order->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC, NO_SYMLINKS);
	if (cwd < 0 || fchdir(cwd) != 0)
		fail(errno, "the directory %s", order->cwd);
	set_limits(order);
	if (landlock_restrict(&order->landlock, why, sizeof why) != 0)
		fail(0, "%s", why);
	if (close_from(CHANNEL + 1) != 0)
		fail(errno, "closing descriptors");
	sigprocmask(SIG_SETMASK, &none, NULL);
	load_filter(order);
	*started = 1;
	start_command(order);
}

/* Without capabilities the bounding set cannot be given up, and need not: no_new_privs holds it. */
static void drop_rights_if_any(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct held[2];
	if (syscall(SYS_capget, &head, held) != 0)
		fail(errno, "asking for capabilities");
	if (held[0].permitted != 0 || held[1].permitted != 0)
		drop_rights();
	else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		fail(errno, "no_new_privs");
}

static void check_order(const struct order *order)
{
	if (order->command == NULL || order->cwd == NULL)
		fail(0, "there is no command, or no directory for it");
	if (order->root != 0 || order->early.count + order->late.count > 0)
		fail(0, "nothing can be mounted without namespaces");
	if (order->landlock.abi == 0 || order->filter == NULL)
		fail(0, "without namespaces both Landlock and a filter are needed");
	if (access(CHILDREN, R_OK) != 0)
		fail(errno, "the kernel does not list the children of a process");
}

int alone(void)
{
	struct order order = {0};
	struct streams streams;
	sigset_t signals;
	int alive[2];
	on_end_of_parent(SIGTERM, CHANNEL);
	read_order(&order);
	check_order(&order);
	volatile int *started =
		mmap(NULL, sizeof *started, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (started == MAP_FAILED || pipe2(alive, O_CLOEXEC) != 0 || fcntl(CHANNEL, F_SETFD, FD_CLOEXEC) != 0)
		fail(errno, "preparing");
	open_streams(&streams, order.feed);
	join_groups(&order, open_groups(&order));
	sigemptyset(&signals);
	for (size_t at = 0; at < sizeof HEARD / sizeof *HEARD; at++)
		sigaddset(&signals, HEARD[at]);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		fail(errno, "preparing to take in processes");
	drop_rights_if_any();
	hide_process();
	/* A change of rights can take this back. */
	on_end_of_parent(SIGTERM, CHANNEL);
	pid_t command = fork();
	if (command < 0)
		fail(errno, "a process for the command");
	if (command == 0) {
		close(alive[1]);
		become_command(&order, alive[0], started);
	}
	keep_streams(&streams);
	int heard = signalfd(-1, &signals, SFD_CLOEXEC);
	if (heard < 0)
		fail(errno, "hearing of the end of the command");
	int code = supervise(command, heard, &streams);
	if (*started)
		report_number("exit-code", code < 0 ? 128 + SIGKILL : code);
	return code < 0 ? 128 + SIGKILL : code;
}
