/*
 * `session`: the namespaces are kept by whoever opens them in /proc; this process only holds them
 * until that is done, and is not seen by any command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "mounts.h"
#include "report.h"
#include "roles.h"
#include "spaces.h"

int session(void)
{
	struct order order = {0};
	struct caller caller;
	struct view view;
	char byte;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		fail(errno, "following the end of cordon");
	note_caller(&caller);
	read_order(&order);
	if (order.root == 0)
		fail(0, "no file system is asked for");
	make_spaces(&caller);
	build_root(&view, &order);
	make_inner_user(&caller);
	report_number("ready", getpid());
	/* Until the other end is closed. */
	while (read(CHANNEL, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}
