import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { movedBy } from "../gate.ts";
import { makeDirectories } from "../make-directories.ts";
import type { Place, SandboxNeeds } from "../../core/layers/9-sandbox/facts.ts";
import { type SandboxLists, movedLists, sandboxNeeds } from "../../core/layers/9-sandbox/needs.ts";
import type { Planned, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import { quarantineOf } from "../../core/layers/9-sandbox/sandbox.ts";
import type { Policy } from "../../core/settings/policy.ts";
import { openCaches } from "./caches.ts";
import { SandboxError } from "./error.ts";
import { gatherCaller, gatherFacts } from "./facts.ts";
import { checkoutAround } from "./git.ts";
import { warmGroups } from "./linux/group.ts";
import { type MeansSetup, openMeans } from "./means.ts";
import { type RunOptions, runConfined } from "./linux/run.ts";
import { openInspector } from "./inspector.ts";
import { realPath } from "./look.ts";
import { notesIn } from "./pending.ts";
import { toldRefusals } from "./refused.ts";
import { notePlaceholders } from "./placeholders.ts";
import { openPlanner } from "./planner.ts";
import { withNewPlan } from "./replan.ts";
import { withRetries } from "./retries.ts";
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
   * The same for a session of many commands in one place: from the second call on the kernel is
   * asked to tell what changes, and only that is looked at again. Never knows less than `plan`.
   */
  readonly prepare: (policy: Policy, place: Place) => Promise<Planned>;
  /**
   * Runs one command, waits for the end of everything it started, and moves away what it planted.
   *
   * The plan is for one command: the next one needs a new plan. Rejects with `SandboxError` where
   * the command has not run.
   */
  readonly run: (plan: SandboxPlan, argv: readonly string[], options?: RunOptions) => Promise<SandboxResult>;
  /** Gives back what is held for a session. Nothing is lost by leaving it out but a file in cordon's state. */
  readonly close: () => void;
}

/**
 * A sandbox on what a probe found: the best rung of what is given, for each plan. Two sandboxes
 * share nothing.
 *
 * `environment` is the caller's; only listed variables of it reach a command.
 */
export function openSandbox(
  setup: MeansSetup & {
    readonly lists: SandboxLists;
    readonly environment: Readonly<Record<string, string | undefined>>;
  },
): Sandbox {
  const means = openMeans(setup);
  const surveyor = openSurveyor();
  const caches = openCaches();
  const caller = gatherCaller(setup.environment);
  const inspector = openInspector(surveyor);
  const asked: { policy?: Policy; place?: string; needs?: SandboxNeeds; times: number } = { times: 0 };
  // Variables put a store or a guard elsewhere: there it is one too, as for the gate.
  const listsAt = (place: Place): SandboxLists => movedLists(setup.lists, movedBy(setup.environment, place));
  const needsOf = (policy: Policy, place: Place): SandboxNeeds => {
    const key = JSON.stringify(place);
    if (asked.policy !== policy || asked.place !== key || asked.needs === undefined)
      Object.assign(asked, { policy, place: key, needs: sandboxNeeds(policy, place, listsAt(place)) });
    return asked.needs ?? sandboxNeeds(policy, place, listsAt(place));
  };
  const planFor = openPlanner();
  const origins = new WeakMap<SandboxPlan, { readonly policy: Policy; readonly place: Place }>();
  const planned = (policy: Policy, place: Place, needs: SandboxNeeds, trusted: boolean): Planned => {
    const facts = gatherFacts(needs, surveyor, caller, trusted);
    const { backend, shape } = means.before(facts, place);
    const machine = { ...facts.machine, rung: backend.rung };
    // Seatbelt cannot put one directory in the place of another.
    const found = backend.rung === "seatbelt" ? undefined : caches.look(place, caller.environment, backend);
    const plan = planFor(policy, place, { ...facts, machine, caches: found });
    const shaped = plan.kind === "refused" ? plan : shape(plan);
    if (shaped.kind === "plan") origins.set(shaped, { policy, place });
    return shaped;
  };
  const sandbox: Sandbox = {
    plan: (policy, place) => {
      if (!means.waits()) warmGroups(caller.groups);
      ensureState(place.state);
      const needs = needsOf(policy, place);
      inspector.recover(quarantineOf(place), needs);
      return planned(policy, place, needs, false);
    },
    prepare: async (policy, place) => {
      if (!means.waits()) warmGroups(caller.groups);
      ensureState(place.state);
      const needs = needsOf(policy, place);
      await inspector.recoverSoon(quarantineOf(place), needs);
      const many = ++asked.times > 1;
      if (many) inspector.keep();
      const trusted = many && (await surveyor.settle(needs, notesIn(quarantineOf(place))));
      return planned(policy, place, needs, trusted);
    },
    run: withRetries(caches, async (plan, argv, options = {}) => {
      caches.ready(plan);
      options.signal?.throwIfAborted();
      const kept = inspector.begin(plan.inspection);
      const tidy = means.of(plan).rung === "bubblewrap" ? notePlaceholders(plan) : undefined;
      try {
        const { result, tail, settled } = await runConfined(
          means.of(plan),
          plan,
          argv,
          options,
          () => undefined,
        );
        const violations = await kept.finish();
        await settled;
        const refusals = tail === undefined ? undefined : toldRefusals(plan, result.status, tail);
        return { ...result, violations, ...(refusals === undefined ? {} : { refusals }) };
      } catch (error) {
        // After anything else the note stays: the command may have run uninspected.
        kept.drop(error instanceof SandboxError ? "not run" : "unknown");
        throw error;
      } finally {
        tidy?.();
      }
    }),
    close: () => {
      inspector.close();
      surveyor.close();
      means.close();
      caches.close();
    },
  };
  const again = async (plan: SandboxPlan): Promise<Planned | undefined> => {
    const origin = origins.get(plan);
    return origin === undefined ? undefined : sandbox.prepare(origin.policy, origin.place);
  };
  return { ...sandbox, run: withNewPlan(sandbox.run, again) };
}

/** Made beforehand, so that it can be hidden; a home that cannot be written goes without. */
function ensureState(state: string): void {
  try {
    makeDirectories(state, 0o700);
  } catch {
    // Quarantine then stays beside the place.
  }
}

/** Home directories of other users, by their usual places. */
function homesBeside(own: string): readonly string[] {
  const listed = ["/home", "/Users"].flatMap((parent) => {
    try {
      return readdirSync(parent).map((name) => join(parent, name));
    } catch {
      return [];
    }
  });
  return ["/root", ...listed].filter((home) => home !== own);
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
    otherHomes: homesBeside(real(home)),
    state: join(real(state ?? join(home, ".local/state")), "cordon"),
    checkout: checkoutAround(root, home),
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  };
}
