import type { ChildProcess } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { GroupParents, PlannedLimits, SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import { SandboxError } from "../error.ts";
import { kernelText } from "../look.ts";
import { startOf } from "./processes.ts";

const PREFIX = "cordon-";

/**
 * Where the caller may make control groups, by what they can hold. With version 1 every controller
 * has a tree of its own, and only root is asked to work there; with version 2 it is the nearest
 * directory above the caller's that hands the controller down and that the caller may write.
 */
export function groupParents(): GroupParents {
  return parentsFrom(
    kernelText("/proc/self/mountinfo"),
    kernelText("/proc/self/cgroup"),
    (path) => kernelText(join(path, "cgroup.subtree_control")),
    mayGroup,
  );
}

/** The same from the texts of the kernel; `usable` tells whether the caller can work in a directory. */
export function parentsFrom(
  mountinfo: string,
  cgroup: string,
  handedDown: (directory: string) => string,
  usable: (directory: string) => boolean,
): GroupParents {
  const own = cgroup.split("\n").map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const mounted = (type: string, option: string): string | undefined => {
    const line = mountinfo.split("\n").find((mount) => {
      const [kind, , options = ""] = (mount.split(" - ")[1] ?? "").split(" ");
      return kind === type && (option === "" || options.split(",").includes(option));
    });
    return line?.split(" ")[4];
  };
  const path = (controller: string): string =>
    own.find((match) => match !== null && (match[1] ?? "").split(",").includes(controller))?.[2] ?? "/";
  const unified = mounted("cgroup2", "");
  const find = (controller: string): string | undefined => {
    const first = mounted("cgroup", controller);
    if (first !== undefined) {
      const here = join(first, path(controller));
      return usable(here) ? here : undefined;
    }
    if (unified === undefined) return undefined;
    for (let here = join(unified, path("")); here.startsWith(unified); here = dirname(here)) {
      if (handedDown(here).split(/\s+/).includes(controller)) return usable(here) ? here : undefined;
    }
    return undefined;
  };
  const [pids, memory] = [find("pids"), find("memory")];
  // With version 2 every group counts processor time.
  const counting = [memory, pids].find(
    (each) => each !== undefined && unified !== undefined && each.startsWith(unified),
  );
  return { pids, memory, cpu: mounted("cgroup", "cpuacct") === undefined ? counting : find("cpuacct") };
}

/** True where groups can be made and a process of the caller's be moved to them. */
function mayGroup(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    accessSync(join(directory, "cgroup.procs"), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the kernel ready to move a process between groups. The first move waits for every
 * processor, some ten milliseconds; begun early, that wait passes while the command is prepared.
 * Moves the caller to where it is already.
 */
export function warmGroups({ pids }: GroupParents): void {
  const line = kernelText("/proc/self/cgroup")
    .split("\n")
    .find((each) => /^\d+:pids:/.test(each));
  if (pids === undefined || line === undefined) return;
  void writeFile(join(pids, "cgroup.procs"), String(process.pid)).catch(() => undefined);
}

/** The control groups of one command. */
export interface Group {
  /** Their directories; a process is put in, with its later children, by `cgroup.procs`. */
  readonly paths: readonly string[];
  /** The kernel refused a process for the limit. */
  readonly processesReached: () => boolean;
  /** The kernel killed a process for the limit. */
  readonly memoryReached: () => boolean;
  /** Seconds of processor time so far; undefined where no group counts it. */
  readonly cpuTime: () => number | undefined;
  /** Removes the groups once their processes are gone, which may take some milliseconds after their end. */
  readonly remove: () => Promise<void>;
}

/**
 * Makes the groups for one command. Throws, and leaves none, where the kernel does not let us.
 * `others`: processes in them that are not the command's.
 */
export function openGroup(parents: GroupParents, limits: PlannedLimits, others = 0): Group {
  const name = `${PREFIX}${process.pid}-${startOf(process.pid)}-${processSpace()}-${process.hrtime.bigint()}`;
  const of = (parent: string | undefined): string | undefined =>
    parent === undefined ? undefined : join(parent, name);
  const [pids, memory, cpu] = [of(parents.pids), of(parents.memory), of(parents.cpu)];
  const paths = [...new Set([pids, memory, cpu].flatMap((path) => path ?? []))];
  try {
    for (const path of paths) mkdirSync(path);
    if (pids !== undefined) writeFileSync(join(pids, "pids.max"), String(limits.processes + others));
    if (memory !== undefined) limitMemory(memory, limits.totalMemory);
  } catch (error) {
    for (const path of paths) removeGroup(path);
    throw error;
  }
  // While the command runs.
  const swept = Promise.all(paths.map((path) => sweep(dirname(path))));
  const events = (path: string | undefined, file: string): string =>
    path === undefined ? "" : kernelText(join(path, file));
  return {
    paths,
    processesReached: () => /^max [1-9]/m.test(events(pids, "pids.events")),
    memoryReached: () =>
      /^oom_kill [1-9]/m.test(events(memory, "memory.events")) ||
      /^oom_kill [1-9]/m.test(events(memory, "memory.oom_control")),
    cpuTime: () => {
      const unified = /^usage_usec (\d+)$/m.exec(events(cpu, "cpu.stat"))?.[1];
      if (unified !== undefined) return Number(unified) / 1e6;
      const first = events(cpu, "cpuacct.usage").trim();
      return first === "" ? undefined : Number(first) / 1e9;
    },
    remove: async () => {
      await swept;
      for (let wait = 0; !paths.map(removeGroup).every(Boolean) && wait < 40; wait++)
        await (wait < 5 ? new Promise(setImmediate) : pause(wait));
    },
  };
}

/**
 * The groups that a launcher which waits for its order has to enter by itself. Where it belongs to
 * another user, who may not, it is put into them here, and none are left. Throws where the kernel
 * refuses; then the launcher is ended.
 */
export function groupsLeft(
  launcher: ChildProcess,
  { identity }: Pick<SandboxPlan, "identity">,
  paths: readonly string[],
): readonly string[] {
  const { pid } = launcher;
  if (identity === undefined || pid === undefined) return paths;
  try {
    for (const path of paths) writeFileSync(join(path, "cgroup.procs"), String(pid));
    return [];
  } catch (error) {
    launcher.kill("SIGKILL");
    throw new SandboxError(
      "setup",
      `the command cannot be put into its control group: ${error instanceof Error ? error.message : String(error)}`,
      "look at the permissions of that directory",
    );
  }
}

/**
 * Puts a process into groups, with what it starts from then on. The kernel takes some ten
 * milliseconds where no process was moved just before; nobody here waits for it.
 */
export async function enterGroupsSoon(paths: readonly string[], pid: number): Promise<void> {
  for (const path of paths) await writeFile(join(path, "cgroup.procs"), String(pid));
}

/** Swap counts too where the kernel counts it; a group that is over is ended as a whole where it can be. */
function limitMemory(group: string, bytes: number): void {
  const optional = (name: string, text: string): void => {
    if (existsSync(join(group, name))) writeFileSync(join(group, name), text);
  };
  if (existsSync(join(group, "memory.max"))) {
    writeFileSync(join(group, "memory.max"), String(bytes));
    optional("memory.swap.max", "0");
    optional("memory.oom.group", "1");
  } else {
    writeFileSync(join(group, "memory.limit_in_bytes"), String(bytes));
    optional("memory.memsw.limit_in_bytes", String(bytes));
  }
}

/** Removes the groups of launchers that were killed. Whose numbers are not ours may well be alive. */
async function sweep(parent: string): Promise<void> {
  const space = processSpace();
  for (const name of await readdir(parent).catch(() => [])) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-(\\d+)-(\\d+)-`).exec(name);
    if (owner?.[3] === space && startOf(Number(owner[1])) !== owner[2]) removeGroup(join(parent, name));
  }
}

/** Tells the namespace in which our numbers of processes count: a container next door has its own. */
function processSpace(): string {
  return String(statSync("/proc/self/ns/pid").ino);
}

/** False while a process of it is still dying; a later command then sweeps it away. */
function removeGroup(path: string): boolean {
  try {
    if (existsSync(path)) rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
