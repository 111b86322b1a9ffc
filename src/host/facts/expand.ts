import { type Dirent, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { GlobFact, TreeFact } from "../../core/call/facts.ts";
import { compileGlob, matchGlob } from "../../core/call/glob.ts";
import { codeOf } from "../settings/read-file.ts";
import { isShut } from "./look.ts";
import { type Looks, rememberedLooks } from "./resolve.ts";

/** Most directory entries one expansion or walk looks at. */
const MOST_ENTRIES = 20_000;
/** Most matches; a pattern with more counts as not expanded. */
const MOST_MATCHES = 2_000;

/**
 * Expands an absolute pathname pattern as bash does without its glob options: a leading dot must be
 * spelled. Throws where looking itself went wrong.
 */
export function expandGlob(pattern: string, looks: Looks = rememberedLooks()): GlobFact {
  const budget = { left: MOST_ENTRIES };
  let paths = [""];
  for (const segment of pattern.split("/").slice(1)) {
    if (segment === "" || segment === "." || segment === "..") {
      paths = paths.map((path) => `${path}/${segment}`);
      continue;
    }
    const glob = compileGlob(segment);
    const next: string[] = [];
    for (const path of paths) {
      if (glob.literal) {
        if (exists(`${path}/${glob.prefix}`, looks)) next.push(`${path}/${glob.prefix}`);
        continue;
      }
      const names = list(path === "" ? "/" : path) ?? [];
      budget.left -= names.length;
      for (const { name } of names) {
        if (name.startsWith(".") && !segment.startsWith(".") && !segment.startsWith("\\.")) continue;
        if (matchGlob(glob, name)) next.push(`${path}/${name}`);
      }
    }
    paths = next;
    if (paths.length > MOST_MATCHES || budget.left <= 0)
      return { kind: "glob", matches: paths.slice(0, MOST_MATCHES), complete: false };
  }
  return { kind: "glob", matches: paths, complete: true };
}

/**
 * Files below a directory; links are not followed, version control's own store is left out. Throws
 * where looking itself went wrong.
 */
export function listTree(directory: string): TreeFact {
  const budget = { left: MOST_ENTRIES };
  const files: string[] = [];
  const work = [directory];
  for (let here = work.pop(); here !== undefined && budget.left > 0; here = work.pop()) {
    const entries = list(here);
    // Not a directory, or closed to the agent too: then nothing below it is read either.
    if (entries === undefined) files.push(here);
    for (const entry of entries ?? []) {
      budget.left--;
      const path = `${here === "/" ? "" : here}/${entry.name}`;
      if (!entry.isDirectory()) files.push(path);
      else if (entry.name !== ".git") work.push(path);
    }
  }
  return { kind: "tree", files, complete: budget.left > 0 };
}

/**
 * What lies in a directory; undefined for one that is gone, closed or no directory: then bash finds
 * nothing either. Throws where looking itself went wrong.
 */
export function list(directory: string): readonly Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    const code = codeOf(error);
    if (isShut(code, directory, "list") || (isBare(code) && isNoDirectory(directory))) return undefined;
    throw error;
  }
}

/** What is said where no directory bears the name. */
function isBare(code: string | undefined): boolean {
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "EACCES";
}

function isNoDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true;
  } catch (error) {
    // A loop of links, or a parent that is closed.
    return isBare(codeOf(error));
  }
}

function exists(path: string, looks: Looks): boolean {
  const seen = looks.at(path);
  // A link that leads nowhere is a name too, and bash expands to it.
  if (typeof seen !== "string") return seen !== undefined;
  if (seen === "ENAMETOOLONG" || (isBare(seen) && isNoDirectory(dirname(path)))) return false;
  if (isShut(seen, dirname(path), "enter")) return false;
  throw new Error(`${path}: ${seen}`);
}
