import { type Word, isKnown } from "../call/word.ts";
import type { Reading } from "../knowledge/reading.ts";
import { stringsOf } from "./collection.ts";
import type { Assigned } from "./script.ts";
import { isSensitiveVariable } from "./variables.ts";

/** Longest word that is searched for a command. */
const LONGEST_WORD = 4_000;

/** A word that names a command behind a mark of its own: tar, ssh, editors and pagers, database clients. */
const MARKED: readonly RegExp[] = [
  /^(?:--?[\w-]+=)?(?:exec|ProxyCommand|LocalCommand|KnownHostsCommand)[= ](.+)$/is,
  /^-o(?:ProxyCommand|LocalCommand|KnownHostsCommand)[= ](.+)$/is,
  /^\+?:?!\s*(\S.*)$/s,
  /^\s*(?:\.shell|\.system|\\!|system|sys)\s+(\S.*)$/s,
  /^(?:--eval=|[\w.-]+:.*?;|SHELL=)(.+)$/s,
];
const AWK = /^(?:[gmn]?awk|busybox awk)$/;
/** `e COMMAND` and `s/x/COMMAND/e` of GNU sed. */
const SED: readonly RegExp[] = [
  /(?:^|[;{}\n]|\d|\$)\s*e\s+([^\n]+)/g,
  /s([^\w\s])(?:\\.|(?!\1)[^\\])*\1((?:\\.|(?!\1)[^\\])*)\1[gIpMm\d]*e/gs,
];

/**
 * Command lines that stand inside the words of a command: in the value of a variable that names a
 * program, in a script of awk or sed, behind the mark of an editor or a database client, in a word
 * of several for a program no table describes.
 *
 * A guess: what is found may be plain text. Only rules that deny look at it.
 */
export function embeddedTexts(
  words: readonly Word[],
  assigned: readonly Assigned[],
  reading: Reading,
): readonly string[] {
  const values = assigned.flatMap(({ name, value, guess }) =>
    isSensitiveVariable(name) ? [value ?? guess ?? ""] : [],
  );
  for (const { text } of [...words.slice(1), ...reading.assignments]) {
    const [, name, value] = /^([A-Za-z_]\w*)=(.+)$/s.exec(text) ?? [];
    if (name !== undefined && value !== undefined && isSensitiveVariable(name)) values.push(value);
  }
  const found = values.filter((text) => /\s/.test(text));
  if (reading.class === "read-only" || reading.class === "file-modifying") return found;
  const language = reading.path[0] ?? "";
  const strange =
    reading.class === undefined && reading.doubts.every(({ code }) => code === "cmd.not-in-tables");
  for (const { text } of words.slice(1)) {
    if (!/\s/.test(text) || text.length > LONGEST_WORD) continue;
    if (strange) found.push(text);
    if (AWK.test(language)) found.push(...stringsOf(text));
    if (language === "sed")
      for (const form of SED) for (const match of text.matchAll(form)) found.push(match.at(-1) ?? "");
    for (const form of MARKED) {
      const command = form.exec(text)?.[1];
      if (command !== undefined) found.push(command);
    }
  }
  return found;
}

/** Programs that are worth looking for behind a wrapper no table describes. */
const WRAPPED: ReadonlySet<string> = new Set(
  "git rm dd shred sh bash zsh cordon chmod chown mkfs rimraf".split(" "),
);
/** How far behind the wrapper they are looked for. */
const FURTHEST = 6;

/** `chronic git push -f`: the words that are a command of their own if the program is a wrapper. */
export function wrappedWords(
  words: readonly Word[],
  reading: Reading | undefined,
): readonly (readonly Word[])[] {
  if (reading === undefined || reading.class !== undefined) return [];
  const strange = reading.doubts.every(({ code }) => code === "cmd.not-in-tables");
  if (!strange && !reading.wraps && !reading.transparent && reading.inner.length === 0) return [];
  const at = words.slice(1, FURTHEST).findIndex((word) => isKnown(word) && WRAPPED.has(word.text));
  return at === -1 ? [] : [words.slice(at + 1)];
}

/** The command lines of a makefile or a table of scheduled jobs. */
export function recipesIn(language: string, text: string): readonly string[] {
  const lines = text.split("\n");
  if (language === "crontab")
    return lines
      .map((line) => line.replace(/^\s*(?:@\w+\s+|(?:\S+\s+){5})/, ""))
      .filter((line) => line !== "");
  return lines
    .flatMap((line) => (line.startsWith("\t") ? [line] : line.split(";").slice(1)))
    .map((line) => line.replace(/^[\s@+-]+/, ""))
    .filter((line) => line !== "");
}
