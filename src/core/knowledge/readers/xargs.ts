import { type Word, literalWord, unknownWords } from "../../call/word.ts";
import { type Draft, raise } from "../draft.ts";

/** `xargs`: the rest is a command that gets unknown words at its end, or where `-I` says (findutils 4.9). */
export function readXargs(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  const span = operands[0]?.span ?? { start: 0, end: 0 };
  const command = operands.length === 0 ? [literalWord("echo", span)] : operands;
  const marks = [...(draft.options.get("--replace") ?? []), ...(draft.options.get("-I") ?? [])];
  if (marks.length === 0) {
    draft.inner.push({ kind: "argv", words: [...command, unknownWords(span, "input")], bases: [] });
    return;
  }
  const mark = marks.at(-1)?.text ?? "{}";
  const filled = command.map((word): Word => {
    if (mark === "" || !word.text.includes(mark)) return word;
    return { ...word, text: word.text.replaceAll(mark, "\uE000"), unknown: "input" };
  });
  draft.inner.push({ kind: "argv", words: filled, bases: [] });
}
