import { createHash } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "../../core/call/json.ts";
import { replaceFile } from "../settings/atomic.ts";
import { readWhole, utf8 } from "../settings/read-file.ts";
import { preparePrivate } from "../settings/written.ts";

/** What is kept of a file that an installation changed, to put it back. */
export interface EditRecord {
  /** Absolute. */
  readonly file: string;
  /** What stood there before the first installation. */
  readonly before: Uint8Array | "absent";
  /** SHA-256 of what the installation wrote, in hexadecimal. */
  readonly after: string;
  /** The installation made the directory. */
  readonly madeDirectory: boolean;
}

/**
 * The record of a file; undefined where there is none, or none that can be believed. What is
 * behind it then has to be taken out by hand or by an edit.
 */
export function recordOf(state: string, file: string): EditRecord | undefined {
  const record = readRecord(placeOf(state, file));
  return record?.file === file ? record : undefined;
}

/** Every file of which there is a record. */
export function recordedFiles(state: string): readonly string[] {
  const directory = join(state, "installed");
  let names: readonly string[];
  try {
    names = readdirSync(directory).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  } catch {
    return [];
  }
  return names.toSorted().flatMap((name) => readRecord(join(directory, name))?.file ?? []);
}

function readRecord(path: string): EditRecord | undefined {
  const reading = readWhole(path, "refuse");
  if (reading.kind !== "bytes") return undefined;
  try {
    const value: unknown = JSON.parse(utf8(reading.bytes) ?? "");
    if (!isObject(value)) return undefined;
    const { file, before, after, madeDirectory } = value;
    if (typeof file !== "string" || typeof after !== "string") return undefined;
    if (before !== null && typeof before !== "string") return undefined;
    return {
      file,
      before: before === null ? "absent" : Buffer.from(before, "base64"),
      after,
      madeDirectory: madeDirectory === true,
    };
  } catch {
    return undefined;
  }
}

/** Keeps a record in place of the one before. Throws `SettingsFileError`. */
export function keepRecord(state: string, { file, before, after, madeDirectory }: EditRecord): void {
  preparePrivate(state);
  preparePrivate(join(state, "installed"));
  const text = before === "absent" ? null : Buffer.from(before).toString("base64");
  const record = `${JSON.stringify({ file, before: text, after, madeDirectory })}\n`;
  replaceFile(placeOf(state, file), Buffer.from(record), { mode: 0o600 });
}

export function dropRecord(state: string, file: string): void {
  rmSync(placeOf(state, file), { force: true });
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function placeOf(state: string, file: string): string {
  return join(state, "installed", `${digestOf(Buffer.from(file))}.json`);
}
