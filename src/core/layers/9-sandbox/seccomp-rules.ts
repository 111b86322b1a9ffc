import type { CallName } from "./syscalls.ts";

/** errno values of asm-generic/errno.h. */
export const ERRNO = { EPERM: 1, ENOSYS: 38, EPROTONOSUPPORT: 93, EOPNOTSUPP: 95, EAFNOSUPPORT: 97 } as const;

/** A condition on the low 32 bits of one argument; the kernel ignores the high half of these. */
export type Condition =
  | { readonly arg: number; readonly is: "any-bit-of"; readonly mask: number }
  | {
      readonly arg: number;
      readonly is: "one-of" | "none-of";
      readonly values: readonly number[];
      /** Bits that are compared; absent = all of them. */
      readonly mask?: number;
    };

/** A call that fails with `errno` when all conditions hold. */
export interface FilterRule {
  readonly call: CallName;
  readonly when?: readonly Condition[];
  readonly errno: keyof typeof ERRNO;
  readonly why: string;
}

const refuse = (why: string, errno: keyof typeof ERRNO, calls: readonly CallName[]): readonly FilterRule[] =>
  calls.map((call) => ({ call, errno, why }));

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; clone has no NEWTIME. */
const NEW_NAMESPACE = 0x7e020000;
const NEW_TIME_NAMESPACE = 0x80;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] = [1, 2, 10, 16];
const [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] = [1, 2, 5];
/** The rest of the argument are SOCK_NONBLOCK and SOCK_CLOEXEC. */
const SOCK_TYPE_MASK = 0xf;
/** The family's own choice, ICMP, TCP, UDP, ICMPv6, UDP-Lite, MPTCP. */
const INTERNET_PROTOCOLS = [0, 1, 6, 17, 58, 136, 262];

/** S_ISUID. The group's bit is left: on directories it is ordinary. */
const SET_USER_BIT = 0o4000;
/** O_CREAT and O_TMPFILE: only then a mode is given. */
const MAKES_FILE = 0o20000100;

/** What a process in namespaces of its own may not ask of the kernel, and why. The first rule that holds counts. */
export const FILTER_RULES: readonly FilterRule[] = [
  {
    call: "unshare",
    when: [{ arg: 0, is: "any-bit-of", mask: NEW_NAMESPACE | NEW_TIME_NAMESPACE }],
    errno: "EPERM",
    why: "a new namespace sheds mounts",
  },
  {
    call: "clone",
    when: [{ arg: 0, is: "any-bit-of", mask: NEW_NAMESPACE }],
    errno: "EPERM",
    why: "a new namespace sheds mounts",
  },
  // The flags lie behind a pointer that a filter cannot follow; libraries fall back to clone.
  ...refuse("its flags cannot be seen", "ENOSYS", ["clone3"]),
  // Its mode neither; programs fall back to openat.
  ...refuse("could leave a set-user-ID program", "ENOSYS", ["openat2"]),
  ...refuse("changes what is mounted", "EPERM", [
    "mount",
    "umount2",
    "pivot_root",
    "setns",
    "open_tree",
    "open_tree_attr",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
  ]),
  ...refuse("opens files past the mounts", "EPERM", ["open_by_handle_at", "name_to_handle_at"]),
  {
    call: "ioctl",
    when: [{ arg: 1, is: "one-of", values: [TIOCSTI, TIOCLINUX] }],
    errno: "EPERM",
    why: "types into the terminal",
  },
  {
    call: "socket",
    when: [{ arg: 0, is: "none-of", values: [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] }],
    errno: "EAFNOSUPPORT",
    why: "not held by a network namespace, or rarely needed",
  },
  {
    call: "socket",
    when: [
      { arg: 0, is: "one-of", values: [AF_NETLINK] },
      { arg: 2, is: "none-of", values: [0] },
    ],
    errno: "EAFNOSUPPORT",
    why: "only the routing table can be asked",
  },
  {
    call: "socket",
    when: [
      { arg: 0, is: "one-of", values: [AF_INET, AF_INET6] },
      { arg: 1, is: "none-of", values: [SOCK_STREAM, SOCK_DGRAM], mask: SOCK_TYPE_MASK },
    ],
    errno: "EPERM",
    why: "raw packets",
  },
  {
    call: "socket",
    when: [
      { arg: 0, is: "one-of", values: [AF_INET, AF_INET6] },
      { arg: 2, is: "none-of", values: INTERNET_PROTOCOLS },
    ],
    errno: "EPROTONOSUPPORT",
    why: "loads a rarely used protocol into the kernel",
  },
  {
    call: "socketpair",
    when: [{ arg: 0, is: "none-of", values: [AF_UNIX] }],
    errno: "EAFNOSUPPORT",
    why: "rarely needed",
  },
  {
    // SOCK_RAW is a datagram socket too.
    call: "socketpair",
    when: [{ arg: 1, is: "none-of", values: [SOCK_STREAM, SOCK_SEQPACKET], mask: SOCK_TYPE_MASK }],
    errno: "EPERM",
    why: "an end of a datagram pair can send to any socket of the machine",
  },
  ...refuse("keys of the caller's session", "EPERM", ["keyctl", "add_key", "request_key"]),
  // ENOSYS: libraries then do without.
  ...refuse("makes calls that no filter sees", "ENOSYS", [
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
  ]),
  ...refuse("surface of the kernel", "EPERM", [
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "fanotify_init",
    "lookup_dcookie",
    "syslog",
    "quotactl",
    "quotactl_fd",
    "acct",
    "uselib",
    "vhangup",
    "_sysctl",
    "nfsservctl",
  ]),
  ...refuse("changes the machine", "EPERM", [
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "clock_settime",
    "clock_adjtime",
    "settimeofday",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "reboot",
    "swapon",
    "swapoff",
    "iopl",
    "ioperm",
  ]),
  // Whoever runs such a program later has its owner's rights, and under root that is root.
  ...(
    [
      ["chmod", 1],
      ["fchmod", 1],
      ["fchmodat", 2],
      ["fchmodat2", 2],
      ["creat", 1],
      ["mknod", 1],
      ["mknodat", 2],
    ] as const
  ).map(([call, arg]): FilterRule => ({
    call,
    when: [{ arg, is: "any-bit-of", mask: SET_USER_BIT }],
    errno: "EPERM",
    why: "lends its owner's rights",
  })),
  ...(
    [
      ["open", 1],
      ["openat", 2],
    ] as const
  ).map(([call, arg]): FilterRule => ({
    call,
    when: [
      { arg, is: "any-bit-of", mask: MAKES_FILE },
      { arg: arg + 1, is: "any-bit-of", mask: SET_USER_BIT },
    ],
    errno: "EPERM",
    why: "lends its owner's rights",
  })),
];

const FS_IOC_SETFLAGS = 0x40086602;
const FS_IOC_FSSETXATTR = 0x401c5820;
const SET_ID_BITS = 0o6000;
const PRIO_PROCESS = 0;
const IOPRIO_WHO_PROCESS = 1;
const self = (arg: number): Condition => ({ arg, is: "none-of", values: [0] });

/**
 * What a process without namespaces of its own may not ask either: there the other processes, the
 * sockets and the shared memory of the machine are in reach of calls that no rule for files sees.
 */
const BARE_RULES: readonly FilterRule[] = [
  ...refuse("reaches services and the network of the machine", "EPERM", ["socket", "connect", "bind"]),
  ...refuse("reaches into other processes", "EPERM", [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "process_mrelease",
    "pidfd_getfd",
    "kcmp",
  ]),
  ...refuse("memory and queues of the whole machine", "EPERM", [
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semtimedop",
    "semctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
  ]),
  ...(
    [
      "prlimit64",
      "sched_setaffinity",
      "sched_setattr",
      "sched_setparam",
      "sched_setscheduler",
      "migrate_pages",
      "move_pages",
    ] as const
  ).map((call): FilterRule => ({ call, when: [self(0)], errno: "EPERM", why: "changes other processes" })),
  ...(
    [
      ["setpriority", PRIO_PROCESS],
      ["ioprio_set", IOPRIO_WHO_PROCESS],
    ] as const
  ).flatMap(([call, which]): readonly FilterRule[] => [
    {
      call,
      when: [{ arg: 0, is: "none-of", values: [which] }],
      errno: "EPERM",
      why: "changes other processes",
    },
    { call, when: [self(1)], errno: "EPERM", why: "changes other processes" },
  ]),
  ...refuse("attributes are not held by rules for files", "EPERM", [
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "file_setattr",
  ]),
  // EOPNOTSUPP: programs that copy files then do without.
  ...refuse("attributes are not held by rules for files", "EOPNOTSUPP", [
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
  ]),
  {
    call: "ioctl",
    when: [{ arg: 1, is: "one-of", values: [FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR] }],
    errno: "EOPNOTSUPP",
    why: "attributes are not held by rules for files",
  },
  ...(
    [
      ["chmod", 1],
      ["fchmod", 1],
      ["fchmodat", 2],
      ["fchmodat2", 2],
    ] as const
  ).map(([call, arg]): FilterRule => ({
    call,
    when: [{ arg, is: "any-bit-of", mask: SET_ID_BITS }],
    errno: "EPERM",
    why: "lends somebody's rights",
  })),
];

/** The rules for a process that has namespaces of its own, or has none. */
export function filterRules(namespaces: boolean): readonly FilterRule[] {
  return namespaces ? FILTER_RULES : [...BARE_RULES, ...FILTER_RULES];
}
