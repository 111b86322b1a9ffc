import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { type Environment, projectFiles, stateDirectory } from "../settings/places.ts";
import { codeOf, readWhole, utf8 } from "../settings/read-file.ts";
import { isWritten } from "../settings/written.ts";
import type { TrustPlace } from "./place.ts";
import { insideProject } from "./surroundings.ts";
import { isTracked } from "./tracked.ts";

/** Larger files are not trusted: nobody reads them. Bytes. */
export const LARGEST_TRUSTED: number = 1024 * 1024;
/** More hook files than this are not looked through. */
const MOST_CODE = 64;
/** More texts for the model than this, in one folder of them, are not trusted. */
const MOST_INSTRUCTIONS = 200;
/** Levels of folders below that of the instructions in which some are looked for. */
const DEEPEST = 4;

/** A file of a project that may add something. */
export type Subject = SubjectPlace &
  (
    | { readonly bytes: Uint8Array; readonly text: string; readonly fault?: undefined }
    /** It is there, and nothing of it can count. */
    | { readonly bytes?: undefined; readonly text?: undefined; readonly fault: string }
  );

interface SubjectPlace {
  /** Absolute. */
  readonly file: string;
  /** From the root of the checkout, with `/`. */
  readonly path: string;
  readonly kind: "settings" | "local" | "servers" | "code" | "instructions";
  /** A local file that does not come with the repository. */
  readonly own: boolean;
}

/**
 * The files that trust in a place is about: the settings of the checkout and of the directory,
 * their servers, the programs in their hook folders and the texts for the model. No link is followed,
 * no pipe is waited for. Throws what the system says where a folder cannot be looked at.
 */
export function subjectsAt(
  at: TrustPlace,
  { env, home }: { readonly env: Environment; readonly home: string },
): readonly Subject[] {
  const state = stateDirectory(env, home);
  // What is settled here counts there: see how settings are loaded.
  const stateIsOurs = !insideProject(state, { root: at.directory, home });
  const folders = [...new Set([at.checkout, at.directory])];
  return folders.flatMap((folder) => {
    const { local, shared } = projectFiles(folder);
    return [
      ...local.flatMap((file) =>
        subject(at, file, "local", (bytes) => stateIsOurs && isWritten(state, file, bytes)),
      ),
      ...shared.flatMap((file) =>
        // In the home directory this one is the person's own.
        sameFile(file, join(home, ".claude", "settings.json")) ? [] : subject(at, file, "settings"),
      ),
      ...subject(at, join(folder, ".mcp.json"), "servers"),
      ...[".cordon", ".claude"].flatMap((name) => [
        ...codeIn(at, join(folder, name, "hooks")),
        ...instructionsIn(at, join(folder, name, "rules")),
      ]),
    ];
  });
}

function subject(
  at: TrustPlace,
  file: string,
  kind: Subject["kind"],
  counts: (bytes: Uint8Array) => boolean = () => false,
): readonly Subject[] {
  const path = relative(at.checkout, file).split(sep).join("/");
  const place = { file, path, kind, own: false };
  const reading = readWhole(file, "refuse");
  if (reading.kind !== "absent" && isLinked(dirname(file)))
    return [{ ...place, fault: "it lies behind a link" }];
  switch (reading.kind) {
    case "absent":
      return [];
    case "fault":
      return [{ ...place, fault: `it ${reading.why}` }];
    case "bytes":
      break;
  }
  const { bytes } = reading;
  if (counts(bytes)) return [];
  if (bytes.length > LARGEST_TRUSTED) return [{ ...place, fault: "it is larger than 1 MB" }];
  const text = utf8(bytes);
  if (text === undefined) return [{ ...place, fault: "it is not written in UTF-8" }];
  return [{ ...place, own: kind === "local" && !isTracked(at, path), bytes, text }];
}

/** The files in a folder of hooks: programs that settings name, or that are hooks by lying there. */
function codeIn(at: TrustPlace, folder: string): readonly Subject[] {
  const path = relative(at.checkout, folder).split(sep).join("/");
  const place = { file: folder, path, kind: "code", own: false } as const;
  let names: readonly string[];
  try {
    names = lstatSync(folder).isDirectory() ? readdirSync(folder) : ["."];
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
  if (isLinked(folder)) return [{ ...place, fault: "it lies behind a link" }];
  if (names.length > MOST_CODE) return [{ ...place, fault: `it holds more than ${MOST_CODE} files` }];
  return names
    .toSorted()
    .filter((name) => lstatSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() !== true)
    .flatMap((name) => subject(at, join(folder, name), "code"));
}

/** The texts in a folder of instructions and those below it; hidden folders are left out. */
function instructionsIn(at: TrustPlace, folder: string): readonly Subject[] {
  const path = relative(at.checkout, folder).split(sep).join("/");
  const place = { file: folder, path, kind: "instructions", own: false } as const;
  const files = textsBelow(folder, DEEPEST, { left: 4 * MOST_INSTRUCTIONS });
  if (files === undefined) return [];
  if (isLinked(folder)) return [{ ...place, fault: "it lies behind a link" }];
  if (files.length > MOST_INSTRUCTIONS)
    return [{ ...place, fault: `it holds more than ${MOST_INSTRUCTIONS} texts, or too many other files` }];
  return files.flatMap((file) => subject(at, file, "instructions"));
}

/** By name; more than `MOST_INSTRUCTIONS` where there is too much to look at. Undefined for no folder. */
function textsBelow(folder: string, depth: number, budget: { left: number }): readonly string[] | undefined {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) return stats.isSymbolicLink() ? [folder] : undefined;
  const entries = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  budget.left -= entries.length;
  if (budget.left < 0) return Array.from({ length: MOST_INSTRUCTIONS + 1 }, () => folder);
  return entries.flatMap((entry) => {
    if (entry.isDirectory())
      return depth > 1 && !entry.name.startsWith(".")
        ? (textsBelow(join(folder, entry.name), depth - 1, budget) ?? [])
        : [];
    return entry.name.endsWith(".md") ? [join(folder, entry.name)] : [];
  });
}

/** True where something on the way below the real directory is a link. */
function isLinked(folder: string): boolean {
  try {
    return realpathSync(folder) !== folder;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") {
      const stats = lstatSync(folder, { throwIfNoEntry: false });
      return stats?.isSymbolicLink() === true;
    }
    throw error;
  }
}

function sameFile(a: string, b: string): boolean {
  return a === b || (basename(a) === basename(b) && realOf(a) === realOf(b));
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
