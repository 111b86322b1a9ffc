/**
 * Lets every single call to the system that matters fail or lie, in every way there is, once: each
 * time the program is run anew, and what it then says or does must not be laxer than without the
 * fault. Ends with 1 where something was.
 *
 * Usage: node scripts/run.mjs scripts/faults.ts [--shard 1/4] [--scene TEXT] [--count]
 *
 * A shard takes every fourth fault; several of them may run at the same time. `--scene` takes the
 * scenes with TEXT in their names, `--count` says how many faults there are and injects none.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openFaulty } from "../test/host/faults/preload.ts";
import { everyStrike, named } from "../test/host/faults/sample.ts";
import { SCENES } from "../test/host/faults/scenes.ts";
import { makeWorld } from "../test/host/faults/world.ts";

const { values } = parseArgs({
  options: {
    shard: { type: "string", default: "1/1" },
    scene: { type: "string", default: "" },
    count: { type: "boolean", default: false },
  },
});
const [shard = 1, shards = 1] = values.shard.split("/").map(Number);
if (!(shards >= 1 && shard >= 1 && shard <= shards)) throw new Error(`no such shard: ${values.shard}`);
const place = mkdtempSync(join(tmpdir(), "cordon-faults-of-"));
const started = performance.now();
const seconds = (): number => Math.round((performance.now() - started) / 1000);
const total = { injected: 0, found: 0 };

try {
  // A copy, so that a build meanwhile changes nothing.
  for (const name of ["dist", "package.json"]) cpSync(name, join(place, name), { recursive: true });
  const faulty = openFaulty({
    program: join(place, "dist", "bin", "cordon.cjs"),
    source: join("test", "host", "faults", "fault.c"),
  });
  for (const scene of SCENES.filter(({ name }) => name.includes(values.scene))) {
    const world = makeWorld();
    try {
      const stage = scene.open(faulty, world);
      const [found, expected] = [JSON.stringify(stage.found), JSON.stringify(stage.expected)];
      if (found !== expected) throw new Error(`${scene.name}: ${found} without a fault, not ${expected}`);
      const all = everyStrike(stage.calls);
      const mine = all.filter((_strike, index) => index % shards === shard - 1);
      console.log(
        `${scene.name}: ${stage.calls.length} calls, ${all.length} faults, ${mine.length} of them here`,
      );
      if (values.count) continue;
      for (const [index, strike] of mine.entries()) {
        for (const what of stage.strike(strike)) {
          total.found += 1;
          console.log(`  ${named(strike)} | ${what}`);
        }
        total.injected += 1;
        if (index % 200 === 199)
          console.log(`  ${index + 1} of ${mine.length}, found ${total.found}, ${seconds()} s`);
      }
    } finally {
      world.remove();
    }
  }
  faulty.remove();
} finally {
  rmSync(place, { recursive: true, force: true });
}
console.log(
  `shard ${values.shard}: ${total.injected} faults injected, laxer or untrue: ${total.found}; ${seconds()} s`,
);
if (total.found > 0) process.exitCode = 1;
