/**
 * Decision time in one process, as ratios within one run. Prints medians and 99th percentiles.
 * Usage: node scripts/run.mjs bench/decide.ts [--json]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "unbash";
import { type Facts, NO_FACTS } from "../src/core/call/facts.ts";
import type { ToolCall } from "../src/core/call/call.ts";
import { judge, prepare } from "../src/core/gate.ts";
import { type GateContext, examine } from "../src/core/inquiry/inquiry.ts";
import { needsOf } from "../src/core/inquiry/needs.ts";
import { buildPolicy } from "../src/core/settings/merge.ts";
import { gatherFacts } from "../src/host/facts/gather.ts";
import { type LiveGate, openLiveGate } from "../src/host/live-gate.ts";
import { builtInTables } from "../src/host/tables.ts";

const place = { root: process.cwd(), cwd: process.cwd(), home: "/home/user" };
const tables = builtInTables();

/** A third each of commands, paths and MCP tools; 60 % allow, 20 % ask, 20 % deny. */
function listsOf(count: number): Readonly<Record<string, readonly string[]>> {
  const lists: Record<string, string[]> = { allow: [], ask: [], deny: [] };
  for (let at = 0; at < count; at++) {
    const effect = at % 5 === 0 ? "deny" : at % 5 === 1 ? "ask" : "allow";
    const rule =
      at % 3 === 0 ? `Bash(task${at} run *)` : at % 3 === 1 ? `Read(**/dir${at}/*.txt)` : `mcp__srv${at}__*`;
    lists[effect]?.push(rule);
  }
  lists["allow"]?.push("Bash(npm run *)");
  return lists;
}

function contextWith(count: number): GateContext {
  const lists = listsOf(count);
  const policy = buildPolicy(
    [
      {
        scope: "user",
        text: JSON.stringify({ permissions: lists }),
        trusted: true,
        repository: false,
        anchor: place.root,
        base: place.root,
      },
    ],
    place,
    "bench",
  );
  return prepare(policy, place, tables);
}

const call = (command: string): ToolCall => ({
  tool: "Bash",
  input: { command },
  cwd: place.cwd,
  root: place.root,
  home: place.home,
});

interface Timing {
  readonly p50: number;
  readonly p99: number;
}

function time(work: (round: number) => void, rounds = 4000): Timing {
  for (let round = 0; round < 500; round++) work(round);
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    work(round);
    samples.push((performance.now() - start) * 1000);
  }
  samples.sort((a, b) => a - b);
  return { p50: samples[Math.floor(rounds / 2)] ?? 0, p99: samples[Math.floor(rounds * 0.99)] ?? 0 };
}

const SIMPLE = "npm run build";
const CHAIN = "cd . && git status && npm run build && grep -rn foo src #";
const rows: [string, Timing][] = [];
/** What a host would find for these commands; looking it up is timed apart. */
const facts: Facts = {
  ...NO_FACTS,
  paths: new Map(
    [place.cwd, `${place.cwd}/src`].map(
      (path) => [`path:${path}`, { kind: "path", real: path, hops: [], type: "directory" }] as const,
    ),
  ),
  trees: new Map([
    [
      `tree:${place.cwd}/src`,
      { kind: "tree", files: [`${place.cwd}/src/a.ts`, `${place.cwd}/src/b.ts`], complete: true },
    ],
  ]),
};
const decideWith = (context: GateContext, text: (round: number) => string): Timing =>
  time((round) => {
    const inquiry = examine(context, call(text(round)));
    judge(inquiry, facts);
  });

rows.push(["unbash parse alone, simple", time(() => void parse(SIMPLE))]);
for (const count of [10, 100, 1000, 10_000]) {
  const context = contextWith(count);
  rows.push([`decide simple, ${count} rules`, decideWith(context, (round) => `${SIMPLE} --n=${round}`)]);
  rows.push([`decide simple seen before, ${count} rules`, decideWith(context, () => SIMPLE)]);
  rows.push([`decide chain of four, ${count} rules`, decideWith(context, (round) => `${CHAIN}${round}`)]);
  if (count === 10) {
    rows.push([
      "with facts gathered, simple read",
      time((round) => {
        const inquiry = examine(context, call(`cat src/file${round}.ts`));
        judge(inquiry, gatherFacts(needsOf(inquiry)));
      }),
    ]);
  }
}
for (const count of [10, 1000, 10_000])
  rows.push([`load policy, ${count} rules`, time(() => void contextWith(count), count > 1000 ? 20 : 200)]);

/** A session that goes on: the files are read and hashed before each call, and nothing has changed. */
function liveGateWith(count: number, home: string): LiveGate {
  writeFileSync(join(home, ".claude", "settings.json"), JSON.stringify({ permissions: listsOf(count) }));
  return openLiveGate({ cwd: home, home, env: {} });
}
const home = mkdtempSync(join(tmpdir(), "cordon-bench-"));
mkdirSync(join(home, ".claude"));
try {
  for (const count of [10, 1000, 10_000]) {
    const live = liveGateWith(count, home);
    rows.push([`policy of a live gate, ${count} rules`, time(() => void live.current(), 500)]);
  }
} finally {
  rmSync(home, { recursive: true });
}

if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
else
  for (const [name, { p50, p99 }] of rows)
    console.log(
      `${name.padEnd(44)} p50 ${p50.toFixed(1).padStart(9)} us   p99 ${p99.toFixed(1).padStart(9)} us`,
    );
