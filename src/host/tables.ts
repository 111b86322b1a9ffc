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
  const places = new Map<string, readonly [number, number]>();
  for (const line of TABLES_INDEX.split("\n")) {
    const [name = "", offset, length] = line.split(" ");
    places.set(name, [Number(offset), Number(length)]);
  }
  return openTables({
    hash: TABLES_HASH,
    names: [...places.keys()],
    text: (name) => {
      const place = places.get(name);
      return place === undefined ? undefined : readEntry(place[0], place[1]);
    },
  });
}

function readEntry(offset: number, length: number): string {
  const file = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) =>
    existsSync(path),
  );
  if (file === undefined) throw new Error("the command tables are missing; build cordon again");
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
