/**
 * Looking at the machine for one call: one look after the other, as `gatherFacts` does it, beside the
 * same looks handed to node's threads at once. Medians in microseconds, in turns in one process.
 * Usage: node scripts/run.mjs bench/facts.ts [--json]
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Need } from "../src/core/call/facts.ts";
import { gatherFacts } from "../src/host/facts/gather.ts";

const ROUNDS = 400;
const top = realpathSync(mkdtempSync(join(tmpdir(), "cordon-facts-")));
process.on("exit", () => rmSync(top, { recursive: true, force: true }));

/** Every name on the way to the paths, once, level by level: a link on the way decides what comes next. */
function levelsOf(paths: readonly string[]): readonly (readonly string[])[] {
  const levels: Set<string>[] = [];
  for (const path of paths)
    path
      .split("/")
      .slice(1)
      .forEach((_segment, level, segments) => {
        (levels[level] ??= new Set()).add(`/${segments.slice(0, level + 1).join("/")}`);
      });
  return levels.map((level) => [...level]);
}

async function inParallel(paths: readonly string[]): Promise<void> {
  for (const level of levelsOf(paths)) await Promise.all(level.map((name) => lstat(name)));
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
const rows: { readonly paths: number; readonly inTurn: number; readonly parallel: number }[] = [];
for (const count of [1, 10, 100]) {
  const paths = Array.from({ length: count }, (_, at) => join(top, `app/src/dir${at % 10}/file${at}.ts`));
  for (const path of paths) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
  const needs = paths.map((path): Need => ({ kind: "path", path }));
  const inTurn: number[] = [];
  const parallel: number[] = [];
  for (let round = -100; round < ROUNDS; round++) {
    const started = performance.now();
    gatherFacts(needs);
    const between = performance.now();
    await inParallel(paths);
    const ended = performance.now();
    if (round < 0) continue;
    inTurn.push((between - started) * 1000);
    parallel.push((ended - between) * 1000);
  }
  rows.push({ paths: count, inTurn: median(inTurn), parallel: median(parallel) });
}
if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
else
  for (const { paths, inTurn, parallel } of rows)
    console.log(
      `${String(paths).padStart(4)} paths   in turn ${inTurn.toFixed(0).padStart(6)} us   in parallel ${parallel.toFixed(0).padStart(6)} us   ${(parallel / inTurn).toFixed(1)} times as long`,
    );
