import { type Word, isKnown, unknownWords } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";

/** `eval` and `watch`: the operands, joined by blanks, are text a shell runs. */
export function readJoined(draft: Draft, operands: readonly Word[]): void {
  const text = joinWords(operands);
  if (text !== undefined) draft.inner.push({ kind: "shell", word: text, bases: [] });
  draft.wraps = true;
  raise(draft, "runs-code");
}

/** `trap`: the first operand is text the shell runs later; `-` and an empty one reset. */
export function readTrap(draft: Draft, operands: readonly Word[]): void {
  const [action] = operands;
  raise(draft, "runs-code");
  if (action === undefined || action.text === "-" || action.text === "" || operands.length < 2) return;
  draft.inner.push({ kind: "shell", word: action, bases: [] });
  doubt(draft, "cmd.function", "sets a trap that runs later", action);
}

/** `ssh HOST COMMAND…`: what follows the host is text the remote shell runs. */
export function readSsh(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "network");
  const [host, ...rest] = operands;
  if (host !== undefined) draft.urls.push(host);
  const text = joinWords(afterOptions(rest));
  if (text !== undefined) draft.inner.push({ kind: "shell", word: text, bases: [], remote: true });
}

/** ssh reads options behind the host too (OpenSSH 9.2). */
function afterOptions(words: readonly Word[]): readonly Word[] {
  let at = 0;
  while (words[at]?.text.startsWith("-") === true) {
    const { text } = words[at] ?? { text: "" };
    at += /^-[bcDEeFIiJLlmOopQRSWw]$/.test(text) ? 2 : 1;
  }
  return words.slice(at);
}

/** `parallel COMMAND ::: ARGUMENTS`: one word of command is shell text; arguments fill `{}` or the end. */
export function readParallel(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "runs-code");
  const cut = operands.findIndex((word) => /^::::?\+?$/.test(word.text));
  const command = cut === -1 ? operands : operands.slice(0, cut);
  const inputs =
    cut === -1 || operands[cut]?.text !== ":::"
      ? []
      : operands.slice(cut + 1).filter((word) => !/^::::?\+?$/.test(word.text));
  const span = command[0]?.span ?? { start: 0, end: 0 };
  if (command.length === 0) {
    for (const word of inputs) draft.inner.push({ kind: "shell", word, bases: [] });
    return;
  }
  const filled = inputs.length === 0 ? [unknownWords(span, "input")] : inputs;
  const marked = command.some((word) => word.text.includes("{}"));
  for (const input of filled) {
    const words = marked
      ? command.map((word) => (word.text.includes("{}") ? fill(word, input) : word))
      : [...command, input];
    const [only] = words;
    if (command.length === 1 && only !== undefined && /\s/.test(only.text))
      draft.inner.push({ kind: "shell", word: joinWords(words) ?? only, bases: [] });
    else draft.inner.push({ kind: "argv", words, bases: [] });
  }
}

function fill(word: Word, input: Word): Word {
  return {
    ...word,
    text: word.text.replaceAll("{}", input.text),
    unknown: word.unknown ?? input.unknown,
    glob: undefined,
  };
}

function joinWords(words: readonly Word[]): Word | undefined {
  const [first] = words;
  if (first === undefined) return undefined;
  const unknown = words.find((word) => !isKnown(word));
  return {
    raw: words.map((word) => word.raw).join(" "),
    span: { start: first.span.start, end: words.at(-1)?.span.end ?? first.span.end },
    text: words.map((word) => word.text).join(" "),
    ...(unknown === undefined ? {} : { unknown: unknown.unknown ?? "glob" }),
    maySplit: false,
    mayVanish: false,
  };
}
