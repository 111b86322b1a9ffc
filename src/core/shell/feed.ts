import type { Span } from "../call/call.ts";
import { type Collection, type Place, stringsOf } from "./collection.ts";
import { type ShellState, childState } from "./environment.ts";
import type { Invocation } from "./script.ts";

/**
 * Goes on into text that an interpreter is handed on its standard input: a shell runs it as a
 * script; of another language's code only the string literals can be command lines.
 */
export function feedText(
  into: Collection,
  reader: Invocation,
  text: string,
  state: ShellState,
  place: Place,
  anchor: Span,
): void {
  if (reader.reading.stdin === undefined) return;
  const below: Place = {
    ...place,
    parent: reader.id,
    depth: place.depth + 1,
    anchor: place.anchor ?? anchor,
    pipe: undefined,
  };
  if (reader.reading.stdin === "shell") {
    into.script(text, childState(state), { ...below, nesting: "script" });
    return;
  }
  into.fed.push({ part: reader.id, text, span: anchor });
  for (const piece of stringsOf(text)) into.script(piece, childState(state), { ...below, nesting: "code" });
}
