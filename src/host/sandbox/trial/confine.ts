import { setTimeout as pause } from "node:timers/promises";
import type { SandboxLists } from "../../../core/layers/9-sandbox/needs.ts";
import type { SandboxResult } from "../../../core/layers/9-sandbox/result.ts";
import { buildPolicy } from "../../../core/settings/merge.ts";
import type { Policy } from "../../../core/settings/policy.ts";
import { loadSources } from "../../settings/load.ts";
import { SandboxError } from "../error.ts";
import { shellCommand } from "../linux/arguments.ts";
import type { MeansSetup } from "../means.ts";
import { type Sandbox, openSandbox, placeOf } from "../sandbox.ts";
import type { Confinement, Inside } from "./run.ts";

/**
 * Sandboxes of one rung for a trial: each attempt has its own, under the settings of the attempt
 * and no others.
 */
export function confinementBy(means: MeansSetup, lists: SandboxLists): () => Confinement {
  return () => {
    let sandbox: Sandbox | undefined;
    return {
      run: async (inside) => {
        sandbox ??= openSandbox({ ...means, lists, environment: inside.environment });
        const result = await confined(sandbox, policyOf(inside), inside, RETRIES);
        return Buffer.concat([result.stdout ?? new Uint8Array(), result.stderr ?? new Uint8Array()]);
      },
      close: () => sandbox?.close(),
    };
  };
}

/** A socket of the machine that was to be hidden can be gone before it is: then nothing has run. */
const RETRIES = 8;

async function confined(
  sandbox: Sandbox,
  policy: Policy,
  inside: Inside,
  left: number,
): Promise<SandboxResult> {
  const { root, cwd, environment, text, timeLimit, outputLimit, signal } = inside;
  const plan = await sandbox.prepare(policy, placeOf(root, cwd, environment));
  if (plan.kind === "refused") throw new SandboxError("setup", plan.why, plan.hint);
  try {
    return await sandbox.run(plan, shellCommand(plan, text), {
      stdin: "ignore",
      output: "collect",
      timeLimit,
      outputLimit,
      signal,
    });
  } catch (error) {
    if (left > 0 && error instanceof SandboxError && error.fault === "setup") {
      await pause(20);
      return confined(sandbox, policy, inside, left - 1);
    }
    throw error;
  }
}

function policyOf({ root, cwd, settings, environment }: Inside): Policy {
  const place = { root, cwd, home: environment["HOME"] ?? root };
  const { sources, fingerprint } = loadSources({
    ...place,
    env: environment,
    settingsArg: settings,
    ambient: false,
  });
  const policy = buildPolicy(sources, place, fingerprint);
  if (policy.problems.length > 0)
    throw new Error(`the settings of the trial are faulty: ${JSON.stringify(policy.problems)}`);
  return policy;
}
