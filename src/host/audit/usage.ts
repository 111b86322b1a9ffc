import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { isObject, stringAt, type JsonObject } from "../../core/call/json.ts";
import { logFiles, openLog } from "./directory.ts";
import { openBytes } from "./line.ts";
import { linesOf } from "./reader.ts";

/** Bytes of the log that are read at most, the newest first. */
const MOST_BYTES = 16 * 1024 * 1024;

/** How often a rule spoke. */
export interface RuleUse {
  /** Decisions in which it said something, whether it decided or not. */
  readonly hits: number;
  /** UTC, ISO 8601. */
  readonly last: string;
}

export interface Usage {
  /** By `usageKey`. */
  readonly rules: ReadonlyMap<string, RuleUse>;
  /** Decisions that were looked at. */
  readonly decisions: number;
  /** Time of the oldest of them; undefined where there is none. */
  readonly since?: string | undefined;
  /** False: the log goes further back than was read. */
  readonly complete: boolean;
}

/** Names a rule in the log: lines move, texts and files seldom do. */
export function usageKey(rule: {
  readonly text: string;
  readonly effect: string;
  readonly scope: string;
  readonly file?: string | undefined;
}): string {
  return JSON.stringify([rule.effect, rule.text, rule.scope, rule.file ?? ""]);
}

/**
 * Counts what each rule did, by the newest records of the log. Never throws: a log that cannot be
 * read has no records, and altered lines do not count.
 */
export function ruleUsage(directory: string, mostBytes: number = MOST_BYTES): Usage {
  const rules = new Map<string, { hits: number; last: string }>();
  let [decisions, room, complete] = [0, mostBytes, true];
  let since: string | undefined;
  for (const file of filesOf(directory).toReversed()) {
    if (room <= 0) {
      complete = false;
      break;
    }
    const read = readFile(join(directory, file), room, (record, time) => {
      decisions += 1;
      if (since === undefined || time < since) since = time;
      for (const key of keysOf(record)) {
        const before = rules.get(key);
        const last = before !== undefined && before.last > time ? before.last : time;
        rules.set(key, { hits: (before?.hits ?? 0) + 1, last });
      }
    });
    room -= read.bytes;
    complete &&= read.complete;
  }
  return { rules, decisions, since, complete };
}

function filesOf(directory: string): readonly string[] {
  try {
    return logFiles(directory);
  } catch {
    return [];
  }
}

function readFile(
  path: string,
  room: number,
  each: (record: JsonObject, time: string) => void,
): { readonly bytes: number; readonly complete: boolean } {
  let descriptor: number;
  try {
    ({ descriptor } = openLog(path, "read"));
  } catch {
    return { bytes: 0, complete: false };
  }
  try {
    const { size } = fstatSync(descriptor);
    const from = Math.max(0, size - room);
    let first = from > 0;
    for (const line of linesOf(descriptor, from, size)) {
      // Behind a cut the first line is a piece of one.
      const read = first || !line.ended ? "torn" : openBytes(line.raw);
      first = false;
      if (typeof read === "object" && read.record["type"] === "decision") each(read.record, read.time);
    }
    return { bytes: size - from, complete: from === 0 };
  } catch {
    return { bytes: 0, complete: false };
  } finally {
    closeSync(descriptor);
  }
}

/** The rules that said something in a decision, each once. */
function keysOf(record: JsonObject): ReadonlySet<string> {
  const opinions: unknown = record["opinions"];
  const keys = new Set<string>();
  for (const opinion of Array.isArray(opinions) ? opinions : []) {
    const rule: unknown = isObject(opinion) ? opinion["rule"] : undefined;
    if (!isObject(rule)) continue;
    const [text, effect, scope] = ["text", "effect", "scope"].map((name) => stringAt(rule, name));
    if (text === undefined || effect === undefined || scope === undefined) continue;
    keys.add(usageKey({ text, effect, scope, file: stringAt(rule, "file") }));
  }
  return keys;
}
