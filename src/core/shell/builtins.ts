import { absolute, normalise } from "../call/path.ts";
import { type Word, isKnown, seeming } from "../call/word.ts";
import type { Collection } from "./collection.ts";
import {
  type After,
  type ShellState,
  inDirectories,
  mergeStates,
  HERE,
  positional,
  setVariable,
  withGuesses,
} from "./environment.ts";
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
    case "break":
    case "continue":
      into.left.push(state);
      return unchanged;
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
    for (const { name: variable, value, guess } of inline) next = setVariable(next, variable, value, guess);
    // `export "x=1"` is an assignment too, though none to the parser.
    const settings = rest.filter((word) => !isKnown(word) || word.text.includes("="));
    if (settings.length > inline.length)
      for (const word of settings)
        next = isKnown(word)
          ? setVariable(next, word.text.replace(/[+=[].*$/s, ""), undefined)
          : { ...next, anyVariable: true };
    return { success: next, failure: mergeStates(state, next) };
  }
  if (SETS.has(name.text)) {
    if (name.text === "printf") {
      const format = rest.find((word) => word.text !== "--");
      if (format !== undefined && /%[^a-zA-Z%]*n/.test(format.text.replaceAll("%%", "")))
        into.doubts.push({
          code: "cmd.variable",
          why: "printf with `%n` sets a variable",
          span: format.span,
        });
      else if (rest[0]?.text.startsWith("-v") !== true) return unchanged;
    }
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
    const kept = name.text === "set" || name.text === "shopt" || name.text === "alias";
    const arguments_ = name.text === "set" ? rest.slice(rest[0]?.text === "--" ? 1 : 0) : [];
    const lost: ShellState = {
      directories: kept ? state.directories : undefined,
      variables: state.variables,
      anyVariable: true,
      guesses: new Map([
        ...state.guesses,
        ...(arguments_.length === 0 ? [] : positional("bash", arguments_.map(seeming))),
      ]),
    };
    return { success: lost, failure: lost };
  }
  return unchanged;
}

/** `builtin cd x` and `command -p command cd x` are `cd x`. */
function stripBuiltin(words: readonly Word[]): readonly Word[] {
  let rest = words;
  while (rest.length > 1 && (rest[0]?.text === "builtin" || rest[0]?.text === "command")) {
    rest = rest.slice(1);
    while (rest[0]?.text.startsWith("-") === true) rest = rest.slice(1);
  }
  return rest;
}

function changeDirectory(into: Collection, words: readonly Word[], state: ShellState): After {
  const operands = words.filter(
    (word, at) => !(/^-[LPe@]+$/.test(word.text) || (word.text === "--" && at < 3)),
  );
  const [target] = operands;
  const home = into.home;
  const unknown: After = { success: inDirectories(state, undefined), failure: state };
  if (operands.length > 1 || state.variables.has("CDPATH")) return unknown;
  if (target === undefined && state.variables.has("HOME")) return unknown;
  if (target !== undefined && (!isKnown(target) || target.text === "-" || /^\+?\d+$/.test(target.text))) {
    const guess =
      target.guess === undefined ? undefined : absolute(state.directories?.[0] ?? "/", target.guess);
    const there = new Map(guess === undefined ? [] : [[HERE, guess] as const]);
    return { ...unknown, success: withGuesses(unknown.success, there) };
  }
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
