/** What went wrong with the audit log. */
export type AuditFault =
  /** The directory cannot be made, is not a directory, or is not ours alone. */
  | "directory"
  /** A log file is a link, not a regular file, or not ours. */
  | "file"
  /** A write failed or was cut short: disk full, quota, read-only. */
  | "write"
  /** The file or its directory was removed or replaced while it was open. */
  | "gone"
  /** Somebody else wrote to the file or cut it. */
  | "changed"
  /** The log was closed, or a fault before could not be undone. */
  | "closed";

/** Thrown where a record could not be kept. Whoever needs the record must not let the call run. */
export class AuditError extends Error {
  override readonly name = "AuditError";
  readonly fault: AuditFault;
  /** The file or directory. */
  readonly path: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(fault: AuditFault, path: string, what: string, hint: string, cause?: unknown) {
    super(`${path}: ${what}`, cause === undefined ? undefined : { cause });
    this.fault = fault;
    this.path = path;
    this.hint = hint;
  }
}

/** The errno name of a system error, or its text. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.message : String(error);
}

/**
 * True where a file was listed and is not there any more: the retention of another process took it
 * in between. Whether it might go is for the lines of other files to say.
 */
export function isGone(error: unknown): boolean {
  return error instanceof AuditError && reasonOf(error.cause) === "ENOENT";
}
