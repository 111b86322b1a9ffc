import { type Node, propertiesOf } from "./document.ts";
import type { Merge } from "./keys.ts";
import { GROUPS, KEYS } from "./settings.gen.ts";
import { type Entry, type Unknown, misfitsOf, walk } from "./walk.ts";

/** Keys of these kinds can forbid something; the lists of rules are seen to where rules are read. */
export const RESTRICTING: ReadonlySet<Merge> = new Set<Merge>([
  "closes",
  "restricts",
  "lock",
  "choice",
  "limit",
]);

/** Names of rule lists that tighten; a slip about one of them must not lose a rule. */
export const TIGHTENING: ReadonlyMap<string, "ask" | "deny"> = new Map([
  ["ask", "ask"],
  ["deny", "deny"],
  ["deniedTools", "deny"],
]);

/** A shorter name at the top of a file may be a key of another program. */
const LEAST = 8;

/**
 * The key or group, dotted, whose name stands in another place than its own; undefined for names
 * that are known nowhere, and for what cordon does nothing with.
 *
 * Other programs keep keys at the top of the same files: there the name has to be a telling one of
 * a key that restricts or opens, or a group with such keys in it.
 */
export function placedKey({ group, name, node }: Unknown): string | undefined {
  const known = BY_NAME.get(name);
  if (known === undefined) return undefined;
  const top = group === "";
  const [key] = known
    .filter((path) => KEYS.has(path) && tells(path, top))
    .toSorted((a, b) => rankOf(a) - rankOf(b));
  if (key !== undefined) return key;
  if (node.type !== "object") return undefined;
  const inside = propertiesOf(node);
  const holds = (path: string): boolean =>
    inside.some((property) => {
      const each = `${path}.${property.name}`;
      return KEYS.has(each) ? !top || tells(each, top) : GROUPS.has(each);
    });
  const [own] = known
    .filter((path) => GROUPS.has(path) && (path === name ? !top : holds(path)))
    .toSorted((a, b) => a.length - b.length);
  return own;
}

/** Keys and groups by the last part of their names. */
const BY_NAME: ReadonlyMap<string, readonly string[]> = byLastPart([...KEYS.keys(), ...GROUPS]);

function byLastPart(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf(".") + 1);
    found.set(name, [...(found.get(name) ?? []), path]);
  }
  return found;
}

/** First what restricts, and counts in most files. */
function rankOf(path: string): number {
  const info = KEYS.get(path);
  if (info === undefined || !RESTRICTING.has(info.merge)) return 100;
  return (info.scopes === "any" ? 0 : 10) + path.split(".").length;
}

/** A key that means something wherever its name is met; at the top of a file only one that is hardly another program's. */
function tells(path: string, top: boolean): boolean {
  const info = KEYS.get(path);
  // A group: its own keys decide.
  if (info === undefined) return true;
  if (info.merge === "inert") return false;
  if (!top) return true;
  const name = path.slice(path.lastIndexOf(".") + 1);
  if (name.length < LEAST) return false;
  switch (info.merge) {
    case "closes":
      return true;
    case "restricts":
    case "lock":
    case "choice":
    case "opens":
      return !path.startsWith("cordon.");
    case "rules":
    case "limit":
    case "value":
    case "hooks":
      return false;
  }
}

/**
 * What a misplaced key holds as: itself, or each restricting key of the group. As of a guess, nothing
 * is opened by it, and a choice or limit counts only where it is the stricter one.
 */
export function placedEntries(unknown: Unknown): readonly Entry[] {
  const path = placedKey(unknown);
  return path === undefined ? [] : entriesAt(path, unknown.node);
}

/** The entries of a key or group that can forbid something, were it to stand at `path`. */
export function entriesAt(path: string, node: Node): readonly Entry[] {
  const info = KEYS.get(path);
  const entries: readonly Entry[] =
    info === undefined
      ? walk(node, path).entries
      : [{ path, info, node, live: false, misfits: misfitsOf(node, info.shape, path) }];
  return entries
    .filter((entry) => RESTRICTING.has(entry.info.merge))
    .map((entry): Entry => ({ ...entry, live: false, guessed: true }));
}

/** The rule lists in a misplaced key or group that tighten. */
export function placedLists({ group, name, node }: Unknown): readonly {
  readonly effect: "ask" | "deny";
  readonly key: string;
  readonly node: Node;
}[] {
  const key = group === "" ? name : `${group}.${name}`;
  if (name === "ignorePatterns") return [{ effect: "deny", key: name, node }];
  const effect = TIGHTENING.get(name);
  // In the sandbox's groups a list of that name is probably one of paths or hosts.
  if (effect !== undefined)
    return group.startsWith("sandbox") && !holdsRules(node) ? [] : [{ effect, key, node }];
  if (name !== "permissions") return [];
  return propertiesOf(node).flatMap((inner) => {
    const tightens = TIGHTENING.get(inner.name);
    return tightens === undefined
      ? []
      : [{ effect: tightens, key: `${key}.${inner.name}`, node: inner.value }];
  });
}

function holdsRules(node: Node): boolean {
  const items = node.type === "array" ? (node.children ?? []) : [node];
  return items.some((item) => item.type === "object" || /^\s*[A-Z]\w*\s*\(/.test(String(item.value ?? "")));
}
