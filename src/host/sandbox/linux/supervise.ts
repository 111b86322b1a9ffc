import { statSync, statfsSync } from "node:fs";
import type { SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import type { LimitHit } from "../../../core/layers/9-sandbox/result.ts";
import type { Group } from "./group.ts";
import { type Processes, type Usage, exactMemory, processesBelow, usageOf } from "./usage.ts";

/** How often cordon looks at a running command, milliseconds; where it has to count processes, more often. */
const PERIOD = 250;
const COUNTING_PERIOD = 100;
/** Looking may take at most this part of the time. */
const SHARE = 1 / 20;

/** What a command is watched with. */
export interface Supervised {
  /** What was started for the command: everything descends from it. */
  readonly launcher: number | undefined;
  readonly group: Group | undefined;
  /** Seconds of wall time; the smaller of this and the plan's holds. */
  readonly timeLimit: number | undefined;
  /** Called for a limit that the kernel does not hold or does not tell of. */
  readonly hit: (limit: LimitHit) => void;
}

/**
 * Watches the limits that nothing else holds, until the function it gives back is called: wall
 * time by the clock; processor time, memory and processes of all processes together and the space
 * on the disks by looking, four times a second. A control group that holds memory or processes is only asked. A
 * command that ends before the first look costs nothing.
 *
 * Between two looks a command can pass a limit that is only looked at, and be ended for it later.
 */
export function supervise(plan: SandboxPlan, supervised: Supervised): () => void {
  const { limits } = plan;
  const seconds = Math.min(limits.time ?? Infinity, supervised.timeLimit ?? Infinity);
  const clock = Number.isFinite(seconds)
    ? setTimeout(
        () => supervised.hit({ limit: "time", allowed: seconds, killed: true }),
        Math.min(seconds * 1000, 2 ** 31 - 1),
      )
    : undefined;
  const disks = limits.disk === undefined ? [] : disksOf(plan.inspection.writable);
  const period = limits.processesBy === "count" ? COUNTING_PERIOD : PERIOD;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const began = performance.now();
    for (const limit of reached(plan, supervised, disks)) supervised.hit(limit);
    timer = setTimeout(look, Math.max(period, (performance.now() - began) / SHARE));
    timer.unref();
  };
  timer = setTimeout(look, period);
  timer.unref();
  return () => {
    clearTimeout(clock);
    clearTimeout(timer);
  };
}

/** There is a /proc that shows the processes of a command. */
const CAN_SEE = process.platform === "linux";

/** Everything that is over its limit now. */
function reached(plan: SandboxPlan, supervised: Supervised, disks: readonly Disk[]): readonly LimitHit[] {
  const { limits } = plan;
  const { group, launcher } = supervised;
  const processes = launcher === undefined ? [] : processesBelow(launcher);
  const hits: LimitHit[] = [];
  const over = (limit: LimitHit["limit"], allowed: number, killed = true): void => {
    hits.push({ limit, allowed, killed });
  };
  if (group?.memoryReached() === true) over("memory", limits.totalMemory);
  const cpuTime = limits.cpuTime === undefined ? undefined : group?.cpuTime();
  const usage = usageOf(processes);
  if (usage !== undefined) {
    if (limits.processesBy === "count" && usage.processes > limits.processes)
      over("processes", limits.processes);
    // The kernel counts threads, and refuses the next one.
    if (limits.processesBy === "rlimit" && usage.threads >= limits.processes)
      over("processes", limits.processes, false);
    if (limits.memoryBy === "count" && usesTooMuch(usage, processes, limits.totalMemory))
      over("memory", limits.totalMemory);
    if (usage.openFiles >= limits.openFiles) over("openFiles", limits.openFiles, false);
  }
  if (limits.cpuTime !== undefined && (cpuTime ?? usage?.cpuTime ?? 0) >= limits.cpuTime)
    over("cpuTime", limits.cpuTime);
  // Others fill the disk as well; only what this command wrote counts, where the kernel tells.
  const filled = filledBy(disks);
  const own = Math.min(filled, usage === undefined && CAN_SEE ? 0 : (usage?.written ?? filled));
  if (limits.disk !== undefined && own > limits.disk) over("disk", limits.disk);
  const temporary = plan.environment["TMPDIR"] ?? "/tmp";
  if (processes.slice(0, 8).some((process) => isFull(`${process}/root${temporary}`, limits.temporary)))
    over("temporary", limits.temporary, false);
  return hits;
}

function usesTooMuch(usage: Usage, processes: Processes, most: number): boolean {
  return usage.memory > most && (exactMemory(processes) ?? usage.memory) > most;
}

interface Disk {
  readonly path: string;
  /** Free bytes when the command began. */
  readonly free: number;
}

/** The file systems of the writable directories, each once. */
function disksOf(paths: readonly string[]): readonly Disk[] {
  const seen = new Set<number>();
  return paths.flatMap((path) => {
    const device = statSync(path, { throwIfNoEntry: false })?.dev;
    const free = freeAt(path);
    if (device === undefined || free === undefined || seen.has(device)) return [];
    seen.add(device);
    return [{ path, free }];
  });
}

function filledBy(disks: readonly Disk[]): number {
  return disks.reduce((sum, { path, free }) => sum + Math.max(0, free - (freeAt(path) ?? free)), 0);
}

function freeAt(path: string): number | undefined {
  try {
    const { bfree, bsize } = statfsSync(path);
    return bfree * bsize;
  } catch {
    return undefined;
  }
}

/** A private directory of the size that was set, with nothing left in it. */
function isFull(path: string, size: number): boolean {
  try {
    const { blocks, bfree, bsize, type } = statfsSync(path);
    return type === TMPFS && bfree === 0 && Math.abs(blocks * bsize - size) < 2 * bsize;
  } catch {
    return false;
  }
}

const TMPFS = 0x01021994;
