import type { Span } from "../call/call.ts";
import { HOLE, type Word, guessedWord } from "../call/word.ts";
import { type Collection, DEEPEST, type Place, mayGuess, stringsOf } from "./collection.ts";
import { type ShellState, childState } from "./environment.ts";
import { recipesIn } from "./embedded.ts";
import { filePatch, isPatcher } from "./patches.ts";
import type { Invocation } from "./script.ts";
import { unwrap } from "./unwrap.ts";

/** Most lines of known input that are handed to `xargs`, each a command of its own. */
const MOST_LINES = 50;
/** Most words of known input that are handed on. */
const MOST_WORDS = 1_000;

/** True for a command that runs what it reads, or runs something on it. */
export function isReader(invocation: Invocation): boolean {
  const name = invocation.reading.path[0];
  return (
    invocation.reading.stdin !== undefined ||
    name === "xargs" ||
    name === "parallel" ||
    isPatcher(invocation) ||
    readsRecipes(invocation) ||
    readsItself(invocation)
  );
}

/** `make -f -` and `crontab -`: lines of their input are commands. */
function readsRecipes({ reading }: Invocation): boolean {
  const name = reading.path[0];
  if (name === "crontab") return true;
  const file = reading.options.get("--file")?.at(-1)?.text ?? reading.options.get("--makefile")?.at(-1)?.text;
  return name === "make" && /^(?:-|\/dev\/stdin|\/dev\/fd\/0)$/.test(file ?? "");
}

/** `. /dev/stdin`, `bash /dev/fd/0`: a shell whose file is its input. */
function readsItself({ reading }: Invocation): boolean {
  const [file] = reading.operands;
  return (
    /^(?:\.|source|(?:ba|da|z|k|a)?sh)$/.test(reading.path[0] ?? "") &&
    /^(?:-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/self\/fd\/0)$/.test(file?.text ?? "")
  );
}

/** `echo / | xargs rm -rf`: the command with the words it would get; a guess, as options of xargs are not followed. */
function handWords(
  into: Collection,
  reader: Invocation,
  text: string,
  state: ShellState,
  place: Place,
): void {
  const below: Place = { ...place, parent: reader.id, depth: place.depth + 1, guess: true };
  if (below.depth >= DEEPEST || !mayGuess(into)) return;
  if (reader.reading.inner.length === 0 && reader.reading.path[0] === "parallel")
    return into.script(text, state, below);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  for (const inner of reader.reading.inner) {
    if (inner.kind !== "argv") continue;
    if (lines.length > MOST_LINES) into.cut = true;
    for (const line of lines.slice(0, MOST_LINES)) {
      const words = inner.words.flatMap((word): readonly Word[] => {
        if (word.unknown !== "input") return [word];
        if (!word.maySplit) return [guessedWord(word.text.replaceAll(HOLE, line), word.span)];
        const pieces = text.split(/\s+/).filter((piece) => piece !== "");
        if (pieces.length > MOST_WORDS) into.cut = true;
        return pieces.slice(0, MOST_WORDS).map((piece) => guessedWord(piece, word.span));
      });
      if (words.length > 0) unwrap(into, words, [], state, below, reader.span);
    }
  }
}

/**
 * Goes on into text that an interpreter is handed on its standard input: a shell runs it as a
 * script; of another language's code only the string literals can be command lines.
 */
export function feedText(
  into: Collection,
  reader: Invocation,
  text: string,
  state: ShellState,
  place: Place,
  anchor: Span,
): void {
  if (reader.reading.path[0] === "xargs" || reader.reading.path[0] === "parallel")
    return handWords(into, reader, text, state, place);
  if (isPatcher(reader)) return filePatch(into, reader, text, state, place);
  if (readsRecipes(reader)) {
    const below: Place = {
      ...place,
      parent: reader.id,
      depth: place.depth + 1,
      guess: true,
      pipe: undefined,
    };
    for (const line of recipesIn(reader.reading.path[0] ?? "", text))
      if (mayGuess(into)) into.script(line, childState(state), { ...below, anchor: anchor });
    return;
  }
  const shell = reader.reading.stdin === "shell" || readsItself(reader);
  if (reader.reading.stdin === undefined && !shell) return;
  const below: Place = {
    ...place,
    guess: place.guess === true || reader.nesting === "code",
    parent: reader.id,
    depth: place.depth + 1,
    anchor: place.anchor ?? anchor,
    pipe: undefined,
  };
  if (shell) {
    into.script(text, childState(state), { ...below, nesting: "script" });
    return;
  }
  into.fed.push({ part: reader.id, text, span: anchor });
  for (const piece of stringsOf(text)) into.script(piece, childState(state), { ...below, nesting: "code" });
}
