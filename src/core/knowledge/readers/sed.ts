import type { Word } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";
import { take } from "../take.ts";

/** `sed`: the first operand is the script unless `-e` or `-f` gave one; `-i` writes the files (sed 4.9). */
export function readSedCommand(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  const given = draft.options.has("--expression") || draft.options.has("--file");
  const [script] = operands;
  if (!given && script === undefined) doubt(draft, "cmd.option-unlisted", "sed is given no script");
  if (!given && script !== undefined) take(draft, "sed-script", script);
  const inPlace = draft.options.has("--in-place");
  for (const word of operands.slice(given ? 0 : 1)) take(draft, inPlace ? "update" : "read", word);
}
