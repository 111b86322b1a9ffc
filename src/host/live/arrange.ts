import { hookFiles } from "../../core/settings/hook-files.ts";
import { buildPolicy } from "../../core/settings/merge.ts";
import type { Policy } from "../../core/settings/policy.ts";
import type { Problem } from "../../core/settings/problem.ts";
import type { Place, SettingsSource } from "../../core/settings/source.ts";
import { type Standing, contentOf, mixedFingerprint, problemOf, tightened, withheld } from "./standing.ts";

/** One settings file: as it is now, as it was when it last counted, and as it last could be read. */
export interface Stand {
  readonly name: string;
  readonly now: SettingsSource | undefined;
  readonly was: SettingsSource | undefined;
  readonly good: SettingsSource | undefined;
  readonly standing: Standing;
}

/** What the files come to, each as it stands. */
export interface Arranged {
  /** Those that are there, highest first, in the form in which they count. */
  readonly main: readonly SettingsSource[];
  /** What some of them closed before, or close now, beside that. */
  readonly kept: readonly SettingsSource[];
  /** `main` with the last version that counted of those that cannot be taken at their word now. */
  readonly earlier: readonly SettingsSource[];
  /** Files of whose hooks the earlier version still runs. */
  readonly carried: ReadonlySet<string | undefined>;
  readonly problems: readonly Problem[];
  /** The version of each file that counts, or will when it reads again. */
  readonly inForce: ReadonlyMap<string, SettingsSource>;
}

/** Puts the files in their places. `believe` says how far an earlier version is believed now. */
export function arrange(
  stands: readonly Stand[],
  believe: (source: SettingsSource) => SettingsSource,
): Arranged {
  const [main, kept, earlier]: readonly [SettingsSource[], SettingsSource[], SettingsSource[]] = [[], [], []];
  const carried = new Set<string | undefined>();
  const problems: Problem[] = [];
  const inForce = new Map<string, SettingsSource>();
  const keep = (...sources: readonly (SettingsSource | undefined)[]): void => {
    for (const source of sources)
      if (source !== undefined && !kept.some((each) => isSame(each, source))) kept.push(tightened(source));
  };
  const count = (source: SettingsSource | undefined, before = source): void => {
    if (source !== undefined) main.push(source);
    if (before !== undefined) earlier.push(before);
  };
  for (const { name, now, was, good, standing } of stands) {
    const about = now ?? was;
    if (about === undefined) continue;
    const force = standing.kind === "taken" ? now : was;
    if (force !== undefined) inForce.set(name, force);
    const believed = was && believe(was);
    switch (standing.kind) {
      case "taken":
        count(now);
        continue;
      case "blocked":
        count(believed);
        keep(now);
        break;
      case "faulty":
        count(now, believed);
        keep(was, good);
        carried.add(about.file);
        break;
      case "waiting":
        count(withheld(about, standing.why), believed);
        keep(was, now);
        carried.add(about.file);
        break;
    }
    const problem = problemOf(about, standing);
    // A file that was faulty when it was first seen has nothing that could still hold.
    if (problem !== undefined && (standing.kind !== "faulty" || was !== undefined)) problems.push(problem);
  }
  return { main, kept, earlier, carried, problems, inForce };
}

/**
 * The policy of files as they stand. `fingerprint` is that of the files as they are; the policy's own
 * is another one wherever not all of them count as they are.
 *
 * INVARIANT: hooks of a file that cannot be taken at its word run as they did before: without them
 * what they deny would only be asked about.
 */
export function policyOf(
  { main, kept, earlier, carried, problems }: Arranged,
  place: Place,
  fingerprint: string,
): Policy {
  const policy = buildPolicy([...main, ...kept], place, fingerprint);
  const hooks =
    carried.size === 0
      ? []
      : buildPolicy(earlier, place, fingerprint).hooks.hooks.filter(({ origin }) => carried.has(origin.file));
  const { limitsOfPaths } = policy;
  return {
    ...policy,
    hooks: { ...policy.hooks, hooks: [...policy.hooks.hooks, ...hooks] },
    limitsOfPaths: {
      ...limitsOfPaths,
      protectedPaths: [...limitsOfPaths.protectedPaths, ...hookFiles(hooks, place)],
    },
    problems: [...policy.problems, ...problems],
  };
}

/** The fingerprint of a policy that `policyOf` makes. */
export function fingerprintOf(
  { main, kept, earlier }: Arranged,
  loaded: { readonly sources: readonly SettingsSource[]; readonly fingerprint: string },
): string {
  const others = [...main, ...earlier].filter((source) => !loaded.sources.includes(source));
  return mixedFingerprint(loaded.fingerprint, [...others, ...kept]);
}

function isSame(kept: SettingsSource, source: SettingsSource): boolean {
  return kept.file === source.file && kept.scope === source.scope && contentOf(kept) === contentOf(source);
}
