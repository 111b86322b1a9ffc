import { describe, expect, it } from "vitest";
import { formatProblem } from "../../../src/core/settings/problem.ts";
import { policyOf, readingOf, rulesIn, source } from "./sources.ts";

const lines = (kind: "managed" | "user" | "command-line", settings: unknown): string =>
  readingOf(kind, settings)
    .problems.map((problem) => formatProblem(problem))
    .join("\n");

describe("what a message says of a rule that cannot be read", () => {
  it.each([
    ["Bash(rm", "every Bash call"],
    ["Bsh(rm *)", "every Bash call"],
    ["WebFetch()", "every WebFetch call"],
    ["WebFetch(x)", "every WebFetch call"],
    ["(", "every call"],
    [{ tool: "Edit", pattern: "a", x: 1 }, "every Edit call"],
    [{ tool: "a b" }, "every a call"],
  ])("is what happens: %j", (rule, what) => {
    const managed = lines("managed", { permissions: { deny: [rule] } });
    expect(managed).toContain(`${what} is denied until it is mended`);
    expect(managed).not.toContain("asks");
    expect(rulesIn(readingOf("managed", { permissions: { deny: [rule] } }))[0]).toMatch(/^deny /);
    expect(lines("user", { permissions: { deny: [rule] } })).not.toContain("is denied");
  });

  it("does not contradict itself about a name that is a slip", () => {
    const reading = readingOf("managed", { permissions: { deny: ["Bsh(rm *)"] } });
    expect(reading.problems).toHaveLength(1);
    expect(reading.problems[0]).toMatchObject({ hint: "did you mean `Bash(rm *)`?" });
  });

  it("names the entry of `blockedCommands` of which nothing is left", () => {
    const { problems, rules } = policyOf(source("managed", { blockedCommands: [" "] }));
    expect(rules).toMatchObject([{ effect: "deny", tool: "Bash", specifier: { kind: "none" } }]);
    expect(problems).toMatchObject([{ severity: "error", key: "blockedCommands[0]" }]);
  });
});

describe("what a message says of a value that cannot be read", () => {
  it.each([
    [{ allowedMcpServers: ["a", 7] }, "the entry admits no server until it is mended"],
    [{ allowedMcpServers: 7 }, "no MCP server may be used until it is mended"],
    [{ deniedMcpServers: [7] }, "every call of an MCP tool is denied until it is mended"],
    [{ policyHelper: { path: "policy" } }, "every call is denied until it is mended"],
    [{ forceRemoteSettingsRefresh: 1 }, "it counts as set: every call is denied"],
    [{ strictKnownMarketplaces: 1 }, "calls of `mcp__plugin_*` are denied until it is mended"],
    [{ blockedCommands: [7] }, 'hint: write each entry as a string: `"..."`'],
    [{ blockedCommands: 7 }, 'hint: write ["..."]'],
    [{ enforcePermissionMode: "strict" }, "hint: write one of them"],
    [{ enforcePermissionMode: 7 }, "hint: write one of them, in double quotes"],
    [{ policyHelper: { path: "policy" } }, 'hint: write `{"path": "/opt/corp/policy"}`'],
    [{ deniedMcpServers: [7] }, 'hint: write `"name"` or `{"serverName": "name"}`'],
    [{ enforcePermissionMode: "pln" }, 'hint: did you mean `"plan"`?'],
    [
      { permissions: { defaultMode: "yolo" } },
      "hint: write one of them; `supervised`, in which every call asks, is a value of `cordon.defaultMode`",
    ],
    [[], 'hint: write `{"permissions": {...}}`, or `{}` for no settings'],
  ])("%j", (settings, what) => {
    expect(lines("managed", settings)).toContain(what);
  });

  it("never says of a list that it counts as set", () => {
    expect(lines("managed", { allowedMcpServers: [7], policyHelper: 1 })).not.toContain("counts as set");
  });
});

it("says how a file given with `--managed` comes to count as managed", () => {
  expect(lines("command-line", { policyHelper: { path: "/x" } })).toContain("only with `--no-ambient`");
  expect(lines("user", { policyHelper: { path: "/x" } })).toContain("hint: remove it, or move it there");
});
