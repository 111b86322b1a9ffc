import { compileGlob, escapeGlob, matchGlob } from "../../call/glob.ts";
import { absolute, isWithin, normalise, parentOf, segmentsOf } from "../../call/path.ts";
import type { Rule } from "../../settings/rule.ts";
import type { PathEntry } from "../../knowledge/paths.ts";

/** What is to become of a path inside the sandbox. */
export type MarkRole =
  /** Unreadable, unless a rule of the person's own or the organisation's names it. */
  | "credential"
  /** cordon's own state: unreadable, whatever any rule says. */
  | "own"
  /** Unreadable. */
  | "denied-read"
  /** Readable although it lies in something unreadable; never in a credential store. */
  | "opened-read"
  /** Named by an allow rule of the person's own or the organisation's: readable even there. */
  | "named-read"
  /** Read-only, also where it does not exist yet. */
  | "denied-write"
  | "protected"
  | "guard";

/**
 * A pattern of paths with a meaning.
 *
 * INVARIANT: plain data, so that a plan can be printed, compared and hashed.
 */
export interface Mark {
  readonly role: MarkRole;
  /** As the person or the list wrote it. */
  readonly text: string;
  readonly why: string;
  /** Absolute directory the segments hang from; undefined = any depth below each writable root. */
  readonly base?: string | undefined;
  /** Gitignore segments; `**` stands for any number of directories. */
  readonly segments: readonly string[];
  /** A deny rule says so: no setting and no allow rule opens what it means. */
  readonly firm?: true | undefined;
  /** Patterns of direct entries of the directory that are not meant. */
  readonly except: readonly string[];
}

/** True when a segment is a pattern and not a name. */
export function isGlob(segment: string): boolean {
  return /[*?[]/.test(segment.replace(/\\./gs, ""));
}

/** The name that a segment without a pattern stands for. */
export function literal(segment: string): string {
  return segment.replace(/\\(.)/gs, "$1");
}

/** The path of a mark that names exactly one, else undefined. */
export function exactPath(mark: Mark): string | undefined {
  if (mark.base === undefined || mark.segments.some(isGlob)) return undefined;
  return normalise(absolute(mark.base, mark.segments.map(literal).join("/")));
}

/** The mark of an entry of data/paths.json. */
export function markOfEntry(entry: PathEntry, role: MarkRole, home: string): Mark {
  const { base, rest } = entry.pattern.startsWith("~/")
    ? { base: home, rest: entry.pattern.slice(2) }
    : { base: entry.pattern.startsWith("/") ? "/" : undefined, rest: entry.pattern };
  const segments = segmentsOf(rest.replace(/(?:\/\*\*)+\/?$/, ""));
  const name = segments.at(-1) ?? "";
  return {
    role,
    text: entry.pattern,
    why: entry.why,
    base,
    segments,
    except: (entry.except ?? []).map((text) => {
      const parts = segmentsOf(text);
      return parts.length > 1 && parts.at(-2) === name ? (parts.at(-1) ?? text) : text.replace(/\/$/, "");
    }),
  };
}

/** The mark of one absolute path. */
export function markOfPath(path: string, role: MarkRole, text: string, why: string): Mark {
  const segments = segmentsOf(normalise(path)).map((segment) => segment.replace(/[*?[\\]/g, "\\$&"));
  return { role, text, why, base: "/", segments, except: [] };
}

/**
 * The marks of an absolute path of a setting, in which `*`, `?` and `[` may be a pattern: both the
 * pattern and the file of exactly that name are meant.
 */
export function marksOfPattern(path: string, role: MarkRole, text: string, why: string): readonly Mark[] {
  const exact = markOfPath(path, role, text, why);
  const segments = segmentsOf(normalise(path).replace(/(?:\/\*\*)+\/?$/, ""));
  return segments.some(isGlob) ? [exact, { ...exact, segments }] : [exact];
}

/**
 * The marks of a path rule, read at least as widely as the gate reads it: without an inner slash,
 * and with one directory segment (`src/**`), it matches at any depth below `cwd`.
 */
export function marksOfRule(
  rule: Rule,
  role: MarkRole,
  home: string,
  directories: readonly string[],
): Mark[] {
  if (rule.specifier.kind !== "path") return [];
  const pattern = rule.specifier.pattern;
  const of = (base: string, rest: string): Mark => {
    const inside = rest.replace(/(?:\/\*\*)+\/?$/, "");
    // `**` alone is the base directory itself, with everything in it.
    const segments = segmentsOf(inside === "**" ? "" : inside);
    const loose = base !== "/" && segments.length === 1 && !rest.startsWith("/");
    return {
      role,
      text: rule.text,
      why: `the ${rule.effect} rule \`${rule.text}\``,
      base,
      segments: loose ? ["**", ...segments] : segments,
      except: [],
      ...(role === "denied-read" && rule.effect === "deny" ? { firm: true } : {}),
    };
  };
  if (pattern.startsWith("//")) return [of("/", pattern.slice(2))];
  if (pattern === "~" || pattern.startsWith("~/")) return [of(home, pattern.slice(1))];
  if (pattern.startsWith("/")) return [of(rule.anchor, pattern)];
  return directories.map((directory) => {
    let base = directory;
    let rest = pattern.replace(/^(?:\.\/)+/, "");
    const climbs = /^\.\.(?:\/|$)/.test(rest);
    for (; /^\.\.(?:\/|$)/.test(rest); base = parentOf(base)) rest = rest.replace(/^\.\.\/?(?:\.\/)*/, "");
    return of(base, climbs ? `/${rest}` : rest);
  });
}

/** Finds the marks that a directory entry bears. Marks are told by their index. */
export type Matcher = (parent: string, name: string) => readonly number[];

/** A matcher over many marks: one look-up by name, then the rest of the path. Marks of a base alone match nothing. */
export function matcherOf(marks: readonly Mark[]): Matcher {
  const byName = new Map<string, number[]>();
  const byGlob: { readonly index: number; readonly last: (name: string) => boolean }[] = [];
  const whole = marks.map(meaningOf);
  marks.forEach((mark, index) => {
    const last = mark.segments.at(-1);
    if (last === undefined) return;
    if (isGlob(last)) byGlob.push({ index, last: eitherWay(`^${segmentPattern(last)}$`, last) });
    else byName.set(literal(last), [...(byName.get(literal(last)) ?? []), index]);
  });
  return (parent, name) => {
    const named = byName.get(name);
    if (named === undefined && byGlob.length === 0) return NONE;
    const path = parent === "/" ? `/${name}` : `${parent}/${name}`;
    const bears = (index: number): boolean => whole[index]?.(path) === true;
    const globs = byGlob.filter(({ last }) => last(name)).map(({ index }) => index);
    return [...(named ?? []), ...globs].filter(bears);
  };
}

const NONE: readonly number[] = [];

/** True when the mark means `path` or a directory above it. */
export function covers(mark: Mark, path: string): boolean {
  // A base alone is that directory and everything in it.
  if (mark.segments.length === 0) return mark.base !== undefined && isWithin(path, mark.base);
  const means = meaningOf(mark);
  const segments = segmentsOf(path);
  return segments.some((_segment, index) => means(`/${segments.slice(0, index + 1).join("/")}`));
}

/** True when a name is one of the `except` patterns. */
export function isExcept(mark: Mark, name: string): boolean {
  return mark.except.some((text) => new RegExp(`^${segmentPattern(text)}$`, "s").test(name));
}

/** Tells the paths that a mark means by itself, not those below them. */
function meaningOf(mark: Mark): (path: string) => boolean {
  const base = mark.base === undefined ? "/**" : mark.base === "/" ? "" : escapeGlob(mark.base);
  return eitherWay(pathPattern(mark), `${base}/${mark.segments.join("/")}`);
}

/**
 * What is meant by this reading of a pattern, in which a class that cannot be read stands for any
 * character, or by the gate's: a file that either of them means is denied.
 */
function eitherWay(pattern: string, glob: string): (text: string) => boolean {
  const regular = new RegExp(pattern, "s");
  // Elsewhere the two cannot differ, and the expression is faster.
  const compiled = /[?[]/.test(glob) ? compileGlob(glob) : undefined;
  return (text) => regular.test(text) || (compiled !== undefined && matchGlob(compiled, text));
}

function pathPattern(mark: Mark): string {
  const base = mark.base === undefined ? "(?:/[^/]+)*" : mark.base === "/" ? "" : escaped(mark.base);
  const tail = mark.segments.map((segment) =>
    segment === "**" ? "(?:/[^/]+)*" : `/${segmentPattern(segment)}`,
  );
  return `^${base}${tail.join("")}$`;
}

/** A gitignore segment as a regular expression over one path segment. */
function segmentPattern(segment: string): string {
  return segment.replace(
    /\\(.)|\*+|\?|\[(!|\^)?(\]?[^\]]*)\]|[.+^$(){}|[\]\\/]/gs,
    (text, escape: string | undefined, not: string | undefined, inside: string | undefined) => {
      if (escape !== undefined) return escaped(escape);
      if (text.startsWith("*")) return "[^/]*";
      if (text === "?") return "[^/]";
      if (inside !== undefined) return charClass(inside, not !== undefined);
      return escaped(text);
    },
  );
}

/** A class that cannot be read stands for any character. */
function charClass(inside: string, negated: boolean): string {
  const text = `[${negated ? "^/" : ""}${inside.replace(/[\\\]^]/g, "\\$&")}]`;
  try {
    new RegExp(text);
    return text;
  } catch {
    return "[^/]";
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
