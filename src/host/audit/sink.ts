import { randomBytes } from "node:crypto";
import { isAbsolute } from "node:path";
import type { AuditRecord } from "../../core/layers/11-audit/record.ts";
import { prepareDirectory } from "./directory.ts";
import { AuditError, reasonOf } from "./error.ts";
import { ownWriter, sharedWriter, type Surroundings, type Writer } from "./writers.ts";

export interface AuditOptions {
  /** Absolute; see `auditDirectory`. Made (0700) where it is missing. */
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /**
   * `own`: a file for this process, with a first and a last line; for processes that live on.
   * `shared`: the file of the day; for processes that write a record or two.
   */
  readonly writer: "own" | "shared";
  /** Wait for the disk after every record, so that records outlive a loss of power. Default false. */
  readonly durable?: boolean | undefined;
  /** The program that writes: `hook`, `run`, `daemon`. */
  readonly program?: string | undefined;
  /** Eight hexadecimal digits; random by default. */
  readonly random?: (() => string) | undefined;
}

/**
 * An open audit log.
 *
 * INVARIANT: when `append` returns, the record is in the file and stays there when the process is
 * killed. When it throws, the record is not acknowledged and the caller decides what that means.
 */
export class AuditLog {
  readonly #writer: Writer;
  readonly #directory: string;
  #closed = false;

  constructor(directory: string, writer: Writer) {
    this.#directory = directory;
    this.#writer = writer;
  }

  /** The name of the file that is written to at present. */
  get file(): string {
    return this.#writer.file();
  }

  /** Writes one record, synchronously. Throws `AuditError`. */
  append(record: AuditRecord): void {
    if (this.#closed)
      throw new AuditError("closed", this.#directory, "the audit log is closed", "open it again");
    try {
      this.#writer.append(record);
    } catch (error) {
      throw this.#typed(error);
    }
  }

  /** Ends the file. Calling it twice does nothing. Throws `AuditError` where the last line cannot be written. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#writer.close();
    } catch (error) {
      throw this.#typed(error);
    }
  }

  #typed(error: unknown): AuditError {
    if (error instanceof AuditError) return error;
    return new AuditError(
      "write",
      this.#directory,
      `the record could not be kept (${reasonOf(error)})`,
      "check the directory",
      error,
    );
  }
}

/** Opens the audit log for writing. Throws `AuditError`. */
export function openAudit(options: AuditOptions): AuditLog {
  if (!isAbsolute(options.directory)) {
    throw new AuditError(
      "directory",
      options.directory,
      "not an absolute path",
      "write the audit directory from the root on",
    );
  }
  prepareDirectory(options.directory);
  const at: Surroundings = {
    directory: options.directory,
    clock: options.clock,
    pid: process.pid,
    random: options.random ?? (() => randomBytes(4).toString("hex")),
    durable: options.durable === true,
    program: options.program,
  };
  return new AuditLog(options.directory, options.writer === "own" ? ownWriter(at) : sharedWriter(at));
}
