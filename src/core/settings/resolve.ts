import { absolute, expandHome, normalise, segmentsOf } from "../call/path.ts";

/** A path of a settings file made absolute, or why it cannot be. */
export type ResolvedPath =
  | { readonly path: string; readonly fault?: undefined; readonly hint?: undefined }
  | { readonly path?: undefined; readonly fault: string; readonly hint: string };

/**
 * The absolute path a setting means: `/x` and `//x` as they stand, `~/x` and `$HOME/x` in the home
 * directory, everything else below `base`. A trailing `/` or `/**` is dropped. Patterns stay
 * patterns.
 *
 * Other people's home directories and other variables are not known and yield a fault.
 */
export function resolvePath(text: string, base: string, home: string): ResolvedPath {
  const path = text.replace(/^\$(?:HOME|\{HOME\})(?=\/|$)/, "~");
  if (path.includes("\0")) return { fault: "holds a null byte", hint: "write the path" };
  if (path.startsWith("$"))
    return { fault: "starts with a variable, which is not known here", hint: "write the path" };
  if (/^~[^/]/.test(path)) return { fault: "starts in another home directory", hint: "write the path" };
  const full = normalise(absolute(base, expandHome(path, home)));
  const bare = full.replace(/(?:\/\*\*)+$/, "");
  return { path: bare === "" ? "/" : bare };
}

/** True for a path that holds a star, a question mark or a bracket. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/**
 * The globs inside which both lists allow everything. Globs are absolute; `*` is one segment; what
 * lies below a match is inside. Two globs of which it cannot be told what they share yield nothing.
 */
export function intersectGlobs(a: readonly string[], b: readonly string[]): readonly string[] {
  const both = a.flatMap((left) => b.flatMap((right) => intersectGlob(left, right) ?? []));
  return [...new Set(both)];
}

function intersectGlob(a: string, b: string): string | undefined {
  const left = segmentsOf(a);
  const right = segmentsOf(b);
  const out: string[] = [];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const one = left[index];
    const two = right[index];
    if (one === undefined || two === undefined) out.push(one ?? two ?? "");
    else if (one === two || two === "*") out.push(one);
    else if (one === "*") out.push(two);
    else return undefined;
  }
  return out.includes("**") ? (a === b ? a : undefined) : `/${out.join("/")}`;
}
