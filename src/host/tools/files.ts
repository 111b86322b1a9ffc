import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";

/** A file tool refused although the gate had allowed it: what the name leads to has changed since. */
export class MovedError extends Error {}

/**
 * Opens what a path led to when it was judged: the directory is resolved again and must still be
 * inside `root`, and the last component must not have become a link. The gap between the gate's
 * look and this one is what a racing process would use.
 */
function openBeneath(root: string, path: string, flags: number): number {
  const directory = realpathSync(dirname(path));
  if (!isWithin(directory, realpathSync(root))) throw new MovedError(`${path} no longer lies in ${root}`);
  try {
    return openSync(join(directory, basename(path)), flags | constants.O_NOFOLLOW, 0o644);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ELOOP")
      throw new MovedError(`${path} has become a link`);
    throw error;
  }
}

/** Reads a text file below `root`. Throws for what is no regular file. */
export function readText(root: string, path: string): string {
  const descriptor = openBeneath(root, path, constants.O_RDONLY);
  try {
    if (!fstatSync(descriptor).isFile()) throw new MovedError(`${path} is no regular file`);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a text file below `root`, making it where it is missing. */
export function writeText(root: string, path: string, text: string): void {
  const descriptor = openBeneath(root, path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC);
  try {
    writeFileSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces the one occurrence of `before`. Throws where it occurs never or several times. */
export function editText(root: string, path: string, before: string, after: string): void {
  const text = readText(root, path);
  const pieces = text.split(before);
  if (pieces.length !== 2)
    throw new Error(`the text to replace occurs ${pieces.length - 1} times in ${path}`);
  writeText(root, path, pieces.join(after));
}
