import { isWithin } from "../../core/call/path.ts";
import type { Place, SandboxFacts } from "../../core/layers/9-sandbox/facts.ts";
import type { Planned, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { Backend } from "./backend.ts";
import { SandboxError } from "./error.ts";
import { type Footing, backendAt, planAt } from "./footing.ts";
import { launcherFor } from "./launcher.ts";

/** What commands are confined with: a footing that was tried, or only the path of a program. */
export interface MeansSetup {
  readonly footing?: Footing | undefined;
  readonly bubblewrap?: string | undefined;
  /** Path of cordon's own launcher, found by `findLauncher`. */
  readonly launcher?: string | undefined;
}

/** What one command will be started with. */
export interface Means {
  readonly backend: Backend;
  /** The plan as this rung carries it out. */
  readonly shape: (plan: SandboxPlan) => Planned;
}

/** Chooses for each plan the best of what is given. */
export interface MeansOf {
  readonly before: (facts: SandboxFacts, place: Place) => Means;
  /** The backend of a plan that `shape` made. */
  readonly of: (plan: SandboxPlan) => Backend;
  /** Something waits for the next command in control groups made for it. */
  readonly waits: () => boolean;
  /** Lets go of what backends keep between commands. */
  readonly close: () => void;
}

interface Kept extends Means {
  readonly footing: Footing;
}

/**
 * Keeps the backends of one sandbox. Throws `SandboxError` where nothing is given.
 *
 * INVARIANT: a launcher that lies where a command of the plan can write is never started.
 */
export function openMeans(setup: MeansSetup): MeansOf {
  const best = setup.footing ?? footingOf(setup);
  const kept = new Map<string, Kept>();
  const chosen = new Map<string, Kept>();
  const keep = (footing: Footing, note?: string): Kept => {
    const key = JSON.stringify([footing.rung, footing.launcher, footing.bubblewrap, note]);
    const known = kept.get(key) ?? {
      footing,
      backend: backendAt(footing),
      shape: (plan: SandboxPlan) => noted(planAt(plan, footing), note),
    };
    kept.set(key, known);
    return known;
  };
  const choose = (writable: readonly string[], other: boolean, state: string): Kept => {
    if (best.launcher === undefined) return keep(best);
    const used = launcherFor(best.launcher, writable, state, other);
    if (used.kind === "found") return keep({ ...best, launcher: used.path });
    const { bubblewrap } = best;
    if (bubblewrap === undefined || best.rung === "landlock") {
      const refused = { kind: "refused", why: used.why, hint: "see `cordon sandbox doctor`" } as const;
      return { footing: best, backend: backendAt(best), shape: () => refused };
    }
    const without = { ...best, rung: "bubblewrap", launcher: undefined, abi: 0 } as const;
    return keep(without, `cordon's own launcher is not used here: ${used.why}`);
  };
  return {
    before: (facts, place) => {
      const writable = facts.roots.map(({ real }) => real);
      const other = place.user.uid === 0 && facts.owner.uid !== 0 && facts.owner.reaches;
      const key = JSON.stringify([writable, other, place.state]);
      const known = chosen.get(key) ?? choose(writable, other, place.state);
      chosen.set(key, known);
      return known;
    },
    of: ({ rung, inspection, landlock }) => {
      const { writable } = inspection;
      const found = [...kept.values()].findLast(
        ({ footing }) =>
          footing.rung === rung &&
          // Rules of Landlock are applied by a launcher.
          (landlock === undefined || footing.launcher !== undefined) &&
          !writable.some((root) => footing.launcher !== undefined && isWithin(footing.launcher, root)),
      );
      if (found === undefined)
        throw unavailable(
          "the launcher lies where the command could write, or another sandbox made the plan",
        );
      return found.backend;
    },
    waits: () => [...kept.values()].some(({ backend }) => backend.waits?.() === true),
    close: () => {
      for (const { backend } of kept.values()) backend.close?.();
    },
  };
}

function footingOf({ launcher, bubblewrap }: MeansSetup): Footing {
  if (launcher === undefined && bubblewrap === undefined)
    throw unavailable("there is neither a launcher nor bubblewrap");
  return { rung: launcher === undefined ? "bubblewrap" : "native", launcher, bubblewrap, abi: 0, passed: [] };
}

function noted(planned: Planned, what: string | undefined): Planned {
  if (planned.kind === "refused" || what === undefined) return planned;
  return { ...planned, notes: [...planned.notes, { what, loses: "nothing" }] };
}

function unavailable(why: string): SandboxError {
  return new SandboxError("unavailable", why, "see `cordon sandbox doctor`");
}
