import type * as Bash from "unbash";
import type { Span } from "../call/call.ts";
import { baseOf } from "../call/path.ts";
import { HOLE, type Word, seeming } from "../call/word.ts";
import { type Collection, DEEPEST, type Place, mayGuess, mayRead } from "./collection.ts";
import { type ShellState, childState, positional, seemingPlace, withGuesses } from "./environment.ts";
import { embeddedTexts, recipesIn, wrappedWords } from "./embedded.ts";
import { guessedWords, printedBy } from "./output.ts";
import type { Assigned } from "./script.ts";
import { unwrap } from "./unwrap.ts";
import { type Surroundings, expandWord } from "./words.ts";

/** Most files of a command whose content is remembered. */
const MOST_FILES = 256;

const SHELLS: ReadonlySet<string> = new Set("sh bash dash zsh ksh ash . source".split(" "));

/** A shell that runs the file it is given. */
function runsFile([name]: readonly Word[]): boolean {
  return name !== undefined && SHELLS.has(baseOf(name.text));
}

/** Remembers what a command seems to write to a file, for a later one that runs it. */
export function noteWritten(into: Collection, node: Bash.Command, around: Surroundings): void {
  for (const redirect of node.redirects) {
    if (redirect.type !== "Redirect" || !redirect.operator.includes(">")) continue;
    const target = redirect.target === undefined ? undefined : expandWord(redirect.target, around)[0];
    const text = target === undefined ? undefined : printedBy(node, undefined, around);
    if (target === undefined || text === undefined) continue;
    if (into.written.size >= MOST_FILES) into.cut = true;
    if (into.cut) continue;
    const name = bareName(seeming(target));
    into.written.set(name, `${into.written.get(name) ?? ""}${text}\n`);
  }
}

function bareName(path: string): string {
  return path.replace(/^(?:\.\/)+/, "");
}

/** What the files a command runs were seen to be given. */
function writtenTexts(into: Collection, words: readonly Word[]): readonly string[] {
  if (into.written.size === 0) return [];
  const files = runsFile(words) ? words.slice(1) : words.slice(0, 1);
  return files.flatMap((word) => into.written.get(bareName(seeming(word))) ?? []);
}

/**
 * Goes into what a command seems to run where its words are not known for certain: a program named
 * by a variable or a substitution, a function or an alias of the same script.
 */
export function walkGuesses(
  into: Collection,
  words: readonly Word[],
  assigned: readonly Assigned[],
  state: ShellState,
  place: Place,
  span: Span,
  /** What process substitutions among the words seem to print. */
  handed: readonly string[],
  /** The command itself rests on no guess. */
  outermost: boolean,
): void {
  if (!mayRead(into, 0)) return;
  const guessed = guessedWords(words);
  const there = seemingPlace(state);
  // Each command of the text itself is read once more at most; only what nests can grow without end.
  const other = guessed !== undefined || there !== undefined;
  // A pattern that is not followed to the letter still leads where it says.
  const patterns = words.every(({ guess, unknown }) => guess === undefined || unknown === "glob");
  const tried = place.tried === true || (there === undefined && patterns);
  if (other && mayRead(into, (guessed ?? words).length) && (outermost || mayGuess(into)))
    unwrap(into, guessed ?? words, assigned, there ?? state, { ...place, tried }, span);
  const nested: Place = { ...place, depth: place.depth + 1, nesting: "script", anchor: span };
  const { reading } = into.invocations[place.parent ?? -1] ?? { reading: undefined };
  const texts = reading === undefined ? [] : [...embeddedTexts(words, assigned, reading)];
  if (runsFile(words)) texts.push(...handed);
  texts.push(...writtenTexts(into, words));
  for (const inner of wrappedWords(words, reading))
    if (mayGuess(into)) unwrap(into, inner, [], state, place, span);
  if (baseOf(words[0]?.text ?? "") === "make")
    texts.push(...handed.flatMap((text) => recipesIn("make", text)));
  for (const text of texts) if (mayGuess(into)) into.script(text, childState(state), nested);
  const [name, ...rest] = guessed ?? words;
  if (name === undefined) return;
  if (name.text === "alias") {
    for (const { text } of rest) {
      const [, alias, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (alias !== undefined && value !== undefined) into.aliases.set(alias, value);
    }
    return;
  }
  const below: Place = { ...place, depth: place.depth + 1 };
  const body = into.functions.get(name.text);
  const alias = into.aliases.get(name.text);
  if ((body === undefined && alias === undefined) || below.depth >= DEEPEST) return;
  if (!mayGuess(into)) return;
  const given = rest.map(seeming);
  if (alias !== undefined)
    into.script(`${alias} ${given.join(" ")}`.replaceAll(HOLE, "$_"), state, { ...below, anchor: span });
  if (body === undefined) return;
  into.body(body, withGuesses(state, positional(name.text, given)), below);
}
