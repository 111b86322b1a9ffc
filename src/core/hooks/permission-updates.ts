import { type Json, isObject } from "../call/json.ts";
import { show } from "../inquiry/show.ts";

/** What a hook wants to change about permissions, beside allowing one call. */
export interface PermissionUpdates {
  /** Rules to be allowed for the session. */
  readonly grants: readonly string[];
  /** Everything else, in words: cordon does none of it. */
  readonly others: readonly string[];
}

/** Most updates of one answer, and most rules of one update. */
const MOST = 50;

/** Updates that name rules, directories or a mode; only the first kind can be obeyed. */
const TYPES = [
  "addRules",
  "replaceRules",
  "removeRules",
  "setMode",
  "addDirectories",
  "removeDirectories",
] as const;

/** Reads `updatedPermissions`; a text says what is wrong with it. Nothing in it is passed over. */
export function readUpdates(value: Json | undefined): PermissionUpdates | string {
  if (!Array.isArray(value)) return "`updatedPermissions` is no list";
  if (value.length > MOST) return `\`updatedPermissions\` has more than ${MOST} entries`;
  const [grants, others]: readonly [string[], string[]] = [[], []];
  for (const update of value as readonly Json[]) {
    if (!isObject(update)) return "an entry of `updatedPermissions` is no object";
    const type = TYPES.find((each) => each === update["type"]);
    if (type === undefined) return "an entry of `updatedPermissions` has no known `type`";
    const { destination, behavior } = update;
    if (typeof destination !== "string") return "an entry of `updatedPermissions` has no `destination`";
    switch (type) {
      case "addRules":
      case "replaceRules":
      case "removeRules": {
        const rules = rulesOf(update["rules"]);
        if (typeof rules === "string") return rules;
        if (behavior !== "allow" && behavior !== "deny" && behavior !== "ask")
          return "an entry of `updatedPermissions` has no `behavior`";
        if (type === "addRules" && behavior === "allow" && destination === "session") grants.push(...rules);
        else
          others.push(
            `\`${type}\` (${behavior}, ${show(destination)}): ${rules.map((rule) => `\`${show(rule)}\``).join(", ")}`,
          );
        break;
      }
      case "setMode": {
        if (typeof update["mode"] !== "string") return "a `setMode` of `updatedPermissions` has no `mode`";
        others.push(`\`setMode\` (${show(destination)}): \`${show(update["mode"])}\``);
        break;
      }
      case "addDirectories":
      case "removeDirectories":
        others.push(`\`${type}\` (${show(destination)})`);
        break;
    }
  }
  return { grants, others };
}

function rulesOf(value: Json | undefined): readonly string[] | string {
  if (!Array.isArray(value) || value.length > MOST) return "`rules` of `updatedPermissions` is no list";
  const rules: string[] = [];
  for (const rule of value as readonly Json[]) {
    if (!isObject(rule)) return "a rule of `updatedPermissions` is no object";
    const { toolName, ruleContent } = rule;
    if (typeof toolName !== "string" || toolName === "" || toolName.includes("("))
      return "a rule of `updatedPermissions` has no `toolName`";
    if (ruleContent !== undefined && typeof ruleContent !== "string")
      return "the `ruleContent` of a rule of `updatedPermissions` is no text";
    rules.push(ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`);
  }
  return rules;
}
