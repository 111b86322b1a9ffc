import { BUILT_IN_LIMITS } from "../../settings/limits.ts";
import type { LimitPolicy } from "../../settings/policy.ts";
import type { SandboxFacts } from "./facts.ts";
import type { PlannedLimits } from "./plan.ts";

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
  const pick = (key: keyof Omit<LimitPolicy, "time">, hard: number | undefined): number => {
    const wanted = policy[key];
    const value =
      wanted !== undefined && Number.isSafeInteger(wanted) && wanted > 0 ? wanted : BUILT_IN_LIMITS[key];
    return Math.min(value, hard ?? value);
  };
  const { hardLimits, machine } = facts;
  return {
    memory: pick("memory", hardLimits.data),
    processes: pick("processes", hardLimits.nproc),
    processesBy: uid !== 0 ? "rlimit" : machine.pidsGroup === undefined ? "count" : "group",
    fileSize: pick("fileSize", hardLimits.fsize),
    openFiles: pick("openFiles", hardLimits.nofile),
    temporary: pick("temporary", undefined),
    time: policy.time !== undefined && policy.time > 0 ? policy.time : undefined,
  };
}
