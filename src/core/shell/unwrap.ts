import { absolute, baseOf } from "../call/path.ts";
import type { Span } from "../call/call.ts";
import { HOLE, type Word, isKnown, literalWord, seeming } from "../call/word.ts";
import type { Inner, Reading } from "../knowledge/reading.ts";
import { unknownReading } from "../knowledge/reading.ts";
import { type ShellState, childState, positional, withGuesses } from "./environment.ts";
import type { Assigned } from "./script.ts";
import { strayPaths } from "./strays.ts";
import { type Collection, DEEPEST, type Place, stringsOf } from "./collection.ts";

/** Variables that switch options of the shells below. */
const OPTIONS: ReadonlySet<string> = new Set(["BASHOPTS", "SHELLOPTS", "GLOBIGNORE", "BASH_ENV", "ENV"]);

/**
 * Files one argument vector as an invocation, reads it with the tables and goes on into every
 * command it runs. Returns the invocation's id.
 */
export function unwrap(
  into: Collection,
  words: readonly Word[],
  assigned: readonly Assigned[],
  state: ShellState,
  place: Place,
  span: Span,
): number {
  const id = into.invocations.length;
  if (place.guess === true) into.guessedCommands++;
  const understood = read(into, words, place);
  const strays = strayPaths(words, understood);
  const reading =
    strays.length === 0 ? understood : { ...understood, effects: [...understood.effects, ...strays] };
  into.invocations.push({
    id,
    parent: place.parent,
    nesting: place.guess === true ? "code" : place.nesting,
    guessed: place.guess,
    tried: place.tried,
    words,
    assigned,
    span,
    directories: state.directories,
    pipe: place.pipe,
    background: place.background,
    remote: place.remote,
    reading,
  });
  const names = [
    ...assigned.map(({ name }) => name),
    ...reading.assignments.map(({ text }) => text.split("=")[0]),
  ];
  const told = names.some((name) => name !== undefined && OPTIONS.has(name))
    ? { ...state, options: true }
    : state;
  if (place.depth < DEEPEST) for (const inner of reading.inner) follow(into, inner, id, told, place, span);
  else if (reading.inner.length > 0 && place.guess !== true)
    into.doubts.push({ code: "cmd.unparsable", why: "commands are nested too deeply", span, unseen: true });
  return id;
}

function read(into: Collection, words: readonly Word[], place: Place): Reading {
  const [name, ...rest] = words;
  if (name === undefined) return unknownReading("", []);
  const base = baseOf(name.text);
  if (!isKnown(name) || name.text === "" || name.text.includes(HOLE)) {
    const plain = name.glob === undefined && base !== "" && !base.includes(HOLE);
    const reading = plain
      ? (partOfGit(into, base, rest, name.span) ?? into.tables.read(base, rest))
      : unknownReading(name.raw, rest);
    const why = `which command \`${name.raw || "…"}\` runs is not known`;
    const doubts = [...reading.doubts, { code: "cmd.dynamic" as const, why, span: name.span }];
    return { ...reading, class: undefined, doubts };
  }
  // In prose and code many a word begins with a capital.
  const prose = place.guess === true || place.nesting === "code";
  const usual =
    prose || into.tables.entry(base) !== undefined ? base : base.toLowerCase().replace(/\.exe$/, "");
  if (usual !== base && into.tables.entry(usual) !== undefined) {
    // Where names of files differ in case only, `RM` is `rm`; elsewhere it is a program nobody knows.
    const reading = into.tables.read(usual, rest);
    const why = `\`${name.raw}\` is \`${usual}\` on some systems, and not known on others`;
    const doubts = [...reading.doubts, { code: "cmd.not-in-tables" as const, why, span: name.span }];
    return { ...reading, class: undefined, doubts };
  }
  const part = partOfGit(into, base, rest, name.span);
  if (part !== undefined) {
    const why = `\`${name.raw}\` is a part of git that is run by itself`;
    const doubts = [...part.doubts, { code: "cmd.not-in-tables" as const, why, span: name.span }];
    return { ...part, class: undefined, doubts };
  }
  const reading = into.tables.read(base, rest);
  if (!name.text.includes("/") || /^\/(?:usr\/)?bin\/[^/]+$/.test(name.text)) return reading;
  // A path is not an identity: `./ls` is whatever lies there.
  const why = `\`${name.raw}\` is a program at a path of its own`;
  return {
    ...reading,
    class: undefined,
    doubts: [...reading.doubts, { code: "cmd.not-in-tables", why, span: name.span }],
  };
}

/** `git-push` does what `git push` does, where it is installed. */
function partOfGit(into: Collection, base: string, rest: readonly Word[], span: Span): Reading | undefined {
  const sub = into.tables.entry(base) === undefined ? /^git-([a-z-]+)$/.exec(base)?.[1] : undefined;
  return sub === undefined ? undefined : into.tables.read("git", [literalWord(sub, span), ...rest]);
}

function follow(
  into: Collection,
  inner: Inner,
  parent: number,
  state: ShellState,
  place: Place,
  span: Span,
): void {
  const remote = place.remote || (inner.kind !== "code" && inner.remote === true);
  const below: Place = {
    ...place,
    parent,
    depth: place.depth + 1,
    pipe: undefined,
    background: place.background,
    remote,
  };
  switch (inner.kind) {
    case "argv": {
      const wrapped: Place = { ...below, nesting: "wrapped", pipe: place.pipe };
      const there = moved(state, inner.bases);
      unwrap(into, inner.words, [], there, wrapped, span);
      // `env` takes every word with a `=` for an assignment, be it no name: what follows runs too.
      const program = inner.words.findIndex(({ text }) => !text.includes("="));
      if (program > 0) unwrap(into, inner.words.slice(program), [], there, wrapped, span);
      return;
    }
    case "shell": {
      const { word } = inner;
      const anchor = place.anchor ?? word.span;
      if (!isKnown(word) && place.guess !== true) {
        into.doubts.push({
          code: "cmd.dynamic",
          why: `the text a shell runs is not known: \`${word.raw}\``,
          span: anchor,
        });
      }
      const words = into.invocations[parent]?.words ?? [];
      const before = words.slice(1, Math.max(words.indexOf(word), 1));
      const options = state.options === true || before.some(({ text }) => /^[-+][A-Za-z]*O/.test(text));
      const child = { ...childState(moved(state, inner.bases)), options };
      const there = withGuesses(child, wordsBehind(words, word));
      // A pattern in the text was matched before the shell gets it, whatever quotes stand around it there.
      const text = word.glob === undefined ? word.text : seeming(word);
      into.script(text.replaceAll(HOLE, "$_"), there, {
        ...below,
        nesting: "script",
        anchor,
      });
      return;
    }
    case "code":
      for (const text of stringsOf(inner.word.text)) {
        into.script(text, childState(state), {
          ...below,
          nesting: "code",
          anchor: place.anchor ?? inner.word.span,
        });
      }
      return;
  }
}

/** `sh -c TEXT NAME ARGUMENT…`: what the text finds in `$0`, `$1`, `$@`. */
function wordsBehind(words: readonly Word[], text: Word): ReadonlyMap<string, string> {
  const at = words.indexOf(text);
  const [name, ...rest] = at === -1 ? [] : words.slice(at + 1).map(seeming);
  return name === undefined ? new Map() : positional(name, rest);
}

/** The state after `-C dir` and the like. */
function moved(state: ShellState, bases: readonly Word[]): ShellState {
  let directories = state.directories;
  for (const base of bases) {
    directories = isKnown(base) ? directories?.map((directory) => absolute(directory, base.text)) : undefined;
    if (isKnown(base) && base.text.startsWith("/")) directories = [base.text];
  }
  return directories === state.directories ? state : { ...state, directories };
}
