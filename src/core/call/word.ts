import type { Span } from "./call.ts";

/**
 * Stands for a stretch of text that is not known before the command runs. A private-use
 * character: one that occurs in the command itself is treated as unknown, never as text.
 */
export const HOLE = "\uE000";

/** What hides a stretch of a word. */
export type Unknown =
  /** A variable the command does not set: it comes from outside and may hold a secret. */
  | "environment"
  /** A variable the command sets to something that is not known. */
  | "variable"
  /** A number: an exit status, a process id, an arithmetic result. */
  | "number"
  | "substitution"
  | "tilde"
  | "brace"
  | "glob"
  /** Words that come from standard input, as for xargs. */
  | "input";

/**
 * One word of an argument vector as bash would make it, as far as that is known.
 *
 * INVARIANT: `text` holds no `HOLE` exactly when every byte of the argument is known, apart from
 * pathname expansion, which `glob` tells.
 */
export interface Word {
  /** As written. */
  readonly raw: string;
  readonly span: Span;
  /** Quotes removed, known variables and braces expanded, unknown stretches as `HOLE`. */
  readonly text: string;
  /** The pathname pattern (literal characters escaped by a backslash) where the word may glob. */
  readonly glob?: string | undefined;
  /** Why the word is not fully known; the first reason found. */
  readonly unknown?: Unknown | undefined;
  /**
   * What the text would be if everything that is not followed came out as it seems to: a default
   * value, what an `echo` in a substitution prints. Only for rules that deny.
   */
  readonly guess?: string | undefined;
  /** May become several arguments. */
  readonly maySplit: boolean;
  /** May become no argument at all. */
  readonly mayVanish: boolean;
}

/** Every byte of the argument is known, and it is exactly one argument. */
export function isKnown(word: Word): boolean {
  return word.unknown === undefined && word.glob === undefined;
}

/** Stand for `*`, `?`, `[` and `]` in a guess where bash would put the names that a pattern matches. */
const MATCHED = ["\uE001", "\uE002", "\uE003", "\uE004"] as const;
const PATTERN = "*?[]";
const ANY_MATCHED = /[\uE001-\uE004]/;
const EACH_MATCHED = /[\uE001-\uE004]/g;

/** True for a guess part of which is what a pattern matches. */
export function holdsMatches(text: string): boolean {
  return ANY_MATCHED.test(text);
}

/** Pattern characters as marks, in the text of a guess. */
export function markMatches(pattern: string): string {
  return pattern.replace(/[*?[\]]/g, (mark) => MATCHED[PATTERN.indexOf(mark)] ?? mark);
}

/**
 * The text, with what is not known filled in by guesses where there are any. What a pattern matches
 * stays marked as such, whatever becomes of the text: quotes around `"$f"` make no pattern of it and
 * take none away.
 */
export function seeming(word: Word): string {
  if (word.guess !== undefined || word.glob === undefined) return word.guess ?? word.text;
  return word.glob.replace(/\\([^])|([*?[\]])/g, (_, plain: string | undefined, mark: string | undefined) =>
    mark === undefined ? (plain ?? "") : markMatches(mark),
  );
}

/** A word of a guessed text: a pattern where the text is what one matches, a plain word otherwise. */
export function guessedWord(text: string, span: Span): Word {
  if (!holdsMatches(text)) return literalWord(text, span);
  const unmarked = (mark: string): string => PATTERN[mark.charCodeAt(0) - 0xe001] ?? mark;
  const glob = text.replace(/[\\*?[\]]/g, "\\$&").replace(EACH_MATCHED, unmarked);
  return { ...literalWord(text.replace(EACH_MATCHED, unmarked), span), glob };
}

/** The known beginning of a word: everything before the first unknown or globbed stretch. */
export function knownPrefix(word: Word): string {
  const text =
    word.glob === undefined
      ? word.text
      : (/^(?:[^\\*?[]|\\.)*/.exec(word.glob)?.[0] ?? "").replace(/\\(.)/gs, "$1");
  const hole = text.indexOf(HOLE);
  return hole === -1 ? text : text.slice(0, hole);
}

/** A known word that stands at `span`. */
export function literalWord(text: string, span: Span): Word {
  return { raw: text, span, text, maySplit: false, mayVanish: false };
}

/** A word of which nothing is known and which may be any number of arguments. */
export function unknownWords(span: Span, why: Unknown): Word {
  return { raw: "", span, text: HOLE, unknown: why, maySplit: true, mayVanish: true };
}
