import type { Key, Node } from "./keys.ts";

/** src/core/settings/settings.gen.ts: the types of the settings and the table the walker reads. */
export function renderTypes(tree: Node, keys: readonly Key[], groups: ReadonlyMap<string, string>): string {
  const shared = sharedShapes(keys);
  const rows = keys.map(({ path, info }) => {
    const { shape, ...rest } = info;
    const written = shared.get(JSON.stringify(shape)) ?? JSON.stringify(shape);
    return `[${JSON.stringify(path)}, { shape: ${written}, ${JSON.stringify(rest).slice(1)}],`;
  });
  const named = new Map<string, string>();
  const fields = keys.map(({ path, node }) => `readonly ${JSON.stringify(path)}: ${typeOf(node, named)};`);
  const whole = interfaceOf(tree, named);
  return [
    "// Made from schema.ts by scripts/generate-settings.ts. Do not edit.",
    'import type { KeyInfo, Shape } from "./keys.ts";',
    ...[...named].map(([name, type]) => `export type ${name} = ${type};`),
    "/** A settings file, as far as cordon knows it. Files may hold other keys. */",
    `export interface Settings ${whole}`,
    "/** The same, each key by its dotted path. */",
    `export interface SettingValues { ${fields.join("\n")} }`,
    "export type SettingKey = keyof SettingValues;",
    "/** Objects that only hold keys. */",
    `export const GROUPS: ReadonlySet<string> = new Set(${JSON.stringify([...groups.keys()])});`,
    ...[...shared].map(([shape, name]) => `const ${name}: Shape = ${shape};`),
    "export const KEYS: ReadonlyMap<string, KeyInfo> = new Map<string, KeyInfo>([",
    ...rows,
    "]);",
    "",
  ].join("\n");
}

/** Names for the large shapes that several keys have, by their JSON. */
function sharedShapes(keys: readonly Key[]): ReadonlyMap<string, string> {
  const texts = keys.map(({ info }) => JSON.stringify(info.shape)).filter((text) => text.length > 40);
  const repeated = [...new Set(texts.filter((text, index) => texts.indexOf(text) !== index))];
  return new Map(repeated.map((text, index) => [text, `SHAPE_${index + 1}`]));
}

function interfaceOf(node: Node, named: Map<string, string>): string {
  const fields = Object.entries(node.properties ?? {}).map(([name, child]) => {
    const type = child.cordon === undefined ? interfaceOf(child, named) : typeOf(child, named);
    return `/** ${child.description ?? ""} */\nreadonly ${name}?: ${type} | undefined;`;
  });
  return `{\n${fields.join("\n")}\n}`;
}

/** The TypeScript type of a node; types with a title are collected in `named`. */
function typeOf(node: Node, named: Map<string, string>): string {
  if (node.anyOf) {
    const type = node.anyOf.map((each) => typeOf(each, named)).join(" | ");
    if (node.title === undefined) return type;
    named.set(node.title, type);
    return node.title;
  }
  if (node.enum) return node.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (node.const !== undefined) return JSON.stringify(node.const);
  switch (node.type) {
    case "boolean":
    case "string":
      return node.type;
    case "integer":
      return "number";
    case "array":
      return `readonly (${typeOf(node.items ?? {}, named)})[]`;
    case "object":
      break;
    default:
      return "unknown";
  }
  if (!node.properties) {
    const values = typeof node.additionalProperties === "object" ? node.additionalProperties : {};
    return `Readonly<Record<string, ${typeOf(values, named)}>>`;
  }
  const fields = Object.entries(node.properties).map(([name, child]) =>
    node.required?.includes(name)
      ? `readonly ${name}: ${typeOf(child, named)};`
      : `readonly ${name}?: ${typeOf(child, named)} | undefined;`,
  );
  return `{ ${fields.join(" ")} }`;
}
