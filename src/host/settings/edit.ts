import { type Edit, applyEdits } from "jsonc-parser";
import { type Node, propertiesOf, readDocument, valueOf } from "../../core/settings/document.ts";
import type { RuleEffect } from "../../core/settings/rule.ts";

/** The text with the rule in it, or why it cannot be put there. */
export type EditedText =
  | { readonly text: string; readonly changed: boolean; readonly fault?: undefined }
  | { readonly text?: undefined; readonly fault: string; readonly hint?: string | undefined };

/** How the file is laid out. */
interface Layout {
  readonly text: string;
  readonly newline: string;
  readonly indent: string;
}

/**
 * Adds a rule at the end of `permissions.<effect>`. Everything that stands in the text stays,
 * byte for byte; nothing changes where the rule is there already.
 *
 * A text that is faulty, or in which one of the keys stands twice or holds something else, is not
 * touched.
 */
export function withRule(whole: string, effect: RuleEffect, rule: string): EditedText {
  const mark = whole.startsWith("\uFEFF") ? "\uFEFF" : "";
  const text = whole.slice(mark.length);
  const { root, fault, positionOf } = readDocument(text);
  if (fault || !root) {
    const at = positionOf(fault?.offset ?? 0);
    return {
      fault: `the file ${fault?.message ?? "is empty"} (line ${at.line}, column ${at.column})`,
      hint: fault?.hint,
    };
  }
  const newline = /\r?\n/.exec(text)?.[0] ?? "\n";
  const layout: Layout = { text, newline, indent: /^(?:\t+| +)(?=["{/])/m.exec(text)?.[0] ?? "  " };
  const edits = editsFor(layout, root, effect, rule);
  if (typeof edits === "string") return { fault: edits, hint: "mend the file by hand first" };
  const result = applyEdits(text, [...edits]);
  return rulesAfter(result, effect, rule)
    ? { text: mark + result, changed: edits.length > 0 }
    : { fault: "the rule cannot be put in without changing something else", hint: "add it by hand" };
}

/** Edits, or what stands in the way. */
function editsFor(layout: Layout, root: Node, effect: RuleEffect, rule: string): readonly Edit[] | string {
  if (root.type !== "object") return "the settings are no object";
  const permissions = only(root, "permissions");
  if (permissions === "twice") return "`permissions` stands twice";
  const text = JSON.stringify(rule);
  if (permissions === undefined) {
    return append(
      layout,
      root,
      (margin) => {
        const [one, two] = [margin + layout.indent, margin + layout.indent + layout.indent];
        const list = `"${effect}": [${layout.newline}${two}${text}${layout.newline}${one}]`;
        return `"permissions": {${layout.newline}${one}${list}${layout.newline}${margin}}`;
      },
      `"permissions": {"${effect}": [${text}]}`,
    );
  }
  if (permissions.type !== "object") return "`permissions` is no object";
  const list = only(permissions, effect);
  if (list === "twice") return `\`permissions.${effect}\` stands twice`;
  if (list === undefined) {
    return append(
      layout,
      permissions,
      (margin) => {
        const inner = margin + layout.indent;
        return `"${effect}": [${layout.newline}${inner}${text}${layout.newline}${margin}]`;
      },
      `"${effect}": [${text}]`,
    );
  }
  if (list.type !== "array") return `\`permissions.${effect}\` is no list`;
  if ((list.children ?? []).some((item) => item.value === rule)) return [];
  return append(layout, list, () => text, text);
}

function only(node: Node, name: string): Node | "twice" | undefined {
  const found = propertiesOf(node).filter((property) => property.name === name);
  return found.length > 1 ? "twice" : found[0]?.value;
}

/**
 * Puts an entry at the end of an object or a list. Where the entries stand on lines of their own it
 * gets one too, below a comment behind the last entry; `compact` is used where they do not.
 */
function append(
  { text, newline, indent }: Layout,
  container: Node,
  spread: (margin: string) => string,
  compact: string,
): readonly Edit[] {
  const last = container.children?.at(-1);
  if (last === undefined) {
    const inside = text.slice(container.offset + 1, container.offset + container.length - 1);
    // `{}`, as in a new file: lay it out.
    if (inside.trim() === "" && container.type === "object" && !inside.includes("\n")) {
      const margin = marginOf(text, container.offset);
      const content = `${newline}${margin}${indent}${spread(margin + indent)}${newline}${margin}`;
      return [{ offset: container.offset + 1, length: inside.length, content }];
    }
    if (inside.includes("\n")) {
      const margin = marginOf(text, container.offset) + indent;
      return [{ offset: container.offset + 1, length: 0, content: `${newline}${margin}${spread(margin)}` }];
    }
    return [{ offset: container.offset + 1, length: 0, content: compact }];
  }
  const end = last.offset + last.length;
  const ownLine = /(?:^|\n)([ \t]*)$/.exec(text.slice(0, last.offset));
  if (ownLine === null) return [{ offset: end, length: 0, content: `, ${compact}` }];
  const margin = ownLine[1] ?? "";
  const rest = /^[ \t]*(,?)[ \t]*(?:\/\*(?:[^*\r\n]|\*(?!\/))*\*\/[ \t]*)*(?:\/\/[^\r\n]*)?(?=\r?\n)/.exec(
    text.slice(end),
  );
  if (rest === null) return [{ offset: end, length: 0, content: `,${newline}${margin}${spread(margin)}` }];
  const comma = rest[1] === ",";
  const entry = {
    offset: end + rest[0].length,
    length: 0,
    content: `${newline}${margin}${spread(margin)}${comma ? "," : ""}`,
  };
  return comma ? [entry] : [{ offset: end, length: 0, content: "," }, entry];
}

/** The blanks at the start of the line an offset lies in. */
function marginOf(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
}

/** The edited text reads without a fault and its last rule is the new one, or it was there before. */
function rulesAfter(text: string, effect: RuleEffect, rule: string): boolean {
  const { root, fault } = readDocument(text);
  if (fault || !root) return false;
  const permissions = only(root, "permissions");
  if (permissions === undefined || permissions === "twice") return false;
  const list = only(permissions, effect);
  if (list === undefined || list === "twice") return false;
  const value = valueOf(list);
  return Array.isArray(value) && value.includes(rule);
}
