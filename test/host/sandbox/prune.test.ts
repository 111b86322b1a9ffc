import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  claimLayer,
  giveBack,
  isClaimed,
  keepLayer,
  layerOf,
  layersIn,
} from "../../../src/host/sandbox/layer.ts";
import { PRUNE_LIMITS, prune } from "../../../src/host/sandbox/prune.ts";

const base = mkdtempSync(join(tmpdir(), "cordon-prune-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const DAY = 24 * 60 * 60 * 1000;
const never = (): boolean => false;
const counter = { value: 0 };

function freshState(): string {
  const state = join(base, String(++counter.value));
  mkdirSync(state);
  return state;
}

/** A layer of a workspace, last used so many days ago, that holds so many bytes. */
function layer(state: string, root: string, days: number, bytes = 10): string {
  const path = layerOf(state, root);
  expect(keepLayer(path, root)).toBe(path);
  mkdirSync(join(path, "shared/npm/data"), { recursive: true });
  writeFileSync(join(path, "shared/npm/data/f"), Buffer.alloc(bytes));
  const then = new Date(Date.now() - days * DAY);
  utimesSync(join(path, "where"), then, then);
  return path;
}

describe("old layers over caches", () => {
  it("go after thirty days without use, with whatever commands left in them, and nothing else does", async () => {
    const state = freshState();
    const outside = join(base, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "x");
    const old = layer(state, "/old", 31);
    mkdirSync(join(old, "0/go/upper/closed"), { recursive: true });
    writeFileSync(join(old, "0/go/upper/closed/f"), "x");
    chmodSync(join(old, "0/go/upper/closed"), 0o500);
    symlinkSync(outside, join(old, "0/link"));
    const young = layer(state, "/young", 29);
    await prune(state, PRUNE_LIMITS, never);
    expect([existsSync(old), existsSync(young), existsSync(join(outside, "kept"))]).toEqual([
      false,
      true,
      true,
    ]);
    expect(readdirSync(layersIn(state)).toSorted()).toEqual([young.slice(-20), "pruned"].toSorted());
  });

  it("stay while a living session has them", async () => {
    const state = freshState();
    const old = layer(state, "/old", 100);
    expect(claimLayer(old)).toBe(join(old, "0"));
    expect(isClaimed(join(old, "0.claim"))).toBe(true);
    await prune(state, PRUNE_LIMITS, never);
    expect(existsSync(old)).toBe(true);
    writeFileSync(join(old, "0.claim"), "1-not_its_start-" + String(statSync("/proc/self/ns/pid").ino));
    await prune(state, { ...PRUNE_LIMITS, every: 0 }, never);
    expect(existsSync(old)).toBe(false);
  });

  it("lose those used longest ago while all together are too large", async () => {
    const state = freshState();
    const [a, b, c] = [layer(state, "/a", 9, 4000), layer(state, "/b", 5, 4000), layer(state, "/c", 2, 4000)];
    await prune(state, { ...PRUNE_LIMITS, bytes: 9000 }, never);
    expect([a, b, c].map((path) => existsSync(path))).toEqual([false, true, true]);
  });

  it("are looked at once a day, and a round that is cut short goes on", async () => {
    const state = freshState();
    const first = layer(state, "/first", 40);
    const calls = { left: 3 };
    await prune(state, PRUNE_LIMITS, () => calls.left-- <= 0);
    expect(existsSync(join(layersIn(state), "pruned"))).toBe(false);
    await prune(state, PRUNE_LIMITS, never);
    expect(existsSync(first)).toBe(false);
    expect(readdirSync(layersIn(state))).toEqual(["pruned"]);
    const second = layer(state, "/second", 40);
    await prune(state, PRUNE_LIMITS, never);
    expect(existsSync(second)).toBe(true);
  });

  it("are claimed by one session each", () => {
    const state = freshState();
    const path = layer(state, "/w", 0);
    const taken = Array.from({ length: 9 }, () => claimLayer(path));
    expect(taken.slice(0, 8)).toEqual([...Array(8).keys()].map((number) => join(path, String(number))));
    expect(taken[8]).toBeUndefined();
    giveBack(join(path, "3"));
    expect(claimLayer(path)).toBe(join(path, "3"));
  });
});
