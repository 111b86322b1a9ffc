import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readdirSync, readlinkSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Mark } from "../../core/layers/9-sandbox/mark.ts";
import { isGlob } from "../../core/layers/9-sandbox/mark.ts";
import type { Violation } from "../../core/layers/9-sandbox/result.ts";
import { makeDirectories } from "../make-directories.ts";
import { isGitShape } from "./git-shape.ts";

/** What a name that is no UTF-8 is shown as. */
const REPLACEMENT = "\uFFFD";
/** Entries looked at in one such directory before it counts as too much. */
const MOST_ENTRIES = 50_000;

/** What came of a look into directories whose names are no text. */
export interface OddNames {
  readonly violations: readonly Violation[];
  /** Directories that still nobody can say anything of. */
  readonly left: readonly string[];
}

/**
 * Looks into new directories whose names are no UTF-8, which cannot be searched by path, byte by
 * byte. One that holds a protected name or a repository is moved away whole, below `quarantine`.
 *
 * INVARIANT: what is neither clean nor moved away stays in `left`.
 */
export function searchOddNames(
  unseen: readonly string[],
  marks: readonly Mark[],
  quarantine: string,
): OddNames {
  const odd = new Set(unseen.filter((path) => path.includes(REPLACEMENT)).map(topOf));
  const left = unseen.filter((path) => !path.includes(REPLACEMENT));
  if (odd.size === 0) return { violations: [], left };
  const tails = marks
    .filter(({ role, base, segments }) => isGuarding(role) && base === undefined && !segments.some(isGlob))
    .map(({ segments, why }) => ({ tail: Buffer.from(`/${segments.join("/")}`).toString("latin1"), why }));
  const violations: Violation[] = [];
  for (const path of odd) {
    try {
      violations.push(...clear(path, tails, quarantine));
    } catch {
      left.push(path);
    }
  }
  return { violations, left };
}

function isGuarding(role: Mark["role"]): boolean {
  return role === "protected" || role === "guard" || role === "denied-write";
}

/** The part of a path up to its first name that is no text. */
function topOf(path: string): string {
  const parts = path.split("/");
  return parts.slice(0, parts.findIndex((part) => part.includes(REPLACEMENT)) + 1).join("/");
}

interface Tail {
  readonly tail: string;
  readonly why: string;
}

function clear(path: string, tails: readonly Tail[], quarantine: string): readonly Violation[] {
  const above = path.slice(0, path.lastIndexOf("/"));
  const shown = path.slice(above.length + 1);
  // Held by descriptor, so that nobody can exchange the directory between look and rename.
  const parent = openSync(above, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${parent}`;
    if (readlinkSync(held) !== above) throw new Error(`${above} was exchanged`);
    const names = readdirSync(Buffer.from(held), { encoding: "buffer" }).filter(
      (name) => name.toString("utf8") === shown,
    );
    return names.flatMap((name): readonly Violation[] => {
      const whole = Buffer.concat([Buffer.from(`${held}/`), name]);
      const why = harm(whole, tails);
      if (why === undefined) return [];
      const place = join(quarantine, `odd-${randomBytes(8).toString("hex")}`);
      makeDirectories(quarantine, 0o700);
      renameSync(whole, place);
      return [{ kind: "planted", path, why, movedTo: place, restored: false }];
    });
  } finally {
    closeSync(parent);
  }
}

/** Why a directory may not stay; undefined where there is nothing in it. */
function harm(top: Buffer, tails: readonly Tail[]): string | undefined {
  const queue: Buffer[] = [top];
  let left = MOST_ENTRIES;
  for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
    const entries = listed(directory);
    if (entries === undefined) return "nobody can look into it";
    left -= entries.length + 1;
    if (left < 0) return "it holds more than can be looked at";
    const names = new Set(entries.map(({ name }) => name.toString("latin1")));
    if (isGitShape(names) || names.has(".git")) return "a repository can make git run something";
    for (const { name, isDirectory } of entries) {
      const path = Buffer.concat([directory, Buffer.from("/"), name]);
      const text = path.toString("latin1");
      const found = tails.find(({ tail }) => text.endsWith(tail));
      if (found !== undefined) return found.why;
      if (isDirectory) queue.push(path);
    }
  }
  return undefined;
}

/** Undefined where it cannot be listed. */
function listed(
  directory: Buffer,
): readonly { readonly name: Buffer; readonly isDirectory: boolean }[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: "buffer" }).map((entry) => ({
      name: entry.name,
      isDirectory: entry.isDirectory(),
    }));
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOTDIR" ? [] : undefined;
  }
}
