import { AUDIT_ARCH, type CallName, type FilterArch, LAST_KNOWN_CALL, callNumber } from "./syscalls.ts";

/** errno values of asm-generic/errno.h. */
export const ERRNO = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/** A condition on the low 32 bits of one argument; the kernel ignores the high half of these. */
export type Condition =
  | { readonly arg: number; readonly is: "any-bit-of"; readonly mask: number }
  | { readonly arg: number; readonly is: "one-of" | "none-of"; readonly values: readonly number[] };

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

/** What a sandboxed process may not ask of the kernel, and why. */
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
];

/** One instruction of classic BPF: `struct sock_filter` of linux/filter.h. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Operations the filter uses. */
export const BPF = { LOAD: 0x20, EQUAL: 0x15, AT_LEAST: 0x35, ANY_BIT: 0x45, RETURN: 0x06 } as const;

/** Actions of linux/seccomp.h. */
export const ACTION = { KILL_PROCESS: 0x80000000, ERRNO: 0x00050000, ALLOW: 0x7fff0000 } as const;

/** Offsets in `struct seccomp_data`; both processors are little-endian. */
const OFFSET = { number: 0, arch: 4, arg: (index: number): number => 16 + 8 * index } as const;

/** x32 numbers have this bit; -1 is what a tracer sets to skip a call. */
const X32_BIT = 0x40000000;
const SKIPPED = 0xffffffff;

/**
 * The filter as instructions.
 *
 * INVARIANT: another ABI than the processor's own is killed before any number is compared, and a
 * number above the last known one gets ENOSYS.
 */
export function filterProgram(
  arch: FilterArch,
  rules: readonly FilterRule[] = FILTER_RULES,
): readonly Instruction[] {
  return [
    load(OFFSET.arch),
    jump(BPF.EQUAL, AUDIT_ARCH[arch], 1, 0),
    done(ACTION.KILL_PROCESS),
    load(OFFSET.number),
    jump(BPF.EQUAL, SKIPPED, 4, 0),
    jump(BPF.AT_LEAST, X32_BIT, 0, 1),
    done(ACTION.KILL_PROCESS),
    jump(BPF.AT_LEAST, LAST_KNOWN_CALL + 1, 0, 1),
    done(ACTION.ERRNO | ERRNO.ENOSYS),
    ...rules.flatMap((rule) => ruleProgram(rule, arch)),
    done(ACTION.ALLOW),
  ];
}

/** Enters and leaves with the number of the call loaded. */
function ruleProgram(rule: FilterRule, arch: FilterArch): readonly Instruction[] {
  const number = callNumber(rule.call, arch);
  if (number === undefined) return [];
  const refusal = done(ACTION.ERRNO | ERRNO[rule.errno]);
  const conditions = rule.when ?? [];
  if (conditions.length === 0) return [jump(BPF.EQUAL, number, 0, 1), refusal];
  // Built from the end: each condition jumps over the rest when it does not hold.
  const tested = conditions.reduceRight<readonly Instruction[]>(
    (rest, condition) => [load(OFFSET.arg(condition.arg)), ...test(condition, rest.length), ...rest],
    [refusal],
  );
  return [jump(BPF.EQUAL, number, 0, tested.length + 1), ...tested, load(OFFSET.number)];
}

function test(condition: Condition, rest: number): readonly Instruction[] {
  if (condition.is === "any-bit-of") return [jump(BPF.ANY_BIT, condition.mask, 0, rest)];
  const { values } = condition;
  const one = condition.is === "one-of";
  return values.map((value, index) => {
    const left = values.length - 1 - index;
    if (one) return jump(BPF.EQUAL, value, left, left === 0 ? rest : 0);
    return jump(BPF.EQUAL, value, left + rest, 0);
  });
}

function load(offset: number): Instruction {
  return { code: BPF.LOAD, jt: 0, jf: 0, k: offset };
}

function jump(code: number, k: number, jt: number, jf: number): Instruction {
  return { code, jt, jf, k };
}

function done(action: number): Instruction {
  return { code: BPF.RETURN, jt: 0, jf: 0, k: action >>> 0 };
}

/** The filter as the kernel takes it: eight bytes an instruction, little-endian. */
export function filterBytes(arch: FilterArch): Uint8Array {
  const program = filterProgram(arch);
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  });
  return bytes;
}
