/**
 * A rough reading of command text, enough to see which word is whose argument. It decides
 * nothing about permissions: where it misreads, too much or too little is blacked out in the log.
 */

export interface Word {
  readonly start: number;
  readonly end: number;
  /** Quotes and backslashes removed. */
  readonly text: string;
  /** `<`, `<<<`, `>` and the like. */
  readonly operator: boolean;
}

export interface Command {
  readonly words: readonly Word[];
  /** Its output goes to the next command of the list. */
  readonly piped: boolean;
}

/** The quote that encloses a position: 0 none, else the character code of the quote. */
export type Quotes = Uint8Array;

const BLANK = " \t\r";
const BREAKS = ";&|\n()`";
/** Text inside quotes is read as commands again, this many times. */
const DEPTH = 3;
/** No name, number or option is longer; text beyond is not looked back into. */
export const NAME_LIMIT = 96;

/** Which quote encloses every position, read as a shell would; an open quote runs to the end. */
export function quotesOf(text: string): Quotes {
  const out = new Uint8Array(text.length + 1);
  let quote = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    out[i] = quote;
    if (code === 92 && quote !== 39) {
      i += 1;
      out[i] = quote;
    } else if (quote === 0 ? code === 34 || code === 39 : code === quote) {
      quote = quote === 0 ? code : 0;
    }
  }
  out[text.length] = quote;
  return out;
}

/** One past the end of the quoted stretch that opens at `open`; the end of the text when it never closes. */
function quotedEnd(text: string, open: number, to: number): number {
  const quote = text[open];
  for (let i = open + 1; i < to; i += 1) {
    if (text[i] === "\\" && quote === '"') i += 1;
    else if (text[i] === quote) return i + 1;
  }
  return to;
}

/**
 * The simple commands of `text` in order, those inside quoted words included.
 *
 * INVARIANT: spans count from the start of `text`; the work is linear in its length.
 */
export function commandsOf(text: string): readonly Command[] {
  const out: Command[] = [];
  readCommands(text, 0, text.length, DEPTH, out);
  return out;
}

function readCommands(text: string, from: number, to: number, depth: number, out: Command[]): void {
  const nested: (readonly [number, number])[] = [];
  let words: Word[] = [];
  const finish = (piped: boolean): void => {
    if (words.length > 0) out.push({ words, piped });
    words = [];
  };
  let i = from;
  while (i < to) {
    const char = text.charAt(i);
    if (BLANK.includes(char)) i += 1;
    else if (BREAKS.includes(char)) {
      finish(char === "|" && text[i + 1] !== "|" && text[i - 1] !== "|");
      i += 1;
    } else if (char === "<" || char === ">") {
      const start = i;
      while (i < to && (text[i] === "<" || text[i] === ">")) i += 1;
      words.push({ start, end: i, text: text.slice(start, i), operator: true });
    } else {
      const start = i;
      let plain = "";
      while (i < to) {
        const here = text.charAt(i);
        if (here === "\\") {
          plain += text.slice(i + 1, i + 2);
          i += 2;
        } else if (here === "'" || here === '"') {
          const end = Math.min(quotedEnd(text, i, to), to);
          const inside = text.slice(i + 1, text[end - 1] === here && end > i + 1 ? end - 1 : end);
          if (depth > 0 && /[\s;|&]/.test(inside)) nested.push([i + 1, i + 1 + inside.length]);
          plain += inside;
          i = end;
        } else if (BLANK.includes(here) || BREAKS.includes(here) || here === "<" || here === ">") break;
        else {
          plain += here;
          i += 1;
        }
      }
      words.push({ start, end: Math.min(i, to), text: plain, operator: false });
    }
  }
  finish(false);
  for (const [start, end] of nested) readCommands(text, start, end, depth - 1, out);
}

/** The last segment of a path: `mysql` for `/usr/bin/mysql`. */
export function programOf(word: Word): string {
  return word.text.slice(word.text.lastIndexOf("/") + 1);
}
