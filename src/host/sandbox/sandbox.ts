import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import { aftermath, uninspected } from "../../core/layers/9-sandbox/aftermath.ts";
import type { Place } from "../../core/layers/9-sandbox/facts.ts";
import { type SandboxLists, sandboxNeeds } from "../../core/layers/9-sandbox/needs.ts";
import type { Planned, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { SandboxResult, Violation } from "../../core/layers/9-sandbox/result.ts";
import { quarantineOf, sandboxPlan } from "../../core/layers/9-sandbox/sandbox.ts";
import type { Policy } from "../../core/settings/policy.ts";
import { SandboxError } from "./error.ts";
import { gatherCaller, gatherFacts } from "./facts.ts";
import { checkoutAround } from "./git.ts";
import { warmPidsGroup } from "./linux/group.ts";
import { type RunOptions, runConfined } from "./linux/run.ts";
import { realPath, seenAt } from "./look.ts";
import { type PendingRecord, notePending, takePending } from "./pending.ts";
import { applyRemedies, remember } from "./quarantine.ts";
import { openSurveyor } from "./survey.ts";

/** A session's sandbox: plans and runs commands, and remembers what it saw of the workspace. */
export interface Sandbox {
  /**
   * Looks at the machine and plans. Changes nothing, except that it makes cordon's own state
   * directory, and moves away what a command planted whose launcher was killed; that is told by the
   * next result.
   */
  readonly plan: (policy: Policy, place: Place) => Planned;
  /**
   * Runs one command, waits for the end of everything it started, and moves away what it planted.
   *
   * The plan is for one command: the next one needs a new plan. Rejects with `SandboxError` where
   * the command has not run.
   */
  readonly run: (plan: SandboxPlan, argv: readonly string[], options?: RunOptions) => Promise<SandboxResult>;
}

/**
 * A sandbox on the bubblewrap that a probe found. Two of them share nothing.
 *
 * `environment` is the caller's; only listed variables of it reach a command.
 */
export function openSandbox(setup: {
  readonly bubblewrap: string;
  readonly lists: SandboxLists;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Sandbox {
  const surveyor = openSurveyor();
  const caller = gatherCaller(setup.environment);
  const earlier: Violation[] = [];
  const inspect = ({ inspection, remembered }: PendingRecord): readonly Violation[] => {
    const after = surveyor.survey(inspection.needs, "inspect");
    const watched = inspection.watch.map(({ real }) => seenAt(real));
    return [
      ...applyRemedies(aftermath(inspection, after, watched), inspection.quarantine, remembered),
      ...uninspected(inspection, after, inspection.writable[0] ?? "/").map((path): Violation => ({
        kind: "uninspected",
        path,
        why: "it cannot be told what was planted there",
        restored: false,
      })),
    ];
  };
  return {
    plan: (policy, place) => {
      warmPidsGroup(caller.pidsGroup);
      ensureState(place.state);
      const needs = sandboxNeeds(policy, place, setup.lists);
      for (const record of takePending(quarantineOf(place), needs.roots[0]?.path ?? place.root))
        earlier.push(...inspect(record).map((violation) => ({ ...violation, earlier: true })));
      return sandboxPlan(policy, place, gatherFacts(needs, surveyor, caller));
    },
    run: async (plan, argv, options = {}) => {
      const record = { inspection: plan.inspection, remembered: remember(plan.inspection.watch) };
      const told = earlier.splice(0);
      let forget = (): void => undefined;
      try {
        const { result, settled } = await runConfined(setup.bubblewrap, plan, argv, options, () => {
          // While bubblewrap still builds the sandbox.
          forget = notePending(record);
        });
        const violations = [...told, ...inspect(record)];
        forget();
        await settled;
        return { ...result, violations };
      } catch (error) {
        // After anything else the note stays: the command may have run uninspected.
        if (error instanceof SandboxError) forget();
        earlier.unshift(...told);
        throw error;
      }
    },
  };
}

/** Made beforehand, so that it can be hidden; a home that cannot be written goes without. */
function ensureState(state: string): void {
  try {
    makeDirectories(state, 0o700);
  } catch {
    // Quarantine then stays beside the place.
  }
}

/**
 * The place of a command, with every link in it resolved. Paths that do not exist stay as they
 * are; the plan refuses them.
 */
export function placeOf(
  root: string,
  cwd: string,
  environment: Readonly<Record<string, string | undefined>>,
): Place {
  const real = (path: string): string => realPath(path) ?? resolve(path);
  const home = environment["HOME"]?.startsWith("/") === true ? environment["HOME"] : homedir();
  const state =
    environment["XDG_STATE_HOME"]?.startsWith("/") === true ? environment["XDG_STATE_HOME"] : undefined;
  return {
    root: real(root),
    cwd: real(cwd),
    home: real(home),
    state: join(real(state ?? join(home, ".local/state")), "cordon"),
    checkout: checkoutAround(root, home),
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  };
}
