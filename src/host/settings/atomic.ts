import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import { SettingsFileError } from "./error.ts";
import { readWhole, reasonOf } from "./read-file.ts";

/** How a file is replaced. */
export interface Replacement {
  /** Mode of a file that did not exist; one that did keeps its own. */
  readonly mode?: number;
  /** The content the change was made from; `"absent"` for a new file. Checked at the last moment. */
  readonly from?: Uint8Array | "absent";
}

/**
 * Replaces the content of a file, or makes the file and its directory: afterwards the old content
 * stands there or the new one, never a part. Mode, owner and group stay.
 *
 * Throws `SettingsFileError`, with the file untouched: for a link, a file with several names, one
 * that is not regular, one whose owner cannot be kept, a full disk, and a content that is no
 * longer `from`.
 */
export function replaceFile(
  file: string,
  content: Uint8Array,
  { mode = 0o644, from }: Replacement = {},
): void {
  const directory = makeDirectory(file);
  const old = attempt(file, () => lstatSync(file, { throwIfNoEntry: false }));
  if (old) refuse(file, old);
  const temporary = join(directory, `.${basename(file)}.${process.pid}.${randomBytes(6).toString("hex")}`);
  try {
    attempt(file, () => {
      write(temporary, content, old, mode);
      if (from !== undefined && !isStill(file, from)) {
        throw new SettingsFileError(file, "was changed by somebody else meanwhile", "try again");
      }
      renameSync(temporary, file);
      flushDirectory(directory);
    });
  } finally {
    forget(temporary);
  }
}

/** Takes a temporary file away, if it can be: what became of the real one is settled. */
function forget(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // Nobody reads a file of this name.
  }
}

/** Makes the directory of a file where it is missing. Throws `SettingsFileError` for a link. */
export function makeDirectory(file: string): string {
  const directory = dirname(file);
  attempt(file, () => {
    makeDirectories(directory);
    if (!lstatSync(directory).isSymbolicLink()) return;
    throw new SettingsFileError(directory, "is a link", "change the settings where it leads");
  });
  return directory;
}

function refuse(file: string, stats: Stats): void {
  if (stats.isSymbolicLink()) throw new SettingsFileError(file, "is a link", "change the file it leads to");
  if (!stats.isFile()) throw new SettingsFileError(file, "is no regular file", "move it away");
  if (stats.nlink > 1) throw new SettingsFileError(file, "has several names", "make it a file of its own");
}

function write(temporary: string, content: Uint8Array, old: Stats | undefined, mode: number): void {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const descriptor = openSync(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, old ? 0o600 : mode);
  try {
    for (let done = 0; done < content.length;) done += writeSync(descriptor, content, done);
    const made = fstatSync(descriptor);
    if (made.size !== content.length) throw new Error(`${made.size} of ${content.length} bytes are there`);
    if (old) {
      if (made.uid !== old.uid || made.gid !== old.gid) fchownSync(descriptor, old.uid, old.gid);
      fchmodSync(descriptor, old.mode & 0o7777);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function isStill(file: string, from: Uint8Array | "absent"): boolean {
  const now = readWhole(file, "refuse");
  if (from === "absent") return now.kind === "absent";
  return now.kind === "bytes" && Buffer.compare(now.bytes, from) === 0;
}

/**
 * Waits until the new name is on the disk. Never throws: the new content stands there already, and
 * to say that the file is as it was would be wrong; some file systems cannot do this.
 */
function flushDirectory(directory: string): void {
  try {
    const descriptor = openSync(directory, constants.O_RDONLY);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // What outlives a loss of power is then the old content or the new one.
  }
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SettingsFileError) throw error;
    throw new SettingsFileError(
      file,
      `cannot be written (${reasonOf(error)}); it is as it was`,
      undefined,
      error,
    );
  }
}
