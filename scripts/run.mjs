// Runs a script written in TypeScript: node scripts/run.mjs scripts/NAME.ts [ARGUMENT ...]
// Node 20 reads no TypeScript, so the script is bundled into .cache/ and run from there, in the
// root of the repository. Packages stay imports.
import { mkdirSync, rmSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const [script, ...rest] = process.argv.slice(2);
if (script === undefined) {
  console.error("usage: node scripts/run.mjs scripts/NAME.ts [ARGUMENT ...]");
  process.exit(64);
}
const file = join(root, ".cache", `${basename(script, ".ts")}.${process.pid}.mjs`);
process.on("exit", () => rmSync(file, { force: true }));
const bundle = await rolldown({
  input: resolve(script),
  platform: "node",
  external: (id) => !id.startsWith(".") && !isAbsolute(id),
});
mkdirSync(join(root, ".cache"), { recursive: true });
await bundle.write({ file, format: "esm", sourcemap: "inline", codeSplitting: false });
await bundle.close();
process.argv = [process.execPath, resolve(script), ...rest];
process.chdir(root);
await import(pathToFileURL(file).href);
