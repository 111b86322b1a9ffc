import { isAlnum, isDigit, isPlausible, isRandom, isUpper, looksOf } from "./entropy.ts";
import { isHarmless } from "./judge.ts";
import { classOfName, wordsOfName } from "./names.ts";
import { SHAPES, type Alphabet, type Shape } from "./shapes.ts";
import type { Finding } from "./values.ts";

/** A random string is taken for a credential when a name that says so stands this near before it. */
const NEAR = 48;
/** No user and password of an address are longer. */
const USERINFO = 512;

function belongs(code: number, alphabet: Alphabet): boolean {
  switch (alphabet) {
    case "digit":
      return isDigit(code);
    case "upper":
      return isDigit(code) || isUpper(code);
    case "hex":
      return isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
    case "alnum":
      return isAlnum(code);
    case "base64":
      return isAlnum(code) || code === 43 || code === 47 || code === 61;
    case "url":
      return isAlnum(code) || code === 95 || code === 45 || code === 61;
    case "dotted":
      return isAlnum(code) || code === 95 || code === 45 || code === 46 || code === 61 || code === 126;
    case "tilde":
      return isAlnum(code) || code === 95 || code === 46 || code === 126;
    case "wide":
      return (
        isAlnum(code) ||
        code === 95 ||
        code === 45 ||
        code === 46 ||
        code === 61 ||
        code === 43 ||
        code === 47
      );
    case "path":
      return isAlnum(code) || code === 95 || code === 45 || code === 46 || code === 47 || code === 64;
  }
}

/** Where the credential that leads up to the anchor starts; undefined when none does. */
function leadStart(text: string, shape: Shape, anchor: number): number | undefined {
  if (shape.lead === undefined) {
    const before = text.charCodeAt(anchor - 1);
    const inWord = anchor > 0 && (isAlnum(before) || before === 95);
    // An anchor inside a longer one (`sk-` in `desk-`) is not a start; a host name may have labels before it.
    return inWord && isAlnum(shape.anchor.charCodeAt(0)) && !shape.anchor.includes("/") ? undefined : anchor;
  }
  const { of, least, most } = shape.lead;
  let start = anchor;
  while (start > 0 && anchor - start < most && belongs(text.charCodeAt(start - 1), of)) start -= 1;
  // A longer run is something else.
  const more = start > 0 && belongs(text.charCodeAt(start - 1), of);
  return anchor - start < least || more ? undefined : start;
}

function shapedFindings(text: string, shape: Shape, out: Finding[]): void {
  const { anchor, tail } = shape;
  let at = text.indexOf(anchor);
  while (at !== -1) {
    const from = leadStart(text, shape, at);
    let to = at + anchor.length;
    if (from !== undefined) {
      let digits = 0;
      for (; to < text.length && belongs(text.charCodeAt(to), tail.of); to += 1) {
        if (isDigit(text.charCodeAt(to))) digits += 1;
      }
      // A sentence may end behind a token.
      let end = to;
      while (end > at + anchor.length && text[end - 1] === ".") end -= 1;
      const long = end - at - anchor.length >= tail.least && (tail.digit !== true || digits > 0);
      const holds = tail.holds === undefined || text.slice(at + anchor.length, end).includes(tail.holds);
      if (long && holds) out.push({ from, to: end, kind: shape.kind });
    }
    at = text.indexOf(anchor, Math.max(to, at + 1));
  }
}

/** No shape is shorter than this many characters without a blank or quote. */
const SHORTEST = 16;

function hasLongRun(text: string): boolean {
  let run = 0;
  for (let i = 0; i < text.length && run < SHORTEST; i += 1) {
    const code = text.charCodeAt(i);
    run = belongs(code, "wide") || code === 58 || code === 64 || code === 124 || code === 126 ? run + 1 : 0;
  }
  return run >= SHORTEST;
}

/** Credentials of a known form. */
export function shapedTokens(text: string): readonly Finding[] {
  const out: Finding[] = [];
  if (!hasLongRun(text)) return out;
  for (const shape of SHAPES) shapedFindings(text, shape, out);
  return out;
}

function isKeyBody(text: string): boolean {
  const body = text.replaceAll("\\n", "").replaceAll("\\r", "").replace(/\s+/g, "");
  return /^[A-Za-z0-9+/=]{16}/.test(body) || body.startsWith("Proc-Type") || body.startsWith("Version");
}

/** Private keys in PEM, OpenSSH, PGP and PuTTY form; the whole block, to the end of the text when it is open. */
export function keyBlocks(text: string): readonly Finding[] {
  const out: Finding[] = [];
  const mark = "PRIVATE KEY";
  let at = text.indexOf(mark);
  while (at !== -1) {
    const begin = text.slice(Math.max(0, at - 60), at).lastIndexOf("-----BEGIN");
    const from = Math.max(0, at - 60) + begin;
    const close = text.indexOf("-----", at);
    let next = at + mark.length;
    if (begin !== -1 && close !== -1) {
      const end = text.indexOf("-----END", close + 5);
      const last = end === -1 ? -1 : text.indexOf("-----", end + 8);
      if (end !== -1 || isKeyBody(text.slice(close + 5, close + 200))) {
        const to = last === -1 ? text.length : last + 5;
        out.push({ from, to, kind: "private-key" });
        next = to;
      }
    }
    at = text.indexOf(mark, next);
  }
  const putty = text.indexOf("PuTTY-User-Key-File-");
  const lines = putty === -1 ? -1 : text.indexOf("Private-Lines:", putty);
  if (lines !== -1) out.push({ from: lines, to: text.length, kind: "private-key" });
  return out;
}

/** The values below `data:` and `stringData:` of a Kubernetes Secret. */
export function manifestValues(text: string): readonly Finding[] {
  if (!/\bkind: {0,8}["']?Secret\b/.test(text)) return [];
  const out: Finding[] = [];
  let level = -1;
  let at = 0;
  for (const line of text.split("\n")) {
    const indent = line.length - line.trimStart().length;
    const colon = line.indexOf(":");
    const name = line.slice(indent, colon === -1 ? line.length : colon);
    if (line.trim() !== "" && indent <= level) level = -1;
    if (level === -1 && (name === "data" || name === "stringData")) level = indent;
    else if (level !== -1) {
      const block = colon === -1 || colon - indent > 253;
      const from = at + (block ? indent : colon + 1);
      const to = at + line.trimEnd().length;
      const start = from + (text.slice(from, to).length - text.slice(from, to).trimStart().length);
      if (!isHarmless(text.slice(start, to), "password")) out.push({ from: start, to, kind: "secret" });
    }
    at += line.length + 1;
  }
  return out;
}

const URL_ENDS = " \t\r\n\"'`<>|;()";

/** Passwords in `scheme://user:password@host`, and users that are tokens. */
export function urlCredentials(text: string): readonly Finding[] {
  const out: Finding[] = [];
  let at = text.indexOf("://");
  while (at !== -1) {
    const start = at + 3;
    const limit = Math.min(text.length, start + USERINFO);
    let [colon, slash, last, i] = [-1, -1, -1, start];
    for (; i < limit && !URL_ENDS.includes(text.charAt(i)); i += 1) {
      const char = text.charAt(i);
      if (char === ":" && colon === -1 && slash === -1) colon = i;
      else if (char === "@" && (slash === -1 || (colon !== -1 && colon < slash))) last = i;
      else if ((char === "/" || char === "?" || char === "#") && slash === -1) slash = i;
    }
    const inHost = slash === -1 || last < slash;
    // `host:8080/path@2` has a port, not a password.
    const port = !inHost && colon !== -1 && isPort(text.slice(colon + 1, slash));
    if (last !== -1 && !port) {
      const [from, kind] = colon !== -1 && colon < last ? [colon + 1, "url-password"] : [start, "url-user"];
      const value = text.slice(from, last);
      const token = kind === "url-password" || (value.length >= 20 && isPlausible(value));
      if (token && !isHarmless(value, "password")) out.push({ from, to: last, kind });
    }
    at = text.indexOf("://", start);
  }
  return out;
}

function isPort(text: string): boolean {
  return text.length <= 5 && Array.from(text).every((char) => isDigit(char.charCodeAt(0)));
}

const isRunCode = (code: number): boolean =>
  isAlnum(code) || code === 95 || code === 45 || code === 43 || code === 47 || code === 61;

/** `Bearer abc`, and long random strings behind a word such as `token` or `secret`. */
export function nearbyStrings(text: string): readonly Finding[] {
  const out: Finding[] = [];
  for (let i = 0; i < text.length;) {
    if (!isRunCode(text.charCodeAt(i))) {
      i += 1;
      continue;
    }
    const from = i;
    while (i < text.length && isRunCode(text.charCodeAt(i))) i += 1;
    const length = i - from;
    if (length < 8) continue;
    const value = text.slice(from, i);
    const scheme = text
      .slice(Math.max(0, from - 7), from)
      .trimEnd()
      .toLowerCase();
    const spaced = /\s$/.test(text.slice(Math.max(0, from - 1), from));
    if (spaced && scheme.endsWith("bearer") && (length >= 24 || /\d/.test(value))) {
      out.push({ from, to: i, kind: "bearer" });
    } else if (
      spaced &&
      scheme.endsWith("basic") &&
      length >= 12 &&
      isPlausible(value) &&
      looksOf(value).mixed
    ) {
      out.push({ from, to: i, kind: "basic" });
    } else if (length >= 32 && length <= 4096 && isCredential(value) && isNamedBefore(text, from)) {
      out.push({ from, to: i, kind: "random" });
    }
  }
  return out;
}

/** As `isRandom`; a digest in hexadecimal counts too, since a name speaks for it. */
function isCredential(value: string): boolean {
  const looks = looksOf(value);
  return (
    isRandom(value) || (looks.run >= 32 && looks.digits >= 4 && looks.letters >= 4 && looks.entropy >= 3)
  );
}

function isNamedBefore(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - NEAR), at);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  return line.split(/[\s"'`,;(){}[\]/&|]+/).some((word) => {
    const named = wordsOfName(word).length > 4 ? "none" : classOfName(word);
    return named === "password" || named === "secret";
  });
}
