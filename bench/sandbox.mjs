// Cost of the sandbox, in pairs: each round runs the same command plain, in a bare bubblewrap with
// the same plan, and through cordon, one after the other. Medians, and medians of the ratios of a
// round, so that a busy machine moves all three. Usage: node bench/sandbox.mjs [rounds] [workspace]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const rounds = Number(process.argv[2] ?? 60);
const here = new URL("..", import.meta.url).pathname;
const root = process.argv[3] ?? here;
const out = mkdtempSync(join(tmpdir(), "cordon-bench-"));
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
process.env.XDG_STATE_HOME = join(out, "state");

const source = (path) => join(here, "src", path);
const bundle = await rolldown({
  input: {
    sandbox: source("host/sandbox/sandbox.ts"),
    probe: source("host/sandbox/linux/probe.ts"),
    words: source("host/sandbox/linux/arguments.ts"),
    filter: source("core/layers/9-sandbox/seccomp.ts"),
    knowledge: source("core/knowledge/paths.gen.ts"),
  },
  platform: "node",
  logLevel: "silent",
});
await bundle.write({ dir: out, format: "esm", entryFileNames: "[name].mjs" });
await bundle.close();
const load = (name) => import(pathToFileURL(join(out, `${name}.mjs`)).href);
const { openSandbox, placeOf } = await load("sandbox");
const { probeSandbox } = await load("probe");
const { bubblewrapArguments, limitedCommand } = await load("words");
const { filterBytes } = await load("filter");
const { PATHS } = await load("knowledge");

const probe = probeSandbox();
if (probe.kind === "unavailable") {
  console.error(`${probe.why}; ${probe.cure}`);
  process.exit(1);
}

const policy = {
  fingerprint: "",
  rules: [],
  mode: { value: "default" },
  directories: [],
  managed: { notEnforced: [] },
  limitsOfPaths: { protectedPaths: [], runsLater: [], secretPaths: [] },
  sandbox: {
    enabled: true,
    allowWrite: [],
    denyWrite: [],
    denyRead: [],
    allowRead: [],
    allowedDomains: [],
    deniedDomains: [],
  },
  cordon: { audit: { required: false }, limits: {} },
  problems: [],
};
const sandbox = openSandbox({ bubblewrap: probe.bubblewrap, lists: PATHS, environment: process.env });
const place = placeOf(root, root, process.env);

/** Runs a program with input on some descriptors; milliseconds until it is gone. */
function timed(file, args, feeds) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", "ignore", "inherit", ...feeds.map(() => "pipe")];
    const child = spawn(file, args, { stdio, env: {}, cwd: "/" });
    feeds.forEach((bytes, index) => {
      const stream = child.stdio[index + 3];
      stream.on("error", () => undefined);
      stream.end(bytes);
      stream.resume();
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(performance.now() - began) : reject(new Error(`status ${code}`)),
    );
  });
}

const command = ["/bin/true"];
const seen = { plain: [], bare: [], ours: [], plan: [], run: [], ratio: [] };
for (let round = -5; round < rounds; round++) {
  const plain = await timed(command[0], [], []);
  const began = performance.now();
  const plan = sandbox.plan(policy, place);
  if (plan.kind === "refused") throw new Error(plan.why);
  const planned = performance.now() - began;
  const result = await sandbox.run(plan, command, { stdin: "ignore", output: "collect" });
  if (result.status !== 0) throw new Error(`status ${result.status}`);
  const ours = performance.now() - began;
  // Status goes to descriptor 4 and the filter comes from 5, as with cordon.
  const words = `${bubblewrapArguments(plan, false).join("\0")}\0`;
  const filter = plan.filter === undefined ? [] : [filterBytes(plan.filter)];
  const bare = await timed(
    probe.bubblewrap,
    ["--args", "3", "--", ...limitedCommand(plan, command)],
    [words, "", ...filter],
  );
  if (round < 0) continue;
  seen.plain.push(plain);
  seen.bare.push(bare);
  seen.ours.push(ours);
  seen.plan.push(planned);
  seen.run.push(ours - planned);
  seen.ratio.push(ours / bare);
}

const at = (list, part) =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];
const row = (name, list, unit = "ms") =>
  console.log(
    `${name.padEnd(44)} ${at(list, 0.5).toFixed(2).padStart(8)} ${at(list, 0).toFixed(2).padStart(8)} ${at(list, 0.9).toFixed(2).padStart(8)} ${unit}`,
  );
console.log(
  `${rounds} rounds, ${process.getuid() === 0 ? "root" : "unprivileged"}, bubblewrap ${probe.version}, Node ${process.version}`,
);
console.log(`${"".padEnd(44)} ${"median".padStart(8)} ${"least".padStart(8)} ${"p90".padStart(8)}`);
row("plain true", seen.plain);
row("bare bubblewrap, same plan", seen.bare);
row("cordon, warm: plan, run, inspect", seen.ours);
row("  of which: looking and planning", seen.plan);
row("  of which: running and inspecting", seen.run);
row("cordon : bare bubblewrap (budget 1.3)", seen.ratio, "x");
