import { absolute, baseOf } from "../call/path.ts";
import type { Span } from "../call/call.ts";
import { HOLE, type Word, isKnown } from "../call/word.ts";
import type { Inner, Reading } from "../knowledge/reading.ts";
import { unknownReading } from "../knowledge/reading.ts";
import { type ShellState, childState } from "./environment.ts";
import type { Assigned } from "./script.ts";
import { type Collection, DEEPEST, type Place, stringsOf } from "./collection.ts";

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
  const reading = read(into, words);
  into.invocations.push({
    id,
    parent: place.parent,
    nesting: place.nesting,
    words,
    assigned,
    span,
    directories: state.directories,
    pipe: place.pipe,
    background: place.background,
    remote: place.remote,
    reading,
  });
  if (place.depth < DEEPEST) for (const inner of reading.inner) follow(into, inner, id, state, place, span);
  else if (reading.inner.length > 0)
    into.doubts.push({ code: "cmd.unparsable", why: "commands are nested too deeply", span });
  return id;
}

function read(into: Collection, words: readonly Word[]): Reading {
  const [name, ...rest] = words;
  if (name === undefined) return unknownReading("", []);
  if (!isKnown(name) || name.text === "" || name.text.includes(HOLE)) {
    const reading = unknownReading(name.raw, rest);
    return {
      ...reading,
      doubts: [
        {
          code: "cmd.dynamic",
          why: `which command \`${name.raw || "…"}\` runs is not known`,
          span: name.span,
        },
      ],
    };
  }
  const reading = into.tables.read(baseOf(name.text), rest);
  if (!name.text.includes("/") || /^\/(?:usr\/)?bin\/[^/]+$/.test(name.text)) return reading;
  // A path is not an identity: `./ls` is whatever lies there.
  const why = `\`${name.raw}\` is a program at a path of its own`;
  return {
    ...reading,
    class: undefined,
    doubts: [...reading.doubts, { code: "cmd.not-in-tables", why, span: name.span }],
  };
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
      if (!isKnown(word)) {
        into.doubts.push({
          code: "cmd.dynamic",
          why: `the text a shell runs is not known: \`${word.raw}\``,
          span: anchor,
        });
      }
      into.script(word.text.replaceAll(HOLE, "$_"), childState(moved(state, inner.bases)), {
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

/** The state after `-C dir` and the like. */
function moved(state: ShellState, bases: readonly Word[]): ShellState {
  let directories = state.directories;
  for (const base of bases) {
    directories = isKnown(base) ? directories?.map((directory) => absolute(directory, base.text)) : undefined;
    if (isKnown(base) && base.text.startsWith("/")) directories = [base.text];
  }
  return directories === state.directories ? state : { ...state, directories };
}
