import { describe, expect, it } from "vitest";
import { readAnswer } from "../../../src/core/hooks/answer.ts";
import { fillPlaceholders, hookEnvironment } from "../../../src/core/hooks/environment.ts";
import { isOwnHook } from "../../../src/core/hooks/select.ts";
import { allowsUrl, fillHeader } from "../../../src/core/hooks/urls.ts";
import { HOOK_EVENTS, type Hook, type HookEvent } from "../../../src/core/settings/hooks.ts";
import {
  hookCommand,
  isHookCommand,
  isStartCommand,
  startCommand,
} from "../../../src/agents/claude-code/hook-command.ts";

const exited = (status: number, stdout = "", stderr = "") =>
  ({ kind: "exited", status, stdout, stderr, cut: false }) as const;
const specific = (event: HookEvent, more: object): string =>
  JSON.stringify({ hookSpecificOutput: { hookEventName: event, ...more } });

describe("what an end means, event by event", () => {
  it.each<readonly [HookEvent, string]>([
    ["PreToolUse", "deny"],
    ["PostToolUse", "deny"],
    ["PostToolUseFailure", "deny"],
    ["ConfigChange", "deny"],
    ["PermissionRequest", "failure"],
    ["PermissionDenied", "failure"],
    ["SessionStart", "failure"],
    ["SessionEnd", "failure"],
  ])("status 2 on %s: %s", (event, what) => {
    const answer = readAnswer(event, exited(2, "", "said"));
    if (what === "deny") expect(answer).toMatchObject({ decision: "deny", reason: "said" });
    else expect(answer).toMatchObject({ decision: "none", failure: expect.stringContaining("said") });
  });

  it.each(HOOK_EVENTS)("%s: every event knows text for the person and an end of everything", (event) => {
    const text = JSON.stringify({ continue: false, stopReason: "s", systemMessage: "m" });
    expect(readAnswer(event, exited(0, text))).toMatchObject({ stop: "s", message: "m" });
  });

  it.each<readonly [HookEvent, string, object]>([
    ["PostToolUse", '{"decision": "block", "reason": "r"}', { decision: "deny", reason: "r" }],
    ["PostToolUse", '{"decision": "approve"}', { failure: expect.any(String) }],
    ["PostToolUse", specific("PostToolUse", { additionalContext: "c" }), { context: "c" }],
    ["PostToolUseFailure", specific("PostToolUseFailure", { additionalContext: "c" }), { context: "c" }],
    ["ConfigChange", '{"decision": "block", "reason": "r"}', { decision: "deny", reason: "r" }],
    ["SessionStart", "some text", { decision: "none", context: "some text" }],
    ["PreToolUse", "some text", { decision: "none", reason: "" }],
    ["PermissionDenied", specific("PermissionDenied", { retry: true }), { decision: "none" }],
    ["PermissionRequest", "{}", { decision: "none" }],
    [
      "PermissionRequest",
      specific("PermissionRequest", { decision: { behavior: "allow" } }),
      { decision: "allow" },
    ],
    [
      "PermissionRequest",
      specific("PermissionRequest", { decision: { behavior: "allow", updatedInput: { a: 1 } } }),
      { decision: "allow", input: { a: 1 } },
    ],
    [
      "PermissionRequest",
      specific("PermissionRequest", { decision: { behavior: "deny", message: "m", interrupt: true } }),
      { decision: "deny", reason: "m", stop: "m" },
    ],
    [
      "PermissionRequest",
      specific("PermissionRequest", { decision: { behavior: "ask" } }),
      { failure: expect.any(String) },
    ],
    [
      "PermissionRequest",
      specific("PermissionRequest", { decision: "allow" }),
      { failure: expect.any(String) },
    ],
    [
      "PermissionRequest",
      specific("PreToolUse", { permissionDecision: "allow" }),
      { failure: expect.any(String) },
    ],
  ])("%s, %s", (event, text, wanted) => {
    expect(readAnswer(event, exited(0, text))).toMatchObject(wanted);
  });
});

describe("an address", () => {
  it.each([
    ["https://a.example/x", "https://a.example/x", true],
    ["https://A.Example./x", "https://a.example/x", true],
    ["https://a.example/x", "https://a.example./x", true],
    ["https://a.example/x", "https://a.example/x?y", false],
    ["https://a.example/*", "https://a.example/x?y", true],
    ["https://a.example", "https://a.example/", true],
    ["https://a.example", "https://a.example/x", false],
    ["https://a.example/*", "http://a.example/x", false],
    ["https://a.example/*", "https://a.example:8443/x", false],
    ["https://a.example:*/*", "https://a.example:8443/x", true],
    ["https://a.example:443/*", "https://a.example/x", true],
    ["https://*.example/*", "https://a.b.example/x", true],
    ["https://*.example/*", "https://example/x", false],
    ["https://a.example*/*", "https://a.example.evil/x", false],
    ["https://*/*", "https://a/x", true],
    ["*://a/*", "http://a/x", true],
    ["a.example", "https://a.example/", false],
    ["https://me@a.example/*", "https://a.example/x", false],
    ["*", "https://a.example/x", true],
  ])("%s for %s: %s", (pattern, url, allowed) => expect(allowsUrl([pattern], url)).toBe(allowed));

  it("in headers only variables that every list names are filled in", () => {
    const env = { A: "1", B: "2" };
    expect(fillHeader("$A ${B} $C $", [["A", "B", "C"]], env)).toBe("1 2  $");
    expect(fillHeader("$A$B", [["A", "B"], ["B"]], env)).toBe("2");
    expect(fillHeader("$A", [], env)).toBe("1");
  });
});

describe("the surroundings of a hook", () => {
  it("pass on nothing that is not on the list", () => {
    const caller = {
      HOME: "/elsewhere",
      PATH: ".:/bin:",
      AWS_SECRET_ACCESS_KEY: "x",
      NODE_OPTIONS: "-r x",
      BASH_ENV: "y",
      LD_PRELOAD: "z",
    };
    expect(hookEnvironment(caller, { root: "/p", home: "/h" }, "m")).toEqual({
      HOME: "/h",
      PATH: "/bin",
      TMPDIR: "/tmp",
      CLAUDE_PROJECT_DIR: "/p",
      CORDON_HOOK: "m",
    });
  });
  it("fill in the project's root", () =>
    expect(fillPlaceholders("${CLAUDE_PROJECT_DIR}/a ${CLAUDE_PROJECT_DIR}", "/$&")).toBe("/$&/a /$&"));

  it("know cordon's own entry as the installation does", () => {
    const hook = (command: string): Hook => ({
      event: "PreToolUse",
      matcher: { kind: "all" },
      conditions: undefined,
      name: "",
      origin: { scope: "user" },
      timeout: 1,
      onFailure: "block",
      decides: true,
      repository: false,
      action: { kind: "command", command },
    });
    for (const hasTimeout of [true, false]) {
      const line = hookCommand("/opt/it's here/cordon", hasTimeout);
      expect([isHookCommand(line), isOwnHook(hook(line))]).toEqual([true, true]);
      const start = startCommand("/opt/it's here/cordon", hasTimeout);
      expect([isStartCommand(start), isOwnHook(hook(start))]).toEqual([true, true]);
    }
    expect(isOwnHook(hook("cordon hook claude-code session-start"))).toBe(true);
    for (const line of [
      "cordon hook",
      "cordon hook claude-code; exit 2",
      "./cordon hook claude-code",
      "echo x || cordon hook a b",
    ])
      expect(isOwnHook(hook(line)), line).toBe(false);
  });
});

describe("an answer that can be read in two ways is none", () => {
  it.each<readonly [string, string]>([
    ["a key that stands twice", '{"decision": "block", "reason": "", "decision": "approve"}'],
    ["and in another spelling", '{"decision": "block", "d\\u0065cision": "approve"}'],
    [
      "and inside of the input",
      '{"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": {"command": "a", "command": "b"}}}',
    ],
    ["a decision in the wrong place", '{"permissionDecision": "deny"}'],
    ["a decision of another event", '{"behavior": "deny"}'],
    ["a decision one level too deep", specific("PreToolUse", { decision: "block" })],
    ["a key in another case", '{"Decision": "block"}'],
    ["an answer behind a line of a log", 'checked\n{"decision": "block"}'],
    ["an answer in a list", '[{"decision": "block"}]'],
    ["an answer behind a NUL", '\0{"decision": "block"}'],
    ["an answer in a fence", '```json\n{"continue": false}\n```'],
    ["more levels than can be looked through", `{"a": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
  ])("%s", (_, stdout) => {
    expect(readAnswer("PreToolUse", exited(0, stdout))).toEqual({
      decision: "none",
      reason: "",
      failure: expect.any(String),
    });
  });

  it("keys of other meaning may stand anywhere, and equal ones in different objects", () => {
    const text = JSON.stringify({
      note: { decision: "x", a: { b: 1 }, c: { b: 1 } },
      hookSpecificOutput: { hookEventName: "PreToolUse", updatedInput: { behavior: "b", decision: "d" } },
    });
    expect(readAnswer("PreToolUse", exited(0, text))).toEqual({
      decision: "none",
      reason: "",
      input: { behavior: "b", decision: "d" },
    });
  });
});
