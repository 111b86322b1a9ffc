import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import {
  GIT_FILES,
  type GitDir,
  type GitFile,
  type GitLink,
  type Seen,
} from "../../core/layers/9-sandbox/facts.ts";
import { configuredWorkTree, gitConfigPaths, gitPointer } from "../../core/layers/9-sandbox/git-config.ts";
import { trustPlaceOf } from "../trust/place.ts";
import { realPath, seenAt, smallText } from "./look.ts";

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

/**
 * A git directory and those it keeps: submodules and linked worktrees, found by their content.
 * `home` is where the person's own git configuration is looked for, which can name hooks too.
 */
export function gitDirectories(
  path: string,
  named: boolean,
  roots: readonly string[],
  home: string,
): readonly GitDir[] {
  const self = seenAt(path);
  const workTree = named && basename(path) === ".git" ? dirname(path) : path;
  const files = GIT_FILES.flatMap((name): readonly GitFile[] => {
    const seen = seenAt(join(path, name), !name.includes("/"));
    if (seen.type === "absent" && seen.link === undefined) return [];
    return [{ ...seen, name, text: READ.includes(name) ? smallText(seen.path) : undefined }];
  });
  const configs = [
    ...files.filter(({ name }) => name.startsWith("config")).map(({ text }) => text ?? ""),
    ...(named ? [".gitconfig", ".config/git/config"].map((name) => smallText(join(home, name)) ?? "") : []),
  ];
  const further = configs
    .flatMap((text) => gitConfigPaths(text, path, workTree))
    .filter((entry) => roots.some((root) => isWithin(entry.path, root)))
    .map((entry): GitFile => ({ ...seenAt(entry.path), name: entry.name }))
    .filter(({ type, link }) => type !== "absent" || link !== undefined);
  return [
    {
      path: self.real,
      id: self.id,
      named: basename(path) === ".git",
      files: [...files, ...further],
      hooks: hooksOf(path),
    },
    ...gitChildren(join(path, "modules"), roots, home),
    ...entriesOf(join(path, "worktrees")).flatMap((name) =>
      gitDirectories(join(path, "worktrees", name), true, roots, home).slice(0, 1),
    ),
  ];
}

function hooksOf(path: string): readonly Seen[] {
  const hooks = realPath(join(path, "hooks"));
  if (hooks === undefined) return [];
  return entriesOf(hooks)
    .filter((name) => !name.endsWith(".sample"))
    .map((name) => seenAt(join(hooks, name), true));
}

/** Submodule directories; their names can have slashes. */
function gitChildren(
  directory: string,
  roots: readonly string[],
  home: string,
  depth = 0,
): readonly GitDir[] {
  if (depth > 16) return [];
  return entriesOf(directory).flatMap((name) => {
    const path = join(directory, name);
    if (seenAt(path).type !== "directory") return [];
    return isGitShape(new Set(entriesOf(path)))
      ? gitDirectories(path, true, roots, home)
      : gitChildren(path, roots, home, depth + 1);
  });
}

/** The shape by which git takes a directory for a repository. */
export function isGitShape(names: ReadonlySet<string>): boolean {
  return names.has("HEAD") && (names.has("commondir") || (names.has("objects") && names.has("refs")));
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
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
