import type { Rule } from "../settings/rule.ts";

/** Rules by a word they cannot do without, and the rest; each is compiled once, when it is asked for. */
export interface Filing<T> {
  readonly add: (rule: Rule) => void;
  /** What is filed under any of the words, then the rest. */
  readonly under: (words: readonly string[]) => Iterable<T>;
  readonly rest: () => readonly T[];
  readonly all: () => readonly T[];
  readonly some: () => boolean;
}

/**
 * Makes an empty one. `wordOf` says under which word a rule is filed, undefined for one that belongs
 * to every call; it is asked when something is first looked up, for a call that runs a command looks
 * up no tools, and one that reads a file no commands. `compile` is called once for each rule at most.
 */
export function filing<T>(wordOf: (rule: Rule) => string | undefined, compile: (rule: Rule) => T): Filing<T> {
  const rules: Rule[] = [];
  const compiled = new Map<Rule, T>();
  const lists = new Map<string, readonly T[]>();
  let filed: Filed | undefined;
  let rest: readonly T[] | undefined;
  let all: readonly T[] | undefined;

  const of = (rule: Rule): T => {
    const known = compiled.get(rule);
    if (known !== undefined) return known;
    const made = compile(rule);
    compiled.set(rule, made);
    return made;
  };
  const listUnder = (word: string): readonly T[] | undefined => {
    const known = lists.get(word);
    if (known !== undefined) return known;
    const found = (filed ??= fileBy(rules, wordOf)).words.get(word);
    if (found === undefined) return undefined;
    const list = (Array.isArray(found) ? found : [found]).map(of);
    lists.set(word, list);
    return list;
  };
  const restList = (): readonly T[] => (rest ??= (filed ??= fileBy(rules, wordOf)).rest.map(of));
  return {
    add: (rule) => void rules.push(rule),
    under: function* (words) {
      const seen = new Set<string>();
      for (const word of words) {
        if (seen.has(word)) continue;
        seen.add(word);
        const list = listUnder(word);
        if (list !== undefined) yield* list;
      }
      yield* restList();
    },
    rest: restList,
    all: () => (all ??= rules.map(of)),
    some: () => rules.length > 0,
  };
}

interface Filed {
  /** Most words have one rule. */
  readonly words: ReadonlyMap<string, Rule | Rule[]>;
  readonly rest: readonly Rule[];
}

function fileBy(rules: readonly Rule[], wordOf: (rule: Rule) => string | undefined): Filed {
  const words = new Map<string, Rule | Rule[]>();
  const rest: Rule[] = [];
  for (const rule of rules) {
    const word = wordOf(rule);
    if (word === undefined) {
      rest.push(rule);
      continue;
    }
    const there = words.get(word);
    if (there === undefined) words.set(word, rule);
    else if (Array.isArray(there)) there.push(rule);
    else words.set(word, [there, rule]);
  }
  return { words, rest };
}
