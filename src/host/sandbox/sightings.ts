import { join } from "node:path";
import type { Sighting } from "../../core/layers/9-sandbox/facts.ts";
import { type Mark, isExcept } from "../../core/layers/9-sandbox/mark.ts";
import { type Listing, namesIn } from "./listing.ts";
import { seenAt } from "./look.ts";

/** Sightings of entries that are no links, by the listing they were made for. */
export type Steady = WeakMap<Listing, ReadonlyMap<string, readonly Sighting[]>>;

/** Sightings of a directory's entries, by entry. Those that are no links and have no exceptions stay as long as the directory does. */
export function hitsIn(
  directory: string,
  listing: Listing,
  same: boolean,
  marks: readonly Mark[],
  steady: Steady,
): readonly (readonly Sighting[])[] {
  if (listing.hits.length === 0) return [];
  const old = same ? steady.get(listing) : undefined;
  const kept = new Map<string, readonly Sighting[]>();
  const found = listing.hits.map(({ name, marks: indexes }) => {
    const known = old?.get(name);
    const sightings =
      known ?? indexes.flatMap((index) => sightingAt(join(directory, name), index, marks[index]) ?? []);
    if (sightings.every(({ link, mark }) => link === undefined && marks[mark]?.except.length === 0))
      kept.set(name, sightings);
    return sightings;
  });
  steady.set(listing, kept);
  return found;
}

/** What stands at a path that bears a mark, with the exceptions in it; undefined where nothing does. */
export function sightingAt(path: string, index: number, mark: Mark | undefined): Sighting | undefined {
  const seen = seenAt(path, true);
  if (mark === undefined || (seen.type === "absent" && seen.link === undefined)) return undefined;
  const children = mark.except.length > 0 && seen.type === "directory" ? namesIn(seen.real) : [];
  const of = (open: boolean): readonly string[] =>
    children.filter((name) => isExcept(mark, name) === open).map((name) => join(seen.real, name));
  // A link among the exceptions could lead anywhere.
  return {
    ...seen,
    mark: index,
    open: of(true).filter((child) => seenAt(child).link === undefined),
    closed: of(false),
  };
}
