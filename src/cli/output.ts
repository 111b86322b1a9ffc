import { writeSync } from "node:fs";

/**
 * Writes all of a text to a descriptor before it returns.
 *
 * Not through `process.stdout`: making a stream of it takes as long as a decision. A reader that
 * is slow is waited for. Throws what the system says where nobody can be reached: `EPIPE` for a
 * reader that has gone, `ENOSPC` for a full disk.
 */
export function writeAll(descriptor: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      // A pipe that somebody else made non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/** The same for what changes no result: trouble is passed over. */
export function tell(descriptor: number, text: string): void {
  try {
    writeAll(descriptor, text);
  } catch {
    // Diagnostics that nobody reads.
  }
}
