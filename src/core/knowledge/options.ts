import type { CommandSpec, OptionSpec } from "./spec.ts";

/** An option as the table lists it, under its canonical name. */
export interface Option {
  readonly name: string;
  readonly spec: OptionSpec;
}

/** The options of one command or subcommand, ready for look-up by any spelling. */
export interface OptionIndex {
  readonly bySpelling: ReadonlyMap<string, Option>;
  /** Long spellings in order, for abbreviations. */
  readonly long: readonly string[];
}

const PLAIN: OptionSpec = {};

/** Builds the look-up for a spec; `inherited` options stay valid unless listed again. */
export function indexOptions(spec: CommandSpec): OptionIndex {
  const bySpelling = new Map<string, Option>();
  const add = (key: string, option: OptionSpec): void => {
    const spellings = key.split(",").map((spelling) => spelling.trim());
    const name = spellings.find((spelling) => spelling.startsWith("--")) ?? spellings.at(-1) ?? key;
    for (const spelling of spellings) bySpelling.set(spelling, { name, spec: option });
  };
  for (const flag of spec.flags ?? []) add(flag, PLAIN);
  for (const [key, option] of Object.entries(spec.options ?? {})) add(key, option);
  return { bySpelling, long: [...bySpelling.keys()].filter((spelling) => spelling.startsWith("--")).sort() };
}

/**
 * The option a long spelling names, abbreviations resolved as GNU getopt does.
 *
 * Returns undefined for a spelling that is not listed or fits several options.
 */
export function findLong(index: OptionIndex, spelling: string, exact: boolean): Option | undefined {
  const found = index.bySpelling.get(spelling);
  if (found !== undefined || exact) return found;
  const names = new Set(
    index.long.filter((long) => long.startsWith(spelling)).map((long) => index.bySpelling.get(long)?.name),
  );
  if (names.size !== 1) return undefined;
  const [name] = names;
  return name === undefined ? undefined : index.bySpelling.get(name);
}

/** `-5` as `head -5` and `git log -5` take it; listed in the tables as `-<n>`. */
export function findNumber(index: OptionIndex, text: string): Option | undefined {
  return /^[-+]\d+$/.test(text) ? index.bySpelling.get(text.startsWith("-") ? "-<n>" : "+<n>") : undefined;
}
