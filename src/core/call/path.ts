/**
 * Lexical work on absolute POSIX paths. None of it looks at a file system: where a path really
 * leads is a fact (`PathFact`), gathered by the host.
 */

/** Non-empty segments; `.` dropped, `..` kept. */
export function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "" && segment !== ".");
}

/** `path` seen from `base`; `..` and links are left for the kernel. */
export function absolute(base: string, path: string): string {
  return path.startsWith("/") ? path : path === "" ? base : `${base === "/" ? "" : base}/${path}`;
}

/** Folds `.`, `..` and repeated slashes by text alone, as a shell's logical `cd` does. */
export function normalise(path: string): string {
  const out: string[] = [];
  for (const segment of segmentsOf(path)) {
    if (segment === "..") out.pop();
    else out.push(segment);
  }
  return `/${out.join("/")}`;
}

/** Segment-wise containment of normalised paths: `/a/b` is within `/a` and within `/a/b`, `/ab` is not within `/a`. */
export function isWithin(path: string, directory: string): boolean {
  if (path === directory || directory === "/") return true;
  return path.startsWith(directory) && path.charCodeAt(directory.length) === 47;
}

export function parentOf(path: string): string {
  const cut = path.lastIndexOf("/");
  return cut <= 0 ? "/" : path.slice(0, cut);
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `~` and `~/x` under `home`; any other path unchanged. */
export function expandHome(path: string, home: string): string {
  if (path === "~") return home;
  return path.startsWith("~/") ? absolute(home, path.slice(2)) : path;
}
