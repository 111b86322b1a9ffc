/* `restrict`: what a process can do to itself without namespaces, then the command. */
#define _GNU_SOURCE
#include "confine.h"
#include "landlock.h"
#include "report.h"
#include "roles.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int restrict_command(char **words, int count)
{
	struct order order = {0};
	char why[256];
	report_to_stderr();
	order_from_arguments(&order, words, count < 0 ? 0 : (size_t)count);
	if (order.command == NULL)
		fail(0, "there is no command");
	if (order.root != 0 || order.early.count + order.late.count > 0)
		fail(0, "nothing can be mounted without namespaces");
	if (order.variable_count == 0)
		order.environment = environ;
	if (order.cwd != NULL && chdir(order.cwd) != 0)
		fail(errno, "the directory %s", order.cwd);
	set_limits(&order);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fail(errno, "no_new_privs");
	if (landlock_restrict(&order.landlock, why, sizeof why) != 0)
		fail(0, "%s", why);
	load_filter(&order);
	start_command(&order);
}
