import { type Dirent, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import { GIT_FILES, type GitFile, LINK_OUT } from "../../core/layers/9-sandbox/facts.ts";
import { gitConfigPaths } from "../../core/layers/9-sandbox/git-config.ts";
import { realPath, seenAt, smallText } from "./look.ts";
import { YOUNG_MS } from "./names.ts";

/** The shape by which git takes a directory for a repository. */
export function isGitShape(names: ReadonlySet<string>): boolean {
  return names.has("HEAD") && (names.has("commondir") || (names.has("objects") && names.has("refs")));
}

/** Where git keeps what it writes; links in there lead its writing elsewhere. */
const WRITTEN: readonly string[] = ["info", "logs", "objects", "refs", "rebase-merge", "rebase-apply"];
/** Directories below one git directory that are searched for links. */
const MOST_SEARCHED = 500;

/**
 * Symbolic links out of a git directory: git would write its messages, logs or objects where they
 * lead. Ends after 500 directories.
 */
export function linksIn(
  path: string,
  real: string,
  names: ReadonlySet<string>,
  entered: (directory: string) => readonly Dirent[],
): readonly GitFile[] {
  const found: GitFile[] = [];
  const queue = [path, ...WRITTEN.filter((name) => names.has(name)).map((name) => join(path, name))];
  for (let count = 0; count < queue.length && count < MOST_SEARCHED; count++) {
    const directory = queue[count] ?? path;
    for (const entry of entered(directory)) {
      const at = join(directory, entry.name);
      const deeper = directory.startsWith(`${path}/logs`) || directory.startsWith(`${path}/refs`);
      if (entry.isDirectory() && deeper) queue.push(at);
      if (!entry.isSymbolicLink() || (directory === path && GIT_FILES.includes(entry.name))) continue;
      const seen = seenAt(at, true);
      const leads = seen.type === "absent" ? resolve(directory, seen.link ?? "") : seen.real;
      if (!isWithin(leads, real)) found.push({ ...seen, name: `${LINK_OUT}${at.slice(path.length + 1)}` });
    }
  }
  return found;
}

/** A directory that may be the git directory of a submodule or a linked worktree. */
export interface KeptDirectory {
  readonly path: string;
  readonly kind: "module" | "worktree";
}

/** Directories that one git directory keeps for submodules or worktrees, and how far they were searched. */
export interface KeptDirectories {
  readonly children: readonly KeptDirectory[];
  /** What is not looked into: links, and the directory in which the search gave up. */
  readonly refused: readonly GitFile[];
  /** Directories in which the search gave up. */
  readonly unread: readonly string[];
}

/** Directories below `modules` that are searched. */
const MOST_KEPT = 2_000;

/**
 * Directories in `modules` or `worktrees` of the git directory `path` that may be git directories
 * of their own. Names of submodules can have slashes.
 *
 * No link is followed, since git makes none there: it is told as refused, so that a new one is
 * moved away.
 *
 * INVARIANT: looks into each directory once, and gives up after 2,000. Then `modules` itself is
 * both in `refused` and in `unread`.
 */
export function keptIn(
  path: string,
  kind: "module" | "worktree",
  entered: (directory: string) => readonly Dirent[],
): KeptDirectories {
  const top = join(path, `${kind}s`);
  const children: KeptDirectory[] = [];
  const refused: GitFile[] = [];
  const { type, link } = seenAt(top, true);
  if (link !== undefined) return { children, refused: [refusedAt(top, path)], unread: [] };
  if (type !== "directory") return { children, refused, unread: [] };
  const queue = [top];
  const visited = new Set<string>();
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const { id } = seenAt(at, true);
    if (visited.has(id)) continue;
    visited.add(id);
    const entries = entered(at);
    if (at !== top && isGitShape(new Set(entries.map(({ name }) => name)))) {
      children.push({ path: at, kind });
      continue;
    }
    const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(at, name));
    for (const entry of entries)
      if (entry.isSymbolicLink()) refused.push(refusedAt(join(at, entry.name), path));
    if (kind === "worktree") for (const child of below) children.push({ path: child, kind });
    else for (const child of below) queue.push(child);
    if (visited.size + queue.length > MOST_KEPT)
      return { children, refused: [...refused, refusedAt(top, path)], unread: [top] };
  }
  return { children, refused, unread: [] };
}

/** What stands in a git directory and is not looked into; new, it is moved away. */
export function refusedAt(at: string, path: string): GitFile {
  return { ...seenAt(at, true), name: `${LINK_OUT}${at.slice(path.length + 1)}` };
}

/** Where git looks for configuration for everybody, by how it was built. */
const SYSTEM: readonly string[] = [
  "/etc/gitconfig",
  "/usr/local/etc/gitconfig",
  "/opt/homebrew/etc/gitconfig",
];
/** Longest configuration file that is read, bytes. */
const MOST_CONFIG = 256 * 1024;
/** Configuration files that are read together. */
const MOST_FILES = 50;
/** Included files, and lines on hooks, that are remembered. */
const MOST_NAMED = 500;

/** Where the person's own configuration is looked for. */
export interface ConfigPlaces {
  readonly home: string;
  /** Names further files of it; absent = that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Configuration for everybody on this machine; absent = where git is known to look. */
  readonly system?: readonly string[] | undefined;
}

/** What configuration files say of hooks, whatever section or condition it stands under. */
export interface Configured {
  /** Lines that may name a directory of hooks. */
  readonly hooks: string;
  /** Absolute paths of files that are included. */
  readonly includes: readonly string[];
  /** Every file that was read or is absent, and how it stood. */
  readonly files: readonly { readonly path: string; readonly stamp: string }[];
}

/** True where the two say the same of hooks. */
export function isSameConfig(one: Configured, other: Configured): boolean {
  return one === other || (one.hooks === other.hooks && one.includes.join() === other.includes.join());
}

/**
 * The person's own configuration and that of the machine; `before` itself where none of its files
 * changed. What cannot be read says nothing.
 */
export function personalConfig({ home, environment, system }: ConfigPlaces, before: Configured): Configured {
  const from = environment ?? process.env;
  const named = [from["GIT_CONFIG_SYSTEM"], from["GIT_CONFIG_GLOBAL"]].flatMap((path) => path ?? []);
  const directory = from["XDG_CONFIG_HOME"];
  const all = [
    ...(system ?? SYSTEM),
    join(home, ".gitconfig"),
    join(home, ".config/git/config"),
    ...(directory === undefined ? [] : [join(directory, "git/config")]),
    ...named,
  ];
  const starts = [...new Set(all.filter((path) => isAbsolute(path)))];
  const isStillSo =
    starts.every((path, index) => before.files[index]?.path === path) &&
    before.files.every(({ path, stamp }) => stamp !== "young" && configStamp(path) === stamp);
  return isStillSo ? before : configuredIn(starts, home);
}

/**
 * What these configuration files say of hooks, and all that they include, under whatever condition.
 * Reads 50 files at most.
 */
export function configuredIn(starts: readonly string[], home: string): Configured {
  const queue = new Set(starts);
  const files: Configured["files"][number][] = [];
  const hooks: string[] = [];
  for (const path of queue) {
    if (files.length >= MOST_FILES) break;
    files.push({ path, stamp: configStamp(path) });
    const text = configLines(smallText(path, MOST_CONFIG) ?? "", home);
    hooks.push(...text.split("\n").filter((line) => /hookspath/i.test(line)));
    for (const directory of new Set([dirname(path), dirname(realPath(path) ?? path)]))
      for (const entry of gitConfigPaths(text, directory, directory))
        if (entry.name === "include.path" && queue.size < MOST_NAMED) queue.add(entry.path);
  }
  return {
    hooks: hooks.slice(0, MOST_NAMED).join("\n"),
    includes: [...queue].slice(starts.length),
    files,
  };
}

/** How the file at the end of every link stands; `young` where it may change again without a sign. */
function configStamp(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return "";
    if (Date.now() - Number(stat.ctimeNs / 1_000_000n) <= YOUNG_MS) return "young";
    return `${stat.dev}:${stat.ino}:${stat.ctimeNs}:${stat.size}`;
  } catch {
    return "unreadable";
  }
}

/** A configuration in which each setting has a line of its own, and `~/` is spelt out. */
function configLines(text: string, home: string): string {
  // Whole comments and strings first: in a comment a backslash continues nothing.
  const joined = text
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .replace(/[#;][^\n]*|"(?:\\[\s\S]|[^"\\\n])*"?|\\[\s\S]/g, (part) =>
      part.startsWith("#") || part.startsWith(";") ? "" : part.replaceAll("\\\n", ""),
    );
  const spelt = home.replace(/["\\]/g, "\\$&");
  return joined.replace(
    /^([ \t]*(?:\[[^\]\n]*\][ \t]*)?(?:hookspath|path)[ \t]*=[ \t]*"?)~(?=\/)/gim,
    (_, head: string) => head + spelt,
  );
}
