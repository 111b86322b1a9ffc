// What one process costs: each round starts bare node, then cordon in each of its roles, one after
// the other, so that a busy machine slows all of them. Medians of the times and of the ratios of a
// round to bare node, and the most memory a process held. Then the throughput of a batch.
// Usage: node bench/start-up.mjs [rounds] [--json]   (needs dist/: npm run build)
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const rounds = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 40);
const root = new URL("..", import.meta.url).pathname;
const program = join(root, "dist/bin/cordon.cjs");
const top = mkdtempSync(join(tmpdir(), "cordon-bench-"));
process.on("exit", () => rmSync(top, { recursive: true, force: true }));
const project = join(top, "home/app");
mkdirSync(join(project, ".git"), { recursive: true });
writeFileSync(join(project, ".git/HEAD"), "ref: refs/heads/main\n");
mkdirSync(join(top, "home/.claude"));
writeFileSync(
  join(top, "home/.claude/settings.json"),
  JSON.stringify({ permissions: { allow: ["Bash(npm test)", "Bash(git commit *)"], deny: ["Read(.env)"] } }),
);
const env = { PATH: process.env.PATH, HOME: join(top, "home"), XDG_STATE_HOME: join(top, "state") };
const payload = JSON.stringify({
  session_id: "bench",
  cwd: project,
  permission_mode: "default",
  hook_event_name: "PreToolUse",
  tool_name: "Bash",
  tool_input: { command: "git status && ls -la | head -5" },
});

/** Runs a program to its end, which has to be a good one; milliseconds. */
function once(file, args, input) {
  const started = performance.now();
  const { status, error } = spawnSync(file, args, { cwd: project, env, input, maxBuffer: 2 ** 28 });
  const ms = performance.now() - started;
  if (status !== 0)
    throw new Error(`${file} ${args.join(" ")} ended with status ${status}`, { cause: error });
  return ms;
}

/** The most memory a program held, in MB; node does not tell that of its children. */
function memory(file, args, input) {
  const code =
    "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL);" +
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
  const { stdout } = spawnSync("python3", ["-c", code, file, ...args], { cwd: project, env, input });
  return Number(stdout) / 1024;
}

/** Rules of every kind for the last rows. */
const many = { allow: [], ask: [], deny: [] };
for (let at = 0; at < 10_000; at++)
  many[at % 5 === 0 ? "deny" : at % 5 === 1 ? "ask" : "allow"].push(
    [`Bash(task${at} run *)`, `Read(**/dir${at}/*.txt)`, `Edit(src/mod${at}/**)`, `Bash(tool${at} sub:*)`][
      at % 4
    ],
  );
const manyFile = join(top, "many.json");
writeFileSync(manyFile, JSON.stringify({ permissions: many }, undefined, 2));
const fewFile = join(top, "few.json");
writeFileSync(fewFile, JSON.stringify({ permissions: { deny: many.deny.slice(0, 10) } }, undefined, 2));
const CHECK = ["check", "Bash(git status)", "--no-ambient", "--settings"];

const HOOK = ["hook", "claude-code", "pre-tool-use"];
const roles = {
  "node -e 0": [process.execPath, ["-e", "0"], ""],
  "cordon --version": [process.execPath, [program, "--version"], ""],
  "cordon check": [process.execPath, [program, "check", "Bash(git status)"], ""],
  "cordon hook": [process.execPath, [program, ...HOOK], payload],
  "check, 10 rules": [process.execPath, [program, ...CHECK, fewFile], ""],
  "check, 10,000 rules": [process.execPath, [program, ...CHECK, manyFile], ""],
  "./cordon hook": [join(root, "cordon"), HOOK, payload],
};
const times = Object.fromEntries(Object.keys(roles).map((name) => [name, []]));
for (let round = -2; round < rounds; round++)
  for (const [name, role] of Object.entries(roles)) {
    const ms = once(...role);
    if (round >= 0) times[name].push(ms);
  }

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const bare = times["node -e 0"];
const rows = Object.entries(times).map(([name, list]) => ({
  what: name,
  ms: median(list),
  ratio: median(list.map((ms, round) => ms / bare[round])),
  mb: memory(...roles[name]),
}));

const commands = ["git status", "npm test", "rm -rf build", "cat src/a.ts | head -3", "git push origin main"];
const lines = Array.from({ length: 20_000 }, (_, at) =>
  JSON.stringify({ id: at, tool: "Bash", input: { command: `${commands[at % commands.length]} # ${at}` } }),
);
const batch = once(process.execPath, [program, "check", "--batch", "--no-ambient"], `${lines.join("\n")}\n`);
const perSecond = Math.round(lines.length / (batch / 1000));

if (process.argv.includes("--json"))
  console.log(JSON.stringify({ rounds, rows, batch: { lines: lines.length, perSecond } }));
else {
  for (const { what, ms, ratio, mb } of rows)
    console.log(
      `${what.padEnd(20)} ${ms.toFixed(1).padStart(7)} ms   ${ratio.toFixed(2)} of bare node   ${mb.toFixed(0)} MB`,
    );
  console.log(
    `check --batch        ${perSecond} calls a second (${lines.length} lines in one process, start included)`,
  );
}
