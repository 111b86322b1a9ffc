import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { ManagedFile, ManagedFiles } from "./managed-file.ts";
import { belowTop, ownerFault, rightsFault } from "./owner.ts";
import { windowsOwners } from "./windows-owner.ts";
import { macPolicies, windowsPolicies } from "./os-policy.ts";
import { managedDirectories } from "./places.ts";
import { codeOf, readWhole, reasonOf } from "./read-file.ts";

/** The machine whose managed settings are wanted. */
export interface ManagedPlace {
  /** As `process.platform` names it. */
  readonly platform: string;
  /** Stands for the root of the file system; parents above it are not looked at. Default `/`. */
  readonly top?: string | undefined;
  /** Name of the person on a Mac; default the one the process runs as. */
  readonly user?: string | undefined;
}

/**
 * Finds and reads the managed settings of the machine. Never throws.
 *
 * INVARIANT: a file that exists and is not the administrator's alone (owned by root, as all its
 * parents are; not writable by others; no link) is a fault, never settings and never absent. So is
 * a policy of the operating system that cannot be read.
 */
export function managedFiles({ platform, top = "/", user }: ManagedPlace): ManagedFiles {
  const named = managedDirectories(platform);
  const directories = named.map((directory) => belowTop(top, directory));
  const faultOf = platform === "win32" ? windowsFaults(named, top) : (path: string) => ownerFault(path, top);
  const files = directories.flatMap((directory) => {
    const base = join(directory, "managed-settings.json");
    return [
      ...dropIns(join(directory, "managed-settings.d"), platform, faultOf).toReversed(),
      ...managedFile(base, platform, faultOf),
    ];
  });
  const handed = handedOut(platform, top, user);
  const servers = directories
    .map((directory) => join(directory, "managed-mcp.json"))
    .filter((file) => readWhole(file, "refuse").kind !== "absent");
  const looked = directories.flatMap((directory) =>
    ["managed-settings.json", "managed-settings.d", "managed-mcp.json"].map((name) => join(directory, name)),
  );
  return {
    settings: [
      ...handed.settings.filter(({ tier }) => tier === "policy"),
      ...files,
      ...handed.settings.filter(({ tier }) => tier === "person"),
    ],
    servers,
    looked: [...looked, ...handed.looked],
  };
}

/** What the operating system hands out; Linux has nothing of the kind. */
function handedOut(
  platform: string,
  top: string,
  user: string | undefined,
): Pick<ManagedFiles, "settings" | "looked"> {
  switch (platform) {
    case "darwin":
      return macPolicies(top, user);
    case "win32":
      return windowsPolicies(top);
    default:
      return { settings: [], looked: [] };
  }
}

/** Why a path is not the administrator's alone; undefined = it is. */
type FaultOf = (path: string) => string | undefined;

/**
 * On Windows one program is asked about all files at once, and only where there are any. What comes
 * later was not asked about.
 */
function windowsFaults(named: readonly string[], top: string): FaultOf {
  const windowsName = new Map<string, string>();
  for (const directory of named) {
    const here = belowTop(top, directory);
    const add = (...names: readonly string[]): void => {
      const path = join(here, ...names);
      if (exists(path)) windowsName.set(path, [directory, ...names].join("\\"));
    };
    add("managed-settings.json");
    add("managed-settings.d");
    for (const name of dropInNames(join(here, "managed-settings.d"))) add("managed-settings.d", name);
  }
  const faultOf = windowsOwners([...windowsName.values()], top);
  return (path) => {
    const name = windowsName.get(path);
    return name === undefined ? `${path}: its owner was not asked about` : faultOf(name);
  };
}

function dropInNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Whoever reads it says what is wrong with it.
    return [];
  }
}

/** True also where that cannot be told. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function managedFile(file: string, platform: string, faultOf: FaultOf): readonly ManagedFile[] {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "absent") return [];
  const faulty = (why: string): readonly ManagedFile[] => [
    { file, tier: "files", reading: { kind: "fault", why } },
  ];
  // What was opened has to be the administrator's too. Windows has no such rights to look at.
  const opened = platform !== "win32" && reading.kind === "bytes" ? reading.stats : undefined;
  const owner = faultOf(file) ?? (opened && rightsFault(opened, file));
  return owner === undefined ? [{ file, tier: "files", reading }] : faulty(owner);
}

function dropIns(directory: string, platform: string, faultOf: FaultOf): readonly ManagedFile[] {
  const faulty = (why: string): readonly ManagedFile[] => [
    { file: directory, tier: "files", reading: { kind: "fault", why } },
  ];
  try {
    if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return [];
    const why = faultOf(directory);
    if (why !== undefined) return faulty(why);
    const names = readdirSync(directory).filter((name) => name.endsWith(".json") && !name.startsWith("."));
    return names.toSorted().flatMap((name) => {
      const file = join(directory, name);
      const found = managedFile(file, platform, faultOf);
      if (found.length > 0) return found;
      // It was listed a moment ago: what it locks is not known any more.
      return [
        {
          file,
          tier: "files" as const,
          reading: { kind: "fault" as const, why: "it is listed but cannot be found" },
        },
      ];
    });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR" && lstatSafe(directory) === undefined) return [];
    return faulty(reasonOf(error));
  }
}

function lstatSafe(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
