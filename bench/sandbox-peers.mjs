// The sandbox beside another library's, in rounds: each runs `true` plain, through cordon and through
// the other one, warm and from the command line, one after the other. Medians, and medians of the
// ratios within a round. The workspaces are made for it: a small one, 150 repositories with 3,800
// files, 250 linked worktrees. The other library is fetched by npm into a temporary directory, and
// needs ripgrep, socat and bubblewrap. Without it the line says so.
// Usage: npm run build && node bench/sandbox-peers.mjs [rounds]
import { execFileSync, fork, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { buildLauncher } from "../scripts/native.mjs";

const NAME = "@anthropic-ai/sandbox-runtime";
const rounds = Number(process.argv[2] ?? 25);
const here = fileURLToPath(new URL("..", import.meta.url));
// Not below a directory for temporary files, which is private inside.
const out = mkdtempSync(join(process.getuid() === 0 ? "/var/lib" : homedir(), "cordon-peers-"));
const code = join(here, ".cache", `peers-${process.pid}`);
const children = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const path of [out, code]) rmSync(path, { recursive: true, force: true });
});
process.env.XDG_STATE_HOME = join(out, "state");

const source = (path) => join(here, "src", path);
const bundle = await rolldown({
  input: {
    sandbox: source("host/sandbox/sandbox.ts"),
    probe: source("host/sandbox/linux/probe.ts"),
    settings: source("core/settings/merge.ts"),
    knowledge: source("core/knowledge/paths.gen.ts"),
  },
  platform: "node",
  logLevel: "silent",
  external: (id) => !id.startsWith(".") && !isAbsolute(id),
});
await bundle.write({ dir: code, format: "esm", entryFileNames: "[name].mjs" });
await bundle.close();
const load = (name) => import(pathToFileURL(join(code, `${name}.mjs`)).href);
const { openSandbox, placeOf } = await load("sandbox");
const { probeSandbox } = await load("probe");
const { buildPolicy } = await load("settings");
const { PATHS } = await load("knowledge");

/** Workspaces by name. */
const workspaces = {
  "a small repository": `git init -q .; for i in 1 2 3 4 5; do echo $i > f$i; done`,
  "150 repositories, 3,800 files": `for i in $(seq 150); do mkdir -p r$i/src; git init -q r$i; for j in $(seq 25); do echo $i > r$i/src/f$j; done; done`,
  "250 linked worktrees": `git init -q .; echo a > a; git add a; git -c user.name=t -c user.email=t@example.org commit -qm a; for i in $(seq 250); do git worktree add -q ../trees/w$i -b b$i 2> /dev/null; done`,
};
function make(name, index) {
  const at = join(out, `w${index}`, "ws");
  mkdirSync(at, { recursive: true });
  execFileSync("/bin/bash", ["-ec", workspaces[name]], { cwd: at, stdio: ["ignore", "ignore", "inherit"] });
  return at;
}

/** The other library, from the registry that npm is configured for. */
function fetchPeer() {
  const missing = ["rg", "socat", "bwrap"].filter((program) => spawnSync(program, ["--version"]).error);
  if (missing.length > 0) return { why: `${missing.join(", ")} missing` };
  const to = join(out, "peer");
  const args = ["install", "--prefix", to, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
  mkdirSync(to);
  const { status } = spawnSync("npm", [...args, "--loglevel=error", NAME], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 300_000,
  });
  const library = join(to, "node_modules", NAME, "dist/index.js");
  return status === 0 && existsSync(library)
    ? { library, program: join(to, "node_modules", NAME, "dist/cli.js") }
    : { why: "npm could not fetch it" };
}

/** A process of its own, since that library knows one workspace a process. */
const DRIVER = `
import { spawn } from "node:child_process";
const { SandboxManager } = await import(process.argv[2]);
await SandboxManager.initialize({
  network: { allowedDomains: [], deniedDomains: [] },
  filesystem: { denyRead: [], allowWrite: ["."], denyWrite: [] },
});
process.on("message", async () => {
  const began = performance.now();
  const text = await SandboxManager.wrapWithSandbox("true");
  const status = await new Promise((resolve) =>
    spawn("/bin/bash", ["-c", text], { stdio: ["ignore", "pipe", "pipe"] }).on("close", resolve),
  );
  await SandboxManager.cleanupAfterCommand();
  process.send({ status, all: performance.now() - began });
});
process.send("ready");
`;
async function openPeer({ library, program }, at) {
  const file = join(out, "driver.mjs");
  writeFileSync(file, DRIVER);
  const child = fork(file, [pathToFileURL(library).href], {
    cwd: at,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push(child);
  const next = () =>
    new Promise((resolve, reject) => {
      const ended = (status) => reject(new Error(`the other library ended with ${status}`));
      child.once("exit", ended);
      child.once("message", (message) => {
        child.off("exit", ended);
        resolve(message);
      });
    });
  await next();
  const settings = join(out, "peer.json");
  writeFileSync(
    settings,
    JSON.stringify({
      network: { allowedDomains: [], deniedDomains: [] },
      filesystem: { denyRead: [], allowWrite: ["."], denyWrite: [] },
    }),
  );
  return {
    warm: async () => {
      child.send("run");
      const { status, all } = await next();
      if (status !== 0) throw new Error(`the other library: status ${status}`);
      return all;
    },
    line: () => timed(process.execPath, [program, "--settings", settings, "true"], at),
    close: () => child.kill("SIGKILL"),
  };
}

function timed(file, args, cwd) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "ignore", "inherit"], cwd });
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve(performance.now() - began) : reject(new Error(`${file}: status ${status}`)),
    );
  });
}

const probe = probeSandbox();
if (probe.kind === "unavailable") throw new Error(`${probe.why}; ${probe.cure}`);
const built = buildLauncher(join(out, "native"));
const peer = fetchPeer();
if (peer.why !== undefined) console.error(`${NAME} was not measured: ${peer.why}`);
const program = join(here, "dist/bin/cordon.cjs");

const at = (list, part) => list.toSorted((a, b) => a - b)[Math.floor(list.length * part)];
for (const [index, name] of Object.keys(workspaces).entries()) {
  const root = make(name, index);
  const place = placeOf(root, root, process.env);
  const policy = buildPolicy([], { cwd: place.cwd, root: place.root, home: place.home }, "");
  const open = (setup) => {
    const sandbox = openSandbox({ ...setup, lists: PATHS, environment: process.env });
    return async () => {
      const began = performance.now();
      const plan = await sandbox.prepare(policy, place);
      if (plan.kind === "refused") throw new Error(plan.why);
      const { status } = await sandbox.run(plan, ["/bin/true"], { stdin: "ignore", output: "collect" });
      if (status !== 0) throw new Error(`status ${status}`);
      return performance.now() - began;
    };
  };
  const other = peer.library === undefined ? undefined : await openPeer(peer, root);
  const ways = {
    "plain true": () => timed("/bin/true", [], root),
    ...(built.built ? { "cordon, warm, own launcher": open({ launcher: built.path }) } : {}),
    "cordon, warm, bubblewrap": open({ bubblewrap: probe.bubblewrap }),
    ...(other === undefined ? {} : { [`${NAME}, warm`]: other.warm }),
    "node -e 0": () => timed(process.execPath, ["-e", "0"], root),
    ...(existsSync(program)
      ? { "cordon sandbox -- true": () => timed(process.execPath, [program, "sandbox", "--", "true"], root) }
      : {}),
    ...(other === undefined ? {} : { [`${NAME}, command line`]: other.line }),
  };
  const seen = new Map(Object.keys(ways).map((way) => [way, []]));
  for (let round = -4; round < rounds; round++)
    for (const [way, run] of Object.entries(ways)) {
      const took = await run();
      if (round >= 0) seen.get(way).push(took);
    }
  other?.close();
  console.log(`\n${name}: ${rounds} rounds, ${process.getuid() === 0 ? "root" : "unprivileged"}`);
  const print = (way, list, unit) =>
    console.log(
      `${way.padEnd(58)} ${[0.5, 0, 0.9].map((part) => at(list, part).toFixed(2).padStart(8)).join(" ")} ${unit}`,
    );
  console.log(`${"".padEnd(58)} ${"median".padStart(8)} ${"least".padStart(8)} ${"p90".padStart(8)}`);
  for (const [way, list] of seen) print(way, list, "ms");
  const ratio = (one, two) => {
    const [a, b] = [seen.get(one), seen.get(two)];
    if (a !== undefined && b !== undefined)
      print(
        `${one} : ${two}`,
        a.map((value, round) => value / b[round]),
        "x",
      );
  };
  ratio(`${NAME}, warm`, "cordon, warm, own launcher");
  ratio(`${NAME}, warm`, "cordon, warm, bubblewrap");
  ratio(`${NAME}, command line`, "cordon sandbox -- true");
}
process.exit(0);
