import { type Stats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { isatty } from "node:tty";
import { MOST_TAIL } from "../../core/layers/9-sandbox/claims.ts";
import { openTerminalFilter, terminalEncoding } from "../../core/layers/9-sandbox/terminal.ts";

/** The end of a stream, in bounded memory. */
export interface Tail {
  readonly take: (data: Uint8Array) => void;
  /** What came last, as text; a character that was cut is a replacement character. */
  readonly text: () => string;
}

/** Remembers the last 16 KiB of what it is given. */
export function openTail(): Tail {
  const kept: { bytes: Buffer } = { bytes: Buffer.alloc(0) };
  return {
    take: (data) => {
      const last = data.length > MOST_TAIL ? data.subarray(data.length - MOST_TAIL) : data;
      const joined = Buffer.concat([kept.bytes, last]);
      // A copy, so that a large chunk is not kept for its end.
      kept.bytes =
        joined.length > MOST_TAIL ? Buffer.from(joined.subarray(joined.length - MOST_TAIL)) : joined;
    },
    text: () => kept.bytes.toString("utf8"),
  };
}

/**
 * How the end of a command's standard error can be seen while it still goes where the caller's goes.
 *
 * `relay`: through pipes of ours. `merge`: the same, with standard output in one pipe, since both
 * go to one place and their order counts. `file`: both are written to files or nowhere, and what is
 * read afterwards is the file. `none`: it is not seen, and the command has what the caller has.
 *
 * A command nobody trusts does not get the person's terminal: what goes there comes through a pipe
 * and is filtered, so no program inside finds a terminal behind it. Who wants a pager or an editor
 * in the sandbox says so.
 */
export type Watch = "relay" | "merge" | "file" | "none";

/** Which it is for descriptors 1 and 2 of this process; `relay` where that cannot be told. */
export function watchOf(): Watch {
  try {
    const [out, errors] = [fstatSync(1), fstatSync(2)];
    const isQuiet = (stat: Stats, fd: number): boolean =>
      stat.isFile() || (stat.isCharacterDevice() && !isatty(fd));
    if (isQuiet(out, 1) && isQuiet(errors, 2)) return "file";
    return out.dev === errors.dev && out.ino === errors.ino && out.rdev === errors.rdev ? "merge" : "relay";
  } catch {
    return "relay";
  }
}

/**
 * Notes how long the file behind standard error is; the function gives back the end of what was
 * written since. Empty where the file cannot be read.
 */
export function fileTail(): () => string {
  const start = sizeOf(2);
  return () => {
    try {
      // Descriptor 2 may be open for writing only; the file behind it is opened anew.
      const descriptor = openSync("/proc/self/fd/2", constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const { size } = fstatSync(descriptor);
        const from = Math.max(start, size - MOST_TAIL);
        const bytes = Buffer.alloc(Math.max(0, size - from));
        const count = readSync(descriptor, bytes, 0, bytes.length, from);
        return bytes.toString("utf8", 0, count);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return "";
    }
  };
}

function sizeOf(descriptor: number): number {
  try {
    return fstatSync(descriptor).size;
  } catch {
    return 0;
  }
}

/** One stream that is passed on. */
export interface Relay {
  /** Settles when all of it was written, or nobody reads it any more; never rejects. */
  readonly flushed: Promise<void>;
  /** The command has ended: the rest is taken in at once, whether or not it can be written yet. */
  readonly release: () => void;
}

/**
 * Passes a command's output on, as much of it as `within` leaves, and lets the command wait where its
 * reader is slow. Where nobody reads any more the command's end of the pipe is closed, so that it
 * learns of it as it would without us.
 */
export function relay(
  from: Readable | null,
  to: Writable & { readonly isTTY?: boolean },
  within: (data: Uint8Array) => Uint8Array,
  tail?: Tail,
): Relay {
  if (from === null) return { flushed: Promise.resolve(), release: () => undefined };
  const filter = to.isTTY === true ? openTerminalFilter(terminalEncoding(process.env)) : undefined;
  const state = { ended: false };
  const flushed = new Promise<void>((resolve) => {
    const goOn = (): void => void from.resume();
    const stop = (): void => {
      from.destroy();
      resolve();
    };
    to.on("error", stop);
    to.on("drain", goOn);
    from.on("data", (data: Uint8Array) => {
      tail?.take(data);
      const rest = within(data);
      const isWritten = to.write(filter === undefined ? rest : filter.push(rest));
      if (!isWritten && !state.ended) from.pause();
    });
    from.once("close", () => {
      to.write(filter === undefined ? "" : filter.end(), () => {
        to.off("error", stop);
        to.off("drain", goOn);
        resolve();
      });
    });
  });
  return {
    flushed,
    release: () => {
      state.ended = true;
      from.resume();
    },
  };
}

/** A command whose standard error goes where its output goes, in the order it writes. */
export function mergedCommand(bash: string, argv: readonly string[]): readonly string[] {
  return [bash, "--noprofile", "--norc", "-c", 'exec "$@" 2>&1', "bash", ...argv];
}
