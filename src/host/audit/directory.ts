import {
  constants,
  closeSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  chmodSync,
  type Stats,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import { AuditError, reasonOf } from "./error.ts";

/** Where the log lies: the setting, else the state directory of the person. */
export function auditDirectory(
  configured: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  if (configured !== undefined) return configured;
  const state = env["XDG_STATE_HOME"];
  // The XDG specification: a relative path there counts as unset.
  return join(
    state !== undefined && isAbsolute(state) ? state : join(home, ".local", "state"),
    "cordon",
    "audit",
  );
}

/** Whether a file has one writer for its whole life, or takes lines from many. */
export type FileKind = "own" | "shared";

const OWN = /^\d{8}T\d{9}Z-\d+-[0-9a-f]{8}\.jsonl$/;
const SHARED = /^\d{8}-shared\.jsonl$/;

/** What kind of log file a name says it is; undefined for other files. */
export function kindOfFile(name: string): FileKind | undefined {
  return OWN.test(name) ? "own" : SHARED.test(name) ? "shared" : undefined;
}

/** `20250131T235959123Z-4711-0a1b2c3d.jsonl` */
export function ownName(time: number, pid: number, random: string): string {
  return `${new Date(time).toISOString().replace(/[-:.]/g, "")}-${pid}-${random}.jsonl`;
}

/** `20250131-shared.jsonl`, by the UTC day. */
export function sharedName(time: number): string {
  return `${new Date(time).toISOString().slice(0, 10).replaceAll("-", "")}-shared.jsonl`;
}

function isOurs(stats: Stats): boolean {
  return process.geteuid === undefined || stats.uid === process.geteuid();
}

/**
 * Makes the directory (0700) where it is missing.
 *
 * Throws `AuditError` where it is a link, no directory, or somebody else's; takes rights of
 * others away where it is ours and open to them.
 */
export function prepareDirectory(directory: string): void {
  const hint = "set `cordon.audit.path` to a directory of your own";
  let stats: Stats;
  try {
    makeDirectories(directory, 0o700);
    stats = lstatSync(directory);
    if (stats.isDirectory() && isOurs(stats) && (stats.mode & 0o077) !== 0) chmodSync(directory, 0o700);
  } catch (error) {
    throw new AuditError(
      "directory",
      directory,
      `the audit directory cannot be used (${reasonOf(error)})`,
      hint,
      error,
    );
  }
  if (stats.isSymbolicLink())
    throw new AuditError("directory", directory, "the audit directory is a link", hint);
  if (!stats.isDirectory()) throw new AuditError("directory", directory, "not a directory", hint);
  if (!isOurs(stats))
    throw new AuditError("directory", directory, "the audit directory belongs to another user", hint);
}

/** Names of the log files, sorted. An absent directory has none. */
export function logFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => kindOfFile(name) !== undefined)
      .sort();
  } catch (error) {
    if (reasonOf(error) === "ENOENT") return [];
    throw new AuditError(
      "directory",
      directory,
      `cannot be listed (${reasonOf(error)})`,
      "check its owner and mode",
      error,
    );
  }
}

/** An open log file. */
export interface OpenFile {
  readonly descriptor: number;
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/**
 * Opens a log file of ours: a regular file with one name, never through a link.
 *
 * `create`: a new one, which must not exist yet; `append`: made where it is missing; `read`: an
 * auditor may read the files of others. Throws `AuditError`; the descriptor is closed then.
 */
export function openLog(path: string, how: "read" | "append" | "create"): OpenFile {
  const flags = how === "read" ? O_RDONLY : O_RDWR | O_APPEND | O_CREAT | (how === "create" ? O_EXCL : 0);
  let descriptor: number;
  try {
    descriptor = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    const reason = reasonOf(error);
    const what = reason === "ELOOP" ? "is a link" : `cannot be opened (${reason})`;
    throw new AuditError("file", path, what, "move it away; the log is written to regular files only", error);
  }
  try {
    const stats = fstatSync(descriptor);
    const fault = !stats.isFile()
      ? "not a regular file"
      : how !== "read" && !isOurs(stats)
        ? "belongs to another user"
        : stats.nlink > 1
          ? "has more than one name"
          : undefined;
    if (fault !== undefined)
      throw new AuditError("file", path, fault, "move it away; its lines cannot be trusted");
    if (how !== "read" && (stats.mode & 0o077) !== 0) fchmodSync(descriptor, 0o600);
    return { descriptor, path, device: stats.dev, inode: stats.ino };
  } catch (error) {
    closeSync(descriptor);
    if (error instanceof AuditError) throw error;
    throw new AuditError(
      "file",
      path,
      `cannot be examined (${reasonOf(error)})`,
      "check its owner and mode",
      error,
    );
  }
}
