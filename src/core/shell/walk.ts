import type * as Bash from "unbash";
import { forEachChild } from "unbash";
import { HOLE, type Word, literalWord } from "../call/word.ts";
import { changeState } from "./builtins.ts";
import { type After, type ShellState, mergeStates, sameState, setVariable } from "./environment.ts";
import { feedText } from "./feed.ts";
import { parseCommand } from "./parse.ts";
import { type Collection, DEEPEST, type Place } from "./collection.ts";
import type { Assigned } from "./script.ts";
import { unwrap } from "./unwrap.ts";
import { type Surroundings, expandValue, expandWord } from "./words.ts";

/** Most invocations that are followed; a text with more is a doubt. */
const MOST = 2_000;
/** How often the body of one loop is walked to see what it changes, and how often all bodies are. */
const ROUNDS = 8;
const MOST_ROUNDS = 100;
/** How many ways out of the middle of a loop are told apart. */
const MOST_LEAVES = 64;

const both = (state: ShellState): After => ({ success: state, failure: state });
const unknown = (state: ShellState): ShellState => ({ ...state, directories: undefined, anyVariable: true });
const joined = (after: After): ShellState => mergeStates(after.success, after.failure);

/** Walks a text that is a script of its own, such as the argument of `sh -c`. */
export function walkText(into: Collection, text: string, state: ShellState, place: Place): void {
  if (place.depth >= DEEPEST) {
    into.doubts.push({ code: "cmd.unparsable", why: "scripts are nested too deeply", span: place.anchor });
    return;
  }
  const parsed = parseCommand(text);
  if (place.nesting !== "code") {
    for (const doubt of parsed.doubts) into.doubts.push({ ...doubt, span: place.anchor ?? doubt.span });
  }
  if (parsed.script !== undefined) walkStatements(into, parsed.script.commands, state, place);
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
      node.commands.forEach((command, stage) => {
        walkNode(into, command, state, { ...place, pipe: { pipeline, stage, stages: node.commands.length } });
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
      const around = { state, home: into.home };
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
      into.assigned.push({ name, value: known, span: place.anchor ?? { start: pos, end } });
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
    case "Coproc":
    case "Select":
    case "ArithmeticFor":
    case "TestCommand":
    case "ArithmeticCommand":
      if (node.type === "TestCommand") into.tests++;
      // Each is a doubt of its own, or runs nothing but substitutions; what is inside is still looked at.
      walkInside(into, node, state, place);
      return both(state);
  }
}

/**
 * Repeats a body until its entry state no longer changes; what each round collects but the last is
 * dropped. A body that does not settle is walked a last time in a state of which nothing is known.
 */
function stable(into: Collection, start: ShellState, body: (entry: ShellState) => ShellState): ShellState {
  let entry = start;
  // `break 2` leaves the outer loop too, so no loop takes away what it finds here.
  const left = into.left.length;
  const walked = (from: ShellState): ShellState => {
    const exit = mergeStates(from, body(from));
    const leaves = into.left.slice(left);
    return leaves.length > MOST_LEAVES ? unknown(exit) : leaves.reduce(mergeStates, exit);
  };
  const lists = [into.invocations, into.redirects, into.assigned, into.doubts, into.fed, into.left];
  for (let round = 0; round < ROUNDS && into.rounds++ < MOST_ROUNDS; round++) {
    const marks = lists.map((list) => list.length);
    const exit = walked(entry);
    if (sameState(exit, entry)) return exit;
    entry = exit;
    lists.forEach((list, at) => list.splice(marks[at] ?? 0));
  }
  return walked(unknown(entry));
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
  const around: Surroundings = { state, home: into.home };
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
    to.push({ name: child.name, value, span: place.anchor ?? { start: child.pos, end: child.end } });
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

  if (into.invocations.length >= MOST) {
    if (into.invocations.length === MOST)
      into.doubts.push({ code: "cmd.too-long", why: `more than ${MOST} commands in one call`, span });
    return both(state);
  }
  if (words.length === 0) {
    walkRedirects(into, node.redirects, state, place, undefined, into.invocations.length);
    into.assigned.push(...assigned);
    let next = state;
    for (const { name, value } of assigned) next = setVariable(next, name, value);
    return node.redirects.length === 0 ? both(next) : both(mergeStates(state, next));
  }
  const id = unwrap(into, words, assigned, state, { ...place, anchor: place.anchor }, span);
  walkRedirects(into, node.redirects, state, place, id, id);
  return changeState(into, words, inline, state);
}

function walkRedirects(
  into: Collection,
  redirects: readonly Bash.Redirection[],
  state: ShellState,
  place: Place,
  part: number | undefined,
  since: number,
): void {
  const around: Surroundings = { state, home: into.home };
  // A program that a wrapper or a script inside the command starts reads the same input.
  const readers = into.invocations.slice(since).filter(({ reading }) => reading.stdin !== undefined);
  const feed = (text: string | undefined): void => {
    if (text === undefined) return;
    for (const reader of readers) feedText(into, reader, text, state, place, reader.span);
  };
  for (const redirect of redirects) {
    const span = place.anchor ?? { start: redirect.pos, end: redirect.end };
    if (redirect.type === "HereString") {
      if (redirect.target !== undefined) {
        walkSubstitutions(into, redirect.target, state, place);
        feed(expandWord(redirect.target, around)[0]?.text);
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
        into.redirects.push({ part, action, word, directories: state.directories, span, append });
      }
    }
  }
}
