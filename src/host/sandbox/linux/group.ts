import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { kernelText } from "../look.ts";
import { startOf } from "./processes.ts";

const PREFIX = "cordon-";

/**
 * The control group directory in which the caller may make a group that counts processes;
 * undefined where there is none. With version 2 it is the nearest one above the caller's that
 * hands the controller down.
 */
export function pidsGroup(): string | undefined {
  const mounts = kernelText("/proc/self/mountinfo").split("\n");
  const own = kernelText("/proc/self/cgroup").split("\n");
  const mounted = (type: string, option: string): string | undefined => {
    const line = mounts.find((mount) => {
      const [kind, , options = ""] = (mount.split(" - ")[1] ?? "").split(" ");
      return kind === type && (option === "" || options.split(",").includes(option));
    });
    return line?.split(" ")[4];
  };
  const path = (controller: string): string =>
    own
      .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
      .find((match) => match !== null && (match[1] ?? "").split(",").includes(controller))?.[2] ?? "/";
  const first = mounted("cgroup", "pids");
  if (first !== undefined) return writable(join(first, path("pids")));
  const second = mounted("cgroup2", "");
  if (second === undefined) return undefined;
  for (let here = join(second, path("")); here.startsWith(second); here = dirname(here)) {
    const handedDown = kernelText(join(here, "cgroup.subtree_control")).split(/\s+/);
    if (handedDown.includes("pids")) return writable(here);
  }
  return undefined;
}

/**
 * Makes the kernel ready to move a process between groups. The first move waits for every
 * processor, some ten milliseconds; begun early, that wait passes while the command is prepared.
 * Moves the caller to where it is already.
 */
export function warmPidsGroup(group: string | undefined): void {
  const line = kernelText("/proc/self/cgroup")
    .split("\n")
    .find((each) => /^\d+:pids:/.test(each));
  if (group === undefined || line === undefined) return;
  void writeFile(join(group, "cgroup.procs"), String(process.pid)).catch(() => undefined);
}

function writable(directory: string): string | undefined {
  try {
    accessSync(directory, constants.W_OK);
    return directory;
  } catch {
    return undefined;
  }
}

/** A control group for one command. */
export interface PidsGroup {
  /** Puts a process in, with all its later children. */
  readonly add: (pid: number) => void;
  /** True when the kernel refused a process for the limit. */
  readonly bound: () => boolean;
  /** Removes the group once its processes are gone, which may take some milliseconds after their end. */
  readonly remove: () => Promise<void>;
}

/** Makes a group for at most `most` processes. Throws where the kernel does not let us. */
export function openPidsGroup(parent: string, most: number): PidsGroup {
  sweep(parent);
  const path = join(parent, `${PREFIX}${process.pid}-${startOf(process.pid)}-${process.hrtime.bigint()}`);
  mkdirSync(path);
  writeFileSync(join(path, "pids.max"), String(most));
  return {
    add: (pid) => writeFileSync(join(path, "cgroup.procs"), String(pid)),
    bound: () => /^max ([1-9]\d*)$/m.test(kernelText(join(path, "pids.events"))),
    remove: async () => {
      for (let wait = 0; !removeGroup(path) && wait < 40; wait++)
        await (wait < 5 ? new Promise(setImmediate) : pause(wait));
    },
  };
}

/** Removes the groups of launchers that were killed. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-(\\d+)-`).exec(name);
    if (owner !== null && startOf(Number(owner[1])) !== owner[2]) removeGroup(join(parent, name));
  }
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
