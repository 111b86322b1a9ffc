import { type Node, propertiesOf } from "./document.ts";
import { nearest } from "./keys.ts";
import { guessedEntries, meantKey } from "./meant.ts";
import { TIGHTENING, placedEntries, placedKey, placedLists } from "./placed.ts";
import { KEYS } from "./settings.gen.ts";
import type { Unknown } from "./walk.ts";

/** A key that is not where or what it should be, and the rule lists it was probably meant to be. */
export interface Stray {
  readonly severity: "error" | "warning";
  readonly key: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Managed: what it was meant to forbid cannot be made out, so that nothing may run. */
  readonly stops?: true | undefined;
  readonly lists: readonly { readonly effect: "ask" | "deny"; readonly key: string; readonly node: Node }[];
}

const OWN_GROUPS = ["permissions", "sandbox", "cordon"];

/**
 * What to say about an unknown key; undefined for keys of other programs, which pass silently.
 *
 * What is one slip away from a deny or ask list, or stands one level too high, is read as that
 * list: unknown is stricter. So is any key that can forbid something and stands, by its right name, in
 * the wrong group, and in a managed file one that is a slip away.
 */
export function strayKey(unknown: Unknown, managed: boolean): Stray | undefined {
  const { group, name, node } = unknown;
  if (group !== "") return misplaced(unknown, managed) ?? inGroup(unknown, managed);
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
  const placed = misplaced(unknown, managed);
  if (placed !== undefined) return placed;
  const held = managed ? heldAs(unknown) : undefined;
  if (OWN_GROUPS.some((own) => name.startsWith(`${own}.`))) {
    const path = name.split(".").map((part) => `"${part}"`);
    return {
      severity: held === undefined ? "warning" : "error",
      key: name,
      message: `\`${name}\` is one key with a dot in it, which ${held === undefined ? "means nothing" : `is no key; ${held}`}`,
      hint: `nest it: ${path.join(": {")}`,
      lists: [],
    };
  }
  const meant = meantKey(unknown);
  if (meant === undefined) return undefined;
  const slip = { key: name, hint: `did you mean \`${meant}\`?` };
  if (meant === "permissions") {
    return {
      severity: "error",
      ...slip,
      message: `unknown key \`${name}\`; ${held ?? "deny and ask rules in it hold, nothing else does"}`,
      lists: propertiesOf(node).flatMap((inner) => {
        const tightens = TIGHTENING.get(inner.name);
        return tightens === undefined
          ? []
          : [{ effect: tightens, key: `${name}.${inner.name}`, node: inner.value }];
      }),
    };
  }
  if (meant === "ignorePatterns") {
    const message = `unknown key \`${name}\`; it is read as \`${meant}\``;
    return { severity: "error", ...slip, message, lists: [{ effect: "deny", key: meant, node }] };
  }
  if (managed && meant === "hooks") {
    const message = `unknown key \`${name}\`, which may name hooks; every call is denied until it is mended`;
    return { severity: "error", ...slip, message, stops: true, lists: [] };
  }
  return {
    severity: held === undefined ? "warning" : "error",
    ...slip,
    message: `unknown key \`${name}\`; ${held ?? `${KEYS.has(meant) ? "it does nothing" : "nothing in it counts"}`}`,
    lists: [],
  };
}

/** A key or group by its right name in the wrong place; undefined for all others. */
function misplaced(unknown: Unknown, managed: boolean): Stray | undefined {
  const path = placedKey(unknown);
  if (path === undefined) return undefined;
  const { group, name, node } = unknown;
  const key = group === "" ? name : `${group}.${name}`;
  const lists = placedLists(unknown);
  const isGroup = !KEYS.has(path);
  const counts = managed || KEYS.get(path)?.scopes !== "managed";
  const holds = lists.length > 0 || (counts && placedEntries(unknown).length > 0);
  const names = path.split(".");
  const value = isGroup || node.type === "object" ? "{...}" : node.type === "array" ? "[...]" : "...";
  const hint = `write \`${names.map((each) => `"${each}": `).join("{")}${value}${"}".repeat(names.length - 1)}\` at the top of the file`;
  const wrong = `\`${key}\` stands in the wrong place: it is \`${path}\``;
  if (managed && KEYS.get(path)?.merge === "hooks") {
    const message = `${wrong}, which may name hooks; every call is denied until it is mended`;
    return { severity: "error", key, message, hint, stops: true, lists: [] };
  }
  const what = holds
    ? isGroup
      ? "what restricts in it holds, nothing else does"
      : "as far as it restricts it holds all the same"
    : "it does nothing there";
  return { severity: holds ? "error" : "warning", key, message: `${wrong}; ${what}`, hint, lists };
}

/** What holds of an unknown key of a managed file; undefined where it forbids nothing. */
function heldAs(unknown: Unknown): string | undefined {
  const path = meantKey(unknown);
  if (path === undefined) return undefined;
  const info = KEYS.get(path);
  if (info === undefined) return "what restricts in it holds, nothing else does";
  if (guessedEntries(unknown).length === 0) return undefined;
  const chosen = info.merge === "choice" || info.merge === "limit";
  return `it is read as \`${path}\`${chosen ? ", as far as that is stricter" : ""}`;
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

function inGroup(unknown: Unknown, managed: boolean): Stray {
  const { group, name, node } = unknown;
  const key = `${group}.${name.slice(0, 60)}`;
  const near = meantKey(unknown)?.slice(group.length + 1);
  const effect = group === "permissions" && near !== undefined ? TIGHTENING.get(near) : undefined;
  const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
  const held = managed ? heldAs(unknown) : undefined;
  if (effect === undefined) {
    const severity = held === undefined ? "warning" : "error";
    return {
      severity,
      key,
      message: `unknown key \`${key}\`${held === undefined ? "" : `; ${held}`}`,
      hint,
      lists: [],
    };
  }
  return {
    severity: "error",
    key,
    message: `unknown key \`${key}\`; it is read as \`${group}.${near}\``,
    hint,
    lists: [{ effect, key, node }],
  };
}
