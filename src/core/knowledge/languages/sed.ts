import { type Word, isKnown, literalWord } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";

/** What a sed script can do besides editing what it prints. */
interface SedScript {
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  readonly executes: boolean;
  /** The script could not be read to its end. */
  readonly broken: boolean;
}

/**
 * Files the effects of a sed script: `w` writes, `r` reads, `e` and `s///e` execute.
 *
 * Assumes the worst of a script that cannot be read to its end (GNU sed 4.9 grammar).
 */
export function readSed(draft: Draft, word: Word): void {
  if (!isKnown(word)) return doubt(draft, "cmd.dynamic", `the sed script \`${word.raw}\` is not known`, word);
  const script = parseSed(word.text);
  if (script.executes || script.broken || script.writes.length + script.reads.length > 0)
    draft.reaching.push(word.text);
  for (const path of script.writes) {
    draft.effects.push({ action: "write", word: literalWord(path, word.span), bases: [], recursive: false });
    raise(draft, "file-modifying", "its sed script writes a file");
  }
  for (const path of script.reads) {
    draft.effects.push({ action: "read", word: literalWord(path, word.span), bases: [], recursive: false });
    doubt(draft, "cmd.option-unlisted", `its sed script reads \`${path}\``, word);
  }
  if (script.executes) {
    raise(draft, "runs-code", "its sed script runs a command");
    doubt(draft, "cmd.runs-code", "its sed script runs a command", word);
  }
  if (script.broken) doubt(draft, "cmd.unparsable", `the sed script \`${word.raw}\` cannot be read`, word);
}

export function parseSed(text: string): SedScript {
  const writes: string[] = [];
  const reads: string[] = [];
  let executes = false;
  let at = 0;
  const done = (broken: boolean): SedScript => ({ writes, reads, executes, broken });
  const peek = (): string => text[at] ?? "";
  const skip = (chars: string): void => {
    while (at < text.length && chars.includes(peek())) at++;
  };
  const line = (): string => {
    const end = text.indexOf("\n", at);
    const rest = text.slice(at, end === -1 ? text.length : end);
    at = end === -1 ? text.length : end + 1;
    return rest;
  };
  /** Reads up to an unescaped delimiter; brackets hide the delimiter in a regular expression. */
  const until = (delimiter: string, regex: boolean): string | undefined => {
    let out = "";
    while (at < text.length) {
      const char = peek();
      if (char === "\\") {
        out += text.slice(at, at + 2);
        at += 2;
        continue;
      }
      if (regex && char === "[" && delimiter !== "[") {
        const close = bracketEnd(text, at);
        if (close !== -1) {
          out += text.slice(at, close + 1);
          at = close + 1;
          continue;
        }
      }
      at++;
      if (char === delimiter) return out;
      if (char === "\n" && regex) return undefined;
      out += char;
    }
    return undefined;
  };
  const address = (): boolean | undefined => {
    const char = peek();
    if (/[0-9]/.test(char)) {
      skip("0123456789");
      if (peek() === "~") {
        at++;
        skip("0123456789");
      }
      return true;
    }
    if (char === "$") {
      at++;
      return true;
    }
    if (char === "/" || char === "\\") {
      at += char === "/" ? 1 : 2;
      const delimiter = char === "/" ? "/" : (text[at - 1] ?? "");
      if (delimiter === "" || delimiter === "\n" || until(delimiter, true) === undefined) return undefined;
      skip("IM");
      return true;
    }
    return false;
  };

  while (at < text.length) {
    skip(" \t\n;");
    if (at >= text.length) break;
    const first = address();
    if (first === undefined) return done(true);
    if (first) {
      skip(" \t");
      if (peek() === ",") {
        at++;
        skip(" \t");
        if (peek() === "+" || peek() === "~") {
          at++;
          skip("0123456789");
        } else if (address() !== true) return done(true);
      }
    }
    skip(" \t");
    while (peek() === "!") {
      at++;
      skip(" \t!");
    }
    const command = peek();
    at++;
    switch (command) {
      case "{":
      case "}":
      case "=":
      case "d":
      case "D":
      case "g":
      case "G":
      case "h":
      case "H":
      case "n":
      case "N":
      case "p":
      case "P":
      case "x":
      case "z":
      case "F":
        break;
      case "#":
        line();
        continue;
      case ":":
      case "b":
      case "t":
      case "T":
      case "v":
        skip(" \t");
        while (at < text.length && !/[;\n}\s]/.test(peek())) at++;
        break;
      case "q":
      case "Q":
      case "l":
      case "L":
        skip(" \t");
        skip("0123456789");
        break;
      case "a":
      case "i":
      case "c": {
        let rest = line();
        // What `a\\` stands for differs from version to version.
        if (/^\s*\\{2,}$/.test(rest)) return done(true);
        // An even number of backslashes is so many characters and the line ends.
        while (/(?:^|[^\\])(?:\\\\)*\\$/.test(rest) && at < text.length) rest = line();
        continue;
      }
      case "r":
      case "R":
        reads.push(line().trim());
        continue;
      case "w":
      case "W":
        writes.push(line().trim());
        continue;
      case "e":
        executes = true;
        line();
        continue;
      case "y":
      case "s": {
        const delimiter = peek();
        at++;
        if (delimiter === "" || delimiter === "\n" || delimiter === "\\") return done(true);
        if (until(delimiter, command === "s") === undefined || until(delimiter, false) === undefined)
          return done(true);
        if (command === "y") break;
        for (; ; at++) {
          const flag = peek();
          if (/[gpiImM0-9]/.test(flag) && flag !== "") continue;
          if (flag === "e") {
            executes = true;
            continue;
          }
          if (flag === "w") {
            at++;
            writes.push(line().trim());
          }
          break;
        }
        break;
      }
      default:
        return done(true);
    }
    skip(" \t");
    const end = peek();
    if (
      end !== "" &&
      end !== ";" &&
      end !== "\n" &&
      end !== "}" &&
      end !== "#" &&
      command !== "{" &&
      command !== "}"
    ) {
      return done(true);
    }
  }
  return done(false);
}

/** The position of the `]` that closes the bracket expression at `open`, or -1. */
function bracketEnd(text: string, open: number): number {
  let at = open + 1;
  if (text[at] === "^") at++;
  if (text[at] === "]") at++;
  for (; at < text.length; at++) {
    if (text[at] === "\n") return -1;
    if (text[at] === "[" && /[:.=]/.test(text[at + 1] ?? "")) {
      const close = text.indexOf(`${text[at + 1]}]`, at + 2);
      if (close === -1) return -1;
      at = close + 1;
      continue;
    }
    if (text[at] === "]") return at;
  }
  return -1;
}
