import { isWithin, parentOf } from "../../call/path.ts";
import { type GitDir, LINK_OUT, type SandboxFacts, type Seen } from "./facts.ts";
import type { Mark } from "./mark.ts";
import type { MountInput } from "./mounts.ts";
import type { Mount } from "./plan.ts";

/** Something inside a writable directory that a command may not change. */
export interface Guard {
  readonly seen: Seen;
  readonly why: string;
  /** `pin` keeps a directory writable and only holds its name; `watch` compares afterwards. */
  readonly how: "read-only" | "pin" | "writable" | "watch";
  readonly whole?: boolean | undefined;
  /** Of a repository that was found; a command can make any number of them. */
  readonly git?: true | undefined;
  /**
   * What is compared after the command where no mount is left for it; none = the inspection finds
   * it by its content. Absent: nothing can stand for the mount, and without it there is no plan.
   */
  readonly instead?: readonly Seen[] | undefined;
}

/** Everything to be held or compared, in no order. `open` are the mounts up to the writable ones. */
export function guardsOf(input: MountInput, open: readonly Mount[]): readonly Guard[] {
  const { facts } = input;
  return [
    ...input.readOnly.map(({ path, why }) => heldWhole(path, why)),
    ...sightingGuards(input),
    ...facts.survey.gits.flatMap(gitGuards),
    ...linkGuards(facts, open),
    ...ancestorGuards(input),
  ];
}

/** A file's content can be put back. What is in a directory is not known here. */
function comparable(seen: Seen): Pick<Guard, "instead"> {
  return seen.type === "directory" ? {} : { instead: [seen] };
}

function heldWhole(path: string, why: string): Guard {
  return {
    seen: { path, real: path, type: "directory", id: "", stamp: "" },
    why,
    how: "read-only",
    whole: true,
  };
}

function sightingGuards({ facts, hidden, writable }: MountInput): readonly Guard[] {
  const masked = new Set(hidden);
  return facts.survey.sightings.flatMap((sighting): readonly Guard[] => {
    const mark = facts.needs.marks[sighting.mark];
    // A credential store that a rule opens is open to be read.
    if (mark?.role === "credential" && !masked.has(sighting))
      return [{ seen: sighting, why: mark.why, how: "read-only", whole: true, ...comparable(sighting) }];
    if (mark === undefined || !["protected", "guard", "denied-write"].includes(mark.role)) return [];
    const exceptions = mark.role === "protected" ? sighting.open : [];
    const whole = mark.role !== "protected";
    // A link may lead above a writable directory.
    const below = writable.filter(({ path }) => path !== sighting.real && isWithin(path, sighting.real));
    return [
      { seen: sighting, why: mark.why, how: "read-only", whole, ...comparable(sighting) },
      ...(whole ? below.map(({ path }) => heldWhole(path, mark.why)) : []),
      ...exceptions.map((path): Guard => ({
        seen: { ...sighting, path, real: path, type: "directory", link: undefined },
        why: `not meant by ${mark.text}`,
        how: "writable",
      })),
    ];
  });
}

/** A git directory stays writable, so that commits work; what decides what git runs does not. */
function gitGuards(git: GitDir): readonly Guard[] {
  const self: Seen = { path: git.path, real: git.path, type: "directory", id: git.id, stamp: "" };
  const pin: readonly Guard[] = git.named
    ? [{ seen: self, why: "the repository keeps its name", how: "pin", git: true, instead: [] }]
    : [];
  return [
    ...pin,
    ...git.files.flatMap((file): readonly Guard[] => {
      const why = `decides what git runs (${file.name})`;
      // `git worktree remove` has to delete these two.
      if (file.name === "gitdir" || file.name.startsWith(LINK_OUT)) return [];
      const how = file.name === "commondir" ? "watch" : "read-only";
      // The hooks are compared one by one, and new ones are found.
      const rest = file.name === "hooks" ? { instead: git.hooks } : comparable(file);
      return [{ seen: file, why, how, git: true, ...rest }];
    }),
  ];
}

/**
 * Directories inside a writable root whose names a mark needs to be found again, and those above
 * what a marked link leads to. Renamed, they would take it to a place where the next command finds
 * it open.
 */
function ancestorGuards({ facts, writable }: MountInput): readonly Guard[] {
  const roots = writable.map(({ path }) => path);
  const ancestors = facts.survey.sightings.flatMap(({ path, real, link, type, mark }) => {
    const each = facts.needs.marks[mark];
    if (each === undefined || each.role === "opened-read" || each.role === "named-read") return [];
    return [
      ...namedAbove(each, path, roots, facts),
      ...(link === undefined || type === "absent" ? [] : directoriesAbove(real, roots)),
    ];
  });
  return [...new Set(ancestors)].map((path) => ({
    seen: { path, real: path, type: "directory", id: "", stamp: "" },
    why: "keeps its name, for what lies in it",
    how: "pin",
  }));
}

/** The directories above `path` that its pattern does not find under another name. */
function namedAbove(
  { base, segments }: Mark,
  path: string,
  roots: readonly string[],
  facts: SandboxFacts,
): readonly string[] {
  const above = directoriesAbove(path, roots);
  const anywhere = base === undefined || segments[0] === "**";
  const last = segments.lastIndexOf("**");
  if (!anywhere || last > 0) return above;
  const fixed = above.slice(0, Math.max(0, segments.length - last - 2));
  if (base === undefined) return fixed;
  const start = realOf(base, facts);
  // Below a link that is not known every name counts.
  if (!isWithin(path, start)) return above;
  return [...fixed, ...above.filter((directory) => isWithin(start, directory))];
}

/** A path as the host resolved the roots: what a rule hangs from may be spelt through a link. */
function realOf(path: string, { roots, cwd }: SandboxFacts): string {
  const at = [...roots, cwd].find((seen) => isWithin(path, seen.path));
  return at === undefined ? path : `${at.real}${path.slice(at.path.length)}`;
}

/** The nearest first, up to the writable root and without it. */
function directoriesAbove(path: string, roots: readonly string[]): readonly string[] {
  const root = roots.find((each) => each !== path && isWithin(path, each));
  const above: string[] = [];
  for (let at = parentOf(path); root !== undefined && at !== root && at !== "/"; at = parentOf(at))
    above.push(at);
  return above;
}

/** A `.git` file: held for the writable directory itself; below it `git worktree remove` must work. */
function linkGuards(facts: SandboxFacts, open: readonly Mount[]): readonly Guard[] {
  return facts.survey.gitLinks.flatMap((link): readonly Guard[] => {
    // A symbolic link cannot be held; it is compared afterwards, and what it leads to is a git directory.
    if (link.type === "directory") return [];
    const top = open.some((mount) => mount.kind === "bind" && mount.to === parentOf(link.path));
    return [
      {
        seen: link,
        why: "sends git to its repository",
        how: top ? "read-only" : "watch",
        git: true,
        instead: [link],
      },
    ];
  });
}
