import { propertiesOf } from "./document.ts";
import { nearest } from "./keys.ts";
import { entriesAt } from "./placed.ts";
import { GROUPS, KEYS } from "./settings.gen.ts";
import type { Entry, Unknown } from "./walk.ts";

/**
 * The key or group that an unknown name was probably meant to be, dotted; undefined where it is
 * near none.
 *
 * Other programs keep keys at the top of the same files: there a name of fewer than eight letters
 * may be one slip away and not two, one of fewer than five none, a group has to hold an object, hooks
 * lists, and what cordon does nothing with is near nothing.
 */
export function meantKey({ group, name, node }: Unknown): string | undefined {
  if (group === "" && name.includes(".")) return KEYS.has(name) ? name : undefined;
  const prefix = group === "" ? "" : `${group}.`;
  const siblings = [...KEYS.keys(), ...GROUPS].flatMap((path) => {
    const rest = path.startsWith(prefix) ? path.slice(prefix.length) : ".";
    return rest.includes(".") ? [] : [rest];
  });
  if (group !== "") {
    const near = nearest(name, siblings);
    return near === undefined ? undefined : `${prefix}${near}`;
  }
  const near = nearest(name, siblings, ({ length }) => (length < 5 ? 0 : length < 8 ? 1 : 2));
  if (near === undefined) return undefined;
  const merge = KEYS.get(near)?.merge;
  if (merge === "inert") return undefined;
  if (merge === "hooks" && !propertiesOf(node).some(({ value }) => value.type === "array")) return undefined;
  return merge === undefined && node.type !== "object" ? undefined : near;
}

/**
 * What an unknown key of a managed file holds as, where the key it was meant to be can forbid
 * something: that key, or each such key of the group.
 *
 * INVARIANT: nothing is opened by it. A choice or limit counts only where it is the stricter one, and
 * no helper is asked.
 */
export function guessedEntries(unknown: Unknown): readonly Entry[] {
  const path = meantKey(unknown);
  return path === undefined ? [] : entriesAt(path, unknown.node);
}
