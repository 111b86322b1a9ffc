/** Processors the system-call filter is written for. */
export type FilterArch = "x64" | "arm64";

/** AUDIT_ARCH_* of linux/audit.h: the ABI a call was made by. */
export const AUDIT_ARCH: Readonly<Record<FilterArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** The highest number that was looked at (Linux 6.18); later calls are refused as unknown. */
export const LAST_KNOWN_CALL = 469;

/** Calls the filter speaks about: numbers of arch/x86/entry/syscalls/syscall_64.tbl. */
const X64 = {
  _sysctl: 156,
  acct: 163,
  add_key: 248,
  adjtimex: 159,
  bpf: 321,
  clock_adjtime: 305,
  clock_settime: 227,
  clone: 56,
  clone3: 435,
  create_module: 174,
  delete_module: 176,
  fanotify_init: 300,
  finit_module: 313,
  fsconfig: 431,
  fsmount: 432,
  fsopen: 430,
  fspick: 433,
  init_module: 175,
  io_uring_enter: 426,
  io_uring_register: 427,
  io_uring_setup: 425,
  ioctl: 16,
  ioperm: 173,
  iopl: 172,
  kexec_file_load: 320,
  kexec_load: 246,
  keyctl: 250,
  lookup_dcookie: 212,
  mount: 165,
  mount_setattr: 442,
  move_mount: 429,
  name_to_handle_at: 303,
  nfsservctl: 180,
  open_by_handle_at: 304,
  open_tree: 428,
  open_tree_attr: 467,
  perf_event_open: 298,
  pivot_root: 155,
  quotactl: 179,
  quotactl_fd: 443,
  reboot: 169,
  request_key: 249,
  setdomainname: 171,
  sethostname: 170,
  setns: 308,
  settimeofday: 164,
  socket: 41,
  swapoff: 168,
  swapon: 167,
  syslog: 103,
  umount2: 166,
  unshare: 272,
  uselib: 134,
  userfaultfd: 323,
  vhangup: 153,
} as const;

export type CallName = keyof typeof X64;

/** The same calls by include/uapi/asm-generic/unistd.h; those that only x86-64 has are absent. */
const ARM64: Readonly<Partial<Record<CallName, number>>> = {
  acct: 89,
  add_key: 217,
  adjtimex: 171,
  bpf: 280,
  clock_adjtime: 266,
  clock_settime: 112,
  clone: 220,
  clone3: 435,
  delete_module: 106,
  fanotify_init: 262,
  finit_module: 273,
  fsconfig: 431,
  fsmount: 432,
  fsopen: 430,
  fspick: 433,
  init_module: 105,
  io_uring_enter: 426,
  io_uring_register: 427,
  io_uring_setup: 425,
  ioctl: 29,
  kexec_file_load: 294,
  kexec_load: 104,
  keyctl: 219,
  lookup_dcookie: 18,
  mount: 40,
  mount_setattr: 442,
  move_mount: 429,
  name_to_handle_at: 264,
  nfsservctl: 42,
  open_by_handle_at: 265,
  open_tree: 428,
  open_tree_attr: 467,
  perf_event_open: 241,
  pivot_root: 41,
  quotactl: 60,
  quotactl_fd: 443,
  reboot: 142,
  request_key: 218,
  setdomainname: 162,
  sethostname: 161,
  setns: 268,
  settimeofday: 170,
  socket: 198,
  swapoff: 225,
  swapon: 224,
  syslog: 116,
  umount2: 39,
  unshare: 97,
  userfaultfd: 282,
  vhangup: 58,
};

/** Every call the filter speaks about. */
export const CALL_NAMES: readonly string[] = Object.keys(X64);

/** The number of a call on a processor; undefined where the processor has no such call. */
export function callNumber(name: CallName, arch: FilterArch): number | undefined {
  return arch === "x64" ? X64[name] : ARM64[name];
}
