import { segmentsOf } from "../../call/path.ts";
import { type Mark, isGlob } from "./mark.ts";

/** Directories of the system that are links into `/private` on macOS; the kernel compares real paths. */
const BEHIND_PRIVATE: readonly string[] = ["etc", "tmp", "var"];

/** True for a path that leads through such a link. */
export function isBehindPrivate(path: string): boolean {
  return BEHIND_PRIVATE.includes(segmentsOf(path)[0] ?? "");
}

/** Any number of directories. */
const DEEP = "(/[^/]+)*";
/** The entry itself and everything below it. */
const AND_BELOW = "($|/)";

/**
 * What a mark means as an extended regular expression over real paths, for `(regex (param ...))`.
 *
 * INVARIANT: it matches at least what the mark matches, in any spelling that a file system blind
 * to case and to the composition of letters takes for the same name; a class of characters that
 * cannot be carried over stands for any character. So it fits denials only.
 *
 * `root` is the directory that a mark without a base hangs from.
 */
export function markPattern(mark: Mark, root: string): string {
  return `${directoryPattern(mark, root)}${mark.segments.map(wideSegment).join("")}${AND_BELOW}`;
}

/**
 * What a mark excepts, one expression for each. They match at most what the mark excepts: an
 * exception that cannot be carried over exactly is left out.
 */
export function exceptPatterns(mark: Mark, root: string): readonly string[] {
  const start = directoryPattern(mark, root);
  const isName = isGlob(mark.segments.at(-1) ?? "");
  return mark.except.flatMap((text) => {
    const name = narrowSegment(text);
    if (name === undefined) return [];
    const all = mark.segments.map(wideSegment);
    return [
      `${start}${all.join("")}/${name}${AND_BELOW}`,
      // Of a pattern of names, the exceptions are names beside.
      ...(isName ? [`${start}${all.slice(0, -1).join("")}/${name}${AND_BELOW}`] : []),
    ];
  });
}

function directoryPattern({ base, segments }: Mark, root: string): string {
  if (base === undefined) return `^${quoted(root === "/" ? "" : root)}${DEEP}`;
  if (base !== "/") return `^${quoted(base)}`;
  return BEHIND_PRIVATE.includes(segments[0] ?? "") ? "^(/private)?" : "^";
}

function wideSegment(segment: string): string {
  return segment === "**" ? DEEP : `/${charactersOf(segment).map(wideCharacter).join("")}`;
}

function narrowSegment(segment: string): string | undefined {
  const parts = charactersOf(segment);
  if (parts.some(({ kind }) => kind === "class" || kind === "one")) return undefined;
  return parts.map((part) => (part.kind === "literal" ? quoted(part.text) : "[^/]*")).join("");
}

interface Character {
  readonly kind: "literal" | "any" | "one" | "class";
  readonly text: string;
}

/** The parts of a gitignore segment. */
function charactersOf(segment: string): readonly Character[] {
  const parts = segment.matchAll(/\\(.)|\*+|\?|\[[!^]?\]?[^\]]*\]|./gsu);
  return [...parts].map(([text, escaped]): Character => {
    if (escaped !== undefined) return { kind: "literal", text: escaped };
    if (text.startsWith("*")) return { kind: "any", text };
    if (text === "?") return { kind: "one", text };
    return text.length > 1 && text.startsWith("[") ? { kind: "class", text } : { kind: "literal", text };
  });
}

function wideCharacter({ kind, text }: Character): string {
  switch (kind) {
    case "any":
      return "[^/]*";
    // One character is up to four bytes, and nobody says which of the two is counted.
    case "one":
      return "[^/][^/]?[^/]?[^/]?";
    case "class":
      return classOf(text);
    case "literal":
      return anyCase(text);
  }
}

/** A class of plain letters and digits in both cases; any character for all others. */
function classOf(text: string): string {
  const inside = /^\[([A-Za-z0-9_.-]+)\]$/.exec(text)?.[1];
  if (inside === undefined || /^-|-$|--/.test(inside)) return "[^/][^/]?[^/]?[^/]?";
  const ranges = inside.match(/.-.|./g) ?? [];
  const isMixed = ranges.some(
    (range) => range.length === 3 && !/^(?:[a-z]-[a-z]|[A-Z]-[A-Z]|\d-\d)$/.test(range),
  );
  const folded = [
    ...new Set([
      ...ranges.map((range) => range.toLowerCase()),
      ...ranges.map((range) => range.toUpperCase()),
    ]),
  ];
  return isMixed ? "[^/]" : `[${folded.join("")}]`;
}

/** One character in every case and composition. */
function anyCase(character: string): string {
  const forms = [character, character.toLowerCase(), character.toUpperCase()];
  const spellings = [...new Set(forms.flatMap((form) => [form.normalize("NFC"), form.normalize("NFD")]))];
  if (spellings.length === 1) return quoted(character);
  return spellings.every((form) => /^[A-Za-z]$/.test(form))
    ? `[${spellings.toSorted().join("")}]`
    : `(${spellings.map(quoted).join("|")})`;
}

/** Text that stands for itself in an expression. */
function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The paths above `path`, from the file system's root down, without `path` itself. */
export function ancestorsOf(path: string): readonly string[] {
  const segments = segmentsOf(path);
  return segments.map((_segment, index) => `/${segments.slice(0, index).join("/")}`);
}
