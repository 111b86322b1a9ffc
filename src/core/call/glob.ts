import { HOLE } from "./word.ts";

/**
 * Pathname patterns as gitignore and bash write them: `*` and `?` within a segment, `[…]`, `**`
 * across segments, a backslash before a literal character. Matching takes time proportional to
 * pattern times text; no regular expression is built from anybody's pattern.
 */

/** One place of a pattern or of a partly known text. */
type Token =
  | { readonly kind: "char"; readonly char: string }
  /** Any one character but a slash. */
  | { readonly kind: "one" }
  /** One character of a set. */
  | { readonly kind: "set"; readonly has: (char: string) => boolean }
  /** Any characters but a slash. */
  | { readonly kind: "run" }
  /** Any characters. */
  | { readonly kind: "all" }
  /** Zero or more whole segments, each with its slash. */
  | { readonly kind: "directories" };

const RUN: Token = { kind: "run" };
const ALL: Token = { kind: "all" };
const ONE: Token = { kind: "one" };
const DIRECTORIES: Token = { kind: "directories" };
const char = (value: string): Token => ({ kind: "char", char: value });

/** A compiled pattern. */
export interface Glob {
  readonly tokens: readonly Token[];
  /** The literal text it begins with. */
  readonly prefix: string;
  readonly literal: boolean;
}

/** Compiles a pattern in which `**` crosses slashes only as a whole segment, as in gitignore. */
export function compileGlob(text: string): Glob {
  // By characters, not by halves of them: `?` is one character of any alphabet.
  const pattern = Array.from(text);
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const here = pattern[at] ?? "";
    if (here === "\\" && at + 1 < pattern.length) {
      tokens.push(char(pattern[++at] ?? ""));
    } else if (here === "*") {
      let end = at;
      while (pattern[end] === "*") end++;
      const whole =
        end - at === 2 &&
        (at === 0 || pattern[at - 1] === "/") &&
        (end === pattern.length || pattern[end] === "/");
      if (!whole) tokens.push(RUN);
      else if (end === pattern.length) tokens.push(ALL);
      else {
        // `a/**/b` is `a/b` too: the slash behind belongs to what may be absent.
        tokens.push(DIRECTORIES);
        end++;
      }
      at = end - 1;
    } else if (here === "?") tokens.push(ONE);
    else if (here === "[") {
      const set = bracket(pattern, at);
      if (set === undefined) tokens.push(char("["));
      else {
        tokens.push({ kind: "set", has: set.has });
        at = set.end;
      }
    } else tokens.push(char(here));
  }
  const first = tokens.findIndex((token) => token.kind !== "char");
  const literal = first === -1;
  return { tokens, prefix: prefixOf(tokens, literal ? tokens.length : first), literal };
}

function prefixOf(tokens: readonly Token[], end: number): string {
  let text = "";
  for (const token of tokens.slice(0, end)) if (token.kind === "char") text += token.char;
  return text;
}

/** A text in which `HOLE` may be anything and, with `globs`, bash's own pattern characters are patterns. */
export function compileText(text: string, globs: boolean): Glob {
  if (!globs) {
    const tokens = Array.from(text, (each) => (each === HOLE ? ALL : char(each)));
    return { tokens, prefix: text.split(HOLE)[0] ?? "", literal: !text.includes(HOLE) };
  }
  const compiled = compileGlob(text.replaceAll("**", "*"));
  const tokens = compiled.tokens.map((token) => (token.kind === "char" && token.char === HOLE ? ALL : token));
  return { ...compiled, tokens, literal: false };
}

function bracket(
  pattern: readonly string[],
  open: number,
): { readonly has: (char: string) => boolean; readonly end: number } | undefined {
  let at = open + 1;
  const negated = pattern[at] === "!" || pattern[at] === "^";
  if (negated) at++;
  const ranges: (readonly [string, string])[] = [];
  const classes: RegExp[] = [];
  for (let first = true; at < pattern.length; first = false, at++) {
    let low = pattern[at] ?? "";
    if (low === "]" && !first) {
      const inside = (value: string): boolean =>
        ranges.some(([a, b]) => a <= value && value <= b) || classes.some((each) => each.test(value));
      return { has: (value) => value !== "/" && inside(value) !== negated, end: at };
    }
    if (low === "/") return undefined;
    if (low === "[" && pattern[at + 1] === ":") {
      const end = pattern.findIndex(
        (each, place) => place >= at + 2 && each === ":" && pattern[place + 1] === "]",
      );
      const known = CLASSES[pattern.slice(at + 2, Math.max(end, at + 2)).join("")];
      if (end === -1 || known === undefined) return undefined;
      classes.push(known);
      at = end + 1;
      continue;
    }
    if (low === "\\") low = pattern[++at] ?? "";
    let high = low;
    if (pattern[at + 1] === "-" && pattern[at + 2] !== "]" && pattern[at + 2] !== undefined) {
      at += 2;
      high = pattern[at] ?? "";
      if (high === "\\") high = pattern[++at] ?? "";
    }
    ranges.push([low, high]);
  }
  return undefined;
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /^[A-Za-z0-9]$/,
  alpha: /^[A-Za-z]$/,
  blank: /^[ \t]$/,
  cntrl: /^[^ -~]$/,
  digit: /^[0-9]$/,
  graph: /^[!-~]$/,
  lower: /^[a-z]$/,
  print: /^[ -~]$/,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^\s$/,
  upper: /^[A-Z]$/,
  xdigit: /^[0-9A-Fa-f]$/,
};

/** Whole match of a known text. */
export function matchGlob(glob: Glob, text: string): boolean {
  if (!text.startsWith(glob.prefix)) return false;
  if (glob.literal) return text.length === glob.prefix.length;
  const { tokens } = glob;
  let states = closure(tokens, new Set([0]), "");
  let before = "";
  for (const each of text) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined) continue;
      switch (token.kind) {
        case "char":
          if (token.char === each) next.add(state + 1);
          break;
        case "one":
          if (each !== "/") next.add(state + 1);
          break;
        case "set":
          if (token.has(each)) next.add(state + 1);
          break;
        case "run":
          if (each !== "/") next.add(state);
          break;
        case "all":
        case "directories":
          next.add(state);
          break;
      }
    }
    if (next.size === 0) return false;
    before = each;
    states = closure(tokens, next, before);
  }
  return states.has(tokens.length);
}

/** Adds what is reached without consuming: behind a run, and behind whole segments only at a segment's start. */
function closure(tokens: readonly Token[], states: Set<number>, before: string): Set<number> {
  const work = [...states];
  for (let state = work.pop(); state !== undefined; state = work.pop()) {
    const token = tokens[state];
    if (token === undefined || !loops(token)) continue;
    if (token.kind === "directories" && before !== "" && before !== "/") continue;
    if (!states.has(state + 1)) {
      states.add(state + 1);
      work.push(state + 1);
    }
  }
  return states;
}

function loops(token: Token | undefined): boolean {
  return token?.kind === "run" || token?.kind === "all" || token?.kind === "directories";
}

/** True when some text fits both. Takes whole segments for any characters: may say true too often, never too rarely. */
export function mayMeet(a: Glob, b: Glob): boolean {
  if (!a.prefix.startsWith(b.prefix) && !b.prefix.startsWith(a.prefix)) return false;
  const seen = new Set<number>();
  const width = b.tokens.length + 1;
  const work: number[] = [0];
  while (work.length > 0) {
    const state = work.pop() ?? 0;
    if (seen.has(state)) continue;
    seen.add(state);
    const i = Math.floor(state / width);
    const j = state % width;
    const left = a.tokens[i];
    const right = b.tokens[j];
    if (left === undefined && right === undefined) return true;
    const leftLoops = loops(left);
    const rightLoops = loops(right);
    if (leftLoops) work.push((i + 1) * width + j);
    if (rightLoops) work.push(i * width + j + 1);
    if (left === undefined || right === undefined) continue;
    if (!share(left, right)) continue;
    work.push((leftLoops ? i : i + 1) * width + (rightLoops ? j : j + 1));
  }
  return false;
}

/** True when one character fits both tokens. */
function share(left: Token, right: Token): boolean {
  if (left.kind === "char") return accepts(right, left.char);
  if (right.kind === "char") return accepts(left, right.char);
  return true;
}

function accepts(token: Token, value: string): boolean {
  switch (token.kind) {
    case "char":
      return token.char === value;
    case "one":
    case "run":
      return value !== "/";
    case "set":
      return token.has(value);
    case "all":
    case "directories":
      return true;
  }
}

/** `text` with every pattern character escaped. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}

/**
 * The absolute patterns of a gitignore line anchored at `root`: the path itself and everything
 * below it. Without an inner slash it holds at any depth.
 *
 * `wide` is the reading for deny and ask: `dir/**` holds at any depth and for the directory
 * itself; otherwise only for what is below the one directory at the anchor.
 */
export function anchoredGlobs(line: string, root: string, wide: boolean): readonly Glob[] {
  const below = /\/(?:\*\*)?$/.exec(line);
  const body = (below === null ? line : line.slice(0, below.index)).replace(/^\.\//, "").replace(/^\/+/, "");
  const inner = /^\.?\//.test(line) || body.includes("/") || (below !== null && below[0] !== "/" && !wide);
  const base = `${root === "/" ? "" : escapeGlob(root)}/`;
  const whole = body === "" || body === "." ? base.slice(0, -1) : `${base}${inner ? "" : "**/"}${body}`;
  const contents = compileGlob(`${whole}/**`);
  return below !== null && !wide ? [contents] : [compileGlob(whole === "" ? "/" : whole), contents];
}
