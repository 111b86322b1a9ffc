import { describe, expect, it } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import { MANAGED_TIERS, type ManagedTier, type SettingsSource } from "../../../src/core/settings/source.ts";
import { managedBehaviour } from "../../../src/core/settings/tiers.ts";
import { readSettings } from "../../../src/core/settings/read.ts";
import { PLACE, policyOf, rulesIn, source } from "./sources.ts";

const at = (tier: ManagedTier, settings: unknown, file = `/${tier}`): SettingsSource => ({
  ...source("managed", settings, file),
  tier,
});
const allow = (rule: string) => ({ permissions: { allow: [rule] } });
const merge = { managedSourcesBehavior: "merge" };
const allows = (policy: Policy): readonly string[] =>
  rulesIn(policy).filter((rule) => rule.startsWith("allow"));

describe("what opens something comes from the first managed source that says anything", () => {
  it.each<[string, readonly SettingsSource[], readonly string[]]>([
    ["the policy of the machine", [at("policy", allow("A")), at("files", allow("B"))], ["allow A"]],
    ["an empty one says nothing", [at("policy", {}), at("files", allow("B"))], ["allow B"]],
    ["one with an unknown key does", [at("policy", { x: 1 }), at("files", allow("B"))], []],
    ["one that cannot be parsed may", [at("policy", "{"), at("files", allow("B"))], []],
    [
      "files of all directories are one source",
      [at("files", allow("A"), "/etc/cordon"), at("files", allow("B"), "/etc/claude-code")],
      ["allow A", "allow B"],
    ],
    [
      "a source that names no tier is a file",
      [source("managed", allow("A")), at("files", allow("B"))],
      ["allow A", "allow B"],
    ],
    [
      "merge joins",
      [at("policy", { ...merge, ...allow("A") }), at("files", allow("B"))],
      ["allow A", "allow B"],
    ],
    [
      "merge has to stand in the first",
      [at("policy", allow("A")), at("files", { ...merge, ...allow("B") })],
      ["allow A"],
    ],
    [
      "any other value of any source is the stricter",
      [
        at("policy", { ...merge, ...allow("A") }),
        at("files", { managedSourcesBehavior: "first-wins", ...allow("B") }),
      ],
      ["allow A"],
    ],
    [
      "a value that cannot be read is the stricter",
      [at("policy", { managedSourcesBehavior: "Merge", ...allow("A") }), at("files", allow("B"))],
      ["allow A"],
    ],
    [
      "no string",
      [at("policy", { managedSourcesBehavior: true, ...allow("A") }), at("files", allow("B"))],
      ["allow A"],
    ],
    [
      "twice, the second time otherwise",
      [
        at(
          "policy",
          '{"managedSourcesBehavior":"merge","managedSourcesBehavior":"first-wins","permissions":{"allow":["A"]}}',
        ),
        at("files", allow("B")),
      ],
      ["allow A"],
    ],
    [
      "of the person only where nothing else speaks",
      [at("files", { ...merge, ...allow("A") }), at("person", allow("B"))],
      ["allow A"],
    ],
    ["of the person where nothing else does", [at("files", {}), at("person", allow("B"))], ["allow B"]],
    [
      "a helper stands alone",
      [
        at("helper", { ...merge, ...allow("A") }),
        at("policy", { ...merge, ...allow("B") }),
        at("files", allow("C")),
      ],
      ["allow A"],
    ],
    ["also one that answers with nothing", [at("helper", {}), at("files", allow("C"))], []],
  ])("%s", (_name, sources, expected) => {
    expect(allows(policyOf(...sources))).toEqual(expected);
    expect(allows(policyOf(...sources.toReversed()))).toEqual(expected.toReversed());
  });

  it("and is not taken from the others without a word", () => {
    const { problems } = policyOf(at("policy", { blockNetworkTools: true }), at("files", allow("B")));
    const told = problems.find(({ message }) => message.includes("/policy goes first"));
    expect(told).toMatchObject({ severity: "warning", file: "/files" });
    expect(told?.hint).toContain('"managedSourcesBehavior": "merge"');
    expect(
      policyOf(at("policy", { x: 1 }), at("files", { permissions: { deny: ["Bash"] } })).problems,
    ).toEqual([]);
  });
});

describe("what restricts comes from every managed source", () => {
  const lower: readonly ManagedTier[] = MANAGED_TIERS.slice(1);
  it.each(
    lower.flatMap((tier) =>
      (
        [
          ["a deny rule", { permissions: { deny: ["A"] } }, (p) => rulesIn(p).includes("deny A")],
          ["an ask rule", { permissions: { ask: ["A"] } }, (p) => rulesIn(p).includes("ask A")],
          ["a lock", { blockNetworkTools: true }, (p) => p.managed.blockNetworkTools?.file === `/${tier}`],
          [
            "a lock on lists",
            { allowManagedPermissionRulesOnly: true },
            (p) => p.managed.onlyManagedRules !== undefined,
          ],
          [
            "directories",
            { allowedDirectories: ["/srv"] },
            (p) => p.managed.allowedDirectories?.globs.join() === "/srv",
          ],
          ["commands", { blockedCommands: ["x *"] }, (p) => rulesIn(p).includes("deny Bash(x *)")],
          ["a stricter mode", { permissions: { defaultMode: "plan" } }, (p) => p.mode.value === "plan"],
          [
            "no laxer mode",
            { permissions: { defaultMode: "bypassPermissions" } },
            (p) => p.mode.value === "default",
          ],
          ["an enforced mode", { enforcePermissionMode: "plan" }, (p) => p.mode.enforced?.mode === "plan"],
          [
            "a laxer one as the most there is",
            { enforcePermissionMode: "acceptEdits" },
            (p) => p.mode.enforced?.mode === "default",
          ],
          ["the sandbox", { sandbox: { failIfUnavailable: true } }, (p) => p.sandbox.failIfUnavailable],
          [
            "not its absence",
            { sandbox: { enabled: false, autoAllowBashIfSandboxed: true } },
            (p) => p.sandbox.enabled && !p.sandbox.autoAllowBashIfSandboxed,
          ],
          ["a lower limit", { cordon: { limits: { processes: 7 } } }, (p) => p.cordon.limits.processes === 7],
          [
            "not a higher one",
            { cordon: { limits: { processes: 999_999 } } },
            (p) => p.cordon.limits.processes === undefined,
          ],
          [
            "hidden files",
            { sandbox: { filesystem: { denyRead: ["/x"] } } },
            (p) => p.sandbox.denyRead.includes("/x"),
          ],
          [
            "not opened ones",
            { sandbox: { filesystem: { allowRead: ["/x"], allowWrite: ["/x"] } } },
            (p) => p.sandbox.allowRead.length + p.sandbox.allowWrite.length === 0,
          ],
          [
            "no directories",
            { permissions: { additionalDirectories: ["/x"] } },
            (p) => p.directories.length === 0,
          ],
          ["servers", { allowedMcpServers: ["a"] }, (p) => p.servers?.length === 1],
          ["a fault", "{", (p) => p.managed.stopped?.file === `/${tier}`],
        ] satisfies readonly (readonly [string, unknown, (p: Policy) => boolean])[]
      ).map(([name, settings, holds]) => [name, tier, settings, holds] as const),
    ),
  )("%s, from %s", (_name, tier, settings, holds) => {
    const above = MANAGED_TIERS[MANAGED_TIERS.indexOf(tier) - 1] ?? "helper";
    expect(holds(policyOf(at(above, { claudeMd: "x" }), at(tier, settings)))).toBe(true);
  });

  it("the strictest of two", () => {
    const policy = policyOf(
      at("policy", { enforcePermissionMode: "acceptEdits", sandbox: { enabled: false } }),
      at("files", { enforcePermissionMode: "plan", sandbox: { enabled: true } }),
    );
    expect([policy.mode.enforced?.mode, policy.sandbox.enabled]).toEqual(["plan", true]);
  });

  it("also the first one's choice where no other says more", () => {
    const policy = policyOf(
      at("policy", { enforcePermissionMode: "acceptEdits" }),
      at("files", { enforcePermissionMode: "acceptEdits" }),
    );
    expect(policy.mode.enforced?.mode).toBe("acceptEdits");
  });
});

describe("lists under a lock that admits managed ones only (semantics 28)", () => {
  const read = (path: string) => ({ sandbox: { filesystem: { allowRead: [path] } } });
  const lock = { sandbox: { filesystem: { allowManagedReadPathsOnly: true, allowRead: ["/a"] } } };
  it.each<[string, readonly SettingsSource[], readonly string[]]>([
    ["join over what administrators wrote", [at("policy", lock), at("files", read("/b"))], ["/a", "/b"]],
    ["whoever set the lock", [at("policy", read("/b")), at("files", lock)], ["/b", "/a"]],
    ["not with those of the person", [at("files", lock), at("person", read("/b"))], ["/a"]],
    ["not beside a helper", [at("helper", lock), at("files", read("/b"))], ["/a"]],
    ["not without the lock", [at("policy", read("/a")), at("files", read("/b"))], ["/a"]],
  ])("%s", (_name, sources, paths) => {
    expect(
      policyOf(...sources, source("user", read("/user"))).sandbox.allowRead.filter(
        (path) => path !== "/user",
      ),
    ).toEqual(paths);
  });

  it("bubblewrap is named by any of them", () => {
    const bwrap = { sandbox: { bwrapPath: "/opt/bwrap" } };
    expect(policyOf(at("policy", { claudeMd: "" }), at("files", bwrap)).sandbox.bwrapPath).toBe("/opt/bwrap");
    expect(policyOf(at("files", { claudeMd: "" }), at("person", bwrap)).sandbox.bwrapPath).toBeUndefined();
  });
});

describe("hooks", () => {
  const hook = (command: string) => ({
    hooks: { PreToolUse: [{ matcher: "*", hooks: [{ type: "command", command }] }] },
  });
  const commands = (...sources: readonly SettingsSource[]): number => policyOf(...sources).hooks.hooks.length;
  it("of every administrator's source run, because they can forbid", () => {
    expect(commands(at("policy", hook("/a")), at("files", hook("/b")))).toBe(2);
    expect(commands(at("helper", hook("/a")), at("files", hook("/b")))).toBe(2);
    expect(commands(at("files", hook("/a")), at("person", hook("/b")))).toBe(1);
  });
  it("are switched off only by the first source", () => {
    expect(commands(at("policy", hook("/a")), at("files", { disableAllHooks: true }))).toBe(1);
    expect(commands(at("policy", { disableAllHooks: true }), at("files", hook("/b")))).toBe(0);
  });
});

describe("a policy helper", () => {
  const names = { policyHelper: { path: "/opt/policy" } };
  const denied = (...sources: readonly SettingsSource[]): readonly string[] =>
    policyOf(...sources).managed.notEnforced.map(({ tool }) => tool);
  it.each<[string, readonly SettingsSource[], readonly string[]]>([
    ["that answered is enforced", [at("helper", {}), at("files", names)], []],
    ["named by the policy of the machine too", [at("helper", {}), at("policy", names)], []],
    ["that was not asked denies everything", [at("files", names)], ["*"]],
    ["given on the command line is not asked", [at("helper", {}), source("managed", names)], ["*"]],
    ["named by the person is not asked", [at("helper", {}), at("person", names)], ["*"]],
    [
      "that cannot be read is not known",
      [at("helper", {}), at("files", { policyHelper: { path: "policy" } })],
      ["*"],
    ],
    [
      "that failed stops the gate",
      [{ ...at("helper", {}), text: undefined, fault: "ended with status 1" }, at("files", names)],
      [],
    ],
  ])("%s", (_name, sources, tools) => {
    expect(denied(...sources)).toEqual(tools);
    const failed = sources.some(({ fault }) => fault !== undefined);
    expect(policyOf(...sources).managed.stopped !== undefined).toBe(failed);
  });

  it("is a protected file", () => {
    expect(policyOf(at("files", names)).limitsOfPaths.protectedPaths).toEqual(["/opt/policy"]);
    expect(policyOf(at("files", names)).managed.helpers).toEqual(["/opt/policy"]);
    expect(policyOf(at("files", { policyHelper: { path: "policy" } })).limitsOfPaths.protectedPaths).toEqual(
      [],
    );
    expect(policyOf(source("user", names)).limitsOfPaths.protectedPaths).toEqual([]);
  });

  it.each([
    { path: "policy" },
    { path: "" },
    {},
    "/opt/policy",
    { path: "/opt/policy", timeoutMs: 999 },
    { path: "/opt/policy", timeoutMs: "1s" },
    { path: "/opt/policy", refreshIntervalMs: 1 },
    { path: "/opt/policy", refreshIntervalMs: 59_999 },
    { path: "/opt/policy", more: true },
  ])("as %j is faulty and denies everything", (policyHelper) => {
    expect(denied(at("helper", {}), at("files", { policyHelper }))).toEqual(["*"]);
  });

  it.each([
    { path: "/opt/policy", timeoutMs: 1_000, refreshIntervalMs: 0 },
    { path: "/opt/policy", refreshIntervalMs: 60_000 },
    { path: "C:\\policy.exe" },
  ])("as %j is well-formed", (policyHelper) => {
    expect(policyOf(at("helper", {}), at("files", { policyHelper })).problems).toEqual([]);
  });
});

it.each<[readonly SettingsSource[], string]>([
  [[], "first-wins"],
  [[at("files", merge)], "merge"],
  [[at("policy", merge), at("files", {})], "merge"],
  [[at("policy", { x: 1 }), at("files", merge)], "first-wins"],
  [[at("helper", merge)], "first-wins"],
  [[source("user", merge), at("files", { x: 1 })], "first-wins"],
])("the behaviour of sources %# is %s", (sources, behaviour) => {
  expect(managedBehaviour(sources.map((each) => readSettings(each, PLACE)))).toBe(behaviour);
});

it("a source below the managed ones is never outranked", () => {
  const policy = buildPolicy([at("policy", { x: 1 }), source("user", allow("A"))], PLACE, "");
  expect(allows(policy)).toEqual(["allow A"]);
});
