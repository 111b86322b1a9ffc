import { absolute, normalise } from "../call/path.ts";
import { type Word, isKnown } from "../call/word.ts";
import type { Collection } from "./collection.ts";
import { type After, type ShellState, inDirectories, mergeStates, setVariable } from "./environment.ts";
import type { Assigned } from "./script.ts";

const DECLARES: ReadonlySet<string> = new Set(["export", "declare", "typeset", "local", "readonly"]);
const SETS: ReadonlySet<string> = new Set([
  "read",
  "readarray",
  "mapfile",
  "getopts",
  "unset",
  "let",
  "printf",
  "wait",
]);
const ANYTHING: ReadonlySet<string> = new Set([
  "eval",
  "source",
  ".",
  "trap",
  "enable",
  "alias",
  "set",
  "shopt",
]);

/** The shell's state after one of its own commands; every other command leaves it as it is. */
export function changeState(
  into: Collection,
  words: readonly Word[],
  inline: readonly Assigned[],
  state: ShellState,
): After {
  const [name, ...rest] = stripBuiltin(words);
  if (name === undefined || !isKnown(name)) return { success: state, failure: state };
  const unchanged: After = { success: state, failure: state };
  switch (name.text) {
    case "cd":
      return changeDirectory(into, rest, state);
    case "pushd":
      return changeDirectory(
        into,
        rest.filter((word) => word.text !== "-n"),
        state,
      );
    case "popd":
      return { success: inDirectories(state, undefined), failure: state };
    default:
  }
  if (DECLARES.has(name.text)) {
    let next = state;
    for (const { name: variable, value } of inline) next = setVariable(next, variable, value);
    for (const word of rest) if (!isKnown(word) && inline.length === 0) next = { ...next, anyVariable: true };
    return { success: next, failure: state };
  }
  if (SETS.has(name.text)) {
    if (name.text === "printf" && rest[0]?.text.startsWith("-v") !== true) return unchanged;
    let next = state;
    for (const word of rest) {
      if (isKnown(word))
        next = setVariable(next, word.text.replace(/^-v/, "").replace(/[=[].*$/s, ""), undefined);
      else next = { ...next, anyVariable: true };
    }
    const either = mergeStates(state, next);
    return { success: either, failure: either };
  }
  if (ANYTHING.has(name.text)) {
    const lost: ShellState = {
      directories:
        name.text === "set" || name.text === "shopt" || name.text === "alias" ? state.directories : undefined,
      variables: state.variables,
      anyVariable: true,
    };
    return { success: lost, failure: lost };
  }
  return unchanged;
}

/** `builtin cd x` and `command cd x` are `cd x`. */
function stripBuiltin(words: readonly Word[]): readonly Word[] {
  const [first, second] = words;
  if (first !== undefined && second !== undefined && (first.text === "builtin" || first.text === "command")) {
    return second.text.startsWith("-") ? words.slice(2) : words.slice(1);
  }
  return words;
}

function changeDirectory(into: Collection, words: readonly Word[], state: ShellState): After {
  const operands = words.filter(
    (word, at) => !(/^-[LPe@]+$/.test(word.text) || (word.text === "--" && at < 3)),
  );
  const [target] = operands;
  const home = into.home;
  const unknown: After = { success: inDirectories(state, undefined), failure: state };
  if (operands.length > 1) return unknown;
  if (target !== undefined && (!isKnown(target) || target.text === "-" || /^\+?\d+$/.test(target.text)))
    return unknown;
  const path = target === undefined ? home : target.text;
  if (path.startsWith("/")) {
    into.movesTo.add(normalise(path));
    return { success: inDirectories(state, [normalise(path)]), failure: state };
  }
  if (state.directories === undefined) return unknown;
  const reached = state.directories.map((directory) => normalise(absolute(directory, path)));
  for (const directory of reached) into.movesTo.add(directory);
  return { success: inDirectories(state, reached), failure: state };
}
