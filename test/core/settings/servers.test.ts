import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/core/call/json.ts";
import { judge, prepare } from "../../../src/core/gate.ts";
import { examine } from "../../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../../src/core/inquiry/needs.ts";
import type { SettingsSource } from "../../../src/core/settings/source.ts";
import { builtInTables } from "../../../src/host/tables.ts";
import { PLAIN_WORLD, factsIn } from "../cases/world.ts";
import { type Kind, PLACE, policyOf, said, source } from "./sources.ts";

const tables = builtInTables();

/** Verdict and code of a call, in bypass, so that only what nothing answers is left. */
function verdictOn(tool: string, sources: readonly SettingsSource[], input: JsonObject = {}): string {
  const context = prepare(policyOf(...sources), PLACE, tables);
  const inquiry = examine(context, { tool, input, ...PLACE, mode: "bypassPermissions" });
  const { verdict, code } = judge(inquiry, factsIn(PLAIN_WORLD, needsOf(inquiry)));
  return `${verdict} ${code}`;
}

const managed = (settings: unknown, file?: string): SettingsSource => source("managed", settings, file);
const list = (...entries: readonly unknown[]) => ({ allowedMcpServers: entries });
const NO = "deny availability.server";
const YES = "allow mode.bypass";
const UNKNOWN = "deny managed.not-enforced";

describe("the only MCP servers that may be used", () => {
  it.each<[string, string, unknown]>([
    ["mcp__a__x", YES, list({ serverName: "a" })],
    ["mcp__b__x", NO, list({ serverName: "a" })],
    ["mcp__a", YES, list({ serverName: "a" })],
    ["mcp__ab__x", NO, list({ serverName: "a" })],
    ["mcp__A__x", NO, list({ serverName: "a" })],
    ["mcp__a__x", NO, list()],
    ["mcp__my_srv__x", YES, list({ serverName: "my srv" })],
    ["mcp__company-db__x", YES, list("company-*")],
    ["mcp__company-db__x", NO, list({ serverName: "company-*" })],
    ["mcp__other__x", NO, list("company-*")],
    ["mcp__anything__x", YES, list("*")],
    // The server may be `a` or `a__b`.
    ["mcp__a__b__x", NO, list({ serverName: "a" })],
    ["mcp__a__b__x", NO, list({ serverName: "a__b" })],
    ["mcp__a__b__x", YES, list({ serverName: "a" }, { serverName: "a__b" })],
    ["mcp____x", NO, list({ serverName: "a" })],
    // Names do not suffice beside an entry by command or address (semantics 126).
    ["mcp__a__x", UNKNOWN, list({ serverName: "a" }, { serverUrl: "https://*" })],
    ["mcp__a__x", UNKNOWN, list({ serverName: "a" }, { serverCommand: ["x"] })],
    ["mcp__a__x", UNKNOWN, list({ serverName: "a" }, { serverUrl: 7 })],
    // One bad entry is passed over, a list that is none is empty (semantics 32).
    ["mcp__a__x", YES, list({ serverName: "a" }, 7)],
    ["mcp__b__x", NO, list({ serverName: "a" }, 7)],
    ["mcp__a__x", NO, { allowedMcpServers: "a" }],
    ["mcp__a__x", NO, { allowedMcpServers: {} }],
    ["mcp__a__x", NO, { allowedMcpServers: [{ name: "a" }] }],
    ["mcp__a__x", NO, { allowManagedMcpServersOnly: true }],
    ["mcp__a__x", NO, { allowManagedMcpServersOnly: "yes" }],
    ["mcp__a__x", YES, { allowManagedMcpServersOnly: false }],
    ["mcp__a__x", YES, { allowManagedMcpServersOnly: true, ...list("a") }],
    ["Bash", "allow mode.bypass", list()],
  ])("%s: %s under managed %j", (tool, expected, settings) => {
    if (tool === "Bash") expect(policyOf(managed(settings)).servers).toHaveLength(1);
    else expect(verdictOn(tool, [managed(settings)])).toBe(expected);
  });

  it.each<[string, string, readonly (readonly [Kind, unknown])[]]>([
    ["mcp__a__x", YES, [["user", list("a")]]],
    ["mcp__b__x", NO, [["user", list("a")]]],
    [
      "mcp__b__x",
      YES,
      [
        ["user", list("a")],
        ["project-trusted", list("b")],
      ],
    ],
    [
      "mcp__b__x",
      NO,
      [
        ["user", list("a")],
        ["project", list("b")],
      ],
    ],
    [
      "mcp__a__x",
      NO,
      [
        ["user", list("a")],
        ["project", list("b")],
      ],
    ],
    ["mcp__a__x", NO, [["project", list()]]],
    // Nothing below widens a managed list, locked or not; both have to admit a server.
    [
      "mcp__b__x",
      NO,
      [
        ["managed", list("a")],
        ["user", list("b")],
      ],
    ],
    [
      "mcp__a__x",
      NO,
      [
        ["managed", list("a")],
        ["user", list("b")],
      ],
    ],
    [
      "mcp__a__x",
      YES,
      [
        ["managed", list("a", "b")],
        ["user", list("a")],
      ],
    ],
    [
      "mcp__a__x",
      NO,
      [
        ["managed", { allowManagedMcpServersOnly: true }],
        ["user", list("a")],
      ],
    ],
    ["mcp__a__x", "allow mode.bypass", [["user", { allowManagedMcpServersOnly: true }]]],
    ["mcp__a__x", "ask rule.ask", [["user", list("a", { serverUrl: "https://x" })]]],
  ])("%s: %s with %j", (tool, expected, files) => {
    expect(
      verdictOn(
        tool,
        files.map(([kind, settings]) => source(kind, settings)),
      ),
    ).toBe(expected);
  });

  it("each managed file has to admit a server", () => {
    const both = [managed(list("a", "b"), "/1"), managed(list("b", "c"), "/2")];
    expect(["a", "b", "c"].map((name) => verdictOn(`mcp__${name}__x`, both))).toEqual([NO, YES, NO]);
  });

  it("the decision names key, file and line", () => {
    const context = prepare(policyOf(managed('{\n"allowedMcpServers": ["a"]}')), PLACE, tables);
    const inquiry = examine(context, { tool: "mcp__b__x", input: {}, ...PLACE });
    const { rule, why } = judge(inquiry, factsIn(PLAIN_WORLD, needsOf(inquiry)));
    expect(rule).toMatchObject({ text: "allowedMcpServers", scope: "managed", line: 2 });
    expect(why).toContain("`b`");
  });

  it("a pattern is marked as weak", () => {
    expect(said(policyOf(managed(list("a"))).problems).join()).toMatch(/^note 1:\d+ `a` is only a name/);
    expect(policyOf(managed(list({ serverName: "a" }))).problems).toEqual([]);
  });
});

describe("MCP servers that may not be used", () => {
  it.each<[string, string, unknown]>([
    ["mcp__a__x", "deny availability.removed", { deniedMcpServers: ["a"] }],
    ["mcp__b__x", YES, { deniedMcpServers: ["a"] }],
    ["mcp__b__x", YES, { deniedMcpServers: [{ serverName: "a" }] }],
    ["mcp__b__x", UNKNOWN, { deniedMcpServers: [{ serverName: "a" }, { serverUrl: "https://*" }] }],
    ["mcp__b__x", UNKNOWN, { deniedMcpServers: [{ serverName: "a" }, 7] }],
    // The other product drops such a list; a deny that cannot be read is never dropped here.
    ["mcp__b__x", UNKNOWN, { deniedMcpServers: {} }],
    ["mcp__a__x", "deny availability.removed", { deniedMcpServers: ["a"], ...list("a") }],
  ])("%s: %s under managed %j", (tool, expected, settings) => {
    expect(verdictOn(tool, [managed(settings)])).toBe(expected);
  });
});

describe("the only hosts WebFetch may reach", () => {
  const lock = { sandbox: { network: { allowManagedDomainsOnly: true, allowedDomains: ["b.example"] } } };
  const DENIED = "deny managed.domain";
  const fetches = (host: string, ...sources: readonly SettingsSource[]): string =>
    verdictOn("WebFetch", sources, { url: `https://${host}/x` });
  const allows = (rule: string) => ({ permissions: { allow: [rule] } });
  it.each<[string, string, readonly SettingsSource[]]>([
    ["a.example", DENIED, [managed(lock)]],
    ["a.example", "ask net.host", [managed({})]],
    ["a.example", "allow rule.allow", [managed({ ...lock, ...allows("WebFetch(domain:a.example)") })]],
    ["A.EXAMPLE.", "allow rule.allow", [managed({ ...lock, ...allows("WebFetch(domain:a.example)") })]],
    ["x.a.example", "allow rule.allow", [managed({ ...lock, ...allows("WebFetch(domain:*.a.example)") })]],
    ["a.example.evil.example", DENIED, [managed({ ...lock, ...allows("WebFetch(domain:a.example)") })]],
    ["a.example", "allow rule.allow", [managed({ ...lock, ...allows("WebFetch") })]],
    // What opens a host for commands opens none for WebFetch.
    ["b.example", DENIED, [managed(lock)]],
    ["a.example", DENIED, [managed(lock), source("user", allows("WebFetch(domain:a.example)"))]],
    ["a.example", DENIED, [managed(lock), source("user", allows("WebFetch"))]],
    // Under the lock the lists of all administrators' sources count, a person's and a helper's rivals do not.
    [
      "a.example",
      "allow rule.allow",
      [
        { ...managed(lock), tier: "policy" },
        { ...managed(allows("WebFetch(domain:a.example)")), tier: "files" },
      ],
    ],
    [
      "a.example",
      DENIED,
      [
        { ...managed(lock), tier: "policy" },
        { ...managed(allows("WebFetch(domain:a.example)")), tier: "person" },
      ],
    ],
    [
      "a.example",
      DENIED,
      [
        { ...managed(lock), tier: "helper" },
        { ...managed(allows("WebFetch(domain:a.example)")), tier: "files" },
      ],
    ],
  ])("%s: %s (%#)", (host, expected, sources) => {
    expect(fetches(host, ...sources)).toBe(expected);
  });

  it("an address that cannot be read is none of them", () => {
    expect(
      verdictOn("WebFetch", [managed({ ...lock, ...allows("WebFetch(domain:*)") })], { url: 7 }),
    ).toMatch(/^deny /);
    expect(verdictOn("WebSearch", [managed(lock)])).not.toContain("managed");
  });
});
