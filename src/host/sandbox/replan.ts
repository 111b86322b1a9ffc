import type { Planned, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import { SandboxError } from "./error.ts";
import type { Sandbox } from "./sandbox.ts";

/** Times a command is planned again. */
const MOST_PLANS = 6;

/**
 * Runs commands, and plans one again where its sandbox could not be built because a path of the plan
 * is no longer what it was: the end of another command may just have taken away what that planted.
 *
 * INVARIANT: only a command that has not run is started again, and only under a plan of its own
 * policy and place that differs from the one that failed.
 */
export function withNewPlan(
  run: Sandbox["run"],
  again: (plan: SandboxPlan) => Promise<Planned | undefined>,
): Sandbox["run"] {
  return async (first, argv, options) => {
    let plan = first;
    for (let left = MOST_PLANS - 1; ; left--) {
      try {
        return await run(plan, argv, options);
      } catch (error) {
        if (left === 0 || !(error instanceof SandboxError) || error.fault !== "setup") throw error;
        const next = await again(plan);
        if (next?.kind !== "plan" || JSON.stringify(next.mounts) === JSON.stringify(plan.mounts)) throw error;
        plan = next;
      }
    }
  };
}
