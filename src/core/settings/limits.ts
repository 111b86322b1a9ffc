import { candidates, choose } from "./pick.ts";
import type { LimitPolicy } from "./policy.ts";
import type { SettingsReading } from "./reading.ts";

const MiB = 1024 * 1024;

/** What a sandboxed command may use where settings say nothing. Bytes and counts; no limit of time or disk. */
export const BUILT_IN_LIMITS: Readonly<Record<keyof LimitPolicy, number>> = {
  memory: 4096 * MiB,
  totalMemory: 8192 * MiB,
  processes: 1000,
  cpuTime: Number.POSITIVE_INFINITY,
  fileSize: 2048 * MiB,
  disk: Number.POSITIVE_INFINITY,
  openFiles: 4096,
  temporary: 1024 * MiB,
  output: 1024 * MiB,
  time: Number.POSITIVE_INFINITY,
};

const UNITS: ReadonlyMap<string, number> = new Map([
  ["K", 1024],
  ["M", MiB],
  ["G", 1024 * MiB],
  ["T", 1024 * 1024 * MiB],
]);

/** The limits settings ask for. A repository counts only where it asks for less than holds without it. */
export function limitPolicy(readings: readonly SettingsReading[]): LimitPolicy {
  const limit = (name: keyof LimitPolicy): number | undefined => {
    const wishes = candidates(readings, `cordon.limits.${name}`).map((wish) => ({
      ...wish,
      value: amount(wish.value),
    }));
    const { value, origin } = choose(wishes, BUILT_IN_LIMITS[name], (a, b) => a <= b);
    return origin && value;
  };
  return {
    memory: limit("memory"),
    totalMemory: limit("totalMemory"),
    processes: limit("processes"),
    cpuTime: limit("cpuTime"),
    fileSize: limit("fileSize"),
    disk: limit("disk"),
    openFiles: limit("openFiles"),
    temporary: limit("temporary"),
    output: limit("output"),
    time: limit("time"),
  };
}

/** `"512M"` in bytes. */
function amount(value: number | string): number {
  if (typeof value === "number") return value;
  return Number(value.slice(0, -1)) * (UNITS.get(value.slice(-1)) ?? 1);
}
