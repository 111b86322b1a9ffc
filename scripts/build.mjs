// Builds dist/: the library as modules with types, the command line as bundles. Everything is made
// in a directory of its own that takes the place of the old one at the end, so that nobody ever
// runs half a build.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
const fresh = `dist.${process.pid}`;
process.on("exit", () => rmSync(fresh, { recursive: true, force: true }));

const run = (what, file, ...args) => {
  const { status, error } = spawnSync(process.execPath, [file, ...args], { stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  console.error(`build: ${what} failed${error === undefined ? "" : `: ${error.message}`}`);
  process.exit(70);
};
run("generating the tables", "scripts/run.mjs", "scripts/generate-settings.ts");
run("generating the tables", "scripts/run.mjs", "scripts/generate-tables.ts");
run("compiling", "node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", fresh);
// The command line as few files: one for what every call needs, one for each command.
await build({
  input: { cordon: "src/cli/entry.ts" },
  platform: "node",
  resolve: { mainFields: ["module", "main"] },
  output: {
    dir: `${fresh}/bin`,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    minify: true,
  },
}).catch((error) => {
  console.error(`build: bundling failed: ${error.message}`);
  process.exit(70);
});
copyFileSync("src/core/knowledge/tables.gen.txt", `${fresh}/tables.txt`);
writeFileSync(`${fresh}/.complete`, "");

const old = `dist.old.${process.pid}`;
if (existsSync("dist")) renameSync("dist", old);
renameSync(fresh, "dist");
rmSync(old, { recursive: true, force: true });
