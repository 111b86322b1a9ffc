import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyAudit } from "../../../src/host/audit/verify.ts";
import type { Answer } from "../../../src/host/run/run-call.ts";
import { type Scene, scene } from "../../cli/scene.ts";
import { type Handler, hooking, linesOf, pre, printing, run } from "./world.ts";

const DENIES = printing(pre("deny", { permissionDecisionReason: "because" }));
const asking = (decision: object): string =>
  printing({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision } });

/** The records of the audit log, without what belongs to the chain. */
function records(at: Scene): readonly Record<string, unknown>[] {
  const directory = join(at.home, ".local/state/cordon/audit");
  expect(verifyAudit(directory).damage).toEqual([]);
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(directory, name), "utf8").trim().split("\n"))
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter(({ type }) => type !== "start");
}

describe("the hooks around a call", () => {
  const events = [
    "SessionStart",
    "PreToolUse",
    "PermissionRequest",
    "PermissionDenied",
    "PostToolUse",
    "PostToolUseFailure",
    "SessionEnd",
  ];
  const all = {
    hooks: Object.fromEntries(
      events.map((event) => [
        event,
        [{ hooks: [{ type: "command", command: `cat > last-${event}; echo ${event} >> log` }] }],
      ]),
    ),
  };
  it.each([
    ["echo hi", "nobody", ["SessionStart", "PreToolUse", "PostToolUse", "SessionEnd"]],
    [
      "ls /nowhere-at-all",
      "nobody",
      ["SessionStart", "PreToolUse", "PermissionRequest", "PermissionDenied", "SessionEnd"],
    ],
    ["cat missing", "nobody", ["SessionStart", "PreToolUse", "PostToolUseFailure", "SessionEnd"]],
    [
      "touch a",
      "nobody",
      ["SessionStart", "PreToolUse", "PermissionRequest", "PermissionDenied", "SessionEnd"],
    ],
    [
      "touch a",
      { kind: "once" },
      ["SessionStart", "PreToolUse", "PermissionRequest", "PostToolUse", "SessionEnd"],
    ],
    ["git push -f origin main", "nobody", ["SessionStart", "PreToolUse", "PermissionDenied", "SessionEnd"]],
  ] as const)("%s, answered %j: %j", async (command, answer, ran) => {
    const at = scene();
    await run(at, all, command, answer);
    expect(linesOf(at)).toEqual(ran);
  });

  it("get what became of it", async () => {
    const at = scene();
    const payload = (event: string): unknown =>
      JSON.parse(readFileSync(join(at.project, `last-${event}`), "utf8"));
    await run(at, all, "echo hi");
    expect(payload("PostToolUse")).toMatchObject({
      tool_response: { stdout: "hi\n", stderr: "", interrupted: false, exit_code: 0 },
      tool_use_id: expect.any(String),
      duration_ms: expect.any(Number),
    });
    expect(payload("SessionStart")).toMatchObject({ hook_event_name: "SessionStart", source: "startup" });
    await run(at, all, "cat missing");
    expect(payload("PostToolUseFailure")).toMatchObject({
      error: expect.stringContaining("exit status 1\ncat: missing"),
      is_interrupt: false,
    });
    await run(at, all, "touch a");
    expect(payload("PermissionDenied")).toMatchObject({
      reason: expect.stringContaining("nobody is there to ask"),
    });
    expect(payload("PermissionRequest")).not.toHaveProperty("tool_use_id");
    expect(payload("PermissionRequest")).toMatchObject({
      permission_suggestions: [{ type: "addRules", rules: [{ toolName: "Bash" }], behavior: "allow" }],
    });
  });

  it("give the agent what they add, once, before and after it", async () => {
    const context = (event: string): Handler =>
      printing({ hookSpecificOutput: { hookEventName: event, additionalContext: `${event} says` } });
    const hooks = Object.fromEntries(
      ["PreToolUse", "PostToolUse"].map((event) => [
        event,
        [{ hooks: [{ type: "command", command: context(event) }] }],
      ]),
    );
    const { outcome } = await run(scene(), { hooks }, "echo hi");
    expect(outcome.feedback).toEqual(["PreToolUse says", "PostToolUse says"]);
  });

  it("afterwards cannot undo it, and what they say reaches the agent and the person", async () => {
    const at = scene();
    const block = printing({ decision: "block", reason: "do not do that again" });
    const { outcome, told } = await run(at, hooking([block], "PostToolUse"), "echo hi");
    expect(outcome).toMatchObject({ kind: "ran", feedback: ["do not do that again"] });
    expect(told).toEqual([expect.stringMatching(/^the hook `printf.* objects: do not do that again$/)]);
    const failing = await run(at, hooking(["exit 7"], "PostToolUse"), "echo hi");
    expect(failing.outcome.kind).toBe("ran");
    expect(failing.told).toEqual([expect.stringContaining("failed: it ended with status 7")]);
  });

  it("at the start of a session may stop it", async () => {
    const at = scene();
    const stop = printing({ continue: false, stopReason: "not today" });
    const { outcome } = await run(at, hooking([stop], "SessionStart"), "echo hi > made");
    expect(outcome).toMatchObject({ kind: "refused", by: "gate", decision: { code: "hook.stop" } });
    expect(existsSync(join(at.project, "made"))).toBe(false);
  });
});

describe("a hook for questions", () => {
  it.each([
    [{ behavior: "allow" }, "touch a", "ran", "hook.allow"],
    [{ behavior: "deny", message: "no" }, "touch a", "refused", "hook.deny"],
    [{ behavior: "deny", interrupt: true }, "touch a", "refused", "hook.stop"],
    // It answers what a PreToolUse hook could, and nothing graver.
    [{ behavior: "allow" }, "git reset --hard", "refused", "cmd.destructive"],
    [{ behavior: "allow" }, "cat /etc/hostname", "refused", "path.outside"],
    [{ behavior: "allow", updatedInput: { command: "echo a" } }, "touch a", "ran", "hook.allow"],
    [
      { behavior: "allow", updatedInput: { command: "git push -f origin main" } },
      "touch a",
      "refused",
      "git.force-push-protected",
    ],
  ] as const)("%j for %s: %s", async (decision, command, kind, code) => {
    const at = scene();
    const { outcome } = await run(at, hooking([asking(decision)], "PermissionRequest"), command);
    expect(outcome.kind).toBe(kind);
    expect(outcome.decision.code).toBe(code);
  });

  it.each(["exit 2", "exit 1", "printf '{x'"])("%s decides nothing: the person is asked", async (command) => {
    const at = scene();
    const { outcome, asked } = await run(at, hooking([command], "PermissionRequest"), "touch a", {
      kind: "once",
    });
    expect([outcome.kind, asked.length]).toEqual(["ran", 1]);
    expect(asked[0]?.decision.opinions).toContainEqual(
      expect.objectContaining({ code: "hook.failed", effect: "pass" }),
    );
  });

  it("decides before questions are denied for good", async () => {
    const settings = {
      ...hooking([asking({ behavior: "allow" })], "PermissionRequest"),
      permissions: { denyInsteadOfPrompting: true },
    };
    const { outcome } = await run(scene(), settings, "touch a");
    expect(outcome.kind).toBe("ran");
  });
});

describe("a hook for changes of the settings", () => {
  const always: Answer = { kind: "always", rules: [{ rule: "Bash(touch a)", destination: "local" }] };
  it.each([
    ["exit 2", false],
    [printing({ decision: "block", reason: "locked" }), false],
    ["exit 3", false],
    ["echo {", false],
    [{ type: "command", command: "exit 3", onFailure: "continue" }, true],
    [{ type: "command", command: "exit 2", async: true }, true],
    ["true", true],
  ])("%j: the rule is kept: %s", async (command, kept) => {
    const at = scene();
    const { told } = await run(at, hooking([command], "ConfigChange"), "touch a", always);
    expect(existsSync(join(at.project, ".cordon/settings.local.json"))).toBe(kept);
    expect(told.some((line) => line.includes("`Bash(touch a)` was not kept"))).toBe(!kept);
  });
});

describe("what is recorded", () => {
  it("names each hook, where it stands, how long it took and what it said", async () => {
    const at = scene();
    const settings = hooking([DENIES, { type: "command", command: "exit 3", onFailure: "continue" }]);
    await run(at, settings, "touch a");
    expect(records(at)).toMatchObject([
      {
        type: "decision",
        code: "hook.deny",
        hooks: [
          {
            event: "PreToolUse",
            source: "the command-line settings:1",
            answer: "deny",
            reason: "because",
            duration: expect.any(Number),
          },
          { name: "exit 3", answer: "none", failure: "it ended with status 3" },
        ],
      },
    ]);
  });

  it("is the call that runs, with the hook that changed it", async () => {
    const at = scene();
    const settings = hooking([printing(pre(undefined, { updatedInput: { command: "echo other" } }))]);
    const { told, outcome } = await run(at, settings, "touch a");
    expect(outcome.kind === "ran" && Buffer.from(outcome.result.stdout ?? []).toString()).toBe("other\n");
    expect(told).toEqual([expect.stringContaining("changed the input")]);
    const [decision] = records(at);
    expect(decision).toMatchObject({ input: { command: "echo other" }, hooks: [{ changed: true }, {}] });
  });

  it("hooks after the call stand in a record of their own, and secrets in none", async () => {
    const at = scene();
    const token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    await run(at, hooking([`: ${token}`], "PostToolUse"), "echo hi");
    expect(records(at).map(({ type }) => type)).toEqual(["decision", "run", "hooks"]);
    expect(records(at)[2]).toMatchObject({ tool: "Bash", hooks: [{ event: "PostToolUse", answer: "none" }] });
    expect(JSON.stringify(records(at))).not.toContain(token);
  });

  it("the question names the hook and its place, also where something graver is asked about", async () => {
    const at = scene();
    const settings = hooking([printing(pre("ask", { permissionDecisionReason: "look" }))]);
    const { asked } = await run(at, settings, "touch a");
    expect(asked[0]?.decision.why).toMatch(
      /^the hook `printf.*` \(the command-line settings:1\) wants a person to decide: look$/,
    );
  });
});
