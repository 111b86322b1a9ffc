import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { rolldown } from "rolldown";
import type { policyOf } from "./driver.ts";

/** Which part of a running sandbox is killed. */
export const TARGETS = ["node", "launcher", "first", "command", "all"] as const;
type Target = (typeof TARGETS)[number];

export interface KillRun {
  readonly rung: "bubblewrap" | "native";
  readonly seed: number;
  /** Sandboxes at once. */
  readonly count: number;
}

/** What one run showed. No fault: it was as it has to be. */
export interface KillOutcome {
  readonly faults: readonly string[];
  readonly killed: readonly string[];
  readonly found: number;
  readonly lines: number;
}

/** Bundles the program that is killed. */
export async function buildVictim(file: string): Promise<void> {
  // Scripts and tests are both run in the root of the repository.
  const input = join(process.cwd(), "test/kernel/victim.ts");
  const bundle = await rolldown({ input, platform: "node", logLevel: "silent" });
  await bundle.write({ file, format: "esm" });
  await bundle.close();
}

/** Numbers between 0 and 1 that a seed decides. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a command plants, each with the path that must not be there in the end. */
const PLANTS: readonly (readonly [path: string, command: string])[] = [
  [".mcp.json", "echo evil > .mcp.json"],
  ["deep/er/.vscode", "mkdir -p deep/er/.vscode && echo evil > deep/er/.vscode/tasks.json"],
  ["sub/.git/hooks/pre-commit", "git init -q sub && echo evil > sub/.git/hooks/pre-commit"],
  [".git/config.worktree", "echo '[core] fsmonitor = evil' > .git/config.worktree"],
  [
    "bare/config",
    "mkdir -p bare/objects bare/refs && echo 'ref: x' > bare/HEAD && echo '[core] fsmonitor = evil' > bare/config",
  ],
  [".envrc", "echo evil > .envrc"],
];

/** Everything of one run lies in `base`. */
export interface Ground {
  readonly base: string;
  readonly ws: string;
  readonly tree: string;
  readonly home: string;
  readonly state: string;
}

export function makeGround(base: string): Ground {
  const at = (name: string): string => join(base, name);
  const ground = { base, ws: at("ws"), tree: at("tree"), home: at("home"), state: at("state") };
  mkdirSync(base, { recursive: true });
  execFileSync(
    "/bin/bash",
    [
      "--noprofile",
      "--norc",
      "-ec",
      `mkdir ws home state; cd ws; git init -q .; echo a > a.txt; mkdir -p src .vscode; echo b > src/b; echo mine > .vscode/tasks.json
git add .; git commit -qm first; git worktree add -q ../tree -b other 2> /dev/null
printf '#!/bin/sh\\nexit 0\\n' > .git/hooks/pre-push; echo kept > src/kept`,
    ],
    { cwd: base, env: environmentOf(ground), stdio: ["ignore", "ignore", "inherit"] },
  );
  return ground;
}

function environmentOf({ home, state }: Ground): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    XDG_STATE_HOME: state,
    GIT_AUTHOR_NAME: "t",
    GIT_AUTHOR_EMAIL: "t@example.org",
    GIT_COMMITTER_NAME: "t",
    GIT_COMMITTER_EMAIL: "t@example.org",
  };
}

/** What must be there, unchanged, whoever was killed. */
function originals({ ws, tree }: Ground): string {
  const files = [".vscode/tasks.json", ".git/config", ".git/hooks/pre-push", "a.txt", "src/b", "src/kept"];
  return [
    ...files.map(
      (name) => `${name} ${statSync(join(ws, name)).mode} ${readFileSync(join(ws, name), "utf8")}`,
    ),
    readFileSync(join(tree, ".git"), "utf8"),
    readFileSync(join(tree, ".vscode/tasks.json"), "utf8"),
  ].join("\n");
}

export interface Victim {
  readonly child: ChildProcess;
  readonly answers: AsyncIterableIterator<string>;
  readonly root: string;
}

export function startVictim(
  script: string,
  lists: string,
  launcher: string | undefined,
  ground: Ground,
  root: string,
): Victim {
  const child = spawn(process.execPath, [script, lists, root, launcher ?? ""], {
    stdio: ["pipe", "pipe", "inherit"],
    env: environmentOf(ground),
    cwd: "/",
  });
  child.stdin?.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  return { child, answers: lines[Symbol.asyncIterator](), root };
}

export function ask(victim: Victim, command: string, policy: Parameters<typeof policyOf>[0] = {}): void {
  victim.child.stdin?.write(`${JSON.stringify({ command, ...policy })}\n`);
}

export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly violations: readonly { readonly path: string; readonly failed?: string }[];
  readonly thrown?: string;
  /** Of the plan. */
  readonly mounts?: number;
}

/** Undefined: the program died before it answered. */
export async function answerOf(victim: Victim, milliseconds: number): Promise<Answer | undefined | "late"> {
  const late = pause(milliseconds, "late" as const, { ref: false });
  const next = await Promise.race([victim.answers.next(), late]);
  if (next === "late") return "late";
  return next.done === true ? undefined : JSON.parse(next.value);
}

/** Processes below one, by depth: the launcher, the first of the namespace, the command. */
function family(pid: number): readonly (readonly number[])[] {
  const levels: number[][] = [[pid]];
  for (let level = levels[0] ?? []; level.length > 0 && levels.length < 6;) {
    level = level.flatMap((parent) => {
      try {
        const text = readFileSync(`/proc/${parent}/task/${parent}/children`, "latin1").trim();
        return text === "" ? [] : text.split(" ").map(Number);
      } catch {
        return [];
      }
    });
    if (level.length > 0) levels.push(level);
  }
  return levels;
}

function kill(victim: Victim, target: Target): string | undefined {
  const pid = victim.child.pid;
  if (pid === undefined || victim.child.exitCode !== null) return undefined;
  const levels = family(pid);
  const depth = { node: 0, launcher: 1, first: 2, command: Math.max(2, levels.length - 1), all: 0 }[target];
  const pids = target === "all" ? levels.flat() : (levels[depth] ?? []);
  for (const each of pids) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
  return pids.length === 0 ? undefined : target;
}

/** Processes that have to do with the run, as the kernel tells. */
function living(base: string): readonly string[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const state = readFileSync(`/proc/${name}/stat`, "latin1").split(") ").at(-1)?.[0];
      if (state === "Z" || state === "X") return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ");
      const environment = readFileSync(`/proc/${name}/environ`, "latin1");
      const cwd = readlinkSync(`/proc/${name}/cwd`);
      return [command, environment, cwd].some((text) => text.includes(base)) ? [`${name} ${command}`] : [];
    } catch {
      return [];
    }
  });
}

/** A bubblewrap that has built nothing yet, and has nobody any more who tells it to go on. */
function isWaiting(process: string): boolean {
  return /^\d+ \S*bwrap /.test(process) && (family(Number.parseInt(process, 10))[1] ?? []).length === 0;
}

/** Everything in a directory, without what git keeps for itself. */
function entries(directory: string, below = ""): readonly string[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (/(?:^|\/)\.git\/(?:objects|logs|refs|worktrees|index|COMMIT_EDITMSG)/.test(path)) return [];
    return entry.isDirectory() ? [path, ...entries(directory, path)] : [path];
  });
}

const WORKED = /^(?:work-\d+|beat-\d+|made-\d+(?:\/.*)?|deep(?:\/er)?|sub(?:\/.*)?|bare(?:\/.*)?)$/;

/**
 * Starts sandboxes at once in a workspace and in a linked worktree of it, kills parts of them at
 * random moments, and looks at the machine afterwards.
 */
export async function killRun(
  setup: {
    readonly base: string;
    readonly script: string;
    readonly lists: string;
    readonly launcher: string | undefined;
  },
  { rung, seed, count }: KillRun,
): Promise<KillOutcome> {
  const next = random(seed);
  const ground = makeGround(join(setup.base, `run-${seed}`));
  const launcher = rung === "native" ? setup.launcher : undefined;
  const before = originals(ground);
  const start = (root: string): Victim => startVictim(setup.script, setup.lists, launcher, ground, root);
  const faults: string[] = [];
  const killed: string[] = [];
  const planted = new Set<string>();
  const victims = Array.from({ length: count }, (_unused, index) =>
    start(index % 3 === 2 ? ground.tree : ground.ws),
  );
  const all = [...victims];
  const seen = new Map<string, Buffer>();
  const initial = new Set([
    ...entries(ground.ws).map((path) => `ws/${path}`),
    ...entries(ground.tree).map((path) => `tree/${path}`),
  ]);
  let found = 0;
  try {
    await Promise.all(
      victims.map(async (victim, index) => {
        // Some are warm: they watch, and keep namespaces.
        for (let warm = Math.floor(next() * 4); warm > 0; warm--) {
          ask(victim, "true");
          await answerOf(victim, 30_000);
        }
        const [path, plant] = PLANTS[Math.floor(next() * PLANTS.length)] ?? PLANTS[0] ?? ["", "true"];
        const wait = next() * 0.05;
        if (!(victim.root === ground.tree && path.startsWith(".git/"))) planted.add(join(victim.root, path));
        const command = `: ${ground.base}; trap '' TERM HUP INT; setsid bash -c "while :; do date +%N > beat-${index}; sleep 0.01; done" & mkdir made-${index}; echo x > made-${index}/x; for i in 1 2 3 4 5 6; do echo "line $i" >> work-${index}; done; sleep ${wait.toFixed(3)}; ${plant}; for i in 7 8 9; do echo "line $i" >> work-${index}; sleep 0.01; done; echo done`;
        ask(victim, command);
        // Mostly while it runs, sometimes before it has begun or when it is looked after.
        await pause(next() * 160);
        const work = join(victim.root, `work-${index}`);
        if (existsSync(work)) seen.set(work, readFileSync(work));
        const target = TARGETS[Math.floor(next() * TARGETS.length)] ?? "node";
        const how = next() < 0.85 ? kill(victim, target) : undefined;
        if (how !== undefined) killed.push(how);
        const answer = await answerOf(victim, 30_000);
        if (answer === "late")
          faults.push(`sandbox ${index} did not answer after ${how ?? "nothing"} was killed`);
        else if (answer?.thrown !== undefined && how === undefined)
          faults.push(`sandbox ${index}: ${answer.thrown}`);
        else if (answer !== undefined) {
          found += answer.violations?.length ?? 0;
          for (const { failed, path: at } of answer.violations ?? [])
            if (failed !== undefined) faults.push(`${at}: ${failed}`);
          if (how === undefined && answer.stdout !== "done\n")
            faults.push(`sandbox ${index} was not killed, and ended with ${answer.status}`);
        }
      }),
    );
    for (const victim of victims) victim.child.stdin?.end();
    // The kernel takes a moment.
    for (let left = 100; left > 0 && living(ground.base).length > 0; left--) await pause(20);
    // One that waits for ever to begin is ended by the next command; everything else has to be dead.
    faults.push(...living(ground.base).flatMap((each) => (isWaiting(each) ? [] : [`lives on: ${each}`])));
    const follower = start(ground.ws);
    const second = start(ground.tree);
    all.push(follower, second);
    for (const victim of [follower, second]) {
      ask(victim, "git status --short > /dev/null && echo next");
      const answer = await answerOf(victim, 30_000);
      if (answer === undefined || answer === "late" || answer.stdout !== "next\n")
        faults.push(`the next command does not work: ${JSON.stringify(answer)}`);
      else found += answer.violations.length;
      victim.child.stdin?.end();
    }
    for (let left = 100; left > 0 && living(ground.base).length > 0; left--) await pause(20);
    faults.push(...living(ground.base).map((each) => `still lives: ${each}`));
    for (const path of planted) if (existsSync(path)) faults.push(`planted and not found: ${path}`);
    if (originals(ground) !== before) faults.push("what was there has changed");
    for (const [path, text] of seen) {
      const now = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
      if (!now.subarray(0, text.length).equals(text)) faults.push(`bytes of ${path} are lost`);
      if (!/^(?:line \d\n)*(?:l|li|lin|line|line |line \d)?$/.test(now.toString()))
        faults.push(`${path} is in disorder`);
    }
    for (const [name, directory] of [
      ["ws", ground.ws],
      ["tree", ground.tree],
    ] as const)
      for (const path of entries(directory))
        if (!initial.has(`${name}/${path}`) && !WORKED.test(path))
          faults.push(`left behind: ${name}/${path}`);
    const now = new Set([
      ...entries(ground.ws).map((path) => `ws/${path}`),
      ...entries(ground.tree).map((path) => `tree/${path}`),
    ]);
    for (const path of initial) if (!now.has(path)) faults.push(`lost: ${path}`);
    const running = join(ground.state, "cordon/running");
    for (let left = 50; left > 0 && readdirSync(running).length > 0; left--) await pause(20);
    faults.push(...readdirSync(running).map((name) => `note left: ${name}`));
    if (readFileSync("/proc/self/mountinfo", "utf8").includes(ground.base)) faults.push("a mount is left");
    const work = victims.map((victim, index) => join(victim.root, `work-${index}`)).filter(existsSync);
    const lines = work.reduce((sum, path) => sum + readFileSync(path, "utf8").split("\n").length - 1, 0);
    return { faults, killed, found, lines };
  } finally {
    for (const { child } of all) child.kill("SIGKILL");
    spawnSync("rm", ["-rf", ground.base]);
  }
}

/** Writes the lists of protected names where the victims read them. */
export function copyLists(from: string, to: string): void {
  writeFileSync(to, readFileSync(from));
}
