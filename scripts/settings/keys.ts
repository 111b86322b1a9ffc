import { z } from "zod";
import type { KeyInfo, Shape } from "../../src/core/settings/keys.ts";
import { settingsSchema, type KeyMeta } from "../../src/core/settings/schema.ts";

/** The part of a JSON Schema that `z.toJSONSchema` writes for the settings. */
export interface Node {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly cordon?: KeyMeta;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly string[];
  readonly const?: string | boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** One key of the settings, with everything that is generated from it. */
export interface Key {
  readonly path: string;
  readonly node: Node;
  readonly meta: KeyMeta;
  readonly info: KeyInfo;
}

/** A JSON Schema (draft 2020-12) of the settings, each key still with its `cordon` metadata. */
export function schemaTree(): Node {
  return z.toJSONSchema(settingsSchema, { target: "draft-2020-12" }) as Node;
}

/** Every key below `node`, dotted, in the order of the schema; `groups` collects the objects between. */
export function keysOf(node: Node, groups: Map<string, string>, prefix = ""): readonly Key[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]): readonly Key[] => {
    const path = `${prefix}${name}`;
    if (child.cordon === undefined) {
      groups.set(path, child.description ?? "");
      return keysOf(child, groups, `${path}.`);
    }
    const { default: _default, ...meta } = child.cordon;
    return [{ path, node: child, meta: child.cordon, info: { shape: shapeOf(child), ...meta } }];
  });
}

/**
 * The shape of a schema node.
 *
 * Throws for anything the walker does not know, so that a new kind of value cannot enter the
 * schema unchecked.
 */
export function shapeOf(node: Node): Shape {
  if (node.anyOf) return { either: node.anyOf.map(shapeOf) };
  if (node.enum) return { oneOf: node.enum };
  if (node.const !== undefined) return { oneOf: [node.const] };
  switch (node.type) {
    case undefined:
      return "any";
    case "boolean":
      return "boolean";
    case "string":
      if (node.pattern !== undefined) return { pattern: node.pattern, name: node.title ?? "a string" };
      return node.minLength === 1 ? "text" : "string";
    case "integer":
      return { min: node.minimum ?? Number.MIN_SAFE_INTEGER, max: node.maximum ?? Number.MAX_SAFE_INTEGER };
    case "array":
      return { list: shapeOf(node.items ?? {}) };
    case "object":
      if (node.properties) {
        return {
          fields: Object.fromEntries(
            Object.entries(node.properties).map(([name, child]) => [name, shapeOf(child)]),
          ),
          required: node.required ?? [],
          closed: node.additionalProperties === false,
        };
      }
      return {
        map: typeof node.additionalProperties === "object" ? shapeOf(node.additionalProperties) : "any",
      };
  }
  throw new Error(`the settings walker knows no ${JSON.stringify(node)}`);
}
