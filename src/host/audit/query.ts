import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { kindOfFile, logFiles, openLog, sharedName } from "./directory.ts";
import { isGone } from "./error.ts";
import { openBytes } from "./line.ts";
import { linesOf } from "./reader.ts";
import { type Entry, merged } from "./tail.ts";

/** What a search through the log found. */
export interface QueryResult {
  /** By time; of one file in the order of its lines. */
  readonly entries: readonly Entry[];
  /** How many there were in all. */
  readonly found: number;
  /** Lines met that are no whole record. */
  readonly unreadable: number;
  /** Files that could not be read, with the reason. */
  readonly failed: readonly string[];
}

const DAY = 86_400_000;

/**
 * The records `wanted` takes, the newest `most` of them. Reads every file once and keeps no more
 * than it gives back, whatever the log's size; `since` (milliseconds) spares the files of earlier
 * days.
 *
 * Chains are not followed here: an altered line shows as unreadable, a missing one not at all.
 * Throws `AuditError` where the directory cannot be listed.
 */
export function queryAudit(
  directory: string,
  wanted: (entry: Entry) => boolean,
  most: number,
  since?: number,
): QueryResult {
  // Clocks go back: a day is spared only when the next one is over, too.
  const first = since === undefined ? "" : sharedName(since - DAY);
  const kept: Entry[] = [];
  const failed: string[] = [];
  let [found, unreadable] = [0, 0];
  for (const file of logFiles(directory)) {
    if (kindOfFile(file) === "shared" && file < first) continue;
    const own: Entry[] = [];
    try {
      const { descriptor } = openLog(join(directory, file), "read");
      try {
        for (const line of linesOf(descriptor, 0, fstatSync(descriptor).size)) {
          const read = line.ended ? openBytes(line.raw) : "torn";
          if (typeof read !== "object") {
            if (line.ended && line.raw.length > 0) unreadable += 1;
            continue;
          }
          const entry = { file, sealed: read };
          if (!wanted(entry)) continue;
          found += 1;
          own.push(entry);
          if (own.length > 2 * most) own.splice(0, own.length - most);
        }
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (!isGone(error)) failed.push(error instanceof Error ? error.message : String(error));
    }
    kept.push(...own.slice(-most));
    if (kept.length > 2 * most) kept.splice(0, kept.length, ...merged(kept).slice(-most));
  }
  return { entries: merged(kept).slice(-most), found, unreadable, failed };
}
