import { lstatSync, readlinkSync, statSync, type Stats } from "node:fs";
import type { PathFact } from "../../core/call/facts.ts";
import { codeOf } from "../settings/read-file.ts";
import { isShut } from "./look.ts";

/** As Linux: more links than this on one path is a loop. */
const MOST_LINKS = 40;

/** What was seen under names while the facts of one call were gathered. */
export interface Looks {
  /** What bears a name; undefined for nothing, or the errno name of what went wrong. */
  readonly at: (path: string) => Stats | string | undefined;
  /** Where a link leads; undefined where that cannot be told. */
  readonly target: (link: string) => string | undefined;
}

/**
 * Looks that remember: each name is looked at once, so that paths with a common beginning share its
 * looks, and no two facts of a call rest on two answers about the same name.
 */
export function rememberedLooks(): Looks {
  const seen = new Map<string, { readonly value: Stats | string | undefined }>();
  const targets = new Map<string, { readonly value: string | undefined }>();
  return { at: (path) => once(seen, path, look), target: (link) => once(targets, link, targetOf) };
}

function once<T>(known: Map<string, { readonly value: T }>, path: string, find: (path: string) => T): T {
  const there = known.get(path);
  if (there !== undefined) return there.value;
  const value = find(path);
  known.set(path, { value });
  return value;
}

/**
 * Follows an absolute path as the kernel would: links are resolved where they stand, so `..`
 * behind a link leaves the link's target. For an absent name the deepest existing parent is
 * resolved and the rest is taken as written.
 *
 * A path nobody can reach (a loop, no permission, a file where a directory should be) is
 * `failed`, never `absent`; where looking itself went wrong, or the kernel itself goes elsewhere,
 * there is no fact.
 */
export function resolvePath(path: string, looks: Looks = rememberedLooks()): PathFact | undefined {
  const hops: string[] = [];
  const pending = path.split("/").reverse();
  let real = "";
  let links = 0;
  /** Segments behind the deepest existing directory. */
  let missing = 0;
  /** Something on the way was absent. */
  let guessed = false;
  let type: "file" | "directory" | "other" | "absent" = "directory";
  for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") {
      real = real.slice(0, Math.max(real.lastIndexOf("/"), 0));
      missing = Math.max(missing - 1, 0);
      type = missing > 0 ? "absent" : "directory";
      continue;
    }
    const next = `${real}/${segment}`;
    if (type === "absent") {
      real = next;
      missing++;
      continue;
    }
    if (type !== "directory") return { kind: "failed", why: `${real} is no directory` };
    const stat = looks.at(next);
    if (typeof stat === "string")
      return isShut(stat, real, "enter") ? { kind: "failed", why: stat } : undefined;
    if (stat?.isSymbolicLink() === true) {
      if (++links > MOST_LINKS) return { kind: "failed", why: "too many links" };
      const target = looks.target(next);
      if (target === undefined) return undefined;
      if (next !== path) hops.push(next);
      pending.push(...target.split("/").reverse());
      if (target.startsWith("/")) real = "";
      continue;
    }
    if (stat === undefined) {
      type = "absent";
      missing = 1;
      guessed = true;
    } else type = stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other";
    real = next;
  }
  const end = real === "" ? "/" : real;
  if (links > 0 && !(guessed ? type !== "absent" || leadsNowhere(path) : areOne(path, end))) return undefined;
  return { kind: "path", real: end, hops, type };
}

/** What bears a name; undefined for nothing, or the errno name of what went wrong. */
function look(path: string): Stats | string | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" ? undefined : (code ?? "no code");
  }
}

/** Where a link leads. It was one a moment ago: whatever goes wrong is our own failure, or a race. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** The kernel, following the links by itself, comes to the same file. */
function areOne(path: string, real: string): boolean {
  try {
    const a = statSync(path, { bigint: true });
    const b = statSync(real, { bigint: true });
    return a.ino === b.ino && a.dev === b.dev;
  } catch {
    return false;
  }
}

function leadsNowhere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
