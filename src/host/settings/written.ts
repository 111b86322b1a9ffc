import { createHash } from "node:crypto";
import { chmodSync, lstatSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import { replaceFile } from "./atomic.ts";
import { SettingsFileError } from "./error.ts";
import { readWhole, reasonOf, utf8 } from "./read-file.ts";

/**
 * True when cordon itself wrote exactly these bytes to this file, on this machine, for this
 * person.
 *
 * False whenever that cannot be shown: the state directory is missing, is a link or is open to
 * others, or the file is reached through a linked directory.
 */
export function isWritten(state: string, file: string, bytes: Uint8Array): boolean {
  try {
    if (!isPrivate(state)) return false;
    const place = placeOf(file);
    const reading = readWhole(recordOf(state, place), "refuse");
    if (reading.kind !== "bytes") return false;
    const record: unknown = JSON.parse(utf8(reading.bytes) ?? "null");
    return isRecord(record) && record.path === place && record.sha256.includes(digestOf(bytes));
  } catch {
    return false;
  }
}

/**
 * Remembers that these contents of a file are cordon's own; what was remembered before is
 * forgotten. Throws `SettingsFileError` where the state directory cannot be used.
 */
export function recordWritten(state: string, file: string, contents: readonly Uint8Array[]): void {
  preparePrivate(state);
  const directory = join(state, "written");
  preparePrivate(directory);
  const place = placeOf(file);
  const record = { path: place, sha256: contents.map(digestOf) };
  replaceFile(recordOf(state, place), Buffer.from(`${JSON.stringify(record)}\n`), { mode: 0o600 });
}

/** Makes a directory that only its owner can enter. Throws `SettingsFileError` where that fails. */
export function preparePrivate(directory: string): void {
  const hint = "make it a directory of your own, or set XDG_STATE_HOME";
  try {
    makeDirectories(directory, 0o700);
    const stats = lstatSync(directory);
    if (stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o077) !== 0) {
      chmodSync(directory, 0o700);
    }
  } catch (error) {
    throw new SettingsFileError(directory, `cannot be made (${reasonOf(error)})`, hint, error);
  }
  if (!isPrivate(directory))
    throw new SettingsFileError(directory, "is a link or belongs to another user", hint);
}

function isPrivate(directory: string): boolean {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) return false;
  return process.geteuid === undefined || (stats.uid === process.geteuid() && (stats.mode & 0o077) === 0);
}

/** Where the file really lies. Throws where its directory is a link: whoever made the link chose the file. */
function placeOf(file: string): string {
  const directory = dirname(file);
  if (lstatSync(directory).isSymbolicLink()) throw new SettingsFileError(directory, "is a link");
  return join(realpathSync(directory), basename(file));
}

function recordOf(state: string, place: string): string {
  return join(state, "written", `${digestOf(Buffer.from(place))}.json`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function isRecord(value: unknown): value is { readonly path: string; readonly sha256: readonly unknown[] } {
  return (
    typeof value === "object" &&
    value !== null &&
    "path" in value &&
    typeof value.path === "string" &&
    "sha256" in value &&
    Array.isArray(value.sha256)
  );
}
