import { HOLE, type Word } from "../call/word.ts";
import type { PathEffect, Reading } from "../knowledge/reading.ts";

/** Most words of one command that are looked at. */
const MOST = 1_000;

/**
 * Paths among the words of a command that is not understood. Whatever it does with them, it is
 * handed their names: that counts where a path is a credential store, a secret or the guard.
 */
export function strayPaths(words: readonly Word[], reading: Reading): readonly PathEffect[] {
  if (reading.class !== undefined) return [];
  const known = new Set(reading.effects.map(({ word }) => word.text));
  return words.slice(0, MOST).flatMap((word): readonly PathEffect[] => {
    const text = pathIn(word.text);
    if (text === undefined || known.has(text)) return [];
    const named = { ...word, text, glob: text === word.text ? word.glob : undefined };
    return [{ action: "read", word: named, bases: [], recursive: false, hint: true }];
  });
}

/** `PATH`, `--file=PATH`, `-iPATH`, `@PATH`; undefined for what looks like no path. */
function pathIn(text: string): string | undefined {
  const path = text.replace(/^(?:--?[\w.-]*=|[A-Za-z_]\w*=|-[A-Za-z](?=[~/.])|@(?=[~/.\w]))/, "");
  if (path === "" || path.startsWith("-") || path.includes(HOLE) || /[\s:]/.test(path)) return undefined;
  return path.startsWith("~/") || path.startsWith(".") || path.includes("/") ? path : undefined;
}
