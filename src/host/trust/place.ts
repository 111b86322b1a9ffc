import { type BigIntStats, lstatSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { codeOf, readWhole, utf8 } from "../settings/read-file.ts";

/** Most bytes of a pointer file of git: `.git`, `commondir`, `gitdir`. */
const LARGEST_POINTER = 8_192;

/** Where the trust in a directory belongs. All paths are real paths. */
export interface TrustPlace {
  /** What trust is kept for: a git root, the main checkout of a worktree, or the directory itself. */
  readonly place: string;
  /** The directory the files of this checkout are counted from; another one than `place` in a worktree. */
  readonly checkout: string;
  readonly directory: string;
  readonly kind: "repository" | "worktree" | "directory";
  /** Tells a directory and its repository from others that bear the same name later. */
  readonly placeIdentity: string;
  readonly checkoutIdentity: string;
  /** Where git keeps the state of this checkout; undefined where that was not shown. */
  readonly gitDirectory: string | undefined;
  /** The home directory lies in it: trust lasts for a session. */
  readonly isHome: boolean;
}

/**
 * Where the trust in a directory belongs. No git is started, no link is followed out of a
 * repository, and no configuration of one is read.
 *
 * INVARIANT: a worktree belongs to its main checkout only where that names the worktree itself.
 * Whatever else bears a `.git` (a submodule, a nested repository, a forgery) and a bare repository
 * stand for themselves.
 *
 * Throws what the system says where something on the way cannot be looked at: the caller then
 * trusts nothing.
 */
export function trustPlaceOf(start: string, home: string): TrustPlace {
  const directory = realpathSync(start);
  const found = repositoryAbove(directory);
  const checkout = found?.root ?? directory;
  const main = found?.git === "file" ? mainCheckoutOf(checkout) : undefined;
  const place = main?.checkout ?? checkout;
  return {
    place,
    checkout,
    directory,
    kind: main !== undefined ? "worktree" : found !== undefined ? "repository" : "directory",
    placeIdentity: identityOf(place),
    checkoutIdentity: identityOf(checkout),
    gitDirectory: main?.gitDirectory ?? (found?.git === "directory" ? join(checkout, ".git") : undefined),
    isHome: isInside(realHome(home), place),
  };
}

/** True for the directory itself and what lies below it, by name. */
export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

interface Repository {
  readonly root: string;
  readonly git: "directory" | "file" | "other" | "bare";
}

/** The nearest directory that claims to be a repository, whether git would believe it or not. */
function repositoryAbove(directory: string): Repository | undefined {
  const { dev } = statSync(directory);
  for (let here = directory; ; here = dirname(here)) {
    const git = look(join(here, ".git"));
    if (git !== undefined) {
      return { root: here, git: git.isDirectory() ? "directory" : git.isFile() ? "file" : "other" };
    }
    if (isBare(here)) return { root: here, git: "bare" };
    // As git does: what is mounted somewhere does not belong to what surrounds it.
    if (here === dirname(here) || statSync(dirname(here)).dev !== dev) return undefined;
  }
}

/** Looks as git's own directory does. */
function isBare(directory: string): boolean {
  return ["HEAD", "objects", "refs"].every((name) => look(join(directory, name)) !== undefined);
}

interface MainCheckout {
  readonly checkout: string;
  readonly gitDirectory: string;
}

/**
 * The main checkout of a linked worktree; undefined unless all of it fits: the worktree's git
 * directory lies in `.git/worktrees` of the main checkout, shares that `.git`, and points back to
 * the very file that led there.
 */
function mainCheckoutOf(checkout: string): MainCheckout | undefined {
  const named = /^gitdir: ([^\0\n]+)\n*$/.exec(pointer(join(checkout, ".git")) ?? "")?.[1];
  if (named === undefined) return undefined;
  const gitDirectory = realOrNot(resolve(checkout, named));
  if (gitDirectory === undefined) return undefined;
  const common = dirname(dirname(gitDirectory));
  if (basename(dirname(gitDirectory)) !== "worktrees" || basename(common) !== ".git") return undefined;
  const shared = pathIn(join(gitDirectory, "commondir"));
  const back = pathIn(join(gitDirectory, "gitdir"));
  if (shared === undefined || back === undefined) return undefined;
  if (realOrNot(resolve(gitDirectory, shared)) !== common) return undefined;
  const file = resolve(gitDirectory, back);
  if (basename(file) !== ".git" || realOrNot(dirname(file)) !== checkout) return undefined;
  return { checkout: dirname(common), gitDirectory };
}

function pathIn(file: string): string | undefined {
  return /^([^\0\n]+)\n*$/.exec(pointer(file) ?? "")?.[1];
}

/** The text of a small regular file; undefined for everything else. */
function pointer(file: string): string | undefined {
  if ((look(file)?.size ?? Infinity) > LARGEST_POINTER) return undefined;
  const reading = readWhole(file, "refuse");
  if (reading.kind !== "bytes" || reading.bytes.length > LARGEST_POINTER) return undefined;
  return utf8(reading.bytes);
}

function realOrNot(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function realHome(home: string): string {
  return realOrNot(home) ?? resolve(home);
}

/** Undefined where nothing bears the name. Throws where that cannot be told. */
function look(path: string): ({ readonly size: bigint } & Kinds) | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

type Kinds = Pick<BigIntStats, "isDirectory" | "isFile" | "dev" | "ino" | "birthtimeNs">;

/** Device, inode and birth of a directory and of its `.git`: an inode alone is given out again. */
export function identityOf(directory: string): string {
  return [directory, join(directory, ".git")]
    .map((path) => {
      const stats = look(path);
      return stats === undefined ? "-" : `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
    })
    .join(" ");
}
