import { lstatSync, readlinkSync } from "node:fs";
import type { PathFact } from "../../core/call/facts.ts";

/** As Linux: more links than this on one path is a loop. */
const MOST_LINKS = 40;

/** What stops the agent just as it stopped us. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "EACCES",
  "EPERM",
  "ELOOP",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ERR_INVALID_ARG_VALUE",
]);

/**
 * Follows an absolute path as the kernel would: links are resolved where they stand, so `..`
 * behind a link leaves the link's target. For an absent name the deepest existing parent is
 * resolved and the rest is taken as written.
 *
 * A path nobody can reach (a loop, no permission, a file where a directory should be) is
 * `failed`, never `absent`; where looking itself went wrong there is no fact.
 */
export function resolvePath(path: string): PathFact | undefined {
  const hops: string[] = [];
  const pending = path.split("/").reverse();
  let real = "";
  let links = 0;
  /** Segments behind the deepest existing directory. */
  let missing = 0;
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
    try {
      const stat = lstatSync(next);
      if (stat.isSymbolicLink()) {
        if (++links > MOST_LINKS) return { kind: "failed", why: "too many links" };
        const target = readlinkSync(next);
        if (next !== path) hops.push(next);
        pending.push(...target.split("/").reverse());
        if (target.startsWith("/")) real = "";
        continue;
      }
      type = stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other";
    } catch (error) {
      const code = codeOf(error);
      if (code !== "ENOENT") return UNREACHABLE.has(code) ? { kind: "failed", why: code } : undefined;
      type = "absent";
      missing = 1;
    }
    real = next;
  }
  return { kind: "path", real: real === "" ? "/" : real, hops, type };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
