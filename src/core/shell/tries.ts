import type * as Bash from "unbash";
import { HOLE, type Word, holdsMatches, seeming } from "../call/word.ts";
import { type Collection, type Place, mayGuess } from "./collection.ts";
import { type ShellState, seemsToBe, setVariable } from "./environment.ts";
import { guessedWords } from "./output.ts";

/** How many words of a loop its body is tried with, and how many of those that are mere numbers. */
const MOST_TRIED = 64;
const MOST_NUMBERS = 3;

/** Walks the body of a loop with each word it runs over; what a pattern matches is not known, but the pattern is. */
export function tryWords(
  into: Collection,
  { name, body, wordlist }: Bash.For | Bash.Select,
  words: readonly Word[],
  state: ShellState,
  place: Place,
): void {
  const given = wordlist === undefined ? (seemsToBe(state, "@", into.home)?.split(/\s+/) ?? []) : [];
  const texts = new Set([...(guessedWords(words) ?? words).map(seeming), ...given]);
  const plain = [...texts].filter((text) => !text.includes(HOLE));
  const numbers = plain.filter((text) => /^\d+$/.test(text));
  const tried = [...plain.filter((text) => !/^\d+$/.test(text)), ...numbers.slice(0, MOST_NUMBERS)];
  if (tried.length > MOST_TRIED) into.cut = true;
  for (const text of tried.slice(0, MOST_TRIED)) {
    if (!mayGuess(into)) return;
    const value = holdsMatches(text) ? undefined : text;
    const sure =
      wordlist !== undefined && words.every(({ unknown }) => unknown === undefined || unknown === "glob");
    const below: Place = { ...place, guess: true, ...(sure ? { tried: true } : {}) };
    into.body(body, setVariable(state, name.value, value, text), below);
  }
}
