import { absolute, normalise } from "../call/path.ts";
import { HOLE, type Word, isKnown, seeming } from "../call/word.ts";
import type { Collection } from "./collection.ts";
import {
  type After,
  type ShellState,
  inDirectories,
  mergeStates,
  positional,
  seemingDirectories,
  setVariable,
  somewhere,
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
const ANYTHING: ReadonlySet<string> = new Set(["eval", "source", ".", "trap", "enable", "alias"]);

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
      return { success: somewhere(state), failure: state };
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
  if (name.text === "set") {
    const { known, operands } = optionsOfSet(rest);
    const given =
      operands.length === 0 ? state : withGuesses(state, positional("bash", operands.map(seeming)));
    const next = known ? given : { ...given, anyVariable: true };
    return { success: next, failure: next };
  }
  if (name.text === "shopt") {
    const options = rest.some((word) => !isKnown(word) || MATCHING.test(word.text));
    const anyVariable = rest.some(
      (word) => !isKnown(word) || /^(?:lastpipe|expand_aliases)$/.test(word.text),
    );
    const next = {
      ...state,
      options: state.options === true || options,
      anyVariable: state.anyVariable || anyVariable,
    };
    return { success: next, failure: next };
  }
  if (ANYTHING.has(name.text)) {
    const kept = name.text === "alias";
    const lost: ShellState = { ...(kept ? state : somewhere(state)), anyVariable: true };
    return { success: lost, failure: lost };
  }
  return unchanged;
}

/** Options of `shopt` with which patterns match otherwise, or `cd x` goes where a variable says. */
const MATCHING =
  /^(?:dotglob|nocaseglob|nullglob|globstar|globasciiranges|globskipdots|cdable_vars|cdspell|compat\d+)$/;

/** Options of `set` that end or trace a script and change nothing else: -e, -u, -x and their like. */
const PLAIN_FLAGS = /^[-+][ehuvxCETbm]+$/;
const PLAIN_NAMES =
  /^(?:errexit|nounset|pipefail|xtrace|verbose|noclobber|errtrace|functrace|hashall|notify|monitor|ignoreeof)$/;

/** Whether `set` does nothing but switch such options and replace `$1`, `$2`, …; and what it makes of these. */
function optionsOfSet(words: readonly Word[]): {
  readonly known: boolean;
  readonly operands: readonly Word[];
} {
  let known = true;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined || word.text === "--") return { known, operands: words.slice(at + 1) };
    if (isKnown(word) && !/^[-+]./.test(word.text)) return { known, operands: words.slice(at) };
    const named = /^[-+][a-zA-Z]*o$/.test(word.text);
    const flags = named ? word.text.slice(0, -1) : word.text;
    known = known && isKnown(word) && (flags.length < 2 || PLAIN_FLAGS.test(flags));
    if (!named) continue;
    const name = words[++at];
    known = known && (name === undefined || (isKnown(name) && PLAIN_NAMES.test(name.text)));
  }
  return { known, operands: [] };
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
  const unknown: After = { success: somewhere(state), failure: state };
  if (operands.length > 1 || state.variables.has("CDPATH")) return unknown;
  if (target === undefined && state.variables.has("HOME")) return unknown;
  if (target !== undefined && (!isKnown(target) || target.text === "-" || /^\+?\d+$/.test(target.text))) {
    const guess = seeming(target);
    if (guess.includes(HOLE) || guess === "-") return unknown;
    return { ...unknown, success: somewhere(state, reachedFrom(state, guess)) };
  }
  const path = target === undefined ? home : target.text;
  if (path.startsWith("/")) {
    into.movesTo.add(normalise(path));
    return { success: inDirectories(state, [normalise(path)]), failure: state };
  }
  if (state.directories === undefined || (state.options === true && !/^\.\.?(?:\/|$)/.test(path)))
    return { ...unknown, success: somewhere(state, reachedFrom(state, path)) };
  const reached = state.directories.map((directory) => normalise(absolute(directory, path)));
  for (const directory of reached) into.movesTo.add(directory);
  return { success: inDirectories(state, reached), failure: state };
}

/** Where `cd PATH` seems to lead. */
function reachedFrom(state: ShellState, path: string): readonly string[] {
  if (path.startsWith("/")) return [normalise(path)];
  const held = state.variables.get(path) ?? state.guesses.get(path) ?? "";
  return [
    ...(state.options === true && held.startsWith("/") ? [normalise(held)] : []),
    ...seemingDirectories(state).flatMap((directory) =>
      [path, ...(state.options === true && held !== "" ? [held] : [])].map((each) =>
        normalise(absolute(directory, each)),
      ),
    ),
  ];
}
