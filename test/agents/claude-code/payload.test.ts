import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HookCall, readPayload } from "../../../src/agents/claude-code/payload.ts";
import { fixturesOf, haveFixtures } from "../fixtures.ts";

const PAYLOAD = { cwd: "/p", tool_name: "Bash", tool_input: { command: "ls" } };
const read = (more: object): ReturnType<typeof readPayload> =>
  readPayload(JSON.stringify({ ...PAYLOAD, ...more }));

function callOf(more: object): HookCall {
  const payload = read(more);
  if (payload.kind === "fault") throw new Error(payload.why);
  return payload.call;
}

describe.skipIf(!haveFixtures())("captured payloads", () => {
  const fixtures = fixturesOf("claude-code");
  it.each(fixtures.filter(({ event }) => event === "PreToolUse"))("reads $name", ({ stdin, tool }) => {
    const payload = readPayload(JSON.stringify(stdin));
    expect(payload).toEqual({
      kind: "call",
      call: {
        tool,
        input: stdin["tool_input"],
        cwd: stdin["cwd"],
        mode: "default",
        session: stdin["session_id"],
        agent: "claude-code",
      },
    });
  });
  it.each(fixtures.filter(({ event }) => event !== "PreToolUse"))(
    "takes $name for no tool call",
    ({ stdin }) => {
      expect(readPayload(JSON.stringify(stdin))).toEqual({
        kind: "fault",
        why: "the payload is not that of a PreToolUse hook",
      });
    },
  );
  it("has payloads to read", () => expect(fixtures.length).toBeGreaterThan(5));
  it.each(fixturesOf("claude-agent-sdk").filter(({ event }) => event === "PreToolUse"))(
    "reads $name of the SDK",
    ({ stdin }) => {
      expect(readPayload(JSON.stringify(stdin)).kind).toBe("call");
    },
  );
});

describe("a payload", () => {
  it.each([
    ["", "the payload is empty"],
    ["  \n", "the payload is empty"],
    ["nonsense", "the payload is no JSON"],
    ['{"cwd":"/p"', "the payload is no JSON"],
    ["null", "the payload is no JSON object"],
    ["[]", "the payload is no JSON object"],
    ['"x"', "the payload is no JSON object"],
    ["{}", "the payload has no `tool_name`"],
  ])("is refused: %j", (text, why) => expect(readPayload(text)).toEqual({ kind: "fault", why }));

  it.each([
    [{ hook_event_name: "PostToolUse" }, "the payload is not that of a PreToolUse hook"],
    [{ hook_event_name: 3 }, "the payload is not that of a PreToolUse hook"],
    [{ tool_name: undefined }, "the payload has no `tool_name`"],
    [{ tool_name: "" }, "the payload has no `tool_name`"],
    [{ tool_name: ["Bash"] }, "the payload has no `tool_name`"],
    [{ tool_input: undefined }, "the payload has no object `tool_input`"],
    [{ tool_input: "ls" }, "the payload has no object `tool_input`"],
    [{ tool_input: [] }, "the payload has no object `tool_input`"],
    [{ tool_input: null }, "the payload has no object `tool_input`"],
    [{ cwd: undefined }, "the payload has no absolute `cwd`"],
    [{ cwd: "" }, "the payload has no absolute `cwd`"],
    [{ cwd: "p" }, "the payload has no absolute `cwd`"],
    [{ cwd: "/p\0/q" }, "the payload has no absolute `cwd`"],
    [{ cwd: 1 }, "the payload has no absolute `cwd`"],
  ])("is refused with %j", (more, why) => expect(read(more)).toEqual({ kind: "fault", why }));

  it("may begin with a byte order mark", () => {
    expect(readPayload(`\uFEFF${JSON.stringify(PAYLOAD)}`).kind).toBe("call");
  });

  it("keeps fields of the input that are not known here", () => {
    const tool_input = { command: "ls", later: { deep: [1, "x", null] }, ["__proto__"]: { command: "rm" } };
    const text = `{"cwd":"/p","tool_name":"Bash","tool_input":${JSON.stringify(tool_input)}}`;
    const payload = readPayload(text);
    expect(payload.kind === "call" && JSON.stringify(payload.call.input)).toBe(JSON.stringify(tool_input));
  });

  it.each(["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions", "auto"])(
    "names the mode %s",
    (mode) => {
      const call = callOf({ permission_mode: mode });
      expect(call.mode).toBe(mode);
      expect(call).not.toHaveProperty("unknownMode");
    },
  );
  it.each([
    ["yolo", "yolo"],
    ["Plan", "Plan"],
    ["", ""],
    [7, "no text"],
    [null, "no text"],
  ])("tells that the mode %j is not known", (mode, told) => {
    expect(callOf({ permission_mode: mode })).toMatchObject({ mode: undefined, unknownMode: told });
  });
  it("need not name a mode", () => {
    expect(callOf({}).mode).toBeUndefined();
    expect(callOf({})).not.toHaveProperty("unknownMode");
  });

  it("names the session and the subagent", () => {
    expect(callOf({ session_id: "s", agent_id: "a1", agent_type: "Explore" })).toMatchObject({
      session: "s",
      agent: "claude-code/Explore",
    });
  });

  it("never makes a call of anything but an object with all it takes", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const payload = readPayload(text);
        const value: unknown = JSON.parse(text);
        expect(payload.kind).toBe(
          typeof value === "object" &&
            value !== null &&
            "tool_name" in value &&
            "tool_input" in value &&
            "cwd" in value
            ? payload.kind
            : "fault",
        );
      }),
    );
  });
});
