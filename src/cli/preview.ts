import { PATHS } from "../core/knowledge/paths.gen.ts";
import { examine } from "../core/inquiry/inquiry.ts";
import type { CallInput, Gate } from "../host/gate.ts";
import { findSandbox } from "../host/sandbox/ladder.ts";
import { openSandbox, placeOf } from "../host/sandbox/sandbox.ts";
import { printable } from "./command.ts";
import { renderDecision } from "./render-decision.ts";

/** What would be decided, which paths the command names, and what the sandbox would let it touch. */
export async function renderPreview(gate: Gate, input: CallInput): Promise<string> {
  const probe = gate.policy.sandbox.enabled
    ? await findSandbox({
        bwrapPath: gate.policy.sandbox.bwrapPath,
        lowest: gate.policy.sandbox.lowestRung,
        environment: gate.env,
        home: gate.home,
      })
    : undefined;
  const call = { ...input, sandboxed: probe?.kind === "available" };
  const lines = [renderDecision(gate.decide(call), { explain: false, colour: false }).trimEnd()];
  const { uses } = examine(gate.context, gate.call(call));
  for (const { action, shown } of uses) lines.push(`  ${`${action}s`.padEnd(8)}${printable(shown)}`);
  if (probe === undefined) lines.push("  sandbox  off by settings");
  else if (probe.kind === "unavailable") lines.push(`  sandbox  not available: ${printable(probe.why)}`);
  else {
    const sandbox = openSandbox({ ...probe, lists: PATHS, environment: gate.env });
    const plan = sandbox.plan(gate.policy, placeOf(gate.root, gate.cwd, gate.env));
    if (plan.kind === "refused") lines.push(`  sandbox  refuses: ${printable(plan.why)}`);
    else {
      const writable = plan.mounts.filter(({ kind }) => kind === "bind").map(({ to }) => to);
      const hidden = plan.mounts.filter(({ kind }) => kind === "mask-file" || kind === "mask-dir").length;
      lines.push(
        `  sandbox  writes only to ${writable.map(printable).join(", ")} and a private /tmp; ${hidden} paths hidden; ${plan.protected.length} protected; network ${plan.network}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}
