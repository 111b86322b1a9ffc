import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { compileGlob, matchGlob } from "../../core/call/glob.ts";
import { isWithin } from "../../core/call/path.ts";
import { readFrontMatter } from "./front-matter.ts";

/** Directories of a project in which instructions lie, in the order they are given. */
const PLACES = [".claude/rules", ".cordon/rules"] as const;
const MOST_FILES = 200;
const DEEPEST = 4;
/** Bytes of one text, and of all together. */
const LARGEST = 32 * 1024;
const MOST_TEXT = 128 * 1024;
/** A larger file is not read to its end, so that nobody can have agreed to it. Bytes. */
const LARGEST_FILE = 1024 * 1024;

/** Instructions that apply to some of the files that were asked about. */
export interface Instruction {
  /** Relative to the project. */
  readonly file: string;
  readonly paths: readonly string[];
  readonly text: string;
  /** The file is longer. */
  readonly cut: boolean;
}

/**
 * The instructions of a project whose `paths:` match one of `files` (relative to the project, with
 * `/`), of those that `believes` takes, asked with the very bytes of the file. `left` counts files that were not looked at, because there are too many or too much text.
 *
 * INVARIANT: reads regular files whose real path lies in the project, and a bounded number of
 * bytes. What cannot be read is passed over. The texts are the repository's own: whoever shows
 * them escapes control characters.
 */
export function instructionsFor(
  root: string,
  files: readonly string[],
  believes: (file: string, bytes: Uint8Array) => boolean = () => true,
): { readonly instructions: readonly Instruction[]; readonly left: number } {
  const instructions: Instruction[] = [];
  if (files.length === 0) return { instructions, left: 0 };
  const real = realOf(root);
  const found =
    real === undefined ? [] : PLACES.flatMap((place) => filesBelow(join(root, place), place, real, DEEPEST));
  let [left, room] = [Math.max(0, found.length - MOST_FILES), MOST_TEXT];
  for (const file of found.slice(0, MOST_FILES)) {
    const read = readWithin(join(root, file), real ?? root);
    const scoped = read === undefined ? undefined : readFrontMatter(read.text);
    if (read === undefined || scoped === undefined) continue;
    const globs = scoped.paths.map((path) => compileGlob(path.replace(/^(?:\.\/|\/)/, "")));
    if (!files.some((each) => globs.some((glob) => matchGlob(glob, each)))) continue;
    if (!believes(join(root, file), read.bytes)) continue;
    if (scoped.body.length > room) {
      left += 1;
      continue;
    }
    room -= scoped.body.length;
    instructions.push({ file, paths: scoped.paths, text: scoped.body, cut: read.cut });
  }
  return { instructions, left };
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Markdown files below a directory, by name, never through a link that leaves the project. */
function filesBelow(directory: string, shown: string, root: string, depth: number): readonly string[] {
  const real = realOf(directory);
  if (real === undefined || !isWithin(real, root) || depth === 0) return [];
  try {
    const entries = readdirSync(real, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    return entries.slice(0, 2 * MOST_FILES).flatMap((entry): readonly string[] => {
      const name = `${shown}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(join(real, entry.name), name, root, depth - 1);
      return entry.name.endsWith(".md") ? [name] : [];
    });
  } catch {
    return [];
  }
}

function readWithin(
  path: string,
  root: string,
): { readonly bytes: Uint8Array; readonly text: string; readonly cut: boolean } | undefined {
  const real = realOf(path);
  if (real === undefined || !isWithin(real, root)) return undefined;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(stats.size, LARGEST_FILE));
    const bytes = buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0));
    return { bytes, text: bytes.toString("utf8", 0, LARGEST), cut: stats.size > LARGEST };
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
