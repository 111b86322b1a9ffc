import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, NODE, type Scene, type Stage, WHO, inventory, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

describe.each(WHO)("traces on the machine, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  /** A driver of its own that runs one command, to be killed. */
  const launcher = (scene: Scene, command: string): ChildProcess => {
    const [file = "", ...args] = actor.as(NODE, actor.driver, "serve", join(stage.base, "paths.json"));
    const child = spawn(file, args, { stdio: ["pipe", "ignore", "inherit"], env: {} });
    child.stdin?.write(
      `${JSON.stringify({ id: 1, confined: true, root: scene.ws, environment: scene.environment, command })}\n`,
    );
    return child;
  };
  const until = async (path: string): Promise<void> => {
    for (let left = 200; !existsSync(path); left--) {
      if (left === 0) throw new Error(`${path} did not appear`);
      await pause(20);
    }
  };
  const everything = ({ ws, home, outside }: Scene): readonly string[] =>
    [ws, home, outside].flatMap((path) => inventory(path)).filter((line) => !line.includes("/beat "));

  it("none while a command runs, none after it", async () => {
    const scene = actor.scene();
    scene.outsideRun(`cd ${scene.ws}; mkdir .vscode; echo t > .vscode/tasks.json; echo s > .env`);
    const before = everything(scene);
    const stamps = [".vscode", ".vscode/tasks.json", ".git/config", ".git/hooks"].map((name) =>
      statSync(join(scene.ws, name)),
    );
    const running = scene.run("sleep 0.5", {
      sandbox: { denyRead: [join(scene.ws, ".env"), join(scene.ws, "absent")] },
    });
    await pause(250);
    expect(everything(scene)).toEqual(before);
    expect((await running).status).toBe(0);
    expect(everything(scene)).toEqual(before);
    const now = [".vscode", ".vscode/tasks.json", ".git/config", ".git/hooks"].map((name) =>
      statSync(join(scene.ws, name)),
    );
    expect(now.map(({ mtimeMs, ctimeMs, ino }) => [mtimeMs, ctimeMs, ino])).toEqual(
      stamps.map(({ mtimeMs, ctimeMs, ino }) => [mtimeMs, ctimeMs, ino]),
    );
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(scene.ws);
  });

  it("no control group, after many commands at once and one after the other", async ({ skip }) => {
    const groups = "/sys/fs/cgroup/pids";
    if (who !== "root" || !existsSync(groups)) return skip();
    const scene = actor.scene();
    const own = (): readonly string[] => readdirSync(groups).filter((name) => /^cordon-\d/.test(name));
    const before = new Set(own());
    for (let round = 0; round < 4; round++) await scene.run("(sleep 5 &) ; true");
    await Promise.all([1, 2, 3, 4].map(async () => scene.run("true")));
    // Another test file's commands come and go; what stays is a trace.
    const left = own().filter((name) => !before.has(name));
    if (left.length > 0) await pause(700);
    expect(own().filter((name) => left.includes(name))).toEqual([]);
  });

  it("none but the command's own work", async () => {
    const scene = actor.scene();
    const before = inventory(scene.ws);
    await scene.run("echo made > made; mkdir dir; echo x > dir/.mcp.json");
    const after = inventory(scene.ws);
    expect(after.filter((line) => !before.includes(line))).toEqual([
      expect.stringMatching(/\/dir 40755$/),
      expect.stringMatching(/\/made 100644 made\n$/),
    ]);
    expect(before.filter((line) => !after.includes(line))).toEqual([]);
  });

  it("none after the launcher is killed, and nothing lives on", async () => {
    const scene = actor.scene();
    const before = everything(scene);
    const beat = join(scene.ws, "beat");
    const child = launcher(
      scene,
      `trap '' TERM HUP INT; setsid bash -c "while :; do date +%N > ${beat}; sleep 0.02; done" & sleep 100`,
    );
    await until(beat);
    child.kill("SIGKILL");
    await pause(400);
    const then = statSync(beat).mtimeMs;
    await pause(300);
    expect(statSync(beat).mtimeMs).toBe(then);
    expect(everything(scene)).toEqual(before);
    const next = await scene.run("rm beat; echo next");
    expect(next.stdout).toBe("next\n");
    if (who === "root" && existsSync("/sys/fs/cgroup/pids"))
      expect(
        readdirSync("/sys/fs/cgroup/pids").filter((name) => name.startsWith(`cordon-${child.pid}-`)),
      ).toEqual([]);
  });

  it("what a killed launcher's command planted is found by the next one", async () => {
    const scene = actor.scene();
    scene.outsideRun(`cd ${scene.ws}; echo mine > .envrc`);
    const child = launcher(
      scene,
      "echo evil > .mcp.json; git init -q sub; echo hook > sub/.git/hooks/pre-commit; echo up > up; sleep 100",
    );
    await until(join(scene.ws, "up"));
    expect(
      readdirSync(join(scene.state, "cordon/running")).filter((name) => name.endsWith(".json")),
    ).toHaveLength(1);
    child.kill("SIGKILL");
    await pause(200);
    const next = await scene.run("ls -a; ls sub/.git/hooks | grep -v sample; cat .envrc");
    expect(next.stdout).not.toContain(".mcp.json");
    expect(next.stdout).not.toContain("pre-commit");
    expect(next.stdout).toContain("mine\n");
    expect(next.violations.map(({ path, earlier }) => [path, earlier])).toEqual([
      [join(scene.ws, ".mcp.json"), true],
      [join(scene.ws, "sub/.git/hooks/pre-commit"), true],
    ]);
    expect(readdirSync(join(scene.state, "cordon/running"))).toEqual([]);
    expect((await scene.run("true")).violations).toEqual([]);
  });

  it("two sessions in one workspace do not disturb each other", async () => {
    const scene = actor.scene();
    const results = await Promise.all(
      Array.from({ length: 6 }, async (_unused, index) =>
        scene.run(
          `for i in 1 2 3 4 5; do echo ${index} > f${index}; cat f${index} >/dev/null; mkdir -p d${index}; sleep 0.02; done; echo done`,
        ),
      ),
    );
    for (const result of results)
      expect(result).toMatchObject({ status: 0, stdout: "done\n", violations: [] });
    expect(readdirSync(scene.ws).filter((name) => /^[fd]\d$/.test(name))).toHaveLength(12);
  });

  it("a hundred masks are built", async () => {
    const scene = actor.scene();
    scene.outsideRun(
      `cd ${scene.ws}; mkdir s; cd s; for i in $(seq 120); do echo ${scene.canary} > $i.key; done`,
    );
    const denyRead = Array.from({ length: 120 }, (_unused, index) => join(scene.ws, `s/${index + 1}.key`));
    const result = await scene.run("cat s/*; echo done", { sandbox: { denyRead } });
    expect(result.stdout).toBe("done\n");
    expect(result.stderr.match(/Permission denied/g)).toHaveLength(120);
  });
});
