import { lstatSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isWithin, segmentsOf } from "../../core/call/path.ts";
import {
  GIT_FILES,
  type GitDir,
  type GitFile,
  type GitLink,
  LINK_OUT,
} from "../../core/layers/9-sandbox/facts.ts";
import { configuredWorkTree, gitConfigPaths, gitPointer } from "../../core/layers/9-sandbox/git-config.ts";
import { trustPlaceOf } from "../trust/place.ts";
import { isGitShape } from "./git-shape.ts";
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
  /** A `.git` that is no directory. */
  readonly link: (path: string) => GitLink;
  /** Directories of which names are remembered. */
  readonly watched: () => readonly string[];
  /** True when nothing that was read in the last search has changed since. */
  readonly isCurrent: (search: GitSearch) => boolean;
}

/** Where and for whom one search is made. */
export interface GitSearch {
  readonly roots: readonly string[];
  /** Where the person's own git configuration is looked for, which can name hooks too. */
  readonly home: string;
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
  readonly children: readonly { readonly path: string; readonly kind: "module" | "worktree" }[];
}

export function openGitReader(): GitReader {
  const kept = new Map<string, Kept<Own>>();
  const links = new Map<string, Kept<GitLink>>();
  const checked = new Map<string, boolean>();
  const state: { search: GitSearch; personal: string; used: Set<string> } = {
    search: { roots: [], home: "/", trusted: false, watch: undefined },
    personal: "",
    used: new Set(),
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
    const { read, same } = own(path, named, sure);
    return [
      read.git,
      ...read.children.flatMap(({ path: child, kind }) =>
        kind === "module" ? directories(child, true, same) : [own(child, true, same).read.git],
      ),
    ];
  };
  const begin = (search: GitSearch): void => {
    checked.clear();
    state.search = search;
  };
  return {
    refresh: (search) => {
      begin(search);
      const personal = personalConfig(search.home);
      if (personal !== state.personal) kept.clear();
      state.personal = personal;
      for (const key of kept.keys()) if (!state.used.has(key)) kept.delete(key);
      for (const key of links.keys()) if (!state.used.has(`l${key}`)) links.delete(key);
      state.used = new Set();
    },
    directories,
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
        personalConfig(search.home) === state.personal &&
        all.every((each) => each?.grounds.every(isSame) === true)
      );
    },
  };
}

function personalConfig(home: string): string {
  return [".gitconfig", ".config/git/config"].map((name) => smallText(join(home, name)) ?? "").join("\0");
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

function readOwn(path: string, named: boolean, { roots, watch }: GitSearch, personal: string): Kept<Own> {
  const grounds: Ground[] = [];
  const listed = (directory: string): readonly string[] => {
    // Anew, since another directory may stand there now.
    watch?.add(directory);
    grounds.push(groundOf(directory, "names"));
    return namesIn(directory);
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
  const configs = [
    ...files.filter(({ name }) => name.startsWith("config")).map(({ text }) => text ?? ""),
    ...(named ? personal.split("\0") : []),
  ];
  const further = configs
    .flatMap((text) => gitConfigPaths(text, path, workTree))
    .filter((entry) => roots.some((root) => isWithin(entry.path, root)))
    .map((entry): GitFile => ({ ...seenAt(entry.path), name: entry.name }));
  const hooksDirectory = names.has("hooks") ? realPath(join(path, "hooks")) : undefined;
  const hooks =
    hooksDirectory === undefined
      ? []
      : listed(hooksDirectory)
          .filter((name) => !name.endsWith(".sample"))
          .map((name) => seenAt(join(hooksDirectory, name), true));
  const children = [
    ...(names.has("modules") ? modulesIn(join(path, "modules"), listed) : []),
    ...(names.has("worktrees")
      ? listed(join(path, "worktrees")).map((name) => ({
          path: join(path, "worktrees", name),
          kind: "worktree" as const,
        }))
      : []),
  ];
  const links = linksIn(path, self.real, names, listed);
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
      children,
    },
    grounds: [
      // What stands at the name itself, which its own watch would not tell.
      ...grounds,
      ...content.flatMap((seen) => [
        groundOf(seen.path, "content"),
        ...(seen.link === undefined ? [] : [groundOf(seen.real, "content")]),
      ]),
    ],
  };
}

/** Where git keeps what it writes; links in there lead its writing elsewhere. */
const WRITTEN: readonly string[] = ["info", "logs", "objects", "refs", "rebase-merge", "rebase-apply"];
/** Directories below one git directory that are searched for links. */
const MOST_SEARCHED = 500;

/** Symbolic links out of a git directory: git would write its messages, logs or objects where they lead. */
function linksIn(
  path: string,
  real: string,
  names: ReadonlySet<string>,
  listed: (directory: string) => readonly string[],
): readonly GitFile[] {
  const found: GitFile[] = [];
  const queue = [path, ...WRITTEN.filter((name) => names.has(name)).map((name) => join(path, name))];
  for (let count = 0; count < queue.length && count < MOST_SEARCHED; count++) {
    const directory = queue[count] ?? path;
    for (const entry of entriesIn(directory)) {
      const at = join(directory, entry.name);
      const deeper = directory.startsWith(`${path}/logs`) || directory.startsWith(`${path}/refs`);
      if (entry.isDirectory() && deeper) queue.push(at);
      if (!entry.isSymbolicLink() || (directory === path && GIT_FILES.includes(entry.name))) continue;
      const seen = seenAt(at, true);
      const leads = seen.type === "absent" ? resolve(directory, seen.link ?? "") : seen.real;
      if (!isWithin(leads, real)) found.push({ ...seen, name: `${LINK_OUT}${at.slice(path.length + 1)}` });
    }
    if (directory !== path) listed(directory);
  }
  return found;
}

/** Submodule directories; their names can have slashes. */
function modulesIn(
  directory: string,
  listed: (directory: string) => readonly string[],
  depth = 0,
): Own["children"] {
  if (depth > 16) return [];
  return listed(directory).flatMap((name): Own["children"] => {
    const path = join(directory, name);
    if (seenAt(path).type !== "directory") return [];
    return isGitShape(new Set(listed(path)))
      ? [{ path, kind: "module" }]
      : modulesIn(path, listed, depth + 1);
  });
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
