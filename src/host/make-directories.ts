import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it that are missing, each with `mode`. One that is there stays
 * as it is, also behind a link. Throws what the system says.
 *
 * Not by the `recursive` of `mkdirSync`, which tries for ever where the system denies that a
 * directory is there and will not make it (`/proc/none`).
 */
export function makeDirectories(directory: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = directory; !isDirectory(at); at = dirname(at)) {
    missing.push(at);
    if (at === dirname(at)) break;
  }
  for (const path of missing.reverse()) {
    try {
      mkdirSync(path, mode);
    } catch (error) {
      // Another process may have been faster.
      if (!isDirectory(path)) throw error;
    }
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
