import { createHash, randomBytes } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SettingsFileError } from "./error.ts";
import { codeOf } from "./read-file.ts";
import { preparePrivate } from "./written.ts";

/** Milliseconds. A lock that is older was left behind by a process that died. */
const STALE = 20_000;
const PATIENCE = 3_000;

/**
 * Runs `work` while no other cordon of this person changes the file. Throws `SettingsFileError`
 * when the lock is not free within three seconds.
 */
export function withLock<T>(state: string, file: string, work: () => T): T {
  const directory = join(state, "locks");
  preparePrivate(state);
  preparePrivate(directory);
  const lock = join(directory, createHash("sha256").update(file).digest("hex"));
  const token = randomBytes(16).toString("hex");
  const until = Date.now() + PATIENCE;
  while (!take(lock, token)) {
    if (Date.now() > until)
      throw new SettingsFileError(file, "another cordon is changing it", `remove ${lock} if none is`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  try {
    return work();
  } finally {
    if (contentOf(lock) === token) release(lock);
  }
}

function take(lock: string, token: string): boolean {
  try {
    writeFileSync(lock, token, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") {
      throw new SettingsFileError(lock, `cannot be made (${codeOf(error) ?? "unknown"})`, undefined, error);
    }
  }
  try {
    const made = statSync(lock, { throwIfNoEntry: false });
    if (made !== undefined && Date.now() - made.mtimeMs > STALE) release(lock);
  } catch {
    // What cannot be looked at is not free.
  }
  return false;
}

/** Takes a lock away, if it can be; one that stays is stale after a while. */
function release(lock: string): void {
  try {
    rmSync(lock, { force: true });
  } catch {
    // The work that was locked is done, or has failed, all the same.
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
