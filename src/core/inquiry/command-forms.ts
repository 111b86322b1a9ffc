import { baseOf } from "../call/path.ts";
import { HOLE, type Word } from "../call/word.ts";
import type { Invocation } from "../shell/script.ts";
import { isHarmlessVariable } from "../shell/variables.ts";

/** The texts of one invocation that rules are matched against. */
export interface CommandForms {
  /** As an allow rule sees it: dequoted, blanks folded, harmless assignments dropped, others kept. */
  readonly plain: string;
  /** What stands in `plain` before the program: the assignments that were kept, each with a blank behind it. */
  readonly assigned: string;
  /**
   * Every spelling a deny or ask rule must see through: without assignments, the program's bare
   * name, git's global options dropped, options in their long form, options first and last.
   */
  readonly all: readonly string[];
  /** All words as written, for rules that name a verb and its flags. */
  readonly words: readonly string[];
}

export function commandForms(invocation: Invocation): CommandForms {
  const texts = invocation.words.map(shown);
  const kept = invocation.assigned.filter(({ name }) => !isHarmlessVariable(name));
  const assigned = kept.map(({ name, value }) => `${name}=${value ?? HOLE} `).join("");
  const plain = assigned + texts.join(" ");
  const [name = "", ...rest] = texts;
  const loose = invocation.words.map(looseText);
  const base = baseOf(name);
  const { reading } = invocation;
  const head = [base, ...reading.path.slice(1)];
  const canonical = reading.canonical.map((text) => text);
  const options = canonical.filter((text) => text.startsWith("-"));
  const operands = canonical.filter((text) => !text.startsWith("-"));
  const forms = new Set<string>([
    texts.join(" "),
    [base, ...rest].join(" "),
    [baseOf(loose[0] ?? ""), ...loose.slice(1)].join(" "),
    [...head, ...canonical].join(" "),
    [...head, ...options, ...operands].join(" "),
    [...head, ...operands, ...options].join(" "),
    [...head, ...reading.rest.map(shown)].join(" "),
  ]);
  for (const implied of reading.implies) {
    forms.add([...head, implied, ...canonical].join(" "));
    forms.add([...head, ...canonical, implied].join(" "));
  }
  return { plain, assigned, all: [...forms], words: [...head, ...canonical, ...rest, ...reading.implies] };
}

/** A word in a text that rules see; an empty argument still separates. */
function shown(word: Word): string {
  return word.maySplit && word.mayVanish ? HOLE : word.text;
}

/** The word with every pattern character unknown: a glob may become any name. */
function looseText(word: Word): string {
  if (word.glob === undefined) return word.text;
  return word.glob.replace(/\\(.)|[*?]|\[[^\]]*\]/gs, (_, escaped: string | undefined) => escaped ?? HOLE);
}
