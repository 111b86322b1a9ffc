import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import type { Seen } from "../../core/layers/9-sandbox/facts.ts";
import type { Remedy } from "../../core/layers/9-sandbox/aftermath.ts";
import type { Violation } from "../../core/layers/9-sandbox/result.ts";
import { seenAt, smallText } from "./look.ts";
import { YOUNG_MS } from "./names.ts";

/** A file as it was. */
export interface RememberedFile {
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the entry it was read from. */
  readonly id: string;
  readonly stamp: string;
}

/** Content of files that no mount holds, taken before the command. */
export type Remembered = ReadonlyMap<string, RememberedFile>;

/**
 * Takes the content of the watched files, from `before` where nothing changed since; `before`
 * itself where that goes for all. Files that are large or not readable are left out.
 */
export function remember(watch: readonly Seen[], before: Remembered): Remembered {
  const now = new Map(
    watch.flatMap(({ real, id, stamp }) => {
      const old = before.get(real);
      if (old?.id === id && old.stamp === stamp) return [[real, old] as const];
      const file = readNow(real, id, stamp);
      return file === undefined ? [] : [[real, file] as const];
    }),
  );
  const same = now.size === before.size && [...now].every(([path, file]) => before.get(path) === file);
  return same ? before : now;
}

function readNow(path: string, id: string, stamp: string): RememberedFile | undefined {
  const text = smallText(path);
  const stat = text === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  if (text === undefined || stat === undefined) return undefined;
  // One that changed within the last tick may change again without a new stamp.
  const young = Date.now() - stat.ctimeMs < YOUNG_MS;
  return { text, mode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid, id, stamp: young ? "" : stamp };
}

/** True where a file has the content that is remembered of it, whoever wrote that. */
export function isAsRemembered(seen: Seen, remembered: Remembered): boolean {
  const before = remembered.get(seen.real);
  return before !== undefined && seen.link === undefined && smallText(seen.real) === before.text;
}

/** What came of the remedies. */
export interface Applied {
  readonly violations: readonly Violation[];
  /** Something else stood at one of the paths than was judged; it was left alone. */
  readonly exchanged: boolean;
}

/**
 * Moves what a command planted into a private directory below `quarantine` and puts back what stood
 * there before. Nothing is deleted.
 *
 * Where the private directory cannot be written, the thing is renamed beside its place; where that
 * fails too, the violation says so and the thing is still there. What somebody else has moved away
 * or put back meanwhile counts as done.
 */
export function applyRemedies(
  remedies: readonly Remedy[],
  quarantine: string,
  remembered: Remembered,
): Applied {
  if (remedies.length === 0) return { violations: [], exchanged: false };
  const place = join(
    quarantine,
    `${new Date().toISOString().replace(/[:.]/g, "-")}-${randomBytes(4).toString("hex")}`,
  );
  let exchanged = false;
  const violations = remedies.flatMap((remedy, index): readonly Violation[] => {
    const { path, why, kind } = remedy;
    const failed: string[] = [];
    let movedTo: string | undefined;
    const there = seenAt(path).id;
    if (there !== "" && remedy.id !== undefined && remedy.id !== there) {
      exchanged = true;
      return [];
    }
    if (there !== "") {
      try {
        movedTo = moveAway(path, place, index);
      } catch (error) {
        if (seenAt(path).id !== "") failed.push(error instanceof Error ? error.message : String(error));
      }
    }
    let restored = false;
    try {
      restored = failed.length === 0 && restore(remedy, remembered);
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
    return [
      {
        kind,
        path,
        why,
        movedTo,
        restored,
        failed: failed.length === 0 ? undefined : failed.join("; "),
      },
    ];
  });
  if (!violations.some(({ movedTo }) => movedTo?.startsWith(place) === true))
    return { violations, exchanged };
  try {
    writeFileSync(join(place, "where.json"), `${JSON.stringify(violations, undefined, 2)}\n`, {
      mode: 0o600,
    });
  } catch {
    // The violations are on the result as well; this file only helps whoever looks in later.
  }
  return { violations, exchanged };
}

function moveAway(path: string, place: string, index: number): string {
  // Held by descriptor, so that nobody can exchange the directory between look and rename.
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = existsSync("/proc/self/fd") ? `/proc/self/fd/${parent}` : dirname(path);
    // Where there is no /proc the name has to do: nothing of the command runs any more.
    const now = held === dirname(path) ? realpathSync(held) : readlinkSync(held);
    if (now !== dirname(path)) throw new Error(`${dirname(path)} was exchanged`);
    const from = `${held}/${basename(path)}`;
    const beside = `${basename(path)}.cordon-quarantine-${randomBytes(4).toString("hex")}`;
    const to = join(place, `${index}-${basename(path)}`);
    try {
      makeDirectories(place, 0o700);
      moveInto(from, to);
      return to;
    } catch {
      renameSync(from, `${held}/${beside}`);
      return join(dirname(path), beside);
    }
  } finally {
    closeSync(parent);
  }
}

function moveInto(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    rmSync(from, { recursive: true, force: true });
  }
}

function restore(remedy: Remedy, remembered: Remembered): boolean {
  const { path, relink } = remedy;
  if (relink !== undefined) {
    const there = seenAt(path);
    if (there.link !== relink) inDirectory(path, (held) => symlinkSync(relink, held));
    return true;
  }
  const before = remedy.rewrite === true ? remembered.get(path) : undefined;
  if (before === undefined) return false;
  if (isAsRemembered(seenAt(path), remembered)) return true;
  inDirectory(path, (held) => {
    writeFileSync(held, before.text, { flag: "wx", mode: before.mode });
    const { uid, gid } = statSync(held);
    if (uid !== before.uid || gid !== before.gid) lchownSync(held, before.uid, before.gid);
  });
  return true;
}

/**
 * Works on a path in the very directory that is meant, which is made where it is gone. Throws where
 * a command has put a link on the way, which would lead the work elsewhere.
 */
function inDirectory(path: string, work: (held: string) => void): void {
  const directory = dirname(path);
  let there = directory;
  while (lstatSync(there, { throwIfNoEntry: false }) === undefined) there = dirname(there);
  if (realpathSync(there) !== there) throw new Error(`${there} leads elsewhere`);
  makeDirectories(directory, 0o755);
  const parent = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${parent}`;
    if (readlinkSync(held) !== directory) throw new Error(`${directory} was exchanged`);
    work(`${held}/${basename(path)}`);
  } finally {
    closeSync(parent);
  }
}
