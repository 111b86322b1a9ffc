import {
  type BigIntStats,
  type Dirent,
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchmodSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Matcher } from "../../core/layers/9-sandbox/mark.ts";
import { isGitShape } from "./git-shape.ts";
import { realPath } from "./look.ts";
import { YOUNG_MS } from "./names.ts";
import type { Watch } from "./watch.ts";

/** What one directory holds that matters. */
export interface Listing {
  /** Tells the directory from any other that ever had its name. */
  readonly id: string;
  readonly stamp: string;
  /** Milliseconds between the directory's last change and the look at it. */
  readonly age: number;
  readonly size: number;
  readonly directories: readonly string[];
  readonly hits: readonly { readonly name: string; readonly marks: readonly number[] }[];
  readonly sockets: readonly string[];
  readonly dotGit: "directory" | "other" | undefined;
  readonly gitShape: boolean;
}

/** A look at one directory. */
export interface Look {
  readonly listing: Listing;
  /** It was not read again, since it is known not to have changed. */
  readonly same: boolean;
  /** What stands at the names of directories in it is what stood there before. */
  readonly sure: boolean;
}

/** How directories are read in one search. */
export interface Reading {
  readonly matcher: Matcher;
  /** Names with a meaning by their form in lower case. */
  readonly folded: ReadonlyMap<string, string>;
  readonly skip: readonly string[];
  /** Open directories that their owner closed, to look into them. */
  readonly repair: boolean;
  /** Of these, the ones that nobody could have worked in: they stay as they are. */
  readonly closed: ReadonlySet<string>;
  /** What the watch tells may be relied on. */
  readonly trusted: boolean;
  readonly watch: Watch | undefined;
}

/**
 * Lists a directory, or says what is remembered where that is still so. `sure`: the same directory
 * as before stands at the path. `closed`: a directory that cannot be listed, or whose entries cannot
 * be reached. Undefined where it cannot be told at all what is there.
 */
export function lookAt(
  directory: string,
  sure: boolean,
  listings: Map<string, Listing>,
  reading: Reading,
): Look | "closed" | undefined {
  const { watch, trusted } = reading;
  const old = listings.get(directory);
  const clean = trusted && old !== undefined && watch?.isClean(directory) === true;
  if (sure && clean) return { listing: old, same: true, sure: true };
  const stat = statSafe(directory);
  // Too deep to be named, for one.
  if (stat === "unreadable") return undefined;
  if (stat === undefined) return directory.includes("\uFFFD") ? undefined : NOTHING;
  if (!stat.isDirectory()) return NOTHING;
  const id = `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
  const stamp = `${stat.ino}:${stat.ctimeNs}`;
  if (old?.id === id && clean) return { listing: old, same: true, sure: true };
  // Watched before it is read, so that nothing falls between the two.
  if (watch !== undefined && (old?.id !== id || !watch.has(directory))) watch.add(directory);
  if (old?.id === id && old.stamp === stamp && old.age > YOUNG_MS)
    return { listing: old, same: true, sure: false };
  const age = Date.now() - Number(stat.ctimeNs / 1_000_000n);
  const entries = isOpened(directory, stat, reading) ? entriesOf(directory) : undefined;
  if (entries === undefined) return "closed";
  const listing = listingOf(directory, { id, stamp, age }, entries, reading);
  listings.set(directory, listing);
  return { listing, same: false, sure: false };
}

function listingOf(
  directory: string,
  seen: Pick<Listing, "id" | "stamp" | "age">,
  entries: readonly Dirent[],
  { matcher, skip, folded }: Reading,
): Listing {
  const meant = (name: string): string => {
    const spelt = folded.get(name.toLowerCase());
    return spelt !== undefined && spelt !== name && isSameEntry(directory, name, spelt) ? spelt : name;
  };
  const git = entries.find((entry) => meant(entry.name) === ".git");
  return {
    ...seen,
    size: entries.length,
    directories: entries
      .filter((entry) => entry.isDirectory() && entry !== git && !skip.includes(entry.name))
      .map((entry) => entry.name),
    hits: entries.flatMap((entry) => {
      const marks = matcher(directory, meant(entry.name));
      return marks.length === 0 ? [] : [{ name: entry.name, marks }];
    }),
    sockets: entries.filter((entry) => entry.isSocket()).map((entry) => entry.name),
    dotGit: git === undefined ? undefined : git.isDirectory() ? "directory" : "other",
    gitShape: isGitShape(new Set(entries.map((entry) => entry.name))),
  };
}

const NOTHING: Look = {
  listing: {
    id: "",
    stamp: "",
    age: 0,
    size: 0,
    directories: [],
    hits: [],
    sockets: [],
    dotGit: undefined,
    gitShape: false,
  },
  same: false,
  sure: false,
};

/** The owner may not list it, or not reach what is in it; a command of the owner's can change that. */
function isShut({ mode }: BigIntStats): boolean {
  return (Number(mode) & 0o500) !== 0o500;
}

/** Whether a directory can be looked into, after a command that it is opened for; also what is none can be. */
export function canEnter(directory: string, reading: Reading): boolean {
  const stat = statSafe(directory);
  if (typeof stat !== "object") return stat === undefined;
  return !stat.isDirectory() || isOpened(directory, stat, reading);
}

function isOpened(directory: string, stat: BigIntStats, reading: Reading): boolean {
  if (reading.repair && !reading.closed.has(directory) && isShut(stat)) openUp(directory, stat);
  return isEntered(directory, stat, reading);
}

/**
 * Whether a search sees there what a command could. Root sees through what is shut, and the command,
 * which has no capabilities, does not: then the plan must not mount anything in it.
 */
function isEntered(directory: string, stat: BigIntStats, { repair, closed }: Reading): boolean {
  if (process.getuid?.() === 0) return repair ? !closed.has(directory) : !isShut(stat);
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Linux: a handle on whatever stands at a path, also where it may not be read. Node has no name for it. */
const O_PATH = 0o10000000;

/**
 * Gives the owner of a directory the use of it, unless something else stands there by now, or the way
 * to it goes through a link: another command may be exchanging either.
 *
 * INVARIANT: only the very directory that was seen is changed, and no bit but the owner's three.
 */
export function openUp(directory: string, seen: { readonly dev: bigint; readonly ino: bigint }): void {
  try {
    if (process.platform !== "linux") {
      // No handle on what cannot be read; the last name is not followed, and the way there is compared.
      const stat = lstatSync(directory, { bigint: true });
      if (!stat.isDirectory() || stat.dev !== seen.dev || stat.ino !== seen.ino) return;
      if (realPath(dirname(directory)) !== dirname(directory)) return;
      lchmodSync(directory, (Number(stat.mode) & 0o7777) | 0o700);
      return;
    }
    const handle = openSync(directory, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
    try {
      const held = `/proc/self/fd/${handle}`;
      const stat = fstatSync(handle, { bigint: true });
      if (!stat.isDirectory() || stat.dev !== seen.dev || stat.ino !== seen.ino) return;
      if (readlinkSync(held) !== directory) return;
      chmodSync(held, (Number(stat.mode) & 0o7777) | 0o700);
    } finally {
      closeSync(handle);
    }
  } catch {
    // It stays shut, and counts as not looked into.
  }
}

function entriesOf(directory: string): readonly Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return undefined;
  }
}

/** True where a directory is blind to case: another spelling leads to the same entry. */
function isSameEntry(directory: string, name: string, spelt: string): boolean {
  const [one, other] = [name, spelt].map((each) => statSafe(`${directory}/${each}`));
  return (
    typeof one === "object" && typeof other === "object" && one.dev === other.dev && one.ino === other.ino
  );
}

/** Names in a directory; none where it cannot be listed. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Entries of a directory with their types; none where it cannot be listed. */
export function entriesIn(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function statSafe(directory: string): BigIntStats | undefined | "unreadable" {
  try {
    return lstatSync(directory, { bigint: true, throwIfNoEntry: false });
  } catch {
    return "unreadable";
  }
}
