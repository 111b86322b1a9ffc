import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot, nobodyOfTests } from "../host/settings/machine.ts";
import { ROOT } from "./program.ts";

/** Everything a build needs and nothing that was built. */
const PARTS = [
  ".oxfmtrc.json",
  "docs",
  "src",
  "data",
  "native",
  "scripts",
  "cordon",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
];

const top = realpathSync(mkdtempSync(join(tmpdir(), "cordon-launcher-")));
const copy = join(top, "checkout");
const dist = join(copy, "dist");
const env = { HOME: join(top, "home"), PATH: process.env["PATH"] ?? "" };
afterAll(() => rmSync(top, { recursive: true, force: true }));

beforeAll(() => {
  chmodSync(top, 0o755);
  mkdirSync(env.HOME);
  for (const part of PARTS)
    cpSync(join(ROOT, part), join(copy, part), {
      recursive: true,
      filter: (file) => !/\.gen\.\w+$/.test(file),
    });
  // Links of its own, so that nothing done to them is done to the repository.
  const modules = join(ROOT, "node_modules");
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(modules)) symlinkSync(join(modules, name), join(copy, "node_modules", name));
  // Whatever became of the lock file there: here the packages are the ones it names.
  utimesSync(join(copy, "package-lock.json"), 0, 0);
});

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

const start = (argv: readonly string[], at = join(copy, "cordon")): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(at, argv, { cwd: top, env, stdio: ["ignore", "pipe", "pipe"] });
    const text = { out: "", err: "" };
    child.stdout.on("data", (data: Buffer) => (text.out += data.toString("utf8")));
    child.stderr.on("data", (data: Buffer) => (text.err += data.toString("utf8")));
    child.on("error", reject).on("close", (status) => resolve({ status, ...text }));
  });
const CHECK = ["check", "Bash(ls)"];
const payload = JSON.stringify({ cwd: env.HOME, tool_name: "Bash", tool_input: { command: "ls" } });
const hook = (): SpawnSyncReturns<string> =>
  spawnSync(join(copy, "cordon"), ["hook", "claude-code"], {
    cwd: top,
    env,
    input: payload,
    encoding: "utf8",
  });
const left = (): readonly string[] => readdirSync(copy).filter((name) => name.startsWith("dist."));
/** Changes a source so that it is newer than any build. */
const change = (name = "src/cli/main.ts", text?: string): void => {
  const file = join(copy, name);
  if (text !== undefined) writeFileSync(file, text);
  const later = Date.now() / 1000 + 1;
  utimesSync(file, later, later);
};

describe.sequential("the launcher", () => {
  it("never builds for a hook call, and fails", () => {
    const { status, stdout, stderr } = hook();
    expect({ status, stdout }).toEqual({ status: 70, stdout: "" });
    expect(stderr).toBe(`cordon: not built yet; run ${copy}/cordon --version once\n`);
    expect(existsSync(dist)).toBe(false);
  });

  it("builds once for calls that come together, and says so on standard error alone", async () => {
    const calls = await Promise.all([1, 2, 3, 4].map(() => start(CHECK)));
    expect(calls.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    for (const { out, err } of calls) {
      expect(out).toBe(calls[0]?.out);
      expect(out).toMatch(/^allow {2}cmd\.read-only\n/);
      expect(["", "cordon: building\n"]).toContain(err);
    }
    expect(calls.filter(({ err }) => err !== "")).toHaveLength(1);
    expect(left()).toEqual([]);
    expect(await start(CHECK)).toMatchObject({ status: 0, err: "" });
    expect(hook()).toMatchObject({ status: 0, stderr: "" });
  });

  it("leaves the last build in place when one is killed, and builds again at the next call", async () => {
    const before = statSync(join(dist, ".complete")).ino;
    change();
    const child = spawn(join(copy, "cordon"), CHECK, { cwd: top, env, stdio: "ignore", detached: true });
    const ended = new Promise((resolve) => child.on("close", resolve));
    while (left().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await ended;
    expect(statSync(join(dist, ".complete")).ino).toBe(before);
    // A hook call takes what is there, old as it is.
    expect(hook()).toMatchObject({ status: 0, stderr: "" });
    // It was dated a second ahead of the clock, which a build would never reach.
    utimesSync(join(copy, "src/cli/main.ts"), new Date(), new Date());
    expect(await start(CHECK)).toMatchObject({ status: 0, err: "cordon: building\n" });
    expect(statSync(join(dist, ".complete")).ino).not.toBe(before);
    expect(await start(CHECK)).toMatchObject({ status: 0, err: "" });
  });

  it("fails with the build, whose words go to standard error, and keeps the last one", async () => {
    const file = "src/cli/main.ts";
    const text = readFileSync(join(copy, file), "utf8");
    const before = statSync(join(dist, ".complete")).ino;
    change(file, `${text}\nexport const wrong: number = ;\n`);
    const { status, out, err } = await start(CHECK);
    expect({ status, out }).toEqual({ status: 70, out: "" });
    expect(err).toMatch(/^cordon: building\n/);
    expect(err).toMatch(/\ncordon: the build failed\n$/);
    expect(statSync(join(dist, ".complete")).ino).toBe(before);
    writeFileSync(join(copy, file), text);
    utimesSync(join(copy, file), 0, 0);
  });

  it("sees a changed source and a removed table", () => {
    const stale = (): boolean => {
      // The build itself is not what is looked at: a node that does nothing takes its place.
      const bin = join(top, "bin");
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, "node"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
      const around = { ...env, PATH: `${bin}:${env.PATH}` };
      const { stderr } = spawnSync(join(copy, "cordon"), ["--version"], {
        cwd: top,
        env: around,
        encoding: "utf8",
      });
      return stderr.includes("cordon: building");
    };
    const reset = (): void => {
      const now = new Date();
      utimesSync(join(dist, ".complete"), now, now);
    };
    reset();
    expect(stale()).toBe(false);
    for (const name of ["src/core/gate.ts", "data/README.md", "scripts/build.mjs", "package.json"]) {
      change(name);
      expect(stale()).toBe(true);
      utimesSync(join(copy, name), 0, 0);
      reset();
      expect(stale()).toBe(false);
    }
    utimesSync(join(dist, ".complete"), 1e9, 1e9);
    for (const name of spawnSync("find", [...PARTS, "-not", "-name", "nothing"], {
      cwd: copy,
      encoding: "utf8",
    })
      .stdout.trim()
      .split("\n"))
      utimesSync(join(copy, name), 0, 0);
    expect(stale()).toBe(false);
    const table = readdirSync(join(copy, "data/commands"))[0] ?? "";
    rmSync(join(copy, "data/commands", table));
    expect(stale()).toBe(true);
    reset();
  });

  it("is found through links, by relative names, and whatever CDPATH says", () => {
    const bin = join(top, "links");
    mkdirSync(bin);
    symlinkSync("../checkout/cordon", join(bin, "first"));
    symlinkSync("first", join(bin, "cordon"));
    mkdirSync(join(top, "elsewhere/checkout"), { recursive: true });
    const around = { cwd: top, encoding: "utf8", env: { ...env, CDPATH: join(top, "elsewhere") } } as const;
    for (const file of [join(bin, "cordon"), "links/cordon", "checkout/cordon"])
      expect(spawnSync(file, ["--version"], around)).toMatchObject({ status: 0, stderr: "" });
    expect(spawnSync("sh", ["checkout/cordon", "--version"], around)).toMatchObject({
      status: 0,
      stderr: "",
    });
  });

  it("tells an internal error from a verdict", () => {
    const bin = join(top, "broken");
    mkdirSync(bin);
    const file = join(bin, "node");
    const run = (script: string, ...argv: readonly string[]): number | null => {
      writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return spawnSync(join(copy, "cordon"), argv, { env: { ...env, PATH: `${bin}:${env.PATH}` } }).status;
    };
    for (const script of ["kill -9 $$", "exit 9", "exit 134", "exit 127"])
      expect(run(script, ...CHECK)).toBe(70);
    for (const status of [0, 1, 2, 64, 65, 70, 78]) expect(run(`exit ${status}`, ...CHECK)).toBe(status);
    const nowhere = spawnSync("/bin/sh", [join(copy, "cordon"), ...CHECK], {
      encoding: "utf8",
      env: { PATH: toolsWithoutNode() },
    });
    expect(nowhere).toMatchObject({
      status: 70,
      stdout: "",
      stderr: "cordon: node is missing; install Node.js 20.19 or newer\n",
    });
  });

  it.skipIf(!isRoot)(
    "uses the last build of a checkout that cannot be written, and says when it is old",
    async () => {
      const uid = String(nobodyOfTests());
      const as = (...argv: readonly string[]): SpawnSyncReturns<string> =>
        spawnSync(
          "setpriv",
          ["--reuid", uid, "--regid", uid, "--clear-groups", join(copy, "cordon"), ...argv],
          {
            cwd: top,
            env,
            encoding: "utf8",
          },
        );
      expect(as(...CHECK)).toMatchObject({ status: 0, stderr: "" });
      change();
      expect(as(...CHECK)).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^allow /),
        stderr: `cordon: ${copy} has changed since it was built and cannot be written; running the last build\n`,
      });
      rmSync(join(dist, ".complete"));
      expect(as(...CHECK)).toMatchObject({
        status: 70,
        stdout: "",
        stderr: `cordon: not built, and ${copy} cannot be written; run ${copy}/cordon --version as its owner\n`,
      });
    },
  );
});

/** A search path with what the launcher uses, but for node. */
function toolsWithoutNode(): string {
  const bin = join(top, "tools");
  mkdirSync(bin);
  for (const name of ["dirname", "readlink", "find", "mkdir", "flock"]) {
    const file = env.PATH.split(":")
      .map((directory) => join(directory, name))
      .find((one) => existsSync(one));
    if (file !== undefined) symlinkSync(join(realpathSync(dirname(file)), basename(file)), join(bin, name));
  }
  return bin;
}
