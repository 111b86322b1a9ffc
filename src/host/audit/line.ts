import { Buffer, isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { isObject, type JsonObject } from "../../core/call/json.ts";

/** Hash that stands before the first line of a file. */
export const GENESIS: string = "0".repeat(64);

/** SHA-256 in hexadecimal. */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** What the writer adds to every record. */
export interface Seal {
  /** How many lines of the file stand before this one, as far as the writer had read. */
  readonly seq: number;
  /** How many bytes those lines take. */
  readonly at: number;
  /** The chain over those lines; after a line that followed its predecessor directly, its `hash`. */
  readonly prev: string;
  /** UTC, ISO 8601. Clocks go back; the order is that of the lines. */
  readonly time: string;
}

/** A line that holds a whole, unaltered record. */
export interface Sealed extends Seal {
  readonly hash: string;
  readonly record: JsonObject;
}

/** What reading a line came to. */
export type Reading = Sealed | "torn" | "altered";

/**
 * JSON with sorted keys and no blanks: one text for one value. Keys without a value are left out,
 * as JSON does.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  return `{${entriesOf(value).join(",")}}`;
}

function entriesOf(value: JsonObject): readonly string[] {
  return Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
}

/**
 * The line for a record, without the line end, and its hash: SHA-256 over `prev` and the
 * canonical JSON of everything but `hash`.
 */
export function seal(record: object, place: Seal): { readonly line: string; readonly hash: string } {
  const { seq, at, prev, time } = place;
  const entries = entriesOf({ ...record, seq, at, prev, time });
  const hash = sha256(prev, `{${entries.join(",")}}`);
  const after = entries.findIndex((entry) => entry > '"hash"');
  const rest = after === -1 ? entries.length : after;
  const line = `{${[...entries.slice(0, rest), `"hash":"${hash}"`, ...entries.slice(rest)].join(",")}}`;
  return { line, hash };
}

function count(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === "number" && value >= 0;
}

function digest(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

/**
 * What a line holds. `torn`: not JSON, as a killed writer leaves it. `altered`: JSON, but not
 * what was written, down to the byte.
 */
export function open(line: string): Reading {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return "torn";
  }
  if (!isObject(record)) return "altered";
  const { seq, at, prev, time, hash } = record;
  if (!count(seq) || !count(at) || !digest(prev) || !digest(hash) || typeof time !== "string")
    return "altered";
  const bare = Object.fromEntries(Object.entries(record).filter(([key]) => key !== "hash"));
  try {
    const again = seal(bare, { seq, at, prev, time });
    return again.hash === hash && again.line === line ? { seq, at, prev, time, hash, record } : "altered";
  } catch {
    // Nested deeper than anything that was ever written.
    return "altered";
  }
}

/** As `open`, for the bytes of a line; bytes that are not UTF-8 were never written. */
export function openBytes(raw: Uint8Array): Reading {
  if (isUtf8(raw)) return open(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("utf8"));
  return "torn";
}

/**
 * The chain after one more line. A record that knew everything before it passes its own hash on;
 * any other line (torn, or written while another writer wrote) is folded in byte by byte.
 */
export function chain(before: string, index: number, raw: Uint8Array, read: Reading): string {
  const follows = typeof read === "object" && read.seq === index && read.prev === before;
  return follows ? read.hash : sha256(before, raw);
}
