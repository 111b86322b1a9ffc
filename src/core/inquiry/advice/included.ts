import type { Glob } from "../../call/glob.ts";
import type { Wildcard } from "../wildcard.ts";

type Token = Glob["tokens"][number];

/** Texts a pattern matches, as one or more lists of tokens of which any may match. */
export type Language = readonly (readonly Token[])[];

/** More states than this are not followed: it is then not shown that one language holds the other. */
const MOST_STATES = 20_000;
/** A character that no pattern spells: it stands for all those. */
const OTHER = "\uE0FF";

/** What a command pattern matches, the bare command included. */
export function languageOf(wildcard: Wildcard): Language {
  const starred = wildcard.pieces.flatMap((piece, index): readonly Token[] => [
    ...(index === 0 ? [] : [{ kind: "all" } as const]),
    ...Array.from(piece, (char): Token => ({ kind: "char", char })),
  ]);
  if (wildcard.bare === undefined) return [starred];
  return [starred, Array.from(wildcard.bare, (char): Token => ({ kind: "char", char }))];
}

/**
 * True only where every text that `inner` matches is matched by `outer` too.
 *
 * INVARIANT: never true by mistake. Bracket expressions and patterns that would take long to
 * compare are not shown to be included. `loose` takes `**` for any characters, as the question
 * whether a pattern may meet an unknown path does.
 */
export function isIncluded(inner: Language, outer: Language, loose: boolean): boolean {
  const all = [...inner, ...outer].flat();
  if (all.some(({ kind }) => kind === "set")) return false;
  const letters = new Set(["/", OTHER]);
  for (const token of all) if (token.kind === "char") letters.add(token.char);
  return inner.every((tokens) => isCovered(tokens, outer, [...letters], loose));
}

function isCovered(
  tokens: readonly Token[],
  outer: Language,
  letters: readonly string[],
  loose: boolean,
): boolean {
  const seen = new Set<string>();
  const work: (readonly [number, readonly ReadonlySet<number>[]])[] = [];
  const visit = (state: number, others: readonly ReadonlySet<number>[]): void => {
    const key = `${state}:${others.map((set) => [...set].sort((a, b) => a - b).join()).join(";")}`;
    if (seen.has(key)) return;
    seen.add(key);
    work.push([state, others]);
  };
  const begin = outer.map((other) => closure(other, [0], "", loose));
  for (const state of closure(tokens, [0], "", loose)) visit(state, begin);
  while (work.length > 0) {
    const [state, others] = work.pop() ?? [0, []];
    if (state === tokens.length && !others.some((set, index) => set.has(outer[index]?.length ?? -1)))
      return false;
    for (const letter of letters) {
      const next = step(tokens, [state], letter, loose);
      if (next.size === 0) continue;
      const after = others.map((set, index) => step(outer[index] ?? [], set, letter, loose));
      for (const each of next) visit(each, after);
    }
    if (seen.size > MOST_STATES) return false;
  }
  return true;
}

/** The states after one more character; as `matchGlob` goes on. */
function step(
  tokens: readonly Token[],
  states: Iterable<number>,
  letter: string,
  loose: boolean,
): ReadonlySet<number> {
  const next: number[] = [];
  for (const state of states) {
    const token = tokens[state];
    switch (token?.kind) {
      case "char":
        if (token.char === letter) next.push(state + 1);
        break;
      case "one":
        if (letter !== "/") next.push(state + 1);
        break;
      case "run":
        if (letter !== "/") next.push(state);
        break;
      case "all":
      case "directories":
        next.push(state);
        break;
      case "set":
      case undefined:
        break;
    }
  }
  return closure(tokens, next, letter, loose);
}

/** Adds what is reached without a character: behind a run, and behind whole segments at a segment's start. */
function closure(
  tokens: readonly Token[],
  states: readonly number[],
  before: string,
  loose: boolean,
): ReadonlySet<number> {
  const reached = new Set(states);
  for (const state of reached) {
    const kind = tokens[state]?.kind;
    const passes =
      kind === "run" ||
      kind === "all" ||
      (kind === "directories" && (loose || before === "" || before === "/"));
    if (passes) reached.add(state + 1);
  }
  return reached;
}
