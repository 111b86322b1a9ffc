/**
 * Writers of the audit log that are killed (SIGKILL) at random moments, with real processes. After
 * each run every acknowledged record must be there, every chain must verify, and every half line
 * must be named; a writer that comes afterwards must find its way. Ends with 1 where something is not so.
 *
 * Usage: node scripts/run.mjs scripts/audit-kills.ts [--runs 200] [--writers 50] [--seed N]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildWriter, examineLog, killPlan, runWriters } from "../test/host/audit/kills.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    writers: { type: "string", default: "50" },
    seed: { type: "string", default: "20261121" },
  },
});
const [runs, writers, seed] = [Number(values.runs), Number(values.writers), Number(values.seed)];
const place = mkdtempSync(join(tmpdir(), "cordon-kills-"));
const script = join(place, "writer.mjs");
const total = { killed: 0, acknowledged: 0, records: 0, halves: 0, faulty: 0 };
const started = performance.now();

try {
  await buildWriter(script);
  for (let run = 0; run < runs; run++) {
    const directory = join(place, `run${run}`, "audit");
    const plans = killPlan(seed + run, writers);
    const written = await runWriters(script, directory, plans);
    const first = examineLog(directory, written);
    // Whoever writes next finds its way past what the killed left.
    const next = await runWriters(script, directory, [
      { kind: "shared", handles: "many", size: 10, records: 2 },
      { kind: "own", handles: "one", size: 10, records: 2 },
    ]);
    const faults = [...first.faults, ...examineLog(directory, [...written, ...next]).faults];
    if (next.some(({ acknowledged }) => acknowledged.length !== 2))
      faults.push("a writer afterwards did not get through");
    const acknowledged = written.reduce((sum, one) => sum + one.acknowledged.length, 0);
    total.killed += written.filter(({ signal }) => signal === "SIGKILL").length;
    total.acknowledged += acknowledged;
    total.records += first.records;
    total.halves += first.halves;
    if (faults.length > 0) {
      total.faulty += 1;
      console.log(`run ${run} (--seed ${seed + run} --runs 1), ${faults.length} faults:`);
      for (const fault of faults.slice(0, 10)) console.log(`  ${fault}`);
    }
    if (process.stderr.isTTY || run % 20 === 19)
      console.error(
        `audit-kills: ${run + 1} of ${runs} runs, ${Math.round((performance.now() - started) / 1000)} s`,
      );
    rmSync(join(place, `run${run}`), { recursive: true, force: true });
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
console.log(
  `${runs} runs of ${writers} writers, seed ${seed}: ${total.killed} killed, ${total.acknowledged} records ` +
    `acknowledged, ${total.records} in the log, ${total.halves} half lines; runs with a fault: ${total.faulty}`,
);
if (total.faulty > 0) process.exitCode = 1;
