import { realpathSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import type { Environment } from "../settings/places.ts";
import { type TrustPlace, isInside, trustPlaceOf } from "./place.ts";
import {
  type TrustRecord,
  type TrustStore,
  type TrustedCheckout,
  digestOf,
  lastingStore,
  readRecord,
  sessionStore,
} from "./store.ts";

/**
 * How far a file of a project is believed: not at all (false), as part of a repository (it can then
 * not raise the mode or loosen the sandbox), or as one's own (true).
 */
export type Belief = boolean | "repository";

/** Whose trust, and in what. Absolute paths. */
export interface TrustRequest {
  readonly root: string;
  readonly home: string;
  readonly env: Environment;
}

/**
 * What `cordon trust` recorded for the files of a project, asked with the very bytes that will be
 * used.
 *
 * INVARIANT: false whenever consent to exactly these bytes, at this place of this repository, on
 * this machine, cannot be shown. Costs nothing until it is asked, then a handful of looks and one
 * small file.
 */
export function recordedTrust(request: TrustRequest): (file: string, bytes: Uint8Array) => Belief {
  let known: Known | "nothing" | undefined;
  return (file, bytes) => {
    try {
      known ??= lookUp(request) ?? "nothing";
      return known === "nothing" ? false : beliefIn(known, relative(request.root, file), bytes);
    } catch {
      known = "nothing";
      return false;
    }
  };
}

interface Known {
  readonly at: TrustPlace;
  readonly own: TrustedCheckout | undefined;
  readonly main: TrustedCheckout | undefined;
}

function lookUp({ root, home, env }: TrustRequest): Known | undefined {
  const at = trustPlaceOf(root, home);
  const store = storeFor(at, env, home);
  const kept = store && readRecord(store, at.place);
  const record = kept && stillFits(at, kept);
  if (record === undefined) return undefined;
  const { own, main } = checkoutsFor(at, record);
  return { at, own, main };
}

/** The store that speaks about a place; undefined where what it says would come from the place itself. */
export function storeFor(at: TrustPlace, env: Environment, home: string): TrustStore | undefined {
  if (at.isHome) return sessionStore(env, home);
  const store = lastingStore(env, home);
  return [at.place, at.checkout, at.directory].some((path) => isInside(realAbove(store.base), path))
    ? undefined
    : store;
}

/** What was agreed to at a place, if the same directory and repository still bear its name. */
export function stillFits(at: TrustPlace, record: TrustRecord): TrustRecord | undefined {
  return record.identity === at.placeIdentity ? record : undefined;
}

/** The checkout's own part of a record, and that of the main checkout where it is another one. */
export function checkoutsFor(
  at: TrustPlace,
  record: TrustRecord,
): { readonly own: TrustedCheckout | undefined; readonly main: TrustedCheckout | undefined } {
  const part = (path: string, identity: string): TrustedCheckout | undefined =>
    record.checkouts.find((each) => each.at === path && each.identity === identity);
  return {
    own: part(at.checkout, at.checkoutIdentity),
    main: at.kind === "worktree" ? part(at.place, at.placeIdentity) : undefined,
  };
}

function beliefIn({ at, own, main }: Known, way: string, bytes: Uint8Array): Belief {
  const path = pathIn(at, way);
  if (path === undefined) return false;
  const sha256 = digestOf(bytes);
  const agreed = (part: TrustedCheckout | undefined) =>
    part?.files.find((file) => file.path === path && file.sha256 === sha256);
  const mine = agreed(own);
  if (mine !== undefined) return mine.own ? true : "repository";
  // What is one's own in the main checkout may come with the branch of a worktree.
  return agreed(main) === undefined ? false : "repository";
}

/** How a record calls a file below the directory; undefined for one that lies elsewhere. */
function pathIn({ checkout, directory }: TrustPlace, way: string): string | undefined {
  const file = join(directory, way);
  return isInside(file, directory) ? relative(checkout, file).split(sep).join("/") : undefined;
}

/** The real path of what is there, and the rest by name. */
export function realAbove(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realAbove(above), basename(path));
  }
}
