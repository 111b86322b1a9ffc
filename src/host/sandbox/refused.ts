import { dirname, join } from "node:path";
import type { SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import {
  type Place,
  claimedPaths,
  claimsOf,
  confirmedRefusals,
} from "../../core/layers/9-sandbox/refusals.ts";
import type { Refusal } from "../../core/layers/9-sandbox/result.ts";
import { realPath, seenAt } from "./look.ts";

/**
 * What a command that failed was kept from, by the end of its standard error and the plan. Looks up
 * the paths it names, changes nothing, and never throws.
 */
export function toldRefusals(plan: SandboxPlan, status: number, tail: string): readonly Refusal[] {
  const claims = claimsOf(tail, status);
  if (claims.length === 0) return [];
  const places = new Map(claimedPaths(claims, plan).map((path): [string, Place] => [path, placeAt(path)]));
  return confirmedRefusals(claims, plan, places);
}

/** Where a path leads; for what is absent, its deepest parent is resolved. */
export function placeAt(path: string): Place {
  const seen = seenAt(path);
  if (seen.type !== "absent") return { real: seen.real, type: seen.type };
  for (let parent = dirname(path), rest = path.slice(parent.length); ;) {
    const real = realPath(parent);
    if (real !== undefined) return { real: join(real, rest), type: "absent" };
    if (parent === dirname(parent)) return { real: path, type: "absent" };
    parent = dirname(parent);
    rest = path.slice(parent.length);
  }
}
