import type * as Bash from "unbash";
import { HOLE, type Word, guessedWord, seeming } from "../call/word.ts";
import { DEEPEST } from "./collection.ts";
import { filtered, formatted } from "./filters.ts";
import type { ShellState } from "./environment.ts";
import { type Surroundings, expandWord } from "./words.ts";

/**
 * What a script prints, as far as its text alone tells: `echo`, `printf`, `cat` of a here-document,
 * `which`, and what decodes, reverses or translates that.
 *
 * A guess: only rules that deny may look at it. Undefined where there is none.
 */
export function outputOf(script: Bash.Script | undefined, around: Surroundings): string | undefined {
  const [only, ...others] = script?.commands ?? [];
  if (only === undefined || others.length > 0) return undefined;
  const text = printedBy(only.command, undefined, around);
  return text?.replace(/\n+$/, "");
}

/** What words are expanded by; a substitution seems to print what its text tells. */
export function surroundings(home: string, state: ShellState, depth = 0): Surroundings {
  const printed = (part: Bash.CommandExpansionPart): string | undefined =>
    depth >= DEEPEST ? undefined : outputOf(part.script, surroundings(home, state, depth + 1));
  return { state, home, printed };
}

/** What a stage of a pipeline prints when it is handed `input`. */
export function printedBy(
  node: Bash.SyntaxNode,
  input: string | undefined,
  around: Surroundings,
): string | undefined {
  switch (node.type) {
    case "Pipeline":
      return outputsOf(node.commands, around)(node.commands.length);
    case "Command":
      return printedByCommand(node, input, around);
    case "Subshell":
    case "BraceGroup": {
      const [only, ...others] = node.body.commands;
      return only === undefined || others.length > 0 ? undefined : printedBy(only.command, input, around);
    }
    default:
      return undefined;
  }
}

/** What the process substitutions among a command's words seem to print. */
export function processOutputs(node: Bash.Command, around: Surroundings): readonly string[] {
  return node.args.flatMap((word) => {
    const parts = word.type === "Word" ? (word.parts ?? []) : [];
    return parts.flatMap((part) => {
      const text =
        part.type === "ProcessSubstitution" && part.operator === "<"
          ? outputOf(part.script, around)
          : undefined;
      return text === undefined ? [] : [text];
    });
  });
}

/** What is handed to a stage of a pipeline; each stage is worked out once, and only when it is asked for. */
export function outputsOf(
  stages: readonly Bash.SyntaxNode[],
  around: Surroundings,
): (stage: number) => string | undefined {
  let done = 0;
  let text: string | undefined;
  return (stage) => {
    for (; done < stage; done++) {
      const node = stages[done];
      text = node === undefined ? undefined : printedBy(node, text, around);
    }
    return text;
  };
}

/** Words with every guess taken for the truth; undefined where there is nothing to guess. */
export function guessedWords(words: readonly Word[]): readonly Word[] | undefined {
  if (!words.some(({ guess }) => guess !== undefined)) return undefined;
  const guessed = words.flatMap((word): readonly Word[] => {
    const { guess } = word;
    if (guess === undefined) return [word];
    const pieces = word.maySplit ? guess.split(/\s+/).filter((piece) => piece !== "") : [guess];
    return pieces.map((piece) => {
      const matched = guessedWord(piece, word.span);
      const known = { ...matched, raw: word.raw };
      const glob = word.maySplit && /[*?[]/.test(piece) ? matched.text : matched.glob;
      const pattern = glob === undefined ? {} : { glob };
      return piece.includes(HOLE)
        ? { ...word, ...pattern, text: known.text, guess: undefined, maySplit: false, mayVanish: false }
        : { ...known, ...pattern };
    });
  });
  return guessed.length === 0 ? undefined : guessed;
}

function printedByCommand(
  node: Bash.Command,
  input: string | undefined,
  around: Surroundings,
): string | undefined {
  const words = [node.name, ...node.args].flatMap((child) =>
    child === undefined || child.type === "Assignment" ? [] : expandWord(child, around),
  );
  const texts = words.map(seeming);
  const [name = "", ...rest] = texts;
  const handed = handedTo(node.redirects, around) ?? input;
  switch (name.replace(/^.*\//, "")) {
    case "command":
      if (/^-[pvV]+$/.test(rest[0] ?? "") && /[vV]/.test(rest[0] ?? "")) return rest.at(-1);
      return undefined;
    case "which":
    case "type":
      return rest.findLast((text) => !text.startsWith("-"));
    case "pwd":
      return around.state.directories?.[0];
    case "echo":
    case "printf":
      return formatted(name, rest);
    default:
      return handed === undefined ? undefined : filtered(name.replace(/^.*\//, ""), rest, handed);
  }
}

/** What `read x <<< TEXT` and `printf -v x TEXT` seem to put into variables. */
export function storedBy(
  words: readonly Word[],
  redirects: readonly Bash.Redirection[],
  around: Surroundings,
): ReadonlyMap<string, string> {
  const [name, ...rest] = words.map(seeming);
  if (name === "printf" && rest[0] === "-v" && rest[1] !== undefined) {
    const text = formatted("printf", rest.slice(2));
    return new Map(text === undefined ? [] : [[rest[1], text]]);
  }
  const text = name === "read" ? handedTo(redirects, around) : undefined;
  if (text === undefined) return new Map();
  const names = rest.filter((word) => /^[A-Za-z_]\w*$/.test(word));
  const fields = text.trim().split(/\s+/);
  const last = names.length - 1;
  return new Map(
    names.map((each, at) => [each, at === last ? fields.slice(at).join(" ") : (fields[at] ?? "")]),
  );
}

/** The text of the last here-document or here-string. */
function handedTo(redirects: readonly Bash.Redirection[], around: Surroundings): string | undefined {
  const last = redirects.findLast(({ type }) => type === "HereDoc" || type === "HereString");
  if (last?.type === "HereDoc") return last.body.text;
  if (last?.type !== "HereString" || last.target === undefined) return undefined;
  return expandWord(last.target, around).map(seeming).join(" ");
}
