import type { Node } from "./plain-document.ts";
import type { Rule, RuleEffect, Specifier } from "./rule.ts";
import type { SettingsSource } from "./source.ts";
import { BASH_PARAMETERS, TOOLS } from "./tools.ts";

const SPACE = String.raw`[ \t\r\n]*`;
const WORD = String.raw`[\w./=@%+,^-]{1,64}`;

/**
 * One entry of a list of strings, in the forms that most rules have: a command of plain words with or
 * without a star at its end, a path pattern of plain characters, a tool of an MCP server; else any
 * string at all. The first group is the text of a rule.
 */
const ENTRY =
  String.raw`"(?:(Bash\(${WORD}(?: ${WORD}){0,32}( \*|:\*)?\)|` +
  String.raw`(?:Read|Edit)\([\w./@+=,*-]{2,256}\)|` +
  String.raw`mcp__[a-z0-9-]{1,64}__[a-z0-9-]{0,64}\*?)"|` +
  String.raw`[^"\\]*(?:\\[\s\S][^"\\]*)*")${SPACE}(?:,${SPACE})?`;
/** Of the three tools, whose names are of one length, with the parenthesis. */
const HEAD = "Bash(".length;

/** Where a rule of a list stands. */
export interface RuleList {
  readonly effect: RuleEffect;
  readonly source: SettingsSource;
  readonly lineOf: (offset: number) => number;
}

/**
 * Adds the rules of a list of strings (`Node.texts`) whose shape is a common one, without making a
 * node of each; every other entry is given to `other`, in the order of the text.
 *
 * INVARIANT: `readRuleText` reads the text of a rule that is added to exactly this one reading,
 * whatever the effect, and without a fault.
 */
export function addPlainRules(
  texts: string,
  { offset, length }: Pick<Node, "offset" | "length">,
  { effect, source: { scope, file, anchor }, lineOf }: RuleList,
  rules: Rule[],
  other: (node: Node, index: number) => void,
): void {
  const entry = new RegExp(ENTRY, "y");
  const parameters = [...BASH_PARAMETERS, ...(TOOLS.get("Bash")?.primary ?? [])];
  // In a managed file a leading slash may mean the project root or the file system: both count.
  const both = scope === "managed" && effect !== "allow";
  const end = offset + length - 1;
  entry.lastIndex = texts.indexOf('"', offset);
  for (let index = 0; ; index++) {
    const match = entry.exec(texts);
    if (match === null || entry.lastIndex > end) return;
    const start = match.index;
    const text = match[1];
    const tail = match[2];
    if (text === undefined || (tail === ":*" && parameters.includes(text.slice(HEAD, -3)))) {
      const [string = ""] = /^"(?:[^"\\]|\\[\s\S])*"/.exec(match[0]) ?? [];
      const value: unknown = JSON.parse(string);
      other({ type: "string", offset: start, length: string.length, value }, index);
      continue;
    }
    const tool = toolOf(text);
    const specifier = specifierOf(text, tail);
    const rule: Rule = { effect, text, scope, file, line: lineOf(start), tool, specifier, anchor };
    rules.push(rule);
    if (both && specifier.kind === "path" && isRooted(specifier.pattern))
      rules.push({ ...rule, anchor: "/" });
  }
}

function toolOf(text: string): string {
  switch (text[0]) {
    case "B":
      return "Bash";
    case "R":
      return "Read";
    case "E":
      return "Edit";
    default:
      return text;
  }
}

const WHOLE: Specifier = { kind: "none" };

function specifierOf(text: string, tail: string | undefined): Specifier {
  switch (text[0]) {
    case "B": {
      const spec = tail === ":*" ? `${text.slice(HEAD, -3)} *` : text.slice(HEAD, -1);
      return { kind: "command", stages: [{ text: spec, exact: tail === undefined }] };
    }
    case "R":
    case "E":
      return { kind: "path", pattern: text.slice(HEAD, -1) };
    default:
      return WHOLE;
  }
}

/** True for a path pattern with one leading slash. */
export function isRooted(pattern: string): boolean {
  return pattern.startsWith("/") && !pattern.startsWith("//");
}
