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
  /** The entry that was judged; only that is moved. Absent = whatever stands there. */
  readonly id?: string | undefined;
  /** Text of the link that stood at `path` and is put back. */
  readonly relink?: string | undefined;
  /** The content that `path` had is put back, as the host remembered it. */
  readonly rewrite?: boolean | undefined;
}

/**
 * Directories that could be looked into before the command and cannot be now, and the largest one
 * where the search did not reach its end. Nothing can be said of what was planted there.
 */
export function uninspected({ before }: Inspection, after: Survey, root: string): readonly string[] {
  const closed = after.unread.filter((path) => !before.unread.includes(path));
  return after.complete ? closed : [...closed, after.largest ?? root];
}

/** A watched file after the command. */
export interface WatchedNow extends Seen {
  /** Its content is what it was before, whoever wrote it. */
  readonly same?: boolean | undefined;
}

/**
 * What another command that was running when this one started found before its own start. It may
 * have planted what this one saw as there before.
 */
export interface Older {
  readonly before: Survey;
  readonly writable: readonly string[];
}

/**
 * What a command left behind that a later program would obey: everything that bears a protected
 * name and was not there before, git directories that run something, links that were exchanged.
 *
 * INVARIANT: what stood there before and is unchanged is never in the list, wherever it was moved
 * to. What cannot be judged is. What another command may have planted is never put back, and what
 * it found before it started is never taken away; the rest of its work is its own end's to judge.
 */
export function aftermath(
  inspection: Inspection,
  after: Survey,
  watched: readonly WatchedNow[],
  older: readonly Older[] = [],
): readonly Remedy[] {
  const past = pastOf(older);
  const whole = new Set(watched.flatMap((now) => (now.same === true ? [now.path] : [])));
  const changed = after !== inspection.before;
  const remedies = [
    ...watched.flatMap((now, index): readonly Remedy[] => {
      const then = inspection.watch[index];
      if (then === undefined || now.same === true) return [];
      if (then.stamp === now.stamp && then.id === now.id) return [];
      // Without these two nothing is a repository any more, so their removal plants nothing.
      if (now.type === "absent" && /\/(?:commondir|\.git)$/.test(then.path)) return [];
      // Another sandbox or a person was just making the worktree when the command started.
      if (isGenuineCommonDir(then.real, after)) return [];
      return [{ path: then.real, why: "a protected file", kind: "changed", rewrite: true, id: now.id }];
    }),
    ...(changed ? names(inspection, after, past) : []),
    ...(changed ? gitDirectories(inspection, after) : []),
    ...(changed ? gitFiles(inspection.before, after) : []),
  ];
  const first = new Map<string, Remedy>();
  for (const each of remedies) if (!first.has(each.path) && !whole.has(each.path)) first.set(each.path, each);
  return (
    [...first.values()]
      // What is put back is put back also where the directory around it is moved away.
      // Nor could the command reach what was hidden from it because nobody could look into it.
      .filter(({ path }) => !(inspection.before.closed ?? []).some((each) => isWithin(path, each)))
      .filter(
        ({ path, rewrite }) => rewrite === true || !above(path).some((directory) => first.has(directory)),
      )
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  );
}

function above(path: string): readonly string[] {
  const found: string[] = [];
  for (let at = parentOf(path); at !== "/"; at = parentOf(at)) found.push(at);
  return found;
}

/** What other commands knew before this one. */
interface Past {
  /** It was not there when one of them started, which could write there. */
  readonly isDoubtful: (seen: Seen) => boolean;
  /** It was there when one of them started, or a link that says the same. */
  readonly knew: (seen: Seen) => boolean;
}

function pastOf(older: readonly Older[]): Past {
  const each = older.map(({ before, writable }) => ({ writable, known: entriesOf(before) }));
  return {
    isDoubtful: (seen) =>
      each.some(
        ({ writable, known }) =>
          writable.some((root) => isWithin(seen.path, root)) &&
          known.get(seen.path)?.some(({ id }) => id === seen.id) !== true,
      ),
    knew: (seen) =>
      each.some(
        ({ writable, known }) =>
          known
            .get(seen.path)
            ?.some((then) =>
              then.link === undefined
                ? seen.link === undefined && then.id === seen.id
                : then.link === seen.link && leadsAlike(then, seen, writable),
            ) === true,
      ),
  };
}

/** Every entry of a survey that could be judged, by its path. */
export function entriesOf(survey: Survey): ReadonlyMap<string, readonly Seen[]> {
  const entries = new Map<string, Seen[]>();
  const all = [
    ...survey.sightings,
    ...survey.gits.flatMap(({ files, hooks }) => [...files, ...hooks]),
    ...survey.gitLinks,
  ];
  for (const seen of all) {
    const known = entries.get(seen.path);
    if (known === undefined) entries.set(seen.path, [seen]);
    else known.push(seen);
  }
  return entries;
}

/**
 * What one finds through a link is what was found before. A command cannot have exchanged what lies
 * where it could not write, and what leads nowhere is obeyed by nobody.
 */
function leadsAlike(then: Seen, now: Seen, writable: readonly string[]): boolean {
  if (now.type === "absent") return true;
  if (then.real !== now.real || then.type !== now.type) return false;
  return then.targetId === now.targetId || !writable.some((root) => isWithin(now.real, root));
}

/**
 * A link with its old text that leads to something new. That is moved away where the link itself
 * names it; at the end of further links stands perhaps what was always there, so that the link goes.
 */
function ledAstray(then: Seen, now: Seen, why: string, writable: readonly string[]): Remedy {
  const named = normalise(absolute(parentOf(now.path), now.link ?? ""));
  const isTarget =
    now.real === named && now.targetId !== undefined && writable.some((root) => isWithin(named, root));
  return isTarget
    ? { path: named, why, kind: then.type === "absent" ? "planted" : "replaced", id: now.targetId }
    : { path: now.path, why: `${why}; it leads elsewhere than before`, kind: "replaced", id: now.id };
}

function names({ needs, before, watch, writable }: Inspection, after: Survey, past: Past): readonly Remedy[] {
  const guarding = (survey: Survey): Survey["sightings"] =>
    survey.sightings.filter(({ mark }) =>
      ["protected", "guard", "denied-write"].includes(needs.marks[mark]?.role ?? ""),
    );
  const then = guarding(before);
  const now = guarding(after);
  const nowAt = new Map(now.map((seen) => [seen.path, seen]));
  const thenAt = new Map(then.map((seen) => [seen.path, seen]));
  const thenBy = new Map(then.map((seen) => [seen.id, seen]));
  // What no mount held may have been written to before it was moved.
  const stamps = new Map(watch.map(({ id, stamp }) => [id, stamp]));
  const isWhole = ({ id, stamp }: Seen): boolean => (stamps.get(id) ?? stamp) === stamp;
  const planted = now.flatMap((seen): readonly Remedy[] => {
    const mark = needs.marks[seen.mark];
    const why = mark?.why ?? "a protected name";
    const old = thenAt.get(seen.path);
    if (old?.link === undefined && old?.id === seen.id && seen.link === undefined) return [];
    if (past.knew(seen)) return [];
    if (old?.link !== undefined && old.link === seen.link)
      return leadsAlike(old, seen, writable) ? [] : [ledAstray(old, seen, why, writable)];
    const { id } = seen;
    const moved = thenBy.get(seen.id);
    const isElsewhere = moved?.type === seen.type && nowAt.get(moved.path)?.id !== moved.id;
    // A link may lead elsewhere from its new place.
    const isSameTarget = seen.type === "absent" || moved?.targetId === seen.targetId;
    if (isElsewhere && isSameTarget && isWhole(seen)) return [];
    if (old !== undefined) {
      const relink = past.isDoubtful(old) ? undefined : old.link;
      return [{ path: seen.path, why, kind: "replaced", relink, id }];
    }
    if (seen.link === undefined && seen.open.length > 0)
      return seen.closed.map((path): Remedy => ({ path, why, kind: "planted" }));
    return [{ path: seen.path, why, kind: "planted", id }];
  });
  const nowIds = new Set(now.map(({ id }) => id));
  const unlinked = then.flatMap((seen): readonly Remedy[] =>
    seen.link !== undefined && !nowAt.has(seen.path) && !nowIds.has(seen.id) && !past.isDoubtful(seen)
      ? [{ path: seen.path, why: needs.marks[seen.mark]?.why ?? "", kind: "replaced", relink: seen.link }]
      : [],
  );
  return [...planted, ...unlinked];
}

function gitDirectories(inspection: Inspection, after: Survey): readonly Remedy[] {
  const before = new Map(inspection.before.gits.map((git) => [git.id, git]));
  const paths = new Set(after.gits.map(({ path }) => path));
  return after.gits.flatMap((git) => {
    const old = before.get(git.id);
    return old === git ? [] : gitDirectory(inspection, paths, git, old);
  });
}

/** What a git directory must not bring along, unless it had it before. */
function gitDirectory(
  { writable }: Inspection,
  paths: ReadonlySet<string>,
  git: GitDir,
  old: GitDir | undefined,
): readonly Remedy[] {
  const had = (seen: Seen): boolean =>
    old !== undefined &&
    [...old.files, ...old.hooks].some(({ id, link }) => id === seen.id && link === seen.link);
  const hadSame = (seen: Seen): boolean =>
    old !== undefined &&
    [...old.files, ...old.hooks].some(({ id, stamp }) => id === seen.id && stamp === seen.stamp);
  const remedy = (seen: Seen, why: string): readonly Remedy[] => [
    { path: seen.path, why, kind: old === undefined || !had(seen) ? "planted" : "changed", id: seen.id },
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
        return hadSame(file) || leadsHome(git, file.text, paths)
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

function isGenuineCommonDir(path: string, after: Survey): boolean {
  const git = after.gits.find((each) => `${each.path}/commondir` === path);
  const file = git?.files.find(({ name }) => name === "commondir");
  return (
    git !== undefined &&
    file !== undefined &&
    file.link === undefined &&
    leadsHome(git, file.text, new Set(after.gits.map((each) => each.path)))
  );
}

/** A commondir is genuine where git makes it: in `worktrees/NAME` of the repository it leads to. */
function leadsHome(git: GitDir, text: string | undefined, paths: ReadonlySet<string>): boolean {
  const common = text === undefined ? undefined : gitPointer(text, `${git.path}/commondir`, "commondir");
  const holder = parentOf(git.path);
  return common !== undefined && holder === normalise(absolute(common, "worktrees")) && paths.has(common);
}

function gitFiles(before: Survey, after: Survey): readonly Remedy[] {
  const why = "a file in its place sends git to another repository";
  const thenAt = new Map(before.gitLinks.map((link) => [link.path, link]));
  const thenBy = new Map(before.gitLinks.map((link) => [link.id, link]));
  const paths = new Set(after.gits.map(({ path }) => path));
  // It names a git directory that was itself inspected.
  const isKnown = (link: GitLink): boolean => link.target !== undefined && paths.has(link.target);
  return after.gitLinks.flatMap((link): readonly Remedy[] => {
    const old = thenAt.get(link.path);
    if (old !== undefined && old.id === link.id && old.stamp === link.stamp) return [];
    const moved = thenBy.get(link.id);
    if (moved !== undefined && moved.text === link.text && isKnown(link)) return [];
    if (old === undefined && link.link === undefined && isKnown(link)) return [];
    if (old?.link !== undefined && old.link === link.link) return [];
    const kind = old === undefined ? "planted" : "replaced";
    return [{ path: link.path, why, kind, relink: old?.link, id: link.id }];
  });
}
