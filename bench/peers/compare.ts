/**
 * cordon beside Cedar, casbin and CASL: the same rules and calls, in one process and one run, in turns.
 * Installs the peers of bench/peers/package-lock.json into .cache/peers where they are missing.
 *
 * Usage: npm run bench:peers [-- --json] [--sizes 10,1000,10000] [--rounds 60]
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Decider, ENGINES, PEERS } from "./engines.ts";
import { KINDS, type Kind, MEANT, neutralCall, neutralRules } from "./rules.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    sizes: { type: "string", default: "10,1000,10000" },
    rounds: { type: "string", default: "60" },
    // What one load in a fresh process takes; the process that measures starts itself again with it.
    memory: { type: "string" },
  },
});

installPeers();

/** Installs what the lock file names, where that has not happened yet. */
function installPeers(): void {
  const files = ["package.json", "package-lock.json", ".npmrc"];
  const same = (file: string): boolean =>
    existsSync(join(PEERS, file)) &&
    readFileSync(join(PEERS, file)).equals(readFileSync(join("bench/peers", file)));
  if (existsSync(join(PEERS, "node_modules")) && files.every(same)) return;
  console.error("bench:peers: installing Cedar, casbin and CASL into .cache/peers (once)");
  rmSync(PEERS, { recursive: true, force: true });
  mkdirSync(PEERS, { recursive: true });
  for (const file of files) copyFileSync(join("bench/peers", file), join(PEERS, file));
  const argv = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    execFileSync("npm", argv, { cwd: PEERS, stdio: ["ignore", 2, 2] });
  } catch (error) {
    rmSync(PEERS, { recursive: true, force: true });
    throw error;
  }
}

const root = realpathSync(mkdtempSync(join(tmpdir(), "cordon-peers-")));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

if (values.memory !== undefined) {
  const [index, count] = values.memory.split(",").map(Number);
  const engine = ENGINES[index ?? 0] ?? ENGINES[0];
  const rules = neutralRules(count ?? 10);
  collect();
  const before = process.memoryUsage().rss;
  const load = engine?.form(rules, root);
  const started = performance.now();
  const decider = await load?.();
  const first = performance.now() - started;
  for (let round = 0; round < 10; round++)
    for (const kind of KINDS) decider?.(neutralCall(kind, count ?? 10, round, root))();
  collect();
  console.log(JSON.stringify({ load: first, memory: (process.memoryUsage().rss - before) / 2 ** 20 }));
  process.exit();
}

/** Milliseconds. */
const WARM_UP = 1_500;
/** Rounds that one engine decides before it is the next one's turn. */
const BLOCK = 5;

interface Row {
  readonly rules: number;
  readonly engine: string;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** Milliseconds, warm, and in a fresh process. */
  readonly load: number;
  readonly firstLoad: number;
  /** Megabytes that a fresh process grows by. */
  readonly memory: number;
  /** Kinds of call that it does not answer as the rules are meant. */
  readonly wrong: readonly string[];
}

const quantile = (samples: readonly number[], part: number): number =>
  [...samples].sort((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * part))] ?? 0;

/** A fresh process for each: what an engine keeps cannot be told from what another keeps. */
function fresh(index: number, count: number): { readonly load: number; readonly memory: number } {
  const argv = ["scripts/run.mjs", "bench/peers/compare.ts", "--memory", `${index},${count}`];
  const of = JSON.parse(execFileSync(process.execPath, argv, { encoding: "utf8" }));
  return { load: Number(of.load), memory: Number(of.memory) };
}

async function measure(count: number, rounds: number): Promise<readonly Row[]> {
  const rules = neutralRules(count);
  const loaders = ENGINES.map((engine) => engine.form(rules, root));
  const loads: number[][] = ENGINES.map(() => []);
  const deciders: Decider[] = [];
  for (let turn = 0; turn < (count > 1_000 ? 7 : 20); turn++)
    for (const [at, load] of loaders.entries()) {
      collect();
      const started = performance.now();
      deciders[at] = await load();
      loads[at]?.push(performance.now() - started);
    }
  const samples = ENGINES.map(() => new Map<Kind, number[]>(KINDS.map((kind) => [kind, []])));
  const wrong = ENGINES.map(() => new Set<Kind>());
  const block = (at: number, first: number, keep: boolean): void => {
    // What can be prepared is prepared for all calls before: nobody finds its own rules still in the processor's cache.
    const ready = Array.from({ length: BLOCK }, (_, each) =>
      KINDS.map((kind) => [kind, deciders[at]?.(neutralCall(kind, count, first + each, root))] as const),
    ).flat();
    for (const [kind, decide] of ready) {
      const started = performance.now();
      const answer = decide?.();
      const took = (performance.now() - started) * 1_000;
      if (keep) samples[at]?.get(kind)?.push(took);
      if (answer !== MEANT[kind]) wrong[at]?.add(kind);
    }
  };
  // The same time for everybody to get warm.
  for (const at of ENGINES.keys()) {
    const end = performance.now() + WARM_UP;
    for (let round = 0; round === 0 || performance.now() < end; round += BLOCK) block(at, round, false);
  }
  for (let round = 0; round < rounds; round += BLOCK)
    for (let turn = 0; turn < ENGINES.length; turn++) {
      // Nobody is always first.
      const at = (turn + round / BLOCK) % ENGINES.length;
      block(at, round, true);
    }
  return ENGINES.map(({ name }, at) => {
    const all = [...(samples[at]?.values() ?? [])].flat();
    const alone = fresh(at, count);
    return {
      rules: count,
      engine: name,
      p50: quantile(all, 0.5),
      p99: quantile(all, 0.99),
      kinds: Object.fromEntries(KINDS.map((kind) => [kind, quantile(samples[at]?.get(kind) ?? [], 0.5)])),
      load: quantile(loads[at] ?? [], 0.5),
      firstLoad: alone.load,
      memory: alone.memory,
      wrong: [...(wrong[at] ?? [])],
    };
  });
}

const rows: Row[] = [];
for (const size of values.sizes.split(",").map(Number))
  rows.push(...(await measure(size, size > 1_000 ? Number(values.rounds) : Number(values.rounds) * 4)));

if (values.json) console.log(JSON.stringify(rows, undefined, 2));
else {
  const digits = (value: number): string =>
    value >= 100 ? value.toFixed(0) : value.toFixed(value < 10 ? 2 : 1);
  console.log(
    "| rules | engine | p50 us | of cordon | of fewest rules | p99 us | load ms | of cordon | first load ms | MB |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|");
  for (const row of rows) {
    const own = rows.find(({ rules }) => rules === row.rules) ?? row;
    const least = rows.find(({ engine }) => engine === row.engine) ?? row;
    const cells = [
      row.p50,
      row.p50 / own.p50,
      row.p50 / least.p50,
      row.p99,
      row.load,
      row.load / own.load,
      row.firstLoad,
      row.memory,
    ];
    console.log(`| ${row.rules} | ${row.engine} | ${cells.map(digits).join(" | ")} |`);
  }
  console.log(`\nMedian in us by kind of call:\n\n| rules | engine | ${KINDS.join(" | ")} |`);
  console.log(`|---|---|${KINDS.map(() => "---|").join("")}`);
  for (const { rules, engine, kinds, wrong } of rows)
    console.log(
      `| ${rules} | ${engine} | ${KINDS.map((kind) => `${digits(kinds[kind] ?? 0)}${wrong.includes(kind) ? " (!)" : ""}`).join(" | ")} |`,
    );
  console.log("\n(!): answered otherwise than the rules are meant.");
  for (const { name, differs } of ENGINES)
    if (differs.length > 0) console.log(`${name}: ${differs.join("; ")}.`);
}
