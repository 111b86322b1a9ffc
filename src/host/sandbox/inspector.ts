import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  type Older,
  type Remedy,
  type WatchedNow,
  aftermath,
  entriesOf,
  uninspected,
} from "../../core/layers/9-sandbox/aftermath.ts";
import { isWithin } from "../../core/call/path.ts";
import type { SandboxNeeds } from "../../core/layers/9-sandbox/facts.ts";
import type { Inspection } from "../../core/layers/9-sandbox/plan.ts";
import type { Violation } from "../../core/layers/9-sandbox/result.ts";
import { gitLinkAt } from "./git.ts";
import { realPath, seenAt } from "./look.ts";
import { searchOddNames } from "./odd-names.ts";
import { type PendingRecord, type Taken, notesIn, openNotes, takePending } from "./pending.ts";
import { type Remembered, applyRemedies, isAsRemembered, remember } from "./quarantine.ts";
import type { Surveyor } from "./survey.ts";

/** Finds what commands plant, and moves it away. */
export interface Inspector {
  /**
   * Looks after commands whose launchers were killed, wherever they could write to one of the
   * places of the next. What it finds is told by the next `finish`, and that looks once more: the kernel may
   * still be busy ending them.
   */
  readonly recover: (quarantine: string, needs: SandboxNeeds) => void;
  /** The same, a moment later where there is anything to look after, so that they are dead. */
  readonly recoverSoon: (quarantine: string, needs: SandboxNeeds) => Promise<void>;
  /** Notes down what is there before a command starts. */
  readonly begin: (inspection: Inspection) => Watchkeeping;
  /** The places are looked at command after command: what can be kept from one to the next is. */
  readonly keep: () => void;
  readonly close: () => void;
}

/** One command, from its start to its end. */
export interface Watchkeeping {
  /** After the command: moves away what it planted, and tells what else was found. */
  readonly finish: () => Promise<readonly Violation[]>;
  /** In place of `finish`. Where it is not known that the command has not run, the note stays. */
  readonly drop: (how: "not run" | "unknown") => void;
}

/** How long a killed launcher's command is given to die, milliseconds. */
const DYING_MS = 50;
/** How long another command is given to finish a file that it is writing, milliseconds. */
const WRITING_MS = 30;
/** Times it is looked again where something was exchanged meanwhile. */
const MOST_LOOKS = 16;

export function openInspector(surveyor: Surveyor): Inspector {
  const notes = openNotes();
  const earlier: Violation[] = [];
  const again: Taken[] = [];
  const state: { remembered: Remembered; keeps: boolean } = { remembered: new Map(), keeps: false };

  const judge = (
    { inspection, remembered }: PendingRecord,
    others: readonly PendingRecord[],
    trusted: boolean,
  ) => {
    const after = surveyor.survey(inspection.needs, "inspect", trusted, inspection.before.closed);
    const watched = inspection.watch.map(({ real, id, stamp }): WatchedNow => {
      const now = seenAt(real, true);
      const untouched = now.id === id && now.stamp === stamp;
      return { ...now, same: untouched ? undefined : isAsRemembered(now, remembered) };
    });
    const own = new Set(inspection.watch.map(({ real }) => real));
    const back = others.flatMap(({ remembered: before }) =>
      [...before.keys()].flatMap((path): readonly WatchedNow[] => {
        const now = own.has(path) ? undefined : seenAt(path, true);
        return now === undefined || !isAsRemembered(now, before) ? [] : [{ ...now, same: true }];
      }),
    );
    const older = others.map(({ inspection: { before, writable } }): Older => ({ before, writable }));
    return { after, remedies: aftermath(inspection, after, [...watched, ...back], older) };
  };
  const apply = (
    record: PendingRecord,
    others: readonly PendingRecord[],
    trusted: boolean,
    only?: readonly Remedy[],
  ): readonly Violation[] => {
    const { inspection, remembered } = record;
    const found: Violation[] = [];
    for (let left = MOST_LOOKS, sure = trusted; left > 0; left--, sure = false) {
      const { after, remedies } = judge(record, others, sure);
      // Later looks find what the first one moved, under other names.
      const chosen =
        only === undefined || left < MOST_LOOKS ? remedies : remedies.filter((each) => isAmong(each, only));
      const { violations, exchanged } = applyRemedies(chosen, inspection.quarantine, remembered);
      found.push(...violations);
      if (exchanged && left > 1) continue;
      const unseen = uninspected(inspection, after, inspection.writable[0] ?? "/");
      const odd = searchOddNames(unseen, inspection.needs.marks, inspection.quarantine);
      return [
        ...found,
        ...odd.violations,
        ...[...odd.left, ...(exchanged ? [inspection.writable[0] ?? "/"] : [])].map((path): Violation => ({
          kind: "uninspected",
          path,
          why: "it cannot be told what was planted there",
          restored: false,
        })),
      ];
    }
    return found;
  };
  const recoverTaken = (taken: readonly Taken[]): void => {
    for (const each of taken) {
      earlier.push(...apply(each.record, [], false).map((violation) => ({ ...violation, earlier: true })));
      again.push(each);
    }
  };
  return {
    recover: (quarantine, needs) => recoverTaken(takePending(quarantine, placesOf(needs))),
    recoverSoon: async (quarantine, needs) => {
      const taken = takePending(quarantine, placesOf(needs));
      if (taken.length > 0) await pause(DYING_MS);
      recoverTaken(taken);
    },
    begin: (planned) => {
      // As it is now: between plan and start somebody may have been at work.
      const watch = planned.watch.map(({ real }) => seenAt(real, true));
      state.remembered = remember(watch, state.remembered);
      const inspection = { ...planned, watch };
      const note = notes.note({ inspection, remembered: state.remembered });
      const others = note.others();
      const record = { inspection, remembered: withoutDoubt(state.remembered, others) };
      const told = earlier.splice(0);
      const repeat = again.splice(0);
      return {
        finish: async () => {
          const trusted =
            state.keeps && (await surveyor.settle(inspection.needs, notesIn(inspection.quarantine)));
          const violations = [...told];
          const busy = note.others().length > 0;
          const first = busy ? judge(record, others, trusted).remedies : undefined;
          if (first !== undefined && first.length > 0) {
            // Another command may be in the middle of something that is nothing to worry about.
            await pause(WRITING_MS);
            violations.push(...apply(record, others, false, first));
          } else violations.push(...apply(record, others, trusted));
          for (const { record: each, done } of repeat) {
            violations.push(...apply(each, [], false).map((violation) => ({ ...violation, earlier: true })));
            done();
          }
          note.forget();
          return violations;
        },
        drop: (how) => {
          earlier.unshift(...told);
          again.unshift(...repeat);
          if (how === "not run") note.forget();
        },
      };
    },
    keep: () => {
      state.keeps = true;
      notes.keep();
    },
    close: () => {
      state.keeps = false;
      notes.close();
    },
  };
}

/** Where a command can write: a linked worktree's also to the repository behind it. */
function placesOf(needs: SandboxNeeds): readonly string[] {
  return needs.roots.flatMap(({ path: named }) => {
    const root = realPath(named) ?? named;
    const path = join(root, ".git");
    const common = seenAt(path).type === "file" ? gitLinkAt(path).common : undefined;
    return common === undefined ? [root] : [root, common];
  });
}

function isAmong(remedy: Remedy, others: readonly Remedy[]): boolean {
  return others.some(({ path, id }) => path === remedy.path && id === remedy.id);
}

/**
 * What is remembered, with what another running command may have put there taken out: the content
 * from before that command, where it is known, else none.
 */
function withoutDoubt(remembered: Remembered, others: readonly PendingRecord[]): Remembered {
  if (others.length === 0) return remembered;
  const each = others.map(({ inspection, remembered: before }) => ({
    writable: inspection.writable,
    known: entriesOf(inspection.before),
    before,
  }));
  return new Map(
    [...remembered].flatMap(([path, file]) => {
      const doubting = each.find(
        ({ writable, known, before }) =>
          writable.some((root) => isWithin(path, root)) &&
          before.get(path)?.text !== file.text &&
          known.get(path)?.some(({ id, stamp }) => id === file.id && stamp === file.stamp) !== true,
      );
      if (doubting === undefined) return [[path, file] as const];
      const older = doubting.before.get(path);
      return older === undefined ? [] : [[path, older] as const];
    }),
  );
}
