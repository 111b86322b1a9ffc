import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Rule, readRule } from "../../src/core/settings/rule.ts";
import { type Actor, type Stage, WHO, inventory, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

function rules(effect: "deny" | "allow", anchor: string, ...texts: readonly string[]): readonly Rule[] {
  return texts.flatMap((text) =>
    readRule(text, effect).readings.map((reading) => ({ ...reading, text, scope: "user" as const, anchor })),
  );
}

describe.each(WHO)("files, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  it("says that a secret may not be read, and that a mask may not be changed", async () => {
    const { run } = actor.scene();
    expect((await run("cat ~/.ssh/id_rsa ~/.netrc")).stderr.match(/Permission denied/g)).toHaveLength(2);
    expect((await run("chmod 755 ~/.ssh")).stderr).toMatch(/Read-only file system/);
  });

  it("reads known hosts, which are no secret", async () => {
    const { run } = actor.scene();
    expect(await run("cat ~/.ssh/known_hosts")).toMatchObject({ status: 0, stdout: "known\n" });
  });

  it("denies to the next command what lies in directories that a pattern or a link names", async () => {
    const { run, ws, canary, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir config cfg; echo ${canary} | tee config/prod.key cfg/prod.env > /dev/null; ln -s cfg/prod.env .env`,
    );
    const denied = { rules: rules("deny", ws, "Read(**/config/prod.key)", "Read(**/.env)") };
    const first = await run("mv config c2; mv cfg cfg2; true", denied);
    expect(first.stderr.match(/busy/g)).toHaveLength(2);
    const next = await run("cat c2/prod.key cfg2/prod.env config/prod.key cfg/prod.env .env", denied);
    expect(next.stdout).toBe("");
  });

  it("denies what Read rules deny, at any depth and through links, and renamed parents keep it", async () => {
    const { run, ws, outside, canary, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir -p a/b/c secrets/deep; echo ${canary} | tee .env a/b/c/.env secrets/deep/k real.txt > /dev/null; ln -s ${outside}/secret linked.pem`,
    );
    const denied = rules(
      "deny",
      ws,
      "Read(./.env)",
      "Read(secrets/**)",
      "Read(*.pem)",
      `Read(/${ws}/real.txt)`,
    );
    const result = await run(
      `cat .env a/b/c/.env secrets/deep/k real.txt linked.pem ${outside}/secret; mv a z; cat z/b/c/.env; mv secrets s2; cat s2/deep/k; grep -r canary .; git add -A; git show :.env; ls secrets`,
      { rules: denied },
    );
    expect(result.stdout + result.stderr).not.toContain(canary);
    expect(readFileSync(join(ws, ".env"), "utf8")).toContain(canary);
    const allowed = await run(`cat .env real.txt`, { rules: [] });
    expect(allowed.stdout).toContain(canary);
  });

  it("opens a credential store that a user rule names, and not one that a project names", async () => {
    const { run, home, canary } = actor.scene();
    const own = rules("allow", home, "Read(~/.ssh/**)");
    expect((await run("cat ~/.ssh/id_rsa", { rules: own })).stdout).toContain(canary);
    const project = own.map((rule) => ({ ...rule, scope: "project" as const }));
    expect((await run("cat ~/.ssh/id_rsa", { rules: project })).stdout).not.toContain(canary);
  });

  it("holds denyRead, allowRead, allowWrite and denyWrite", async () => {
    const { run, ws, outside, canary, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir hid gen conf; echo ${canary} > conf/k; echo ${canary} > hid/k; echo shown > hid/ok; echo old > gen/lock`,
    );
    const sandbox = {
      denyRead: [`${ws}/hid`, `${ws}/conf/k`],
      allowRead: [`${ws}/hid/ok`],
      allowWrite: [outside],
      denyWrite: [`${ws}/gen`, `${outside}/dir`],
    };
    const result = await run(
      `cat hid/k; cat hid/ok; echo new > gen/lock; echo new > gen/more; echo w > ${outside}/written; echo n > ${outside}/dir/n; mv gen g2`,
      { sandbox },
    );
    expect(result.stdout).toBe("shown\n");
    expect(readFileSync(join(ws, "gen/lock"), "utf8")).toBe("old\n");
    expect(existsSync(join(ws, "gen/more"))).toBe(false);
    expect(existsSync(join(outside, "written"))).toBe(true);
    expect(existsSync(join(outside, "dir/n"))).toBe(false);
    // Two commands: the first moves what is denied by its place, the second reads it there.
    await run("mv conf c2; mv hid h2; echo x > conf/free", { sandbox });
    expect((await run("cat c2/k h2/k conf/k hid/k", { sandbox })).stdout).toBe("");
    expect(existsSync(join(ws, "conf/free"))).toBe(true);
  });

  it("holds patterns of denyRead and denyWrite, also for what somebody makes between two commands", async () => {
    const { run, ws, outside, canary, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir -p .vscode certs/deep 'odd[x]'; echo ${canary} | tee a.pem certs/deep/b.pem .vscode/c.pem 'odd[x]/d.pem' ${outside}/e.pem > /dev/null; echo shown > certs/ok.pem; echo old > gen.lock`,
    );
    const sandbox = {
      denyRead: [`${ws}/**/*.pem`, `${outside}/*.pem`],
      allowRead: [`${ws}/certs/ok.pem`],
      denyWrite: [`${ws}/*.lock`],
    };
    const files = `a.pem certs/deep/b.pem .vscode/c.pem 'odd[x]/d.pem' ${outside}/e.pem`;
    const first = await run(
      `cat ${files}; cat certs/ok.pem; echo new > gen.lock; echo new > more.lock; mkdir own; echo mine > own/f.pem; cat own/f.pem`,
      { sandbox },
    );
    // The longer path holds, and a denial beside a permission of the same file; what a command makes is its own.
    expect(first.stdout).toBe("mine\n");
    expect(readFileSync(join(ws, "gen.lock"), "utf8")).toBe("old\n");
    expect(first.violations.map(({ path }) => path)).toEqual([join(ws, "more.lock")]);
    outsideRun(
      `cd ${ws}; mkdir -p later/deep; echo ${canary} | tee z.pem certs/deep/y.pem later/deep/x.pem .vscode/w.pem ${outside}/v.pem > /dev/null; ln -s ${outside}/secret link.pem`,
    );
    const second = await run(
      `cat ${files} z.pem certs/deep/y.pem later/deep/x.pem .vscode/w.pem ${outside}/v.pem link.pem ${outside}/secret own/f.pem; mv later l2; cat l2/deep/x.pem; grep -r canary . ${outside}`,
      { sandbox },
    );
    expect(second.stdout + second.stderr).not.toContain(canary);
    expect(second.stdout).not.toContain("mine");
    expect((await run("cat z.pem", {})).stdout).toContain(canary);
  });

  it("finds what must not be read where a command hid it behind the looks of git", async () => {
    const { run, ws, canary, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir -p certs/deep logs x; echo ${canary} | tee certs/deep/b.pem logs/c.pem > /dev/null`,
    );
    const denied = rules("deny", ws, "Read(**/*.pem)");
    await run("mv certs x/.git; mkdir objects refs; echo 'ref: refs/heads/main' > HEAD", { rules: denied });
    const shape = "mkdir -p objects refs; echo 'ref: refs/heads/main' > HEAD";
    outsideRun(`cd ${ws}; ${shape}; [ -e x/.git ] || mv certs x/.git`);
    const result = await run("cat x/.git/deep/b.pem certs/deep/b.pem logs/c.pem", { rules: denied });
    expect(result.stdout).toBe("");
    expect((await run("cat x/.git/deep/b.pem logs/c.pem", { rules: [] })).stdout).toContain(canary);
  });

  it("holds what a rule denies although an opening of a setting or of a rule names it", async () => {
    const { run, ws, home, canary, outsideRun } = actor.scene();
    outsideRun(`cd ${ws}; mkdir secrets; echo ${canary} > secrets/k; echo ${canary} > secrets/ok`);
    const denied = [
      ...rules("deny", ws, "Read(secrets/**)", "Read(~/.ssh/**)"),
      ...rules("allow", home, "Read(~/.ssh/known_hosts)"),
    ];
    const opening = { allowRead: [`${ws}/secrets/ok`] };
    const result = await run("cat secrets/k secrets/ok ~/.ssh/known_hosts ~/.ssh/id_rsa", {
      rules: denied,
      sandbox: opening,
    });
    expect(result.stdout).toBe("");
  });

  it("holds a denial of writing that names a directory above the workspace", async () => {
    const { run, ws, outside } = actor.scene();
    const before = inventory(ws);
    for (const text of [`Edit(/${join(ws, "..")}/**)`, `Edit(/${join(ws, "..")}/w*)`, "Edit(../ws)"]) {
      const result = await run("echo x > a.txt; echo x > new; cat a.txt", { rules: rules("deny", ws, text) });
      expect(result.stdout).toBe("a\n");
      expect(inventory(ws)).toEqual(before);
    }
    const all = await run(`echo x > a.txt; echo x > ${outside}/new`, {
      sandbox: { denyWrite: ["/"], allowWrite: [outside] },
    });
    expect(all.status).not.toBe(0);
    expect(inventory(ws)).toEqual(before);
    expect(existsSync(join(outside, "new"))).toBe(false);
  });

  it("shows a store that a rule opens, and lets nobody write it where home is writable", async () => {
    const { run, home, canary } = actor.scene();
    const before = inventory(join(home, ".ssh"));
    const result = await run(
      "cat ~/.ssh/id_rsa; echo x >> ~/.ssh/id_rsa; echo x > ~/.ssh/new; echo x > ~/own",
      {
        rules: rules("allow", home, "Read(~/.ssh/**)"),
        sandbox: { allowWrite: [home] },
      },
    );
    expect(result.stdout).toContain(canary);
    expect(inventory(join(home, ".ssh"))).toEqual(before);
    expect(existsSync(join(home, "own"))).toBe(true);
  });

  it("hides what a variable puts elsewhere", async () => {
    const { run, outside, environment, canary, outsideRun } = actor.scene();
    outsideRun(`mkdir ${outside}/keys; echo ${canary} > ${outside}/keys/private`);
    const moved = { ...environment, GNUPGHOME: join(outside, "keys") };
    const result = await run(`cat ${outside}/keys/private`, { environment: moved });
    expect(result.stdout).not.toContain(canary);
  });

  it("holds an Edit rule, also for a file that does not exist yet", async () => {
    const { run, ws, outsideRun } = actor.scene();
    outsideRun(`cd ${ws}; mkdir sub; echo old | tee x.lock > sub/y.lock`);
    const result = await run(
      "echo new > x.lock; echo new > sub/y.lock; echo new > sub/z.lock; echo ok > free",
      {
        rules: rules("deny", ws, "Edit(*.lock)"),
      },
    );
    expect(readFileSync(join(ws, "x.lock"), "utf8") + readFileSync(join(ws, "sub/y.lock"), "utf8")).toBe(
      "old\nold\n",
    );
    expect(existsSync(join(ws, "sub/z.lock"))).toBe(false);
    expect(result.violations.map(({ path }) => path)).toEqual([join(ws, "sub/z.lock")]);
    expect(existsSync(join(ws, "free"))).toBe(true);
    const whole = await run("echo x > any; mkdir d", { rules: rules("deny", ws, "Edit(**)") });
    expect(whole.status).not.toBe(0);
    expect(existsSync(join(ws, "any"))).toBe(false);
  });

  it("shows nothing outside where settings block reads outside", async () => {
    const { run, outside, canary, ws } = actor.scene();
    // What leads to the workspace has to be seen.
    const others = ["/home", "/root", "/var/log"].filter((path) => !ws.startsWith(path));
    const result = await run(
      `cat ${outside}/secret ~/.gitconfig; ls ${others.join(" ")}; cat a.txt; echo x > /x; git status -s; node -e 'console.log(1)'`,
      {
        blockReadsOutside: true,
      },
    );
    expect(result.stdout + result.stderr).not.toContain(canary);
    expect(result.stdout).toBe("a\n1\n");
    expect(existsSync("/x")).toBe(false);
  });

  it("keeps /tmp, /run and /dev/shm to itself", async () => {
    const { run, outsideRun } = actor.scene();
    const mark = `/tmp/cordon-mark-${process.pid}-${who}`;
    outsideRun(`echo outer > ${mark}`);
    const result = await run(
      `cat ${mark}; echo x > /tmp/inner-${process.pid}; echo x > /dev/shm/inner-${process.pid}; ls /tmp; ls -A /run; ls -A /dev/shm`,
    );
    outsideRun(`rm ${mark}`);
    expect(result.stdout).toBe(`inner-${process.pid}\ninner-${process.pid}\n`);
    expect(existsSync(`/tmp/inner-${process.pid}`) || existsSync(`/dev/shm/inner-${process.pid}`)).toBe(
      false,
    );
    const closed = await run("for d in / /run /dev /proc /sys /dev/pts; do mkdir $d/x || echo $d; done");
    expect(closed.stdout).toBe("/\n/run\n/dev\n/proc\n/sys\n/dev/pts\n");
  });

  it("refuses workspaces that cannot be confined, with one clear reason", async () => {
    const { run, home, ws, environment } = actor.scene();
    expect((await run("true", { cwd: "/", root: "/" })).refused).toMatch(/cannot be confined/);
    expect((await run("true", { root: join(home, ".ssh"), cwd: ws })).refused).toMatch(/must not be read/);
    expect((await run("true", { cwd: join(ws, "gone") })).refused).toMatch(/is gone/);
    expect((await run("true", { rules: rules("deny", ws, "Read(**)") })).refused).toMatch(/must not be read/);
    expect((await run("echo $HOME", { environment })).stdout).toBe(`${home}\n`);
  });

  it.each(["with space", "new\nline", "ünï-日本", "quote'\"$(x)", "-dash", "[glob]*"])(
    "works in a directory named %j",
    async (name) => {
      const { ws, run, outside } = actor.scene();
      const root = join(ws, name);
      const before = inventory(outside);
      mkdirSync(root);
      if (process.getuid?.() === 0) chownSync(root, actor.uid, actor.uid);
      const result = await run(
        [
          "/bin/bash",
          "-c",
          `git init -q . && echo hi > f && cat f && echo x > .mcp.json; echo x > ../../outside/n`,
        ],
        { root, cwd: root },
      );
      expect(result.stdout).toBe("hi\n");
      expect(result.violations.map(({ path }) => path)).toEqual([join(root, ".mcp.json")]);
      expect(inventory(outside)).toEqual(before);
    },
  );

  it("does not follow a link that a command put in place of an allowed directory", async () => {
    const { run, ws, outside } = actor.scene();
    const before = inventory(outside);
    const sandbox = { allowWrite: [join(ws, "build")] };
    await run("mkdir -p build && echo 1 > build/x", { sandbox });
    await run(`rm -rf build && ln -s ${outside} build`, { sandbox });
    await run("echo x > build/evil; rm -f build/file", { sandbox });
    expect(readlinkSync(join(ws, "build"))).toBe(outside);
    expect(inventory(outside)).toEqual(before);
  });

  it("confines a home that is the workspace", async () => {
    const { run, home, canary, environment } = actor.scene();
    const { XDG_STATE_HOME: _state, ...own } = environment;
    await run("true", { root: home, cwd: home, environment: own });
    // What cordon notes down for itself is its own business.
    const shown = (): readonly string[] =>
      inventory(home).filter((line) => !line.includes("/.local/state/cordon/"));
    const before = shown();
    const result = await run(
      "ls ~/.local/state/cordon; mv ~/.local l; echo x > ~/.local/state/cordon/x; cat ~/.ssh/id_rsa ~/.netrc; echo e >> ~/.bashrc; echo e > ~/.profile; echo e > ~/.zshenv; echo fine > ~/notes",
      { root: home, cwd: home, environment: own },
    );
    const left = join(home, ".local/state/cordon/quarantine");
    expect(result.stderr).toMatch(/^ls: .*state\/cordon': Permission denied$/m);
    expect(result.violations.map(({ path }) => path.slice(home.length + 1))).toEqual([".profile", ".zshenv"]);
    expect(readdirSync(left)).toHaveLength(1);
    rmSync(left, { recursive: true });
    expect(result.stdout + result.stderr).not.toContain(canary);
    expect(shown().filter((line) => !line.startsWith(join(home, "notes")))).toEqual(before);
    expect(readFileSync(join(home, "notes"), "utf8")).toBe("fine\n");
  });

  it("mends a protected link that was exchanged", async () => {
    const { run, ws, outside } = actor.scene();
    symlinkSync(join(outside, "dir"), join(ws, ".vscode"));
    const result = await run("rm .vscode; mkdir .vscode; echo evil > .vscode/tasks.json");
    expect(readlinkSync(join(ws, ".vscode"))).toBe(join(outside, "dir"));
    expect(result.violations).toMatchObject([{ kind: "replaced", restored: true }]);
    await run("rm .vscode");
    expect(readlinkSync(join(ws, ".vscode"))).toBe(join(outside, "dir"));
  });
});
