import type { Problem } from "./problem.ts";
import type { Origin } from "./origin.ts";
import type { Found, SettingsReading } from "./reading.ts";
import type { SettingKey, SettingValues } from "./settings.gen.ts";

/** A value with the file that set it. */
export interface Picked<V> {
  readonly value: V;
  readonly reading: SettingsReading;
  readonly origin: Origin;
}

/** A value some file would like, and whether that file may choose a laxer one than the others. */
export interface Candidate<V> {
  readonly value: V;
  readonly origin: Origin;
  readonly managed: boolean;
  readonly free: boolean;
}

/** What opens something counts: trusted, read without a fault, and no other managed source goes first. */
export function opens(reading: SettingsReading): boolean {
  return reading.source.trusted && reading.faulty === undefined && reading.outranked === undefined;
}

export function originOf(reading: SettingsReading, found: Found<unknown>, index?: number): Origin {
  return { scope: reading.source.scope, file: reading.source.file, line: found.at(index).line };
}

/** A problem with a value, at its place. */
export function problemAt(
  reading: SettingsReading,
  found: Found<unknown>,
  key: string,
  problem: Pick<Problem, "severity" | "message" | "hint">,
  index?: number,
): Problem {
  const place = index === undefined ? key : `${key}[${index}]`;
  return { ...problem, file: reading.source.file, ...found.at(index), key: place };
}

/** Every occurrence of a key in every file, highest file first. */
export function all<K extends SettingKey>(
  readings: readonly SettingsReading[],
  key: K,
): readonly { readonly reading: SettingsReading; readonly found: Found<SettingValues[K]> }[] {
  return readings.flatMap((reading) => reading.found(key).map((found) => ({ reading, found })));
}

/** Where a lock is set; undefined = nowhere. Every occurrence in every file counts. */
export function locked<K extends SettingKey>(
  readings: readonly SettingsReading[],
  key: K,
): Origin | undefined {
  const set = all(readings, key).find(({ found }) => governs(found.value));
  return set && originOf(set.reading, set.found);
}

/** True for a value that switches its key on: neither false nor an empty list. */
export function governs(value: unknown): boolean {
  return value !== false && !(Array.isArray(value) && value.length === 0);
}

/** The value of the highest trusted file that sets one. */
export function highest<K extends SettingKey>(
  readings: readonly SettingsReading[],
  key: K,
): Picked<SettingValues[K]> | undefined {
  const set = all(readings, key).find(({ reading, found }) => opens(reading) && found.live);
  return set && { value: set.found.value, reading: set.reading, origin: originOf(set.reading, set.found) };
}

/** Every file's wish for a scalar key; `free` says which files may choose freely. */
export function candidates<K extends SettingKey>(
  readings: readonly SettingsReading[],
  key: K,
  free: (reading: SettingsReading) => boolean = (reading) => !reading.source.repository,
): readonly Candidate<SettingValues[K]>[] {
  return all(readings, key).map(({ reading, found }) => ({
    value: found.value,
    origin: originOf(reading, found),
    managed: reading.source.scope === "managed",
    free: found.live && opens(reading) && free(reading),
  }));
}

/**
 * The value that holds: the strictest managed one, if one of them may choose; else that of the
 * highest file that may choose freely, or `fallback`, made stricter by the files above it.
 *
 * INVARIANT: a candidate that is not free never makes the value laxer.
 */
export function choose<V>(
  wishes: readonly Candidate<V>[],
  fallback: V,
  atLeastAsStrict: (a: V, b: V) => boolean,
): { readonly value: V; readonly origin?: Origin } {
  type Held = { readonly value: V; readonly origin?: Origin };
  const stricter = (held: Held, wish: Held): Held => (atLeastAsStrict(held.value, wish.value) ? held : wish);
  const managed = wishes.filter((wish) => wish.managed);
  const chosen = managed.find((wish) => wish.free);
  if (chosen) return managed.reduce(stricter, chosen);
  const base = wishes.findIndex((wish) => wish.free);
  const above = base === -1 ? wishes : wishes.slice(0, base);
  return above.reduce(stricter, wishes[base] ?? { value: fallback });
}
