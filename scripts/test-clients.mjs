// Drives the real coding agents against this checkout: node scripts/test-clients.mjs [PART-OF-A-NAME]
// Fetches the pinned client into .cache/clients (no dependency of the project, no install scripts),
// then runs it with a throwaway home, against a scripted model, in a network namespace that has
// loopback only. Says so loudly and ends with 0 where the client cannot be had here, with 1 where
// --require is given.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NAME = "@anthropic-ai/claude-code";
const VERSION = "2.1.197";

const root = fileURLToPath(new URL("..", import.meta.url));
const argv = process.argv.slice(2);
const required = argv.includes("--require");
const only = argv.find((argument) => !argument.startsWith("--"));

function skip(why) {
  console.error(`SKIPPED: the real client was not driven: ${why}`);
  process.exit(required ? 1 : 0);
}

function run(program, args, options = {}) {
  return spawnSync(program, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
}

/** Installs exactly this version; what is there already is not fetched again. */
function fetched(directory) {
  const platform = `linux-${process.arch === "arm64" ? "arm64" : "x64"}`;
  const client = join(directory, "node_modules", `${NAME}-${platform}`, "claude");
  if (existsSync(client)) return client;
  mkdirSync(directory, { recursive: true });
  const args = [
    "install",
    "--prefix",
    directory,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-save",
    "--loglevel=error",
  ];
  const { status } = run("npm", [...args, `${NAME}@${VERSION}`], { timeout: 300_000 });
  if (status !== 0) skip(`npm could not fetch ${NAME}@${VERSION}`);
  if (!existsSync(client)) skip(`${NAME}@${VERSION} brings no program for ${platform}`);
  return client;
}

if (process.platform !== "linux") skip("it needs a network namespace of Linux");
const namespace = process.getuid() === 0 ? ["--net"] : ["--net", "--map-root-user"];
if (run("unshare", [...namespace, "true"]).status !== 0) skip("a network namespace cannot be made here");

const client = fetched(join(root, ".cache", "clients", VERSION));
if (run(join(root, "cordon"), ["--version"]).status !== 0) process.exit(70);
const inside = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
const drive = [process.execPath, "scripts/run.mjs", "test/clients/main.ts", client, join(root, "cordon")];
const named = only === undefined ? [] : [only];
const { status } = run("unshare", [...namespace, ...inside, ...drive, ...named], {
  stdio: ["ignore", "inherit", "inherit"],
});
process.exit(status ?? 1);
