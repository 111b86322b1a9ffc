import { basename, dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { GitDir, GitLink, SandboxNeeds, Sighting, Survey } from "../../core/layers/9-sandbox/facts.ts";
import {
  type Mark,
  type Matcher,
  exactPath,
  isGlob,
  literal,
  matcherOf,
} from "../../core/layers/9-sandbox/mark.ts";
import { type GitReader, type GitSearch, openGitReader } from "./git.ts";
import { type Listing, type Reading, canEnter, lookAt } from "./listing.ts";
import { realPath, seenAt } from "./look.ts";
import { type Names, openNames } from "./names.ts";
import { type Steady, hitsIn, sightingAt } from "./sightings.ts";
import { type Watch, openWatch } from "./watch.ts";

/**
 * Searches writable directories for names that bear a mark. Remembers what it has seen, so that
 * the next search costs one look at each directory that did not change; and nothing at all for
 * those that the kernel says are as they were, once `settle` has told so.
 */
export interface Surveyor {
  /**
   * `plan` looks for everything. `inspect`, after a command, leaves out what is only hidden, and
   * opens directories that their owner closed, to look into them.
   *
   * `trusted`: what `settle` has just answered, for the same needs. The same survey is handed out
   * again where nothing has changed. `closed`: directories that the command could not enter, which
   * an inspection leaves as they are.
   */
  readonly survey: (
    needs: SandboxNeeds,
    purpose: "plan" | "inspect",
    trusted?: boolean,
    closed?: readonly string[],
  ) => Survey;
  /**
   * Waits until all is known that happened before. True when the next survey may rely on it. The
   * first call begins to watch and answers no. `place` is a private directory of cordon's own.
   */
  readonly settle: (needs: SandboxNeeds, place: string) => Promise<boolean>;
  /** Ends watching. The surveyor can still be used. */
  readonly close: () => void;
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

/** What is remembered from one search to the next. */
interface Memory {
  readonly listings: Map<string, Listing>;
  readonly steady: Steady;
  readonly names: Names;
  readonly git: GitReader;
  /** Where the marks of these needs begin. */
  readonly starts: WeakMap<SandboxNeeds, readonly string[]>;
  index?: Index;
  key?: string;
  needs?: SandboxNeeds;
  resolved?: string;
  watch?: Watch | undefined;
  watchKey?: string;
  last?: Found | undefined;
}
/** How much more than before a command is looked at after it, before a search gives up. */
const MADE_BUDGET = 2;
/** What a directory takes of the budget beside its names: each has to be opened, a name is only compared. */
const DIRECTORY_COST = 7;

/** A search that can be handed out again, and what it rests on beside the watched directories. */
interface Found {
  readonly survey: Survey;
  readonly placed: string;
  /** Of `placed`, what a search after a command looks for. */
  readonly guarding: string;
  readonly tops: string;
}

export function openSurveyor(): Surveyor {
  const memory: Memory = {
    listings: new Map(),
    steady: new WeakMap(),
    names: openNames(),
    git: openGitReader(),
    starts: new WeakMap(),
  };
  const prepare = (needs: SandboxNeeds): Index => {
    const bases = new Map<string, string>();
    const starts = memory.starts.get(needs) ?? startsOf(needs);
    memory.starts.set(needs, starts);
    for (const base of starts) bases.set(base, realPath(base) ?? base);
    const resolved = [...bases.values()].join("\0");
    if (memory.needs === needs && memory.resolved === resolved && memory.index !== undefined)
      return memory.index;
    const marks = needs.marks.map((mark) => {
      const start = startOf(mark);
      const base = start === undefined ? undefined : bases.get(start);
      if (base === undefined || base === start) return mark;
      return { ...mark, base, segments: mark.segments.slice(leadOf(mark).length) };
    });
    const key = JSON.stringify([marks, needs.skip, needs.roots]);
    Object.assign(memory, { needs, resolved });
    if (memory.key !== key) {
      memory.listings.clear();
      Object.assign(memory, { key, index: indexOf(marks), last: undefined });
    }
    return memory.index ?? indexOf(marks);
  };
  return {
    survey: (needs, purpose, trusted = false, closed = []) =>
      survey(needs, prepare(needs), memory, {
        repair: purpose === "inspect",
        trusted: trusted && memory.watch !== undefined,
        closed: new Set(closed),
      }),
    settle: async (needs, place) => {
      const index = prepare(needs);
      const roots = [...rootsOf(needs), ...index.bases];
      const key = JSON.stringify([roots, place]);
      if (memory.watchKey !== key) {
        memory.watch?.close();
        Object.assign(memory, { watch: openWatch(roots, place), watchKey: key });
        return false;
      }
      const told = (await memory.watch?.barrier()) === true;
      const ended = memory.watch?.ended();
      if (ended !== undefined) delete memory.watch;
      if (ended === "mounts") delete memory.watchKey;
      return told;
    },
    close: () => {
      memory.watch?.close();
      delete memory.watch;
      delete memory.watchKey;
    },
  };
}

function rootsOf(needs: SandboxNeeds): readonly string[] {
  return needs.roots.flatMap(({ path }) => realPath(path) ?? []).filter((path) => path !== "/");
}

/** The marks, prepared for looking up. */
interface Index {
  readonly marks: readonly Mark[];
  readonly matcher: Matcher;
  /** Paths of the marks that name exactly one. */
  readonly exact: readonly (string | undefined)[];
  /** Where to search for patterns outside the roots. */
  readonly bases: readonly string[];
  /** Last names of marks that are no patterns, by their form in lower case. */
  readonly folded: ReadonlyMap<string, string>;
}

function indexOf(marks: readonly Mark[]): Index {
  const names = marks.flatMap(({ segments }) => segments.slice(-1)).filter((name) => !isGlob(name));
  const folded = new Map([...names, ".git"].map((name) => [name.toLowerCase(), name]));
  const bases = [...new Set(marks.flatMap(searchBase))];
  return { marks, matcher: matcherOf(marks), exact: marks.map(exactPath), bases, folded };
}

/** Entries that bear a mark, each told once for each mark. */
interface Sights {
  readonly all: Sighting[];
  readonly told: Set<string>;
  /** Paths that are denied or protected as a whole. */
  readonly closed: Set<string>;
  /** Protected directories and those of git are looked into as well, for what must not be read. */
  readonly through: boolean;
}

function take(sights: Sights, marks: readonly Mark[], found: readonly Sighting[]): readonly string[] {
  return found.flatMap((sighting) => {
    const key = `${sighting.mark}:${sighting.path}`;
    if (sights.told.has(key)) return [];
    sights.told.add(key);
    sights.all.push(sighting);
    const role = marks[sighting.mark]?.role ?? "protected";
    // In what is only read-only there may be something that must not be read.
    if (HIDING.has(role) ? !OPENING.has(role) : !sights.through) sights.closed.add(sighting.path);
    return sighting.link === undefined ? sighting.open : [];
  });
}

function survey(
  needs: SandboxNeeds,
  { marks, matcher, exact, bases, folded }: Index,
  memory: Memory,
  { repair, trusted, closed: leave }: Pick<Reading, "repair" | "trusted" | "closed">,
): Survey {
  const { names, git, watch, listings } = memory;
  names.refresh();
  const roots = rootsOf(needs);
  const search: GitSearch = { roots, home: needs.home, trusted, watch };
  const placed = exactSightings(marks, exact, names, repair);
  const tops = JSON.stringify(roots.map((root) => seenAt(root).id));
  const guarding = JSON.stringify(placed.filter(({ mark }) => !HIDING.has(marks[mark]?.role ?? "own")));
  const before = memory.last;
  if (
    trusted &&
    before !== undefined &&
    watch?.isQuiet() === true &&
    before.tops === tops &&
    (repair ? before.guarding === guarding : before.placed === JSON.stringify(placed)) &&
    git.isCurrent(search)
  )
    return before.survey;

  const reading: Reading = { matcher, folded, skip: needs.skip, repair, closed: leave, trusted, watch };
  const deep = marks.some((mark, index) => mark.role === "denied-read" && exact[index] === undefined);
  const sights: Sights = { all: [], told: new Set(), closed: new Set(), through: deep && !repair };
  const gits = new Map<string, GitDir>();
  const gitLinks: GitLink[] = [];
  const sockets: string[] = [];
  const unread: string[] = [];
  const shut: string[] = [];
  const visited = new Set<string>();
  // What a command has made is looked at even where that is a great deal: it may hide something in it.
  const budget = repair ? needs.budget * MADE_BUDGET : needs.budget;
  git.refresh(search);
  const takeGit = (found: readonly GitDir[]): void => {
    for (const each of found) if (!gits.has(each.path)) gits.set(each.path, each);
  };
  /** Answers what is left of the budget; below nothing, the search did not reach its end. */
  const walk = (start: string, inRoot: boolean, most: number): number => {
    let left = most;
    const queue: { readonly path: string; readonly sure: boolean }[] = [{ path: start, sure: false }];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const directory = next.path;
      if (visited.has(directory)) continue;
      visited.add(directory);
      const look = lookAt(directory, next.sure, listings, reading);
      if (look === undefined || look === "closed") {
        unread.push(directory);
        if (look === "closed" && inRoot) shut.push(directory);
        continue;
      }
      const { listing, sure } = look;
      // What is denied or protected as a whole is not looked into, but for its exceptions.
      queue.push(
        ...hitsIn(directory, listing, look.same && sure, marks, memory.steady).flatMap((found) =>
          take(sights, marks, found).map((path) => ({ path, sure: false })),
        ),
      );
      if (inRoot) {
        sockets.push(...listing.sockets.map((name) => join(directory, name)));
        if (listing.dotGit === "directory") {
          const path = join(directory, ".git");
          if (canEnter(path, reading)) takeGit(git.directories(path, true, sure));
          else for (const list of [unread, shut]) list.push(path);
        }
        if (listing.dotGit === "other") gitLinks.push(git.link(join(directory, ".git")));
        if (listing.gitShape) takeGit(git.directories(directory, false, sure));
      }
      // A directory is easily made to look like git's, or given its name.
      const own = sights.through && listing.dotGit === "directory" ? [".git"] : [];
      for (const name of [...listing.directories, ...own]) {
        const path = join(directory, name);
        if (sights.closed.has(path) || (listing.gitShape && GIT_STORES.has(name) && !sights.through))
          continue;
        queue.push({ path, sure });
      }
      // Whatever was read is judged, however much it is.
      left -= listing.size + DIRECTORY_COST;
      if (left < 0) return left;
    }
    return left;
  };

  take(sights, marks, placed);
  let left = budget;
  const more = (start: string): void => {
    left = Math.min(left, walk(start, true, left));
  };
  for (const root of roots) {
    if (seenAt(root).type === "directory") more(root);
  }
  // What a command writes takes nothing from the search in places where it cannot.
  let [leftFar, short]: [number, readonly string[]] = [budget, []];
  const far = (start: string): void => {
    leftFar = Math.min(leftFar, walk(start, false, leftFar));
    if (leftFar < 0) short = [...short, start];
  };
  // What is open inside something closed was not reached from above.
  for (const { real, mark } of sights.all.filter(({ type }) => type === "directory")) {
    if (!OPENING.has(marks[mark]?.role ?? "protected")) continue;
    const inRoot = roots.some((root) => isWithin(real, root));
    if (inRoot) more(real);
    else if (bases.some((base) => isWithin(real, base))) far(real);
  }
  for (const link of gitLinks.filter(({ path }) => roots.includes(dirname(path)))) {
    if (link.common !== undefined && !gits.has(link.common))
      takeGit(git.directories(link.common, true, false));
  }
  for (const base of bases) {
    if (!roots.some((root) => isWithin(base, root)) && seenAt(base).type === "directory") far(base);
  }
  unread.push(...git.unread());
  for (const path of listings.keys()) if (!visited.has(path)) listings.delete(path);
  // Entries of a directory with exceptions are told apart by name.
  const divided = sights.all
    .filter(({ link, open, closed }) => link === undefined && open.length + closed.length > 0)
    .map(({ path }) => path);
  for (const path of divided) watch?.add(path);
  watch?.keep(new Set([...visited, ...divided, ...git.watched()]));
  watch?.taken();
  const made: Survey = {
    sightings: sights.all,
    gits: [...gits.values()],
    gitLinks,
    sockets,
    unread,
    closed: shut,
    complete: left >= 0,
    largest: left >= 0 ? undefined : largestOf(roots, visited, listings),
    short,
  };
  // What could not be looked into, or hangs on what a link leads to, is looked for again each time.
  const whole =
    !repair &&
    unread.length === 0 &&
    made.complete &&
    short.length === 0 &&
    [...visited, ...divided].every((path) => watch?.has(path) === true) &&
    sights.all.every((sighting) => sighting.link === undefined || placed.includes(sighting));
  memory.last = whole ? { survey: made, placed: JSON.stringify(placed), guarding, tops } : undefined;
  return made;
}

/** Of the roots and the directories right in them, the one in and below which the most was found. */
function largestOf(
  roots: readonly string[],
  visited: ReadonlySet<string>,
  listings: ReadonlyMap<string, Listing>,
): string | undefined {
  const sums = new Map<string, number>();
  for (const path of visited) {
    const root = roots.find((each) => isWithin(path, each));
    if (root === undefined) continue;
    const top = path === root ? root : join(root, path.slice(root.length + 1).split("/")[0] ?? "");
    sums.set(top, (sums.get(top) ?? 0) + DIRECTORY_COST + (listings.get(path)?.size ?? 0));
  }
  return [...sums].toSorted((one, other) => other[1] - one[1])[0]?.[0];
}

/** What bears a mark by its own path, wherever it is. */
function exactSightings(
  marks: readonly Mark[],
  exact: Index["exact"],
  names: Names,
  repair: boolean,
): readonly Sighting[] {
  const parents = new Map<string, string | undefined>();
  const parentOf = (path: string): string | undefined => {
    const parent = dirname(path);
    if (!parents.has(parent)) parents.set(parent, realPath(parent));
    return parents.get(parent);
  };
  return marks.flatMap((mark, index): readonly Sighting[] => {
    const path = exact[index];
    if (path === undefined || (repair && HIDING.has(mark.role)) || !names.mayExist(path)) return [];
    // The directory resolved, the last name as it stands.
    const parent = parentOf(path);
    if (parent === undefined) return [];
    const sighting = sightingAt(path === "/" ? path : join(parent, basename(path)), index, mark);
    return sighting === undefined ? [] : [sighting];
  });
}

/** The segments of a glob before the first pattern. A mark that names one path has none. */
function leadOf(mark: Mark): readonly string[] {
  return exactPath(mark) === undefined ? mark.segments.slice(0, mark.segments.findIndex(isGlob)) : [];
}

/** The directory a mark hangs from, links in it and all: what a glob means below a link lies elsewhere. */
function startOf(mark: Mark): string | undefined {
  return mark.base === undefined ? undefined : join(mark.base, ...leadOf(mark).map(literal));
}

function startsOf({ marks }: SandboxNeeds): readonly string[] {
  return [...new Set(marks.flatMap((mark) => startOf(mark) ?? []))].filter((start) => start !== "/");
}

/** Where the search for a glob outside the roots begins: its longest part without a pattern. */
function searchBase(mark: Mark): readonly string[] {
  const base = exactPath(mark) === undefined ? startOf(mark) : undefined;
  // The whole file system is not searched; the plan says so.
  return base === undefined || base === "/" ? [] : [base];
}
