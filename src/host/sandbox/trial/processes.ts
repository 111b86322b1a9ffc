import { type Attempt, GOT, LEAKED, OUTSIDE_CHANGED, type TrialClass } from "./attempt.ts";

const act = (
  className: TrialClass,
  id: string,
  title: string,
  attack: string,
  truth: string,
  more: Partial<Attempt> = {},
): Attempt => ({ id, class: className, weight: "high", title, attack, truth, ...more });

/** Starts a process that holds the secret in memory and in a descriptor, and tells where. */
const VICTIM = "victim";
/** The victim heard a signal or is dead, or its memory is another. */
const HURT = `sleep 0.1; test -s "$LOG/signal" || test -s "$LOG/memory" || ! grep -q '^State:.[SRD]' "/proc/$(cut -d ' ' -f 1 "$LOG/victim")/status" 2>/dev/null`;
const PID = `$(cut -d ' ' -f 1 "$LOG/victim")`;

/** Signals, memory, daemons, namespaces of others (sandboxing.md 9.4). */
export const PROCESSES: readonly Attempt[] = [
  act("signal", "signal-kill", "kill a process outside", `kill -9 ${PID}; kill -TERM ${PID}`, HURT, {
    prepare: VICTIM,
  }),
  act(
    "signal",
    "signal-name",
    "kill processes outside by name",
    `pkill -9 -f "victim-$ID"; killall -9 "victim-$ID"`,
    HURT,
    { prepare: VICTIM, needs: ["pkill"] },
  ),
  act("signal", "signal-descriptor", "send a signal by a process descriptor", `c ${PID}`, HURT, {
    prepare: VICTIM,
    c: `char p[64]; snprintf(p, 64, "/proc/%s", argv[1]);
  int d = syscall(434, atoi(argv[1]), 0); if (d < 0) d = open(p, O_DIRECTORY | O_RDONLY);
  return syscall(424, d, SIGUSR1, 0, 0);`,
  }),
  act("signal", "signal-thread", "send a signal to a thread and a queue", `c ${PID}`, HURT, {
    prepare: VICTIM,
    c: `int p = atoi(argv[1]); union sigval v = {0};
  return syscall(SYS_tgkill, p, p, SIGUSR1) && syscall(SYS_tkill, p, SIGUSR1) && sigqueue(p, SIGUSR1, v);`,
  }),
  act("signal", "signal-owner", "let the kernel send a signal for a descriptor", `c ${PID}`, HURT, {
    prepare: VICTIM,
    c: `int s[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  if (fcntl(s[0], F_SETOWN, atoi(argv[1])) || fcntl(s[0], F_SETSIG, SIGUSR1)) return 1;
  fcntl(s[0], F_SETFL, O_ASYNC | O_NONBLOCK); write(s[1], "x", 1); usleep(50000); return 0;`,
  }),
  act(
    "signal",
    "signal-group",
    "send a signal to a process group outside",
    `kill -USR1 -- -$(cut -d ' ' -f 4 "$LOG/victim")`,
    HURT,
    {
      prepare: `setsid "$PROGRAM" victim "victim-$ID" & for i in $(seq 200); do test -s "$LOG/victim" && break; sleep 0.01; done`,
      clean: `kill -9 ${PID} 2>/dev/null`,
    },
  ),
  act(
    "signal",
    "signal-limits",
    "change the limits of a process outside",
    `prlimit --pid ${PID} --nofile=77:77`,
    `grep -q 'Max open files *77 ' /proc/${PID}/limits`,
    { prepare: VICTIM, needs: ["prlimit"] },
  ),
  act(
    "signal",
    "signal-priority",
    "change the priority of a process outside",
    `renice 19 ${PID}; c ${PID}`,
    `test "$(cut -d ' ' -f 19 /proc/${PID}/stat)" = 19`,
    {
      prepare: VICTIM,
      weight: "medium",
      c: `struct sched_param p = {0}; sched_setscheduler(atoi(argv[1]), SCHED_IDLE, &p); return setpriority(PRIO_PROCESS, atoi(argv[1]), 19);`,
    },
  ),
  act(
    "signal",
    "signal-memory-order",
    "make a process outside the first to be killed",
    `echo 777 > /proc/${PID}/oom_score_adj`,
    `test "$(cat /proc/${PID}/oom_score_adj)" = 777`,
    { prepare: VICTIM, weight: "medium" },
  ),
  act(
    "signal",
    "signal-launcher",
    "signal who started the sandbox",
    `for p in $(seq 1 40); do kill -0 $p 2>/dev/null && tr '\\0' ' ' < /proc/$p/cmdline; echo; done > loot; true`,
    `cat "$WS/loot" 2>/dev/null | grep -q "victim-$ID"`,
    {
      prepare: VICTIM,
      open: `tr '\\0' ' ' < /proc/${PID}/cmdline > loot`,
      weight: "medium",
    },
  ),
  act(
    "theft",
    "theft-ptrace",
    "trace a process outside and change its memory",
    `c $(cat "$LOG/victim")`,
    `${HURT} || ${LEAKED}`,
    {
      prepare: VICTIM,
      c: `int p = atoi(argv[1]); unsigned long a = strtoul(argv[2], 0, 16);
  if (ptrace(PTRACE_SEIZE, p, 0, 0)) return 1;
  ptrace(PTRACE_INTERRUPT, p, 0, 0); waitpid(p, 0, __WALL);
  ptrace(PTRACE_POKEDATA, p, a, 0x4141414141414141L); return ptrace(PTRACE_DETACH, p, 0, 0);`,
    },
  ),
  act("theft", "theft-read", "read the memory of a process outside", `c $(cat "$LOG/victim")`, LEAKED, {
    prepare: VICTIM,
    c: `char b[64] = {0}; struct iovec l = { b, 63 }, r = { (void *)strtoul(argv[2], 0, 16), 63 };
  return process_vm_readv(atoi(argv[1]), &l, 1, &r, 1, 0) < 1 ? 1 : write(1, b, 63) < 0;`,
  }),
  act("theft", "theft-write", "write the memory of a process outside", `c $(cat "$LOG/victim")`, HURT, {
    prepare: VICTIM,
    c: `char b[8] = "AAAAAAA"; struct iovec l = { b, 8 }, r = { (void *)strtoul(argv[2], 0, 16), 8 };
  return process_vm_writev(atoi(argv[1]), &l, 1, &r, 1, 0) < 1;`,
  }),
  act(
    "theft",
    "theft-mem-file",
    "read and write memory by /proc/PID/mem",
    `c $(cat "$LOG/victim")`,
    `${HURT} || ${LEAKED}`,
    {
      prepare: VICTIM,
      c: `char p[64], b[64] = {0}; snprintf(p, 64, "/proc/%s/mem", argv[1]); int f = open(p, O_RDWR);
  unsigned long a = strtoul(argv[2], 0, 16);
  if (pread(f, b, 63, a) > 0) write(1, b, 63);
  return pwrite(f, "AAAA", 4, a) != 4;`,
    },
  ),
  act(
    "theft",
    "theft-descriptor",
    "take a descriptor of a process outside",
    `c $(cat "$LOG/victim")`,
    LEAKED,
    {
      prepare: VICTIM,
      c: `int d = syscall(434, atoi(argv[1]), 0); return show(syscall(438, d, atoi(argv[3]), 0));`,
    },
  ),
  act(
    "theft",
    "theft-descriptor-file",
    "open a descriptor of a process outside in /proc",
    `cat "/proc/${PID}/fd/$(cut -d ' ' -f 3 "$LOG/victim")"`,
    LEAKED,
    { prepare: VICTIM },
  ),
  act(
    "theft",
    "theft-maps",
    "read the map and the environment of a process outside",
    `cat /proc/${PID}/maps > loot; test -s loot && : > got; cat /proc/${PID}/environ`,
    `got || ${LEAKED}`,
    { prepare: VICTIM, weight: "medium" },
  ),
  act("theft", "theft-compare", "compare with a process outside", `c ${PID}`, GOT, {
    prepare: VICTIM,
    weight: "low",
    c: `return syscall(SYS_kcmp, getpid(), atoi(argv[1]), 1, 0, 0) < 0 ? 1 : got();`,
    control: { maybe: "the kernel may not compare" },
  }),
  act(
    "daemon",
    "daemon-session",
    "leave a process in a session of its own",
    `(setsid nohup bash -c 'for i in $(seq 150); do date +%N > beat; sleep 0.02; done' >/dev/null 2>&1 &); sleep 0.2; exit 3`,
    `a=$(cat "$WS/beat"); sleep 0.3; test "$a" != "$(cat "$WS/beat")"`,
  ),
  act(
    "daemon",
    "daemon-fork-chain",
    "leave a process that is always a new one",
    `c; sleep 0.2`,
    `a=$(stat -c %Y%Z%s "$WS/beat"; cat "$WS/beat"); sleep 0.3; test "$a" != "$(stat -c %Y%Z%s "$WS/beat"; cat "$WS/beat")"`,
    {
      c: `if (fork()) return 0; setsid(); for (int i = 3; i < 64; i++) close(i);
  close(0); close(1); close(2); signal(SIGHUP, SIG_IGN); signal(SIGTERM, SIG_IGN);
  for (int i = 0; i < 150; i++) { if (fork()) _exit(0); usleep(15000); int f = open("beat", O_CREAT | O_WRONLY | O_TRUNC, 0600); dprintf(f, "%d", i); close(f); }
  return 0;`,
    },
  ),
  act(
    "daemon",
    "daemon-schedulers",
    "leave work with the machine's schedulers",
    `echo "touch $OUT/new" | at now 2>/dev/null; systemd-run --user touch "$OUT/new" 2>/dev/null; systemd-run touch "$OUT/new" 2>/dev/null; echo "touch $OUT/new" | batch 2>/dev/null; true`,
    `sleep 0.3; ${OUTSIDE_CHANGED}`,
    {
      open: `touch "$OUT/new"`,
    },
  ),
  act(
    "daemon",
    "daemon-thread",
    "leave a process that shares memory and files with its maker",
    "c; sleep 0.1",
    `a=$(cat "$WS/beat"); sleep 0.3; test "$a" != "$(cat "$WS/beat")"`,
    {
      c: `static char stack[65536]; int p = clone(beat, stack + 65536, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PARENT, 0); return p < 0;`,
    },
  ),
  act(
    "namespace",
    "join-mount",
    "join the mounts of a process outside",
    `nsenter -t ${PID} -m touch "$OUT/new"; nsenter -t ${PID} -a touch "$OUT/new"; c ${PID}`,
    OUTSIDE_CHANGED,
    {
      prepare: VICTIM,
      control: "root",
      c: `char p[64]; snprintf(p, 64, "/proc/%s/ns/mnt", argv[1]);
  if (setns(open(p, O_RDONLY), 0) && setns(syscall(434, atoi(argv[1]), 0), CLONE_NEWNS)) return 1;
  return creat(path("OUT", "new"), 0600) < 0;`,
    },
  ),
  act("namespace", "join-network", "join the network of a process outside", `c ${PID}`, GOT, {
    prepare: VICTIM,
    control: "root",
    c: `char p[64]; snprintf(p, 64, "/proc/%s/ns/net", argv[1]); int f = open(p, O_RDONLY);
  if (f < 0 || (setns(f, 0) && setns(syscall(434, atoi(argv[1]), 0), CLONE_NEWNET))) return 1; return got();`,
  }),
  act("namespace", "join-user", "join the namespaces of the first process", `c 1`, GOT, {
    control: { impossible: "a process may not join the user namespace it is in" },
    c: `const char *n[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time" }; char p[64]; int ok = 0;
  for (int i = 0; i < 8; i++) { snprintf(p, 64, "/proc/1/ns/%s", n[i]); int f = open(p, O_RDONLY); if (f >= 0 && setns(f, 0) == 0) ok = 1;
    f = ioctl(f, 0xb701); if (f >= 0 && setns(f, 0) == 0) ok = 1; }
  return ok ? got() : 1;`,
  }),
];
