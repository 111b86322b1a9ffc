import { type JsonObject, isObject } from "../call/json.ts";
import { type Node, propertiesOf, readDocument } from "../settings/document.ts";
import type { HookEvent } from "../settings/hooks.ts";

/** Fields that decide, in lower case. Elsewhere than they belong nobody would see what they say. */
const DECIDING: ReadonlySet<string> = new Set([
  "behavior",
  "continue",
  "decision",
  "hookspecificoutput",
  "permissiondecision",
  "updatedinput",
]);

/** Those of them that may stand at the top, and in the part of an event's own. */
const AT_TOP: readonly string[] = ["continue", "decision", "hookSpecificOutput"];

function ownFields(event: HookEvent): readonly string[] {
  switch (event) {
    case "PreToolUse":
      return ["permissionDecision", "updatedInput"];
    case "PermissionRequest":
      return ["decision"];
    case "PermissionDenied":
    case "PostToolUse":
    case "PostToolUseFailure":
    case "SessionStart":
    case "SessionEnd":
    case "ConfigChange":
      return [];
  }
}

/**
 * Why an answer may mean something else than it says: a key that stands twice in one object, or one
 * that decides in a place where it is not read. Undefined where it is clear. `value` is what `text`
 * holds. A hook that puts the agent's words into its JSON unquoted lets the agent add keys.
 */
export function ambiguity(event: HookEvent, text: string, value: JsonObject): string | undefined {
  const twice = doubled(text);
  if (twice !== undefined) return twice;
  const specific = value["hookSpecificOutput"];
  const stray =
    strayIn(value, AT_TOP) ?? (isObject(specific) ? strayIn(specific, ownFields(event)) : undefined);
  return stray === undefined ? undefined : `\`${stray}\` in what it printed is not read in that place`;
}

function strayIn(object: JsonObject, known: readonly string[]): string | undefined {
  return Object.keys(object).find((key) => DECIDING.has(key.toLowerCase()) && !known.includes(key));
}

/** Not by recursion: how deep it goes is up to the hook. */
function doubled(text: string): string | undefined {
  const { root } = readDocument(text);
  if (root === undefined) return "what it printed is nested too deeply";
  const waiting: Node[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const names = new Set<string>();
    for (const { name } of node.type === "object" ? propertiesOf(node) : []) {
      if (names.has(name)) return `\`${name}\` stands twice in what it printed`;
      names.add(name);
    }
    for (const child of node.children ?? []) waiting.push(child);
  }
  return undefined;
}

/** True for a text that is no object and holds the fields of an answer all the same: behind a line of a log, in a list. */
export function hidesAnswer(text: string): boolean {
  return /"(?:hookSpecificOutput|permissionDecision|decision|behavior|continue)"\s*:/.test(text);
}
