import { readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import { type RungState, allowedRungs, chooseRung } from "../../core/layers/9-sandbox/ladder.ts";
import { LEAST_ABI_ALONE } from "../../core/layers/9-sandbox/landlock.ts";
import { RUNGS, type Rung } from "../../core/settings/policy.ts";
import type { Environment } from "../settings/places.ts";
import { stateDirectory } from "../settings/places.ts";
import type { Footing } from "./footing.ts";
import { type FoundLauncher, findLauncher } from "./launcher.ts";
import { landlockAbi } from "./linux/landlock.ts";
import { type Probe, bubblewrapIn, probeSandbox, reasonFor } from "./linux/probe.ts";
import { findSeatbelt } from "./macos/probe.ts";
import { keepProof, proofKey, provedAbi } from "./proofs.ts";
import { type Proof, selfTest } from "./self-test.ts";

export interface LadderOptions {
  /** Variables of the caller: where cordon's state is, and what is passed on inside. */
  readonly environment: Environment;
  readonly home: string;
  /** The weakest rung that may be used; absent = the built-in one. */
  readonly lowest?: Rung | undefined;
  /** The settings' own choice of bubblewrap. */
  readonly bwrapPath?: string | undefined;
  /** Directory of the launcher, for tests; absent = where it was built. */
  readonly launchers?: string | undefined;
}

/** A rung after it was tried. */
export interface TriedRung {
  readonly state: RungState;
  /** Present where the rung works. */
  readonly footing?: Footing | undefined;
  /** What the self-test said; absent where it did not come to one, or an earlier one is remembered. */
  readonly proof?: Proof | undefined;
  readonly version?: string | undefined;
}

/** What the machine has for the rungs. */
export interface Parts {
  readonly launcher: FoundLauncher;
  /** Landlock of this kernel as the launcher tells; 0 = none, or no launcher to ask. */
  readonly abi: () => number;
}

/**
 * The best sandbox that works here, is allowed, and has proved itself: by a self-test now, or by
 * one on this boot with these very programs.
 *
 * INVARIANT: a rung whose self-test fails is not used; where no rung is left, the answer is
 * `unavailable` with the cause and its cure. Never rejects.
 */
export async function findSandbox(options: LadderOptions): Promise<Probe> {
  if (process.platform === "darwin") return findSeatbelt(options.lowest);
  if (process.platform !== "linux") return probeSandbox(options);
  const parts = lookForParts(options);
  const states: RungState[] = [];
  for (const rung of allowedRungs(options.lowest)) {
    const tried = await tryRung(rung, parts, options, "remember");
    if (tried.footing !== undefined)
      return {
        kind: "available",
        bubblewrap: tried.footing.bubblewrap,
        version: tried.version,
        footing: { ...tried.footing, passed: states },
      };
    states.push(tried.state);
  }
  const choice = chooseRung(states, options.lowest);
  return choice.kind === "none"
    ? { kind: "unavailable", why: choice.why, cure: choice.cure }
    : { kind: "unavailable", why: "no rung of the sandbox works", cure: "see `cordon sandbox doctor`" };
}

/** Tries every rung, allowed or not, with a fresh self-test for each. For people who want to know. */
export async function tryRungs(
  options: LadderOptions,
): Promise<{ readonly parts: Parts; readonly rungs: readonly TriedRung[] }> {
  const parts = lookForParts(options);
  const rungs: TriedRung[] = [];
  for (const rung of RUNGS) rungs.push(await tryRung(rung, parts, options, "test"));
  return { parts, rungs };
}

function lookForParts({ launchers }: LadderOptions): Parts {
  const launcher = findLauncher(launchers);
  const asked: { abi?: number } = {};
  return { launcher, abi: () => (asked.abi ??= launcher.kind === "found" ? landlockAbi(launcher.path) : 0) };
}

async function tryRung(
  rung: Rung,
  { launcher, abi }: Parts,
  options: LadderOptions,
  how: "remember" | "test",
): Promise<TriedRung> {
  const fails = (why: string, cure: string, proof?: Proof): TriedRung => ({
    state: { rung, works: false, why, cure },
    proof,
  });
  const path = launcher.kind === "found" ? launcher.path : undefined;
  if (launcher.kind === "none" && rung !== "bubblewrap") return fails(launcher.why, launcher.cure);
  const programs = {
    rung,
    launcher: path,
    bubblewrap: rung === "bubblewrap" ? bubblewrapIn(options) : undefined,
  };
  const state = stateDirectory(options.environment, options.home);
  const key = proofKey(programs);
  const remembered = how === "remember" ? provedAbi(state, key) : undefined;
  if (remembered !== undefined)
    return { state: { rung, works: true }, footing: { ...programs, abi: remembered, passed: [] } };
  const footing: Footing = { ...programs, abi: abi(), passed: [] };
  if (rung === "landlock" && footing.abi < LEAST_ABI_ALONE)
    return fails(
      footing.abi === 0
        ? "this kernel has no Landlock, or it is switched off"
        : `Landlock of this kernel has ABI ${footing.abi}, ${LEAST_ABI_ALONE} is needed`,
      "use a kernel from 6.2 on, with `landlock` in its parameter lsm=",
    );
  let version: string | undefined;
  if (rung === "bubblewrap") {
    const probe = probeSandbox({ bwrapPath: options.bwrapPath });
    if (probe.kind === "unavailable") return fails(probe.why, probe.cure);
    version = probe.version;
  }
  const proof = await provedTwice(footing, state, options.environment);
  if (proof.kind === "failed") {
    const what = proof.failures.join("; ");
    const [why, cure] = proof.broken
      ? reasonFor(what, rung === "bubblewrap" ? "bubblewrap" : "cordon-launcher")
      : [`the self-test failed: ${what}`, "report this with the output of `cordon sandbox doctor --json`"];
    return fails(why, cure, proof);
  }
  keepProof(state, key, footing.abi);
  return { state: { rung, works: true }, footing, proof, version };
}

/** What could not be built at all is tried once more: a file that vanished meanwhile is nothing to go by. */
async function provedTwice(footing: Footing, state: string, environment: Environment): Promise<Proof> {
  const scratch = scratchIn(state);
  const first = await selfTest(footing, { scratch, environment });
  if (first.kind === "proved" || !first.broken) return first;
  return selfTest(footing, { scratch, environment });
}

/** A directory for the stage of a self-test, free of what killed ones left. */
function scratchIn(state: string): string {
  try {
    const scratch = join(state, "self-test");
    makeDirectories(scratch, 0o700);
    for (const name of readdirSync(scratch)) {
      const path = join(scratch, name);
      if (Date.now() - statSync(path).mtimeMs > 60_000) rmSync(path, { recursive: true, force: true });
    }
    return scratch;
  } catch {
    return tmpdir();
  }
}
