import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launcherAt } from "./kills-launcher.ts";
import { buildVictim, copyLists, killRun } from "./kills.ts";

/** Runs a rung; the long way is scripts/sandbox-kills.ts. */
const RUNS = 3;
const SEED = 4000;

const base = mkdtempSync(join(process.getuid?.() === 0 ? "/var/lib" : homedir(), "cordon-kills-"));
const script = join(base, "victim.mjs");
const lists = join(base, "paths.json");
let launcher: string | undefined;

beforeAll(async () => {
  chmodSync(base, 0o755);
  await buildVictim(script);
  copyLists("data/paths.json", lists);
  launcher = launcherAt(join(base, "native"));
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.each(["bubblewrap", "native"] as const)("killed at any moment, on %s", (rung) => {
  it.for(Array.from({ length: RUNS }, (_unused, index) => SEED + index))(
    "sandboxes leave nothing and lose nothing (seed %d)",
    { timeout: 60_000 },
    async (seed, { skip }) => {
      if (rung === "native" && launcher === undefined) return skip("no C compiler");
      const { faults } = await killRun({ base, script, lists, launcher }, { rung, seed, count: 3 });
      expect(faults).toEqual([]);
    },
  );
});
