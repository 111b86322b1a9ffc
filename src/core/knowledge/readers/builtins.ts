import { type Word, isKnown, knownPrefix } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";
import { take } from "../take.ts";

/** `printf`: `-v` sets a variable, and a subscript in its name runs code (bash 5.2). */
export function readPrintf(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  const [first] = operands;
  if (first === undefined || first.text === "--") return;
  if (knownPrefix(first).startsWith("-")) {
    doubt(draft, "cmd.variable", `printf with \`${first.raw}\` sets a variable`, first);
  } else if (knownPrefix(first) === "" && !isKnown(first)) {
    doubt(draft, "cmd.dynamic", `\`${first.raw}\` may become an option of printf`, first);
  }
}

/**
 * `set -euo pipefail`: ends a script earlier and changes nothing else. Any other option, and none at
 * all, which prints every variable, stays unknown.
 */
export function readSet(draft: Draft, operands: readonly Word[]): void {
  let named = false;
  for (const word of operands) {
    if (!isKnown(word)) return;
    if (named) {
      if (!/^(?:errexit|nounset|pipefail)$/.test(word.text)) return;
      named = false;
    } else {
      if (!/^[-+](?:[eu]+o?|o)$/.test(word.text)) return;
      named = word.text.endsWith("o");
    }
  }
  if (operands.length > 0 && !named) raise(draft, "read-only");
}

const UNARY_PATH: ReadonlySet<string> = new Set(
  "-b -c -d -e -f -g -h -k -p -r -s -u -w -x -G -L -N -O -S".split(" "),
);
const UNARY_TEXT: ReadonlySet<string> = new Set("-n -z -t -o".split(" "));
const BINARY_PATH: ReadonlySet<string> = new Set("-nt -ot -ef".split(" "));
const BINARY_TEXT: ReadonlySet<string> = new Set("= == != < >".split(" "));
const BINARY_NUMBER: ReadonlySet<string> = new Set("-eq -ne -lt -le -gt -ge".split(" "));

/**
 * `test` and `[`: file tests read paths; `-v`, `-R` and arithmetic on anything but integers can
 * run code hidden in a subscript.
 */
export function readTest(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  let words = [...operands];
  if (draft.language === "[") {
    if (words.at(-1)?.text !== "]")
      return doubt(draft, "cmd.unparsable", "the test does not end in `]`", words.at(-1));
    words = words.slice(0, -1);
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) break;
    if (word.maySplit && word.unknown !== "number") {
      doubt(draft, "cmd.dynamic", `\`${word.raw}\` may become several words of the test`, word);
    }
    const operator = words[at + 1];
    const right = words[at + 2];
    if (operator !== undefined && right !== undefined && BINARY_NUMBER.has(operator.text)) {
      for (const side of [word, right]) {
        if (side.unknown !== "number" && !/^[-+]?\d+$/.test(side.text)) {
          doubt(
            draft,
            "cmd.dynamic",
            `\`${side.raw}\` is computed by the test and is not a plain number`,
            side,
          );
        }
      }
      at += 2;
    } else if (operator !== undefined && right !== undefined && BINARY_TEXT.has(operator.text)) {
      at += 2;
    } else if (operator !== undefined && right !== undefined && BINARY_PATH.has(operator.text)) {
      take(draft, "read", word);
      take(draft, "read", right);
      at += 2;
    } else if (UNARY_PATH.has(word.text) && operator !== undefined) {
      take(draft, "read", operator);
      at++;
    } else if (UNARY_TEXT.has(word.text)) {
      at++;
    } else if (/^-[vRa-zA-Z]$/.test(word.text) && operator !== undefined && word.text !== "-a") {
      doubt(draft, "cmd.dynamic", `\`${word.text}\` in a test can run code hidden in a name`, word);
      at++;
    }
  }
}
