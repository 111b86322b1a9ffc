import type { Word } from "../call/word.ts";
import { type Compiled, compile, readArgv } from "./read-argv.ts";
import { type Reading, unknownReading } from "./reading.ts";
import type { CommandEntry } from "./spec.ts";

/** The command tables, each compiled when it is first asked for. */
export interface Tables {
  /** Identifies the content; part of every audit record. */
  readonly hash: string;
  readonly names: readonly string[];
  /** What a command does with these arguments (without its own name). */
  read(name: string, words: readonly Word[]): Reading;
  entry(name: string): CommandEntry | undefined;
}

/** Where generated tables lie: each command's entry as JSON text, fetched when it is first met. */
export interface TableSource {
  readonly hash: string;
  readonly names: readonly string[];
  /** Undefined for a command no table describes. */
  readonly text: (name: string) => string | undefined;
}

/** Opens generated tables. */
export function openTables({ hash, names, text: textOf }: TableSource): Tables {
  const compiled = new Map<string, Compiled>();
  const find = (name: string): Compiled | undefined => {
    const ready = compiled.get(name);
    const text = ready === undefined ? textOf(name) : undefined;
    if (ready !== undefined || text === undefined) return ready;
    // The text was made and checked by the generator; it is the one place where its type is asserted.
    const found = compile(JSON.parse(text) as CommandEntry);
    compiled.set(name, found);
    return found;
  };
  return {
    hash,
    names,
    read: (name, words) => {
      const table = find(name);
      return table === undefined ? unknownReading(name, words) : readArgv(table, words);
    },
    entry: (name) => find(name)?.entry,
  };
}
