import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { buildLauncher } from "../../scripts/native.mjs";
import type { Violation } from "../../src/core/layers/9-sandbox/result.ts";
import type { Request } from "./driver.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
export const LISTS: string = join(HERE, "../../data/paths.json");

/** What came of a command, confined or not. */
export interface Outcome {
  readonly status: number;
  readonly ended: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly limits: readonly { readonly limit: string; readonly allowed: number }[];
  readonly violations: readonly Violation[];
  readonly notes: readonly string[];
  readonly durationMs: number;
  readonly refused?: string;
  readonly thrown?: string;
  readonly fault?: string;
}

export type Options = Partial<Omit<Request, "id" | "confined" | "command">>;

/** A fresh workspace with a repository, a home with secrets, and a directory outside of both. */
export interface Scene {
  readonly ws: string;
  readonly home: string;
  readonly outside: string;
  readonly state: string;
  readonly canary: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Runs in the sandbox. */
  readonly run: (command: string | readonly string[], options?: Options) => Promise<Outcome>;
  /** Runs as the same user without a sandbox. */
  readonly open: (command: string, options?: Options) => Promise<Outcome>;
  /** Runs outside, as a person would afterwards. */
  readonly outsideRun: (command: string) => string;
}

export interface Actor {
  readonly name: string;
  readonly uid: number;
  readonly scene: () => Scene;
  /** Arguments that start a program as this user. */
  readonly as: (file: string, ...args: readonly string[]) => readonly string[];
  readonly driver: string;
}

export interface Stage {
  readonly actors: readonly Actor[];
  /** Directory every user of the stage may read. */
  readonly base: string;
  readonly close: () => void;
}

export const NODE: string = process.execPath;
const IS_ROOT = process.getuid?.() === 0;
/** The users a test file goes through. Without root only the caller himself. */
export const WHO: readonly string[] = IS_ROOT ? ["root", "user"] : ["user"];

/** What carries plans out here. The launcher takes a compiler. */
export const RUNGS: readonly ("bubblewrap" | "native")[] = existsSync("/usr/bin/cc")
  ? ["bubblewrap", "native"]
  : ["bubblewrap"];

/** Bundles the driver, builds the launcher, and makes a user without rights where the caller is root. */
export async function openStage(): Promise<Stage> {
  const parent = IS_ROOT ? "/var/lib" : homedir();
  const base = mkdtempSync(join(parent, "cordon-kernel-"));
  chmodSync(base, 0o755);
  const driver = join(base, "driver.mjs");
  const bundle = await rolldown({ input: join(HERE, "driver.ts"), platform: "node", logLevel: "silent" });
  await bundle.write({ file: driver, format: "esm" });
  await bundle.close();
  writeFileSync(join(base, "paths.json"), readFileSync(LISTS));
  const built = RUNGS.includes("native") ? buildLauncher(join(base, "native")) : undefined;
  if (built?.built === false) throw new Error(`the launcher cannot be built: ${built.why}`);
  const made: ChildProcess[] = [];
  const account = IS_ROOT ? makeUser() : undefined;
  const actor = (name: string): Actor => {
    const user = name === "root" || account === undefined ? undefined : account;
    const as = (file: string, ...args: readonly string[]): readonly string[] =>
      user === undefined
        ? [file, ...args]
        : ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", file, ...args];
    const uid = user?.uid ?? process.getuid?.() ?? 0;
    const own = join(base, name);
    mkdirSync(own);
    if (user !== undefined) chownSync(own, user.uid, user.gid);
    let ask: ReturnType<typeof startDriver> | undefined;
    let count = 0;
    return {
      name,
      uid,
      as,
      driver,
      scene: () => {
        ask ??= startDriver(as(NODE, driver, "serve", join(base, "paths.json"), built?.path ?? ""), made);
        return makeScene(join(own, `${++count}`), as, ask);
      },
    };
  };
  return {
    actors: WHO.map(actor),
    base,
    close: () => {
      for (const child of made) child.kill("SIGKILL");
      if (account !== undefined) retry(() => execFileSync("userdel", [account.name], { stdio: "pipe" }));
      // A directory that a test made read-only keeps what is in it from anybody but root.
      if (account === undefined) execFileSync("chmod", ["-R", "u+rwX", base]);
      // Node's own removal gives up on very deep directories.
      execFileSync("rm", ["-rf", base]);
    },
  };
}

function makeUser(): { readonly name: string; readonly uid: number; readonly gid: number } {
  const name = `cordon-k${process.pid}`;
  retry(() => execFileSync("useradd", ["--no-create-home", "--shell", "/bin/bash", name], { stdio: "pipe" }));
  const id = (flag: string): number => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { name, uid: id("-u"), gid: id("-g") };
}

/** The user database is locked while another test file writes it. */
function retry(work: () => unknown): void {
  for (let left = 50; ; left--) {
    try {
      work();
      return;
    } catch (error) {
      if (left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

type Ask = (request: Omit<Request, "id">) => Promise<Outcome>;

function startDriver(argv: readonly string[], made: ChildProcess[]): Ask {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], env: { PATH: "/usr/bin:/bin" } });
  made.push(child);
  const waiting = new Map<number, (outcome: Outcome) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer = JSON.parse(line);
    waiting.get(answer.id)?.({
      violations: [],
      limits: [],
      notes: [],
      stdout: "",
      stderr: "",
      status: -1,
      ...answer,
    });
    waiting.delete(answer.id);
  });
  let id = 0;
  return (request) =>
    new Promise((resolve) => {
      waiting.set(++id, resolve);
      child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
}

function makeScene(base: string, as: Actor["as"], ask: Ask): Scene {
  const canary = `canary-${Math.random().toString(36).slice(2)}`;
  const [ws, home, outside, state] = ["ws", "home", "outside", "state"].map((name) => join(base, name));
  if (ws === undefined || home === undefined || outside === undefined || state === undefined)
    throw new Error();
  const environment = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "dumb",
    XDG_STATE_HOME: state,
    CANARY_TOKEN: canary,
    CANARY: canary,
  };
  const sh = (text: string): string => {
    const [file = "", ...args] = as("/bin/bash", "--noprofile", "--norc", "-ec", text);
    const { status, stdout, stderr } = spawnSync(file, args, {
      encoding: "utf8",
      env: { ...environment },
      cwd: "/",
    });
    if (status !== 0) throw new Error(`${text}\n${stderr}`);
    return stdout;
  };
  sh(`mkdir -p '${base}' && cd '${base}' && mkdir ws home outside state
printf '[user]\\n name = T\\n email = t@example.org\\n[init]\\n defaultBranch = main\\n' > home/.gitconfig
mkdir -m 700 home/.ssh && echo ${canary} > home/.ssh/id_rsa && echo known > home/.ssh/known_hosts
echo ${canary} > home/.netrc; echo '# rc' > home/.bashrc; echo ${canary} > outside/secret; echo keep > outside/file; mkdir outside/dir
cd ws && git init -q . && echo a > a.txt && git add . && git commit -qm first`);
  const request =
    (confined: boolean) =>
    (command: string | readonly string[], options: Options = {}) =>
      ask({ confined, root: ws, command, environment, ...options });
  return {
    ws,
    home,
    outside,
    state,
    canary,
    environment,
    run: request(true),
    open: request(false),
    outsideRun: sh,
  };
}

/** Everything below a directory with type, mode, size and content or target; for before and after. */
export function inventory(directory: string, skip: readonly string[] = []): readonly string[] {
  return readdirSync(directory)
    .filter((name) => !skip.includes(name))
    .toSorted()
    .flatMap((name): readonly string[] => {
      const path = join(directory, name);
      const stat = lstatSync(path);
      const head = `${path} ${stat.mode.toString(8)}`;
      if (stat.isSymbolicLink()) return [`${head} -> ${readlinkSync(path)}`];
      if (stat.isDirectory()) return [head, ...inventory(path, skip)];
      return [`${head} ${stat.isFile() ? readFileSync(path, "latin1") : "special"}`];
    });
}

/** Compiles C programs for the stage; undefined, and said so, where there is no compiler. */
export function compile(stage: Stage, name: string, source: string): string | undefined {
  if (!existsSync("/usr/bin/gcc")) {
    process.stderr.write(`SKIPPED: no gcc, the C programs of test/kernel were not run (${name})\n`);
    return undefined;
  }
  const path = join(stage.base, name);
  writeFileSync(`${path}.c`, source);
  execFileSync("gcc", ["-O1", "-w", "-o", path, `${path}.c`, "-pthread"], { stdio: "inherit" });
  chmodSync(path, 0o755);
  return path;
}
