// Builds dist/: the library as modules with types, the command line as bundles. Everything is made
// in a directory of its own that takes the place of the old one at the end, so that nobody ever
// runs half a build.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { buildLauncher } from "./native.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
const fresh = `dist.${process.pid}`;
process.on("exit", () => rmSync(fresh, { recursive: true, force: true }));

const run = (what, args, out = 2) => {
  const { status, error } = spawnSync(process.execPath, args, { stdio: ["ignore", out, 2] });
  if (status === 0) return;
  console.error(`build: ${what} failed${error === undefined ? "" : `: ${error.message}`}`);
  process.exit(70);
};
run("generating the settings", ["scripts/run.mjs", "scripts/generate-settings.ts"]);
run("generating the tables", ["scripts/run.mjs", "scripts/generate-tables.ts"]);
run("compiling", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", fresh]);
// The command line as few files: what every call needs, and what each command needs. CommonJS,
// because its compiled code can be kept.
const files = { format: "cjs", dir: `${fresh}/bin`, minify: true };
const bundled = (input, more) =>
  build({
    input,
    platform: "node",
    resolve: { mainFields: ["module", "main"] },
    output: { ...files, entryFileNames: "[name].cjs", ...more },
  }).catch((error) => {
    console.error(`build: bundling failed: ${error.message}`);
    process.exit(70);
  });
await bundled({ cordon: "src/cli/boot.ts" });
await bundled(
  { program: "src/cli/entry.ts" },
  {
    chunkFileNames: "[name]-[hash].cjs",
    codeSplitting: { groups: [{ name: "hot", test: /src\/cli\/(main|surroundings|hook)\.ts$/ }] },
  },
);
// One byte a character is read faster.
for (const name of readdirSync(`${fresh}/bin`)) {
  const file = `${fresh}/bin/${name}`;
  const text = readFileSync(file, "utf8");
  const escaped = text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (escaped !== text) writeFileSync(file, escaped);
}
chmodSync(`${fresh}/bin/cordon.cjs`, 0o755);
copyFileSync("src/core/knowledge/tables.gen.txt", `${fresh}/tables.txt`);
const launcher = buildLauncher(`${fresh}/native`);
if (!launcher.built)
  console.error(`build: no native launcher, sandboxed commands start slower (${launcher.why})`);
for (const sample of ["hook", "ask", "check", "sandbox"])
  run(
    "keeping compiled code",
    ["scripts/run.mjs", "scripts/compile-code.ts", `${fresh}/bin`, sample],
    "ignore",
  );
writeFileSync(`${fresh}/.complete`, "");

const old = `dist.old.${process.pid}`;
if (existsSync("dist")) renameSync("dist", old);
renameSync(fresh, "dist");
rmSync(old, { recursive: true, force: true });
