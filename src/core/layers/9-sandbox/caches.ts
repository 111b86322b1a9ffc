import { expandHome, isWithin, normalise } from "../../call/path.ts";
import type { CacheEntry } from "../../knowledge/caches.ts";
import { accessAt } from "./access.ts";
import type { Seen } from "./facts.ts";
import { covers } from "./mark.ts";
import type { MountInput } from "./mounts.ts";
import { SYSTEM_PATHS } from "./needs.ts";
import type { Mount, Note } from "./plan.ts";

/** Moves the general place of caches. */
const GENERAL = "XDG_CACHE_HOME";

/** Where a tool's cache is for this caller. */
export interface CachePlace {
  readonly entry: CacheEntry;
  readonly path: string;
  /** It is in the general place of caches, and tools look for it there. */
  readonly general: boolean;
  /** The caller's variable that put it there; absent = by custom. */
  readonly by?: { readonly name: string; readonly value: string } | undefined;
}

/** What the host found of the caches. */
export interface CacheFacts {
  /**
   * Directory for what is written, of cordon's own and for this workspace alone; absent where none
   * can be kept. Then nothing is layered, and private caches end with the command.
   */
  readonly layer?: string | undefined;
  /** What carries the plan out can put a writable layer over a directory. */
  readonly overlays: boolean;
  /** The list the places were made from. */
  readonly entries: readonly CacheEntry[];
  readonly places: readonly CacheSeen[];
}

export interface CacheSeen extends CachePlace {
  readonly seen: Seen;
  /** Another file system is mounted in it, or its path cannot be spelt in the options of a mount. */
  readonly parted: boolean;
}

/**
 * The places to look at. The caller's variables move a cache, files of a project do not; a value
 * that is no absolute path counts as not set.
 */
export function cachePlaces(
  entries: readonly CacheEntry[],
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly CachePlace[] {
  const general = valueOf(environment, GENERAL);
  return entries.flatMap((entry): readonly CachePlace[] => {
    for (const variable of entry.variables) {
      const { name, below } = partsOf(variable);
      const value = valueOf(environment, name);
      // A search path of several (GOPATH): the first is written to.
      const first = value?.split(":")[0];
      if (value !== undefined && first !== undefined)
        return [{ entry, path: normalise(`${first}/${below}`), general: false, by: { name, value } }];
    }
    if (entry.place === undefined) return [];
    const inCache = entry.place.startsWith("~/.cache/") ? entry.place.slice("~/.cache/".length) : undefined;
    const moved = inCache !== undefined && general !== undefined;
    const path = normalise(moved ? `${general}/${inCache}` : expandHome(entry.place, home));
    return [{ entry, path, general: inCache !== undefined }];
  });
}

/** What the plan takes over for the caches. */
export interface CacheMounts {
  readonly mounts: readonly Mount[];
  /** Variables that name caches inside. */
  readonly variables: Readonly<Record<string, string>>;
  readonly notes: readonly Note[];
}

/** What is settled before the caches are. */
export interface CacheInput {
  readonly facts: CacheFacts;
  /** Every mount so far. */
  readonly open: readonly Mount[];
  /** Directories that must stay as they are: roots, home, working directory, cordon's state. */
  readonly apart: readonly string[];
  /** Roots a command may write to. */
  readonly roots: readonly string[];
  /** Tells a path that a rule or setting takes from the command. */
  readonly denied: (path: string) => boolean;
  /** The private directory for temporary files. */
  readonly temporary: string;
}

/** What becomes of one cache. */
type Fate =
  /** The command finds it where it is outside: nothing to tell it. */
  | { readonly kind: "there"; readonly mount?: Mount; readonly emptied?: boolean }
  /** It has to be told of another place. */
  | { readonly kind: "private" }
  /** It is told by the general place of caches. */
  | { readonly kind: "general" };

/**
 * Layers over the caches that exist, and variables for those that do not.
 *
 * INVARIANT: no mount of these makes anything of the machine writable, and none covers a directory
 * of `apart` or one above it. A cache that cannot be layered stays as it is or is private.
 */
export function cacheMounts(input: CacheInput): CacheMounts {
  const { facts } = input;
  const covered: CacheSeen[] = [];
  const mounts: Mount[] = [];
  const emptied: string[] = [];
  const variables = new Map<string, string>();
  const settled = new Set<string>();
  // The shorter path first: what lies in a layer needs none of its own.
  for (const place of facts.places.toSorted((a, b) => depth(a.path) - depth(b.path))) {
    const fate = fateOf(input, place, covered);
    if (fate.kind === "private") continue;
    const name = variableOf(place.entry);
    if (name !== undefined) settled.add(name);
    if (fate.kind === "general") continue;
    if (place.by !== undefined) variables.set(place.by.name, place.by.value);
    else if (name !== undefined && place.general && !settled.has(GENERAL)) variables.set(name, place.path);
    if (fate.mount !== undefined) mounts.push(fate.mount);
    if (fate.mount !== undefined && fate.mount.kind !== "ro-bind") covered.push(place);
    if (fate.emptied === true) emptied.push(place.path);
  }
  const own = `${input.temporary}/.caches`;
  const missing = facts.entries.filter((entry) => {
    const name = variableOf(entry);
    return name !== undefined && !settled.has(name);
  });
  // The first entry of a variable names the directory.
  for (const entry of missing.toReversed()) {
    const [name = "", form = "{}"] = entry.set?.split(/=(.*)/) ?? [variableOf(entry)];
    variables.set(name, form.replace("{}", `${own}/${entry.name}`));
  }
  if (facts.layer !== undefined && missing.length > 0)
    mounts.push({
      kind: "bind",
      from: `${facts.layer}/own`,
      to: own,
      why: "caches that are not in the home directory",
    });
  return { mounts, variables: Object.fromEntries(variables), notes: notesOf(emptied, facts) };
}

function fateOf(input: CacheInput, place: CacheSeen, covered: readonly CacheSeen[]): Fate {
  const { facts, roots } = input;
  const { entry, path, seen, parted, by, general } = place;
  const { real } = seen;
  const { why } = entry;
  // The project's own cache is the project's.
  if (by !== undefined && roots.some((root) => isWithin(real, root))) return { kind: "there" };
  const inside = covered.some((other) => isWithin(path, other.path) || isWithin(real, other.seen.real));
  const kept = entry.kept === true;
  const usable = seen.type === "directory" && mountable(input, real);
  if (inside)
    return usable && kept && !facts.overlays
      ? { kind: "there", mount: { kind: "ro-bind", from: real, to: real, why } }
      : { kind: "there" };
  const layered = facts.overlays && !parted && facts.layer !== undefined;
  if (usable && kept && !layered) return { kind: "there" };
  if (!usable || facts.layer === undefined)
    return { kind: general && by === undefined ? "general" : "private" };
  const layer = `${facts.layer}/${entry.name}`;
  return layered
    ? {
        kind: "there",
        mount: {
          kind: "overlay",
          lower: real,
          upper: `${layer}/upper`,
          work: `${layer}/work`,
          to: real,
          why,
        },
      }
    : { kind: "there", mount: { kind: "bind", from: `${layer}/data`, to: real, why }, emptied: true };
}

/** The caches of a plan, after what is open and what is protected was mounted. */
export function cachesOf(input: MountInput, open: readonly Mount[]): CacheMounts {
  const { facts, writable, hidden, temporary, state, layered } = input;
  if (facts.caches === undefined) return privateCaches(temporary.path);
  const roots = writable.map(({ path }) => path);
  const around = facts.checkout.filter(({ type }) => type === "directory").map(({ real }) => real);
  const home = facts.paths[facts.needs.paths.indexOf(facts.needs.home)]?.real ?? facts.needs.home;
  const closed = facts.needs.marks.filter((mark) => mark.role === "denied-write");
  return cacheMounts({
    facts: layered ? facts.caches : { ...facts.caches, layer: undefined },
    open,
    apart: [...roots, ...around, facts.cwd.real, home, state, temporary.path],
    roots,
    denied: (path) =>
      hidden.some(({ real }) => isWithin(path, real)) || closed.some((mark) => covers(mark, path)),
    temporary: temporary.path,
  });
}

/** Where the caches are that a command has to itself, without a host that was asked. */
function privateCaches(temporary: string): CacheMounts {
  const own = `${temporary}/.caches`;
  return {
    mounts: [],
    variables: { XDG_CACHE_HOME: `${own}/cache`, npm_config_cache: `${own}/npm` },
    notes: [],
  };
}

function notesOf(emptied: readonly string[], { overlays, layer }: CacheFacts): readonly Note[] {
  const notes: Note[] = [];
  if (emptied.length > 0)
    notes.push({
      what: `${emptied.join(", ")}: private inside, and what is in there outside is not seen${overlays ? "" : "; that takes overlays (the native launcher, or bubblewrap 0.11)"}`,
      loses: "nothing",
    });
  if (layer === undefined)
    notes.push({ what: "what commands put into caches is gone when they end", loses: "nothing" });
  return notes;
}

/** Is there, is seen by the command, and is nobody's whole world. */
function mountable({ apart, open, denied }: CacheInput, real: string): boolean {
  if (apart.some((path) => isWithin(path, real)) || denied(real)) return false;
  const access = accessAt(open, real);
  return (access === "read-only" || access === "writable") && !isSystem(real);
}

/** `/usr/local/cargo/registry` is a cache, `/usr/local/lib` is not. */
function isSystem(real: string): boolean {
  return SYSTEM.some((path) => isWithin(real, path)) && !/^\/(?:usr\/local|opt)\/[^/]+\/./.test(real);
}

/** A variable that names one of these as a cache is a mistake, or a trap. */
const SYSTEM: readonly string[] = [...SYSTEM_PATHS, "/boot", "/dev", "/proc", "/run", "/var/lib/dpkg"];

/** The variable that puts a cache elsewhere. */
function variableOf(entry: CacheEntry): string | undefined {
  if (entry.set !== undefined) return entry.set.slice(0, entry.set.indexOf("="));
  const [first] = entry.variables;
  return first === undefined ? undefined : partsOf(first).name;
}

function partsOf(variable: string): { readonly name: string; readonly below: string } {
  const cut = variable.indexOf("/");
  return cut < 0
    ? { name: variable, below: "" }
    : { name: variable.slice(0, cut), below: variable.slice(cut + 1) };
}

function valueOf(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  const value = environment[name];
  return value?.startsWith("/") === true && !value.includes("\0") ? value : undefined;
}

function depth(path: string): number {
  return path.split("/").length;
}
