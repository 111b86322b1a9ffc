import type { Code } from "../call/codes.ts";
import type { Word } from "../call/word.ts";
import type { Danger, Doubt, Inner, PathEffect, Reading } from "./reading.ts";
import { COMMAND_CLASSES, type CommandClass } from "./spec.ts";

/** A reading while it is being made: only ever raised, never lowered. */
export interface Draft {
  readonly path: string[];
  readonly language: string;
  class: CommandClass | undefined;
  unknownClass: boolean;
  network: boolean;
  why: string | undefined;
  readonly options: Map<string, (Word | undefined)[]>;
  readonly operands: Word[];
  readonly effects: PathEffect[];
  readonly bases: Word[];
  readonly urls: Word[];
  readonly inner: Inner[];
  readonly assignments: Word[];
  readonly dangers: Danger[];
  readonly doubts: Doubt[];
  recursive: boolean;
  wraps: boolean;
  transparent: boolean;
  privilege: boolean;
  stdin: "shell" | "code" | undefined;
  rest: readonly Word[];
  readonly canonical: string[];
  readonly reaching: string[];
  readonly implies: string[];
}

export function newDraft(name: string): Draft {
  return {
    path: [name],
    language: name,
    class: undefined,
    unknownClass: false,
    network: false,
    why: undefined,
    options: new Map(),
    operands: [],
    effects: [],
    bases: [],
    urls: [],
    inner: [],
    assignments: [],
    dangers: [],
    doubts: [],
    recursive: false,
    wraps: false,
    transparent: false,
    privilege: false,
    stdin: undefined,
    rest: [],
    canonical: [],
    reaching: [],
    implies: [],
  };
}

/** Raises the class to at least `to`. */
export function raise(draft: Draft, to: CommandClass | undefined, why?: string): void {
  if (to === undefined) {
    draft.why ??= why;
    return;
  }
  if (to === "network") draft.network = true;
  if (draft.class === undefined || COMMAND_CLASSES.indexOf(to) > COMMAND_CLASSES.indexOf(draft.class)) {
    draft.class = to;
    if (why !== undefined) draft.why = why;
  } else draft.why ??= why;
}

/** The class cannot be known; says why. */
export function doubt(draft: Draft, code: Code, why: string, word?: Word, mild = false): void {
  draft.unknownClass = true;
  draft.doubts.push({ code, why, span: word?.span, mild });
}

export function finish(draft: Draft): Reading {
  return {
    path: draft.path,
    class: draft.unknownClass ? undefined : draft.class,
    network: draft.network || draft.urls.length > 0,
    why: draft.why,
    options: draft.options,
    operands: draft.operands,
    effects: draft.effects,
    urls: draft.urls,
    inner: draft.inner,
    assignments: draft.assignments,
    dangers: draft.dangers,
    doubts: draft.doubts,
    wraps: draft.wraps,
    transparent: draft.transparent,
    privilege: draft.privilege,
    stdin: draft.stdin,
    rest: draft.rest,
    canonical: draft.canonical,
    reaching: draft.reaching,
    implies: draft.implies,
  };
}
