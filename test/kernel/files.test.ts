import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
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

  const writes: readonly (readonly [name: string, command: (outside: string) => string])[] = [
    ["a new file", (out) => `echo x > ${out}/new`],
    ["by ..", (out) => `echo x > ../outside/new; echo x > ${out}/dir/../new2`],
    ["changing", (out) => `echo x >> ${out}/file; truncate -s 0 ${out}/secret`],
    ["removing", (out) => `rm -f ${out}/file; rmdir ${out}/dir`],
    [
      "by a link",
      (out) =>
        `ln -s ${out}/file l && echo x > l; ln -s ${out}/new m && echo x > m; ln -s ${out} d && echo x > d/n`,
    ],
    ["by a hard link", (out) => `ln ${out}/file h && echo x > h`],
    ["by renaming out", (out) => `echo x > f && mv f ${out}/moved`],
    [
      "mode, time, attribute",
      (out) => `chmod 777 ${out}/file; touch -d 2001-01-01 ${out}/file; setfattr -n user.x -v 1 ${out}/file`,
    ],
    ["by /proc", (out) => `echo x > /proc/self/root${out}/new; echo x > /proc/$$/cwd/../outside/new`],
  ];
  it.each(writes)("keeps the outside from a write: %s", async (_name, command) => {
    const control = actor.scene();
    const before = inventory(control.outside);
    await control.open(command(control.outside));
    const changed = JSON.stringify(inventory(control.outside)) !== JSON.stringify(before);
    const touched = lstatSync(join(control.outside, "file"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    expect(changed || touched < 1e12, "the attack works without a sandbox").toBe(true);

    const scene = actor.scene();
    const there = inventory(scene.outside);
    const { mtimeMs, ctimeMs } = statSync(join(scene.outside, "file"));
    await scene.run(command(scene.outside));
    expect(inventory(scene.outside)).toEqual(there);
    expect(statSync(join(scene.outside, "file"))).toMatchObject({ mtimeMs, ctimeMs });
  });

  it("leaves home as it is, and writes no key", async () => {
    const { run, home } = actor.scene();
    const before = inventory(home);
    const { status } = await run(
      `echo evil >> ~/.bashrc; echo k >> ~/.ssh/authorized_keys; echo evil >> ~/.gitconfig; mkdir -p ~/.config/git`,
    );
    expect(status).not.toBe(0);
    expect(inventory(home)).toEqual(before);
  });

  it("swaps of a directory and a link during writes touch nothing outside", async () => {
    const { run, outside } = actor.scene();
    const before = inventory(outside);
    await run(
      `mkdir d; (for i in $(seq 80); do rm -rf d; ln -s ${outside} d; rm -f d; mkdir d; done) & for i in $(seq 80); do echo x > d/x; done; wait`,
    );
    expect(inventory(outside)).toEqual(before);
  });

  const reads: readonly (readonly [name: string, command: string])[] = [
    ["directly", "cat ~/.ssh/id_rsa ~/.netrc"],
    ["by a link", "ln -s ~/.ssh/id_rsa k; cat k; ln -s ~/.ssh s; cat s/id_rsa; ln -s ~ h; cat h/.netrc"],
    ["by a hard link", "ln ~/.ssh/id_rsa k; cat k"],
    ["by /proc", "cat /proc/self/root$HOME/.ssh/id_rsa /proc/1/root$HOME/.netrc"],
    [
      "by opening the mask",
      "chmod 755 ~/.ssh; cat ~/.ssh/id_rsa; umount ~/.ssh; umount -l ~/.netrc; cat ~/.netrc ~/.ssh/id_rsa",
    ],
    [
      "in a new mount namespace",
      "unshare -Urm bash -c 'umount ~/.netrc; umount -l ~/.ssh; cat ~/.netrc ~/.ssh/id_rsa'",
    ],
    ["by copying the tree", "cp -r ~ c; tar cf - ~ | cat; grep -r canary ~"],
    ["in the environment", "env; cat /proc/*/environ /proc/*/cmdline"],
  ];
  it.each(reads)("keeps secrets unread: %s", async (name, command) => {
    const control = actor.scene();
    const open = await control.open(command);
    expect(open.stdout, "the attack works without a sandbox").toContain(control.canary);

    const scene = actor.scene();
    const { stdout, stderr } = await scene.run(command);
    expect(stdout + stderr).not.toContain(scene.canary);
    if (name === "directly") expect(stderr).toMatch(/Permission denied/);
    if (name === "by opening the mask") expect(stderr).toMatch(/chmod: .*Read-only file system/);
    const kept = inventory(scene.ws, [".git"]).join("\n");
    expect(kept).not.toContain(scene.canary);
  });

  it("reads known hosts, which are no secret", async () => {
    const { run } = actor.scene();
    expect(await run("cat ~/.ssh/known_hosts")).toMatchObject({ status: 0, stdout: "known\n" });
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
    const before = inventory(home);
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
    expect(inventory(home).filter((line) => !line.startsWith(join(home, "notes")))).toEqual(before);
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

  it("writes nothing into the kernel's knobs and devices", async () => {
    const { run } = actor.scene();
    const knob = "/proc/sys/kernel/core_pattern";
    const before = readFileSync(knob, "utf8");
    const result = await run(
      `echo '|/bin/false' > ${knob}; echo ${before.trim()} > ${knob}; for f in /proc/sysrq-trigger /proc/sys/kernel/modprobe /proc/self/oom_score_adj /sys/kernel/uevent_helper /sys/fs/cgroup/cgroup.procs; do test -w $f && echo "writable $f"; done; mkdir /sys/fs/cgroup/evil /sys/fs/cgroup/pids/evil; mknod d b 254 0; cat /proc/kcore /dev/mem /dev/vda /dev/sda | head -c 1; mount -o remount,rw /proc; mount -t tmpfs x /mnt; echo done`,
    );
    expect(readFileSync(knob, "utf8")).toBe(before);
    expect(result.stdout).toBe("done\n");
  });
});
