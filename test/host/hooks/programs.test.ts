import { execFileSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
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

  it("of the person's own hook is theirs", async () => {
    const at = scene();
    at.settings(hooking(["sh .claude/hooks/guard.sh"]));
    at.put("home/app/.claude/hooks/guard.sh", PASSES, 0o755);
    expect((await said(at))[0]).toBe("allow cmd.read-only");
  });
});
