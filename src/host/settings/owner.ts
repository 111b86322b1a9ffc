import { lstatSync, type Stats } from "node:fs";
import { join, relative, sep } from "node:path";
import { reasonOf } from "./read-file.ts";

/**
 * Why `path` or a parent of it below `top` is not the administrator's alone; undefined = it is:
 * owned by root, not writable by others, no link.
 *
 * Knows owners as Unix has them. What cannot be looked at is not the administrator's.
 */
export function ownerFault(path: string, top: string): string | undefined {
  const steps = relative(top, path).split(sep);
  const chain = [top, ...steps.map((_step, index) => join(top, ...steps.slice(0, index + 1)))];
  for (const each of chain) {
    try {
      const why = rightsFault(lstatSync(each), each);
      if (why !== undefined) return why;
    } catch (error) {
      return `${each}: ${reasonOf(error)}`;
    }
  }
  return undefined;
}

/** The same for one entry that was looked at already. */
export function rightsFault(stats: Stats, path: string): string | undefined {
  if (stats.isSymbolicLink()) return `${path} is a link`;
  if (stats.uid !== 0) return `${path} does not belong to root`;
  return (stats.mode & 0o022) === 0 ? undefined : `${path} may be written by others than root`;
}

/** Where an absolute path lies on a machine whose root is `top`. */
export function belowTop(top: string, path: string): string {
  return top === "/" ? path : join(top, path);
}
