/*
 * cordon-launcher: builds the sandbox that a plan describes, and starts a command in it.
 *
 *     session     makes the namespaces that the commands of a session share, says so, and waits
 *     run N...    runs one command; with the descriptors of a session's namespaces, or alone
 *     alone       runs one command without namespaces: Landlock and a filter
 *     probe       tries from inside what a sandbox has to stop
 *     restrict    limits, Landlock and filter only, then the command
 *     version     what it understands, and the kernel's ABI of Landlock
 *
 * It is started by cordon, not by people; see docs/decisions/0013-native-launcher.md.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "landlock.h"
#include "roles.h"

int main(int count, char **words)
{
	const char *role = count > 1 ? words[1] : "";
	if (strcmp(role, "session") == 0 && count == 2)
		return session();
	if (strcmp(role, "run") == 0 && (count == 2 || count == 7))
		return run(words + 2, count - 2);
	if (strcmp(role, "probe") == 0)
		return probe(words + 2, count - 2);
	if (strcmp(role, "alone") == 0 && count == 2)
		return alone();
	if (strcmp(role, "restrict") == 0)
		return restrict_command(words + 2, count - 2);
	if (strcmp(role, "version") == 0)
		return dprintf(1, "cordon-launcher %d landlock %d\n", LAUNCHER_VERSION, landlock_abi()) > 0 ? 0 : 1;
	dprintf(2, "cordon-launcher: started by cordon, not by hand\n");
	return 64;
}
