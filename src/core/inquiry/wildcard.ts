import { HOLE } from "../call/word.ts";

/** How surely a pattern matches a text that may have unknown stretches. */
export type Match = "yes" | "maybe" | "no";

/**
 * A command pattern, ready to match. `*` stands for any characters; a last ` *` is a word
 * boundary and, where it is the only star, covers the command without arguments too.
 */
export interface Wildcard {
  readonly text: string;
  readonly pieces: readonly string[];
  /** `npm run *` also means `npm run`. */
  readonly bare: string | undefined;
  /** The first word, where no star can change it; patterns are filed under it. */
  readonly head: string | undefined;
}

/** The first word of a pattern, where no star can change it; undefined where one can. */
export function headOf(text: string): string | undefined {
  const star = text.indexOf("*");
  const space = text.indexOf(" ");
  if (space > 0 && (star === -1 || space < star)) return text.slice(0, space);
  return star === -1 && text !== "" ? text : undefined;
}

export function compileWildcard(text: string): Wildcard {
  const pieces = text.split(/\*+/);
  const single = pieces.length === 2 && pieces[1] === "";
  const bare = single && text.endsWith(" *") ? text.slice(0, -2) : undefined;
  return { text, pieces, bare, head: headOf(text) };
}

/** Matches for every text the unknown stretches can become: a hole fits a star only. */
export function surelyMatches(pattern: Wildcard, text: string): boolean {
  if (pattern.bare !== undefined && text === pattern.bare) return true;
  const { pieces } = pattern;
  const first = pieces[0] ?? "";
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** Matches for some text the unknown stretches can become. */
export function possiblyMatches(pattern: Wildcard, text: string): boolean {
  if (!text.includes(HOLE)) return surelyMatches(pattern, text);
  const known = text.slice(0, text.indexOf(HOLE));
  const first = pattern.pieces[0] ?? "";
  if (!known.startsWith(first) && !first.startsWith(known)) return false;
  if (pattern.bare !== undefined && reaches(pattern.bare, text)) return true;
  return reaches(pattern.text.replace(/\*+/g, "*"), text);
}

/** Two-sided wildcard matching: `*` in the pattern and `HOLE` in the text each fit anything. */
function reaches(pattern: string, text: string): boolean {
  let states = skipStars(pattern, new Set([0]));
  for (const char of text) {
    const next = new Set<number>();
    if (char === HOLE) {
      const least = Math.min(...states);
      for (let state = least; state <= pattern.length; state++) next.add(state);
    } else {
      for (const state of states) {
        if (pattern[state] === "*") next.add(state);
        else if (pattern[state] === char) next.add(state + 1);
      }
    }
    if (next.size === 0) return false;
    states = skipStars(pattern, next);
  }
  return states.has(pattern.length);
}

function skipStars(pattern: string, states: Set<number>): Set<number> {
  for (const state of states) if (pattern[state] === "*") states.add(state + 1);
  return states;
}

export function match(pattern: Wildcard, text: string): Match {
  if (surelyMatches(pattern, text)) return "yes";
  return possiblyMatches(pattern, text) ? "maybe" : "no";
}
