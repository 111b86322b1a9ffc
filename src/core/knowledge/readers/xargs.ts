import { type Word, literalWord, unknownWords } from "../../call/word.ts";
import { type Draft, raise } from "../draft.ts";

/** `xargs`: the rest is a command that gets unknown words at its end, or where `-I` says (findutils 4.9). */
export function readXargs(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  const span = operands[0]?.span ?? { start: 0, end: 0 };
  const command = operands.length === 0 ? [literalWord("echo", span)] : operands;
  const marks = [...(draft.options.get("--replace") ?? []), ...(draft.options.get("-I") ?? [])];
  // Of `-I` and a limit of words or lines the one that stands last counts.
  const limited = ["--max-args", "--max-lines", "-L"].some((name) => draft.options.has(name));
  if (marks.length === 0 || limited)
    draft.inner.push({ kind: "argv", words: [...command, unknownWords(span, "input")], bases: [] });
  if (marks.length === 0) return;
  const mark = marks.at(-1)?.text ?? "{}";
  const filled = command.map((word): Word => {
    if (mark === "" || !word.text.includes(mark)) return word;
    return { ...word, text: word.text.replaceAll(mark, "\uE000"), unknown: "input" };
  });
  draft.inner.push({ kind: "argv", words: filled, bases: [] });
}
