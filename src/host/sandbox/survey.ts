import { type BigIntStats, type Dirent, chmodSync, lstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { GitDir, GitLink, SandboxNeeds, Sighting, Survey } from "../../core/layers/9-sandbox/facts.ts";
import {
  type Mark,
  type Matcher,
  exactPath,
  isExcept,
  isGlob,
  matcherOf,
} from "../../core/layers/9-sandbox/mark.ts";
import { gitDirectories, gitLinkAt, isGitShape } from "./git.ts";
import { realPath, seenAt } from "./look.ts";
import { type Names, YOUNG_MS, openNames } from "./names.ts";

/** What one directory holds that matters. */
interface Listing {
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

/**
 * Searches writable directories for names that bear a mark. Remembers what it has seen, so that
 * the next search costs one look at each directory that did not change.
 */
export interface Surveyor {
  /**
   * `plan` looks for everything. `inspect`, after a command, leaves out what is only hidden, and
   * opens directories that their owner closed, to look into them.
   */
  readonly survey: (needs: SandboxNeeds, purpose: "plan" | "inspect") => Survey;
}

const HIDING: ReadonlySet<Mark["role"]> = new Set([
  "own",
  "credential",
  "denied-read",
  "opened-read",
  "named-read",
]);
const OPENING: ReadonlySet<Mark["role"]> = new Set(["opened-read", "named-read"]);
/** Below these a git directory keeps nothing that bears a name. */
const GIT_STORES: ReadonlySet<string> = new Set(["objects", "refs", "logs", "hooks"]);

export function openSurveyor(): Surveyor {
  const listings = new Map<string, Listing>();
  const names = openNames();
  const state: { key?: string; index?: Index } = {};
  return {
    survey: (needs, purpose) => {
      const bases = new Map<string, string>();
      const resolve = (base: string): string => {
        const known = bases.get(base) ?? realPath(base) ?? base;
        bases.set(base, known);
        return known;
      };
      const marks = needs.marks.map((mark) =>
        mark.base === undefined || mark.base === "/" ? mark : { ...mark, base: resolve(mark.base) },
      );
      const key = JSON.stringify([marks, needs.skip]);
      if (state.key !== key) {
        listings.clear();
        Object.assign(state, { key, index: indexOf(marks) });
      }
      return survey(needs, state.index ?? indexOf(marks), listings, purpose === "inspect", names);
    },
  };
}

/** The marks, prepared for looking up. */
interface Index {
  readonly marks: readonly Mark[];
  readonly matcher: Matcher;
  /** Paths of the marks that name exactly one. */
  readonly exact: readonly (string | undefined)[];
}

function indexOf(marks: readonly Mark[]): Index {
  return { marks, matcher: matcherOf(marks), exact: marks.map(exactPath) };
}

function survey(
  needs: SandboxNeeds,
  { marks, matcher, exact: exactPaths }: Index,
  listings: Map<string, Listing>,
  repair: boolean,
  names: Names,
): Survey {
  names.refresh();
  const roots = needs.roots.flatMap(({ path }) => realPath(path) ?? []).filter((path) => path !== "/");
  const sightings: Sighting[] = [];
  const gits: GitDir[] = [];
  const gitLinks: GitLink[] = [];
  const sockets: string[] = [];
  const unread: string[] = [];
  const visited = new Set<string>();
  let left = needs.budget;

  const sight = (path: string, indexes: readonly number[]): readonly string[] => {
    let open: readonly string[] = [];
    for (const index of indexes) {
      const sighting = sightingAt(path, index, marks[index]);
      if (sighting === undefined || sightings.some((other) => other.path === path && other.mark === index))
        continue;
      sightings.push(sighting);
      if (sighting.link === undefined) open = [...open, ...sighting.open];
    }
    return open;
  };
  const takeGit = (found: readonly GitDir[]): void => {
    for (const git of found) if (!gits.some(({ path }) => path === git.path)) gits.push(git);
  };
  const walk = (start: string, inRoot: boolean): void => {
    const queue = [start];
    for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
      if (visited.has(directory)) continue;
      visited.add(directory);
      const listing = list(directory, matcher, needs.skip, listings, repair);
      if (listing === undefined) {
        unread.push(directory);
        continue;
      }
      left -= listing.size + 1;
      if (left < 0) return;
      const closed = new Set<string>();
      for (const { name, marks: found } of listing.hits) {
        const path = join(directory, name);
        // What is denied or protected as a whole is not looked into, but for its exceptions.
        queue.push(...sight(path, found));
        if (
          sightings.some(
            (sighting) => sighting.path === path && !OPENING.has(marks[sighting.mark]?.role ?? "protected"),
          )
        )
          closed.add(name);
      }
      if (inRoot) {
        sockets.push(...listing.sockets.map((name) => join(directory, name)));
        if (listing.dotGit === "directory")
          takeGit(gitDirectories(join(directory, ".git"), true, roots, needs.home));
        if (listing.dotGit === "other") gitLinks.push(gitLinkAt(join(directory, ".git")));
        if (listing.gitShape) takeGit(gitDirectories(directory, false, roots, needs.home));
      }
      for (const name of listing.directories) {
        if (closed.has(name) || (listing.gitShape && GIT_STORES.has(name))) continue;
        queue.push(join(directory, name));
      }
    }
  };

  const parents = new Map<string, string | undefined>();
  const parentOf = (path: string): string | undefined => {
    const parent = dirname(path);
    if (!parents.has(parent)) parents.set(parent, realPath(parent));
    return parents.get(parent);
  };
  marks.forEach((mark, index) => {
    const exact = exactPaths[index];
    if (exact === undefined || (repair && HIDING.has(mark.role)) || !names.mayExist(exact)) return;
    // The directory resolved, the last name as it stands.
    const parent = parentOf(exact);
    if (parent !== undefined) sight(exact === "/" ? exact : join(parent, basename(exact)), [index]);
  });
  for (const root of roots) {
    if (seenAt(root).type === "directory") walk(root, true);
  }
  // What is open inside something closed was not reached from above.
  for (const { real, mark } of sightings.filter(({ type }) => type === "directory"))
    if (OPENING.has(marks[mark]?.role ?? "protected") && roots.some((root) => isWithin(real, root)))
      walk(real, true);
  for (const link of gitLinks.filter(({ path }) => roots.includes(dirname(path)))) {
    if (link.common !== undefined && !gits.some(({ path }) => path === link.common))
      takeGit(gitDirectories(link.common, true, roots, needs.home));
  }
  for (const base of new Set(marks.flatMap(searchBase))) {
    if (!roots.some((root) => isWithin(base, root)) && seenAt(base).type === "directory") walk(base, false);
  }
  return { sightings, gits, gitLinks, sockets, unread, complete: left >= 0 };
}

function sightingAt(path: string, index: number, mark: Mark | undefined): Sighting | undefined {
  const seen = seenAt(path, true);
  if (mark === undefined || (seen.type === "absent" && seen.link === undefined)) return undefined;
  if (mark.directory && seen.type !== "directory" && seen.link === undefined) return undefined;
  const children =
    mark.except.length > 0 && seen.type === "directory"
      ? readdirSafe(seen.real).map((entry) => entry.name)
      : [];
  const of = (open: boolean): readonly string[] =>
    children.filter((name) => isExcept(mark, name) === open).map((name) => join(seen.real, name));
  // A link among the exceptions could lead anywhere.
  return {
    ...seen,
    mark: index,
    open: of(true).filter((child) => seenAt(child).link === undefined),
    closed: of(false),
  };
}

/** Where the search for a glob outside the roots begins: its longest part without a pattern. */
function searchBase(mark: Mark): readonly string[] {
  if (mark.base === undefined || exactPath(mark) !== undefined) return [];
  const literal = mark.segments.slice(0, mark.segments.findIndex(isGlob));
  const base = join(mark.base, ...literal);
  // The whole file system is not searched; the plan says so.
  return base === "/" ? [] : [base];
}

function list(
  directory: string,
  matcher: Matcher,
  skip: readonly string[],
  listings: Map<string, Listing>,
  repair: boolean,
): Listing | undefined {
  const stat = statSafe(directory);
  // Too deep to be named, for one.
  if (stat === "unreadable") return undefined;
  if (stat === undefined) return directory.includes("\uFFFD") ? undefined : EMPTY;
  if (!stat.isDirectory()) return EMPTY;
  const stamp = `${stat.ino}:${stat.ctimeNs}`;
  const old = listings.get(directory);
  if (old?.stamp === stamp && old.age > YOUNG_MS) return old;
  const age = Date.now() - Number(stat.ctimeNs / 1_000_000n);
  const entries = readdirOrRepair(directory, Number(stat.mode), repair);
  if (entries === undefined) return undefined;
  const names = new Set(entries.map((entry) => entry.name));
  const git = entries.find((entry) => entry.name === ".git");
  const listing: Listing = {
    stamp,
    age,
    size: entries.length,
    directories: entries
      .filter((entry) => entry.isDirectory() && entry.name !== ".git" && !skip.includes(entry.name))
      .map((entry) => entry.name),
    hits: entries.flatMap((entry) => {
      const marks = matcher(directory, entry.name, entry.isDirectory() || entry.isSymbolicLink());
      return marks.length === 0 ? [] : [{ name: entry.name, marks }];
    }),
    sockets: entries.filter((entry) => entry.isSocket()).map((entry) => entry.name),
    dotGit: git === undefined ? undefined : git.isDirectory() ? "directory" : "other",
    gitShape: isGitShape(names),
  };
  listings.set(directory, listing);
  return listing;
}

const EMPTY: Listing = {
  stamp: "",
  age: 0,
  size: 0,
  directories: [],
  hits: [],
  sockets: [],
  dotGit: undefined,
  gitShape: false,
};

function readdirOrRepair(directory: string, mode: number, repair: boolean): readonly Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    if (!repair) return undefined;
    try {
      chmodSync(directory, (mode & 0o7777) | 0o700);
      return readdirSync(directory, { withFileTypes: true });
    } catch {
      return undefined;
    }
  }
}

function statSafe(directory: string): BigIntStats | undefined | "unreadable" {
  try {
    return lstatSync(directory, { bigint: true, throwIfNoEntry: false });
  } catch {
    return "unreadable";
  }
}

function readdirSafe(directory: string): readonly Dirent[] {
  return readdirOrRepair(directory, 0, false) ?? [];
}
