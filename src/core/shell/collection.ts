import type * as Bash from "unbash";
import type { Span } from "../call/call.ts";
import type { Doubt } from "../knowledge/reading.ts";
import type { Tables } from "../knowledge/tables.ts";
import type { ShellState } from "./environment.ts";
import type { Assigned, FedText, Invocation, Nesting, PipePlace, RedirectEffect } from "./script.ts";

/** Deepest nesting of scripts in scripts that is followed. */
export const DEEPEST = 8;

/** How often a guess is gone into, and how many commands are looked at in all on guesses. */
const MOST_GUESSED = 300;
export const MOST_GUESSED_COMMANDS = 600;

/** What is collected while walking a script; shared by the scripts inside it. */
export interface Collection {
  readonly tables: Tables;
  readonly home: string;
  readonly invocations: Invocation[];
  readonly redirects: RedirectEffect[];
  readonly assigned: Assigned[];
  readonly doubts: Doubt[];
  readonly fed: FedText[];
  /** Directories the script changes to. */
  readonly movesTo: Set<string>;
  nextPipeline: number;
  /** How many `[[ … ]]` there are: they run nothing but are no empty command either. */
  tests: number;
  /** How often the bodies of loops were walked. */
  rounds: number;
  /** Functions and aliases the script makes, by name. */
  readonly functions: Map<string, Bash.Function["body"]>;
  readonly aliases: Map<string, string>;
  /** What files seem to hold that the script writes. */
  readonly written: Map<string, string>;
  /** How many commands were gone into on a guess. */
  guessed: number;
  guessedCommands: number;
  /** How many words those have that are not known. */
  guessedWords: number;
  /** Something that could be guessed at was not looked at: there was too much of it. */
  cut: boolean;
  /** States in which a `break` or `continue` leaves a body. */
  readonly left: ShellState[];
  /** Walks a text that is a script of its own, such as the argument of `sh -c`. */
  readonly script: (text: string, state: ShellState, place: Place) => void;
  /** Walks the body of a function where it is called. */
  readonly body: (body: Bash.Function["body"], state: ShellState, place: Place) => void;
}

/** Where a walk is. */
export interface Place {
  readonly parent?: number | undefined;
  readonly nesting?: Nesting | undefined;
  readonly pipe?: PipePlace | undefined;
  readonly background: boolean;
  readonly remote: boolean;
  readonly depth: number;
  /** What is walked rests on guesses: only deny rules look at it, and it raises no doubts. */
  readonly guess?: boolean | undefined;
  /** The guess is a word that the loop around it runs over: it will come to that. */
  readonly tried?: boolean | undefined;
  /** Where a nested text stands in the whole; positions inside it mean nothing to a reader. */
  readonly anchor?: Span | undefined;
}

/** Whether one more guess is gone into. Where not, the text counts as not looked at in full. */
export function mayGuess(into: Collection): boolean {
  if (into.guessed++ < MOST_GUESSED && into.guessedCommands < MOST_GUESSED_COMMANDS) return true;
  into.cut = true;
  return false;
}

/** Most words that are guessed at: a value of many words can stand in many commands. */
const MOST_GUESSED_WORDS = 8_000;

/** Whether a command of so many guessed words is gone into; where not, see `mayGuess`. */
export function mayRead(into: Collection, words: number): boolean {
  into.guessedWords += words;
  if (into.guessedWords <= MOST_GUESSED_WORDS) return true;
  into.cut = true;
  return false;
}

/** Most strings of one program text that are looked at. */
const MOST_STRINGS = 512;

/**
 * String literals of a program text that could be a command line: what `system("…")` would run.
 * Only deny rules and destructive patterns look at what is found so.
 */
export function stringsOf(code: string): readonly string[] {
  const found: string[] = [];
  for (const match of code.matchAll(
    /"((?:[^"\\\n]|\\.){3,4000})"|'((?:[^'\\\n]|\\.){3,4000})'|`((?:[^`\\]|\\.){3,4000})`/g,
  )) {
    const text = (match[1] ?? match[2] ?? match[3] ?? "").replace(/\\(["'`\\])/g, "$1");
    if (/\s|\//.test(text) && found.length < MOST_STRINGS) found.push(text);
  }
  return found;
}
