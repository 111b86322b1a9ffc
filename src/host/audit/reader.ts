import { Buffer } from "node:buffer";
import { closeSync, fstatSync, readSync } from "node:fs";
import { join } from "node:path";
import { kindOfFile, logFiles, openLog, type OpenFile } from "./directory.ts";
import { chain, GENESIS, openBytes, type Reading, type Sealed } from "./line.ts";

const CHUNK = 65_536;
/** How far back the last whole record is looked for at first. */
const TAIL = 16_384;

/** One line of a file; `ended` is false for text behind the last line end. */
export interface RawLine {
  readonly raw: Uint8Array;
  /** Bytes before the line. */
  readonly offset: number;
  readonly ended: boolean;
}

/** The lines of a file between two offsets, the first of which starts a line. */
export function* linesOf(descriptor: number, from: number, to: number): Generator<RawLine> {
  let carried: Buffer[] = [];
  let start = from;
  for (let at = from; at < to;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, to - at));
    const length = readSync(descriptor, buffer, 0, buffer.length, at);
    if (length === 0) break;
    const chunk = buffer.subarray(0, length);
    let cursor = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, cursor)) {
      const rest = chunk.subarray(cursor, end);
      const raw = carried.length === 0 ? rest : Buffer.concat([...carried, rest]);
      yield { raw, offset: start, ended: true };
      carried = [];
      cursor = end + 1;
      start = at + cursor;
    }
    if (cursor < length) carried.push(chunk.subarray(cursor));
    at += length;
  }
  if (carried.length > 0) yield { raw: Buffer.concat(carried), offset: start, ended: false };
}

/** What is known of a file up to some line end. */
export interface Position {
  readonly lines: number;
  readonly bytes: number;
  /** The chain over these lines. */
  readonly chain: string;
  /** Bytes without a line end follow: a write under way, or one that was killed. */
  readonly partial: boolean;
}

export const BEGINNING: Position = { lines: 0, bytes: 0, chain: GENESIS, partial: false };

/** Reads on from `position` to the present end of the file; `each` sees every whole line. */
export function advance(
  descriptor: number,
  position: Position,
  size: number,
  each?: (line: RawLine, read: Reading) => void,
): Position {
  let { lines, bytes, chain: value } = position;
  let partial = false;
  for (const line of linesOf(descriptor, bytes, size)) {
    if (!line.ended) {
      partial = true;
      break;
    }
    const read = openBytes(line.raw);
    each?.(line, read);
    value = chain(value, lines, line.raw, read);
    lines += 1;
    bytes = line.offset + line.raw.length + 1;
  }
  return { lines, bytes, chain: value, partial };
}

/**
 * The position at the end of a file, without reading all of it: the last whole record says how
 * many lines and bytes its writer had seen, and only what follows those is read.
 *
 * Trusts that record; whether it told the truth is for `verify` to find. `each` sees the lines
 * that were read, the last whole record among them.
 */
export function endOf(
  descriptor: number,
  size: number,
  each?: (line: RawLine, read: Reading) => void,
): Position {
  for (let window = TAIL; ; window *= 4) {
    const from = Math.max(0, size - window);
    const last = lastRecord([...linesOf(descriptor, from, size)].slice(from > 0 ? 1 : 0));
    if (last !== undefined) {
      return advance(
        descriptor,
        { lines: last.seq, bytes: last.at, chain: last.prev, partial: false },
        size,
        each,
      );
    }
    if (from === 0) return advance(descriptor, BEGINNING, size, each);
  }
}

/** The last whole record. Looked for from the end: opening a line takes long enough to be felt at each call. */
function lastRecord(lines: readonly RawLine[]): Sealed | undefined {
  for (const line of lines.toReversed()) {
    const read = line.ended ? openBytes(line.raw) : "torn";
    if (typeof read === "object" && read.at <= line.offset) return read;
  }
  return undefined;
}

/** A file as another file remembers it. */
export interface LinkedHead {
  readonly file: string;
  readonly lines: number;
  readonly hash: string;
}

/** The links a start or closing line holds. */
export function linksOf(read: Reading | undefined): readonly LinkedHead[] {
  const links: unknown = typeof read === "object" ? read.record["links"] : undefined;
  return Array.isArray(links) ? links.filter(isLinkedHead) : [];
}

interface Glance {
  readonly head: LinkedHead;
  readonly links: readonly LinkedHead[];
}

/** The end of a file, and whom its first and last lines know. An unreadable file is known by name only. */
function glance(directory: string, file: string): Glance {
  let opened: OpenFile | undefined;
  try {
    opened = openLog(join(directory, file), "read");
    const size = fstatSync(opened.descriptor).size;
    const first = linesOf(opened.descriptor, 0, size).next();
    let last: Reading | undefined;
    const end = endOf(opened.descriptor, size, (_, read) => (last = read));
    const start = first.done === true || !first.value.ended ? undefined : openBytes(first.value.raw);
    return {
      head: { file, lines: end.lines, hash: end.chain },
      links: [...linksOf(start), ...linksOf(last)],
    };
  } catch {
    return { head: { file, lines: 0, hash: GENESIS }, links: [] };
  } finally {
    if (opened !== undefined) closeSync(opened.descriptor);
  }
}

/**
 * The present ends of all other log files, without those that some file knows as they are now.
 * Files in `gone` are about to be removed: they are not named, and what they know does not count.
 *
 * INVARIANT: after these heads are written down, every other file is known at its present length
 * by a file that is itself known, up to the one that writes them. Linking all files from every
 * file would take space by the square of their number.
 */
export function headsOf(
  directory: string,
  except: string,
  gone: ReadonlySet<string> = new Set(),
): readonly LinkedHead[] {
  const glances = logFiles(directory)
    .filter((file) => file !== except && !gone.has(file))
    .map((file) => glance(directory, file));
  const known = new Map<string, number>();
  for (const { file, lines } of glances.flatMap((one) => one.links)) {
    known.set(file, Math.max(lines, known.get(file) ?? 0));
  }
  return glances.map((one) => one.head).filter((head) => head.lines > (known.get(head.file) ?? -1));
}

/** The end of a file, and the links of its first lines and its last. Throws what the system says. */
export function outlineOf(
  directory: string,
  file: string,
): {
  readonly head: LinkedHead;
  readonly links: readonly LinkedHead[];
  readonly removed: readonly LinkedHead[];
} {
  const { descriptor } = openLog(join(directory, file), "read");
  try {
    const { size } = fstatSync(descriptor);
    const links: LinkedHead[] = [];
    const removed: LinkedHead[] = [];
    const gather = (read: Reading): void => {
      links.push(...linksOf(read));
      removed.push(...removedBy(read));
    };
    for (const line of linesOf(descriptor, 0, Math.min(size, 4 * CHUNK)))
      if (line.ended) gather(openBytes(line.raw));
    const end = endOf(descriptor, size, (_, read) => gather(read));
    return { head: { file, lines: end.lines, hash: end.chain }, links, removed };
  } finally {
    closeSync(descriptor);
  }
}

/** The files a line says the retention removed, as they were then. */
export function removedBy(read: Reading | undefined): readonly LinkedHead[] {
  if (typeof read !== "object" || read.record["type"] !== "rotate") return [];
  const removed: unknown = read.record["removed"];
  return Array.isArray(removed) ? removed.filter(isLinkedHead) : [];
}

/** True for a value that `headsOf` could have made. */
export function isLinkedHead(value: unknown): value is LinkedHead {
  if (typeof value !== "object" || value === null) return false;
  if (!("file" in value) || !("lines" in value) || !("hash" in value)) return false;
  const { file, lines, hash } = value;
  const named = typeof file === "string" && kindOfFile(file) !== undefined;
  return (
    named &&
    typeof lines === "number" &&
    Number.isSafeInteger(lines) &&
    lines >= 0 &&
    typeof hash === "string"
  );
}
