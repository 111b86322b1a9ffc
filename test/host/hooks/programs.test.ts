import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { trustWith } from "../../../src/cli/trust.ts";
import { createGate } from "../../../src/host/gate.ts";
import { openCallHooks } from "../../../src/host/hooks/call-hooks.ts";
import { judgeWithHooks } from "../../../src/host/run/judge.ts";
import { type Scene, runIn, scene } from "../../cli/scene.ts";
import { hooking, saidOf } from "./world.ts";

const PASSES = "#!/bin/sh\ncat > /dev/null\n";
const agree = async (at: Scene): Promise<void> => {
  const { status } = await runIn(
    at,
    trustWith(async () => "yes"),
    [],
  );
  expect(status).toBe(0);
};
/** A repository with a hook and its program, both trusted. */
async function trusted(hook: string | object, program: string, text = PASSES): Promise<Scene> {
  const at = scene();
  execFileSync("git", ["init", "-q"], { cwd: at.project, stdio: "ignore" });
  at.put("home/app/.claude/settings.json", JSON.stringify(hooking([hook])));
  at.put(join("home/app", program), text, 0o755);
  await agree(at);
  return at;
}
const said = async (at: Scene): Promise<readonly [string, string]> => {
  const gate = createGate({ cwd: at.project, home: at.home, env: at.env });
  return saidOf(
    await judgeWithHooks(
      gate,
      { tool: "Bash", input: { command: "ls" } },
      {},
      openCallHooks(gate, "s", undefined),
    ),
  );
};
const FAILED = "deny hook.failed";

describe("the program of a trusted repository's hook", () => {
  it.each([
    ['"$CLAUDE_PROJECT_DIR"/.claude/hooks/guard.sh', ".claude/hooks/guard.sh"],
    ["sh .claude/hooks/guard.sh", ".claude/hooks/guard.sh"],
    [{ type: "command", command: "sh", args: [".cordon/hooks/guard.sh"] }, ".cordon/hooks/guard.sh"],
  ])(
    "%j runs as it was trusted, and no more once it changed, until somebody agrees",
    async (hook, program) => {
      const at = await trusted(hook, program);
      expect((await said(at))[0]).toBe("allow cmd.read-only");
      at.put(join("home/app", program), `${PASSES}touch "$CLAUDE_PROJECT_DIR/ran"\n`, 0o755);
      const [verdict, why] = await said(at);
      expect([verdict, why]).toEqual([FAILED, expect.stringContaining("is not what was trusted")]);
      await agree(at);
      expect((await said(at))[0]).toBe("allow cmd.read-only");
    },
  );

  it("is not run behind a link either", async () => {
    const at = await trusted("sh .claude/hooks/guard.sh", ".claude/hooks/guard.sh");
    const file = join(at.project, ".claude/hooks/guard.sh");
    rmSync(file);
    symlinkSync(at.put("home/app/other.sh", PASSES, 0o755), file);
    expect((await said(at))[0]).toBe(FAILED);
  });

  it("may be a module", async () => {
    const path = ".claude/hooks/guard.mjs";
    const at = await trusted({ type: "module", path }, path, 'export default () => ({ decision: "allow" });');
    expect((await said(at))[0]).toBe("allow cmd.read-only");
    at.put(join("home/app", path), 'export default async () => ({ decision: "allow" });');
    expect((await said(at))[0]).toBe(FAILED);
  });

  it("is not part of the consent where it lies elsewhere, as the page says", async () => {
    const at = await trusted("sh ./guard.sh", "guard.sh");
    at.put("home/app/guard.sh", `${PASSES}true\n`, 0o755);
    expect((await said(at))[0]).toBe("allow cmd.read-only");
  });

  describe("in a session that was started further down in the checkout", () => {
    const TOP = '"$CLAUDE_PROJECT_DIR"/.claude/hooks/guard.sh';
    const further = (at: Scene): Scene => {
      at.put("home/app/js/src/x", "");
      return { ...at, project: join(at.project, "js/src") };
    };

    it.each([
      [TOP, ".claude/hooks/guard.sh"],
      [
        { type: "command", command: "${CLAUDE_PROJECT_DIR}/.claude/hooks/guard.sh", args: [] },
        ".claude/hooks/guard.sh",
      ],
      ['test "$(realpath "$CLAUDE_PROJECT_DIR/js/src")" = "$PWD" || exit 2', ".claude/hooks/guard.sh"],
      [{ type: "module", path: ".cordon/hooks/guard.mjs" }, ".cordon/hooks/guard.mjs"],
    ])("is that of the top: %j", async (hook, program) => {
      const text = program.endsWith(".mjs") ? 'export default () => ({ decision: "allow" });' : PASSES;
      const at = await trusted(hook, program, text);
      expect((await said(further(at)))[0]).toBe("allow cmd.read-only");
    });

    it("is compared with what was trusted at the top, and protected there", async () => {
      const at = await trusted(TOP, ".claude/hooks/guard.sh");
      at.put("home/app/.claude/hooks/guard.sh", `${PASSES}true\n`, 0o755);
      expect(await said(further(at))).toEqual([FAILED, expect.stringContaining("is not what was trusted")]);
      const gate = createGate({ cwd: further(at).project, home: at.home, env: at.env });
      expect(gate.policy.limitsOfPaths.protectedPaths).toContain(join(at.project, ".claude/hooks/guard.sh"));
    });

    it("is no file there of the same relative name", async () => {
      const at = await trusted("sh ./guard.sh", "guard.sh");
      at.put("home/app/js/src/guard.sh", `${PASSES}touch ${at.top}/planted\n`, 0o755);
      expect(await said(further(at))).toEqual([
        FAILED,
        expect.stringContaining("is not the project's file of that name"),
      ]);
      expect(existsSync(join(at.top, "planted"))).toBe(false);
    });

    it("runs beside the person's own hook of the same text, which is about the directory in use", async () => {
      const text = `printf '%s\\n' "$CLAUDE_PROJECT_DIR" >> "$HOME/ran"`;
      const at = await trusted(text, ".claude/hooks/guard.sh");
      at.settings(hooking([text]));
      const ran = (): readonly string[] => readFileSync(join(at.home, "ran"), "utf8").trim().split("\n");
      await said(at);
      expect(ran()).toEqual([at.project]);
      rmSync(join(at.home, "ran"));
      await said(further(at));
      expect(ran().toSorted()).toEqual([at.project, join(at.project, "js/src")]);
    });
  });

  it("of the person's own hook is theirs", async () => {
    const at = scene();
    at.settings(hooking(["sh .claude/hooks/guard.sh"]));
    at.put("home/app/.claude/hooks/guard.sh", PASSES, 0o755);
    expect((await said(at))[0]).toBe("allow cmd.read-only");
  });
});
