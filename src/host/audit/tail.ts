import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { logFiles, openLog } from "./directory.ts";
import { isGone } from "./error.ts";
import { openBytes, type Sealed } from "./line.ts";
import { linesOf } from "./reader.ts";

/** A record with the file it stands in. */
export interface Entry {
  readonly file: string;
  readonly sealed: Sealed;
}

const WINDOW = 65_536;
/** Milliseconds between two looks at the directory. */
const PACE = 300;

interface Batch {
  readonly entries: readonly Entry[];
  /** Lines that are no whole record. */
  readonly unreadable: number;
  /** Bytes up to the last line end. */
  readonly end: number;
}

function readBatch(
  directory: string,
  file: string,
  from: number,
  cut: boolean,
): Batch & { readonly size: number } {
  const { descriptor } = openLog(join(directory, file), "read");
  try {
    const size = fstatSync(descriptor).size;
    const entries: Entry[] = [];
    let [unreadable, end, first] = [0, Math.min(from, size), cut];
    for (const line of linesOf(descriptor, Math.min(from, size), size)) {
      if (!line.ended) break;
      end = line.offset + line.raw.length + 1;
      const read = first ? "torn" : openBytes(line.raw);
      if (typeof read === "object") entries.push({ file, sealed: read });
      else if (!first && line.raw.length > 0) unreadable += 1;
      first = false;
    }
    return { entries, unreadable, end, size };
  } finally {
    closeSync(descriptor);
  }
}

/** The last records of one file that `wanted` takes, at least `count` of them where there are so many. */
function lastOf(directory: string, file: string, count: number, wanted: (entry: Entry) => boolean): Batch {
  const { size } = readBatch(directory, file, Number.MAX_SAFE_INTEGER, false);
  for (let window = WINDOW; ; window *= 4) {
    const from = Math.max(0, size - window);
    const batch = readBatch(directory, file, from, from > 0);
    const entries = batch.entries.filter(wanted);
    if (entries.length >= count || from === 0) return { ...batch, entries: entries.slice(-count) };
  }
}

/** What `tailAudit` found at first. */
export interface Tail {
  /** By time; of one file in the order of its lines. */
  readonly entries: readonly Entry[];
  /** Lines met that are no whole record. */
  readonly unreadable: number;
  /** Files that could not be read, with the reason. */
  readonly failed: readonly string[];
  /** Yields what is written from then on, until the signal aborts. */
  readonly follow: (signal: AbortSignal) => AsyncGenerator<Entry>;
}

/**
 * The last `count` records of a directory that `wanted` takes, over all its files.
 *
 * Chains are not followed here: an altered line shows as unreadable, a missing one not at all.
 */
export function tailAudit(directory: string, count: number, wanted: (entry: Entry) => boolean): Tail {
  const ends = new Map<string, number>();
  const entries: Entry[] = [];
  const failed: string[] = [];
  let unreadable = 0;
  for (const file of logFiles(directory)) {
    try {
      const batch = lastOf(directory, file, count, wanted);
      entries.push(...batch.entries);
      unreadable += batch.unreadable;
      ends.set(file, batch.end);
    } catch (error) {
      if (!isGone(error)) failed.push(error instanceof Error ? error.message : String(error));
    }
  }
  return {
    entries: count === 0 ? [] : merged(entries).slice(-count),
    unreadable,
    failed,
    follow: (signal) => follow(directory, ends, wanted, signal),
  };
}

/** By time, which a clock that goes back may put out of order between files, but never within one. */
export function merged(entries: readonly Entry[]): readonly Entry[] {
  const latest = new Map<string, string>();
  const keyed = entries.map((entry, index) => {
    const before = latest.get(entry.file) ?? "";
    const key = entry.sealed.time > before ? entry.sealed.time : before;
    latest.set(entry.file, key);
    return { entry, key, index };
  });
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index));
  return keyed.map(({ entry }) => entry);
}

async function* follow(
  directory: string,
  ends: Map<string, number>,
  wanted: (entry: Entry) => boolean,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  while (!signal.aborted) {
    const fresh: Entry[] = [];
    for (const file of logFiles(directory)) {
      const from = ends.get(file) ?? 0;
      try {
        const batch = readBatch(directory, file, from, false);
        ends.set(file, batch.end);
        fresh.push(...batch.entries.filter(wanted));
      } catch {
        // Gone or replaced between two looks; `verify` tells.
      }
    }
    yield* merged(fresh);
    try {
      await pause(PACE, undefined, { signal });
    } catch {
      return;
    }
  }
}
