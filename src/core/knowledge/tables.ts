import type { Word } from "../call/word.ts";
import { type Compiled, compile, readArgv } from "./read-argv.ts";
import { type Reading, unknownReading } from "./reading.ts";
import type { CommandEntry, CommandSpec } from "./spec.ts";

/** The command tables, each compiled when it is first asked for. */
export interface Tables {
  /** Identifies the content; part of every audit record. */
  readonly hash: string;
  /** What a command does with these arguments (without its own name). */
  read(name: string, words: readonly Word[]): Reading;
  entry(name: string): CommandEntry | undefined;
}

/** Where generated tables lie: each command's entry as `storeEntry` wrote it, fetched when it is first met. */
export interface TableSource {
  readonly hash: string;
  /** Undefined for a command no table describes. */
  readonly text: (name: string) => string | undefined;
}

/**
 * An entry as text. What stands in it for each subcommand is a text of its own: of the hundred
 * and more that `git` has a call meets one, and parsing is paid for at each start.
 */
export function storeEntry(entry: CommandEntry): string {
  const { subcommands, ...spec } = entry.spec;
  if (subcommands === undefined) return JSON.stringify(entry);
  const texts = Object.entries(subcommands).map(([name, sub]) => [name, JSON.stringify(sub)]);
  return JSON.stringify({ ...entry, spec: { ...spec, subcommands: Object.fromEntries(texts) } });
}

/** Opens generated tables. */
export function openTables({ hash, text: textOf }: TableSource): Tables {
  const compiled = new Map<string, Compiled>();
  const find = (name: string): Compiled | undefined => {
    const ready = compiled.get(name);
    const text = ready === undefined ? textOf(name) : undefined;
    if (ready !== undefined || text === undefined) return ready;
    const found = compile(loadEntry(text));
    compiled.set(name, found);
    return found;
  };
  return {
    hash,
    read: (name, words) => {
      const table = find(name);
      return table === undefined ? unknownReading(name, words) : readArgv(table, words);
    },
    entry: (name) => find(name)?.entry,
  };
}

type StoredSpec = Omit<CommandSpec, "subcommands"> & {
  readonly subcommands?: Readonly<Record<string, string>>;
};

/** What `storeEntry` wrote. The generator made and checked it; here is the one place where its type is asserted. */
function loadEntry(text: string): CommandEntry {
  const entry = JSON.parse(text) as Omit<CommandEntry, "spec"> & { readonly spec: StoredSpec };
  const { subcommands: stored, ...spec } = entry.spec;
  if (stored === undefined) return { ...entry, spec };
  const subcommands: Record<string, CommandSpec> = {};
  for (const [name, sub] of Object.entries(stored)) {
    const get = (): CommandSpec => {
      const value = JSON.parse(sub) as CommandSpec;
      Object.defineProperty(subcommands, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(subcommands, name, { get, enumerable: true, configurable: true });
  }
  return { ...entry, spec: { ...spec, subcommands } };
}
