import { type Edit, applyEdits } from "jsonc-parser";
import { basename } from "node:path";
import { type Node, propertiesOf, readDocument, valueOf } from "../../core/settings/document.ts";
import type { RuleEffect } from "../../core/settings/rule.ts";
import { replaceFile } from "./atomic.ts";
import type { EditedText } from "./edit.ts";
import { SettingsFileError } from "./error.ts";
import { withLock } from "./lock.ts";
import { readWhole, utf8 } from "./read-file.ts";
import { isWritten, recordWritten } from "./written.ts";

/** A rule to take out, and where. */
export interface RemoveRequest {
  /** Absolute. */
  readonly file: string;
  readonly effect: RuleEffect;
  readonly rule: string;
  /** cordon's private state directory. */
  readonly state: string;
}

/**
 * Takes every occurrence of a rule out of `permissions.<effect>` of a settings file. True when the
 * file changed, false when the rule does not stand there.
 *
 * INVARIANT: comments, order and layout of everything else stay byte for byte; a file that cannot
 * be read without a fault is not touched; a `settings.local.json` is remembered as cordon's own
 * only where it was before.
 *
 * Throws `SettingsFileError`; the file is then as it was.
 */
export function removeRule({ file, effect, rule, state }: RemoveRequest): boolean {
  return withLock(state, file, () => {
    const old = readWhole(file, "refuse");
    if (old.kind === "absent") return false;
    if (old.kind === "fault") throw new SettingsFileError(file, old.why, "change it by hand");
    const text = utf8(old.bytes);
    if (text === undefined) throw new SettingsFileError(file, "is not written in UTF-8", "change it by hand");
    const edited = withoutRule(text, effect, rule);
    if (edited.fault !== undefined)
      throw new SettingsFileError(file, `${edited.fault}; nothing was changed`, edited.hint);
    if (!edited.changed) return false;
    const content = Buffer.from(edited.text);
    const own = basename(file) === "settings.local.json" && isWritten(state, file, old.bytes);
    // Both are cordon's own until the new one is in place, so that a crash loses neither.
    if (own) recordWritten(state, file, [old.bytes, content]);
    replaceFile(file, content, { from: old.bytes });
    if (own) recordWritten(state, file, [content]);
    return true;
  });
}

/**
 * The text without the rule. Nothing else in it changes but the comma and the line that belonged
 * to the rule; a comment stays. A text that is faulty, or in which a key stands twice, is not
 * touched.
 */
export function withoutRule(whole: string, effect: RuleEffect, rule: string): EditedText {
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
  const list = listIn(root, effect);
  if (typeof list === "string") return { fault: list, hint: "mend the file by hand first" };
  const items = list?.children ?? [];
  if (list === undefined || !items.some(({ value }) => value === rule))
    return { text: whole, changed: false };
  let result = text;
  // From the last one on, so that the places of those before stay what they are.
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (item?.value !== rule) continue;
    const now = listIn(readDocument(result).root ?? root, effect);
    const children = typeof now === "object" ? (now.children ?? []) : [];
    result = applyEdits(result, [...editsFor(result, children, index)]);
  }
  const left = items.map((item): unknown => valueOf(item)).filter((value) => value !== rule);
  const after = readDocument(result);
  const kept = after.fault || !after.root ? "faulty" : listIn(after.root, effect);
  const same = typeof kept === "object" && JSON.stringify(valueOf(kept)) === JSON.stringify(left);
  return same
    ? { text: mark + result, changed: true }
    : { fault: "the rule cannot be taken out without changing something else", hint: "remove it by hand" };
}

/** The list of an effect, undefined where there is none, or what stands in the way. */
function listIn(root: Node, effect: RuleEffect): Node | string | undefined {
  if (root.type !== "object") return "the settings are no object";
  const groups = propertiesOf(root).filter(({ name }) => name === "permissions");
  if (groups.length > 1) return "`permissions` stands twice";
  const group = groups[0]?.value;
  if (group === undefined) return undefined;
  if (group.type !== "object") return "`permissions` is no object";
  const lists = propertiesOf(group).filter(({ name }) => name === effect);
  if (lists.length > 1) return `\`permissions.${effect}\` stands twice`;
  const list = lists[0]?.value;
  return list === undefined || list.type === "array" ? list : `\`permissions.${effect}\` is no list`;
}

/** Takes out an item with the comma behind it; of a last item the one before. */
function editsFor(text: string, items: readonly Node[], index: number): readonly Edit[] {
  const item = items[index];
  if (item === undefined) return [];
  const end = item.offset + item.length;
  const behind = commaAt(text, end);
  const previous = items[index - 1];
  const before =
    behind !== undefined || previous === undefined
      ? undefined
      : commaAt(text, previous.offset + previous.length);
  const comma = behind ?? before;
  const cuts: Edit[] = [
    { offset: item.offset, length: item.length, content: "" },
    ...(comma === undefined ? [] : [{ offset: comma, length: 1, content: "" }]),
  ];
  return withBlanks(text, cuts, item.offset);
}

/** The comma behind an entry, past blanks and comments. */
function commaAt(text: string, from: number): number | undefined {
  const gap = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
  gap.lastIndex = from;
  const skipped = gap.exec(text)?.[0].length ?? 0;
  return text[from + skipped] === "," ? from + skipped : undefined;
}

/** A line that would be left empty goes whole; within a line the blanks before the item go. */
function withBlanks(text: string, cuts: readonly Edit[], item: number): readonly Edit[] {
  const start = text.lastIndexOf("\n", item - 1) + 1;
  const found = text.indexOf("\n", item);
  const stop = found === -1 ? text.length : found + 1;
  const inLine = cuts.filter(({ offset }) => offset >= start && offset < stop);
  const rest = Array.from(text.slice(start, stop)).filter(
    (_, at) => !inLine.some(({ offset, length }) => start + at >= offset && start + at < offset + length),
  );
  if (start > 0 && rest.join("").trim() === "")
    return [
      ...cuts.filter((cut) => !inLine.includes(cut)),
      { offset: start, length: stop - start, content: "" },
    ];
  const last = Math.max(...cuts.map(({ offset, length }) => offset + length));
  const blanks = /^[ \t]*/.exec(text.slice(last))?.[0].length ?? 0;
  const ahead = /[ \t]*$/.exec(text.slice(start, item))?.[0].length ?? 0;
  const comma = cuts.find(({ offset }) => offset < item);
  // `["a", "b"]` without "b" is `["a"]`, without "a" `["b"]`.
  if (comma !== undefined)
    return ahead > 0 ? [...cuts, { offset: item - ahead, length: ahead, content: "" }] : cuts;
  return blanks > 0 && cuts.length > 1 ? [...cuts, { offset: last, length: blanks, content: "" }] : cuts;
}
