import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCallHooks } from "../../../src/host/hooks/call-hooks.ts";
import { runCall } from "../../../src/host/run/run-call.ts";
import { scene } from "../../cli/scene.ts";
import { gateWith, hooking, linesOf, run, saidOf, trial } from "./world.ts";

describe("the files of hooks", () => {
  it.each([
    "./guard.sh",
    "bash guard.sh --fast",
    '"$CLAUDE_PROJECT_DIR"/guard.sh',
    "test -f x || ${CLAUDE_PROJECT_DIR}/guard.sh",
  ])("%s: an agent that would change it asks, and its commands cannot", async (command) => {
    const at = scene();
    at.put("home/app/guard.sh", "exit 0\n", 0o755);
    const settings = { ...hooking([command]), permissions: { allow: ["Edit", "Bash"] } };
    const gate = gateWith({ settings, at });
    for (const name of ["guard.sh", join(at.project, "guard.sh")])
      expect(gate.decide({ tool: "Write", input: { file_path: name, content: "" } })).toMatchObject({
        verdict: "ask",
        code: "path.protected",
      });
    expect(gate.decide({ tool: "Write", input: { file_path: "other.sh", content: "" } }).verdict).toBe(
      "allow",
    );
    const outcome = await runCall(
      gate,
      { tool: "Bash", input: { command: 'python3 -c \'open(chr(103)+"uard.sh", "w")\'' } },
      { ask: async () => ({ kind: "once" }), stdio: { output: "collect", stdin: "ignore" } },
    );
    expect(outcome).toMatchObject({ kind: "ran", confined: true, result: { status: 1 } });
    expect(readFileSync(join(at.project, "guard.sh"), "utf8")).toBe("exit 0\n");
  });
});

describe("hooks that cordon cannot run", () => {
  it.each([
    ["command-line", { type: "prompt", prompt: "good?" }, "ask hook.unsupported", "not supported yet"],
    ["command-line", { type: "command" }, "ask hook.unsupported", "needs a `command`"],
    ["managed", { type: "agent", prompt: "look" }, "deny hook.unsupported", "not supported yet"],
  ] as const)("of %s settings, %j: %s", async (scope, handler, verdict, why) => {
    const settings = hooking([handler]);
    // A command that needs no question otherwise.
    const what = scope === "managed" ? { settings: {}, managed: settings } : { settings };
    const [said, reason] = saidOf(await trial({ ...what, command: "echo a" }));
    expect(said).toBe(verdict);
    expect(reason).toContain(why);
  });

  it("ask only where they are meant", async () => {
    const settings = { hooks: { PreToolUse: [{ matcher: "Edit", hooks: [{ type: "prompt" }] }] } };
    expect(saidOf(await trial({ settings, command: "echo a" }))[0]).toBe("allow cmd.read-only");
  });
});

describe("`if`", () => {
  it.each([
    ["Bash(git push *)", "git push origin x", true],
    ["Bash(git push *)", "git pull", false],
    ["Bash(git push *)", "cd x && A=1 git push origin x", true],
    ["Bash(git push *)", "echo $(git push origin x)", true],
    ["Bash(git push *)", "bash -c 'git push origin x'", true],
    ["Bash(git push *)", "echo 'git push origin x'", false],
    ["Bash(git push *)", "$tool push origin x", true],
    ["Bash(git push *)", "git 'unclosed", true],
    ["Bash(git:*)", "git", true],
    ["Bash", "echo a", true],
    ["Edit(*.ts)", "echo a > b.ts", false],
    ["Read", "cat a", false],
    ["WebFetch(domain:a.example)", "curl https://a.example", false],
    ["*", "echo a", true],
  ])("%s for %s: %s", async (rule, command, runs) => {
    const handler = { type: "command", command: "exit 2", if: rule };
    const { ran } = await trial({ settings: hooking([handler]), command });
    expect(ran.length === 1).toBe(runs);
  });

  it("holds files against the path a tool names", async () => {
    const at = scene();
    const settings = hooking([{ type: "command", command: "exit 2", if: "Edit(src/**)" }]);
    const gate = gateWith({ settings, at });
    const hooks = openCallHooks(gate, "s", undefined);
    const count = async (tool: string, path: string): Promise<number> =>
      (await hooks.run("PreToolUse", { tool, input: { file_path: path } })).length;
    expect(await count("Edit", "src/a.ts")).toBe(1);
    expect(await count("Write", join(at.project, "src/a.ts"))).toBe(1);
    expect(await count("Edit", "other/a.ts")).toBe(0);
    expect(await count("Read", "src/a.ts")).toBe(0);
  });

  it("never holds on events that are about no call", async () => {
    const at = scene();
    await run(
      at,
      hooking([{ type: "command", command: "echo x >> log", if: "Bash" }], "SessionStart"),
      "echo a",
    );
    expect(linesOf(at)).toEqual([]);
  });
});

describe("a matcher", () => {
  it.each([
    ["Bash", true],
    ["Edit|Bash", true],
    ["Edit", false],
    ["^B", true],
    ["Task", false],
  ])("%s for Bash: %s", async (matcher, runs) => {
    const settings = {
      hooks: { PreToolUse: [{ matcher, hooks: [{ type: "command", command: "exit 2" }] }] },
    };
    expect((await trial({ settings })).ran.length === 1).toBe(runs);
  });
  it("is held against the source of a session", async () => {
    const at = scene();
    const group = (matcher: string): object => ({
      matcher,
      hooks: [{ type: "command", command: `echo ${matcher} >> log` }],
    });
    await run(at, { hooks: { SessionStart: [group("startup"), group("resume")] } }, "echo a");
    expect(linesOf(at)).toEqual(["startup"]);
  });
});
