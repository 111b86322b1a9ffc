import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, rmSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Opening } from "../../core/call/call.ts";
import { normalise } from "../../core/call/path.ts";
import type { Place } from "../../core/layers/9-sandbox/facts.ts";
import { type SandboxLists, sandboxNeeds } from "../../core/layers/9-sandbox/needs.ts";
import {
  type Grant,
  type Unopened,
  mayBeMade,
  openedPlan,
  openingsOfRules,
  widenedPolicy,
} from "../../core/layers/9-sandbox/opened.ts";
import type { Planned } from "../../core/layers/9-sandbox/plan.ts";
import type { Policy } from "../../core/settings/policy.ts";
import { placeAt } from "./refused.ts";
import type { Sandbox } from "./sandbox.ts";

/** A path a person opened; `make` says what to make of it where it does not exist yet. */
export interface PersonsOpening extends Opening {
  readonly make?: "file" | "directory" | undefined;
}

/** A plan with what rules and a person opened. */
export interface OpenedSandbox {
  readonly planned: Planned;
  /** What a person opened and the plan keeps closed, and why. */
  readonly unopened: readonly Unopened[];
  /** Removes what was made so that it could be opened, where the command left it empty. */
  readonly tidy: () => void;
}

/**
 * Plans a command with the paths that Edit rules name and that a person opened, each of them alone.
 *
 * A path whose last name is a link is not opened: it leads where the yes was not about. An absent
 * one is made first, empty, since only what exists can be opened by itself.
 */
export function planOpened(
  sandbox: Sandbox,
  policy: Policy,
  place: Place,
  lists: SandboxLists,
  openings: readonly PersonsOpening[],
): OpenedSandbox {
  const made: (() => void)[] = [];
  const ruled = openingsOfRules(policy, place.home);
  const asked = openings.length + ruled.length > 0;
  const marks = asked ? sandboxNeeds(policy, place, lists).marks : [];
  const grants = [
    ...openings.flatMap((opening) => {
      const { path, make } = opening;
      const may = make !== undefined && mayBeMade(placeAt(normalise(path)).real, marks);
      const undo = may ? makeAbsent(path, make) : undefined;
      if (undo !== undefined) made.push(undo);
      return grantOf(opening, true);
    }),
    ...ruled.flatMap((opening) => grantOf(opening, false)),
  ];
  const tidy = (): void => {
    for (const undo of made.splice(0)) undo();
  };
  try {
    const planned = sandbox.plan(widenedPolicy(policy, grants, marks), place);
    if (planned.kind === "refused" || grants.length === 0) return { planned, unopened: [], tidy };
    const { plan, unopened } = openedPlan(planned, grants);
    return { planned: plan, unopened: unopened.filter(({ grant }) => grant.person), tidy };
  } catch (error) {
    tidy();
    throw error;
  }
}

function grantOf(opening: Opening, person: boolean): readonly Grant[] {
  const path = normalise(opening.path);
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) return [];
  } catch {
    return [];
  }
  const { real, type } = placeAt(path);
  return [{ access: opening.access, path: real, type, person }];
}

/** Makes an empty file or directory; the function removes it if it still is one. Undefined where nothing was made. */
function makeAbsent(path: string, kind: "file" | "directory"): (() => void) | undefined {
  const { real, type } = placeAt(normalise(path));
  // Only in a directory that is there: a whole path that nobody has is more than what was asked.
  if (type !== "absent" || placeAt(dirname(real)).type !== "directory") return undefined;
  try {
    if (kind === "directory") {
      mkdirSync(real);
      return () => {
        try {
          rmdirSync(real);
        } catch {
          // The command has put something into it.
        }
      };
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const descriptor = openSync(real, flags, 0o666);
    const { ino, dev } = fstatSync(descriptor);
    closeSync(descriptor);
    return () => {
      const now = lstatSync(real, { throwIfNoEntry: false });
      if (now?.isFile() === true && now.ino === ino && now.dev === dev && now.size === 0) rmSync(real);
    };
  } catch {
    return undefined;
  }
}
