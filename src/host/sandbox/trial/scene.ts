import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Attempt } from "./attempt.ts";
import { textHead } from "./program.ts";

/** What all scenes of a trial share. */
export interface Stage {
  /** Directory of everything; outside of every place that a sandbox has of its own. */
  readonly base: string;
  /** Programs and texts of the attempts. */
  readonly bin: string;
  /** Undefined without a compiler. */
  readonly program?: string | undefined;
  /** A git repository to begin with. */
  readonly template: string;
}

/** One attempt's own project, home and outside. */
export interface Scene {
  readonly base: string;
  readonly root: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A text to run inside, with its variables and words. */
  readonly inside: (text: string) => string;
  /** Runs a text outside and returns its status; -1 when it took too long. What it leaves in the background stays until `close`. */
  readonly outside: (text: string) => Promise<number>;
  /** The attack as somebody runs it who has no sandbox. */
  readonly open: (text: string, cwd: string) => Promise<void>;
  /** Says that from now on changes count. */
  readonly begin: () => void;
  /** Adds to what the attack printed. */
  readonly printed: (bytes: Uint8Array) => void;
  /** Throws where the attack inside did not even begin, or its program could not be started. */
  readonly require: () => void;
  /** Ends whatever runs outside. */
  readonly stop: () => void;
  readonly close: () => void;
}

const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
/** Milliseconds that any text may take. */
const PATIENCE = 20_000;

/** Builds the scene of an attempt. `run` tells apart what is run at the same time. */
export function openScene(stage: Stage, attempt: Attempt, run: string): Scene {
  const base = join(stage.base, `${attempt.id}-${run}`);
  const id = `${attempt.id}-${run}-${Math.random().toString(36).slice(2, 10)}`;
  const canary = `canary-${id}`;
  const [ws, home, out, log, state] = ["ws", "home", "outside", "log", "state"].map((name) =>
    join(base, name),
  );
  if (ws === undefined || home === undefined || out === undefined || log === undefined || state === undefined)
    throw new Error("five directories");
  for (const path of [base, home, out, log, state, join(out, "dir")]) mkdirSync(path);
  // Copying a repository costs more than the attack.
  if (/git|work\b/i.test(JSON.stringify(attempt))) cpSync(stage.template, ws, { recursive: true });
  else mkdirSync(ws);
  const put = (path: string, text: string, mode = 0o644): void => writeFileSync(path, `${text}\n`, { mode });
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  mkdirSync(join(ws, "private"));
  put(join(home, ".gitconfig"), GIT_CONFIG);
  put(join(home, ".bashrc"), "# start");
  for (const path of [
    join(home, ".ssh/id_rsa"),
    join(home, ".netrc"),
    join(ws, ".env"),
    join(ws, "private/key"),
    join(out, "denied"),
  ])
    put(path, canary);
  put(join(out, "file"), "keep");
  put(join(ws, "a.txt"), "a");
  const environment = {
    PATH,
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "dumb",
    XDG_STATE_HOME: state,
    CANARY_TOKEN: canary,
  };
  const output = join(base, "output");
  writeFileSync(output, "");
  const root = join(base, attempt.root ?? "ws");
  const variables: Readonly<Record<string, string>> = {
    WS: ws,
    OUT: out,
    LOG: log,
    BASE: base,
    ID: id,
    // Among the ports that the kernel gives to nobody by itself.
    NUM: String(10_000 + Math.floor(Math.random() * 20_000)),
    MARK: join(out, "RAN"),
    NODE: process.execPath,
    BIN: stage.bin,
    PROGRAM: stage.program ?? "/no-compiler",
    ATTEMPT: attempt.id,
  };
  const look = (): Readonly<Record<string, string | undefined>> => ({
    outside: fingerprint(out),
    home: fingerprint(home),
  });
  const before: { snapshot?: ReturnType<typeof look> } = {};
  const left: ChildProcess[] = [];
  const start = (
    text: string,
    cwd: string,
    stdout: "ignore" | number,
    more: Readonly<Record<string, string>>,
  ): Promise<number> =>
    new Promise((resolve) => {
      const child = spawn("/bin/bash", ["--noprofile", "--norc", "-c", text], {
        cwd,
        env: { ...environment, ...more },
        stdio: ["ignore", stdout, stdout],
        // A group of its own, so that everything in it can be ended.
        detached: true,
      });
      left.push(child);
      const clock = setTimeout(() => {
        endGroup(child);
        resolve(-1);
      }, PATIENCE);
      child.on("error", () => resolve(-1));
      child.on("exit", (code) => {
        clearTimeout(clock);
        resolve(code ?? -1);
      });
    });
  const stop = (): void => {
    for (const child of left.splice(0)) endGroup(child);
  };
  return {
    base,
    root,
    cwd: root,
    environment,
    inside: (text) => `${textHead(variables, "attack")}echo "began $ID"\n${text}`,
    outside: (text) => {
      const now = /\bchanged\b/.test(text) ? look() : {};
      const changed = Object.keys(now).filter((name) => now[name] !== before.snapshot?.[name]);
      const own = { ...variables, CANARY: canary, OUTPUT: output, CHANGED: changed.join(" ") };
      return start(`${textHead(own, "outside")}${text}`, base, "ignore", {});
    },
    open: async (text, cwd) => {
      const file = openSync(output, "a");
      try {
        await start(`${textHead(variables, "attack")}${text}`, cwd, file, {});
      } finally {
        closeSync(file);
      }
    },
    begin: () => {
      if (/\bchanged\b/.test(attempt.truth)) before.snapshot = look();
    },
    printed: (bytes) => writeFileSync(output, bytes, { flag: "a" }),
    require: () => {
      const said = readFileSync(output, "latin1");
      if (!said.startsWith(`began ${id}\n`))
        throw new Error(`the attack did not begin: ${said.slice(0, 300)}`);
      if (said.includes(`\nunmade ${id}\n`)) throw new Error("the program of the attack cannot be started");
    },
    stop,
    close: stop,
  };
}

const GIT_CONFIG = `[user]
	name = T
	email = t@example.org
[init]
	defaultBranch = main
[gc]
	auto = 0`;

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

/** Everything that can be seen of a tree from outside, in short. */
function fingerprint(directory: string): string {
  const hash = createHash("sha256");
  const walk = (path: string): void => {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return void hash.update(`${path} gone\n`);
    hash.update(
      `${path} ${stat.mode} ${stat.uid} ${stat.gid} ${stat.nlink} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}\n`,
    );
    if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (stat.isFile()) hash.update(readFileSync(path));
    else if (stat.isDirectory()) for (const name of readdirSync(path).toSorted()) walk(join(path, name));
  };
  walk(directory);
  return hash.digest("hex");
}

/** Makes the repository that every project begins with. Throws where git does not work. */
export function makeTemplate(directory: string): void {
  mkdirSync(directory);
  const made = spawnSync(
    "/bin/bash",
    [
      "--noprofile",
      "--norc",
      "-ec",
      "git init -q -b main . && mkdir -p .git/hooks && rm -f .git/hooks/* && printf 'private\\n.env\\n' > .git/info/exclude && echo a > a.txt && git add a.txt && git -c user.name=T -c user.email=t@example.org commit -qm first",
    ],
    { cwd: directory, env: { PATH, HOME: directory, GIT_CONFIG_NOSYSTEM: "1" }, encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`git does not work here: ${made.stderr || String(made.error)}`);
}

/** A program in one of the directories that attempts search. */
export function hasProgram(name: string): boolean {
  return PATH.split(":").some(
    (directory) => lstatSync(join(directory, name), { throwIfNoEntry: false }) !== undefined,
  );
}
