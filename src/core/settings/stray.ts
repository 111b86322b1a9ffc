import { type Node, propertiesOf } from "./document.ts";
import { nearest } from "./keys.ts";
import { GROUPS, KEYS } from "./settings.gen.ts";
import type { Unknown } from "./walk.ts";

/** A key that is not where or what it should be, and the rule lists it was probably meant to be. */
export interface Stray {
  readonly severity: "error" | "warning";
  readonly key: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly lists: readonly { readonly effect: "ask" | "deny"; readonly key: string; readonly node: Node }[];
}

/** Names of rule lists that tighten; a slip in one of them must not lose a rule. */
const TIGHTENING: ReadonlyMap<string, "ask" | "deny"> = new Map([
  ["ask", "ask"],
  ["deny", "deny"],
  ["deniedTools", "deny"],
]);
const OWN_GROUPS = ["permissions", "sandbox", "cordon"];

/**
 * What to say about an unknown key; undefined for keys of other programs, which pass silently.
 *
 * What is one slip away from a deny or ask list, or stands one level too high, is read as that
 * list: unknown is stricter.
 */
export function strayKey({ group, name, node }: Unknown): Stray | undefined {
  if (group !== "") return inGroup(group, name, node);
  const dotted = OWN_GROUPS.find((own) => name.startsWith(`${own}.`));
  const list = topList(name.replace(/^permissions\./, ""), node);
  const effect = list === undefined ? undefined : TIGHTENING.get(list);
  if (list !== undefined) {
    return {
      severity: effect === undefined ? "warning" : "error",
      key: name,
      message: `\`${name}\` stands outside of \`permissions\`${effect === undefined ? " and approves nothing" : "; its rules hold all the same"}`,
      hint: `write \`"permissions": {"${effect ?? list}": [...]}\``,
      lists: effect === undefined ? [] : [{ effect, key: name, node }],
    };
  }
  if (dotted !== undefined) {
    const path = name.split(".").map((part) => `"${part}"`);
    return {
      severity: "warning",
      key: name,
      message: `\`${name}\` is one key with a dot in it, which means nothing`,
      hint: `nest it: ${path.join(": {")}`,
      lists: [],
    };
  }
  if (nearest(name, ["permissions"]) === undefined || node.type !== "object") return undefined;
  return {
    severity: "error",
    key: name,
    message: `unknown key \`${name}\`; deny and ask rules in it hold, nothing else does`,
    hint: "did you mean `permissions`?",
    lists: propertiesOf(node).flatMap((inner) => {
      const meant = TIGHTENING.get(inner.name);
      return meant === undefined ? [] : [{ effect: meant, key: `${name}.${inner.name}`, node: inner.value }];
    }),
  };
}

/**
 * The rule list a key outside of `permissions` was meant to be. Other programs keep keys there too:
 * a slip counts only in a list or text, and in a name that is no ordinary word.
 */
function topList(name: string, node: Node): string | undefined {
  if (name === "allow" || name === "ask" || name === "deny") return name;
  if (node.type !== "array" && node.type !== "string") return undefined;
  const near = nearest(name, ["deny", "deniedTools"]);
  return name.toLowerCase() === "ask" ? "ask" : near;
}

function inGroup(group: string, name: string, node: Node): Stray {
  const key = `${group}.${name.slice(0, 60)}`;
  const siblings = [...KEYS.keys(), ...GROUPS].flatMap((path) => {
    const rest = path.startsWith(`${group}.`) ? path.slice(group.length + 1) : ".";
    return rest.includes(".") ? [] : [rest];
  });
  const near = nearest(name, siblings);
  const effect = group === "permissions" && near !== undefined ? TIGHTENING.get(near) : undefined;
  const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
  if (effect === undefined) {
    return { severity: "warning", key, message: `unknown key \`${key}\``, hint, lists: [] };
  }
  return {
    severity: "error",
    key,
    message: `unknown key \`${key}\`; it is read as \`${group}.${near}\``,
    hint,
    lists: [{ effect, key, node }],
  };
}
