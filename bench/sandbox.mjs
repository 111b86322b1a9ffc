// Cost of the sandbox, in rounds: each runs the same command plain, in a bare bubblewrap with the
// same plan, through cordon on bubblewrap and through cordon on its own launcher, one after the
// other. Medians, and medians of the ratios within a round, so that a busy machine moves all of
// them. Usage: node bench/sandbox.mjs [rounds] [workspace]
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { buildLauncher } from "../scripts/native.mjs";

const rounds = Number(process.argv[2] ?? 60);
const here = new URL("..", import.meta.url).pathname;
const root = process.argv[3] ?? here;
const out = mkdtempSync(join(tmpdir(), "cordon-bench-"));
// In the checkout, where its packages are found.
const code = join(here, ".cache", `bench-${process.pid}`);
process.on("exit", () => [out, code].map((path) => rmSync(path, { recursive: true, force: true })));
process.env.XDG_STATE_HOME = join(out, "state");

const source = (path) => join(here, "src", path);
const bundle = await rolldown({
  input: {
    sandbox: source("host/sandbox/sandbox.ts"),
    probe: source("host/sandbox/linux/probe.ts"),
    words: source("host/sandbox/linux/arguments.ts"),
    filter: source("core/layers/9-sandbox/seccomp.ts"),
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
const { bubblewrapArguments, limitedCommand } = await load("words");
const { filterBytes } = await load("filter");
const { buildPolicy } = await load("settings");
const { PATHS } = await load("knowledge");

const probe = probeSandbox();
if (probe.kind === "unavailable") {
  console.error(`${probe.why}; ${probe.cure}`);
  process.exit(1);
}
const built = buildLauncher(join(out, "native"));
if (!built.built) console.error(`no launcher: ${built.why}`);

const place = placeOf(root, root, process.env);
const policy = buildPolicy([], { cwd: place.cwd, root: place.root, home: place.home }, "");
const opened = (setup) => openSandbox({ ...setup, lists: PATHS, environment: process.env });
const floor = opened({ bubblewrap: probe.bubblewrap });
const native = built.built ? opened({ launcher: built.path }) : undefined;

/** Runs a program with input on some descriptors; milliseconds until it is gone. */
function timed(file, args, feeds = []) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", "ignore", "inherit", ...feeds.map(() => "pipe")];
    const child = spawn(file, args, { stdio, env: process.env, cwd: root });
    feeds.forEach((bytes, index) => {
      const stream = child.stdio[index + 3];
      stream.on("error", () => undefined);
      stream.end(bytes);
      stream.resume();
    });
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve(performance.now() - began) : reject(new Error(`${file}: status ${status}`)),
    );
  });
}

/** Milliseconds of planning and of the rest. */
async function confined(sandbox, command) {
  const began = performance.now();
  const plan = await sandbox.prepare(policy, place);
  if (plan.kind === "refused") throw new Error(plan.why);
  const planned = performance.now() - began;
  const result = await sandbox.run(plan, command, { stdin: "ignore", output: "collect" });
  if (result.status !== 0) throw new Error(`status ${result.status}`);
  return { plan, planned, all: performance.now() - began };
}

const seen = new Map();
const note = (name, value) => seen.set(name, [...(seen.get(name) ?? []), value]);
const at = (list, part) =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];
const table = (unit, names) => {
  for (const name of names) {
    const list = seen.get(name);
    if (list === undefined) continue;
    const cells = [0.5, 0, 0.9].map((part) => at(list, part).toFixed(2).padStart(8));
    console.log(`${name.padEnd(52)} ${cells.join(" ")} ${unit}`);
  }
};

const command = ["/bin/true"];
for (let round = -8; round < rounds; round++) {
  const plain = await timed(command[0], []);
  const onFloor = await confined(floor, command);
  // Status goes to descriptor 4 and the filter comes from 5, as with cordon.
  const words = `${bubblewrapArguments(onFloor.plan, false).join("\0")}\0`;
  const filter = onFloor.plan.filter === undefined ? [] : [filterBytes(onFloor.plan.filter)];
  const limited = limitedCommand({ ...onFloor.plan, landlock: undefined }, command);
  const bare = await timed(probe.bubblewrap, ["--args", "3", "--", ...limited], [words, "", ...filter]);
  const onNative = native === undefined ? undefined : await confined(native, command);
  if (round < 0) continue;
  note("plain true", plain);
  note("bare bubblewrap, same plan", bare);
  note("cordon on bubblewrap: plan, run, inspect", onFloor.all);
  note("  looking and planning", onFloor.planned);
  note("cordon on bubblewrap : bare bubblewrap (goal 1.3)", onFloor.all / bare);
  if (onNative === undefined) continue;
  note("cordon on its launcher: plan, run, inspect", onNative.all);
  note("  looking and planning, launcher", onNative.planned);
  note("cordon on its launcher : plain (goal 2.5)", onNative.all / plain);
}

const program = join(here, "dist/bin/cordon.cjs");
if (existsSync(program)) {
  for (let round = -2; round < Math.max(10, rounds / 4); round++) {
    const empty = await timed(process.execPath, ["-e", "0"]);
    const ours = await timed(process.execPath, [program, "sandbox", "--", "true"]);
    if (round < 0) continue;
    note("node -e 0", empty);
    note("cordon sandbox -- true", ours);
    note("cordon sandbox -- true : node -e 0 (goal 1.8)", ours / empty);
  }
}

/** Kilobytes the kernel uses for itself. */
function kernelMemory() {
  const text = readFileSync("/proc/meminfo", "utf8");
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return of("Slab") + of("Percpu") + of("KernelStack") + of("PageTables");
}

console.log(
  `${rounds} rounds, ${process.getuid() === 0 ? "root" : "unprivileged"}, bubblewrap ${probe.version}, Node ${process.version}`,
);
console.log(`${"".padEnd(52)} ${"median".padStart(8)} ${"least".padStart(8)} ${"p90".padStart(8)}`);
table("ms", [
  "plain true",
  "bare bubblewrap, same plan",
  "cordon on bubblewrap: plan, run, inspect",
  "  looking and planning",
  "cordon on its launcher: plan, run, inspect",
  "  looking and planning, launcher",
  "node -e 0",
  "cordon sandbox -- true",
]);
table("x", [
  "cordon on bubblewrap : bare bubblewrap (goal 1.3)",
  "cordon on its launcher : plain (goal 2.5)",
  "cordon sandbox -- true : node -e 0 (goal 1.8)",
]);
if (built.built) {
  const sessions = [];
  const before = kernelMemory();
  for (let count = 0; count < 20; count++) {
    const session = opened({ launcher: built.path });
    await confined(session, command);
    await confined(session, command);
    sessions.push(session);
  }
  console.log(
    `an idle session: no process, about ${Math.round((kernelMemory() - before) / 20)} kB in the kernel`,
  );
  for (const session of sessions) session.close();
}
floor.close();
native?.close();
