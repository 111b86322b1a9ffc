import { absolute, isWithin, normalise, parentOf } from "../../call/path.ts";
import type { GitDir, GitLink, Seen, Survey } from "./facts.ts";
import { gitPointer, isHarmlessGitConfig } from "./git-config.ts";
import type { Inspection } from "./plan.ts";

/** One thing to undo after a command. Nothing is deleted: what stands at `path` is moved away. */
export interface Remedy {
  readonly path: string;
  /** Who would run or believe it, and why it may not be there. */
  readonly why: string;
  /** `planted`: it was not there before. `replaced`: something else stood there. `changed`: its content is another. */
  readonly kind: "planted" | "replaced" | "changed";
  /** Text of the link that stood at `path` and is put back. */
  readonly relink?: string | undefined;
  /** The content that `path` had is put back, as the host remembered it. */
  readonly rewrite?: boolean | undefined;
}

/**
 * Directories that could be looked into before the command and cannot be now, or the workspace
 * when the search no longer reached its end. Nothing can be said of what was planted there.
 */
export function uninspected({ before }: Inspection, after: Survey, root: string): readonly string[] {
  const closed = after.unread.filter((path) => !before.unread.includes(path));
  return after.complete || !before.complete ? closed : [...closed, root];
}

/**
 * What a command left behind that a later program would obey: everything that bears a protected
 * name and was not there before, git directories that run something, links that were exchanged.
 *
 * INVARIANT: what stood there before and is unchanged is never in the list, wherever it was moved
 * to. What cannot be judged is.
 */
export function aftermath(
  inspection: Inspection,
  after: Survey,
  watched: readonly Seen[],
): readonly Remedy[] {
  const remedies = [
    ...watched.flatMap((now, index): readonly Remedy[] => {
      const then = inspection.watch[index];
      if (then === undefined || (then.stamp === now.stamp && then.id === now.id)) return [];
      // Without these two nothing is a repository any more, so their removal plants nothing.
      if (now.type === "absent" && /\/(?:commondir|\.git)$/.test(then.path)) return [];
      return [{ path: then.real, why: "a protected file", kind: "changed", rewrite: true }];
    }),
    ...names(inspection, after),
    ...after.gits.flatMap((git) => gitDirectory(inspection, after, git)),
    ...gitFiles(inspection.before, after),
  ];
  return remedies
    .filter((each, index) => remedies.findIndex(({ path }) => path === each.path) === index)
    .filter((each) => !remedies.some(({ path }) => path !== each.path && isWithin(each.path, path)))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function names({ needs, before }: Inspection, after: Survey): readonly Remedy[] {
  const guarding = (survey: Survey): Survey["sightings"] =>
    survey.sightings.filter(({ mark }) =>
      ["protected", "guard", "denied-write"].includes(needs.marks[mark]?.role ?? ""),
    );
  const then = guarding(before);
  const now = guarding(after);
  const nowAt = new Map(now.map((seen) => [seen.path, seen]));
  const thenAt = new Map(then.map((seen) => [seen.path, seen]));
  const thenBy = new Map(then.map((seen) => [seen.id, seen]));
  const planted = now.flatMap((seen): readonly Remedy[] => {
    const mark = needs.marks[seen.mark];
    const why = mark?.why ?? "a protected name";
    const old = thenAt.get(seen.path);
    if (old?.id === seen.id && old.link === seen.link) return [];
    const moved = thenBy.get(seen.id);
    if (moved !== undefined && moved.type === seen.type && nowAt.get(moved.path)?.id !== moved.id) return [];
    if (old !== undefined) return [{ path: seen.path, why, kind: "replaced", relink: old.link }];
    if (seen.link === undefined && seen.open.length > 0)
      return seen.closed.map((path): Remedy => ({ path, why, kind: "planted" }));
    return [{ path: seen.path, why, kind: "planted" }];
  });
  const unlinked = then.flatMap((seen): readonly Remedy[] =>
    seen.link !== undefined && !nowAt.has(seen.path) && !now.some(({ id }) => id === seen.id)
      ? [{ path: seen.path, why: needs.marks[seen.mark]?.why ?? "", kind: "replaced", relink: seen.link }]
      : [],
  );
  return [...planted, ...unlinked];
}

/** What a git directory must not bring along, unless it had it before. */
function gitDirectory({ before, writable }: Inspection, after: Survey, git: GitDir): readonly Remedy[] {
  const old = before.gits.find(({ id }) => id === git.id);
  const had = (seen: Seen): boolean =>
    old !== undefined &&
    [...old.files, ...old.hooks].some(({ id, link }) => id === seen.id && link === seen.link);
  const hadSame = (seen: Seen): boolean =>
    old !== undefined &&
    [...old.files, ...old.hooks].some(({ id, stamp }) => id === seen.id && stamp === seen.stamp);
  const remedy = (seen: Seen, why: string): readonly Remedy[] => [
    { path: seen.path, why, kind: old === undefined || !had(seen) ? "planted" : "changed" },
  ];
  const files = git.files.flatMap((file): readonly Remedy[] => {
    switch (file.name) {
      case "hooks":
        return had(file) || (file.link === undefined && file.type === "directory")
          ? []
          : remedy(file, "sends git to other hooks");
      case "config":
      case "config.worktree":
        if (hadSame(file)) return [];
        return file.text !== undefined &&
          file.link === undefined &&
          isHarmlessGitConfig(file.text, git.path, writable)
          ? []
          : remedy(file, "git runs programs named here");
      case "commondir":
        return hadSame(file) || leadsHome(git, file.text, after)
          ? []
          : remedy(file, "sends git to another repository");
      case "gitdir":
        return [];
      default:
        return hadSame(file) ? [] : remedy(file, `decides what git runs (${file.name})`);
    }
  });
  const hooks = git.hooks.flatMap((hook) => (hadSame(hook) ? [] : remedy(hook, "git runs this hook")));
  return [...files, ...hooks];
}

/** A commondir is genuine where git makes it: in `worktrees/NAME` of the repository it leads to. */
function leadsHome(git: GitDir, text: string | undefined, after: Survey): boolean {
  const common = text === undefined ? undefined : gitPointer(text, `${git.path}/commondir`, "commondir");
  const holder = parentOf(git.path);
  return (
    common !== undefined &&
    holder === normalise(absolute(common, "worktrees")) &&
    after.gits.some(({ path }) => path === common)
  );
}

function gitFiles(before: Survey, after: Survey): readonly Remedy[] {
  const why = "a file in its place sends git to another repository";
  return after.gitLinks.flatMap((link): readonly Remedy[] => {
    const old = before.gitLinks.find(({ path }) => path === link.path);
    if (old !== undefined && old.id === link.id && old.stamp === link.stamp) return [];
    const moved = before.gitLinks.find(({ id }) => id === link.id);
    if (moved !== undefined && moved.text === link.text && isKnown(link, after)) return [];
    if (old === undefined && link.link === undefined && isKnown(link, after)) return [];
    return [{ path: link.path, why, kind: old === undefined ? "planted" : "replaced", relink: old?.link }];
  });
}

/** It names a git directory that was itself inspected. */
function isKnown(link: GitLink, after: Survey): boolean {
  return link.target !== undefined && after.gits.some(({ path }) => path === link.target);
}
