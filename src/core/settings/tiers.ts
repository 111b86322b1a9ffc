import { all, locked } from "./pick.ts";
import type { Problem } from "./problem.ts";
import type { SettingsReading } from "./reading.ts";
import { MANAGED_TIERS, type ManagedTier } from "./source.ts";

/** How the managed sources of one machine combine. */
export const BEHAVIOURS = ["first-wins", "merge"] as const;
export type ManagedBehaviour = (typeof BEHAVIOURS)[number];

/** Where a managed reading stands among the others. Settings that say nothing of it are files. */
export function tierOf({ source }: SettingsReading): ManagedTier {
  return source.tier ?? "files";
}

/**
 * How managed sources combine: `merge` only if the highest one that says anything asks for it and
 * none says otherwise; a helper's answer stands alone.
 *
 * INVARIANT: an unknown or unreadable value is `first-wins`, with which less is opened.
 */
export function managedBehaviour(readings: readonly SettingsReading[]): ManagedBehaviour {
  const managed = readings.filter(({ source }) => source.scope === "managed");
  const top = topTier(managed);
  const said = all(managed, "managedSourcesBehavior");
  const asked = said.some(({ reading, found }) => tierOf(reading) === top && found.live);
  const agreed = said.every(({ found }) => found.value === "merge");
  return asked && agreed && top !== "helper" ? "merge" : "first-wins";
}

/**
 * The readings, those of managed sources marked from which nothing is taken that opens something,
 * because a higher one goes first.
 *
 * INVARIANT: what tightens is taken from every source. A tier is one source: the files of all
 * managed directories are pooled.
 */
export function rankManaged(
  readings: readonly SettingsReading[],
  problems: Problem[],
): readonly SettingsReading[] {
  const managed = readings.filter(({ source }) => source.scope === "managed");
  const top = topTier(managed);
  if (top === undefined || managed.every((reading) => tierOf(reading) === top)) return readings;
  const behaviour = managedBehaviour(readings);
  const first = managed.find((reading) => tierOf(reading) === top);
  return readings.map((reading) => {
    const tier = tierOf(reading);
    if (reading.source.scope !== "managed" || tier === top) return reading;
    if (top !== "helper" && tier !== "person" && behaviour === "merge") return reading;
    if (wouldOpen(reading))
      problems.push({
        severity: "warning",
        file: reading.source.file,
        message: `what it allows does not count, because ${first?.source.file ?? "another managed source"} goes first; what it forbids does`,
        hint:
          top === "helper" || tier === "person"
            ? "move it there"
            : 'move it there, or write `"managedSourcesBehavior": "merge"` there',
      });
    return { ...reading, outranked: top === "helper" ? "helper" : tier === "person" ? "person" : "admin" };
  });
}

/**
 * The highest tier that says anything. A source that cannot be read may say anything; a helper that
 * answers with nothing has said that nothing is allowed.
 */
function topTier(managed: readonly SettingsReading[]): ManagedTier | undefined {
  return MANAGED_TIERS.find((tier) =>
    managed.some((reading) => tierOf(reading) === tier && (reading.says || tier === "helper")),
  );
}

/** Only those that speak of what opens, for one line to the administrator. */
function wouldOpen(reading: SettingsReading): boolean {
  const lists = [
    "permissions.additionalDirectories",
    "sandbox.filesystem.allowWrite",
    "sandbox.filesystem.allowRead",
    "sandbox.network.allowedDomains",
  ] as const;
  return (
    reading.rules.some(({ effect }) => effect === "allow") ||
    lists.some((key) => reading.found(key).some(({ value }) => value.length > 0))
  );
}

/**
 * The managed readings whose list counts while `lock` shuts out all others; every reading where it
 * is not set. A list under such a lock is taken from each source an administrator wrote.
 */
export function underLock(
  readings: readonly SettingsReading[],
  lock: "sandbox.filesystem.allowManagedReadPathsOnly" | "sandbox.network.allowManagedDomainsOnly",
): readonly SettingsReading[] {
  return locked(readings, lock) === undefined ? readings : administrators(readings);
}

/** The managed readings, those included that another one goes before; not what a person could write. */
export function administrators(readings: readonly SettingsReading[]): readonly SettingsReading[] {
  return readings
    .filter(({ source }) => source.scope === "managed")
    .map((reading) => (reading.outranked === "admin" ? { ...reading, outranked: undefined } : reading));
}
