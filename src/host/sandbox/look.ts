import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import type { FileType, Seen } from "../../core/layers/9-sandbox/facts.ts";

/** Longest text that is read of a small file, bytes. */
const MOST_TEXT = 64 * 1024;

/**
 * What stands at a path, links followed for `real` and `type` only. Never throws. `resolved` says
 * that the directory above is known to have no link in its path.
 *
 * A path that may not be looked at counts as absent: a command of the same user cannot reach it
 * either.
 */
export function seenAt(path: string, resolved = false): Seen {
  const absent: Seen = { path, real: path, type: "absent", id: "", stamp: "" };
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return absent;
    const told = {
      path,
      id: `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`,
      stamp: `${stat.ctimeNs}:${stat.size}`,
    };
    if (!stat.isSymbolicLink())
      return { ...told, real: resolved ? path : (realPath(path) ?? path), type: typeOf(stat) };
    const real = realPath(path);
    const target = real === undefined ? undefined : statSync(real, { throwIfNoEntry: false });
    return {
      ...told,
      link: readlinkSync(path),
      real: real ?? path,
      type: target === undefined ? "absent" : typeOf(target),
    };
  } catch {
    return absent;
  }
}

function typeOf(stat: { isFile(): boolean; isDirectory(): boolean }): FileType {
  return stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other";
}

/** The path after every link; undefined where it leads nowhere. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** The text of a small regular file; undefined where there is none, or it is too long. */
export function smallText(path: string): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= MOST_TEXT ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a kernel file, which has no size; empty where it cannot be read. */
export function kernelText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
