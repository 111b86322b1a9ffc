import { createHash } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isObject, stringAt } from "../../core/call/json.ts";
import { runtimeDirectory, sessionId } from "../session/session.ts";
import { type Environment, stateDirectory } from "../settings/places.ts";
import { readWhole, reasonOf, utf8 } from "../settings/read-file.ts";

/** A file of a checkout as a person agreed to it. */
export interface TrustedFile {
  /** From the root of the checkout, with `/`. */
  readonly path: string;
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string;
  /** A local file that does not come with the repository: its modes count as well. */
  readonly own: boolean;
}

export interface TrustedCheckout {
  /** Real path. */
  readonly at: string;
  readonly identity: string;
  readonly files: readonly TrustedFile[];
}

/** What a person agreed to at a place. */
export interface TrustRecord {
  readonly place: string;
  readonly identity: string;
  /** ISO 8601; for people. */
  readonly when: string;
  /** The place itself and its worktrees, as far as they were agreed to. */
  readonly checkouts: readonly TrustedCheckout[];
}

/** Where trust is kept: directories that only their owner enters, each in the one before. */
export interface TrustStore {
  readonly base: string;
  readonly directories: readonly string[];
  readonly lasts: "always" | "session";
}

/** The store of this person on this machine. */
export function lastingStore(env: Environment, home: string): TrustStore {
  const base = stateDirectory(env, home);
  return { base, directories: [base, join(base, "trust")], lasts: "always" };
}

/** The store of this session: for the home directory, and what lies above it. */
export function sessionStore(env: Environment, home: string): TrustStore {
  const base = runtimeDirectory(env, home);
  const trust = join(base, "trust");
  const own = join(trust, digestOf(Buffer.from(sessionId(undefined, env))).slice(0, 32));
  return { base, directories: [base, trust, own], lasts: "session" };
}

/** SHA-256 in hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * What was agreed to at a place; undefined where nothing was, and where the store cannot be relied
 * on: one of its directories or the record is a link, open to others or not one's own. Never throws.
 */
export function readRecord(store: TrustStore, place: string): TrustRecord | undefined {
  if (!isReliable(store)) return undefined;
  const record = readAt(recordFile(store, place));
  return record?.place === place ? record : undefined;
}

/** All that was agreed to. Never throws. */
export function readRecords(store: TrustStore): readonly TrustRecord[] {
  if (!isReliable(store)) return [];
  try {
    return readdirSync(leafOf(store))
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        const file = join(leafOf(store), name);
        const record = readAt(file);
        return record !== undefined && recordFile(store, record.place) === file ? [record] : [];
      })
      .toSorted((a, b) => (a.place < b.place ? -1 : 1));
  } catch {
    return [];
  }
}

/** The content of a trusted file, kept to show what has changed since; undefined where it is gone. */
export function readContent(store: TrustStore, place: string, sha256: string): Uint8Array | undefined {
  const text = isReliable(store) ? contentsAt(contentsFile(store, place)).get(sha256) : undefined;
  const bytes = text === undefined ? undefined : Buffer.from(text, "base64");
  return bytes !== undefined && digestOf(bytes) === sha256 ? bytes : undefined;
}

function leafOf({ directories, base }: TrustStore): string {
  return directories.at(-1) ?? base;
}

/** The file of the record of a place. */
export function recordFile(store: TrustStore, place: string): string {
  return join(leafOf(store), `${digestOf(Buffer.from(place))}.json`);
}

/** The file that keeps what the files of a place held when they were agreed to. */
export function contentsFile(store: TrustStore, place: string): string {
  return join(leafOf(store), `${digestOf(Buffer.from(place))}.contents`);
}

function isReliable({ directories }: TrustStore): boolean {
  try {
    return directories.every((directory) => isPrivate(lstatSync(directory), "directory"));
  } catch {
    return false;
  }
}

interface Owned {
  readonly isDirectory: () => boolean;
  readonly isFile: () => boolean;
  readonly uid: number;
  readonly mode: number;
  readonly nlink: number;
}

/** A file or directory of one's own that nobody else can use, and no link. */
export function isPrivate(stats: Owned, kind: "directory" | "file"): boolean {
  if (kind === "directory" ? !stats.isDirectory() : !stats.isFile() || stats.nlink !== 1) return false;
  return process.geteuid === undefined || (stats.uid === process.geteuid() && (stats.mode & 0o077) === 0);
}

/** The text of a private file of the store. */
function textAt(file: string): string | undefined {
  const reading = readWhole(file, "refuse");
  if (reading.kind !== "bytes" || reading.stats === undefined || !isPrivate(reading.stats, "file"))
    return undefined;
  return utf8(reading.bytes);
}

function readAt(file: string): TrustRecord | undefined {
  try {
    const value: unknown = JSON.parse(textAt(file) ?? "null");
    if (!isObject(value) || value["version"] !== 1) return undefined;
    const place = stringAt(value, "place");
    const identity = stringAt(value, "identity");
    if (place === undefined || identity === undefined) return undefined;
    const checkouts = listAt(value, "checkouts").map((entry): TrustedCheckout => ({
      at: textIn(entry, "at"),
      identity: textIn(entry, "identity"),
      files: listAt(entry, "files").map((each) => ({
        path: textIn(each, "path"),
        sha256: textIn(each, "sha256"),
        own: isObject(each) && each["own"] === true,
      })),
    }));
    return { place, identity, when: stringAt(value, "when") ?? "", checkouts };
  } catch {
    return undefined;
  }
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list: unknown = isObject(value) ? value[key] : undefined;
  if (!Array.isArray(list)) throw new TypeError(`${key} is no list`);
  return list;
}

function textIn(value: unknown, key: string): string {
  const text = isObject(value) ? stringAt(value, key) : undefined;
  if (text === undefined) throw new TypeError(`${key} is no text`);
  return text;
}

/** Contents by their hash, in base64; none where the file cannot be relied on. */
export function contentsAt(file: string): Map<string, string> {
  try {
    const value: unknown = JSON.parse(textAt(file) ?? "{}");
    if (!isObject(value)) return new Map();
    return new Map(
      Object.entries(value).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : [])),
    );
  } catch {
    return new Map();
  }
}

/** Says why the store cannot be looked at, for commands that list it; undefined where it can be, or is not there. */
export function storeFault(store: TrustStore): string | undefined {
  for (const directory of store.directories) {
    try {
      const stats = lstatSync(directory, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      if (!isPrivate(stats, "directory")) return `${directory} is a link, open to others or not your own`;
    } catch (error) {
      return `${directory}: ${reasonOf(error)}`;
    }
  }
  return undefined;
}
