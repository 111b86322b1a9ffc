/** Which subjects of an event a hook is for: tool names, sources, reasons. */
export type HookMatcher =
  | { readonly kind: "all" }
  | { readonly kind: "names"; readonly names: readonly string[] }
  /** A regular expression that may match anywhere. */
  | { readonly kind: "pattern"; readonly pattern: RegExp };

/** Longer subjects are not held against patterns: the hook runs. */
const LONGEST_SUBJECT = 200;

/**
 * Reads a matcher: empty or `*` = all; letters, digits, `_`, `-`, blanks, `,` and `|` only = a
 * name or a list of names; else a JavaScript regular expression. Undefined where it is no such
 * expression.
 */
export function readMatcher(text: string): HookMatcher | undefined {
  if (text.trim() === "" || text === "*") return { kind: "all" };
  if (/^[\w\-\s,|]+$/.test(text)) {
    const names = text
      .split(/[,|]/)
      .map((name) => name.trim())
      .filter((name) => name !== "");
    // Nothing but separators names nothing; unknown is stricter, so it means every subject.
    return names.length === 0 ? { kind: "all" } : { kind: "names", names };
  }
  try {
    return { kind: "pattern", pattern: new RegExp(text) };
  } catch {
    return undefined;
  }
}

/** True where one of the names of a subject is meant. */
export function matcherFits(matcher: HookMatcher, subjects: readonly string[]): boolean {
  switch (matcher.kind) {
    case "all":
      return true;
    case "names":
      return subjects.some((subject) => matcher.names.includes(subject));
    case "pattern":
      return subjects.some((subject) => subject.length > LONGEST_SUBJECT || matcher.pattern.test(subject));
  }
}
