import type * as Bash from "unbash";
import { forEachChild } from "unbash";
import { HOLE, type Word, literalWord } from "../call/word.ts";
import { changeState } from "./builtins.ts";
import {
  type After,
  type ShellState,
  mergeStates,
  seemingPlace,
  setVariable,
  withGuesses,
} from "./environment.ts";
import { feedText, isReader } from "./feed.ts";
import { noteWritten, walkGuesses } from "./guesses.ts";
import { guessedWords, outputsOf, processOutputs, storedBy, surroundings } from "./output.ts";
import { parseCommand, piecesOf } from "./parse.ts";
import { type Collection, DEEPEST, MOST_GUESSED_COMMANDS, type Place } from "./collection.ts";
import type { Assigned } from "./script.ts";
import { stable } from "./stable.ts";
import { tryWords } from "./tries.ts";
import { unwrap } from "./unwrap.ts";
import { expandValue, expandWord, guessValue } from "./words.ts";

/** Most invocations that are followed; a text with more is a doubt. */
const MOST = 2_000;

const both = (state: ShellState): After => ({ success: state, failure: state });
const joined = (after: After): ShellState => mergeStates(after.success, after.failure);

/** Walks the body of a function where it is called. */
export function walkBody(
  into: Collection,
  body: Bash.Function["body"],
  state: ShellState,
  place: Place,
): void {
  if (body.type === "CompoundList") walkStatements(into, body.commands, state, place);
  else walkNode(into, body, state, place);
}

/** Walks a text that is a script of its own, such as the argument of `sh -c`. */
export function walkText(into: Collection, text: string, state: ShellState, place: Place): void {
  if (place.depth >= DEEPEST) {
    const why = "scripts are nested too deeply";
    if (place.guess === true) into.cut = true;
    else into.doubts.push({ code: "cmd.unparsable", why, span: place.anchor, unseen: true });
    return;
  }
  const parsed = parseCommand(text);
  if (place.nesting !== "code" && place.guess !== true) {
    for (const doubt of parsed.doubts) into.doubts.push({ ...doubt, span: place.anchor ?? doubt.span });
  }
  if (parsed.script !== undefined) walkStatements(into, parsed.script.commands, state, place);
  const broken = (parsed.script?.errors?.length ?? 0) > 0;
  if (broken || parsed.script?.commands.length === 0)
    for (const piece of piecesOf(text)) {
      const { script } = parseCommand(piece);
      const below = { ...place, depth: place.depth + 1, pipe: undefined, guess: true };
      if (script !== undefined) walkStatements(into, script.commands, state, below);
    }
}

export function walkStatements(
  into: Collection,
  statements: readonly Bash.Statement[],
  state: ShellState,
  place: Place,
): After {
  let now = both(state);
  for (const statement of statements) {
    const start = joined(now);
    const after = walkNode(into, statement.command, start, {
      ...place,
      background: place.background || statement.background === true,
    });
    now = statement.background === true ? both(start) : after;
  }
  return now;
}

function walkNode(
  into: Collection,
  node: Bash.PipelineNode | Bash.AndOr,
  state: ShellState,
  place: Place,
): After {
  switch (node.type) {
    case "AndOr": {
      const [first, ...rest] = node.commands;
      let now: After = first === undefined ? both(state) : walkNode(into, first, state, place);
      rest.forEach((command, at) => {
        const and = node.operators[at] === "&&";
        const after = walkNode(into, command, and ? now.success : now.failure, place);
        now = and
          ? { success: after.success, failure: mergeStates(now.failure, after.failure) }
          : { success: mergeStates(now.success, after.success), failure: after.failure };
      });
      return now;
    }
    case "Pipeline": {
      const [only] = node.commands;
      if (node.commands.length === 1 && only !== undefined) {
        const after = walkNode(into, only, state, place);
        const negated = node.prefixes.filter((prefix) => prefix.type === "Negation").length % 2 === 1;
        return negated ? { success: after.failure, failure: after.success } : after;
      }
      const pipeline = into.nextPipeline++;
      const printed = outputsOf(node.commands, surroundings(into.home, state));
      node.commands.forEach((command, stage) => {
        const since = into.invocations.length;
        walkNode(into, command, state, { ...place, pipe: { pipeline, stage, stages: node.commands.length } });
        const readers = stage === 0 ? [] : into.invocations.slice(since).filter(isReader);
        const text = readers.length === 0 ? undefined : printed(stage);
        if (text === undefined) return;
        for (const reader of readers)
          feedText(into, reader, text, state, { ...place, guess: true }, reader.span);
      });
      return both(state);
    }
    case "Command":
      return walkCommand(into, node, state, place);
    case "Redirected": {
      const since = into.invocations.length;
      const after = walkNode(into, node.command, state, place);
      walkRedirects(into, node.redirects, state, place, undefined, since);
      // Where a redirect fails, nothing of it runs.
      return { success: after.success, failure: mergeStates(after.failure, state) };
    }
    case "Subshell":
      walkStatements(into, node.body.commands, state, place);
      return both(state);
    case "BraceGroup":
      return walkStatements(into, node.body.commands, state, place);
    case "If": {
      const condition = walkStatements(into, node.clause.commands, state, place);
      let out = joined(walkStatements(into, node.then.commands, condition.success, place));
      let failed = condition.failure;
      for (const branch of node.elif) {
        const tested = walkStatements(into, branch.clause.commands, failed, place);
        out = mergeStates(out, joined(walkStatements(into, branch.then.commands, tested.success, place)));
        failed = tested.failure;
      }
      const last =
        node.else === undefined ? failed : joined(walkStatements(into, node.else.commands, failed, place));
      return both(mergeStates(out, last));
    }
    case "While":
      return both(
        stable(into, state, (entry) => {
          const condition = walkStatements(into, node.clause.commands, entry, place);
          const body = walkStatements(
            into,
            node.body.commands,
            node.kind === "while" ? condition.success : condition.failure,
            place,
          );
          return mergeStates(joined(condition), joined(body));
        }),
      );
    case "For": {
      const around = surroundings(into.home, state);
      const words = (node.wordlist ?? []).flatMap((word) => {
        walkSubstitutions(into, word, state, place);
        return expandWord(word, around);
      });
      const [single] = words;
      const known =
        words.length === 1 && single?.unknown === undefined && single?.glob === undefined
          ? single?.text
          : undefined;
      const { value: name, pos, end } = node.name;
      if (place.guess !== true)
        into.assigned.push({ name, value: known, span: place.anchor ?? { start: pos, end } });
      if (known === undefined) tryWords(into, node, words, state, place);
      return both(
        stable(into, setVariable(state, node.name.value, known), (entry) => {
          const body = walkStatements(
            into,
            node.body.commands,
            setVariable(entry, node.name.value, known),
            place,
          );
          return mergeStates(entry, joined(body));
        }),
      );
    }
    case "Case": {
      walkSubstitutions(into, node.word, state, place);
      let out = state;
      for (const item of node.items) {
        for (const pattern of item.pattern) walkSubstitutions(into, pattern, state, place);
        out = mergeStates(
          out,
          joined(walkStatements(into, item.body.commands, mergeStates(state, out), place)),
        );
      }
      return both(out);
    }
    case "Function":
      into.functions.set(node.name.text, node.body);
      walkInside(into, node, state, place);
      return both(state);
    case "Select":
      walkInside(into, node, state, place);
      tryWords(
        into,
        node,
        (node.wordlist ?? []).flatMap((word) => expandWord(word, surroundings(into.home, state))),
        state,
        place,
      );
      return both(state);
    case "Coproc":
    case "ArithmeticFor":
    case "TestCommand":
    case "ArithmeticCommand":
      if (node.type === "TestCommand") into.tests++;
      // Each is a doubt of its own, or runs nothing but substitutions; what is inside is still looked at.
      walkInside(into, node, state, place);
      return both(state);
  }
}

/** Walks every command below a node whose order of running is not followed. */
function walkInside(into: Collection, node: Bash.SyntaxNode, state: ShellState, place: Place): void {
  forEachChild(node, (child) => {
    if (child.type === "Statement")
      walkStatements(into, [child], { ...state, directories: undefined }, place);
    else if (child.type === "Command") walkCommand(into, child, state, place);
    else if (child.type === "Script")
      walkStatements(into, child.commands, state, { ...place, pipe: undefined });
    else if (child.type === "Redirect" || child.type === "HereDoc" || child.type === "HereString")
      walkRedirects(into, [child], state, place, undefined, into.invocations.length);
    else walkInside(into, child, state, place);
  });
}

/** Walks the scripts of every substitution below a word, assignment or here-document. */
function walkSubstitutions(into: Collection, node: Bash.SyntaxNode, state: ShellState, place: Place): void {
  const seek = (child: Bash.SyntaxNode): void => {
    if (
      (child.type === "CommandExpansion" ||
        child.type === "ProcessSubstitution" ||
        child.type === "ArithmeticCommandExpansion") &&
      child.script
    ) {
      walkStatements(into, child.script.commands, state, { ...place, pipe: undefined, background: false });
      return;
    }
    forEachChild(child, seek);
  };
  if (node.type !== "Word" || node.parts !== undefined) seek(node);
}

function walkCommand(into: Collection, node: Bash.Command, state: ShellState, place: Place): After {
  if (place.guess === true && into.guessedCommands >= MOST_GUESSED_COMMANDS) {
    into.cut = true;
    return both(state);
  }
  const around = surroundings(into.home, state);
  const span = place.anchor ?? { start: node.pos, end: node.end };
  const assigned: Assigned[] = [];
  const words: Word[] = [];
  const inline: Assigned[] = [];
  const assign = (child: Bash.Assignment, to: Assigned[]): void => {
    walkSubstitutions(into, child, state, place);
    const value =
      child.value.type === "Word" && child.append !== true && child.index === undefined
        ? expandValue(child.value, around)
        : undefined;
    const guess = value === undefined ? guessValue(child.value, around) : undefined;
    to.push({ name: child.name, value, guess, span: place.anchor ?? { start: child.pos, end: child.end } });
  };
  for (const child of node.prefix) if (child.type === "Assignment") assign(child, assigned);
  for (const child of [node.name, ...node.args]) {
    if (child === undefined) continue;
    if (child.type === "Assignment") {
      assign(child, inline);
      const value = inline.at(-1)?.value;
      const known = literalWord(`${child.name}=${value ?? HOLE}`, { start: child.pos, end: child.end });
      words.push(
        value === undefined
          ? { ...known, raw: child.text, unknown: "variable" }
          : { ...known, raw: child.text },
      );
      continue;
    }
    walkSubstitutions(into, child, state, place);
    for (const word of expandWord(child, around))
      words.push(place.anchor === undefined ? word : { ...word, span: place.anchor });
  }

  const count = into.invocations.length - into.guessedCommands;
  if (count >= MOST) {
    if (count === MOST && place.guess !== true)
      into.doubts.push({ code: "cmd.too-long", why: `more than ${MOST} commands`, span, unseen: true });
    return both(state);
  }
  if (words.length === 0) {
    walkRedirects(into, node.redirects, state, place, undefined, into.invocations.length);
    if (place.guess !== true) into.assigned.push(...assigned);
    let next = state;
    for (const { name, value, guess } of assigned) next = setVariable(next, name, value, guess);
    return node.redirects.length === 0 ? both(next) : both(mergeStates(state, next));
  }
  const id = unwrap(into, words, assigned, state, { ...place, anchor: place.anchor }, span);
  const handed = processOutputs(node, around);
  noteWritten(into, node, around);
  walkGuesses(
    into,
    words,
    assigned,
    state,
    { ...place, parent: id, guess: true },
    span,
    handed,
    place.guess !== true,
  );
  walkRedirects(into, node.redirects, state, place, id, id);
  const after = changeState(into, words, inline, state);
  const stored = storedBy(words, node.redirects, around);
  return { success: withGuesses(after.success, stored), failure: after.failure };
}

function walkRedirects(
  into: Collection,
  redirects: readonly Bash.Redirection[],
  state: ShellState,
  place: Place,
  part: number | undefined,
  since: number,
): void {
  const around = surroundings(into.home, state);
  // A program that a wrapper or a script inside the command starts reads the same input.
  const readers = into.invocations.slice(since).filter(isReader);
  const feed = (text: string | undefined, there = place): void => {
    if (text === undefined) return;
    for (const reader of readers) feedText(into, reader, text, state, there, reader.span);
  };
  for (const redirect of redirects) {
    const span = place.anchor ?? { start: redirect.pos, end: redirect.end };
    if (redirect.type === "HereString") {
      if (redirect.target !== undefined) {
        walkSubstitutions(into, redirect.target, state, place);
        const [word] = expandWord(redirect.target, around);
        feed(word?.text);
        if (word?.guess !== undefined) feed(word.guess, { ...place, guess: true });
      }
      continue;
    }
    if (redirect.type === "HereDoc") {
      walkSubstitutions(into, redirect.body, state, place);
      feed(redirect.body.text);
      continue;
    }
    if (redirect.target === undefined) continue;
    walkSubstitutions(into, redirect.target, state, place);
    if (
      (redirect.operator === "<&" || redirect.operator === ">&") &&
      /^(?:\d+|-)$/.test(redirect.target.text)
    )
      continue;
    const targets = expandWord(redirect.target, around);
    const actions =
      redirect.operator === "<"
        ? (["read"] as const)
        : redirect.operator === "<>"
          ? (["read", "write"] as const)
          : (["write"] as const);
    for (const word of targets) {
      for (const action of actions) {
        const append = redirect.operator === ">>" || redirect.operator === "&>>";
        const effect = { part, action, directories: state.directories, span, append };
        const hint = place.guess === undefined ? {} : { hint: place.guess, tried: place.tried };
        into.redirects.push({ ...effect, word, ...hint });
        const [guessed] = guessedWords([word]) ?? [];
        const tried = place.tried === true || word.unknown === "glob";
        const { directories } = seemingPlace(state) ?? state;
        if (guessed !== undefined || directories !== state.directories)
          into.redirects.push({ ...effect, directories, word: guessed ?? word, hint: true, tried });
      }
    }
  }
}
