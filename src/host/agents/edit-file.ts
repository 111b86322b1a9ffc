import { existsSync, rmSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { replaceFile } from "../settings/atomic.ts";
import { SettingsFileError } from "../settings/error.ts";
import { withLock } from "../settings/lock.ts";
import { readWhole, utf8 } from "../settings/read-file.ts";
import { digestOf, dropRecord, keepRecord, recordOf } from "./record.ts";

/** A change to one file, planned and not made. Texts are undefined for a file that is not there. */
export interface PlannedEdit {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** How a text gets what is ours, and how it is rid of it again. */
export interface Editing {
  readonly file: string;
  readonly put: (text: string) => string;
  readonly take: (text: string) => string;
}

/** What a file that was not there starts as. */
const NOTHING = "{}\n";

/** What putting ours in would change. Changes nothing. Throws `SettingsFileError`. */
export function planPut({ file, put }: Editing): PlannedEdit {
  const before = textOf(file);
  const after = put(before ?? NOTHING);
  return { file, before, after: before === undefined && after === NOTHING ? undefined : after };
}

/**
 * What taking ours out would change: back to the very bytes from before the installation where
 * nobody has changed the file since, else without what is ours. Changes nothing. Throws
 * `SettingsFileError`.
 */
export function planTake(state: string, { file, take }: Editing): PlannedEdit {
  const before = textOf(file);
  if (before === undefined) return { file, before, after: undefined };
  const record = recordOf(state, file);
  if (record === undefined || record.after !== digestOf(Buffer.from(before)))
    return { file, before, after: take(before) };
  return { file, before, after: record.before === "absent" ? undefined : decode(file, record.before) };
}

/**
 * Makes a change that `planPut` planned and keeps what it takes to undo it.
 *
 * Throws `SettingsFileError`, with the file as it was, also where it is no longer what was planned
 * with.
 */
export function makePut(state: string, plan: PlannedEdit, { take }: Editing): void {
  const { file, before, after } = plan;
  if (after === undefined || after === before) return;
  withLock(state, file, () => {
    const old = recordOf(state, file);
    const ours = before !== undefined && old?.after === digestOf(Buffer.from(before));
    // After a change of somebody else's the bytes from before are no longer the ones to go back to.
    const original = before === undefined ? "absent" : Buffer.from(take(before));
    keepRecord(state, {
      file,
      before: ours ? old.before : original,
      after: digestOf(Buffer.from(after)),
      madeDirectory: ours ? old.madeDirectory : !existsSync(dirname(file)),
    });
    replaceFile(file, Buffer.from(after), { from: before === undefined ? "absent" : Buffer.from(before) });
  });
}

/** Makes a change that `planTake` planned and forgets the record. Throws `SettingsFileError`. */
export function makeTake(state: string, plan: PlannedEdit): void {
  const { file, before, after } = plan;
  withLock(state, file, () => {
    if (before !== undefined && after === undefined) {
      if (textOf(file) !== before)
        throw new SettingsFileError(file, "was changed by somebody else meanwhile", "try again");
      rmSync(file);
      if (recordOf(state, file)?.madeDirectory === true) removeEmpty(dirname(file));
    } else if (before !== undefined && after !== undefined && after !== before) {
      replaceFile(file, Buffer.from(after), { from: Buffer.from(before) });
    }
    dropRecord(state, file);
  });
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something else lies in it by now.
  }
}

function textOf(file: string): string | undefined {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "absent") return undefined;
  if (reading.kind === "fault")
    throw new SettingsFileError(file, `${reading.why}; nothing was changed`, "change it by hand");
  return decode(file, reading.bytes);
}

function decode(file: string, bytes: Uint8Array): string {
  const text = utf8(bytes);
  if (text === undefined)
    throw new SettingsFileError(file, "is not written in UTF-8; nothing was changed", "change it by hand");
  return text;
}
