import { readFileSync, rmdirSync } from "node:fs";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import type { Rung } from "../../src/core/settings/policy.ts";
import { findSandbox } from "../../src/host/sandbox/ladder.ts";
import { shellCommand } from "../../src/host/sandbox/linux/arguments.ts";
import { openSandbox, placeOf } from "../../src/host/sandbox/sandbox.ts";

/** One command on the best rung there is, for a process whose surroundings the test has spoilt. */
export interface Climb {
  readonly root: string;
  readonly cwd?: string | undefined;
  readonly home: string;
  readonly lists: string;
  readonly lowest?: Rung | undefined;
  readonly launchers: string;
  readonly bwrapPath?: string | undefined;
  readonly command: string;
  /** Removes its own working directory first. */
  readonly losesPlace?: boolean | undefined;
  readonly denyRead?: readonly string[] | undefined;
}

/** What came of it. */
export interface Climbed {
  readonly rung?: Rung | "seatbelt";
  readonly passed?: readonly string[];
  readonly why?: string;
  readonly cure?: string;
  /** Of the plan. */
  readonly refused?: string;
  readonly thrown?: string;
  readonly status?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly violations?: number;
  readonly landlock?: number | undefined;
  readonly loses?: readonly string[];
}

async function climb(asked: Climb): Promise<Climbed> {
  const { root, home, lowest, launchers, bwrapPath, command } = asked;
  const environment = { HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin" };
  const probe = await findSandbox({ environment, home, lowest, launchers, bwrapPath });
  if (probe.kind === "unavailable") return { why: probe.why, cure: probe.cure };
  const { footing } = probe;
  const cwd = asked.cwd ?? root;
  if (asked.losesPlace === true) rmdirSync(cwd);
  const sandbox = openSandbox({
    ...probe,
    lists: JSON.parse(readFileSync(asked.lists, "utf8")),
    environment,
  });
  const told = { rung: footing?.rung, passed: footing?.passed.map((each) => (each.works ? "" : each.why)) };
  try {
    const base = buildPolicy([], { root, cwd: root, home }, "");
    const policy = { ...base, sandbox: { ...base.sandbox, denyRead: asked.denyRead ?? [] } };
    const plan = sandbox.plan(policy, placeOf(root, cwd, environment));
    if (plan.kind === "refused") return { ...told, refused: plan.why };
    const result = await sandbox.run(plan, shellCommand(plan, command), {
      stdin: "ignore",
      output: "collect",
      timeLimit: 60,
    });
    return {
      ...told,
      status: result.status,
      stdout: Buffer.from(result.stdout ?? []).toString("utf8"),
      stderr: Buffer.from(result.stderr ?? []).toString("utf8"),
      violations: result.violations.length,
      landlock: plan.landlock?.abi,
      loses: plan.notes.map(({ loses }) => loses),
    };
  } finally {
    sandbox.close();
  }
}

const [, , asked = ""] = process.argv;
const answer = await climb(JSON.parse(asked)).catch((error: unknown): Climbed => ({
  thrown: error instanceof Error ? (error.stack ?? error.message) : String(error),
}));
process.stdout.write(`${JSON.stringify(answer)}\n`);
