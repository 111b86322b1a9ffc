/** What the settings keys are made of: the vocabulary of the generated key table. */

/**
 * The values a key takes. As strict as the published JSON Schema says; a test shows that both
 * accept the same values.
 */
export type Shape =
  | "any"
  | "boolean"
  | "string"
  /** A string that is not empty. */
  | "text"
  | { readonly oneOf: readonly (string | boolean)[] }
  /** A string that matches a regular expression, and what such a string is called. */
  | { readonly pattern: string; readonly name: string }
  /** A whole number. */
  | { readonly min: number; readonly max: number }
  | { readonly list: Shape }
  /** An object whose keys are free. */
  | { readonly map: Shape }
  | {
      readonly fields: Readonly<Record<string, Shape>>;
      readonly required: readonly string[];
      /** No other fields. */
      readonly closed: boolean;
    }
  | { readonly either: readonly Shape[] };

/**
 * How the values of several files become one, and what holds while a value cannot be read.
 *
 * `rules`: pooled; a faulty deny or ask rule holds as strictly as it can be read.
 * `opens`: lists of trusted files join; what cannot be read opens nothing.
 * `closes`: lists of all files join; one that cannot be read makes the file faulty.
 * `restricts`: a managed list that shuts out all it does not name; faulty as for `closes`.
 * `lock`: set in any file wins; faulty counts as set.
 * `choice`: the highest file that sets it; a repository may only choose the stricter; faulty = strictest.
 * `limit`: as `choice`, lower is stricter; faulty = the built-in limit, in managed files as for `closes`.
 * `value`: the highest trusted file that sets it; faulty = not set.
 * `hooks`: those of trusted files join; one that cannot be read makes the calls it is for ask.
 * `inert`: read by other programs; cordon does nothing with it.
 */
export type Merge =
  | "rules"
  | "opens"
  | "closes"
  | "restricts"
  | "lock"
  | "choice"
  | "limit"
  | "value"
  | "hooks"
  | "inert";

/**
 * The files a key counts in.
 *
 * `personal`: all but files a repository supplies. `outside`: files that do not lie in a project:
 * user, command line, managed.
 */
export type KeyScopes = "any" | "personal" | "outside" | "user+managed" | "managed" | "command-line";

/** What cordon knows of one key. */
export interface KeyInfo {
  readonly shape: Shape;
  readonly merge: Merge;
  readonly scopes: KeyScopes;
  /** Not enforced yet: tools that are denied (managed) or ask (elsewhere) while the key is set. */
  readonly denies?: readonly string[];
  /** `choice`: the value that holds while the one that is written cannot be read. */
  readonly held?: string | boolean;
}

/** What a value of this shape is called in a message. */
export function describeShape(shape: Shape): string {
  switch (shape) {
    case "any":
      return "any value";
    case "boolean":
      return "`true` or `false`";
    case "string":
      return "a string";
    case "text":
      return "a string that is not empty";
  }
  if ("oneOf" in shape) {
    const values = shape.oneOf.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
    return shape.oneOf.length > 1 ? `one of ${values}` : values;
  }
  if ("pattern" in shape) return shape.name;
  if ("min" in shape) {
    return `a whole number ${shape.max === Number.MAX_SAFE_INTEGER ? `from ${shape.min} up` : `from ${shape.min} to ${shape.max}`}`;
  }
  if ("list" in shape) {
    if (shape.list === "any") return "a list";
    return shape.list === "text" ? "a list of strings" : `a list, each entry ${describeShape(shape.list)}`;
  }
  if ("map" in shape) return shape.map === "string" ? "an object of strings" : "an object";
  if ("fields" in shape) {
    const fields = Object.keys(shape.fields).map((name) =>
      shape.required.includes(name) ? `\`${name}\`` : `\`${name}\`?`,
    );
    return `an object with ${fields.join(", ")}`;
  }
  return shape.either.map(describeShape).join(" or ");
}

/**
 * The candidate that is one or two slips away from `name`, for a hint; case does not count. `most`
 * says how many slips a candidate allows where two are too many.
 */
export function nearest(
  name: string,
  candidates: Iterable<string>,
  most: (candidate: string) => number = () => 2,
): string | undefined {
  if (name.length > 64) return undefined;
  const low = name.toLowerCase();
  let best: string | undefined;
  let least = 3;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const away = slips(low, candidate.toLowerCase());
    if (away < least && away <= most(candidate) && away * 2 < candidate.length) {
      least = away;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance in which two swapped neighbours count as one slip. */
function slips(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      let least = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
