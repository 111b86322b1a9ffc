import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { Mount, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import type { Caches } from "./caches.ts";
import { codeOf } from "../settings/read-file.ts";
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
 * inside, without capabilities, neither he nor what mounts for him gets there. Where it cannot be
 * told, the mask stays, and the command does not run.
 */
function withoutUnreachable(plan: SandboxPlan): SandboxPlan {
  const known = new Map<string, boolean>();
  const isShut = (directory: string): boolean => {
    const before = known.get(directory) ?? isShutTo(plan.identity, directory);
    known.set(directory, before);
    return before;
  };
  const masks = plan.mounts.filter(
    (mount) => (mount.kind === "mask-file" || mount.kind === "mask-dir") && isShut(dirname(mount.to)),
  );
  if (masks.length === 0) return plan;
  // What is opened or sealed in a mask goes with it.
  const kinds: readonly Mount["kind"][] = ["mask-file", "mask-dir", "seal", "ro-bind"];
  const goes = (mount: Mount): boolean =>
    kinds.includes(mount.kind) && masks.some(({ to }) => isWithin(mount.to, to));
  return { ...plan, mounts: plan.mounts.filter((mount) => !goes(mount)) };
}

/**
 * True where the command's user surely cannot enter a directory. The kernel is asked, as that user, because
 * it knows further groups and access lists; only root, who is asked about without his rights, is told
 * by mode bits and groups.
 */
function isShutTo(identity: SandboxPlan["identity"], directory: string): boolean {
  try {
    if (identity !== undefined) {
      const asked = spawnSync("/usr/bin/test", ["-x", directory], { ...identity, env: {}, stdio: "ignore" });
      return asked.status === 1 && existsSync(directory);
    }
    if (process.getuid?.() !== 0) {
      accessSync(directory, constants.X_OK);
      return false;
    }
    const groups = process.getgroups?.() ?? [];
    for (let here = directory; ; here = dirname(here)) {
      const { uid, gid, mode } = statSync(here);
      const bit = uid === 0 ? 0o100 : groups.includes(gid) ? 0o010 : 0o001;
      if ((mode & bit) === 0) return true;
      if (here === "/") return false;
    }
  } catch (error) {
    return identity === undefined && codeOf(error) === "EACCES";
  }
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
