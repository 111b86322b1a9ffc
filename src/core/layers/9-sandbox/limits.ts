import { BUILT_IN_LIMITS } from "../../settings/limits.ts";
import type { LimitPolicy } from "../../settings/policy.ts";
import type { SandboxFacts } from "./facts.ts";
import type { GroupParents, PlannedLimits } from "./plan.ts";
import type { LimitHit, LimitName } from "./result.ts";

/** Limits that a caller's own hard limit or the built-in value bounds. */
type Bounded = Exclude<keyof LimitPolicy, "time" | "cpuTime" | "disk">;

/**
 * The limits to set: what settings ask for, never above what the caller has himself, since a hard
 * limit cannot be raised. A value that is no positive integer counts as not set.
 *
 * The kernel does not hold the real root to a number of processes: there a control group does, or
 * failing that cordon counts.
 */
export function plannedLimits(
  policy: LimitPolicy,
  facts: Pick<SandboxFacts, "hardLimits" | "machine">,
  uid: number,
): PlannedLimits {
  const whole = (value: number | undefined): number | undefined =>
    value !== undefined && Number.isSafeInteger(value) && value > 0 ? value : undefined;
  const pick = (key: Bounded, hard: number | undefined): number => {
    const value = whole(policy[key]) ?? BUILT_IN_LIMITS[key];
    return Math.min(value, hard ?? value);
  };
  const { hardLimits, machine } = facts;
  return {
    memory: pick("memory", hardLimits.data),
    totalMemory: pick("totalMemory", undefined),
    memoryBy: machine.groups?.memory === undefined ? "count" : "group",
    processes: pick("processes", hardLimits.nproc),
    processesBy: uid !== 0 ? "rlimit" : machine.groups?.pids === undefined ? "count" : "group",
    cpuTime: whole(policy.cpuTime),
    fileSize: pick("fileSize", hardLimits.fsize),
    disk: whole(policy.disk),
    openFiles: pick("openFiles", hardLimits.nofile),
    temporary: pick("temporary", undefined),
    output: pick("output", undefined),
    time: policy.time !== undefined && policy.time > 0 ? policy.time : undefined,
  };
}

/** The groups that these limits need; undefined where they need none. */
export function neededGroups(
  limits: PlannedLimits,
  parents: GroupParents | undefined,
): GroupParents | undefined {
  if (parents === undefined) return undefined;
  const needed = {
    pids: limits.processesBy === "group" ? parents.pids : undefined,
    memory: limits.memoryBy === "group" ? parents.memory : undefined,
    cpu: limits.cpuTime === undefined ? undefined : parents.cpu,
  };
  return Object.values(needed).some((path) => path !== undefined) ? needed : undefined;
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** `2 GiB`, `1.5 MiB`, `1000 bytes`: with one decimal where it is not whole. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = "";
  for (const next of UNITS) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  if (unit === "") return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  return `${Number(value.toFixed(1))} ${unit}`;
}

const NAMES: Readonly<Record<LimitName, string>> = {
  memory: "memory limit",
  processes: "limit of processes",
  cpuTime: "processor time limit",
  fileSize: "file size limit",
  disk: "disk limit",
  temporary: "limit of temporary files",
  openFiles: "limit of open files",
  output: "output limit",
  time: "time limit",
};

/**
 * What is said of a limit, to the person, to the agent and in the log, in the same words:
 * `killed: 2 GiB memory limit`, `reached: limit of processes (1000)`.
 */
export function limitText({ limit, allowed, killed }: LimitHit): string {
  const how = killed ? "killed" : "reached";
  switch (limit) {
    case "processes":
    case "openFiles":
      return `${how}: ${NAMES[limit]} (${allowed})`;
    case "time":
    case "cpuTime":
      return `${how}: ${allowed} s ${NAMES[limit]}`;
    case "temporary":
      return `${how}: ${NAMES[limit]} (${sizeText(allowed)})`;
    case "memory":
    case "fileSize":
    case "disk":
    case "output":
      return `${how}: ${sizeText(allowed)} ${NAMES[limit]}`;
  }
}
