import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join, relative, sep } from "node:path";
import { managedDirectories } from "./places.ts";
import { type FileReading, codeOf, readWhole, reasonOf } from "./read-file.ts";

/** A managed file that exists, and what could be read of it. */
export interface ManagedFile {
  readonly file: string;
  readonly reading: Exclude<FileReading, { readonly kind: "absent" }>;
}

/** What was found in the managed directories. */
export interface ManagedFiles {
  /** Settings files, the highest first: of one directory the last drop-in first, the base file last. */
  readonly settings: readonly ManagedFile[];
  /** Files that name the only MCP servers; that they exist is enough. */
  readonly servers: readonly string[];
  /** Everything that was looked for. */
  readonly looked: readonly string[];
}

/**
 * Finds and reads the managed settings of the machine.
 *
 * INVARIANT: a file that exists and is not the administrator's alone (owned by root, as all its
 * parents are; not writable by others; no link) is a fault, never settings and never absent.
 *
 * `top` stands for the root of the file system; parents above it are not looked at.
 */
export function managedFiles(platform: string, top = "/"): ManagedFiles {
  const directories = managedDirectories(platform).map((directory) =>
    top === "/" ? directory : join(top, directory),
  );
  const settings = directories.flatMap((directory) => {
    const base = join(directory, "managed-settings.json");
    return [
      ...dropIns(join(directory, "managed-settings.d"), platform, top).toReversed(),
      ...managedFile(base, platform, top),
    ];
  });
  const servers = directories
    .map((directory) => join(directory, "managed-mcp.json"))
    .filter((file) => readWhole(file, "refuse").kind !== "absent");
  const looked = directories.flatMap((directory) =>
    ["managed-settings.json", "managed-settings.d", "managed-mcp.json"].map((name) => join(directory, name)),
  );
  return { settings, servers, looked };
}

function managedFile(file: string, platform: string, top: string): readonly ManagedFile[] {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "absent") return [];
  if (platform === "win32")
    return [{ file, reading: { kind: "fault", why: "its owner cannot be checked on this system" } }];
  const owner =
    ownerFault(file, top) ??
    (reading.kind === "bytes" && reading.stats ? rights(reading.stats, file) : undefined);
  return [{ file, reading: owner === undefined ? reading : { kind: "fault", why: owner } }];
}

function dropIns(directory: string, platform: string, top: string): readonly ManagedFile[] {
  try {
    if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return [];
    const why = platform === "win32" ? undefined : ownerFault(directory, top);
    if (why !== undefined) return [{ file: directory, reading: { kind: "fault", why } }];
    const names = readdirSync(directory).filter((name) => name.endsWith(".json") && !name.startsWith("."));
    return names.toSorted().flatMap((name) => managedFile(join(directory, name), platform, top));
  } catch (error) {
    if (codeOf(error) === "ENOTDIR" && lstatSafe(directory) === undefined) return [];
    return [{ file: directory, reading: { kind: "fault", why: reasonOf(error) } }];
  }
}

function lstatSafe(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Why `path` or a parent of it below `top` is not the administrator's alone; undefined = it is. */
function ownerFault(path: string, top: string): string | undefined {
  const steps = relative(top, path).split(sep);
  const chain = [top, ...steps.map((_step, index) => join(top, ...steps.slice(0, index + 1)))];
  for (const each of chain) {
    try {
      const why = rights(lstatSync(each), each);
      if (why !== undefined) return why;
    } catch (error) {
      return `${each}: ${reasonOf(error)}`;
    }
  }
  return undefined;
}

function rights(stats: Stats, path: string): string | undefined {
  if (stats.isSymbolicLink()) return `${path} is a link`;
  if (stats.uid !== 0) return `${path} does not belong to root`;
  return (stats.mode & 0o022) === 0 ? undefined : `${path} may be written by others than root`;
}
