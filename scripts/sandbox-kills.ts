/**
 * Sandboxes of which parts are killed (SIGKILL) at random moments: the program that started them,
 * the launcher, the first process of the namespace, the command, or all of these; several at once in
 * one workspace and a linked worktree of it. After each run nothing may live on, no mount, no
 * placeholder and no note may be left, no byte of the workspace may be lost, the next command must
 * work, and what was planted must be found. Ends with 1 where something is not so.
 *
 * Usage: node scripts/run.mjs scripts/sandbox-kills.ts [--runs 500] [--seed N] [--rung RUNG]
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildVictim, copyLists, killRun } from "../test/kernel/kills.ts";
import { launcherAt } from "../test/kernel/kills-launcher.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "500" },
    seed: { type: "string", default: "20261121" },
    rung: { type: "string" },
    sandboxes: { type: "string", default: "3" },
  },
});
const [runs, seed, count] = [Number(values.runs), Number(values.seed), Number(values.sandboxes)];
const base = mkdtempSync(
  join(process.getuid?.() === 0 ? "/var/lib" : (process.env["HOME"] ?? "."), "cordon-kills-"),
);
chmodSync(base, 0o755);
const total = { killed: new Map<string, number>(), found: 0, lines: 0, faulty: 0 };
const started = performance.now();
try {
  const script = join(base, "victim.mjs");
  const lists = join(base, "paths.json");
  await buildVictim(script);
  copyLists("data/paths.json", lists);
  const launcher = launcherAt(join(base, "native"));
  const rungs =
    values.rung === undefined
      ? (["bubblewrap", "native"] as const)
      : ([values.rung === "native" ? "native" : "bubblewrap"] as const);
  const usable = rungs.filter((rung) => rung !== "native" || launcher !== undefined);
  if (usable.length < rungs.length) console.log("no compiler: the rung `native` was not run");
  for (let run = 0; run < runs; run++) {
    const rung = usable[run % usable.length] ?? "bubblewrap";
    const outcome = await killRun({ base, script, lists, launcher }, { rung, seed: seed + run, count });
    for (const name of outcome.killed) total.killed.set(name, (total.killed.get(name) ?? 0) + 1);
    total.found += outcome.found;
    total.lines += outcome.lines;
    if (outcome.faults.length > 0) {
      total.faulty += 1;
      console.log(
        `run ${run} on ${rung} (--seed ${seed + run} --runs 1 --rung ${rung}): ${outcome.killed.join(", ")}`,
      );
      for (const fault of outcome.faults.slice(0, 10)) console.log(`  ${fault}`);
    }
    if (run % 25 === 24)
      console.error(
        `sandbox-kills: ${run + 1} of ${runs} runs, ${Math.round((performance.now() - started) / 1000)} s`,
      );
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
const killed = [...total.killed].map(([name, times]) => `${name} ${times}`).join(", ");
console.log(
  `${runs} runs of ${count} sandboxes; killed: ${killed}; found ${total.found} planted; ${total.lines} lines written; ${total.faulty} runs with faults`,
);
process.exitCode = total.faulty === 0 ? 0 : 1;
