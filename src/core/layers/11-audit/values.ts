import { isAlnum } from "./entropy.ts";
import { isHarmless, JUDGED, kindOf } from "./judge.ts";
import { classOfName, wordSet } from "./names.ts";
import { NAME_LIMIT, type Quotes } from "./scan.ts";

/** A stretch to black out. `to` is exclusive. */
export interface Finding {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
}

const SPACE = " \t";
const STOPS = " \t\r\n;&|<>()`";
/** Headers whose value is a credential up to the end of the header. */
const HEADERS: ReadonlyMap<string, string> = new Map([
  ["authorization", "authorization"],
  ["proxy-authorization", "authorization"],
  ["cookie", "cookie"],
  ["set-cookie", "cookie"],
]);
const SCHEMES = wordSet("basic bearer token digest negotiate apikey api-key aws4-hmac-sha256");
/** Words that take `name=value` in quotes; the value then ends at the quote, not at a blank. */
const ASSIGNERS = wordSet("-e --env --build-arg --from-literal export env declare set --set");

function isNameCode(code: number): boolean {
  return isAlnum(code) || code === 95 || code === 45 || code === 46 || code >= 0xc0;
}

function isTokenCode(code: number): boolean {
  return isAlnum(code) || code === 95 || code === 45 || code === 43 || code === 47;
}

/** How a value is delimited. */
interface Form {
  /** As in JSON, a comma or a closing bracket ends it. */
  readonly structured: boolean;
  /** Blanks and shell operators belong to it. */
  readonly whole: boolean;
  /** Give up looking for the end here. */
  readonly limit: number;
}

/** Where the value that starts at `at` lies; quotes around it stay outside. */
function valueAt(text: string, quotes: Quotes, at: number, form: Form): readonly [number, number] {
  const escaped = text[at] === "\\" && (text[at + 1] === '"' || text[at + 1] === "'");
  const open = escaped ? at + 1 : at;
  const quote = text.charAt(open);
  const enclosing = quotes[at] ?? 0;
  if (quote !== '"' && quote !== "'") return [at, plainEnd(text, enclosing, at, form)];
  // The quote that encloses the name ends here, and there is no value: `grep "token=" file`.
  const closes = !escaped && quote.charCodeAt(0) === enclosing;
  if (closes && (STOPS + ",}]").includes(text.charAt(open + 1))) return [open, open];
  const mark = escaped ? `\\${quote}` : quote;
  let end = open + 1;
  while (end < text.length && !text.startsWith(mark, end)) end += text[end] === "\\" && quote === '"' ? 2 : 1;
  if (end >= text.length) return [open + 1, plainEnd(text, enclosing, open + 1, form)];
  // `a'b'c`: the word goes on behind the quote.
  const glued = !escaped && isAlnum(text.charCodeAt(end + 1));
  return [open + 1, glued ? plainEnd(text, enclosing, end + 1, form) : end];
}

function plainEnd(text: string, enclosing: number, from: number, form: Form): number {
  const to = Math.min(text.length, from + form.limit);
  let i = from;
  for (; i < to; i += 1) {
    const char = text.charAt(i);
    const next = text.charAt(i + 1);
    if (char === "\n" || (enclosing !== 0 && char.charCodeAt(0) === enclosing)) break;
    if (char === "\\" && (next === '"' || next === "n")) break;
    if (char === "\\") i += 1;
    else if (char === "$" && (next === "(" || next === "{")) {
      const close = text.slice(i, i + JUDGED).indexOf(next === "(" ? ")" : "}");
      if (close === -1) break;
      i += close;
    } else if (!form.whole && STOPS.includes(char)) break;
    else if (form.structured && ",}]".includes(char)) break;
    else if ((char === '"' || char === "'") && (enclosing !== 0 || form.structured)) {
      if (next === "" || (STOPS + ",}]").includes(next)) break;
    }
  }
  return Math.min(i, text.length);
}

/** The credential in a header; the header ends where its quote does, or its line. */
function headerAt(text: string, quotes: Quotes, at: number, kind: string): Finding | undefined {
  const form = { structured: false, whole: true, limit: text.length };
  const [start, end] = valueAt(text, quotes, at, form);
  const line = text.slice(start, end).indexOf("\n");
  const to = line === -1 ? end : start + line;
  const space = text.slice(start, Math.min(to, start + NAME_LIMIT)).indexOf(" ");
  const scheme = space === -1 ? "" : text.slice(start, start + space).toLowerCase();
  const from = SCHEMES.has(scheme) ? start + space + 1 : start;
  return isHarmless(text.slice(from, Math.min(to, from + JUDGED)), "password")
    ? undefined
    : { from, to, kind };
}

/**
 * Findings for every `name=value`, `name: value` and `"name": "value"` in `text`, in order.
 *
 * INVARIANT: linear in the length of the text up to a constant factor: names, blanks and judged
 * values are bounded, and the search goes on behind whatever was found.
 */
export function namedValues(text: string, quotes: Quotes): readonly Finding[] {
  const out: Finding[] = [];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== 61 && code !== 58) continue;
    const found = valueBehind(text, quotes, i, code === 58);
    if (found === undefined) continue;
    out.push(found);
    i = Math.max(i, found.to - 1);
  }
  return out;
}

function valueBehind(text: string, quotes: Quotes, operator: number, colon: boolean): Finding | undefined {
  const after = text.charAt(operator + 1);
  if (
    colon &&
    (after === ":" || after === "=" || text[operator - 1] === ":" || text.startsWith("//", operator + 1))
  ) {
    return undefined;
  }
  let end = operator;
  if (!colon && end > 0 && ":+?".includes(text.charAt(end - 1))) end -= 1;
  const tight = end;
  while (end > 0 && operator - end < 8 && SPACE.includes(text.charAt(end - 1))) end -= 1;
  const blanks = end !== tight;
  const quoted = text[end - 1] === '"' || text[end - 1] === "'";
  if (quoted) end -= text[end - 2] === "\\" ? 2 : 1;
  let start = end;
  while (start > 0 && end - start < NAME_LIMIT && isNameCode(text.charCodeAt(start - 1))) start -= 1;
  const name = text.slice(start, end).replace(/^[-.]+/, "");
  if (name === "" || text[start - 1] === "$") return undefined;
  const named = classOfName(name);
  if (colon && text[start - 1] === "{" && text[start - 2] === "$") return defaultAt(text, operator, name);

  let at = operator + 1;
  if (!colon && (after === "=" || after === ">")) at += 1;
  const gap = at;
  const mayPause = colon || blanks || quoted || at > operator + 1;
  while (mayPause && at < text.length && at - gap < 8 && SPACE.includes(text.charAt(at))) at += 1;
  const header = colon ? HEADERS.get(name.toLowerCase()) : undefined;
  if (header !== undefined) return headerAt(text, quotes, at, header);

  const direct = text[at] === '"' || text[at] === "'" || text[at] === "\\";
  if (named === "none")
    return randomAt(text, direct ? at + (text[at] === "\\" ? 2 : 1) : at, name, colon || blanks);
  const before = text.charAt(start - 1);
  const inQuotes = quotes[start] !== 0 && before.charCodeAt(0) === quotes[start];
  const whole = inQuotes && ASSIGNERS.has(wordBefore(text, start - 1));
  const form = { structured: colon || quoted || blanks, whole, limit: JUDGED };
  const [from, to] = valueAt(text, quotes, at, form);
  const value = text.slice(from, to);
  // `token = get_token()` is code.
  const called = /^[A-Za-z_][\w.]{0,200}$/.test(value) && (text[to] === "(" || text[to] === "[");
  if (called) return undefined;
  const clean = direct || quoted || start === 0 || "\n{,\"'?&;-".includes(before) || isIndented(text, start);
  // `image:tag` and `npm run token:refresh` have no blank behind the colon.
  const settled = !(colon && at === gap && !direct && !quoted);
  const kind = kindOf(name, value, colon || blanks || !settled ? "loose" : "tight", clean && settled);
  if (kind === undefined || (!settled && (named === "likely" || !/\d/.test(value)))) return undefined;
  const cut = to - from >= JUDGED && !direct;
  return { from, to: cut ? plainEnd(text, quotes[at] ?? 0, to, { ...form, limit: text.length }) : to, kind };
}

/** The default in `${NAME:-default}`. */
function defaultAt(text: string, colon: number, name: string): Finding | undefined {
  const from = colon + 2;
  const length = text.slice(from, from + JUDGED).indexOf("}");
  if (length === -1 || !"-=+".includes(text.charAt(colon + 1))) return undefined;
  const kind = kindOf(name, text.slice(from, from + length), "tight", true);
  return kind === undefined ? undefined : { from, to: from + length, kind };
}

/** A long random value beside a name that says nothing. */
function randomAt(text: string, from: number, name: string, loose: boolean): Finding | undefined {
  let to = from;
  while (to < text.length && isTokenCode(text.charCodeAt(to))) to += 1;
  if (to - from < 32) return undefined;
  const kind = kindOf(name, text.slice(from, to), loose ? "loose" : "tight", true);
  return kind === undefined ? undefined : { from, to, kind };
}

function isIndented(text: string, start: number): boolean {
  let i = start - 1;
  while (i >= 0 && start - i < NAME_LIMIT && SPACE.includes(text.charAt(i))) i -= 1;
  return i < 0 || text[i] === "\n";
}

/** The word that ends before `at`, blanks skipped. */
function wordBefore(text: string, at: number): string {
  let end = at;
  while (end > 0 && at - end < 8 && SPACE.includes(text.charAt(end - 1))) end -= 1;
  let start = end;
  while (start > 0 && end - start < NAME_LIMIT && !STOPS.includes(text.charAt(start - 1))) start -= 1;
  return text.slice(start, end);
}
