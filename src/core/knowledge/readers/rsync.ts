import { type Word, isKnown, knownPrefix } from "../../call/word.ts";
import { type Draft, raise } from "../draft.ts";
import { take } from "../take.ts";

/** `rsync`: a colon before the first slash names another machine (rsync 3.5.0). */
export function readRsync(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "file-modifying", "copies files");
  if (operands.some(mayBeRemote)) raise(draft, "network", "copies files from or to another machine");
  const target = operands.length > 1 ? operands.at(-1) : undefined;
  for (const word of operands) take(draft, word === target ? "write" : "read", word);
}

function mayBeRemote(word: Word): boolean {
  const start = knownPrefix(word);
  return /^[^/]*:/.test(start) || (!isKnown(word) && !start.includes("/"));
}
