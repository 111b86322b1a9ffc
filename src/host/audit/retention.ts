import { lstatSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { kindOfFile, logFiles, prepareDirectory, sharedName } from "./directory.ts";
import { type LinkedHead, headsOf, outlineOf } from "./reader.ts";
import { sharedWriter } from "./writers.ts";

const DAY = 86_400_000;

/** How long a log is kept, and for whom. */
export interface Retention {
  /** Absolute. */
  readonly directory: string;
  /** Files whose last record is older than so many days go. */
  readonly days: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly program?: string | undefined;
}

/**
 * Removes log files that are older than the retention; gives back their names. Never throws, and
 * removes nothing where the removal could not be written down first.
 *
 * INVARIANT: the newest file stays, and so does one whose writer still runs. A line in the file of
 * the day names what goes, with its length and chain, and links all that only those files knew: the
 * chains between the files that stay can be followed as before. A crash in between leaves a file
 * that is named as removed; it goes the next time.
 */
export function enforceRetention(retention: Retention): readonly string[] {
  try {
    return enforce(retention);
  } catch {
    // A log that cannot be tidied is for `verify` and for the next record to tell about.
    return [];
  }
}

function enforce({ directory, days, clock, program }: Retention): readonly string[] {
  const now = clock();
  const files = logFiles(directory);
  const old = files.slice(0, -1).filter((file) => isOver(directory, file, now, days));
  if (old.length === 0) return [];
  prepareDirectory(directory);
  const gone = new Set(old);
  const outlines = old.map((file) => outlineOf(directory, file));
  // What earlier removals said in files that go now stays known as long as somebody links to it.
  const linked = new Set(
    files
      .filter((file) => !gone.has(file))
      .flatMap((file) => outlineOf(directory, file).links.map((link) => link.file)),
  );
  const removed = new Map<string, LinkedHead>();
  for (const { removed: earlier } of outlines)
    for (const head of earlier)
      if (linked.has(head.file) && !files.includes(head.file)) removed.set(head.file, head);
  for (const { head } of outlines) removed.set(head.file, head);
  const random = (): string => "00000000";
  const writer = sharedWriter({ directory, clock, pid: process.pid, random, durable: true, program });
  try {
    writer.append({
      type: "rotate",
      days,
      removed: [...removed.values()],
      links: headsOf(directory, writer.file(), gone),
    });
  } finally {
    writer.close();
  }
  return old.filter((file) => {
    try {
      unlinkSync(join(directory, file));
      return true;
    } catch {
      return false;
    }
  });
}

/** The day of its name and its last change are both past, and nobody writes to it any more. */
function isOver(directory: string, file: string, now: number, days: number): boolean {
  const cutoff = now - days * DAY;
  if (file === sharedName(now)) return false;
  const day = Date.parse(`${file.slice(0, 4)}-${file.slice(4, 6)}-${file.slice(6, 8)}`);
  const stats = lstatSync(join(directory, file), { throwIfNoEntry: false });
  // A day that cannot be read compares with nothing, and the file stays.
  if (stats?.isFile() !== true || !(day + DAY <= cutoff) || stats.mtimeMs > cutoff) return false;
  const pid = /^\d{8}T\d{9}Z-(\d+)-/.exec(file)?.[1];
  return kindOfFile(file) === "shared" || (pid !== undefined && !runs(Number(pid)));
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
