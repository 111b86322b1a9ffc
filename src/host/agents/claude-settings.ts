import { type Json, type JsonObject, isObject } from "../../core/call/json.ts";
import { SettingsFileError } from "../settings/error.ts";
import { putFirst, readAt, removeAt } from "../settings/json-edit.ts";

/** The hook that is put in, and how to tell one that an earlier installation put in. */
export interface OwnHook {
  readonly event: "PreToolUse" | "SessionStart";
  readonly command: string;
  /** Seconds. */
  readonly timeout: number;
  readonly isOurs: (command: string) => boolean;
}

type Kin = Pick<OwnHook, "event" | "isOurs">;

/** The entry that is put into the list of its event: it covers every tool, and every sort of start. */
function entryFor({ event, command, timeout }: OwnHook): JsonObject {
  const hooks = [{ type: "command", command, timeout }];
  return event === "PreToolUse" ? { matcher: "*", hooks } : { hooks };
}

/**
 * The settings of the agent with the hook in them, once; an older one of cordon's own is replaced.
 * The same text where the hook stands there already. Throws `SettingsFileError` for settings that
 * are faulty.
 */
export function withHook(file: string, text: string, hook: OwnHook): string {
  const mine = groupsIn(file, text, hook).filter((group) =>
    hooksOf(group).some((each) => isOurs(each, hook)),
  );
  if (mine.length === 1 && JSON.stringify(mine[0]) === JSON.stringify(entryFor(hook))) return text;
  return putFirst(file, withoutHook(file, text, hook), listOf(hook), entryFor(hook));
}

/** The settings without any hook of cordon's; a list and an object that this leaves empty go too. */
export function withoutHook(file: string, text: string, hook: Kin): string {
  const place = listOf(hook);
  let rest = text;
  // From the end, so that places before stay what they are.
  for (const [at, group] of [...groupsIn(file, text, hook).entries()].toReversed()) {
    const hooks = hooksOf(group);
    const ours = [...hooks.keys()].filter((index) => isOurs(hooks[index] ?? null, hook));
    if (ours.length === 0) continue;
    if (ours.length === hooks.length) rest = removeAt(file, rest, [...place, at]);
    else for (const index of ours.toReversed()) rest = removeAt(file, rest, [...place, at, "hooks", index]);
  }
  if (rest === text || groupsIn(file, rest, hook).length > 0) return rest;
  rest = removeAt(file, rest, place);
  const others = readAt(file, rest, ["hooks"]);
  return isObject(others) && Object.keys(others).length === 0 ? removeAt(file, rest, ["hooks"]) : rest;
}

function listOf({ event }: Pick<OwnHook, "event">): readonly [string, string] {
  return ["hooks", event];
}

/** The groups of hooks for the event, whatever they hold. */
function groupsIn(file: string, text: string, hook: Pick<OwnHook, "event">): readonly Json[] {
  const wrong = (what: string): SettingsFileError =>
    new SettingsFileError(file, `${what}; nothing was changed`, "mend the file by hand first");
  const hooks = readAt(file, text, ["hooks"]);
  if (hooks !== undefined && !isObject(hooks)) throw wrong("`hooks` is no object");
  const list = readAt(file, text, listOf(hook));
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw wrong(`\`hooks.${hook.event}\` is no list`);
  return list;
}

function hooksOf(group: Json): readonly Json[] {
  const hooks = isObject(group) ? group["hooks"] : undefined;
  return Array.isArray(hooks) ? hooks : [];
}

function isOurs(entry: Json, hook: Kin): boolean {
  const command = isObject(entry) ? entry["command"] : undefined;
  return typeof command === "string" && hook.isOurs(command);
}
