import { readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";

/** A listing this young may have missed a change within the same tick of the file system's clock. */
export const YOUNG_MS = 50;

/** Tells cheaply that most of a long list of paths do not exist. */
export interface Names {
  /** Begins a new look at the machine: what was seen before is checked again, once. */
  readonly refresh: () => void;
  /** False only where the path is certainly absent. */
  readonly mayExist: (path: string) => boolean;
}

interface Known {
  readonly stamp: string;
  readonly young: boolean;
  /** Undefined: the directory cannot be listed. */
  readonly names: ReadonlySet<string> | undefined;
}

/** Remembers the names in directories, and reads one again only when it changed. */
export function openNames(): Names {
  const known = new Map<string, Known>();
  const checked = new Map<string, ReadonlySet<string> | "absent" | "unknown">();
  const look = (directory: string): ReadonlySet<string> | "absent" | "unknown" => {
    if (directory !== "/" && !mayExist(directory)) return "absent";
    try {
      const stat = statSync(directory, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined || !stat.isDirectory()) return "absent";
      const stamp = `${stat.dev}:${stat.ino}:${stat.ctimeNs}`;
      const old = known.get(directory);
      if (old?.stamp === stamp && !old.young) return old.names ?? "unknown";
      const young = Date.now() - Number(stat.ctimeNs / 1_000_000n) < YOUNG_MS;
      const names = namesIn(directory);
      known.set(directory, { stamp, young, names });
      return names ?? "unknown";
    } catch {
      return "unknown";
    }
  };
  const mayExist = (path: string): boolean => {
    const directory = dirname(path);
    if (path === directory) return true;
    const names = checked.get(directory) ?? look(directory);
    checked.set(directory, names);
    return names === "unknown" || (names !== "absent" && names.has(basename(path).toLowerCase()));
  };
  return { refresh: () => checked.clear(), mayExist };
}

function namesIn(directory: string): ReadonlySet<string> | undefined {
  try {
    // Folded, since some file systems are blind to case.
    return new Set(readdirSync(directory).map((name) => name.toLowerCase()));
  } catch {
    return undefined;
  }
}
