import { HOLE, type Word, isKnown, knownPrefix, literalWord } from "../call/word.ts";
import { type Draft, doubt, finish, newDraft, raise } from "./draft.ts";
import { type Option, type OptionIndex, findLong, findNumber, indexOptions } from "./options.ts";
import { readers } from "./readers/readers.ts";
import type { Reading } from "./reading.ts";
import type { CommandEntry, CommandSpec, DangerSpec, OperandSpec } from "./spec.ts";
import { assignOperands, matchDangers } from "./operands.ts";
import { take } from "./take.ts";

/** A command's table, options indexed once. */
export interface Compiled {
  readonly entry: CommandEntry;
  readonly index: (spec: CommandSpec) => OptionIndex;
}

export function compile(entry: CommandEntry): Compiled {
  const indexes = new Map<CommandSpec, OptionIndex>();
  return {
    entry,
    index: (spec) => {
      let index = indexes.get(spec);
      if (index === undefined) indexes.set(spec, (index = indexOptions(spec)));
      return index;
    },
  };
}

/**
 * Says what a command does with these arguments (`words` without the command's own name).
 *
 * Anything that is not listed leaves the class unknown; effects, inner commands and dangers are
 * still collected as far as they can be seen, because deny rules look at them.
 */
export function readArgv(compiled: Compiled, words: readonly Word[]): Reading {
  const draft = newDraft(compiled.entry.name);
  const spec = compiled.entry.spec;
  raise(draft, spec.class, spec.why);
  draft.recursive = spec.recursive === true;
  draft.transparent = spec.transparent === true;
  draft.privilege = spec.privilege === true;
  draft.stdin = spec.stdin;
  if (compiled.entry.checked === "unverified") {
    doubt(draft, "cmd.not-in-tables", `what \`${compiled.entry.name}\` does was never checked`);
  }
  readWords(compiled, draft, spec, words, []);
  const given = draft.operands.some((word) => word.text !== "-") || draft.inner.length > 0;
  if (given && spec.always !== true && !draft.options.has("-s")) draft.stdin = undefined;
  return finish(draft);
}

interface Scan {
  readonly operands: Word[];
  /** A word that may be an option or several words; what follows is uncertain. */
  loose: Word | undefined;
  /** Words after the first operand of a command that stops there. */
  rest: readonly Word[];
  /** `--` stood before the first operand. */
  closed: boolean;
  replaced: readonly OperandSpec[] | undefined;
}

function readWords(
  compiled: Compiled,
  draft: Draft,
  spec: CommandSpec,
  words: readonly Word[],
  dangers: readonly DangerSpec[],
): void {
  draft.rest = words;
  const index = compiled.index(spec);
  const all = [...dangers, ...(spec.danger ?? [])];
  const scan: Scan = { operands: [], loose: undefined, rest: [], closed: false, replaced: undefined };
  const stops = spec.stop === true || spec.subcommands !== undefined;
  for (const word of words) refuseForbidden(draft, word, spec.never ?? []);
  scanOptions(draft, spec, index, words, scan, stops);

  if (spec.subcommands !== undefined) {
    const [name] = scan.operands;
    const { rest } = scan;
    if (name === undefined) raise(draft, spec.bare);
    else {
      // Behind `--` nothing is a subcommand.
      const sub = isKnown(name) && !scan.closed ? ownEntry(spec.subcommands, name.text) : undefined;
      if (sub !== undefined) {
        draft.path.push(name.text);
        draft.canonical.length = 0;
        if (scan.loose !== undefined) looseWord(draft, scan.loose, spec);
        raise(draft, sub.class, sub.why);
        if (sub.stdin !== undefined) draft.stdin = sub.stdin;
        if (sub.recursive === true) draft.recursive = true;
        return readWords(compiled, draft, sub, rest, all);
      }
      if (spec.operands === undefined) {
        draft.operands.push(name, ...rest);
        const known = name.unknown === undefined;
        doubt(
          draft,
          known ? "cmd.not-in-tables" : "cmd.dynamic",
          known
            ? `\`${name.text}\` is no subcommand of ${draft.path.join(" ")} that is known here`
            : `the subcommand of ${draft.path.join(" ")} is not known`,
          name,
        );
        matchDangers(draft, all);
        return;
      }
      if (!scan.closed) {
        scan.rest = [];
        scanOptions(draft, spec, index, rest, scan, false);
      }
    }
  }

  if (scan.loose !== undefined) looseWord(draft, scan.loose, spec);
  const reader = spec.reader === undefined ? undefined : readers[spec.reader];
  if (reader !== undefined) {
    draft.operands.push(...scan.operands, ...scan.rest);
    reader(draft, [...scan.operands, ...scan.rest], spec);
  } else {
    const before = draft.effects.length;
    assignOperands(draft, scan.replaced ?? spec.operands ?? [], [...scan.operands, ...scan.rest]);
    if (spec.here !== undefined && draft.recursive && draft.effects.length === before)
      draft.effects.push({
        action: "read",
        word: literalWord(".", words[0]?.span ?? { start: 0, end: 0 }),
        bases: [...draft.bases],
        recursive: true,
        unlessFed: spec.here === "unless-fed",
      });
  }
  matchDangers(draft, all);
}

/** A word that begins, or may begin, with what the command takes for something else. */
function refuseForbidden(draft: Draft, word: Word, prefixes: readonly string[]): void {
  const begins = knownPrefix(word);
  const open = word.unknown !== undefined || word.glob !== undefined;
  if (prefixes.some((prefix) => begins.startsWith(prefix) || (open && prefix.startsWith(begins))))
    doubt(
      draft,
      open ? "cmd.dynamic" : "cmd.option-unlisted",
      `\`${word.raw}\` means more than a file to ${draft.path.join(" ")}`,
      word,
    );
}

function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * A word that may turn out as an option or as several words. Words from standard input are mild
 * where the command does more than read anyway and has no form that destroys: a rule that lets it
 * take any arguments then means these too.
 */
function looseWord(draft: Draft, word: Word, spec: CommandSpec): void {
  const destroys =
    spec.danger !== undefined || Object.values(spec.options ?? {}).some(({ danger }) => danger !== undefined);
  const mild =
    word.unknown === "input" && draft.class !== "read-only" && draft.class !== undefined && !destroys;
  const why = `\`${word.raw || "…"}\` may become an option or several arguments`;
  doubt(draft, "cmd.dynamic", why, word, mild);
}

/** Sorts words into options and operands as the command itself would. */
function scanOptions(
  draft: Draft,
  spec: CommandSpec,
  index: OptionIndex,
  words: readonly Word[],
  scan: Scan,
  stops: boolean,
): void {
  const style = spec.style ?? "gnu";
  let open = style === "gnu" || style === "words";
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) break;
    const text = word.text;
    const bundled = spec.bundle === true && at === 0 && !text.startsWith("-") && word.unknown === undefined;
    if (
      open &&
      spec.stdin === "shell" &&
      spec.always !== true &&
      text.startsWith("+") &&
      !index.bySpelling.has(text)
    ) {
      // A shell takes `+x` for an option and looks for its program further on.
      unlisted(draft, word, text);
      continue;
    }
    if (!open || (!bundled && isOperand(word, index))) {
      if (style !== "none" && (word.maySplit || word.mayVanish || (open && knownPrefix(word) === ""))) {
        const pattern = word.glob !== undefined && spec.harmless !== true;
        if (word.unknown !== undefined || pattern) scan.loose ??= word;
      }
      draft.canonical.push(text);
      scan.operands.push(word);
      if (open && stops) {
        scan.rest = words.slice(at + 1);
        return;
      }
      continue;
    }
    if (text === "--" && word.unknown === undefined) {
      open = false;
      if (scan.operands.length === 0) scan.closed = true;
      draft.canonical.push(text);
      continue;
    }
    const read = bundled
      ? readCluster(draft, index, word, `-${text}`, words, at, scan)
      : style === "words"
        ? readWhole(draft, index, word, words, at, scan)
        : text.startsWith("--")
          ? readLong(draft, index, word, words, at, scan, spec.exact === true)
          : readShort(draft, index, word, words, at, scan);
    at += read;
  }
}

/** True for a word that cannot be an option, as far as its known beginning tells. */
function isOperand(word: Word, index: OptionIndex): boolean {
  const prefix = knownPrefix(word);
  if (prefix.startsWith("+") && word.unknown === undefined)
    return findNumber(index, word.text) === undefined && !index.bySpelling.has(word.text);
  return !prefix.startsWith("-") || word.text === "-";
}

/** Returns how many further words were consumed. */
function readLong(
  draft: Draft,
  index: OptionIndex,
  word: Word,
  words: readonly Word[],
  at: number,
  scan: Scan,
  exact: boolean,
): number {
  const cut = word.text.indexOf("=");
  const name = cut === -1 ? word.text : word.text.slice(0, cut);
  const option = name.includes(HOLE) ? undefined : findLong(index, name, exact);
  if (option === undefined) return unlisted(draft, word, name);
  return apply(draft, option, cut === -1 ? undefined : tail(word, cut + 1), words, at, scan, word);
}

/** `-f`, `-fVALUE`, `-abc`, `-5`; a whole-word short option (`-version`) wins over a cluster. */
function readShort(
  draft: Draft,
  index: OptionIndex,
  word: Word,
  words: readonly Word[],
  at: number,
  scan: Scan,
): number {
  const number = findNumber(index, word.text);
  if (number !== undefined) {
    present(draft, number, undefined, scan, word.text);
    return 0;
  }
  const whole = index.bySpelling.get(word.text);
  if (whole !== undefined && word.text.length > 2)
    return apply(draft, whole, undefined, words, at, scan, word);
  return readCluster(draft, index, word, word.text, words, at, scan);
}

function readCluster(
  draft: Draft,
  index: OptionIndex,
  word: Word,
  text: string,
  words: readonly Word[],
  at: number,
  scan: Scan,
): number {
  let used = 0;
  for (let place = 1; place < text.length; place++) {
    const letter = text[place] ?? "";
    const option = letter === HOLE ? undefined : index.bySpelling.get(`-${letter}`);
    if (option === undefined) return unlisted(draft, word, letter === HOLE ? word.raw : `-${letter}`) + used;
    const offset = word.text.length - text.length;
    const rest = place + 1 < text.length ? tail(word, place + 1 + offset) : undefined;
    if (option.spec.takes !== undefined) {
      // A bundle without a dash (`tar cf X`) takes its values from the following words, in order.
      if (offset !== 0) {
        used += apply(draft, option, undefined, words, at + used, scan, word);
        continue;
      }
      return used + apply(draft, option, rest, words, at + used, scan, word);
    }
    if (option.spec.may !== undefined) {
      present(draft, option, rest, scan, `-${letter}`);
      return used;
    }
    present(draft, option, undefined, scan, `-${letter}`);
  }
  return used;
}

/** `-name VALUE` and `-name=VALUE`. */
function readWhole(
  draft: Draft,
  index: OptionIndex,
  word: Word,
  words: readonly Word[],
  at: number,
  scan: Scan,
): number {
  const cut = word.text.indexOf("=");
  const name = cut === -1 ? word.text : word.text.slice(0, cut);
  const option = index.bySpelling.get(name) ?? index.bySpelling.get(name.replace(/^--/, "-"));
  if (option === undefined) return unlisted(draft, word, name);
  return apply(draft, option, cut === -1 ? undefined : tail(word, cut + 1), words, at, scan, word);
}

function unlisted(draft: Draft, word: Word, name: string): number {
  draft.canonical.push(word.text);
  if (word.unknown !== undefined && name.includes(HOLE))
    doubt(draft, "cmd.dynamic", `the option \`${word.raw}\` is not known`, word);
  else
    doubt(
      draft,
      "cmd.option-unlisted",
      `\`${name}\` is no option of ${draft.path.join(" ")} that is known here`,
      word,
    );
  return 0;
}

/** Files an option with its glued value or the next word; returns words consumed. */
function apply(
  draft: Draft,
  option: Option,
  glued: Word | undefined,
  words: readonly Word[],
  at: number,
  scan: Scan,
  word: Word,
): number {
  const written = /^--?[^=]*/.exec(word.text)?.[0] ?? word.text;
  if (option.spec.takes === undefined) {
    present(draft, option, glued, scan, written);
    return glued !== undefined && option.spec.may === undefined ? unlisted(draft, word, word.text) : 0;
  }
  if (glued !== undefined) {
    present(draft, option, glued, scan, written);
    return 0;
  }
  const values = words.slice(at + 1, at + 1 + (option.spec.values ?? 1));
  if (values.length === 0) present(draft, option, undefined, scan, written);
  for (const value of values) {
    if (value.maySplit || value.mayVanish) scan.loose ??= value;
    present(draft, option, value, scan, written);
  }
  return values.length;
}

function present(draft: Draft, option: Option, value: Word | undefined, scan: Scan, written: string): void {
  const { name, spec } = option;
  const values = draft.options.get(name);
  if (values === undefined) draft.options.set(name, [value]);
  else values.push(value);
  draft.canonical.push(name, ...(value === undefined ? [] : [value.text]));
  if (spec.recursive === true) draft.recursive = true;
  if (spec.operands !== undefined) scan.replaced = spec.operands;
  const before = draft.class;
  raise(draft, spec.class, spec.why);
  if (spec.danger !== undefined)
    draft.dangers.push({ code: "cmd.destructive", why: spec.danger, span: value?.span });
  const kind = spec.takes ?? spec.may;
  if (value !== undefined && kind !== undefined) take(draft, kind, value);
  if (value !== undefined && spec.among !== undefined && !isAmong(value, spec.among))
    doubt(draft, "cmd.option-unlisted", `\`${value.raw}\` is no value of ${name} that is known here`, value);
  if (spec.reaches === true || (before === "read-only" && draft.class !== "read-only"))
    draft.reaching.push(written);
}

/** The end of a word from a position of its text on, still knowing what was unknown about it. */
function tail(word: Word, from: number): Word {
  const text = word.text.slice(from);
  const glob = word.glob === undefined ? undefined : text;
  return {
    ...word,
    text,
    glob,
    unknown: text.includes(HOLE) ? word.unknown : undefined,
    maySplit: false,
    mayVanish: false,
  };
}

/** True where every piece of a list, set apart by commas or blanks and without `=HEADER` and `:WIDTH`, is one of `names`. */
function isAmong(value: Word, names: readonly string[]): boolean {
  return (
    isKnown(value) &&
    value.text.split(/[, ]/).every((piece) => names.includes(piece.replace(/(?::\d+)?(?:=.*)?$/s, "")))
  );
}
