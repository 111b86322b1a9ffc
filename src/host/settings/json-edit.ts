import type { Json } from "../../core/call/json.ts";
import { type Node, propertiesOf, readDocument, valueOf } from "../../core/settings/document.ts";
import { SettingsFileError } from "./error.ts";

/** A way into settings: keys of objects and places in lists. */
export type Path = readonly (string | number)[];

/** Settings that read without a fault. Texts have no byte order mark. */
interface Parsed {
  readonly text: string;
  readonly root: Node;
}

/**
 * Reads a settings text. Throws `SettingsFileError` with line and column where it is faulty, no
 * object, or has a key twice on the way to `path`: which of the two counts is the reader's guess.
 */
function parse(file: string, text: string, path: Path): Parsed {
  const { root, fault, positionOf } = readDocument(text);
  const stop = (what: string, offset: number, hint?: string): SettingsFileError => {
    const { line, column } = positionOf(offset);
    return new SettingsFileError(`${file}:${line}:${column}`, `${what}; nothing was changed`, hint);
  };
  if (fault !== undefined) throw stop(fault.message, fault.offset, fault.hint);
  if (root?.type !== "object")
    throw stop("the settings are no object", root?.offset ?? 0, "write `{}` for no settings");
  let node: Node | undefined = root;
  for (const key of path) {
    if (node?.type !== "object") break;
    const found: ReturnType<typeof propertiesOf> = propertiesOf(node).filter(({ name }) => name === key);
    if (found[1] !== undefined)
      throw stop(`\`${key}\` stands twice`, found[1].key.offset, "keep one of them");
    node = found[0]?.value;
  }
  return { text: text.startsWith("\uFEFF") ? text.slice(1) : text, root };
}

function nodeAt(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    if (typeof step === "number") node = node.type === "array" ? node.children?.[step] : undefined;
    else
      node = node.type === "object" ? propertiesOf(node).find(({ name }) => name === step)?.value : undefined;
  }
  return node;
}

/** What the settings say at a path; undefined where they say nothing. Throws `SettingsFileError` as all here do. */
export function readAt(file: string, text: string, path: Path): Json | undefined {
  const node = nodeAt(parse(file, text, path).root, path);
  return node === undefined ? undefined : valueOf(node, 16);
}

/** The text with a value at a path, in place of the one there, or in front of everything else that is missing it. */
export function setAt(file: string, text: string, path: readonly string[], value: Json): string {
  const parsed = parse(file, text, path);
  const old = nodeAt(parsed.root, path);
  if (old !== undefined) return spliced(text, parsed, old.offset, old.length, JSON.stringify(value));
  let depth = path.length - 1;
  while (nodeAt(parsed.root, path.slice(0, depth)) === undefined) depth--;
  const missing = path.slice(depth + 1).reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
  const object = nodeAt(parsed.root, path.slice(0, depth));
  if (object?.type !== "object")
    throw new SettingsFileError(
      file,
      `\`${path.slice(0, depth).join(".")}\` is no object; nothing was changed`,
      "mend the file by hand first",
    );
  return insertFirst(text, parsed, object, missing, path[depth]);
}

/** The text with a value as the first of the list at a path; the list is made where it is missing. */
export function putFirst(file: string, text: string, path: readonly string[], value: Json): string {
  const parsed = parse(file, text, path);
  const list = nodeAt(parsed.root, path);
  if (list === undefined) return setAt(file, text, path, [value]);
  if (list.type !== "array")
    throw new SettingsFileError(
      file,
      `\`${path.join(".")}\` is no list; nothing was changed`,
      "mend the file by hand first",
    );
  return insertFirst(text, parsed, list, value);
}

/** The text without what stands at a path, and without the comma that this leaves over. */
export function removeAt(file: string, text: string, path: Path): string {
  const parsed = parse(file, text, path);
  const node = nodeAt(parsed.root, path);
  const child = node?.parent?.type === "property" ? node.parent : node;
  const siblings = child?.parent?.children ?? [];
  if (child === undefined || child === parsed.root) return text;
  const at = siblings.indexOf(child);
  const [before, after] = [siblings[at - 1], siblings[at + 1]];
  // In front of others: up to them, which is what `insertFirst` put there. Else from the one before.
  const start = at > 0 && before !== undefined ? before.offset + before.length : child.offset;
  const end = at === 0 && after !== undefined ? after.offset : child.offset + child.length;
  // An only entry may have a comma of its own behind it, with comments in between that stay.
  const between = siblings.length === 1 ? BEFORE_COMMA.exec(parsed.text.slice(end))?.[1] : undefined;
  const length = end - start + (between === undefined ? 0 : between.length + 1);
  return spliced(text, parsed, start, length, between ?? "");
}

const BEFORE_COMMA = /^((?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*),/;

/** Puts an entry in front of all others: what is written between and behind them stays where it belongs. */
function insertFirst(text: string, parsed: Parsed, container: Node, value: Json, key?: string): string {
  const body = parsed.text;
  const first = container.children?.[0];
  const newline = /\r?\n/.exec(body)?.[0] ?? "\n";
  const indent = /^(?:\t+| +)(?=["{/])/m.exec(body)?.[0] ?? "  ";
  const named = (written: string): string =>
    key === undefined ? written : `${JSON.stringify(key)}: ${written}`;
  const spread = (margin: string): string =>
    named(JSON.stringify(value, undefined, indent).replaceAll("\n", newline + margin));
  if (first !== undefined) {
    const margin = /(?:^|\n)([ \t]*)$/.exec(body.slice(0, first.offset))?.[1];
    const content =
      margin === undefined ? `${named(JSON.stringify(value))}, ` : `${spread(margin)},${newline}${margin}`;
    return spliced(text, parsed, first.offset, 0, content);
  }
  const line = body.lastIndexOf("\n", container.offset) + 1;
  const margin = /^[ \t]*/.exec(body.slice(line, container.offset))?.[0] ?? "";
  const inside = body.slice(container.offset + 1, container.offset + container.length - 1);
  const blank = inside.trim() === "";
  const end = blank ? newline + margin : "";
  const content = `${newline}${margin}${indent}${spread(margin + indent)}${end}`;
  return spliced(text, parsed, container.offset + 1, blank ? inside.length : 0, content);
}

/** The whole text, mark included, with a stretch of the text behind the mark replaced. */
function spliced(whole: string, { text }: Parsed, offset: number, length: number, content: string): string {
  const mark = whole.slice(0, whole.length - text.length);
  return mark + text.slice(0, offset) + content + text.slice(offset + length);
}
