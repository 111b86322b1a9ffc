import { HOLE } from "../../call/word.ts";
import { isWithin, normalise, parentOf, segmentsOf } from "../../call/path.ts";
import type { Invocation } from "../../shell/script.ts";
import type { Located, Workspace } from "../../inquiry/locate.ts";
import type { PathUse } from "../../inquiry/inquiry.ts";

/** Directories of the system: everything below them belongs to it. */
const SYSTEM: readonly string[] = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/opt",
  "/proc",
  "/root",
  "/run",
  "/sbin",
  "/srv",
  "/sys",
  "/usr",
  "/var",
  "/Applications",
  "/Library",
  "/System",
  "/private/etc",
  "/private/var",
];
/** Below them anybody keeps files. */
const SHARED: readonly string[] = ["/var/tmp", "/var/folders", "/private/var/folders", "/root/"];

/**
 * Why removing, overwriting or re-owning this would be critical; undefined where it would not.
 *
 * `sweeping`: the whole tree is meant (recursive removal, `find -delete`, `chmod -R`). A target
 * that cannot be known is critical when it is sweeping: an empty variable is the root directory.
 */
export function criticalReason(
  use: PathUse,
  located: Located,
  workspace: Workspace,
  home: string,
  sweeping: boolean,
): string | undefined {
  const pattern =
    use.glob === undefined
      ? undefined
      : normalise(use.glob.slice(0, use.glob.search(/[*?[\\]/)).replace(/[^/]*$/, ""));
  if (!use.known && use.glob === undefined) {
    return sweeping ? unknownReason(use) : undefined;
  }
  if (use.glob?.includes(HOLE) === true && sweeping) return unknownReason(use);
  for (const name of new Set([located.name, located.real])) {
    const why = placeReason(name, workspace, home, sweeping);
    if (why !== undefined) return why;
  }
  // `dir/*` is all of `dir`.
  if (pattern !== undefined && sweeping) {
    const last = (/[^/]*\/?$/.exec(use.glob ?? "")?.[0] ?? "").replace(/\[[^\]]*\]/g, "?");
    // `*.log` is some of it, `*`, `.*` and `[a-z]*` mean all.
    const wide = /^(?:\.?[*?]+|[*?]+\.[*?]+)\/?$|\{/.test(last) || pattern === "/";
    if (wide) {
      const why = placeReason(pattern, workspace, home, sweeping);
      if (why !== undefined) return `everything in ${why}`;
    }
    if (pattern === "/") return "what lies directly below the root directory";
  }
  return undefined;
}

function unknownReason(use: PathUse): string {
  return `\`${use.shown}\`, which cannot be known before it runs (empty, it may be the root directory)`;
}

function placeReason(
  path: string,
  workspace: Workspace,
  home: string,
  sweeping: boolean,
): string | undefined {
  const depth = segmentsOf(path).length;
  // bash makes a connection of such a name; the scope layer says so.
  if (/^\/dev\/(?:tcp|udp)\//.test(path)) return undefined;
  if (path === "/") return "the root directory";
  if (depth === 1) return `\`${path}\`, a top-level directory`;
  if (path === home || isWithin(home, path)) return "the home directory";
  if ((parentOf(path) === "/home" || parentOf(path) === "/Users") && depth === 2)
    return `\`${path}\`, a home directory`;
  if (/^\/(?:mnt\/)?[a-z]\/?$/i.test(path)) return `\`${path}\`, a drive`;
  for (const directory of [...workspace.names, ...workspace.reals]) {
    if (sweeping && isWithin(directory, path))
      return directory === path
        ? `\`${path}\`, a working directory`
        : `\`${path}\`, which holds a working directory`;
    if (sweeping && path === `${directory}/.git`) return "the repository's own history";
  }
  const inside = [...workspace.names, ...workspace.reals].some((directory) => isWithin(path, directory));
  if (inside || SHARED.some((shared) => isWithin(path, shared.replace(/\/$/, "")) && shared !== "/root/"))
    return undefined;
  if (isWithin(path, home)) return undefined;
  const system = SYSTEM.find((directory) => isWithin(path, directory));
  return system === undefined ? undefined : `\`${path}\`, part of the system`;
}

/** The same on another machine or in a container, of which only the top and the home directory are known. */
export function remoteReason({ reading }: Invocation, home: string): string | undefined {
  const hit = reading.effects.find(({ action, recursive, word }) => {
    if ((action !== "delete" && action !== "write") || !recursive) return false;
    const path = normalise(word.glob ?? word.text);
    return word.text.startsWith("/") && (segmentsOf(path).length <= 1 || path === home);
  });
  return hit === undefined ? undefined : `\`${hit.word.raw}\` of another machine`;
}
