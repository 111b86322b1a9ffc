import { describe, expect, it } from "vitest";
import { HOOK_EVENTS, KEPT_EVENTS } from "../../../src/core/settings/hooks.ts";
import { matcherFits, readMatcher } from "../../../src/core/settings/hook-matcher.ts";
import { type Kind, policyOf, readingOf, said, source } from "./sources.ts";

const handler = (command: string, more: object = {}): object => ({ type: "command", command, ...more });
const settings = (handlers: readonly unknown[], event = "PreToolUse", group: object = {}): object => ({
  hooks: { [event]: [{ ...group, hooks: handlers }] },
});
const namesIn = (...sources: readonly (readonly [Kind, unknown])[]): readonly string[] =>
  policyOf(...sources.map(([kind, value]) => source(kind, value))).hooks.hooks.map(({ name }) => name);

describe("which hooks count", () => {
  it.each<readonly [Kind, boolean]>([
    ["managed", true],
    ["command-line", true],
    ["local", true],
    ["local-repo", false],
    ["project-trusted", true],
    ["project", false],
    ["user", true],
  ])("of %s settings: %s", (kind, counts) => {
    const policy = policyOf(source(kind, settings([handler("check")])));
    expect(policy.hooks.hooks.map(({ name }) => name)).toEqual(counts ? ["check"] : []);
    expect(policy.hooks.ignored).toBe(counts ? 0 : 1);
    expect(policy.ignored.files.length).toBe(counts ? 0 : 1);
  });

  it("all of them join, the highest file first, and both of a key that stands twice", () => {
    expect(namesIn(["user", settings([handler("u")])], ["managed", settings([handler("m")])])).toEqual([
      "m",
      "u",
    ]);
    const twice = `{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "a"}]}]}, "hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "b"}]}]}}`;
    expect(namesIn(["user", twice])).toEqual(["a", "b"]);
  });

  it("none of a file that cannot be read as a whole", () => {
    const text = `{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "rm -rf /tmp/x`;
    const policy = policyOf(source("user", text));
    expect(policy.hooks.hooks).toEqual([]);
    expect(policy.rules).toContainEqual(expect.objectContaining({ effect: "ask", tool: "*" }));
  });

  const ALL: readonly (readonly [Kind, unknown])[] = (
    ["managed", "local", "project-trusted", "user"] as const
  ).map((kind) => [kind, settings([handler(kind)])]);
  it.each<readonly [Kind, object, readonly string[]]>([
    ["user", { disableAllHooks: true }, ["managed"]],
    ["user", { disableAllHooks: false }, ["managed", "local", "project-trusted", "user"]],
    ["user", { disableAllHooks: "true" }, ["managed", "local", "project-trusted", "user"]],
    ["command-line", { disableAllHooks: true }, ["managed"]],
    ["managed", { disableAllHooks: true }, []],
    ["project-trusted", { disableAllHooks: true }, ["managed", "local", "user"]],
    ["project", { disableAllHooks: true }, ["managed", "local", "project-trusted", "user"]],
    ["managed", { allowManagedHooksOnly: true }, ["managed"]],
    ["managed", { allowManagedHooksOnly: "yes" }, ["managed"]],
    ["user", { allowManagedHooksOnly: true }, ["managed", "local", "project-trusted", "user"]],
    ["managed", { strictPluginOnlyCustomization: ["hooks"] }, ["managed"]],
    [
      "managed",
      { strictPluginOnlyCustomization: ["skills"] },
      ["managed", "local", "project-trusted", "user"],
    ],
  ])("%s says %j", (kind, value, names) => {
    expect(namesIn(...ALL, [kind, value])).toEqual(names);
  });

  it("addresses and variables: lists of trusted files join, others only narrow", () => {
    const lists = (...sources: readonly (readonly [Kind, unknown])[]): unknown =>
      policyOf(...sources.map(([kind, urls]) => source(kind, { allowedHttpHookUrls: urls }))).hooks.urls;
    expect(lists()).toEqual([]);
    expect(lists(["user", []])).toEqual([[]]);
    expect(lists(["user", ["a"]], ["managed", ["b"]], ["project", ["c"]])).toEqual([["b", "a"], ["c"]]);
  });

  it("`onFailure` is a person's to say", () => {
    const of = (kind: Kind): unknown =>
      policyOf(source(kind, settings([handler("x", { onFailure: "continue" })]))).hooks.hooks[0]?.onFailure;
    expect((["managed", "command-line", "local", "project-trusted", "user"] as const).map(of)).toEqual([
      "block",
      "continue",
      "continue",
      "block",
      "continue",
    ]);
  });

  it("times are seconds, with the documented defaults", () => {
    const of = (event: string, more: object): unknown =>
      policyOf(source("user", settings([handler("x", more)], event))).hooks.hooks[0]?.timeout;
    expect(of("PreToolUse", {})).toBe(600);
    expect(of("PreToolUse", { timeout: 5 })).toBe(5);
    expect(of("SessionEnd", {})).toBe(1.5);
    expect(of("SessionEnd", { timeout: 100 })).toBe(60);
  });
});

describe("a hook that cannot be read", () => {
  it.each<readonly [string, unknown, string]>([
    ["no object", "x", "the hook is no object"],
    ["no type", {}, "the hook has no `type`"],
    ["a slip in the type", { type: "comand", command: "x" }, "the hook has no `type`"],
    ["no command", { type: "command" }, "needs a `command`"],
    ["an empty command", { type: "command", command: "" }, "needs a `command`"],
    ["arguments that are none", handler("x", { args: "y" }), "`args` must be"],
    ["another shell", handler("x", { shell: "powershell" }), "`shell` must be"],
    ["a time that is none", handler("x", { timeout: 0 }), "`timeout` must be"],
    ["a time in words", handler("x", { timeout: "5" }), "`timeout` must be"],
    ["a condition that is no rule", handler("x", { if: "Bash(a" }), "`if` must be"],
    ["a condition that is no text", handler("x", { if: ["Bash"] }), "`if` must be"],
    ["a plug-in's command", handler("${CLAUDE_PLUGIN_ROOT}/x"), "belongs to a plug-in"],
    ["http without an address", { type: "http" }, "needs a `url`"],
    ["http to a file", { type: "http", url: "file:///etc/passwd" }, "needs a `url`"],
    ["headers that are none", { type: "http", url: "http://a", headers: { a: 1 } }, "`headers` must be"],
    ["a module without a path", { type: "module" }, "needs a `path`"],
    ["a prompt", { type: "prompt", prompt: "is it good?" }, "not supported yet"],
    ["an agent", { type: "agent", prompt: "look" }, "not supported yet"],
    ["a tool of a server", { type: "mcp_tool", server: "s", tool: "t" }, "not supported yet"],
  ])("%s: the calls it is for ask", (_, value, message) => {
    const reading = readingOf("user", `{"hooks":{"PreToolUse":[{"hooks":[ ${JSON.stringify(value)}]}]}}`);
    const [line] = said(reading.problems);
    expect(line).toMatch(new RegExp(`^error 1:\\d+ `));
    expect(line).toContain(message);
    expect(line).toContain("the calls it is for ask until it is mended");
    expect(reading.hooks).toMatchObject([{ event: "PreToolUse", action: { kind: "none" }, decides: true }]);
  });

  it.each([
    ["hooks is a list", `{"hooks": []}`],
    ["the event is an object", `{"hooks": {"PreToolUse": {}}}`],
    ["the event is a slip", `{"hooks": {"PreToolUs": []}}`],
    ["the event is in lower case", `{"hooks": {"preToolUse": []}}`],
    ["a group is a text", `{"hooks": {"PreToolUse": ["x"]}}`],
    ["a group has no hooks", `{"hooks": {"PreToolUse": [{"matcher": "Bash"}]}}`],
    ["a matcher is a number", `{"hooks": {"PreToolUse": [{"matcher": 1, "hooks": []}]}}`],
    ["a matcher is no expression", `{"hooks": {"PreToolUse": [{"matcher": "(", "hooks": []}]}}`],
  ])("%s: every call it might be for asks", (_, text) => {
    const reading = readingOf("user", text);
    expect(reading.problems).toMatchObject([{ severity: "error", line: 1, column: expect.any(Number) }]);
    expect(reading.hooks).toMatchObject([{ event: "PreToolUse", action: { kind: "none" } }]);
  });

  it("has its place: the line of the handler, the column of what is wrong", () => {
    const text = `{"hooks": {"PreToolUse": [{\n  "hooks": [\n    {"type": "command",\n     "command": 7}]}]}}`;
    const reading = readingOf("user", text);
    expect(reading.problems).toMatchObject([{ line: 4, column: 17, key: "hooks.PreToolUse[0].hooks[0]" }]);
    expect(reading.hooks).toMatchObject([{ origin: { line: 3 } }]);
  });

  it.each([
    ["user", "PostToolUse", "it does not run"],
    ["project", "PreToolUse", "it does not run"],
    ["managed", "PreToolUse", "are denied until it is mended"],
  ] as const)("in %s settings for %s: %s", (kind, event, then) => {
    const [problem] = readingOf(kind, settings([{ type: "prompt" }], event)).problems;
    expect(problem?.message).toContain(then);
    expect(problem?.severity).toBe(kind === "managed" ? "error" : "warning");
  });

  it("events of agents that cordon does not run are left alone, others are not", () => {
    for (const event of KEPT_EVENTS) expect(readingOf("user", settings(["?"], event)).problems).toEqual([]);
    expect(said(readingOf("user", settings([], "Foo")).problems)).toEqual([
      expect.stringContaining("no event `Foo`"),
    ]);
    expect(KEPT_EVENTS.length + HOOK_EVENTS.length).toBe(33);
  });
});

describe("a matcher", () => {
  it.each([
    ["", "Bash", true],
    ["*", "mcp__a__b", true],
    [" ", "Bash", true],
    ["Bash", "Bash", true],
    ["Bash", "BashOutput", false],
    ["bash", "Bash", false],
    ["Edit|Write", "Write", true],
    ["Edit, Write", "Write", true],
    ["Edit|Write", "MultiEdit", false],
    ["my-tool_1", "my-tool_1", true],
    ["|", "Bash", true],
    ["Notebook.*", "NotebookEdit", true],
    ["Edit.", "MultiEditX", true],
    ["^Edit$", "MultiEdit", false],
    ["mcp__.*__write", "mcp__files__write_all", true],
    ["a+$", "x".repeat(201), true],
  ])("%j and %s: %s", (text, tool, fits) => {
    const matcher = readMatcher(text);
    expect(matcher !== undefined && matcherFits(matcher, [tool])).toBe(fits);
  });
  it("that is no regular expression is none", () => expect(readMatcher("[")).toBeUndefined());
});
