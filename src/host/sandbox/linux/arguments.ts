import { landlockWords } from "../../../core/layers/9-sandbox/landlock.ts";
import type { Mount, SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import { SandboxError } from "../error.ts";
import { limitWords } from "./native-order.ts";

/** Descriptors bubblewrap is given; the command sees none of them. */
export const FDS = { arguments: 3, status: 4, filter: 5, block: 6, gate: 7 } as const;

/**
 * The plan as bubblewrap's arguments, without the command. They go through a descriptor: neither
 * length nor what a process list shows is then a concern.
 */
export function bubblewrapArguments(plan: SandboxPlan, block: boolean): readonly string[] {
  return [
    ...plan.namespaces.map((name) => `--unshare-${name}`),
    // Forced also for root, who would keep every capability otherwise.
    "--cap-drop",
    "ALL",
    "--new-session",
    "--die-with-parent",
    "--json-status-fd",
    String(FDS.status),
    ...(plan.filter === undefined ? [] : ["--seccomp", String(FDS.filter)]),
    ...(block ? ["--block-fd", String(FDS.block)] : []),
    ...plan.mounts.flatMap(mountArguments),
    "--clearenv",
    ...Object.entries(plan.environment).flatMap(([name, value]) => ["--setenv", name, value]),
    "--chdir",
    plan.cwd,
  ];
}

function mountArguments(mount: Mount): readonly string[] {
  switch (mount.kind) {
    case "ro-bind":
      return ["--ro-bind", mount.from, mount.to];
    case "bind":
      return ["--bind", mount.from, mount.to];
    case "overlay":
      return ["--overlay-src", mount.lower, "--overlay", mount.upper, mount.work, mount.to];
    case "tmpfs":
      return ["--perms", "1777", "--size", String(mount.size), "--tmpfs", mount.to];
    case "symlink":
      return ["--symlink", mount.target, mount.to];
    case "proc":
      return ["--proc", mount.to];
    case "dev":
      return ["--dev", mount.to];
    case "mask-file":
      // A device on a mount without devices: opening it is refused, whoever asks.
      return ["--ro-bind", "/dev/null", mount.to];
    case "mask-dir":
      return ["--perms", mount.open ? "0111" : "0000", "--tmpfs", mount.to];
    case "seal":
      return ["--remount-ro", mount.to];
  }
}

/** The command as the first program inside starts it, under limits that nothing inside can raise. */
export function limitedCommand(
  plan: SandboxPlan,
  argv: readonly string[],
  launcher?: string,
): readonly string[] {
  if (plan.landlock !== undefined) {
    if (launcher === undefined)
      throw new SandboxError("setup", "nothing here applies the plan's rules of Landlock", "plan again");
    return [launcher, "restrict", ...limitWords(plan), ...landlockWords(plan.landlock), "--", ...argv];
  }
  const { memory, processes, cpuTime, fileSize, openFiles } = plan.limits;
  const both = (name: string, value: number): string => `--${name}=${value}:${value}`;
  return [
    plan.programs.prlimit,
    both("core", 0),
    both("data", memory),
    both("nproc", processes),
    // The first ends it with a signal of its own, the second one that handles that.
    ...(cpuTime === undefined ? [] : [`--cpu=${cpuTime}:${cpuTime + 1}`]),
    both("fsize", fileSize),
    both("nofile", openFiles),
    "--",
    ...argv,
  ];
}

/** Runs a command text in a bash that reads no start-up file. */
export function shellCommand(plan: SandboxPlan, text: string): readonly string[] {
  return [plan.programs.bash, "--noprofile", "--norc", "-c", text];
}
