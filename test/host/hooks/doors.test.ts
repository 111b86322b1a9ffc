import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { command as hookCommand } from "../../../src/cli/hook.ts";
import { command as runCommand } from "../../../src/cli/run.ts";
import { onTerminal } from "../../cli/pty.ts";
import { runIn, scene } from "../../cli/scene.ts";
import { hooking, linesOf, pre, printing } from "./world.ts";

describe("`cordon run`", () => {
  it("runs the hooks of the person's settings, and those of a repository only where it is trusted", async () => {
    const at = scene();
    at.settings({ ...hooking(["echo mine >> log; exit 2"]) });
    at.put("home/app/.claude/settings.json", JSON.stringify(hooking(["echo theirs >> log; exit 2"])));
    const { status, err } = await runIn(at, runCommand, ["--", "echo", "a"]);
    expect([status, linesOf(at)]).toEqual([126, ["mine"]]);
    expect(err).toContain("refused (hook.deny)");
    expect(err).toContain(`${join(at.home, ".config/cordon/settings.json")}:1`);
  });
});

describe("a question on the terminal", () => {
  it("names the hooks that ask, and those that failed and may", async () => {
    const at = scene();
    at.settings(
      hooking([
        printing(pre("ask", { permissionDecisionReason: "look first" })),
        { type: "command", command: "exit 9", onFailure: "continue" },
      ]),
    );
    const { screen, status } = await onTerminal(
      ["run", "--", "git", "reset", "--hard"],
      [{ expect: "answer [d]: ", send: "d\r" }],
      { cwd: at.project, env: at.env, columns: 400 },
    );
    expect(status).toBe(126);
    // The command itself is graver, and stands first.
    expect(screen).toMatch(/ why {6}throws away changes/);
    expect(screen).toMatch(
      / hook {5}the hook `printf .*settings\.json:1\) wants a person to decide: look first/,
    );
    expect(screen).toMatch(/ hook {5}the hook `exit 9` .*failed: it ended with status 9/);
  });
});

describe("`cordon hook`, where cordon is the hook of an agent", () => {
  it("runs no hooks, neither the agent's nor its own", async () => {
    const at = scene();
    at.settings(hooking(["echo ran >> log; exit 2"]));
    at.put(
      "home/.claude/settings.json",
      JSON.stringify(hooking(["echo ran >> log; exit 2", { type: "prompt" }])),
    );
    const input = JSON.stringify({
      cwd: at.project,
      session_id: "s",
      tool_name: "Bash",
      tool_input: { command: "echo a" },
      hook_event_name: "PreToolUse",
    });
    const { status, out } = await runIn(at, hookCommand, ["claude-code", "pre-tool-use"], { input });
    expect([status, linesOf(at)]).toEqual([0, []]);
    expect(out).not.toContain("deny");
  });

  it("loads nothing that runs them", () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, name = ""] of readFileSync(file, "utf8").matchAll(
        /^(?:import|export)(?! type)[^;]*? from "(\.[^"]+)";/gms,
      ))
        visit(join(dirname(file), name));
    };
    visit("src/cli/hook.ts");
    const names = [...seen].map((file) => relative("src", file));
    expect(names).toContain("core/layers/3-hooks.ts");
    expect(
      names.filter((name) => /^(?:core|host)\/hooks\/|run\/(?:hooked|judge|run-call)/.test(name)),
    ).toEqual([]);
  });
});
