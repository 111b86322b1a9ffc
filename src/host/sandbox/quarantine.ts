import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
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
  /**
   * It has to be looked again: something else stood at one of the paths than was judged, or a
   * directory is still in the workspace under a harmless name, with what is in it.
   */
  readonly exchanged: boolean;
}

/**
 * Moves what a command planted into a private directory below `quarantine` and puts back what stood
 * there before. Nothing is deleted.
 *
 * Where the private directory cannot be written, or is on another file system, the thing is renamed
 * beside its place, to a name nothing reads; where that fails too, the violation says so and the
 * thing is still there. What somebody else has moved away or put back meanwhile counts as done.
 *
 * INVARIANT: a thing is moved by one rename of its own entry, or not at all. It is never copied, and
 * nothing in it is opened or followed: other commands may be at work in it all the while, and would
 * lead a walk through it to files of the person.
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
    const { path, kind } = remedy;
    const failed: string[] = [];
    let why = remedy.why;
    let movedTo: string | undefined;
    const there = seenAt(path).id;
    if (there !== "" && remedy.id !== undefined && remedy.id !== there) {
      exchanged = true;
      return [];
    }
    if (there !== "") {
      try {
        const moved = moveAway(path, place, index);
        movedTo = moved.to;
        if (moved.entry !== entryOf(there)) {
          // Not put back: by now something may stand there that would be written over.
          why = `${why}; it was exchanged for something else while it was moved`;
          exchanged = true;
        } else if (moved.open) exchanged = true;
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
  if (!violations.some(({ movedTo }) => movedTo !== undefined)) return { violations, exchanged };
  try {
    writeFileSync(join(place, "where.json"), `${JSON.stringify(violations, undefined, 2)}\n`, {
      mode: 0o600,
    });
  } catch {
    // The violations are on the result as well; this file only helps whoever looks in later.
  }
  return { violations, exchanged };
}

/** Device and inode of an identity. A rename may change the rest where no time of birth is kept. */
function entryOf(id: string): string {
  return id.split(":", 2).join(":");
}

/** The same of what stands at a path, links not followed; empty where somebody has taken it. */
function entryAt(path: string): { readonly entry: string; readonly isDirectory: boolean } {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return { entry: "", isDirectory: false };
  return { entry: `${stat.dev}:${stat.ino}`, isDirectory: stat.isDirectory() };
}

/** Where something is now. */
interface Moved {
  readonly to: string;
  /** Of what really was moved. */
  readonly entry: string;
  /** A directory that commands can still reach. */
  readonly open: boolean;
}

function moveAway(path: string, place: string, index: number): Moved {
  // Held by descriptor, so that nobody can exchange the directory between look and rename.
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = existsSync("/proc/self/fd") ? `/proc/self/fd/${parent}` : dirname(path);
    // Where there is no /proc the name has to do.
    const now = held === dirname(path) ? realpathSync(held) : readlinkSync(held);
    if (now !== dirname(path)) throw new Error(`${dirname(path)} was exchanged`);
    const from = `${held}/${basename(path)}`;
    const to = join(place, `${index}-${shortened(basename(path))}`);
    try {
      makeDirectories(place, 0o700);
      renameSync(from, to);
      return { to, entry: entryAt(to).entry, open: false };
    } catch {
      // Also where `place` is on another file system: see the invariant of `applyRemedies`.
      const beside = harmlessName(basename(path));
      renameSync(from, `${held}/${beside}`);
      const { entry, isDirectory } = entryAt(`${held}/${beside}`);
      return { to: join(dirname(path), beside), entry, open: isDirectory };
    }
  } finally {
    closeSync(parent);
  }
}

/**
 * A new name that no program looks for: not the old ending, and hidden from whatever takes every
 * file of a directory (`conf.d/*`) or every ending of a name (`prettier.config.*`).
 */
function harmlessName(name: string): string {
  const hidden = name.startsWith(".") ? name : `.${name}`;
  return `${shortened(hidden)}.cordon-quarantine-${randomBytes(4).toString("hex")}`;
}

/** Most bytes of a name that are kept, so that what is added fits into the 255 of a file system. */
const MOST_NAME = 200;

/** A name that is too long for a suffix could otherwise not be moved at all. */
function shortened(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= MOST_NAME) return name;
  return bytes
    .subarray(0, MOST_NAME)
    .toString("utf8")
    .replace(/\uFFFD$/, "");
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
