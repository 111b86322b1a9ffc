import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TABLES_HASH, TABLES_INDEX } from "../core/knowledge/tables.gen.ts";
import { type Tables, openTables } from "../core/knowledge/tables.ts";

/** Beside the bundles and the library in dist/, and where the generator puts it in a checkout. */
const PLACES: readonly string[] = [
  "../tables.txt",
  "../core/knowledge/tables.gen.txt",
  "../src/core/knowledge/tables.gen.txt",
];

/**
 * The built-in command tables. Two megabytes of text stay on the disk; an entry is read when its
 * command is first met, because a hook call meets one or two and pays for every byte it loads.
 *
 * Throws when the data file is missing: without it nothing can be judged.
 */
export function builtInTables(): Tables {
  const file = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) =>
    existsSync(path),
  );
  if (file === undefined) throw new Error("the command tables are missing; build cordon again");
  return openTables({
    hash: TABLES_HASH,
    text: (name) => {
      const place = placeOf(name);
      return place === undefined ? undefined : readEntry(file, place[0], place[1]);
    },
  });
}

/** Offset and length of a command's entry. The index is searched as it is: a map of it would be made at each start. */
function placeOf(name: string): readonly [number, number] | undefined {
  if (/\s/.test(name)) return undefined;
  const start = TABLES_INDEX.indexOf(`\n${name} `);
  if (start === -1) return undefined;
  const [offset, length] = TABLES_INDEX.slice(start + name.length + 2, start + name.length + 30).split(
    /[ \n]/,
  );
  return [Number(offset), Number(length)];
}

function readEntry(file: string, offset: number, length: number): string {
  const descriptor = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(length);
    if (readSync(descriptor, bytes, 0, length, offset) !== length)
      throw new Error(`${file} is cut short; build cordon again`);
    return bytes.toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}
