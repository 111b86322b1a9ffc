import type { Span } from "../call/call.ts";
import type { Word } from "../call/word.ts";
import type { Doubt, PathAction, Reading } from "../knowledge/reading.ts";

/** A NAME=VALUE in front of a command or alone. */
export interface Assigned {
  readonly name: string;
  /** Undefined where it is not known. */
  readonly value: string | undefined;
  /** What it seems to be, where it is not known; only for rules that deny. */
  readonly guess?: string | undefined;
  readonly span: Span;
}

/** Where an invocation stands among its neighbours. */
export interface PipePlace {
  /** Equal for all stages of one pipeline. */
  readonly pipeline: number;
  readonly stage: number;
  readonly stages: number;
}

/** How an invocation came to be inside another one. */
export type Nesting =
  /** The other is a wrapper and this is its argument vector. */
  | "wrapped"
  /** The other is handed text that a shell runs. */
  | "script"
  /** Found in code of another language, or guessed at; only deny rules look at it. */
  | "code";

/**
 * One command that the text would run.
 *
 * INVARIANT: every command bash can be seen to run has one, wrappers and what they wrap alike.
 */
export interface Invocation {
  readonly id: number;
  /** The invocation that runs this one as its argument. */
  readonly parent?: number | undefined;
  readonly nesting?: Nesting | undefined;
  /** It rests on what words seem to come to; then `nesting` is `code`. */
  readonly guessed?: boolean | undefined;
  /** The guess is a word that a loop is known to run over. */
  readonly tried?: boolean | undefined;
  /** The command's own word first. */
  readonly words: readonly Word[];
  readonly assigned: readonly Assigned[];
  readonly span: Span;
  /** Absolute directories it may run in; undefined = any. */
  readonly directories: readonly string[] | undefined;
  readonly pipe?: PipePlace | undefined;
  readonly background: boolean;
  /** Runs on another machine or in a container: its paths are not this machine's. */
  readonly remote: boolean;
  readonly reading: Reading;
}

/** A redirect to or from a path. */
export interface RedirectEffect {
  /** The invocation it belongs to, if any. */
  readonly part?: number | undefined;
  readonly action: Extract<PathAction, "read" | "write">;
  readonly word: Word;
  readonly directories: readonly string[] | undefined;
  readonly span: Span;
  readonly append: boolean;
  /** Only where it seems to lead: it counts for what the path means, not for scope. */
  readonly hint?: boolean | undefined;
  /** The hint is a word that a loop is known to run over. */
  readonly tried?: boolean | undefined;
}

/** Code on the standard input of an invocation. */
export interface FedText {
  readonly part: number;
  readonly text: string;
  readonly span: Span;
}

/** Everything that is known about what a command text would do. */
export interface Script {
  readonly source: string;
  readonly invocations: readonly Invocation[];
  readonly redirects: readonly RedirectEffect[];
  /** Assignments that are not a prefix of a command. */
  readonly assigned: readonly Assigned[];
  /** Reasons why the structure is not certain. Empty = understood. */
  readonly doubts: readonly Doubt[];
  /** Texts that an interpreter of another language is handed on its standard input. */
  readonly fed: readonly FedText[];
  /** Directories the script changes to. */
  readonly movesTo: readonly string[];
}
