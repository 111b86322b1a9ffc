import { Buffer } from "node:buffer";
import { closeSync, fdatasyncSync, ftruncateSync, lstatSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openLog, ownName, sharedName, type OpenFile } from "./directory.ts";
import { AuditError, reasonOf } from "./error.ts";
import { seal } from "./line.ts";
import { advance, BEGINNING, endOf, headsOf, type Position } from "./reader.ts";

/** Where a writer writes, and what it takes from the machine. */
export interface Surroundings {
  /** Absolute, prepared. */
  readonly directory: string;
  /** Milliseconds since 1970. May go back. */
  readonly clock: () => number;
  readonly pid: number;
  /** Eight hexadecimal digits, new on every call. */
  readonly random: () => string;
  /** Wait for the disk after every line. */
  readonly durable: boolean;
  /** The program that writes, for the reader of the log. */
  readonly program?: string | undefined;
}

/** One way of putting lines into files. `append` returns when the line is in the file. */
export interface Writer {
  readonly file: () => string;
  readonly append: (record: object) => void;
  readonly close: () => void;
}

/** A shared line that is not found where it was written is written again, this many times. */
const ATTEMPTS = 4;

function stamp(clock: () => number): string {
  return new Date(clock()).toISOString();
}

/** The size of the file; throws where the name no longer leads to it. */
function sizeOf(file: OpenFile): number {
  const stats = lstatSync(file.path, { throwIfNoEntry: false });
  if (stats === undefined || stats.dev !== file.device || stats.ino !== file.inode) {
    throw new AuditError(
      "gone",
      file.path,
      "the log file was removed or replaced",
      "records before this one may be lost; start again",
    );
  }
  return stats.size;
}

function writeFault(path: string, error: unknown): AuditError {
  return new AuditError(
    "write",
    path,
    `the record could not be written (${reasonOf(error)})`,
    "make room or mend the file system",
    error,
  );
}

function startRecord(at: Surroundings, file: string, writer: "own" | "shared"): object {
  return {
    type: "start",
    version: 1,
    file,
    writer,
    pid: at.pid,
    program: at.program,
    links: headsOf(at.directory, file),
  };
}

/**
 * A file of this process alone. Every line follows the one before; `close` adds the last.
 *
 * INVARIANT: after a failed write the file ends with a whole line, or the writer refuses
 * everything from then on.
 */
export function ownWriter(at: Surroundings): Writer {
  const name = ownName(at.clock(), at.pid, at.random());
  const file = openLog(join(at.directory, name), "create");
  let position: Position = BEGINNING;
  let records = 0;
  let dead: AuditError | undefined;

  const put = (record: object): void => {
    if (dead !== undefined) throw dead;
    if (sizeOf(file) !== position.bytes) {
      throw new AuditError(
        "changed",
        file.path,
        "somebody else wrote to the log file or cut it",
        "run `cordon audit verify`",
      );
    }
    const { line, hash } = seal(record, {
      seq: position.lines,
      at: position.bytes,
      prev: position.chain,
      time: stamp(at.clock),
    });
    const bytes = Buffer.from(`${line}\n`);
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(file.descriptor, bytes, done);
      if (at.durable) fdatasyncSync(file.descriptor);
    } catch (error) {
      const fault = writeFault(file.path, error);
      try {
        ftruncateSync(file.descriptor, position.bytes);
      } catch {
        dead = fault;
      }
      throw fault;
    }
    position = {
      lines: position.lines + 1,
      bytes: position.bytes + bytes.length,
      chain: hash,
      partial: false,
    };
  };

  try {
    put(startRecord(at, name, "own"));
  } catch (error) {
    closeSync(file.descriptor);
    throw error;
  }
  return {
    file: () => name,
    append: (record) => {
      put(record);
      records += 1;
    },
    close: () => {
      try {
        put({ type: "close", records, links: headsOf(at.directory, name) });
      } finally {
        closeSync(file.descriptor);
      }
    },
  };
}

/**
 * The file of the day, to which any number of processes append at once. There is no lock: every
 * line says which lines its writer had read, and covers them all. A line counts as written when
 * it was read back whole.
 */
export function sharedWriter(at: Surroundings): Writer {
  let name = sharedName(at.clock());
  let file = openLog(join(at.directory, name), "append");
  let position: Position | undefined;

  /** Reads what others wrote; true when `wanted` is among it. */
  const catchUp = (wanted?: string): boolean => {
    const size = sizeOf(file);
    if (position === undefined) position = endOf(file.descriptor, size);
    if (size < position.bytes) {
      throw new AuditError("changed", file.path, "somebody cut the log file", "run `cordon audit verify`");
    }
    let seen = false;
    position = advance(file.descriptor, position, size, (_, read) => {
      if (typeof read === "object" && read.hash === wanted) seen = true;
    });
    return seen;
  };

  const put = (record: object): void => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { lines, bytes, chain, partial } = position ?? BEGINNING;
      const { line, hash } = seal(record, { seq: lines, at: bytes, prev: chain, time: stamp(at.clock) });
      // A killed writer's half line must not swallow this one.
      const text = Buffer.from(`${partial ? "\n" : ""}${line}\n`);
      let written = 0;
      try {
        // One call: the kernel keeps the appended bytes of one call together.
        written = writeSync(file.descriptor, text);
        if (at.durable) fdatasyncSync(file.descriptor);
      } catch (error) {
        throw writeFault(file.path, error);
      }
      if (written < text.length) throw writeFault(file.path, new Error(`${written} of ${text.length} bytes`));
      if (catchUp(hash)) return;
    }
    throw new AuditError(
      "changed",
      file.path,
      "the record is not in the file after it was written",
      "is the directory on a network file system? set `cordon.audit.path` to a local one",
    );
  };

  const append = (record: object): void => {
    const today = sharedName(at.clock());
    if (today !== name) {
      const next = openLog(join(at.directory, today), "append");
      closeSync(file.descriptor);
      [file, name, position] = [next, today, undefined];
    }
    catchUp();
    if (position === undefined || position.lines === 0) put(startRecord(at, name, "shared"));
    put(record);
  };

  return { file: () => name, append, close: () => closeSync(file.descriptor) };
}
