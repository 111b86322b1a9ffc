/** Longest list of patterns, and most that braces may come to. */
const MOST = 100;

/** A text with the patterns of the files it is about. */
export interface Scoped {
  readonly paths: readonly string[];
  /** Behind the front matter. */
  readonly body: string;
}

/**
 * Reads the `paths:` of a front matter: a text, a list in brackets, or a list of lines with a
 * dash. Undefined for a text without front matter or without `paths`, and where they cannot be
 * read.
 */
export function readFrontMatter(text: string): Scoped | undefined {
  const match = /^\uFEFF?---[ \t]*\r?\n([^]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  if (match === null) return undefined;
  const lines = (match[1] ?? "").split(/\r?\n/);
  const at = lines.findIndex((line) => /^paths[ \t]*:/.test(line));
  if (at === -1) return undefined;
  const inline = withoutComment((lines[at] ?? "").replace(/^paths[ \t]*:/, ""));
  const values = inline === "" ? blockOf(lines.slice(at + 1)) : inlineOf(inline);
  const paths = values.flatMap(expandBraces).slice(0, MOST);
  return paths.length === 0 ? undefined : { paths, body: text.slice(match[0].length) };
}

function blockOf(lines: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (const line of lines) {
    const item = /^[ \t]*-[ \t]+(.*)$/.exec(line)?.[1];
    if (item !== undefined) values.push(unquoted(withoutComment(item)));
    else if (/\S/.test(line) && !/^[ \t]*#/.test(line)) break;
  }
  return values.filter((value) => value !== "").slice(0, MOST);
}

function inlineOf(text: string): readonly string[] {
  const inner = /^\[(.*)\]$/s.exec(text)?.[1] ?? text;
  return splitOutside(inner)
    .map((part) => unquoted(part.trim()))
    .filter((part) => part !== "")
    .slice(0, MOST);
}

/** Commas between braces and quotes belong to the pattern. */
function splitOutside(text: string): readonly string[] {
  const parts = [""];
  let [depth, quote] = [0, ""];
  for (const char of text) {
    if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "{") depth += 1;
    else if (char === "}") depth -= 1;
    if (char === "," && depth <= 0 && quote === "") parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

function withoutComment(text: string): string {
  return text
    .trim()
    .replace(/[ \t]#.*$/, "")
    .trim();
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

/** `a/*.{ts,tsx}` is two patterns. What would come to too many is left as it is. */
function expandBraces(pattern: string): readonly string[] {
  let open: readonly string[] = [pattern];
  for (;;) {
    const next = open.flatMap((each): readonly string[] => {
      const found = /^([^]*?)\{([^{}]*,[^{}]*)\}([^]*)$/.exec(each);
      if (found === null) return [each];
      const [, before = "", inner = "", after = ""] = found;
      return inner.split(",").map((part) => before + part + after);
    });
    if (next.length === open.length && next.every((each, index) => each === open[index])) return open;
    if (next.length > MOST) return open;
    open = next;
  }
}
