import { type Word, isKnown } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";

/** Functions and statements that stay inside the program (POSIX awk and gawk 5). */
const HARMLESS: ReadonlySet<string> = new Set(
  (
    "BEGIN END BEGINFILE ENDFILE function func if else while for do break continue next nextfile exit return delete in print printf getline_none " +
    "length substr index split patsplit sub gsub gensub match sprintf sin cos atan2 exp log sqrt int rand srand tolower toupper " +
    "strtonum asort asorti and or xor lshift rshift compl systime strftime mktime typeof isarray switch case default " +
    "NR NF FS OFS ORS RS FILENAME FNR SUBSEP RSTART RLENGTH RT CONVFMT OFMT IGNORECASE FIELDWIDTHS FPAT"
  ).split(" "),
);

/** Names that reach outside the program. */
const REACHING: ReadonlySet<string> = new Set([
  "system",
  "getline",
  "close",
  "fflush",
  "ENVIRON",
  "PROCINFO",
  "ARGV",
  "ARGC",
  "SYMTAB",
]);

/**
 * Raises the class of an awk invocation whose program does more than compute and print.
 *
 * Works on tokens: strings and regular expressions are skipped, then `|`, `>` after a print,
 * `system`, `getline`, `@load` and the environment are looked for. Anything it cannot
 * tokenise is a doubt.
 */
export function readAwk(draft: Draft, word: Word): void {
  if (!isKnown(word))
    return doubt(draft, "cmd.dynamic", `the awk program \`${word.raw}\` is not known`, word);
  const finding = judgeAwk(word.text);
  if (finding === undefined) return;
  draft.reaching.push(word.text);
  if (finding.broken)
    return doubt(draft, "cmd.unparsable", `the awk program cannot be read: ${finding.why}`, word);
  raise(draft, "runs-code", `its awk program ${finding.why}`);
  doubt(draft, "cmd.runs-code", `its awk program ${finding.why}`, word);
}

/** What an awk program does beyond computing and printing; undefined when nothing. */
export function judgeAwk(text: string): { readonly why: string; readonly broken: boolean } | undefined {
  let at = 0;
  let depth = 0;
  let printing: number | undefined;
  /** The last token ends an operand, so a slash divides. */
  let operand = false;
  const called = new Set<string>();
  const defined = new Set<string>();
  while (at < text.length) {
    const char = text[at] ?? "";
    if (/[ \t\r\\]/.test(char)) {
      at++;
      continue;
    }
    if (char === "#") {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
      continue;
    }
    if (char === '"' || (char === "/" && !operand)) {
      const end = literalEnd(text, at);
      if (end === -1) return { why: "a string or regular expression does not end", broken: true };
      at = end + 1;
      operand = true;
      continue;
    }
    if (/[A-Za-z_]/.test(char)) {
      const name = /^\w+/.exec(text.slice(at))?.[0] ?? "";
      at += name.length;
      if (REACHING.has(name)) return { why: `uses \`${name}\``, broken: false };
      if (name === "print" || name === "printf") {
        printing = depth;
        operand = false;
        continue;
      }
      if (name === "function" || name === "func") {
        const own = /^\s*(\w+)/.exec(text.slice(at))?.[1];
        if (own !== undefined) defined.add(own);
      }
      if (text[at] === "(" && !HARMLESS.has(name)) called.add(name);
      operand = !/^(?:if|while|for|return|in|else|do|case)$/.test(name);
      continue;
    }
    if (/[0-9.$]/.test(char)) {
      at++;
      operand = char !== "$";
      continue;
    }
    if (char === "@") return { why: "loads or calls something by name", broken: false };
    if (char === "|") {
      if (text[at + 1] !== "|") return { why: "pipes to or from a command", broken: false };
      at += 2;
      operand = false;
      continue;
    }
    if (char === ">" && printing !== undefined && depth <= printing)
      return { why: "writes a file", broken: false };
    if (char === "(" || char === "[") depth++;
    if (char === ")" || char === "]") depth--;
    // A line end does not always end a statement: behind a comma or `||` it goes on.
    if (char === ";" || char === "}" || char === "{") printing = undefined;
    if ((char === "+" || char === "-") && text[at + 1] === char) {
      // `x++ / 2` divides: what stands before the sign counts.
      at += 2;
      continue;
    }
    operand = char === ")" || char === "]";
    at++;
  }
  for (const name of called)
    if (!defined.has(name)) return { why: `calls \`${name}\`, which is not known`, broken: true };
  return undefined;
}

/** The end of the string or regular expression that opens at `open`, or -1. */
function literalEnd(text: string, open: number): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "\n") return -1;
    else if (quote === "/" && char === "[") {
      const box = /^\[\^?\]?(?:\[[:.=][^\]\n]*[:.=]\]|\\.|[^\]\\\n])*\]/.exec(text.slice(at))?.[0];
      // Where `[]/]` and `[[:alpha:]/]` end differs from awk to awk.
      if (box === undefined || (/^\[\^?\]|\[[:.=]/.test(box) && /[/"#]/.test(box))) return -1;
      at += box.length - 1;
    } else if (char === quote) return at;
  }
  return -1;
}
