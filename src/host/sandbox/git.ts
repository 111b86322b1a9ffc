import { type Dirent, lstatSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isWithin, segmentsOf } from "../../core/call/path.ts";
import { GIT_FILES, type GitDir, type GitFile, type GitLink } from "../../core/layers/9-sandbox/facts.ts";
import { configuredWorkTree, gitConfigPaths, gitPointer } from "../../core/layers/9-sandbox/git-config.ts";
import { trustPlaceOf } from "../trust/place.ts";
import {
  type ConfigPlaces,
  type Configured,
  type KeptDirectory,
  configuredIn,
  isSameConfig,
  keptIn,
  linksIn,
  personalConfig,
  refusedAt,
} from "./git-shape.ts";
import { entriesIn, namesIn } from "./listing.ts";
import { realPath, seenAt, smallText } from "./look.ts";
import { YOUNG_MS } from "./names.ts";
import type { Watch } from "./watch.ts";

/**
 * The checkout that a directory is a part of, and the repository behind it where that lies
 * elsewhere and names the checkout in turn. Undefined where the directory is the top itself, lies
 * in none, or nobody can tell: git then finds nothing, which is no danger.
 */
export function checkoutAround(
  root: string,
  home: string,
): { readonly top: string; readonly repository?: string | undefined } | undefined {
  try {
    const { checkout, directory } = trustPlaceOf(root, home);
    if (checkout === directory) return undefined;
    const { type, common, backlinked } = gitLinkAt(join(checkout, ".git"));
    if (type !== "file" || !backlinked || common === undefined) return { top: checkout };
    // Git refuses the repository of another user, who may have closed the way to it.
    const same = statSync(common).uid === statSync(checkout).uid;
    return { top: checkout, repository: same ? common : undefined };
  } catch {
    return undefined;
  }
}

const READ: readonly string[] = ["config", "config.worktree", "commondir"];

/** Reads git directories, and reads one again only where something in it changed. */
export interface GitReader {
  /** Begins a search: what was read before is checked again, once. */
  readonly refresh: (search: GitSearch) => void;
  /**
   * A git directory and those it keeps: submodules and linked worktrees, found by their content.
   * `sure`: what stands at the path is what stood there in the last search.
   */
  readonly directories: (path: string, named: boolean, sure: boolean) => readonly GitDir[];
  /** Directories that the last search did not get through: nobody knows what lies in them. */
  readonly unread: () => readonly string[];
  /** A `.git` that is no directory. */
  readonly link: (path: string) => GitLink;
  /** Directories of which names are remembered. */
  readonly watched: () => readonly string[];
  /** True when nothing that was read in the last search has changed since. */
  readonly isCurrent: (search: GitSearch) => boolean;
}

/** Where and for whom one search is made. The person's own configuration can name hooks too. */
export interface GitSearch extends ConfigPlaces {
  readonly roots: readonly string[];
  /** What the watch tells may be relied on. */
  readonly trusted: boolean;
  readonly watch: Watch | undefined;
}

/** Something that a reading rests on: names for a directory, content for a file. */
interface Ground {
  readonly path: string;
  readonly kind: "names" | "content";
  readonly id: string;
  readonly stamp: string;
  readonly age: number;
}

interface Kept<T> {
  readonly grounds: readonly Ground[];
  readonly result: T;
}

interface Own {
  readonly git: GitDir;
  /** Directories that may be git directories of submodules and worktrees. */
  readonly children: readonly KeptDirectory[];
  /** Directories that were not searched to the end. */
  readonly unread: readonly string[];
}

/** Git directories that one of them may keep, submodules in submodules and all. */
const MOST_GITS = 2_000;

export function openGitReader(): GitReader {
  const kept = new Map<string, Kept<Own>>();
  const links = new Map<string, Kept<GitLink>>();
  const checked = new Map<string, boolean>();
  const state: { search: GitSearch; personal: Configured; used: Set<string>; unread: Set<string> } = {
    search: { roots: [], home: "/", trusted: false, watch: undefined },
    personal: { hooks: "", includes: [], files: [] },
    used: new Set(),
    unread: new Set(),
  };
  const isSame = (ground: Ground): boolean => {
    const { trusted, watch } = state.search;
    if (ground.kind === "names" && trusted && watch?.isClean(ground.path) === true) return true;
    const key = `${ground.path}\0${ground.stamp}`;
    const known = checked.get(key) ?? isStill(ground);
    checked.set(key, known);
    return known;
  };
  const own = (
    path: string,
    named: boolean,
    sure: boolean,
  ): { readonly read: Own; readonly same: boolean } => {
    const key = `${named ? "n" : "b"}${path}`;
    state.used.add(key);
    const old = kept.get(key);
    // A directory is not told when one above it is exchanged.
    const there = sure || groundOf(path, "names").id === old?.result.git.id;
    if (old !== undefined && there && old.grounds.every(isSame)) return { read: old.result, same: true };
    const made = readOwn(path, named, state.search, state.personal);
    kept.set(key, made);
    return { read: made.result, same: false };
  };
  const directories = (path: string, named: boolean, sure: boolean): readonly GitDir[] => {
    const found = new Map<string, GitDir>();
    const queue = [{ path, named, sure, kind: "module" }];
    for (const next of queue) {
      const { read, same } = own(next.path, next.named, next.sure);
      if (found.has(read.git.path)) continue;
      found.set(read.git.path, read.git);
      for (const each of read.unread) state.unread.add(each);
      if (next.kind === "worktree") continue;
      for (const child of read.children) {
        if (queue.length < MOST_GITS) {
          queue.push({ ...child, named: true, sure: child.kind === "module" && same });
          continue;
        }
        const beyond = join(path, segmentsOf(child.path.slice(path.length))[0] ?? "modules");
        const top = own(path, named, true).read.git;
        found.set(top.path, { ...top, files: [...top.files, refusedAt(beyond, path)] });
        state.unread.add(beyond);
        break;
      }
    }
    return [...found.values()];
  };
  const begin = (search: GitSearch): void => {
    checked.clear();
    state.search = search;
  };
  return {
    refresh: (search) => {
      begin(search);
      const personal = personalConfig(search, state.personal);
      if (!isSameConfig(personal, state.personal)) kept.clear();
      state.personal = personal;
      state.unread = new Set();
      for (const key of kept.keys()) if (!state.used.has(key)) kept.delete(key);
      for (const key of links.keys()) if (!state.used.has(`l${key}`)) links.delete(key);
      state.used = new Set();
    },
    directories,
    unread: () => [...state.unread],
    link: (path) => {
      state.used.add(`l${path}`);
      const old = links.get(path);
      if (state.search.trusted && old?.grounds.every(isSame) === true) return old.result;
      const result = gitLinkAt(path);
      // A link on the way could be exchanged without a word.
      const straight =
        result.link === undefined &&
        result.target !== undefined &&
        gitPointer(result.text ?? "", result.real, "gitdir") === result.target;
      if (!straight) links.delete(path);
      const grounds = [path, ...linkGrounds(result)].map((each) => groundOf(each, "content"));
      if (straight) links.set(path, { result, grounds });
      return result;
    },
    watched: () =>
      [...kept.values()].flatMap(({ grounds }) =>
        grounds.flatMap(({ kind, path }) => (kind === "names" ? [path] : [])),
      ),
    isCurrent: (search) => {
      begin(search);
      const all = [...state.used].map((key) =>
        key.startsWith("l") ? links.get(key.slice(1)) : kept.get(key),
      );
      return (
        isSameConfig(personalConfig(search, state.personal), state.personal) &&
        all.every((each) => each?.grounds.every(isSame) === true)
      );
    },
  };
}

/** Files that decide what a `.git` file leads to; relied on only where their directory is watched. */
function linkGrounds({ target }: GitLink): readonly string[] {
  return target === undefined ? [] : ["commondir", "gitdir", "config"].map((name) => join(target, name));
}

function groundOf(path: string, kind: Ground["kind"]): Ground {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return { path, kind, id: "", stamp: "", age: Infinity };
    return {
      path,
      kind,
      id: `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`,
      stamp: `${stat.ctimeNs}:${stat.size}`,
      age: Date.now() - Number(stat.ctimeNs / 1_000_000n),
    };
  } catch {
    // Never the same as anything.
    return { path, kind, id: "unreadable", stamp: "", age: -1 };
  }
}

function isStill(ground: Ground): boolean {
  if (ground.age <= YOUNG_MS) return false;
  const now = groundOf(ground.path, ground.kind);
  return now.id === ground.id && now.stamp === ground.stamp;
}

function readOwn(
  path: string,
  named: boolean,
  { roots, watch, home }: GitSearch,
  personal: Configured,
): Kept<Own> {
  const grounds: Ground[] = [];
  const begun = new Set<string>();
  const ground = (directory: string): void => {
    if (begun.has(directory)) return;
    begun.add(directory);
    // Anew, since another directory may stand there now.
    watch?.add(directory);
    grounds.push(groundOf(directory, "names"));
  };
  const listed = (directory: string): readonly string[] => {
    ground(directory);
    return namesIn(directory);
  };
  const entered = (directory: string): readonly Dirent[] => {
    ground(directory);
    return entriesIn(directory);
  };
  const self = seenAt(path);
  const names = new Set(listed(path));
  const workTree = named && basename(path) === ".git" ? dirname(path) : path;
  if (names.has("info")) listed(join(path, "info"));
  const files = GIT_FILES.flatMap((name): readonly GitFile[] => {
    if (!names.has(segmentsOf(name)[0] ?? name)) return [];
    const seen = seenAt(join(path, name), !name.includes("/"));
    if (seen.type === "absent" && seen.link === undefined) return [];
    return [{ ...seen, name, text: READ.includes(name) ? smallText(seen.path) : undefined }];
  });
  const written = files.filter(({ name }) => name.startsWith("config"));
  const configured = configuredIn(
    written.map((file) => file.path),
    home,
  );
  const configs = named ? [configured, personal] : [configured];
  const further = configs
    .flatMap(({ hooks, includes }) => [
      ...gitConfigPaths(hooks, path, workTree).filter((entry) => entry.name === "core.hooksPath"),
      ...includes.map((each) => ({ name: "include.path", path: each })),
    ])
    .map((entry) => ({ name: entry.name, path: settled(entry.path) }))
    .filter((entry) => roots.some((root) => isWithin(entry.path, root)))
    .map((entry): GitFile => ({ ...seenAt(entry.path), name: entry.name }));
  const hooksDirectory = names.has("hooks") ? realPath(join(path, "hooks")) : undefined;
  const hooks =
    hooksDirectory === undefined
      ? []
      : listed(hooksDirectory)
          .filter((name) => !name.endsWith(".sample"))
          .map((name) => seenAt(join(hooksDirectory, name), true));
  const kept = [
    ...(names.has("modules") ? [keptIn(path, "module", entered)] : []),
    ...(names.has("worktrees") ? [keptIn(path, "worktree", entered)] : []),
  ];
  const links = [...linksIn(path, self.real, names, entered), ...kept.flatMap(({ refused }) => refused)];
  // Of these two only that they are there counts, which the names tell.
  const byName = (file: GitFile): boolean =>
    file.link === undefined &&
    (file.name === "gitdir" || (file.name === "hooks" && file.type === "directory"));
  const content = [...files.filter((file) => !byName(file)), ...further, ...hooks, ...links];
  return {
    result: {
      git: {
        path: self.real,
        id: self.id,
        named: basename(path) === ".git",
        files: [
          ...files,
          ...further.filter(({ type, link }) => type !== "absent" || link !== undefined),
          ...links,
        ],
        hooks,
      },
      children: kept.flatMap(({ children }) => children),
      unread: kept.flatMap(({ unread }) => unread),
    },
    grounds: [
      // What stands at the name itself, which its own watch would not tell.
      ...grounds,
      // Included from wherever it lies, and through whatever link.
      ...configured.files.flatMap((file) =>
        [file.path, realPath(file.path) ?? file.path].map((each) => groundOf(each, "content")),
      ),
      ...content.flatMap((seen) => [
        groundOf(seen.path, "content"),
        ...(seen.link === undefined ? [] : [groundOf(seen.real, "content")]),
      ]),
    ],
  };
}

/** A path that may not exist yet, with every link on the way to it resolved. */
function settled(path: string): string {
  return realPath(path) ?? join(realPath(dirname(path)) ?? dirname(path), basename(path));
}

/**
 * A `.git` that is no directory: where it leads, and whether the repository there knows of this
 * working tree. Git itself checks no more than the first.
 */
export function gitLinkAt(path: string): GitLink {
  const seen = seenAt(path);
  if (seen.link !== undefined && seen.type === "directory")
    return { ...seen, target: seen.real, common: seen.real, backlinked: false };
  const text = smallText(path);
  const named = text === undefined ? undefined : gitPointer(text, seen.real, "gitdir");
  const target = named === undefined ? undefined : realPath(named);
  if (target === undefined) return { ...seen, text, backlinked: false };
  const pointer = smallText(join(target, "commondir"));
  const commonName =
    pointer === undefined ? undefined : gitPointer(pointer, join(target, "commondir"), "commondir");
  if (pointer === undefined) {
    const tree = configuredWorkTree(smallText(join(target, "config")) ?? "", target);
    return {
      ...seen,
      text,
      target,
      common: target,
      backlinked: tree !== undefined && realPath(tree) === dirname(seen.real),
    };
  }
  const common = commonName === undefined ? undefined : realPath(commonName);
  const back = smallText(join(target, "gitdir"))?.trim();
  const genuine = common !== undefined && dirname(target) === join(common, "worktrees");
  return {
    ...seen,
    text,
    target,
    common,
    backlinked: genuine && back !== undefined && realPath(back) === seen.real,
  };
}
