import type { Position } from "./document.ts";
import type { Hook } from "./hooks.ts";
import type { Problem } from "./problem.ts";
import type { Held, Rule } from "./rule.ts";
import type { SettingKey, SettingValues } from "./settings.gen.ts";
import type { SettingsSource, SourcePlace } from "./source.ts";

/** A value as it stands in a file. */
export interface Found<V> {
  /** Lists hold the entries that fit; a lock or choice that cannot be read holds its strictest value. */
  readonly value: V;
  /** False for an occurrence that a later one of the same name overrides. */
  readonly live: boolean;
  /** Not all of it could be read. */
  readonly faulty: boolean;
  /** The entries of a list that do not fit and are not in `value`. */
  readonly unread?: readonly unknown[] | undefined;
  /** Where it stands; with an index, where that entry of `value` stands. */
  readonly at: (index?: number) => Position;
}

/**
 * What one source says.
 *
 * INVARIANT: a source that is `faulty` has no allow rule, and a rule that makes every call ask.
 */
export interface SettingsReading {
  readonly source: SettingsSource;
  readonly rules: readonly Rule[];
  /** Whether or not the source is trusted. */
  readonly hooks: readonly Hook[];
  /** In the order of the text. */
  readonly problems: readonly Problem[];
  /** True when at least one key stands in it, and when that cannot be told. */
  readonly says: boolean;
  /**
   * Managed: a higher source goes first, so that nothing here opens anything. `admin`: under a lock
   * that admits managed lists only, its lists count all the same.
   */
  readonly outranked?: "helper" | "admin" | "person" | undefined;
  /** Why the file cannot be taken at its word: deny rules in it may have been lost. */
  readonly faulty?: Problem | undefined;
  /** Every occurrence of a key that counts in this scope, in the order of the text. */
  readonly found: <K extends SettingKey>(key: K) => readonly Found<SettingValues[K]>[];
}

/** A problem with its place in the text still as an offset; `stops` makes the file faulty. */
export interface Finding extends Pick<Problem, "severity" | "key" | "message" | "hint"> {
  readonly offset: number;
  readonly stops?: boolean;
}

/** What a faulty file leads to. */
export function consequence(source: SettingsSource): string {
  return source.scope === "managed"
    ? "every call is denied until it is mended"
    : "every call asks until it is mended";
}

/** What becomes of the calls of a tool while a rule about it cannot be read. */
export function heldIn({ scope }: SourcePlace): Held {
  return scope === "managed" ? "is denied" : "asks";
}
