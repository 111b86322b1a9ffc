import { accessAt } from "../../core/layers/9-sandbox/access.ts";
import { type RungState, planAtRung } from "../../core/layers/9-sandbox/ladder.ts";
import type { Planned, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import { planForSeatbelt } from "../../core/layers/9-sandbox/seatbelt-plan.ts";
import type { Rung } from "../../core/settings/policy.ts";
import type { Backend } from "./backend.ts";
import { SandboxError } from "./error.ts";
import { bubblewrapBackend } from "./linux/bubblewrap.ts";
import { landlockBackend, landlockGround } from "./linux/landlock.ts";
import { nativeBackend } from "./linux/native.ts";
import { seatbeltBackend } from "./macos/seatbelt.ts";

/** What commands are confined with: a rung of the ladder, and the programs that carry it. */
export interface Footing {
  readonly rung: Rung | "seatbelt";
  /** Path of cordon's own launcher, looked at by `findLauncher`. */
  readonly launcher?: string | undefined;
  readonly bubblewrap?: string | undefined;
  /** Landlock of this kernel; 0 = none, or nobody asked. */
  readonly abi: number;
  /** Better rungs, and why they are not used. */
  readonly passed: readonly RungState[];
}

/** What starts commands there. Throws `SandboxError` where the program for it is not known. */
export function backendAt({ rung, launcher, bubblewrap, abi }: Footing): Backend {
  if (rung === "bubblewrap" && bubblewrap !== undefined)
    return bubblewrapBackend(bubblewrap, abi > 0 ? launcher : undefined);
  if (rung === "native" && launcher !== undefined) return nativeBackend(launcher);
  if (rung === "landlock" && launcher !== undefined) return landlockBackend(launcher);
  if (rung === "seatbelt") return seatbeltBackend();
  throw new SandboxError(
    "unavailable",
    `there is no program for the rung \`${rung}\``,
    "see `cordon sandbox doctor`",
  );
}

/** The plan as this footing carries it out. */
export function planAt(plan: SandboxPlan, { rung, launcher, abi }: Footing): Planned {
  switch (rung) {
    case "native":
      return planAtRung(plan, { rung, abi });
    case "bubblewrap": {
      // The rules are applied inside, by a launcher that has to be there too.
      const there = launcher !== undefined && accessAt(plan.mounts, launcher) === "read-only";
      return planAtRung(plan, { rung, abi: there ? abi : 0 });
    }
    case "landlock":
      return planAtRung(plan, landlockGround(plan, abi));
    case "seatbelt":
      return planForSeatbelt(plan);
  }
}
