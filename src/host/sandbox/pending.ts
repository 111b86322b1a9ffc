import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { Inspection } from "../../core/layers/9-sandbox/plan.ts";
import { makeDirectories } from "../make-directories.ts";
import { isGone, ownMark } from "./owner.ts";
import { endOrphans } from "./linux/strays.ts";
import type { Remembered, RememberedFile } from "./quarantine.ts";

/** What has to be known to look for plants when the launcher did not live to do it. */
export interface PendingRecord {
  readonly inspection: Inspection;
  readonly remembered: Remembered;
}

/** One launcher's notes of what it runs. */
export interface Notes {
  /**
   * Notes down, before a command starts, what was there. The note stays until it is taken back; a
   * launcher that is killed never does, and the next command that can write there finds it.
   *
   * Where the private directory cannot be written there is no note, and nothing is recovered.
   */
  readonly note: (record: PendingRecord) => Note;
  /** From now on what was noted down stays for the next note, which is the same more often than not. */
  readonly keep: () => void;
  readonly close: () => void;
}

export interface Note {
  readonly forget: () => void;
  /** What other launchers that run now, in the same places, noted down before. */
  readonly others: () => readonly PendingRecord[];
}

/** What is written down: where, and in which file of the same directory the rest is. */
interface Head {
  readonly writable: readonly string[];
  readonly body: string;
}

/** The long part of a note, which several notes can share. */
interface Body {
  readonly key: readonly unknown[];
  readonly path: string;
  users: number;
}

/** Where launchers note down what they run. */
export function notesIn(quarantine: string): string {
  return join(dirname(quarantine), "running");
}

export function openNotes(): Notes {
  const state: { last?: Body | undefined; keeps: boolean } = { keeps: false };
  const leave = (body: Body): void => {
    if (body.users === 0 && (body !== state.last || !state.keeps)) {
      rmSync(body.path, { force: true });
      if (body === state.last) state.last = undefined;
    }
  };
  const bodyOf = (record: PendingRecord, directory: string): Body => {
    const { before, needs, watch, writable } = record.inspection;
    const key = [before, needs, record.remembered, JSON.stringify([watch, writable, directory])];
    const last = state.last;
    if (last !== undefined && key.every((part, index) => part === last.key[index])) return last;
    const path = join(directory, ownName("look"));
    makeDirectories(directory, 0o700);
    writeFileSync(path, textOf(record), { mode: 0o600, flag: "wx" });
    const made: Body = { key, path, users: 0 };
    state.last = made;
    if (last !== undefined) leave(last);
    return made;
  };
  return {
    note: (record) => {
      const directory = notesIn(record.inspection.quarantine);
      const path = join(directory, ownName("json"));
      const others = (): readonly PendingRecord[] => liveNotes(directory, path, record.inspection.writable);
      try {
        const body = bodyOf(record, directory);
        const head: Head = { writable: record.inspection.writable, body: body.path };
        body.users += 1;
        writeFileSync(path, JSON.stringify(head), { mode: 0o600, flag: "wx" });
        return {
          others,
          forget: () => {
            rmSync(path, { force: true });
            body.users -= 1;
            leave(body);
          },
        };
      } catch {
        return { others, forget: () => undefined };
      }
    },
    keep: () => {
      state.keeps = true;
    },
    close: () => {
      state.keeps = false;
      if (state.last !== undefined) leave(state.last);
    },
  };
}

/** A note whose launcher died, now in the care of whoever took it. */
export interface Taken {
  readonly record: PendingRecord;
  /** It was looked into; nobody else will. */
  readonly done: () => void;
}

/**
 * The notes of launchers that died, for every place that can be written from here too. Each is
 * handed out once, whoever asks; a note that cannot be read is dropped. Whoever takes one and is
 * killed leaves it to the next.
 */
export function takePending(quarantine: string, writable: readonly string[]): readonly Taken[] {
  const directory = notesIn(quarantine);
  const all = namesIn(directory);
  const dead = all.filter((name) => isDead(directory, name));
  if (dead.length === 0) return [];
  const taken = dead.flatMap((name): readonly Taken[] => {
    if (!name.endsWith(".json")) return [];
    const [pid = "", start = ""] = name.split("-");
    endOrphans(Number(pid), start);
    const path = join(directory, name);
    try {
      const { head, record } = read(path);
      if (!overlap(head.writable, writable)) return [];
      const mine = join(directory, ownName("json"));
      // Whoever renames it has it.
      renameSync(path, mine);
      writeFileSync(
        `${mine}.new`,
        JSON.stringify({ writable: head.writable, body: "", record: textOf(record) }),
        { mode: 0o600 },
      );
      renameSync(`${mine}.new`, mine);
      return [{ record, done: () => rmSync(mine, { force: true }) }];
    } catch {
      rmSync(path, { force: true });
      return [];
    }
  });
  sweep(directory, dead);
  return taken;
}

/** Removes what dead launchers left beside their notes, unless a note still needs it. */
function sweep(directory: string, dead: readonly string[]): void {
  const loose = dead.filter((name) => !name.endsWith(".json"));
  if (loose.length === 0) return;
  const notes = namesIn(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => textAt(join(directory, name)));
  for (const name of loose)
    if (!notes.some((text) => text.includes(name))) rmSync(join(directory, name), { force: true });
}

function liveNotes(directory: string, own: string, writable: readonly string[]): readonly PendingRecord[] {
  return namesIn(directory).flatMap((name): readonly PendingRecord[] => {
    const path = join(directory, name);
    if (!name.endsWith(".json") || path === own) return [];
    try {
      const { head, record } = read(path);
      return overlap(head.writable, writable) ? [record] : [];
    } catch {
      // Taken back meanwhile.
      return [];
    }
  });
}

function overlap(one: readonly string[], other: readonly string[]): boolean {
  return one.some((path) => other.some((root) => isWithin(path, root) || isWithin(root, path)));
}

function ownName(ending: string): string {
  return `${ownMark()}-${randomBytes(4).toString("hex")}.${ending}`;
}

function isDead(directory: string, name: string): boolean {
  const owner = /^(\d+-\d*-\d*)-[0-9a-f]+\.(?:json|look|sign|json\.new)$/.exec(name)?.[1];
  return owner !== undefined && isGone(owner, seenTime(join(directory, name)));
}

function seenTime(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function textAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function textOf({ inspection, remembered }: PendingRecord): string {
  return JSON.stringify({ inspection, remembered: [...remembered] });
}

/** Only cordon writes here, in a directory that no command can reach. */
function read(path: string): { readonly head: Head; readonly record: PendingRecord } {
  const head: Head & { readonly record?: string } = JSON.parse(readFileSync(path, "utf8"));
  const text = head.record ?? readFileSync(head.body, "utf8");
  const parsed: {
    inspection: Inspection;
    remembered: [string, RememberedFile][];
  } = JSON.parse(text);
  return {
    head: { writable: head.writable, body: head.body },
    record: { inspection: parsed.inspection, remembered: new Map(parsed.remembered) },
  };
}
