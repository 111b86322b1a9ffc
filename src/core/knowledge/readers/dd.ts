import { type Word, isKnown } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";
import { take } from "../take.ts";

const PLAIN: ReadonlySet<string> = new Set(
  "bs cbs conv count ibs iflag obs oflag seek skip status iseek oseek".split(" "),
);

/** `dd`: NAME=VALUE pairs; `if` is read, `of` is written (coreutils 9.1). */
export function readDd(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  if (operands.length === 0) doubt(draft, "cmd.option-unlisted", "dd is not told what to copy");
  for (const word of operands) {
    const cut = word.text.indexOf("=");
    const name = word.text.slice(0, Math.max(cut, 0));
    const value: Word = { ...word, text: word.text.slice(cut + 1), glob: undefined };
    if (name === "if") take(draft, "read", value);
    else if (name === "of") take(draft, "write", value);
    else if (cut === -1 || !PLAIN.has(name)) {
      doubt(
        draft,
        isKnown(word) ? "cmd.option-unlisted" : "cmd.dynamic",
        `dd does not take \`${word.raw}\``,
        word,
      );
    }
  }
}
