import { type Attempt, GOT } from "./attempt.ts";

/** Files of the kernel that are opened for writing, and nothing is written. */
const OPEN = (files: string): string => `for f in ${files}; do test -f "$f" && exec 3>>"$f" && : > got; done`;

const knob = (
  id: string,
  title: string,
  attack: string,
  more: Partial<Omit<Attempt, "id" | "title" | "attack">> = {},
): Attempt => ({
  id: `knob-${id}`,
  class: "knob",
  weight: "high",
  title,
  attack,
  truth: GOT,
  control: "root",
  ...more,
});

/** Kernel knobs and control groups: what only root can do, and a sandbox must keep from it (sandboxing.md 9.1). */
export const KNOBS: readonly Attempt[] = [
  knob(
    "core-pattern",
    "set the program that takes core dumps",
    `f=/proc/sys/kernel/core_pattern; v=$(cat $f); printf '%s\\n' "$v" > $f && : > got`,
    {
      prepare: `cat /proc/sys/kernel/core_pattern > "$LOG/before"`,
      truth: `got || test "$(cat /proc/sys/kernel/core_pattern)" != "$(cat "$LOG/before")"`,
    },
  ),
  knob(
    "modprobe",
    "set the program that loads modules",
    `f=/proc/sys/kernel/modprobe; v=$(cat $f); printf '%s\\n' "$v" > $f && : > got`,
    { control: { maybe: "the kernel may load no modules" } },
  ),
  knob(
    "sysctl",
    "set any sysctl",
    `for f in /proc/sys/kernel/panic /proc/sys/vm/swappiness /proc/sys/fs/suid_dumpable /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/randomize_va_space; do v=$(cat $f); printf '%s\\n' "$v" > $f && : > got; done`,
  ),
  knob(
    "sysctl-link",
    "set a sysctl through a link and a descriptor",
    `ln -s /proc/sys/kernel s; v=$(cat s/core_pattern); exec 3< s/core_pattern; printf '%s\\n' "$v" > /proc/self/fd/3 && : > got; printf '%s\\n' "$v" > s/core_pattern && : > got`,
  ),
  knob(
    "sysctl-own-proc",
    "set a sysctl by an own mount of /proc",
    `mkdir p; unshare -Urmpf bash -c 'mount -t proc p p; v=$(cat p/sys/kernel/core_pattern); printf "%s\\n" "$v" > p/sys/kernel/core_pattern && : > got'; mount -t proc p p && printf '%s\\n' "$(cat p/sys/kernel/core_pattern)" > p/sys/kernel/core_pattern && : > got`,
    {
      open: `printf '%s\\n' "$(cat /proc/sys/kernel/core_pattern)" > /proc/sys/kernel/core_pattern && : > got`,
    },
  ),
  knob(
    "sysrq",
    "open the system request trigger",
    `exec 3> /proc/sysrq-trigger && : > got; ${OPEN("/proc/sys/kernel/sysrq")}`,
    {
      control: { maybe: "the kernel may have no such trigger" },
    },
  ),
  knob(
    "uevent",
    "set the program that hears of devices",
    OPEN(
      "/sys/kernel/uevent_helper /sys/kernel/uevent_seqnum /sys/class/net/*/uevent /sys/class/block/*/uevent /sys/block/*/uevent /sys/class/mem/*/uevent",
    ),
  ),
  knob(
    "binfmt",
    "register a kind of programs",
    OPEN("/proc/sys/fs/binfmt_misc/register /proc/sys/fs/binfmt_misc/status"),
    {
      control: { maybe: "the kernel may know no such kinds" },
    },
  ),
  knob(
    "sys",
    "open files of /sys for writing",
    OPEN(
      "/sys/power/state /sys/power/disk /sys/kernel/mm/ksm/run /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/profiling /sys/module/*/parameters/* /sys/block/*/queue/read_ahead_kb",
    ),
  ),
  knob(
    "proc-root",
    "open files at the top of /proc for writing",
    `for f in /proc/sysrq-trigger /proc/mtrr /proc/irq/default_smp_affinity /proc/irq/*/smp_affinity /proc/timer_list /proc/latency_stats /proc/scsi/scsi /proc/acpi/wakeup; do test -f "$f" && exec 3>>"$f" && : > got; done`,
  ),
  knob(
    "debug",
    "read the debugging file systems",
    `for d in /sys/kernel/debug /sys/kernel/tracing /sys/fs/bpf /sys/kernel/security /sys/fs/pstore /sys/firmware/efi/efivars; do ls -A "$d" | grep -q . && : > got; done`,
    {
      weight: "medium",
      control: { maybe: "they may not be mounted" },
    },
  ),
  knob(
    "cgroup-new",
    "make a control group",
    `for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir "$d/cordon-trial-$ID"; done`,
    {
      truth: `ls -d /sys/fs/cgroup/cordon-trial-$ID /sys/fs/cgroup/*/cordon-trial-$ID 2>/dev/null | grep -q .`,
      clean: `for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do rmdir "$d/cordon-trial-$ID"; done 2>/dev/null`,
      control: { maybe: "there may be no control groups that may be made" },
    },
  ),
  knob(
    "cgroup-agent",
    "set the program that control groups start when they are empty",
    OPEN("/sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/notify_on_release /sys/fs/cgroup/release_agent"),
    {
      control: { maybe: "only control groups of version 1 start programs" },
    },
  ),
  knob(
    "cgroup-leave",
    "leave the control group of the limits",
    OPEN("/sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/tasks"),
    {
      control: { maybe: "there may be no control groups" },
    },
  ),
  knob(
    "cgroup-mount",
    "mount the control groups anew",
    `mkdir g; for t in cgroup2 "cgroup -o pids" "cgroup -o memory" "cgroup -o rdma"; do mount -t $t g g && : > got && umount g; unshare -UrmC bash -c "mount -t $t g g && : > got"; done`,
    {
      open: `mkdir g; unshare -mC bash -c 'mount -t cgroup2 g g && : > got'`,
      control: { maybe: "there may be no control groups" },
    },
  ),
  knob(
    "own-process",
    "open own files of /proc that reach others",
    `for f in /proc/1/oom_score_adj /proc/1/mem /proc/1/uid_map /proc/1/setgroups; do exec 3>>"$f" && : > got; done`,
    {
      open: `exec 3>>/proc/1/oom_score_adj && : > got`,
      weight: "medium",
    },
  ),
];
