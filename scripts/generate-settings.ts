/**
 * Makes src/core/settings/settings.gen.ts, docs/settings.schema.json and docs/settings.md from
 * src/core/settings/schema.ts. With --check nothing is written and stale files fail.
 *
 * Usage: node scripts/run.mjs scripts/generate-settings.ts [--check]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedSettings } from "./settings/generated.ts";

const root = process.cwd();
const check = process.argv.includes("--check");
for (const [path, text] of await generatedSettings(root)) {
  if (!check) writeFileSync(join(root, path), text);
  else if (readFileSync(join(root, path), "utf8") !== text) {
    console.error(`${path} is stale: run node scripts/run.mjs scripts/generate-settings.ts`);
    process.exitCode = 1;
  }
}
