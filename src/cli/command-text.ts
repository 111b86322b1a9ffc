/** Splits a command line at the first `--`; `rest` is undefined where there is none. */
export function splitAtDashes(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly rest: readonly string[] | undefined;
} {
  const at = argv.indexOf("--");
  return at === -1 ? { own: argv, rest: undefined } : { own: argv.slice(0, at), rest: argv.slice(at + 1) };
}

/** One argument is shell text as it stands; several are words, quoted so that bash reads just these. */
export function commandText(words: readonly string[]): string {
  const [only] = words;
  return words.length === 1 && only !== undefined ? only : words.map(quoteWord).join(" ");
}

/** A word as bash reads it back, unquoted where nothing in it needs quotes. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
