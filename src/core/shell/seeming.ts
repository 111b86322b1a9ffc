import { baseOf } from "../call/path.ts";
import { HOLE, type Word, seeming } from "../call/word.ts";
import { type ShellState, seemingDirectories, seemsToBe } from "./environment.ts";

/** Where a tilde leads as far as one can guess: with HOME unset bash asks who the user is. */
export function seemingTilde(name: string, state: ShellState, home: string): string | undefined {
  if (name === "") return seemsToBe(state, "HOME", home) ?? home;
  if (name === "+") return seemingDirectories(state)[0];
  if (name === "root") return "/root";
  if (name === baseOf(home)) return home;
  return /^[a-z_][\w.-]*$/i.test(name) ? `/home/${name}` : undefined;
}

/** `${a[1]}` of the guess at an array, which is its elements in a row. */
export function elementOf(index: string | undefined, guess: string | undefined): string | undefined {
  if (guess === undefined || index === undefined || !/^-?\d+$/.test(index)) return guess;
  return guess.split(" ").at(Number(index)) ?? guess;
}

/** A segment with a pattern character that no backslash quotes. */
const PATTERN = /^(?:[^\\*?[]|\\.)*[*?[]/s;

/** A pattern where hidden files, other cases or whole trees may match it too, or nothing at all be left of it. */
export function oddly(word: Word): Word {
  const { glob, ...rest } = word;
  if (glob === undefined) return word;
  const segments = glob.split("/").map((segment) => (PATTERN.test(segment) ? HOLE : segment));
  return {
    ...rest,
    text: segments.join("/").replace(/\\(.)/gs, "$1"),
    unknown: word.unknown ?? "glob",
    guess: seeming(word),
    maySplit: true,
    mayVanish: true,
  };
}
