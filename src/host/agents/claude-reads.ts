import { type ParseError, parseTree } from "jsonc-parser";
import { type Json, isObject } from "../../core/call/json.ts";
import { readDocument, valueOf } from "../../core/settings/document.ts";
import { SettingsFileError } from "../settings/error.ts";

/**
 * Throws `SettingsFileError` where the agent would ignore the whole file, hooks included, and run
 * every call unseen. Measured on 2.1.197: comments, trailing commas, hooks of another shape.
 *
 * Keys that have nothing to do with hooks are not looked at; a wrong type there has the same effect.
 */
export function refuseWhatClaudeIgnores(file: string, text: string): void {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const errors: ParseError[] = [];
  parseTree(body, errors, { disallowComments: true, allowTrailingComma: false });
  const { root, fault, positionOf } = readDocument(body);
  // What is wrong for every reader is said better elsewhere.
  if (fault !== undefined || root === undefined) return;
  const [first] = errors;
  if (first !== undefined) {
    const { line, column } = positionOf(first.offset);
    throw new SettingsFileError(
      `${file}:${line}:${column}`,
      "the agent reads no comments and no trailing commas, and ignores the whole file with them; nothing was changed",
      "remove them first",
    );
  }
  const settings = valueOf(root, 16);
  const hooks = isObject(settings) ? settings["hooks"] : undefined;
  for (const [event, groups] of Object.entries(isObject(hooks) ? hooks : {})) {
    if (!Array.isArray(groups) || groups.every(isGroup)) continue;
    throw new SettingsFileError(
      file,
      `\`hooks.${event}\` has an entry that is none, and the agent ignores the whole file with it; nothing was changed`,
      'an entry is `{"matcher": "Bash", "hooks": [{"type": "command", "command": "..."}]}`',
    );
  }
}

function isGroup(group: Json): boolean {
  if (!isObject(group)) return false;
  const { matcher, hooks } = group;
  if (matcher !== undefined && typeof matcher !== "string") return false;
  return (
    Array.isArray(hooks) && hooks.every((hook: Json) => isObject(hook) && typeof hook["type"] === "string")
  );
}
