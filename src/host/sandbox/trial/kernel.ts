import { type Attempt, GOT, type TrialClass } from "./attempt.ts";

const call = (
  className: TrialClass,
  id: string,
  title: string,
  c: string,
  more: Partial<Attempt> = {},
): Attempt => ({ id, class: className, weight: "medium", title, attack: "c", c, truth: GOT, ...more });

/** The call reached the kernel: it failed for its arguments, not for being refused. */
const REACHED = (text: string): string =>
  `long r = ${text}; return r < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES) ? 1 : got();`;

const high = { weight: "high" } as const;
const root = { control: "root" } as const;
const modules = { control: { maybe: "the kernel may load no modules" } } as const;

/** A socket of a family that a network namespace does not hold, or that opens the kernel wide. */
const family = (
  name: string,
  number: number,
  type: string,
  protocol = "0",
  control: Attempt["control"] = { maybe: "the kernel may lack it" },
): Attempt =>
  call(
    "socket-family",
    `family-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`,
    `open a socket of the family ${name}`,
    `return socket(${number}, ${type}, ${protocol}) < 0 ? 1 : got();`,
    { control },
  );

/** Namespaces, other ABIs, system calls, rights, terminals, exotic sockets (sandboxing.md 9.4, 9.5). */
export const KERNEL: readonly Attempt[] = [
  call(
    "namespace",
    "namespace-unshare",
    "make a user namespace",
    `return unshare(CLONE_NEWUSER) ? 1 : got();`,
    high,
  ),
  call(
    "namespace",
    "namespace-clone",
    "make a user namespace by clone",
    `long p = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); if (p == 0) { got(); _exit(0); } waitpid(p, 0, 0); return p < 0;`,
    high,
  ),
  call(
    "namespace",
    "namespace-clone3",
    "make a user namespace by clone3",
    `unsigned long long a[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD }; long p = syscall(435, a, 64L); if (p == 0) { got(); _exit(0); } if (p > 0) waitpid(p, 0, 0); return p < 0;`,
    high,
  ),
  call(
    "namespace",
    "namespace-high-bits",
    "make a user namespace with bits that a filter may not look at",
    `return syscall(SYS_unshare, 0x100000000L | CLONE_NEWUSER) ? 1 : got();`,
    { ...high, control: { maybe: "the kernel may refuse such bits" } },
  ),
  call(
    "namespace",
    "namespace-mount",
    "make a mount namespace without a user namespace",
    `return unshare(CLONE_NEWNS) ? 1 : got();`,
    { ...high, ...root },
  ),
  call(
    "namespace",
    "namespace-others",
    "make network, process, time and other namespaces",
    `int f[] = { CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, 0x02000000, 0x80 }, ok = 0; for (int i = 0; i < 6; i++) ok |= unshare(f[i]) == 0; return ok ? got() : 1;`,
    { ...high, ...root },
  ),
  {
    ...call("namespace", "namespace-tools", "make namespaces with tools", ""),
    ...high,
    c: "return 1;",
    attack: `unshare -r true && : > got; unshare -m true && : > got; bwrap --ro-bind / / true && : > got; unshare -Urmpf true && : > got; chroot / true && : > got; setpriv --reuid=65533 true && : > got`,
  },
  call(
    "abi",
    "abi-32-unshare",
    "make a user namespace by the 32-bit call",
    `#ifdef __x86_64__
  long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(310L), "b"(0x10000000L) : "memory", "r8", "r9", "r10", "r11"); return r ? 1 : got();
#else
  return 1;
#endif`,
    { ...high, control: { maybe: "only some processors and kernels know it" } },
  ),
  call(
    "abi",
    "abi-32-call",
    "ask the kernel by the 32-bit call at all",
    `#ifdef __x86_64__
  long r = -38; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory", "r8", "r9", "r10", "r11"); return r == getpid() ? got() : 1;
#else
  return 1;
#endif`,
    { ...high, control: { maybe: "only some processors and kernels know it" } },
  ),
  call(
    "abi",
    "abi-x32",
    "ask the kernel by x32 numbers",
    `#ifdef __x86_64__
  return syscall(0x40000000 + 39) == getpid() || syscall(0x40000000 + 272, CLONE_NEWUSER) == 0 ? got() : 1;
#else
  return 1;
#endif`,
    { ...high, control: { maybe: "few kernels know x32" } },
  ),
  {
    id: "abi-32-socket",
    class: "abi",
    weight: "high",
    title: "connect to a unix socket outside by 32-bit calls",
    needs: ["python3"],
    prepare: `serve stream "$LOG/s"`,
    attack: `cd "$LOG"; c s`,
    c: `#ifdef __x86_64__
  struct sockaddr_un *a = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  a->sun_family = AF_UNIX; strcpy(a->sun_path, argv[1]); long s, r;
  __asm__ volatile("int $0x80" : "=a"(s) : "a"(359L), "b"(1L), "c"(1L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(362L), "b"(s), "c"((long)a), "d"((long)sizeof *a) : "memory", "r8", "r9", "r10", "r11");
  return r != 0;
#else
  return 1;
#endif`,
    truth: "served",
    control: { maybe: "only some processors and kernels know it" },
  },
  call(
    "call",
    "call-io-uring",
    "set up io_uring",
    `char p[512] = {0}; return syscall(425, 1L, p) < 0 ? 1 : got();`,
    { control: { maybe: "it may be switched off" } },
  ),
  call(
    "call",
    "call-bpf",
    "load a program into the kernel",
    `char a[128] = {0}; ((int *)a)[0] = 2; ((int *)a)[1] = 4; ((int *)a)[2] = 4; ((int *)a)[3] = 1; return syscall(SYS_bpf, 0L, a, 128L) < 0 ? 1 : got();`,
    { control: { maybe: "users may be kept from it" } },
  ),
  call(
    "call",
    "call-userfaultfd",
    "handle page faults of the kernel",
    `return syscall(SYS_userfaultfd, 0L) < 0 && syscall(SYS_userfaultfd, 1L) < 0 ? 1 : got();`,
    { control: { maybe: "users may be kept from it" } },
  ),
  call(
    "call",
    "call-perf",
    "count events of the kernel",
    `struct { unsigned type, size; unsigned long long config, rest[14]; } a = { 1, 128, 0 }; a.rest[3] = 0x61; return syscall(SYS_perf_event_open, &a, 0L, -1L, -1L, 0L) < 0 ? 1 : got();`,
    { control: { maybe: "users may be kept from it" } },
  ),
  call(
    "call",
    "call-fanotify",
    "watch the whole file system",
    `return syscall(SYS_fanotify_init, 0L, 0L) < 0 ? 1 : got();`,
    root,
  ),
  call(
    "call",
    "call-keyring",
    "join or make a keyring",
    `return syscall(SYS_keyctl, 1L, "cordon-trial") < 0 && syscall(SYS_add_key, "user", "cordon-trial", "x", 1L, -1L) < 0 ? 1 : got();`,
    { control: { maybe: "the kernel may keep no keys" } },
  ),
  call("call", "call-module", "load a module", REACHED(`syscall(SYS_finit_module, -1L, "", 0L)`), {
    ...modules,
    ...high,
  }),
  call(
    "call",
    "call-module-memory",
    "load a module from memory",
    REACHED(`syscall(SYS_init_module, "", 0L, "")`),
    { ...modules, ...high },
  ),
  call(
    "call",
    "call-module-remove",
    "remove a module",
    REACHED(`syscall(SYS_delete_module, "cordon_no_such_module", 2048L)`),
    { ...modules, ...high },
  ),
  call(
    "call",
    "call-kexec",
    "load another kernel",
    REACHED(`syscall(SYS_kexec_load, 0L, 1000L, 0L, 0xffff0000L)`),
    { control: { maybe: "it may be switched off" }, ...high },
  ),
  call("call", "call-clock", "set the clock", REACHED(`clock_settime(99, &(struct timespec){ 0, 0 })`), {
    control: { maybe: "an unknown clock may be refused first" },
  }),
  call(
    "call",
    "call-clock-adjust",
    "adjust the clock",
    `struct timex t = { .modes = 0x2, .freq = 0 }; struct timex now = {0}; adjtimex(&now); t.freq = now.freq; return adjtimex(&t) < 0 ? 1 : got();`,
    root,
  ),
  call(
    "call",
    "call-host-name",
    "set the host name",
    `char n[65]; gethostname(n, 65); return sethostname(n, strlen(n)) ? 1 : got();`,
    root,
  ),
  call(
    "call",
    "call-domain-name",
    "set the domain name",
    `char n[65]; getdomainname(n, 65); return setdomainname(n, strlen(n)) ? 1 : got();`,
    root,
  ),
  call("call", "call-reboot", "restart the machine", REACHED(`syscall(SYS_reboot, 1L, 2L, 3L, 0L)`), {
    ...root,
    ...high,
  }),
  call("call", "call-swap", "swap to a file", REACHED(`syscall(SYS_swapon, "/no/such/file", 0L)`), root),
  call(
    "call",
    "call-accounting",
    "let the kernel write records to a file",
    REACHED(`acct("/no/such/file")`),
    root,
  ),
  call(
    "call",
    "call-quota",
    "change quotas",
    REACHED(`syscall(SYS_quotactl, 0x80000100L, "/no/such/device", 0L, 0L)`),
    { control: { maybe: "the kernel may have no quotas" } },
  ),
  call(
    "call",
    "call-ports",
    "reach the ports of the processor",
    `#ifdef __x86_64__
  return ioperm(0x80, 1, 1) && iopl(1) ? 1 : got();
#else
  return 1;
#endif`,
    { ...high, control: { maybe: "other processors have none" } },
  ),
  call(
    "call",
    "call-handle",
    "take the handle of a file",
    `struct { struct file_handle h; char room[128]; } h = { .h.handle_bytes = 128 }; int m; return name_to_handle_at(AT_FDCWD, "/etc/passwd", &h.h, &m, 0) ? 1 : got();`,
    { weight: "low", control: { maybe: "not every file system has handles" } },
  ),
  call(
    "call",
    "call-capabilities",
    "take capabilities back",
    `int ok = mknod("d", S_IFCHR | 0600, makedev(1, 3)) == 0 || chroot("/") == 0; struct { unsigned v; int p; } h = { 0x20080522, 0 }; struct { unsigned e, p, i; } d[2] = { { 1 << 21, 1 << 21, 0 }, { 0, 0, 0 } }; syscall(SYS_capset, &h, d); ok = ok || syscall(SYS_prctl, 47, 2, 21, 0, 0) == 0 || mount("t", "m", "tmpfs", 0, 0) == 0 || setuid(65533) == 0; return ok ? got() : 1;`,
    { ...root, ...high },
  ),
  call(
    "call",
    "call-unknown",
    "make a call that is not known yet",
    `errno = 0; syscall(600L, 0); return errno == ENOSYS ? 1 : got();`,
    { control: { impossible: "the number is unused" } },
  ),
  {
    id: "setuid-run",
    class: "setuid",
    weight: "high",
    title: "run a program that changes the user",
    prepare: `cp /usr/bin/touch "$OUT/t" && chown 65533 "$OUT/t" && chmod 4755 "$OUT/t"; mkdir -m 777 "$WS/drop"; chmod 755 "$BASE" "$WS" "$OUT"`,
    attack: `"$OUT/t" drop/made; "$WS/t2" drop/made2`,
    truth: `for f in "$WS"/drop/*; do test "$(stat -c %u "$f" 2>/dev/null)" = 65533 && exit 0; done; exit 1`,
    control: "root",
  },
  {
    id: "setuid-tools",
    class: "setuid",
    weight: "high",
    title: "become root by the programs that can",
    attack: `test "$(id -u)" = 0 || for c in "sudo -n" "su -c" "pkexec" "doas -n" "newgrp root -c" "sg root -c"; do timeout 2 $c true < /dev/null && : > got; done; c`,
    c: `return prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? got() : 1;`,
    open: "c",
    truth: GOT,
  },
  {
    id: "setuid-plant",
    class: "setuid",
    weight: "medium",
    title: "leave a program that changes the user",
    attack: `cp /usr/bin/touch s1; chmod 4755 s1; install -m 6755 /usr/bin/touch s2; c; cp --preserve=mode s1 s5`,
    c: `close(open("s3", O_CREAT | O_WRONLY, 04755)); close(creat("s4", 0755)); int f = open("s4", O_RDONLY); fchmod(f, 04755); mknod("s6", S_IFREG | 04755, 0); syscall(452, AT_FDCWD, "s4", 04755, 0); return 0;`,
    truth: `find "$WS" -maxdepth 1 -perm /4000 | grep -q .`,
  },
  {
    id: "setuid-capability",
    class: "setuid",
    weight: "high",
    title: "leave a program with capabilities",
    needs: ["python3"],
    attack: `cp /usr/bin/touch s1; py`,
    python: `import os
os.setxattr("s1", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))`,
    truth: `/usr/bin/python3 -c 'import os, sys; sys.exit(0 if "security.capability" in os.listxattr(sys.argv[1]) else 1)' "$WS/s1"`,
    control: "root",
  },
  call(
    "terminal",
    "terminal-type",
    "type into a terminal",
    `int p = posix_openpt(O_RDWR | O_NOCTTY); grantpt(p); unlockpt(p); setsid(); int s = open(ptsname(p), O_RDWR); ioctl(s, 0x540e, 0); return ioctl(s, 0x5412, "x") && syscall(SYS_ioctl, s, 0x100005412L, "x") ? 1 : got();`,
    { ...high, control: { maybe: "the kernel may refuse it to all" } },
  ),
  call(
    "terminal",
    "terminal-own",
    "open the terminal of the caller",
    `int t = open("/dev/tty", O_RDWR); return t < 0 ? 1 : got();`,
    { control: { impossible: "it would touch the terminal this runs on" }, open: "true" },
  ),
  call(
    "terminal",
    "terminal-console",
    "take over the console",
    `int t = open("/dev/console", O_RDWR | O_NOCTTY); return t >= 0 && ioctl(t, 0x541d, 0) == 0 ? got() : 1;`,
    { control: { impossible: "it would take the messages of this machine" }, open: "true" },
  ),
  family("VSOCK", 40, "SOCK_STREAM"),
  family("ALG", 38, "SOCK_SEQPACKET"),
  family("PACKET", 17, "SOCK_RAW", "0x300", "root"),
  family("NETLINK (generic)", 16, "SOCK_RAW", "16", { maybe: "the kernel may lack it" }),
  family("NETLINK (events)", 16, "SOCK_RAW", "15", { maybe: "the kernel may lack it" }),
  family("NETLINK (audit)", 16, "SOCK_RAW", "9"),
  family("XDP", 44, "SOCK_RAW", "0", { maybe: "the kernel may lack it" }),
  family("TIPC", 30, "SOCK_STREAM"),
  family("CAN", 29, "SOCK_RAW", "1"),
  family("RDS", 21, "SOCK_SEQPACKET"),
  family("KCM", 41, "SOCK_DGRAM"),
  family("BLUETOOTH", 31, "SOCK_RAW", "1"),
  family("SMC", 43, "SOCK_STREAM"),
  family("QIPCRTR", 42, "SOCK_DGRAM"),
  family("MCTP", 45, "SOCK_DGRAM"),
  family("RAW", 2, "SOCK_RAW", "1", "root"),
];
