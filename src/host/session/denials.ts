import { closeSync, constants, fstatSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { isObject, stringAt } from "../../core/call/json.ts";
import { codeOf } from "../settings/read-file.ts";

/** One call that was not let through. */
export interface Denial {
  readonly tool: string;
  /** What was tried, without its variable parts. */
  readonly pattern: string;
  /** The code of the decision. */
  readonly code: string;
  /** UTC, ISO 8601. */
  readonly time: string;
}

/** Bytes a file grows to before it becomes the old one; two are kept. */
const LARGEST = 32 * 1024;
const LONGEST = 200;

/**
 * Appends a denial and says how many of the same tool, pattern and code are remembered, this one
 * included. Reads and writes a bounded number of bytes, however often it is called.
 *
 * Throws what the system says; nothing is then remembered. Of two at the same time both count.
 */
export function noteDenial(file: string, denial: Denial): number {
  const clipped = { ...denial, tool: clip(denial.tool), pattern: clip(denial.pattern) };
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  let full = false;
  try {
    refuseOthers(descriptor, file);
    writeSync(descriptor, `${JSON.stringify(clipped)}\n`);
    full = fstatSync(descriptor).size > LARGEST;
  } finally {
    closeSync(descriptor);
  }
  const count = readDenials(file).filter(
    ({ tool, pattern, code }) =>
      tool === clipped.tool && pattern === clipped.pattern && code === clipped.code,
  ).length;
  if (full) renameSync(file, `${file}.old`);
  return Math.max(count, 1);
}

/** The denials that are remembered, oldest first. Lines that are none are passed over. */
export function readDenials(file: string): readonly Denial[] {
  return [`${file}.old`, file].flatMap((name) => textOf(name).split("\n").flatMap(readLine));
}

/** Denials of one kind. */
export interface DenialKind {
  readonly tool: string;
  readonly pattern: string;
  readonly code: string;
  readonly count: number;
  /** UTC, ISO 8601. */
  readonly last: string;
}

/** Kinds of denial that are shown, the newest. */
export const MOST_KINDS = 20;

/** Denials by tool, pattern and code, the newest last, at most `MOST_KINDS`. */
export function denialKinds(denials: readonly Denial[]): readonly DenialKind[] {
  const kinds = new Map<string, DenialKind>();
  for (const { tool, pattern, code, time } of denials) {
    const key = JSON.stringify([tool, pattern, code]);
    const count = (kinds.get(key)?.count ?? 0) + 1;
    kinds.delete(key);
    kinds.set(key, { tool, pattern, code, count, last: time });
  }
  return [...kinds.values()].slice(-MOST_KINDS);
}

function readLine(line: string): readonly Denial[] {
  if (line === "") return [];
  try {
    const value: unknown = JSON.parse(line);
    if (!isObject(value)) return [];
    const [tool, pattern, code, time] = ["tool", "pattern", "code", "time"].map((name) =>
      stringAt(value, name),
    );
    if (tool === undefined || pattern === undefined || code === undefined || time === undefined) return [];
    return [{ tool, pattern, code, time }];
  } catch {
    return [];
  }
}

/** The end of a file, as far as it may be large; nothing where there is none. */
function textOf(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
  try {
    refuseOthers(descriptor, file);
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, 2 * LARGEST));
    const length = readSync(descriptor, buffer, 0, buffer.length, Math.max(0, size - buffer.length));
    return buffer.toString("utf8", 0, length);
  } finally {
    closeSync(descriptor);
  }
}

function refuseOthers(descriptor: number, file: string): void {
  const stats = fstatSync(descriptor);
  const ours = process.geteuid === undefined || stats.uid === process.geteuid();
  if (!stats.isFile() || !ours) throw new Error(`${file} is no regular file of our own`);
}

function clip(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
