import { HOLE } from "../call/word.ts";

/** A command in a sentence: unknown stretches as an ellipsis, long ones cut. */
export function show(text: string): string {
  const shown = text.replaceAll(HOLE, "…");
  return shown.length > 160 ? `${shown.slice(0, 157)}...` : shown;
}
