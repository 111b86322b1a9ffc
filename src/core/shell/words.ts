import type {
  ArrayValue,
  CommandExpansionPart,
  DoubleQuotedChild,
  ParameterExpansionPart,
  Word as Node,
  WordPart,
} from "unbash";
import type { Span } from "../call/call.ts";
import { HOLE, type Unknown, type Word, holdsMatches, markMatches, seeming } from "../call/word.ts";
import { expandBraces, hasBraces } from "./braces.ts";
import { type ShellState, matchesOddly, seemsToBe } from "./environment.ts";
import { changedBy } from "./parameters.ts";
import { elementOf, oddly, seemingTilde } from "./seeming.ts";
import { isPublicVariable } from "./variables.ts";

/** Where and as whom a word is expanded. */
export interface Surroundings {
  readonly state: ShellState;
  readonly home: string;
  /** What a substitution prints, as far as its text alone tells; a guess. */
  readonly printed?: ((part: CommandExpansionPart) => string | undefined) | undefined;
}

/** A stretch of a word after expansion of what is known. */
interface Atom {
  readonly text: string;
  readonly quoted: boolean;
  /** Pathname pattern character. */
  readonly glob?: boolean;
  readonly unknown?: Unknown;
  /** What it seems to come to, where it is unknown. */
  readonly guess?: string | undefined;
  /** Brace text, still to be expanded. */
  readonly brace?: boolean;
  /** Comes from a variable and is split at blanks. */
  readonly splits?: boolean;
  /** `"$@"`: any number of arguments in spite of the quotes. */
  readonly many?: boolean;
}

/**
 * The arguments one word of a command becomes: several where braces or a known variable's
 * blanks make several, none where a known empty variable stands alone.
 */
export function expandWord(node: Node, around: Surroundings): readonly Word[] {
  const span = { start: node.pos, end: node.end };
  const atoms = atomsOfWord(node, around);
  const plain = [atoms];
  const sequences = atoms.some((atom) => atom.brace === true)
    ? expandBraces(atoms.map(braceText), restore(atoms))
    : plain;
  if (sequences === undefined)
    return [
      { ...fromAtoms(node.text, span, atoms), unknown: "brace", text: HOLE, maySplit: true, mayVanish: true },
    ];
  // `{,x}` makes a word of nothing, which bash drops.
  const words = sequences.flatMap((sequence) =>
    sequence.length === 0
      ? []
      : splitFields(node.text, span, sequences === plain ? sequence : tildeOfBraces(sequence, around)),
  );
  return matchesOddly(around.state) ? words.map(oddly) : words;
}

function atomsOfWord(node: Node, around: Surroundings): readonly Atom[] {
  const { parts } = node;
  const atoms =
    parts === undefined
      ? escaped(node.text, node.value)
      : parts.flatMap((part, at) => {
          const beside =
            part.type === "SimpleExpansion" ? besideBrace(part.text, parts[at + 1]?.text) : undefined;
          return beside ?? atomsOf(part, around, false);
        });
  const marked = braced(atoms);
  // Braces inside `${x-{}` count for bash, in ways of its own.
  const odd = parts?.some(
    (part) => part.type === "ParameterExpansion" && /[{}]/.test(part.text.slice(2, -1)),
  );
  if (marked !== atoms && odd === true) return [{ text: "$", quoted: false, brace: true }];
  return withTilde(node, around, marked);
}

/** Braces are expanded first: `$A{b,c}` is `$Ab $Ac`; but `$${b,c}` holds none, as `${` hides them. */
function besideBrace(text: string, next: string | undefined): readonly Atom[] | undefined {
  if (next === undefined || !/^[{},]/.test(next)) return undefined;
  return text === "$$"
    ? [{ text: "$", quoted: false, brace: true }]
    : [{ text: HOLE, quoted: false, unknown: "environment" }];
}

/** Marks the unquoted text of a word in which bash sees braces; the parser does not see them all. */
function braced(atoms: readonly Atom[]): readonly Atom[] {
  const bare = (atom: Atom): boolean => !atom.quoted && atom.glob !== true && atom.unknown === undefined && atom.splits !== true; // prettier-ignore
  if (!hasBraces(atoms.map((atom) => (bare(atom) ? atom.text : "\uE100")).join(""))) return atoms;
  return atoms.map((atom) => (bare(atom) ? { ...atom, brace: true } : atom));
}

/** The value of an assignment: one string, never split or globbed; undefined where it is not known. */
export function expandValue(node: Node, around: Surroundings): string | undefined {
  const atoms = atomsOfWord(node, around);
  return atoms.some((atom) => atom.unknown !== undefined)
    ? undefined
    : atoms.map((atom) => atom.text).join("");
}

/** What the value of an assignment that is not known seems to be; of an array, its elements in a row. */
export function guessValue(node: Node | ArrayValue, around: Surroundings): string | undefined {
  if (node.type === "Word") return guessOf(atomsOfWord(node, around));
  return node.elements
    .flatMap((element) => expandWord(element, around))
    .map(seeming)
    .join(" ");
}

function guessOf(atoms: readonly Atom[]): string | undefined {
  return atoms.some(({ guess }) => guess !== undefined)
    ? atoms.map(({ guess, text }) => guess ?? text).join("")
    : undefined;
}

/**
 * Replaces an unquoted tilde at the beginning, and behind the `=` of `NAME=~/x` and its colons,
 * which bash takes for an assignment in an argument too; unbash leaves them in the text.
 */
function withTilde(node: Node, around: Surroundings, atoms: readonly Atom[]): readonly Atom[] {
  const name = /^[A-Za-z_]\w*\+?=/.exec(node.text)?.[0];
  if (name === undefined) return leadingTilde(node.text, around, atoms);
  const [first, ...rest] = atoms;
  if (first?.text.startsWith(name) !== true) return atoms;
  const value = [{ ...first, text: first.text.slice(name.length) }, ...rest];
  // With braces in the word it depends on whether they expand.
  const braces = value.some(({ brace }) => brace === true);
  const expanded = braces ? value : leadingTilde(node.text.slice(name.length), around, value);
  const open = braces ? /^~|:~/ : /:~/;
  return [
    { ...first, text: name },
    ...expanded.map((atom) =>
      !atom.quoted && open.test(atom.text) ? { text: HOLE, quoted: true, unknown: "tilde" as const } : atom,
    ),
  ];
}

/** `{,x}~/y`: a tilde that only the braces bring to the beginning. */
function tildeOfBraces(atoms: readonly Atom[], around: Surroundings): readonly Atom[] {
  const text = atoms.map((atom) => (atom.quoted ? '"' : atom.text)).join("");
  if (text.startsWith("~")) return leadingTilde(text, around, atoms);
  if (!/^[A-Za-z_]\w*\+?=(?:[^"]*:)?~/.test(text)) return atoms;
  return atoms.map((atom) =>
    !atom.quoted && atom.text.includes("~") ? { text: HOLE, quoted: true, unknown: "tilde" as const } : atom,
  );
}

function leadingTilde(written: string, around: Surroundings, atoms: readonly Atom[]): readonly Atom[] {
  const [first, ...rest] = atoms;
  if (first === undefined || !written.startsWith("~")) return atoms;
  const name = /^~([^/]*)/.exec(first.text)?.[1] ?? "";
  const after = first.text.slice(1 + name.length);
  const slash = after.startsWith("/") || rest.length === 0;
  if (/[\\"'$`]/.test(written.slice(0, 1 + name.length)) || !slash)
    return [{ text: HOLE, quoted: true, unknown: "tilde" }, ...rest];
  const variables = around.state.variables;
  const unknown = (): readonly Atom[] => [
    { text: HOLE, quoted: true, unknown: "tilde", guess: seemingTilde(name, around.state, around.home) },
    { ...first, text: after },
    ...rest,
  ];
  if (around.state.anyVariable || variables.has(name === "+" ? "PWD" : "HOME")) return unknown();
  if (name === "") return [{ text: around.home, quoted: true }, { ...first, text: after }, ...rest];
  if (name === "root") return [{ text: "/root", quoted: true }, { ...first, text: after }, ...rest];
  const directories = around.state.directories;
  if (name === "+" && directories?.length === 1)
    return [{ text: directories[0] ?? "", quoted: true }, { ...first, text: after }, ...rest];
  return unknown();
}

function atomsOf(part: WordPart | DoubleQuotedChild, around: Surroundings, quoted: boolean): readonly Atom[] {
  switch (part.type) {
    case "Literal":
      return quoted ? [{ text: part.value, quoted }] : escaped(part.text, part.value);
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [{ text: part.value, quoted: true }];
    case "DoubleQuoted":
    case "LocaleString":
      return part.parts.length === 0
        ? [{ text: "", quoted: true }]
        : part.parts.flatMap((child) => atomsOf(child, around, true));
    case "Glob":
      // What stands between brackets is expanded and unquoted too, and braces before anything else.
      return /[{}$`"'\\]/.test(part.text)
        ? [{ text: HOLE, quoted: false, unknown: part.text.includes("$") ? "environment" : "glob" }]
        : [{ text: part.text, quoted: false, glob: true }];
    case "ExtendedGlob":
      return [{ text: HOLE, quoted: false, unknown: "glob" }];
    case "BraceExpansion":
      return [{ text: part.text, quoted: false, brace: true }];
    case "SimpleExpansion":
      return [variable(part.text.slice(1), around, quoted)];
    case "ParameterExpansion":
      return [parameter(part, around, quoted)];
    case "CommandExpansion":
      return [{ text: HOLE, quoted, unknown: "substitution", guess: around.printed?.(part) }];
    case "ArithmeticExpansion":
      // With such a substitution inside, bash finds that `$((` was `$( (` after all.
      return [
        { text: HOLE, quoted, unknown: /\bcase\b|\$\([^]*<</.test(part.text) ? "substitution" : "number" },
      ];
    case "ProcessSubstitution":
      // bash puts the path of a descriptor here; what it reads is judged where it stands.
      return [{ text: "/dev/fd/63", quoted: true }];
  }
}

/** Unquoted text and the characters a backslash quotes in it, apart; `value` is what it all comes to. */
function escaped(text: string, value: string): readonly Atom[] {
  if (text === value) return [{ text: value, quoted: false }];
  const atoms: Atom[] = [];
  for (const [, quote, plain] of text.matchAll(/\\([^])|([^\\]+)/g)) {
    if (plain !== undefined) atoms.push({ text: plain, quoted: false });
    else if (quote !== undefined && quote !== "\n") atoms.push({ text: quote, quoted: true });
  }
  return atoms.map((atom) => atom.text).join("") === value ? atoms : [{ text: value, quoted: true }];
}

function parameter(part: ParameterExpansionPart, around: Surroundings, quoted: boolean): Atom {
  if (part.prefix === "#") return { text: HOLE, quoted, unknown: "number" };
  if (part.parameter === "@" || part.index?.text === "@") {
    const guess = guessedParameter(part, around);
    return { text: HOLE, quoted, unknown: "variable", many: true, guess };
  }
  if (part.prefix === undefined && part.index === undefined && part.operation === undefined) {
    return variable(part.parameter, around, quoted);
  }
  const operation = part.operation;
  // `${X:?}` is X, or the command does not run at all.
  if (operation?.type === "Default" && (operation.operator === ":?" || operation.operator === "?")) {
    return variable(part.parameter, around, quoted);
  }
  if (operation?.type === "Default" && (operation.operator === ":-" || operation.operator === "-")) {
    const value = around.state.variables.get(part.parameter);
    if (
      value !== undefined &&
      value !== "" &&
      !around.state.anyVariable &&
      (quoted || !around.state.variables.has("IFS"))
    )
      return { text: value, quoted, splits: !quoted };
  }
  const guess = elementOf(part.index?.text, guessedParameter(part, around));
  const own = around.state.variables.has(part.parameter) || isPublicVariable(part.parameter);
  return { text: HOLE, quoted, unknown: own ? "variable" : "environment", guess };
}

/** `${X:-VALUE}`, `${X/a/b}`: what it seems to hold, by the value of X or by what stands there instead. */
function guessedParameter(part: ParameterExpansionPart, around: Surroundings): string | undefined {
  const { parameter: name, operation } = part;
  const textOf = (word: Node): string =>
    atomsOfWord(word, around)
      .map(({ guess, text }) => guess ?? text)
      .join("");
  if (part.prefix === "!") {
    const pointed = seemsToHold(name, around);
    return pointed === undefined ? undefined : seemsToHold(pointed, around);
  }
  const value = seemsToHold(name, around);
  if (operation?.type === "Default") {
    const swaps = operation.operator.endsWith("+");
    if (value !== undefined && value !== "" && !swaps) return value;
    return textOf(operation.operand);
  }
  return value === undefined ? undefined : changedBy(operation, value, textOf);
}

/** The value of a variable, known or guessed, split as the script has it split. */
function seemsToHold(name: string, { state, home }: Surroundings): string | undefined {
  const value = seemsToBe(state, name, home);
  const separators = state.variables.get("IFS");
  if (value === undefined || separators === undefined || name === "IFS") return value;
  return Array.from(value, (letter) => (separators.includes(letter) ? " " : letter)).join("");
}

function variable(name: string, around: Surroundings, quoted: boolean): Atom {
  const atom = heldBy(name, around, quoted);
  return atom.unknown === undefined ? atom : { ...atom, guess: seemsToHold(name, around) };
}

function heldBy(name: string, around: Surroundings, quoted: boolean): Atom {
  const { state } = around;
  // With an IFS of its own the script splits at anything.
  if (!quoted && state.variables.has("IFS"))
    return { text: HOLE, quoted, unknown: isPublicVariable(name) ? "variable" : "environment" };
  if (name === "@") return { text: HOLE, quoted, unknown: "variable", many: true };
  // Before anything ran in the background `$!` is nothing at all.
  if (name === "!") return { text: HOLE, quoted, unknown: "number", many: !quoted };
  if (/^[?$#]$/.test(name)) return { text: HOLE, quoted, unknown: "number" };
  if (state.variables.has(name)) {
    const value = state.variables.get(name);
    return value === undefined || state.anyVariable
      ? { text: HOLE, quoted, unknown: "variable" }
      : { text: value, quoted, splits: !quoted };
  }
  if (state.anyVariable) return { text: HOLE, quoted, unknown: "environment" };
  if (name === "HOME") return { text: around.home, quoted: true };
  if (name === "PWD" && state.directories?.length === 1)
    return { text: state.directories[0] ?? "", quoted: true };
  return { text: HOLE, quoted, unknown: isPublicVariable(name) ? "variable" : "environment" };
}

/** Private-use characters that stand for what braces do not look into. */
const SLOTS = 0xe100;
const MOST_SLOTS = 256;

/** Text in which everything but braces is one opaque character, so that braces can be expanded alone. */
function braceText(atom: Atom, at: number): string {
  return atom.brace === true ? atom.text : String.fromCharCode(SLOTS + Math.min(at, MOST_SLOTS - 1));
}

/** Puts the atoms back into an expanded text; a brace's own text holds only literal characters. */
function restore(atoms: readonly Atom[]): (text: string) => readonly Atom[] | undefined {
  if (atoms.length >= MOST_SLOTS) return () => undefined;
  const clear = atoms.every(({ brace, text }) => brace !== true || !/[\uE100-\uE1FF]/.test(text));
  return (text) => {
    const out: Atom[] = [];
    for (const piece of clear ? text.split(/([\uE100-\uE1FF])/) : ["$"]) {
      if (piece === "") continue;
      const atom = /^[\uE100-\uE1FF]$/.test(piece) ? atoms[piece.charCodeAt(0) - SLOTS] : undefined;
      if (atom !== undefined) out.push(atom);
      else if (/[$`"'\\]/.test(piece)) return undefined;
      else
        for (const bit of piece.split(/([*?[\]])/))
          if (bit !== "") out.push({ text: bit, quoted: false, glob: /^[*?[\]]$/.test(bit) });
    }
    return out;
  };
}

/** Splits at the blanks of known, unquoted variables. */
function splitFields(raw: string, span: Span, atoms: readonly Atom[]): readonly Word[] {
  if (!atoms.some((atom) => atom.splits === true)) return [fromAtoms(raw, span, atoms)];
  const fields: Atom[][] = [[]];
  for (const atom of atoms) {
    if (atom.splits !== true) {
      fields.at(-1)?.push(atom);
      continue;
    }
    const pieces = atom.text.split(/[ \t\n]+/);
    pieces.forEach((piece, at) => {
      if (at > 0) fields.push([]);
      if (piece !== "")
        for (const bit of piece.split(/([*?[\]])/))
          if (bit !== "") fields.at(-1)?.push({ text: bit, quoted: false, glob: /^[*?[\]]$/.test(bit) });
    });
  }
  return fields.filter((field) => field.length > 0).map((field) => fromAtoms(raw, span, field));
}

function fromAtoms(raw: string, span: Span, given: readonly Atom[]): Word {
  // What a pattern of an earlier command matched is a name that nobody knows yet.
  const atoms = given.some((atom) => holdsMatches(atom.text))
    ? given.map((atom): Atom =>
        holdsMatches(atom.text) ? { ...atom, text: HOLE, unknown: "glob", guess: atom.text } : atom,
      )
    : given;
  const text = atoms.map((atom) => atom.text).join("");
  const unknown = atoms.find((atom) => atom.unknown !== undefined)?.unknown;
  // A pattern beside what is not known is matched together with it: `"$d"/*`.
  const matched = atoms.map((atom) =>
    atom.glob === true ? { ...atom, text: markMatches(atom.text) } : atom,
  );
  const guess = unknown === undefined ? undefined : guessOf(matched);
  const glob = atoms.some((atom) => atom.glob === true)
    ? atoms.map((atom) => (atom.glob === true ? atom.text : atom.text.replace(/[\\*?[\]]/g, "\\$&"))).join("")
    : undefined;
  const bare = atoms.some(
    (atom) => atom.many === true || (atom.unknown !== undefined && !atom.quoted && atom.unknown !== "number"),
  );
  return {
    raw,
    span,
    text,
    ...(glob === undefined ? {} : { glob }),
    ...(unknown === undefined ? {} : { unknown }),
    ...(guess === undefined ? {} : { guess }),
    maySplit: bare,
    mayVanish:
      bare && atoms.every((atom) => atom.unknown !== undefined && (!atom.quoted || atom.many === true)),
  };
}
