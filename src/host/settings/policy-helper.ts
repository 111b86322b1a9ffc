import { lstatSync } from "node:fs";
import { readDocument, propertiesOf } from "../../core/settings/document.ts";
import { type Problem, formatProblem } from "../../core/settings/problem.ts";
import { readSettings } from "../../core/settings/read.ts";
import { consequence } from "../../core/settings/reading.ts";
import type { Place, SettingsSource } from "../../core/settings/source.ts";
import { belowTop } from "./owner.ts";
import type { Environment } from "./places.ts";
import { PLAIN_PATH, askProgram, programFault } from "./program.ts";
import { type FileReading, utf8 } from "./read-file.ts";

/** Milliseconds a helper may take where the settings say nothing. */
const PATIENCE = 10_000;
/** Milliseconds an answer holds in a process that lives on; a longer `refreshIntervalMs` extends it. */
const HOLDS = 60_000;
/** Bytes. */
const LARGEST_ANSWER = 1024 * 1024;
/** Set for a helper, so that one that calls cordon does not wait for itself. */
const MARK = "CORDON_POLICY_HELPER";

type Reading = Exclude<FileReading, { readonly kind: "absent" }>;

/** What a helper answered. */
export interface HelperAnswer {
  /** The program. */
  readonly file: string;
  /** The settings in its answer, or why there are none. */
  readonly reading: Reading;
  /** When it was given, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * The answers of helpers for as long as a process lives. A handle; nothing is written to disk,
 * where the person whom the policy binds could write it too.
 */
export interface HelperMemory {
  /** The answer to the same question, if it is not older than `age` milliseconds. */
  recall(question: string, age: number): HelperAnswer | undefined;
  keep(question: string, answer: HelperAnswer): void;
}

/** An empty memory. `clocks` give milliseconds: one that may be set, one that only goes forward. */
export function helperMemory(
  wall: () => number = Date.now,
  steady: () => number = () => performance.now(),
): HelperMemory {
  const kept = new Map<
    string,
    { readonly answer: HelperAnswer; readonly wall: number; readonly steady: number }
  >();
  return {
    recall: (question, age) => {
      const known = kept.get(question);
      if (known === undefined) return undefined;
      // A steady clock may stand still while the machine sleeps; the other may be set back.
      const passed = [wall() - known.wall, steady() - known.steady];
      return passed.every((each) => each >= 0 && each <= age) ? known.answer : undefined;
    },
    keep: (question, answer) => {
      kept.set(question, { answer, wall: wall(), steady: steady() });
    },
  };
}

/** Where helpers are asked. */
export interface HelperPlace extends Place {
  readonly platform: string;
  readonly top: string;
  readonly env: Environment;
  readonly memory: HelperMemory;
}

interface Helper {
  readonly path: string;
  readonly patience: number;
  readonly holds: number;
}

/**
 * Asks every policy helper that files or the operating system name. Never throws; waits for each
 * as long as its `timeoutMs` says.
 *
 * INVARIANT: where one is named, either all have answered or failed, or none was asked and the
 * key denies every call. A failure is a fault, and so is an answer in which anything is wrong; no
 * earlier answer takes its place.
 */
export function askHelpers(sources: readonly SettingsSource[], place: HelperPlace): readonly HelperAnswer[] {
  // What cannot be read may name another one, and nothing runs until it is mended.
  if (sources.some(({ fault }) => fault !== undefined)) return [];
  const helpers = new Map<string, Helper>();
  for (const source of sources) {
    if (source.tier === "person" || !mayName(source.text)) continue;
    for (const { value, faulty } of readSettings(source, place).found("policyHelper")) {
      if (faulty) continue;
      const { path, timeoutMs = PATIENCE, refreshIntervalMs = 0 } = value;
      const known = helpers.get(path);
      helpers.set(path, {
        path,
        patience: Math.min(timeoutMs, known?.patience ?? timeoutMs),
        holds: Math.min(Math.max(refreshIntervalMs, HOLDS), known?.holds ?? Number.POSITIVE_INFINITY),
      });
    }
  }
  return [...helpers.values()].map((helper) => answerOf(helper, place));
}

/** A quick look before the text is taken apart; a key may be spelled with escapes. */
function mayName(text: string | undefined): boolean {
  return text !== undefined && (text.includes('"policyHelper"') || text.includes("\\u"));
}

function answerOf({ path, patience, holds }: Helper, place: HelperPlace): HelperAnswer {
  const file = belowTop(place.top, path);
  const at = Date.now();
  const fault = (why: string): HelperAnswer => ({
    file,
    at,
    reading: { kind: "fault", why: `the policy helper ${why}` },
  });
  if (place.platform === "win32") return fault("cannot be asked: its owner cannot be checked on this system");
  if (place.env[MARK] !== undefined) return fault("calls cordon, which would wait for it");
  // With `..` the directories that are checked would be others than those the system goes through.
  if (/[/\\]\.\.?(?:[/\\]|$)/.test(path)) return fault("cannot be asked: its path holds `.` or `..`");
  const why = programFault(file, place.top);
  if (why !== undefined) return fault(`cannot be asked: ${why}`);
  const question = JSON.stringify([file, identityOf(file), place.home, place.root]);
  const known = place.memory.recall(question, holds);
  if (known !== undefined) return known;
  const env = { PATH: PLAIN_PATH, LANG: "C.UTF-8", HOME: place.home, [MARK]: "1" };
  const answer = askProgram({ program: file, args: [], patience, most: LARGEST_ANSWER, env });
  if (answer.kind !== "bytes") return fault(answer.why);
  const settings = settingsIn(answer.bytes, { file, ...place });
  if ("why" in settings) return fault(settings.why);
  const given: HelperAnswer = { file, at, reading: { kind: "bytes", bytes: settings.bytes } };
  place.memory.keep(question, given);
  return given;
}

/** What changes when another program comes to stand under the name. */
function identityOf(file: string): readonly number[] {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats === undefined ? [] : [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs];
}

/** A problem in one line, without what follows from it: who reads the answer says that. */
function faultIn(problem: Problem, source: SettingsSource): string {
  const [line = ""] = formatProblem(problem).split("\n");
  const end = `; ${consequence(source)}`;
  return line.endsWith(end) ? line.slice(0, -end.length) : line;
}

/** The settings in what a helper printed, each in the line it was printed in. */
function settingsIn(
  bytes: Uint8Array,
  place: Place & { readonly file: string },
): { readonly bytes: Uint8Array } | { readonly why: string } {
  const text = utf8(bytes)?.replace(/^\uFEFF/, "");
  if (text === undefined) return { why: "answers in something else than UTF-8" };
  const { root, fault, positionOf } = readDocument(text);
  if (fault !== undefined || root === undefined) return { why: "does not answer in JSON" };
  const [only, ...others] = propertiesOf(root);
  if (only?.name !== "managedSettings" || others.length > 0 || only.value.type !== "object")
    return { why: 'does not answer `{"managedSettings": {...}}`' };
  const { offset, length } = only.value;
  const settings = "\n".repeat(positionOf(offset).line - 1) + text.slice(offset, offset + length);
  const { root: anchor } = place;
  const own = { scope: "managed", tier: "helper", trusted: true, repository: false } as const;
  const source = { ...own, file: place.file, anchor, base: anchor, text: settings };
  const reading = readSettings(source, place);
  const wrong = reading.problems.find(({ severity }) => severity === "error");
  if (wrong !== undefined) return { why: `answers with a fault: ${faultIn(wrong, source)}` };
  if (reading.found("policyHelper").length > 0) return { why: "answers with another `policyHelper`" };
  return { bytes: new TextEncoder().encode(settings) };
}
