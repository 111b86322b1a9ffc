import { type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Json } from "../call/json.ts";
import { type Node, plainTree } from "./plain-document.ts";

export type { Node } from "./plain-document.ts";

/** A place in a text, both one-based; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A settings text as a tree with positions. */
export interface Document {
  /** What could be made out, also of a text that is faulty; undefined when nothing could. */
  readonly root: Node | undefined;
  /** The first thing that is no JSON (with comments and trailing commas). */
  readonly fault?: { readonly message: string; readonly hint?: string; readonly offset: number } | undefined;
  readonly positionOf: (offset: number) => Position;
  /** The line alone; quick for offsets that grow from call to call. */
  readonly lineOf: (offset: number) => number;
}

/** Reads JSON with comments and trailing commas. Never throws. A byte order mark is passed over. */
export function readDocument(text: string): Document {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const positions = positionsIn(body);
  const plain = plainTree(body);
  if (plain !== undefined) return { root: plain, ...positions };
  const errors: ParseError[] = [];
  try {
    const root = parseTree(body, errors, { allowTrailingComma: true });
    const [first] = errors;
    return { root, ...positions, ...(first && { fault: faultOf(body, first) }) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const fault = {
      message: "is nested too deeply",
      hint: "settings need no more than a handful of levels",
      offset: 0,
    };
    return { root: undefined, fault, ...positions };
  }
}

function faultOf(text: string, error: ParseError): NonNullable<Document["fault"]> {
  if (/^\s*$/.test(text)) return { message: "is empty", hint: "write `{}` for no settings", offset: 0 };
  const at = { offset: error.offset };
  const name: string = printParseErrorCode(error.error);
  switch (name) {
    case "CommaExpected":
      if (text[error.offset] === "}") {
        return {
          message: "is no JSON: a closing bracket is missing",
          hint: "close every `[` with a `]`",
          ...at,
        };
      }
      return { message: "is no JSON: a comma is missing", hint: "put a comma between entries", ...at };
    case "ColonExpected":
      return { message: "is no JSON: a colon is missing", hint: 'write `"key": value`', ...at };
    case "CloseBraceExpected":
      return { message: "is no JSON: a closing brace is missing", hint: "close every `{` with a `}`", ...at };
    case "CloseBracketExpected":
      return {
        message: "is no JSON: a closing bracket is missing",
        hint: "close every `[` with a `]`",
        ...at,
      };
    case "EndOfFileExpected":
      return { message: "is no JSON: something follows the settings", hint: "keep one object", ...at };
    case "PropertyNameExpected":
      return { message: "is no JSON: a key is missing", hint: "put keys in double quotes", ...at };
    case "InvalidEscapeCharacter":
      return {
        message: "is no JSON: a backslash before a character that takes none",
        hint: "write `\\\\` for a backslash",
        ...at,
      };
    case "UnexpectedEndOfString":
      return { message: "is no JSON: a string is not closed", hint: "close the string on its line", ...at };
    case "UnexpectedEndOfComment":
      return { message: "is no JSON: a comment is not closed", hint: "close it with `*/`", ...at };
    case "InvalidSymbol":
      return {
        message: "is no JSON: a word that means nothing",
        hint: "strings stand in double quotes",
        ...at,
      };
  }
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
  return { message: `is no JSON: ${words}`, ...at };
}

/** Line and column of offsets; the lines are counted once, when first asked for. */
function positionsIn(text: string): Pick<Document, "positionOf" | "lineOf"> {
  let starts: readonly number[] | undefined;
  /** The line that was found last, from zero. */
  let near = 0;
  const lineOf = (offset: number): number => {
    starts ??= lineStarts(text);
    if (offset < (starts[near] ?? 0)) near = 0;
    while (offset >= (starts[near + 1] ?? Infinity)) near += 1;
    return near + 1;
  };
  const positionOf = (offset: number): Position => {
    starts ??= lineStarts(text);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
  return { positionOf, lineOf };
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  if (text.includes("\r")) {
    for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
    return starts;
  }
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The keys and values of an object node, in order, duplicates included. */
export function propertiesOf(
  node: Node,
): readonly { readonly name: string; readonly key: Node; readonly value: Node }[] {
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    return key && value ? [{ name: String(key.value), key, value }] : [];
  });
}

/**
 * The value of a node. Of equal keys the last one counts, and no key is special (`__proto__` is an
 * ordinary one). Below `depth` levels everything reads as null.
 */
export function valueOf(node: Node, depth = 8): Json {
  switch (node.type) {
    case "object":
      return depth === 0
        ? null
        : Object.fromEntries(propertiesOf(node).map(({ name, value }) => [name, valueOf(value, depth - 1)]));
    case "array":
      return depth === 0 ? null : (node.children ?? []).map((item) => valueOf(item, depth - 1));
    case "property":
      return null;
    case "string":
      return String(node.value);
    case "number":
      return Number(node.value);
    case "boolean":
      return node.value === true;
    case "null":
      return null;
  }
}
