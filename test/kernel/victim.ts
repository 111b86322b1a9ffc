import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { systemProgram } from "../../src/host/sandbox/facts.ts";
import { shellCommand } from "../../src/host/sandbox/linux/arguments.ts";
import { openSandbox, placeOf } from "../../src/host/sandbox/sandbox.ts";
import type { Policy } from "../../src/core/settings/policy.ts";
import { policyOf } from "./driver.ts";

/**
 * A session that runs the commands it is told, one line of JSON each, until its input ends or it is
 * killed. Arguments: the lists, the workspace, the launcher or nothing.
 */
const [, , lists = "", root = "", launcher = ""] = process.argv;
if (lists !== "") {
  const bubblewrap = systemProgram("bwrap", [root]);
  const means = launcher === "" ? { bubblewrap } : { launcher };
  const sandbox = openSandbox({
    ...means,
    lists: JSON.parse(readFileSync(lists, "utf8")),
    environment: process.env,
  });
  const place = placeOf(root, root, process.env);
  const policies = new Map<string, Policy>();
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...asked }: { command: string } & Parameters<typeof policyOf>[0] = JSON.parse(line);
    const key = JSON.stringify(asked);
    const policy = policies.get(key) ?? policyOf(asked);
    policies.set(key, policy);
    try {
      const plan = await sandbox.prepare(policy, place);
      if (plan.kind === "refused") throw new Error(plan.why);
      const result = await sandbox.run(plan, shellCommand(plan, command), {
        stdin: "ignore",
        output: "collect",
      });
      const stdout = Buffer.from(result.stdout ?? []).toString("utf8");
      const mounts = plan.mounts.length;
      process.stdout.write(`${JSON.stringify({ ...result, stdout, stderr: undefined, mounts })}\n`);
    } catch (error) {
      const thrown = error instanceof Error ? error.message : String(error);
      process.stdout.write(`${JSON.stringify({ thrown, violations: [] })}\n`);
    }
  }
  sandbox.close();
}
