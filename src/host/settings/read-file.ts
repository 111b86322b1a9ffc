import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";

/** A larger file is no settings file. Bytes. */
export const LARGEST_FILE: number = 20 * 1024 * 1024;

/** What was found under a name. */
export type FileReading =
  | { readonly kind: "absent" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly stats?: Stats }
  /** It is there, or may be, and cannot be read. */
  | { readonly kind: "fault"; readonly why: string };

const fault = (why: string): FileReading => ({ kind: "fault", why });

/**
 * Reads a regular file, whatever stands under the name. Never throws, and never waits on a pipe or
 * a device. Absent means that nothing bears the name; everything else that cannot be read is a
 * fault.
 */
export function readWhole(path: string, links: "follow" | "refuse"): FileReading {
  try {
    const named = lstatSync(path, { throwIfNoEntry: false });
    if (named === undefined) return absentOrDangling(path);
    if (named.isSymbolicLink()) {
      if (links === "refuse") return fault("is a link");
      if (statSync(path, { throwIfNoEntry: false }) === undefined)
        return fault("is a link that leads nowhere");
    }
    const type = typeFault(statSync(path));
    return type === undefined ? readOpened(path, links) : fault(type);
  } catch (error) {
    return codeOf(error) === "ENOTDIR" ? { kind: "absent" } : fault(reasonOf(error));
  }
}

function readOpened(path: string, links: "follow" | "refuse"): FileReading {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | (links === "refuse" ? O_NOFOLLOW : 0));
  try {
    const stats = fstatSync(descriptor);
    const type = typeFault(stats);
    if (type !== undefined) return fault(type);
    const bytes = Buffer.alloc(Math.max(65_536, Math.min(stats.size + 1, LARGEST_FILE + 1)));
    const parts: Uint8Array[] = [];
    for (let total = 0; ;) {
      const count = readSync(descriptor, bytes, 0, bytes.length, null);
      if (count === 0) break;
      total += count;
      if (total > LARGEST_FILE) return fault("is larger than 20 MB");
      parts.push(Uint8Array.from(bytes.subarray(0, count)));
    }
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length < stats.size) return fault("ended before its end: it is being written, or the disk is faulty");
    return { kind: "bytes", bytes: Buffer.concat(parts), stats };
  } finally {
    closeSync(descriptor);
  }
}

function typeFault(stats: Stats): string | undefined {
  if (stats.isDirectory()) return "is a directory, not a file";
  if (!stats.isFile()) return "is no regular file";
  return stats.size > LARGEST_FILE ? "is larger than 20 MB" : undefined;
}

/** A directory that is a link to nowhere hides whatever was below it. */
function absentOrDangling(path: string): FileReading {
  const directory = dirname(path);
  const named = lstatSync(directory, { throwIfNoEntry: false });
  if (named?.isSymbolicLink() === true && statSync(directory, { throwIfNoEntry: false }) === undefined) {
    return fault(`lies in ${directory}, a link that leads nowhere`);
  }
  return { kind: "absent" };
}

/** The text of the bytes, or undefined when they are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The errno name of a system error; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What a system error means, in words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ELOOP":
      return "its links run in a circle";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    case "EROFS":
      return "the file system is read-only";
    case "ENAMETOOLONG":
      return "the name is too long";
    case undefined:
      return error instanceof Error ? error.message : String(error);
    default:
      return code;
  }
}
