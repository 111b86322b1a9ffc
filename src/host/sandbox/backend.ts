import type { ChildProcess } from "node:child_process";
import type { Rung } from "../../core/settings/policy.ts";
import type { SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { Group } from "./linux/group.ts";
import type { Watch } from "./tail.ts";

/** Where the command reads from and writes to. */
export interface Streams {
  /** Default `inherit`. */
  readonly stdin?: "inherit" | "ignore" | Uint8Array | undefined;
  /** `collect` returns the output; default `inherit`. */
  readonly output?: "inherit" | "collect" | undefined;
  /** How inherited output is seen as well; see `Watch`. Default `none`. */
  readonly watch?: Watch | undefined;
}

/** One command, as a backend is asked to start it. */
export interface Start extends Streams {
  readonly plan: SandboxPlan;
  readonly argv: readonly string[];
  /** Control groups the command has to be in before it begins. */
  readonly groups: readonly string[];
}

/** A command that a backend has started, or is about to. */
export interface Started {
  /** Ends after the command. Its standard output and error are the command's. */
  readonly child: ChildProcess;
  /** First process of the command's pid namespace as seen from here; killing it kills all of them. */
  readonly first: () => number | undefined;
  /** The command's own status, once known; undefined for ever where it has not run. */
  readonly exit: () => number | undefined;
  /** Called once when `exit` is known, which then is when every process of the command is dead; absent = that is not told. */
  readonly onExit?: ((told: () => void) => void) | undefined;
  /**
   * Why the command did not run, where the backend can tell better than by its standard error;
   * valid after the end of `child`.
   */
  readonly trouble: () => string | undefined;
  /** Ends the command with everything it started, where killing `first` and `child` would not do. */
  readonly end?: (() => void) | undefined;
  /** What was prepared for the command was out of date: it has not run, and may be started once more. */
  readonly stale: () => boolean;
}

/**
 * One way to carry plans out. It starts and reports; limits of time and output, killing and
 * waiting are the same for all backends and not its business.
 *
 * INVARIANT: what it cannot carry out of a plan it does not start, and a command it starts was
 * in every group before its first instruction.
 */
export interface Backend {
  readonly rung: Rung | "seatbelt";
  /** What a person knows it by, for messages. */
  readonly program: string;
  /** It can mount a writable layer over a directory; absent = it cannot. */
  readonly overlays?: boolean | undefined;
  /** It can send both outputs of a command to one place, in their order; absent = the command must. */
  readonly merges?: boolean | undefined;
  /**
   * Control groups in which something waits for a command of this plan. Whoever takes them starts
   * the command in them, and removes them. Absent, undefined = there are none.
   */
  readonly group?: ((plan: SandboxPlan) => Group | undefined) | undefined;
  /** True while there are such groups. */
  readonly waits?: (() => boolean) | undefined;
  /** Told after the end of a command: there is time to prepare for the next one. */
  readonly ended?: ((plan: SandboxPlan) => void) | undefined;
  readonly start: (what: Start) => Promise<Started>;
  /** Lets go of what it keeps between commands; a later command makes it anew. */
  readonly close?: (() => void) | undefined;
}
