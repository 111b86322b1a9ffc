import { statSync } from "node:fs";
import { dirname } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { Mount, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import type { Caches } from "./caches.ts";
import { SandboxError } from "./error.ts";
import { pruneMeanwhile } from "./prune.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Runs, and clears up old layers over caches meanwhile. What one odd path does must not stop every
 * command, so it runs again where the plan could not be built because
 * - something that is denied lies where this user cannot get to anyway, nor mount anything,
 * - overlays are refused: then, once, with a read-only view of the caches.
 *
 * INVARIANT: a command runs at most once, and with less than was planned only where what is left
 * out is nothing it could reach.
 */
export function withRetries(caches: Caches, run: Sandbox["run"]): Sandbox["run"] {
  return async (plan, argv, options) => {
    const state = dirname(plan.inspection.quarantine);
    const stop = pruneMeanwhile(state);
    try {
      return await tried(run, plan, argv, options).catch(async (error: unknown) => {
        if (!isSetup(error) || !plan.mounts.some(({ kind }) => kind === "overlay")) throw error;
        const result = await tried(run, overlaysReadOnly(plan), argv, options);
        caches.withoutOverlays(state);
        return result;
      });
    } finally {
      stop();
    }
  };
}

async function tried(
  run: Sandbox["run"],
  ...[plan, argv, options]: Parameters<Sandbox["run"]>
): Promise<SandboxResult> {
  try {
    return await run(plan, argv, options);
  } catch (error) {
    const less = isSetup(error) ? withoutUnreachable(plan) : plan;
    if (less === plan) throw error;
    return await run(less, argv, options);
  }
}

function isSetup(error: unknown): boolean {
  return error instanceof SandboxError && error.fault === "setup";
}

/**
 * Without masks in directories that the command's user may not enter. Root sees them from here, and
 * inside, without capabilities, neither he nor what mounts for him gets there.
 */
function withoutUnreachable(plan: SandboxPlan): SandboxPlan {
  const uid = plan.identity?.uid ?? process.getuid?.();
  const gid = plan.identity?.gid ?? process.getgid?.();
  const known = new Map<string, boolean>();
  const enters = (directory: string): boolean => {
    const before = known.get(directory);
    if (before !== undefined) return before;
    const above = directory === "/" || enters(dirname(directory));
    const stat = above ? statSync(directory, { throwIfNoEntry: false }) : undefined;
    const bit = stat === undefined ? 0 : stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
    const here = above && (stat === undefined || (stat.mode & bit) !== 0);
    known.set(directory, here);
    return here;
  };
  const masks = plan.mounts.filter(
    (mount) => (mount.kind === "mask-file" || mount.kind === "mask-dir") && !enters(dirname(mount.to)),
  );
  if (masks.length === 0) return plan;
  // What is opened or sealed in a mask goes with it.
  const kinds: readonly Mount["kind"][] = ["mask-file", "mask-dir", "seal", "ro-bind"];
  const goes = (mount: Mount): boolean =>
    kinds.includes(mount.kind) && masks.some(({ to }) => isWithin(mount.to, to));
  return { ...plan, mounts: plan.mounts.filter((mount) => !goes(mount)) };
}

/** The plan with every overlay as a read-only view of what lies under it. */
function overlaysReadOnly(plan: SandboxPlan): SandboxPlan {
  return {
    ...plan,
    mounts: plan.mounts.map((mount): Mount =>
      mount.kind === "overlay" ? { kind: "ro-bind", from: mount.lower, to: mount.to, why: mount.why } : mount,
    ),
  };
}
