import { readdirSync, statSync } from "node:fs";
import { kernelText } from "../look.ts";

/** What the processes of one command use now. */
export interface Usage {
  readonly processes: number;
  /** With those of one thread. */
  readonly threads: number;
  /** Bytes of memory of their own; pages that several of them share after a fork count for each. */
  readonly memory: number;
  /** Seconds of processor time, with those that have ended. */
  readonly cpuTime: number;
  /** Bytes written to disks, with those that have ended; undefined where the kernel does not tell. */
  readonly written: number | undefined;
  /** Most open files of one process; 0 where the kernel does not tell. */
  readonly openFiles: number;
}

/** Ticks of /proc a second; fixed since Linux 2.6. */
const TICKS = 100;

/** The processes of one command, as directories of /proc. */
export type Processes = readonly string[];

/**
 * Every process that descends from `pid`, without it: those of a command, as seen by what started it.
 * In a namespace of processes nobody gets away from that; without one, as long as the launcher takes
 * orphans in.
 */
export function processesBelow(pid: number): Processes {
  const found: number[] = [];
  const open = [pid];
  for (let next = open.pop(); next !== undefined && found.length < MOST; next = open.pop())
    for (const thread of namesIn(`/proc/${next}/task`)) {
      const children = kernelText(`/proc/${next}/task/${thread}/children`).trim();
      const pids = children === "" ? [] : children.split(" ").map(Number);
      found.push(...pids);
      open.push(...pids);
    }
  return found.map((child) => `/proc/${child}`);
}

/** More are not followed. */
const MOST = 20_000;

/** What these processes use; undefined where there are none. */
export function usageOf(processes: Processes): Usage | undefined {
  if (processes.length === 0) return undefined;
  const each = processes.map(oneOf);
  const sum = (of: (one: One) => number): number => each.reduce((total, one) => total + of(one), 0);
  const written = each.map((one) => one.written).filter((bytes) => bytes !== undefined);
  return {
    processes: processes.length,
    threads: sum(({ threads }) => threads),
    memory: sum(({ memory }) => memory),
    cpuTime: sum(({ cpuTime }) => cpuTime),
    written: written.length === 0 ? undefined : written.reduce((total, bytes) => total + bytes, 0),
    openFiles: Math.max(...each.map(({ openFiles }) => openFiles)),
  };
}

/**
 * Bytes of memory in which shared pages count once. Slow: the kernel walks every mapping. Undefined
 * where it does not tell of every process.
 */
export function exactMemory(processes: Processes): number | undefined {
  let total = 0;
  for (const directory of processes) {
    const text = kernelText(`${directory}/smaps_rollup`);
    const anonymous = kilobytes(text, "Pss_Anon");
    // A process that is ending has no mappings left.
    if (anonymous === undefined && kernelText(`${directory}/statm`).trim() !== "") return undefined;
    // Shared memory without a file on a disk is memory as well.
    total += ((anonymous ?? 0) + (kilobytes(text, "Pss_Shmem") ?? 0)) * 1024;
  }
  return total;
}

function kilobytes(text: string, name: string): number | undefined {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

interface One {
  readonly threads: number;
  readonly memory: number;
  readonly cpuTime: number;
  readonly written: number | undefined;
  readonly openFiles: number;
}

function oneOf(directory: string): One {
  const status = kernelText(`${directory}/status`);
  const stat = kernelText(`${directory}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).map(Number);
  const written = /^write_bytes: (\d+)$/m.exec(kernelText(`${directory}/io`))?.[1];
  return {
    threads: Number(fields[17] ?? 1),
    memory: ((kilobytes(status, "RssAnon") ?? 0) + (kilobytes(status, "RssShmem") ?? 0)) * 1024,
    cpuTime: ticks.reduce((sum, value) => sum + value, 0) / TICKS,
    written: written === undefined ? undefined : Number(written),
    openFiles: openIn(`${directory}/fd`),
  };
}

/** The size of the directory is the number of descriptors, from Linux 6.2 on. */
function openIn(directory: string): number {
  try {
    return statSync(directory).size;
  } catch {
    return 0;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
