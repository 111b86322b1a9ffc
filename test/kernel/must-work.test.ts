import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, RUNGS, type Stage, WHO, inventory, openStage } from "./stage.ts";
import type { Rung } from "../../src/core/settings/policy.ts";
import { WORKS } from "./works/index.ts";
import { type ToolBox, openToolBox } from "./works/tools.ts";
import type { Work } from "./works/work.ts";

let stage: Stage;
let tools: ToolBox;
beforeAll(async () => {
  stage = await openStage();
  tools = openToolBox(stage.base);
});
afterAll(() => stage.close());

function actorOf(who: string): Actor {
  const found = stage.actors.find(({ name }) => name === who);
  if (found === undefined) throw new Error(who);
  return found;
}

/** Where a person's own toolchains are found: in the real home, for whom that is open. */
const TOOLCHAINS: Readonly<Record<string, string>> = {
  PATH: `/usr/local/bin:/usr/bin:/bin:${join(homedir(), ".cargo/bin")}`,
  RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup"),
};

/** What a piece of work takes that is not there for this user; undefined = nothing. */
const absent = new Map<string, string | undefined>();

async function lacking(actor: Actor, work: Work): Promise<string | undefined> {
  const key = `${actor.name} ${work.name}`;
  if (!absent.has(key)) absent.set(key, await lookedFor(actor, work));
  return absent.get(key);
}

async function lookedFor(actor: Actor, work: Work): Promise<string | undefined> {
  const tool = work.tools?.find((name) => tools(name) === undefined);
  if (tool !== undefined) return tool;
  for (const program of work.programs ?? []) {
    const names = program.includes(" ") ? [] : program.split("|");
    const test = names.length === 0 ? program : names.map((name) => `command -v ${name}`).join(" || ");
    const [file = "", ...args] = actor.as("/bin/bash", "--noprofile", "--norc", "-c", test);
    const env = { ...TOOLCHAINS, HOME: "/nonexistent" };
    if (spawnSync(file, args, { env, cwd: "/", stdio: "ignore" }).status !== 0) return program;
  }
  return undefined;
}

const CASES = WORKS.flatMap(([area, works]) => works.map((work) => [`${area}: ${work.name}`, work] as const));

/** Also the rung below, where it can be had. */
const LADDER: readonly Rung[] = RUNGS.includes("native") ? [...RUNGS, "landlock"] : RUNGS;

describe.each(WHO.flatMap((who) => LADDER.map((rung) => [who, rung] as const)))(
  "ordinary work, as %s on %s",
  (who, rung) => {
    const cases = CASES.filter(([, work]) => rung !== "landlock" || work.alone === undefined);
    it.each(cases)("%s", async (name, work) => {
      const actor = actorOf(who);
      const gap = await lacking(actor, work);
      if (gap !== undefined) {
        process.stderr.write(`SKIPPED: ${name}, as ${who}: not there: ${gap}\n`);
        return;
      }
      const { run, environment, outsideRun, ws } = actor.scene();
      if (work.before !== undefined) outsideRun(`cd ${ws}; ${work.before}`);
      const box = work.tools?.map((tool) => tools(tool) ?? "").at(0);
      const text = box === undefined ? work.command : `TOOLS=${box}; ${work.command}`;
      const told = await run(`set -e -o pipefail; ${text}`, {
        environment: { ...environment, ...TOOLCHAINS },
        timeLimit: 120,
        rung,
      });
      const { stdout: out, stderr, status, violations, refused, thrown } = told;
      expect({ out, stderr, status, violations, refused, thrown }).toEqual({
        out: typeof work.stdout === "string" ? work.stdout : expect.stringMatching(work.stdout),
        stderr: work.stderr === undefined ? "" : expect.stringMatching(work.stderr),
        status: 0,
        violations: [],
        refused: undefined,
        thrown: undefined,
      });
      if (work.outside === undefined) return;
      const after = outsideRun(`cd ${ws}; ${work.outside.command}`);
      expect(after).toEqual(
        typeof work.outside.stdout === "string"
          ? work.outside.stdout
          : expect.stringMatching(work.outside.stdout),
      );
    });
  },
);

describe.each(WHO)("particular places, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    actor = actorOf(who);
  });

  it("commits in a linked worktree whose repository is elsewhere, and cannot touch its hooks", async () => {
    const { run, outside, outsideRun } = actor.scene();
    outsideRun(
      `cd ${outside}; git init -q main; cd main; git commit -q --allow-empty -m m; git worktree add -q ../wt`,
    );
    const root = join(outside, "wt");
    const before = inventory(join(outside, "main/.git/hooks"));
    const config = readFileSync(join(outside, "main/.git/config"), "utf8");
    const result = await run(
      `echo x > f && git add f && git commit -qm linked && git log --format=%s; git stash list; git branch other; echo x > ../main/.git/hooks/pre-commit; git config a.b c; mv ../main/.git ../g; echo x > ../main/new`,
      { root, cwd: root },
    );
    expect(result.stdout).toBe("linked\nm\n");
    expect(inventory(join(outside, "main/.git/hooks"))).toEqual(before);
    expect(readFileSync(join(outside, "main/.git/config"), "utf8")).toBe(config);
    expect(existsSync(join(outside, "main/new"))).toBe(false);
    expect(outsideRun(`cd ${outside}/main; git branch --format='%(refname:short)'`)).toBe(
      "main\nother\nwt\n",
    );
    expect(result.violations).toEqual([]);
  });

  it("commits in a submodule as its own workspace", async () => {
    const { run, ws, outside, outsideRun } = actor.scene();
    outsideRun(
      `cd ${outside}; git init -q lib; cd lib; git commit -q --allow-empty -m l; cd ${ws}; git -c protocol.file.allow=always submodule --quiet add ${outside}/lib lib; git commit -qm sub`,
    );
    const root = join(ws, "lib");
    const result = await run("echo x > f && git add f && git commit -qm s && git log --format=%s", {
      root,
      cwd: root,
    });
    expect(result).toMatchObject({ stdout: "s\nl\n", violations: [] });
  });

  it("works with a home that cannot be written, and one that is not there", async () => {
    const { run, outsideRun, home, environment } = actor.scene();
    outsideRun(`chmod -R a-w ${home}`);
    const first = await run(
      "echo x > f && git add f && git commit -qm x && npm --version >/dev/null && echo ok",
    );
    expect(first.stdout).toBe("ok\n");
    const committer = {
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@b",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@b",
    };
    const gone = { ...environment, HOME: "/nonexistent/home", ...committer };
    expect((await run("echo y > f && git commit -qam y && node -p 1", { environment: gone })).stdout).toBe(
      "1\n",
    );
  });

  it("works in a workspace on a tmpfs, below /tmp, with a home there", async () => {
    const { run, environment, outsideRun } = actor.scene();
    const base = `/tmp/cordon-ws-${process.pid}-${who}`;
    outsideRun(
      `mkdir -p ${base}/ws ${base}/home/.ssh; echo k > ${base}/home/.ssh/id_rsa; cp ~/.gitconfig ${base}/home/; cd ${base}/ws; git init -q .`,
    );
    const root = `${base}/ws`;
    const result = await run(
      `echo x > f && git add f && git commit -qm t && git log --format=%s; cat ~/.ssh/id_rsa; echo x > ../new; mktemp >/dev/null && echo tmp`,
      { root, cwd: root, environment: { ...environment, HOME: `${base}/home` } },
    );
    const left = inventory(base, [".git"]);
    outsideRun(`rm -rf ${base}`);
    expect(result.stdout).toBe("t\ntmp\n");
    expect(left.join("\n")).not.toMatch(/\/new /);
    const shm = `/dev/shm/cordon-ws-${process.pid}-${who}`;
    outsideRun(`mkdir ${shm}`);
    const onShm = await run("echo x > f; cat f", { root: shm, cwd: shm });
    const kept = readFileSync(`${shm}/f`, "utf8");
    outsideRun(`rm -rf ${shm}`);
    expect([onShm.stdout, kept]).toEqual(["x\n", "x\n"]);
  });

  it("passes the environment by a list, and points caches into the private directory", async () => {
    const { run, environment } = actor.scene();
    const { stdout } = await run("env", {
      environment: {
        ...environment,
        AWS_SECRET_ACCESS_KEY: "s",
        GITHUB_TOKEN: "s",
        SSH_AUTH_SOCK: "/s",
        NODE_OPTIONS: "--require=/s",
        LD_PRELOAD: "/s",
        BASH_ENV: "/s",
        LC_TIME: "C",
        CI: "1",
        PATH: ".:bin::/usr/bin:/bin",
      },
    });
    const names = stdout.split("\n").flatMap((line) => /^([^=]+)=/.exec(line)?.[1] ?? []);
    const expected =
      "CI CORDON_SANDBOX HOME LANG LC_TIME PATH PWD SHLVL TERM TMPDIR _ npm_config_update_notifier";
    const caches = [...stdout.matchAll(/^([^=\n]+)=\S*\/tmp\/\.caches\/.*$/gm)].map(([, name = ""]) => name);
    expect(caches).toEqual(expect.arrayContaining(["XDG_CACHE_HOME", "npm_config_cache", "CARGO_HOME"]));
    expect(names.filter((name) => !caches.includes(name)).toSorted()).toEqual(expected.split(" ").toSorted());
    expect(stdout).toMatch(/^PATH=\/usr\/bin:\/bin$/m);
    expect(stdout).toMatch(/^TMPDIR=\/tmp$/m);
  });

  it("reads its standard input", async () => {
    const { run } = actor.scene();
    expect((await run("cat | tr a-z A-Z", { stdin: "hello" })).stdout).toBe("HELLO");
  });
});
