import { lstatSync } from "node:fs";
import type { BelowFact } from "../../core/call/facts.ts";
import { expandGlob, list } from "./expand.ts";

/** Most names one look below directories goes through. */
const MOST_NAMES = 400;
/** How many levels down. */
const DEEPEST = 6;
/** Nothing in them is configuration of what is around them. */
const CLOSED: ReadonlySet<string> = new Set(["node_modules", ".git", ".venv", "__pycache__"]);

/**
 * Names below a path, or below every match of a pattern, and these themselves: the nearest first,
 * and of those the hidden ones. Links are named and not followed. Throws where looking itself went
 * wrong.
 */
export function namesBelow(path: string, glob: boolean): BelowFact {
  const found = glob ? expandGlob(path) : undefined;
  let complete = found?.complete ?? true;
  const entries: { readonly from: string; readonly path: string }[] = [];
  const work: { readonly from: string; readonly at: string; readonly depth: number }[] = [];
  for (const root of found?.matches ?? [path]) {
    entries.push({ from: root, path: root });
    if (!isLink(root)) work.push({ from: root, at: root, depth: 0 });
  }
  for (let next = work.shift(); next !== undefined; next = work.shift()) {
    const { from, at, depth } = next;
    const inside = list(at) ?? [];
    const hidden = inside.filter(({ name }) => name.startsWith("."));
    for (const entry of [...hidden, ...inside.filter(({ name }) => !name.startsWith("."))]) {
      if (entries.length >= MOST_NAMES) return { kind: "below", entries, complete: false };
      const below = `${at === "/" ? "" : at.replace(/\/$/, "")}/${entry.name}`;
      entries.push({ from, path: below });
      if (!entry.isDirectory() || CLOSED.has(entry.name)) continue;
      if (depth + 1 < DEEPEST) work.push({ from, at: below, depth: depth + 1 });
      else complete = false;
    }
  }
  return { kind: "below", entries, complete };
}

/** With a slash behind it a link is what it leads to. */
function isLink(path: string): boolean {
  if (path.endsWith("/")) return false;
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    // What stands in the way stands in the way of listing it too, which says what that means.
    return false;
  }
}
