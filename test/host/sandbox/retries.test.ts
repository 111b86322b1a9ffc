import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Mount, SandboxPlan } from "../../../src/core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../../../src/core/layers/9-sandbox/result.ts";
import { sandboxPlan } from "../../../src/core/layers/9-sandbox/sandbox.ts";
import { openCaches } from "../../../src/host/sandbox/caches.ts";
import { SandboxError } from "../../../src/host/sandbox/error.ts";
import { withRetries } from "../../../src/host/sandbox/retries.ts";
import { PLACE, factsOf, policyWith } from "../../core/layers/9-sandbox/made.ts";

const base = mkdtempSync(join(tmpdir(), "cordon-retries-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const RESULT: SandboxResult = { status: 0, ended: "exited", limits: [], durationMs: 1, violations: [] };
const setup = (): SandboxError => new SandboxError("setup", "it cannot be mounted", "-");

function planWith(...more: readonly Mount[]): SandboxPlan {
  const planned = sandboxPlan(policyWith({}), PLACE, factsOf(policyWith({})));
  if (planned.kind === "refused") throw new Error(planned.why);
  const inspection = { ...planned.inspection, quarantine: join(base, "state/quarantine") };
  return { ...planned, inspection, mounts: [...planned.mounts, ...more] };
}

const OVERLAY: Mount = { kind: "overlay", lower: "/l", upper: "/u", work: "/w", to: "/l", why: "a cache" };

/** Runs plans that `builds` accepts, and notes all it is given. */
async function outcome(
  plan: SandboxPlan,
  builds: (plan: SandboxPlan) => boolean,
  error: () => Error = setup,
) {
  const seen: SandboxPlan[] = [];
  const told: string[] = [];
  const caches = { ...openCaches(), withoutOverlays: (state: string) => void told.push(state) };
  const run = withRetries(caches, (given) => {
    seen.push(given);
    return builds(given) ? Promise.resolve(RESULT) : Promise.reject(error());
  });
  const result = await run(plan, ["true"]).catch((reason: unknown) => reason);
  return { seen, told, result };
}

describe("a plan that cannot be built", () => {
  it("is tried again with caches that are only readable, and overlays are given up where that works", async () => {
    const without = ({ mounts }: SandboxPlan): boolean => mounts.every(({ kind }) => kind !== "overlay");
    const { seen, told, result } = await outcome(planWith(OVERLAY), without);
    expect(result).toEqual(RESULT);
    expect(seen.at(-1)?.mounts.at(-1)).toEqual({ kind: "ro-bind", from: "/l", to: "/l", why: "a cache" });
    expect(told).toEqual([join(base, "state")]);
  });

  it("is not blamed on overlays where it fails without them too", async () => {
    const { seen, told, result } = await outcome(planWith(OVERLAY), () => false);
    expect(result).toBeInstanceOf(SandboxError);
    expect([seen.length, told]).toEqual([2, []]);
  });

  it("is tried once where there is nothing to leave out, or the command may have run", async () => {
    expect((await outcome(planWith(), () => false)).seen).toHaveLength(1);
    expect(
      (
        await outcome(
          planWith(OVERLAY),
          () => false,
          () => new Error("it died"),
        )
      ).seen,
    ).toHaveLength(1);
    const usage = (): Error => new SandboxError("usage", "no command", "-");
    expect((await outcome(planWith(OVERLAY), () => false, usage)).seen).toHaveLength(1);
  });

  it("loses masks that lie where the command's user cannot get to, and no other", async () => {
    const closed = join(base, "closed");
    mkdirSync(join(closed, "in"), { recursive: true });
    chmodSync(closed, 0o600);
    const mask = (to: string): Mount => ({ kind: "mask-file", to, why: "denied" });
    const plan = planWith(
      mask(join(base, "open")),
      mask(join(closed, "in/socket")),
      { kind: "mask-dir", to: join(closed, "in/dir"), open: true, why: "denied" },
      { kind: "ro-bind", from: join(closed, "in/dir/x"), to: join(closed, "in/dir/x"), why: "readable" },
      { kind: "seal", to: join(closed, "in/dir"), why: "closed" },
    );
    const { seen, result } = await outcome(plan, ({ mounts }) =>
      mounts.every(({ to }) => !to.startsWith(closed)),
    );
    expect(result).toEqual(RESULT);
    expect(seen.at(-1)?.mounts).toEqual([...planWith().mounts, mask(join(base, "open"))]);
    chmodSync(closed, 0o700);
  });

  it.skipIf(process.getuid?.() !== 0)("keeps masks where the user it runs as can get to", async () => {
    chmodSync(base, 0o755);
    const [shut, open] = [join(base, "shut"), join(base, "group")];
    for (const [path, gid] of [
      [shut, 0],
      [open, 65534],
    ] as const) {
      mkdirSync(path);
      chmodSync(path, 0o750);
      chownSync(path, 0, gid);
    }
    const mask = (directory: string): Mount => ({
      kind: "mask-file",
      to: join(directory, "key"),
      why: "denied",
    });
    const identity = { uid: 65534, gid: 65534 };
    const plan = { ...planWith(mask(shut), mask(open)), identity };
    const { seen } = await outcome(plan, ({ mounts }) => mounts.every(({ to }) => !to.startsWith(shut)));
    expect(seen.at(-1)?.mounts.at(-1)).toEqual(mask(open));
    // One that is not there shuts nobody out.
    const gone = { ...planWith(mask(join(base, "gone"))), identity };
    expect((await outcome(gone, () => false)).seen).toHaveLength(1);
  });
});
