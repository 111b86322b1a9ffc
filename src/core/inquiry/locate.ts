import type { Facts, PathFact } from "../call/facts.ts";
import type { About } from "../call/opinion.ts";
import { HOLE } from "../call/word.ts";
import { baseOf, isWithin, normalise, parentOf, segmentsOf } from "../call/path.ts";
import type { GateContext, Inquiry, PathUse } from "./inquiry.ts";

/** One place a path use leads to. */
export interface Located {
  readonly use: PathUse;
  /** The name used, folded by text. */
  readonly name: string;
  /** Where it really leads; equal to `name` where nothing better is known. */
  readonly real: string;
  /** The name, every link target on the way, and `real`: what deny and ask rules look at. */
  readonly names: readonly string[];
  readonly type: "file" | "directory" | "other" | "absent" | "unknown";
  /** The host looked and knows. */
  readonly certain: boolean;
  /** The host was asked and gave no answer. */
  readonly missing?: boolean | undefined;
}

/**
 * Where each path of a call leads, by the facts.
 *
 * A use whose path is not known, or for which a fact is missing, is located with
 * `certain: false`: what may be read into it is for the layers to fear.
 */
export function locate(use: PathUse, facts: Facts): readonly Located[] {
  if (use.glob !== undefined) {
    const fact = facts.globs.get(`glob:${use.glob}`);
    if (fact === undefined) return [{ ...uncertain(use), missing: !use.glob.includes(HOLE) }];
    if (!fact.complete) return [uncertain(use)];
    // bash hands over the pattern itself when nothing matches.
    if (fact.matches.length === 0) return [{ ...uncertain(use), certain: true, type: "absent" }];
    return fact.matches.map((match) =>
      use.action === "delete"
        ? removed(use, match, facts)
        : from(use, match, facts.paths.get(`path:${match}`)),
    );
  }
  if (!use.known) return [uncertain(use)];
  if (use.action === "delete" && !use.path.endsWith("/")) return [removed(use, use.path, facts)];
  return [from(use, use.path, facts.paths.get(`path:${use.path}`))];
}

function from(use: PathUse, path: string, fact: PathFact | undefined): Located {
  const name = normalise(path);
  if (fact === undefined || fact.kind === "failed") {
    const missing = fact === undefined;
    return { use, name, real: name, names: [name], type: "unknown", certain: false, missing };
  }
  return {
    use,
    name,
    real: fact.real,
    names: [...new Set([name, ...fact.hops, fact.real])],
    type: fact.type,
    certain: true,
  };
}

/** Removing or renaming a name acts on the name itself, not on what a link there leads to. */
function removed(use: PathUse, path: string, facts: Facts): Located {
  const base = baseOf(path);
  const parent = facts.paths.get(`path:${parentOf(path)}`);
  const target = facts.paths.get(`path:${path}`);
  if (parent?.kind !== "path" || base === ".." || base === "." || base === "") return from(use, path, target);
  const name = normalise(path);
  const real = `${parent.real === "/" ? "" : parent.real}/${base}`;
  const type = target?.kind === "path" ? target.type : "unknown";
  return { use, name, real, names: [...new Set([name, real])], type, certain: true };
}

function uncertain(use: PathUse): Located {
  const name = foldKnown(use.path);
  return { use, name, real: name, names: [name], type: "unknown", certain: false };
}

/** What an opinion on a path is about: the use as a whole or, with `place`, one of the places it leads to. */
export function aboutUse({ part, action, path }: PathUse, place?: string): About {
  return { use: `${part ?? ""} ${action} ${path}`, place };
}

/** Folds `..` by text, but not what is unknown before it: `$X/..` is as unknown as `$X`. */
function foldKnown(path: string): string {
  if (!path.includes(HOLE)) return normalise(path);
  const out: string[] = [];
  for (const segment of segmentsOf(path)) {
    const before = out.at(-1);
    if (segment !== "..") out.push(segment);
    else if (before?.includes(HOLE) === true) out[out.length - 1] = HOLE;
    else out.pop();
  }
  return `/${out.join("/")}`;
}

/** The directories a call may work in, by name and by where they really are. */
export interface Workspace {
  readonly names: readonly string[];
  readonly reals: readonly string[];
}

export function workspaceOf(context: GateContext, inquiry: Pick<Inquiry, "call">, facts: Facts): Workspace {
  const names = [
    ...new Set([inquiry.call.root, inquiry.call.cwd, ...context.policy.directories].map(normalise)),
  ];
  // A working directory that is a link counts as what it leads to; one nobody looked at counts by name.
  const reals = names.map((name) => {
    const fact = facts.paths.get(`path:${name}`);
    return fact?.kind === "path" ? fact.real : name;
  });
  return { names, reals: [...new Set(reals)] };
}

/** Inside a working directory, both by where it really is and by where it really leads. */
export function isInside(located: Located, workspace: Workspace): boolean {
  return workspace.reals.some((directory) => isWithin(located.real, directory));
}

/** The name lies inside though the target does not: a link leads out. */
export function leavesByLink(located: Located, workspace: Workspace): boolean {
  return (
    !isInside(located, workspace) && workspace.names.some((directory) => isWithin(located.name, directory))
  );
}
