import { HOLE, isKnown } from "../call/word.ts";
import type { Tables } from "../knowledge/tables.ts";
import type { Collection, Place } from "./collection.ts";
import { type ShellState, startState } from "./environment.ts";
import { feedText } from "./feed.ts";
import type { Invocation, Script } from "./script.ts";
import { walkBody, walkText } from "./walk.ts";

/**
 * Says which commands a text would run, with which words, where, and what it would read, write
 * and change; and in `doubts`, what of that is not certain.
 *
 * INVARIANT: never throws, and an empty or unreadable text has a doubt. What could be extracted
 * from a doubtful text is there all the same, for the rules that deny.
 */
export function analyse(source: string, directory: string, home: string, tables: Tables): Script {
  const into: Collection = {
    tables,
    home,
    invocations: [],
    redirects: [],
    assigned: [],
    doubts: [],
    fed: [],
    movesTo: new Set(),
    nextPipeline: 0,
    tests: 0,
    rounds: 0,
    functions: new Map(),
    aliases: new Map(),
    written: new Map(),
    guessed: 0,
    guessedCommands: 0,
    guessedWords: 0,
    cut: false,
    left: [],
    script: (text, state, place) => walkText(into, text, state, place),
    body: (body, state, place) => walkBody(into, body, state, place),
  };
  const place: Place = { background: false, remote: false, depth: 0 };
  try {
    const state = startState(directory);
    walkText(into, source, state, place);
    followPipes(into, state);
  } catch (error) {
    // Only the stack can run out here; the text is then as good as not understood.
    if (!(error instanceof RangeError)) throw error;
    into.doubts.push({ code: "cmd.unparsable", why: "the command is nested too deeply", unseen: true });
  }
  if (into.cut) {
    const why = "more stands in variables, loops and substitutions than is followed";
    into.doubts.push({ code: "cmd.too-long", why, unseen: true });
  }
  if (
    into.tests === 0 &&
    into.invocations.length === 0 &&
    into.redirects.length === 0 &&
    into.assigned.length === 0
  ) {
    into.doubts.push({ code: "cmd.empty", why: "there is no command to run" });
  }
  return {
    source,
    invocations: into.invocations,
    redirects: into.redirects,
    assigned: into.assigned,
    doubts: into.doubts,
    fed: into.fed,
    movesTo: [...into.movesTo],
  };
}

/** `echo TEXT | sh` runs TEXT; anything else that is piped into an interpreter is not known. */
function followPipes(into: Collection, state: ShellState): void {
  for (const reader of into.invocations.slice()) {
    const { pipe, reading } = reader;
    if (reading.stdin === undefined || pipe === undefined || pipe.stage === 0) continue;
    const source = into.invocations.find(
      (other) =>
        other.pipe?.pipeline === pipe.pipeline &&
        other.pipe.stage === pipe.stage - 1 &&
        other.nesting !== "wrapped",
    );
    const text = source === undefined ? undefined : printed(source);
    if (text === undefined) continue;
    const place: Place = { background: reader.background, remote: reader.remote, depth: 0 };
    const here: ShellState = { ...state, directories: reader.directories };
    feedText(into, reader, text, here, place, source?.span ?? reader.span);
  }
}

/** What an `echo` or `printf` prints, as far as it is known. */
function printed(invocation: Invocation): string | undefined {
  const [name, ...rest] = invocation.words;
  if (name?.text !== "echo" && name?.text !== "printf") return undefined;
  const operands = rest.filter((word) => !/^-[neE]+$/.test(word.text));
  if (!operands.every(isKnown)) return operands.map((word) => word.text.replaceAll(HOLE, "$_")).join(" ");
  const text = operands.map((word) => word.text).join(" ");
  return text.replace(/\\n/g, "\n");
}
