import { type ParsedScript, parse as parseBash } from "unbash";
import type { Doubt } from "../knowledge/reading.ts";
import { LONGEST, byteDoubt } from "./bytes.ts";
import { structureDoubts } from "./guards.ts";

/** A command text as the parser sees it, with every reason not to trust that. */
export interface Parsed {
  readonly script: ParsedScript | undefined;
  readonly doubts: readonly Doubt[];
}

/**
 * Parses a command text. Never throws.
 *
 * `script` is there even where there are doubts, for the rules that deny; an empty list of doubts
 * means that its structure is what bash would make of the text.
 */
export function parseCommand(source: string): Parsed {
  const bytes = byteDoubt(source);
  if (bytes?.code === "cmd.too-long" && heavy(source))
    return { script: undefined, doubts: [{ ...bytes, unseen: true }] };
  let script: ParsedScript;
  try {
    script = parseBash(source);
  } catch {
    const why = "the command cannot be parsed";
    return { script: undefined, doubts: [{ code: "cmd.unparsable", why, unseen: true }] };
  }
  const doubts = bytes === undefined ? [] : [bytes];
  try {
    doubts.push(...structureDoubts(script, source));
  } catch {
    doubts.push({ code: "cmd.unparsable", why: "the command is nested too deeply" });
  }
  return { script, doubts };
}

/** Most pieces of a broken text that are looked at. */
const MOST_PIECES = 200;

/** What a text that cannot be parsed as a whole may hold all the same: its pieces between operators. */
export function piecesOf(text: string): readonly string[] {
  const pieces = text.split(/[\n;&|]+/).map((piece) => piece.trim());
  if (pieces.length > MOST_PIECES) return [];
  return pieces.filter((piece) => piece !== text.trim() && piece !== "" && piece.length <= LONGEST);
}

/** Deep nesting makes the parser's time grow faster than the text; such a text is not read at all. */
function heavy(source: string): boolean {
  if (source.length > 1_000_000) return true;
  let openings = 0;
  for (let at = 0; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === 40 || code === 96 || code === 123) openings++;
  }
  return openings > 4000;
}
