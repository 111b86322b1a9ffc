import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, type Stage, WHO, compile, openStage } from "./stage.ts";

let stage: Stage;
let probe: string | undefined;
let abi: string | undefined;
beforeAll(async () => {
  stage = await openStage();
  probe = compile(stage, "calls", CALLS);
  if (process.arch === "x64") abi = compile(stage, "abi", ABI);
});
afterAll(() => stage.close());

/** Makes one system call and prints what the kernel said: 0 or the name of the error. */
const CALLS = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static void say(const char *n, long r) { printf("%s %s\\n", n, r < 0 ? strerrorname_np(errno) : "ok"); fflush(stdout); }
static long c(long n, long a, long b, long d, long e, long f) { return syscall(n, a, b, d, e, f); }
int main(void) {
  char buf[512] = {0}; struct timespec now; clock_gettime(CLOCK_REALTIME, &now);
  say("unshare-user", c(SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0));
  say("unshare-mount", c(SYS_unshare, CLONE_NEWNS, 0, 0, 0, 0));
  say("unshare-time", c(SYS_unshare, 0x80, 0, 0, 0, 0));
  say("unshare-high-bits", c(SYS_unshare, 0x100000000L | CLONE_NEWUSER, 0, 0, 0, 0));
  say("unshare-files", c(SYS_unshare, CLONE_FILES, 0, 0, 0, 0));
  long p = c(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); if (p == 0) _exit(0); say("clone-user", p);
  say("clone3", c(SYS_clone3, (long)buf, 88, 0, 0, 0));
  say("setns", c(SYS_setns, open("/proc/self/ns/mnt", O_RDONLY), 0, 0, 0, 0));
  say("mount", c(SYS_mount, (long)"x", (long)"/mnt", (long)"tmpfs", 0, 0));
  say("umount", c(SYS_umount2, (long)"/proc", MNT_DETACH, 0, 0, 0));
  say("pivot_root", c(SYS_pivot_root, (long)"/", (long)"/", 0, 0, 0));
  say("open_tree", c(SYS_open_tree, AT_FDCWD, (long)"/", 1, 0, 0));
  say("fsopen", c(SYS_fsopen, (long)"tmpfs", 0, 0, 0, 0));
  say("mount_setattr", c(442, AT_FDCWD, (long)"/", 0, (long)buf, 32));
  int m; say("name_to_handle_at", c(SYS_name_to_handle_at, AT_FDCWD, (long)"/", (long)buf, (long)&m, 0));
  say("open_by_handle_at", c(SYS_open_by_handle_at, AT_FDCWD, (long)buf, 0, 0, 0));
  say("keyctl", c(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1, 0, 0));
  say("add_key", c(SYS_add_key, (long)"user", (long)"cordon-test", (long)"x", 1, KEY_SPEC_PROCESS_KEYRING));
  say("request_key", c(SYS_request_key, (long)"user", (long)"cordon-test", 0, KEY_SPEC_PROCESS_KEYRING, 0));
  say("bpf", c(SYS_bpf, 0, (long)buf, 64, 0, 0));
  say("perf_event_open", c(SYS_perf_event_open, (long)buf, 0, -1, -1, 0));
  say("userfaultfd", c(SYS_userfaultfd, 1, 0, 0, 0, 0));
  say("io_uring_setup", c(SYS_io_uring_setup, 1, (long)buf, 0, 0, 0));
  say("kexec_load", c(SYS_kexec_load, 0, 0, 0, 0, 0));
  say("finit_module", c(SYS_finit_module, -1, (long)"", 0, 0, 0));
  say("delete_module", c(SYS_delete_module, (long)"nothing", 0, 0, 0, 0));
  say("clock_settime", c(SYS_clock_settime, 99, (long)&now, 0, 0, 0));
  say("sethostname", c(SYS_sethostname, (long)"evil", 4, 0, 0, 0));
  say("reboot", c(SYS_reboot, 1, 2, 3, 0, 0));
  say("syslog", c(SYS_syslog, 3, (long)buf, 100, 0, 0));
  say("swapon", c(SYS_swapon, (long)"/none", 0, 0, 0, 0));
  say("unknown", c(4000, 0, 0, 0, 0, 0));
  int fams[] = {1, 2, 10, 16, 17, 38, 40, 29, 44, 30, 21};
  for (int i = 0; i < 11; i++) { sprintf(buf, "socket-%d", fams[i]); int s = socket(fams[i], fams[i] == 16 || fams[i] == 17 || fams[i] == 29 ? SOCK_RAW : fams[i] == 38 || fams[i] == 21 ? SOCK_SEQPACKET : fams[i] == 30 ? SOCK_STREAM : fams[i] == 44 ? SOCK_RAW : fams[i] == 40 ? SOCK_STREAM : SOCK_DGRAM, 0); say(buf, s); }
  say("netlink-generic", socket(AF_NETLINK, SOCK_RAW, 16));
  int sp[2]; say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, sp));
  int pt = posix_openpt(O_RDWR | O_NOCTTY); grantpt(pt); unlockpt(pt); int sl = open(ptsname(pt), O_RDWR | O_NOCTTY);
  say("tiocsti", ioctl(sl, 0x5412, "x")); say("tiocsti-high-bits", syscall(SYS_ioctl, sl, 0x100005412L, "x")); say("tioclinux", ioctl(sl, 0x541c, "x"));
  struct winsize w; say("winsize", ioctl(sl, TIOCGWINSZ, &w));
  return 0;
}`;

/** Calls by another ABI: int 0x80, and x32 numbers. The filter has to kill, not answer. */
const ABI = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int c, char **v) {
  long r;
  if (strcmp(v[1], "i386") == 0) __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L));
  else r = syscall(0x40000000 + 39);
  printf("answered %ld\\n", r);
  return 0;
}`;

const EPERM = [
  ..."unshare-user unshare-mount unshare-time unshare-high-bits clone-user setns mount umount pivot_root open_tree fsopen mount_setattr".split(
    " ",
  ),
  ..."name_to_handle_at open_by_handle_at keyctl add_key request_key bpf perf_event_open userfaultfd kexec_load finit_module".split(
    " ",
  ),
  ..."delete_module clock_settime sethostname reboot syslog swapon tiocsti tiocsti-high-bits tioclinux".split(
    " ",
  ),
];
const ENOSYS = ["clone3", "io_uring_setup", "unknown"];
const FAMILIES = [
  "socket-17",
  "socket-38",
  "socket-40",
  "socket-29",
  "socket-44",
  "socket-30",
  "socket-21",
  "netlink-generic",
];
const WORKING = ["unshare-files", "socket-1", "socket-2", "socket-10", "socket-16", "socketpair", "winsize"];

describe.each(WHO)("the kernel's surface, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  it("is refused call by call, and the harmless rest works", async ({ skip }) => {
    if (probe === undefined) return skip();
    const { run } = actor.scene();
    const answers = new Map(
      (await run(probe)).stdout.split("\n").map((line) => [line.split(" ")[0], line.split(" ")[1]]),
    );
    const expected = new Map([
      ...EPERM.map((name) => [name, "EPERM"] as const),
      ...ENOSYS.map((name) => [name, "ENOSYS"] as const),
      ...FAMILIES.map((name) => [name, "EAFNOSUPPORT"] as const),
      ...WORKING.map((name) => [name, "ok"] as const),
    ]);
    expect(Object.fromEntries([...answers].filter(([name]) => name !== ""))).toEqual(
      Object.fromEntries(expected),
    );
  });

  it("the same calls are answered otherwise without a sandbox", async ({ skip }) => {
    if (probe === undefined) return skip();
    const { open } = actor.scene();
    // In namespaces of its own, since these calls would change the machine.
    const { stdout } = await open(`unshare -Urmnpiuf ${probe}`);
    for (const name of [
      "unshare-user",
      "unshare-mount",
      "mount",
      "fsopen",
      "keyctl",
      "add_key",
      "io_uring_setup",
      "netlink-generic",
    ])
      expect(stdout).toMatch(new RegExp(`^${name} ok$`, "m"));
    expect(stdout).toMatch(/^clone3 (?:ok|EINVAL)$/m);
  });

  it("another ABI is killed", async ({ skip }) => {
    if (abi === undefined) return skip();
    const { run } = actor.scene();
    for (const kind of ["i386", "x32"]) {
      const result = await run([abi, kind]);
      expect(result.stdout, kind).toBe("");
      // 128 + SIGSYS
      expect(result.status, kind).toBe(159);
    }
  });

  it("the limits of others, kernel messages and symbols are out of reach", async () => {
    const { run } = actor.scene();
    const result = await run(
      `dmesg; prlimit --pid ${process.pid} --nofile=10; renice 19 ${process.pid}; grep -c -v '^0* ' /proc/kallsyms; cat /proc/keys | grep -c cordon`,
    );
    expect(
      result.stdout
        .trim()
        .split("\n")
        .filter((line) => line !== "0"),
    ).toEqual([]);
    expect(readFileSync(`/proc/self/limits`, "utf8")).not.toMatch(/Max open files\s+10 /);
  });
});
