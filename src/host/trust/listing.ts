import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../settings/places.ts";
import { readWhole } from "../settings/read-file.ts";
import { changeRecord } from "./change.ts";
import { identityOf, trustPlaceOf } from "./place.ts";
import {
  type TrustRecord,
  type TrustStore,
  digestOf,
  lastingStore,
  readRecord,
  readRecords,
  sessionStore,
  storeFault,
} from "./store.ts";

/** What was agreed to at a place, and what has become of it. */
export interface TrustListing {
  readonly place: string;
  readonly when: string;
  readonly lasts: TrustStore["lasts"];
  /** Whether the same directory still bears the name; `replaced` and `gone` count for nothing. */
  readonly stands: "here" | "replaced" | "gone";
  readonly files: readonly {
    /** Real path. */
    readonly file: string;
    readonly state: "trusted" | "changed" | "gone";
    readonly sha256: string;
  }[];
}

interface Whose {
  readonly env: Environment;
  readonly home: string;
}

/** Everything this person trusts, lasting and in this session. Never throws. */
export function listTrust({ env, home }: Whose): readonly TrustListing[] {
  return [lastingStore(env, home), sessionStore(env, home)].flatMap((store) =>
    readRecords(store).map((record) => listing(record, store)),
  );
}

function listing({ place, when, identity, checkouts }: TrustRecord, { lasts }: TrustStore): TrustListing {
  return {
    place,
    when,
    lasts,
    stands: standing(place, identity),
    files: checkouts.flatMap((checkout) => {
      const stands = standing(checkout.at, checkout.identity);
      return checkout.files.map(({ path, sha256 }) => {
        const file = join(checkout.at, path);
        return { file, sha256, state: stands === "here" ? stateOf(file, sha256) : ("gone" as const) };
      });
    }),
  };
}

function standing(place: string, identity: string): TrustListing["stands"] {
  try {
    if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return "gone";
    return identityOf(place) === identity ? "here" : "replaced";
  } catch {
    return "gone";
  }
}

function stateOf(file: string, sha256: string): "trusted" | "changed" | "gone" {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "absent") return "gone";
  return reading.kind === "bytes" && digestOf(reading.bytes) === sha256 ? "trusted" : "changed";
}

/**
 * Forgets what was agreed to at the place a directory belongs to, in all its worktrees; the
 * directory need not be there any more. Gives back the places that were trusted until now.
 *
 * Throws `SettingsFileError` where the store cannot be changed.
 */
export function revokeTrust(directory: string, { env, home }: Whose): readonly string[] {
  const places = new Set([directory, placeOrNot(directory, home) ?? directory]);
  return [lastingStore(env, home), sessionStore(env, home)].flatMap((store) =>
    [...places].flatMap((place) => {
      if (readRecord(store, place) === undefined) return [];
      changeRecord(store, place, () => undefined);
      return [place];
    }),
  );
}

function placeOrNot(directory: string, home: string): string | undefined {
  try {
    return trustPlaceOf(directory, home).place;
  } catch {
    return undefined;
  }
}

/** Why what this person trusts cannot be relied on; undefined where it can be. */
export function trustStoreFault({ env, home }: Whose): string | undefined {
  return storeFault(lastingStore(env, home)) ?? storeFault(sessionStore(env, home));
}
