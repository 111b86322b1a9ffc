import { type Node, propertiesOf } from "./document.ts";
import { type KeyInfo, type Shape, describeShape } from "./keys.ts";
import { GROUPS, KEYS } from "./settings.gen.ts";

/** Something in a value that the key does not take. */
export interface Misfit {
  readonly node: Node;
  /** Dotted, with the index: `permissions.deny[2]`. */
  readonly key: string;
  readonly expected: string;
}

/** One occurrence of a known key. */
export interface Entry {
  readonly path: string;
  readonly info: KeyInfo;
  readonly node: Node;
  /** False for an occurrence that a later one of the same name overrides. */
  readonly live: boolean;
  readonly misfits: readonly Misfit[];
  /** The name that is written is another one, a slip away. Nothing is opened by a guess. */
  readonly guessed?: true | undefined;
}

/** A key the table does not know, in the group it stands in. */
export interface Unknown {
  readonly group: string;
  readonly name: string;
  readonly key: Node;
  readonly node: Node;
}

export interface Walk {
  readonly entries: readonly Entry[];
  /** Groups that are no object. */
  readonly misfits: readonly Misfit[];
  readonly unknown: readonly Unknown[];
  /** Later occurrences of a name. */
  readonly repeated: readonly { readonly path: string; readonly key: Node }[];
}

/**
 * Finds every known key below the root of a settings file, or below the object of one of its groups,
 * and checks its value.
 *
 * INVARIANT: a value has no misfits exactly when the published schema accepts it.
 */
export function walk(root: Node, of: string = ""): Walk {
  const entries: Entry[] = [];
  const misfits: Misfit[] = [];
  const unknown: Unknown[] = [];
  const repeated: { path: string; key: Node }[] = [];

  const descend = (node: Node, group: string, live: boolean): void => {
    const properties = propertiesOf(node);
    const last = new Map(properties.map(({ name }, index) => [name, index]));
    const seen = new Set<string>();
    for (const [index, { name, key, value }] of properties.entries()) {
      const path = group === "" ? name : `${group}.${name}`;
      const known = !name.includes(".");
      const info = known ? KEYS.get(path) : undefined;
      const isGroup = known && GROUPS.has(path);
      if (info === undefined && !isGroup) {
        unknown.push({ group, name, key, node: value });
        continue;
      }
      if (seen.has(name)) repeated.push({ path, key });
      seen.add(name);
      const counts = live && last.get(name) === index;
      if (info)
        entries.push({ path, info, node: value, live: counts, misfits: misfitsOf(value, info.shape, path) });
      else if (value.type === "object") descend(value, path, counts);
      else misfits.push({ node: value, key: path, expected: "an object" });
    }
  };

  if (root.type === "object") descend(root, of, true);
  else misfits.push({ node: root, key: of, expected: "an object" });
  return { entries, misfits, unknown, repeated };
}

/** What in the value does not have the shape; for lists and objects, which entries. */
export function misfitsOf(node: Node, shape: Shape, key: string): readonly Misfit[] {
  const none: readonly Misfit[] = [];
  const misfit = (fits: boolean): readonly Misfit[] =>
    fits ? none : [{ node, key, expected: describeShape(shape) }];
  switch (shape) {
    case "any":
      return none;
    case "boolean":
    case "string":
      return misfit(node.type === shape);
    case "text":
      return misfit(node.type === "string" && node.value !== "");
  }
  if ("oneOf" in shape) return misfit(shape.oneOf.some((value) => value === node.value));
  if ("pattern" in shape)
    return misfit(node.type === "string" && new RegExp(shape.pattern).test(String(node.value)));
  if ("min" in shape) {
    const value = node.type === "number" ? Number(node.value) : Number.NaN;
    return misfit(Number.isSafeInteger(value) && value >= shape.min && value <= shape.max);
  }
  if ("list" in shape) {
    if (node.type !== "array") return misfit(false);
    const { list } = shape;
    if (list === "any" || (node.texts !== undefined && takesAnyText(list))) return none;
    // There may be thousands of rules: where all fit, no name is made for any.
    const odd = (item: Node): boolean => item.type !== "string" || misfitsOf(item, list, key).length > 0;
    if (node.children?.some(odd) !== true) return none;
    return node.children.flatMap((item, index) => misfitsOf(item, list, `${key}[${index}]`));
  }
  if ("either" in shape) return misfit(shape.either.some((each) => misfitsOf(node, each, key).length === 0));
  if (node.type !== "object") return misfit(false);
  if ("map" in shape) {
    const { map } = shape;
    if (map === "any") return none;
    // `__proto__` names no variable of an environment, and the published schema passes over it.
    return propertiesOf(node).flatMap(({ name, value }) =>
      name === "__proto__" ? none : misfitsOf(value, map, `${key}.${name}`),
    );
  }
  const { fields, required, closed } = shape;
  const properties = propertiesOf(node);
  if (required.some((name) => !properties.some((property) => property.name === name))) return misfit(false);
  return properties.flatMap(({ name, value }) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) return misfit(!closed);
    return misfitsOf(value, field, `${key}.${name}`);
  });
}

function takesAnyText(shape: Shape): boolean {
  if (typeof shape === "object") return "either" in shape && shape.either.some(takesAnyText);
  return shape === "any" || shape === "string";
}
