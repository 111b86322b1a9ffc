import { type Glob, compileGlob, matchGlob } from "../call/glob.ts";
import { baseOf, expandHome, isWithin, segmentsOf } from "../call/path.ts";
import type { PathEntry, PathLists } from "../knowledge/paths.ts";

/** The meanings a path can have, in the order in which they are judged. */
export const PATH_CLASSES = [
  "guard",
  "credential",
  "agentConfig",
  "protected",
  "secret",
  "runsLater",
  "device",
] as const;
export type PathClass = (typeof PATH_CLASSES)[number];

export interface PathMeaning {
  readonly class: PathClass;
  readonly why: string;
  readonly pattern: string;
}

/** Looks up what paths mean. */
export interface PathClasses {
  /** Every meaning of a normalised absolute path, the most serious first. */
  of(path: string, home: string): readonly PathMeaning[];
  /**
   * Meanings of what lies below a path by name alone: `~/.config` for cordon's settings, `.claude`
   * for an agent's. What lies somewhere below an ordinary directory is not known here.
   */
  above(path: string, home: string): readonly PathMeaning[];
}

/** Patterns that settings add to the built-in lists. */
export interface AddedPaths {
  /** Absolute paths. */
  readonly guard: readonly string[];
  /** Programs that decide what agents may do: read, but changed only after a question. */
  readonly agentConfig?: readonly string[] | undefined;
  readonly protected: readonly string[];
  readonly secret: readonly string[];
  readonly runsLater: readonly string[];
  /** Directories that the environment puts elsewhere: what their names mean holds there too. */
  readonly moved?: readonly MovedDirectory[] | undefined;
}

/** `.claude` is `/opt/agent` because of `$CLAUDE_CONFIG_DIR`. */
export interface MovedDirectory {
  /** Below home, as in `.config`. */
  readonly usual: string;
  /** Absolute. */
  readonly path: string;
}

interface Row {
  readonly meaning: PathMeaning;
  /** Below home, below the root, or at any depth. */
  readonly from: "home" | "root" | "any";
  readonly parts: readonly (string | Glob)[];
  /** Everything below it too. */
  readonly tree: boolean;
  readonly except: readonly string[];
}

/**
 * Compiles the built-in lists and what settings add to them. Rows are filed under their first
 * segment or, as `*.pem`, under their extension, so that a look-up costs a few map reads for
 * each segment of the path.
 */
export function compilePathClasses(lists: PathLists, added: AddedPaths): PathClasses {
  const literal = new Map<string, Row[]>();
  const extensions = new Map<string, Row[]>();
  const wild: Row[] = [];
  const every: Row[] = [];
  const listed = (patterns: readonly string[]): readonly PathEntry[] =>
    patterns.map((pattern) => ({ pattern, why: "listed in the settings" }));
  for (const kind of PATH_CLASSES) {
    const extra =
      kind === "guard" || kind === "protected" || kind === "secret" || kind === "runsLater"
        ? listed(added[kind])
        : kind === "agentConfig"
          ? (added.agentConfig ?? []).map((pattern) => ({
              pattern,
              why: "what the agent may do: it is the gate",
            }))
          : [];
    const usual = [...lists[kind], ...extra];
    const elsewhere = (added.moved ?? []).flatMap((moved) =>
      usual.flatMap((entry) => moveEntry(entry, moved)),
    );
    for (const entry of [...usual, ...elsewhere]) {
      const row = compileRow(kind, entry);
      every.push(row);
      const [first] = row.parts;
      const extension = /^\*(\.[\w-]+)$/.exec(entry.pattern)?.[1];
      if (typeof first === "string") file(literal, first, row);
      else if (extension !== undefined) file(extensions, extension, row);
      else wild.push(row);
    }
  }
  return {
    of: (path, home) => {
      const segments = segmentsOf(path);
      const homeDepth = isWithin(path, home) ? segmentsOf(home).length : -1;
      const others = homeDepth === -1 ? depthOfHome(segments) : -1;
      const rows: Row[] = [];
      segments.forEach((segment, at) => {
        for (const row of literal.get(segment) ?? [])
          if (fits(row, segments, at, homeDepth, others)) rows.push(row);
        for (const row of wild) if (fits(row, segments, at, homeDepth, others)) rows.push(row);
      });
      const name = baseOf(path);
      rows.push(...(extensions.get(name.slice(Math.max(name.lastIndexOf("."), 0))) ?? []));
      const found = rows
        .filter((row) => !row.except.some((except) => isExcepted(path, except, home)))
        .map((row) => row.meaning);
      return found.sort((a, b) => PATH_CLASSES.indexOf(a.class) - PATH_CLASSES.indexOf(b.class));
    },
    above: (path, home) => {
      const segments = segmentsOf(path);
      const homeSegments = segmentsOf(home);
      return every
        .filter((row) => leadsTo(row, segments, homeSegments))
        .map((row) => row.meaning)
        .sort((a, b) => PATH_CLASSES.indexOf(a.class) - PATH_CLASSES.indexOf(b.class));
    },
  };
}

/** The entry for a directory that lies elsewhere: `~/.claude/x` and `.claude/x` mean `/opt/agent/x`. */
export function moveEntry(entry: PathEntry, { usual, path }: MovedDirectory): readonly PathEntry[] {
  const literal = path.replace(/[\\*?[\]]/g, "\\$&");
  const move = (pattern: string): string | undefined => {
    const body = pattern.replace(/^~\//, "");
    return body.startsWith(`${usual}/`) ? `${literal}/${body.slice(usual.length + 1)}` : undefined;
  };
  const pattern = move(entry.pattern);
  if (pattern === undefined) return [];
  return [{ ...entry, pattern, except: entry.except?.map((except) => move(except) ?? except) }];
}

function file(map: Map<string, Row[]>, key: string, row: Row): void {
  const rows = map.get(key);
  if (rows === undefined) map.set(key, [row]);
  else rows.push(row);
}

function compileRow(kind: PathClass, entry: PathEntry): Row {
  const { pattern } = entry;
  const tree = /\/(?:\*\*)?$/.test(pattern);
  const body = pattern.replace(/^~\//, "").replace(/\/(?:\*\*)?$/, "");
  return {
    meaning: { class: kind, why: entry.why, pattern },
    from: pattern.startsWith("~/") ? "home" : pattern.startsWith("/") ? "root" : "any",
    parts: segmentsOf(body).map((segment) => (/[*?[\\]/.test(segment) ? compileGlob(segment) : segment)),
    tree,
    except: entry.except ?? [],
  };
}

/** The path is a directory on the way to what the row names: what becomes of it becomes of that. */
function leadsTo(row: Row, segments: readonly string[], home: readonly string[]): boolean {
  const same = (part: Row["parts"][number] | undefined, segment: string | undefined): boolean =>
    part !== undefined &&
    segment !== undefined &&
    (typeof part === "string" ? part === segment : matchGlob(part, segment));
  if (row.from !== "any") {
    const full = row.from === "home" ? [...home, ...row.parts] : row.parts;
    return segments.length < full.length && segments.every((segment, at) => same(full[at], segment));
  }
  // At any depth: the path ends with the first parts of the row, and not with all of them.
  for (let count = 1; count < row.parts.length && count <= segments.length; count++) {
    const end = segments.slice(-count);
    if (end.every((segment, at) => same(row.parts[at], segment))) return true;
  }
  return false;
}

/** How many segments the home directory of some other user has, by its usual place; -1 where it is none. */
function depthOfHome([first]: readonly string[]): number {
  if (first === "root") return 1;
  return first === "home" || first === "Users" ? 2 : -1;
}

/**
 * The row's parts stand in the path from `at` on, and nothing follows unless it names a tree. Another
 * user's credentials are credentials too, and their guard is one.
 */
function fits(row: Row, segments: readonly string[], at: number, homeDepth: number, others: number): boolean {
  const closed = row.meaning.class === "guard" || row.meaning.class === "credential";
  if (row.from === "home" && at !== homeDepth && !(closed && at === others)) return false;
  if (row.from === "root" && at !== 0) return false;
  const end = at + row.parts.length;
  if (row.tree ? end > segments.length : end !== segments.length) return false;
  return row.parts.every((part, index) => {
    const segment = segments[at + index] ?? "";
    return typeof part === "string" ? part === segment : matchGlob(part, segment);
  });
}

function isExcepted(path: string, except: string, home: string): boolean {
  if (except.startsWith("/") || except.startsWith("~/")) {
    const full = expandHome(except, home);
    return full.endsWith("/") ? isWithin(path, full.slice(0, -1)) : path === full;
  }
  if (except.endsWith("/")) return `${path}/`.includes(`/${except}`);
  return matchGlob(compileGlob(except), baseOf(path));
}
