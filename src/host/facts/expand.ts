import { lstatSync, readdirSync } from "node:fs";
import type { GlobFact, TreeFact } from "../../core/call/facts.ts";
import { compileGlob, matchGlob } from "../../core/call/glob.ts";

/** Most directory entries one expansion or walk looks at. */
const MOST_ENTRIES = 20_000;
/** Most matches; a pattern with more counts as not expanded. */
const MOST_MATCHES = 2_000;

/** Expands an absolute pathname pattern as bash does without its glob options: a leading dot must be spelled. */
export function expandGlob(pattern: string): GlobFact {
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
        if (exists(`${path}/${glob.prefix}`)) next.push(`${path}/${glob.prefix}`);
        continue;
      }
      for (const name of list(path === "" ? "/" : path, budget)) {
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

/** Files below a directory; links are not followed, version control's own store is left out. */
export function listTree(directory: string): TreeFact {
  const budget = { left: MOST_ENTRIES };
  const files: string[] = [];
  const work = [directory];
  for (let here = work.pop(); here !== undefined && budget.left > 0; here = work.pop()) {
    try {
      for (const entry of readdirSync(here, { withFileTypes: true })) {
        budget.left--;
        const path = `${here === "/" ? "" : here}/${entry.name}`;
        if (!entry.isDirectory()) files.push(path);
        else if (entry.name !== ".git") work.push(path);
      }
    } catch {
      // Not a directory, or not readable: then nothing below it is read either.
      files.push(here);
    }
  }
  return { kind: "tree", files, complete: budget.left > 0 };
}

/** Names in a directory; one that is gone, closed or no directory has none for bash either. */
function list(directory: string, budget: { left: number }): readonly string[] {
  try {
    const names = readdirSync(directory);
    budget.left -= names.length;
    return names;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    // Anything else is our own failure: the expansion is then not known.
    if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EACCES") budget.left = 0;
    return [];
  }
}

function exists(path: string): boolean {
  try {
    // A link that leads nowhere is a name too, and bash expands to it.
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
