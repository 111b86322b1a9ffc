import { describe, expect, it } from "vitest";
import { formatProblem } from "../../../src/core/settings/problem.ts";
import { policyOf, readingOf, rulesIn, source } from "./sources.ts";

const everything = (kind: "managed" | "user" | "project", settings: unknown): readonly string[] =>
  readingOf(kind, settings).problems.map(
    (problem) =>
      `${problem.severity} ${formatProblem({ ...problem, file: undefined }).replace("\n  ", "; ")}`,
  );

describe("a key that is a slip away from one cordon knows", () => {
  it.each([
    ["allowManagedHookOnly", true, "allowManagedHooksOnly"],
    ["blockNetworkTool", true, "blockNetworkTools"],
    ["requireReadFrst", true, "requireReadFirst"],
    ["blockedCommand", ["nc *"], "blockedCommands"],
    ["enforcePermisionMode", "plan", "enforcePermissionMode"],
    ["disableAllHook", true, "disableAllHooks"],
    ["BLOCKNETWORKTOOLS", true, "blockNetworkTools"],
    ["sandbx", {}, "sandbox"],
    ["cordno", {}, "cordon"],
    ["hook", { PreToolUse: [] }, "hooks"],
    ["allowedTool", ["Edit"], "allowedTools"],
  ])("is named in every file: %s", (name, value, meant) => {
    for (const kind of ["managed", "user", "project"] as const) {
      const said = everything(kind, { [name]: value });
      expect(said[0]).toMatch(new RegExp(`^(warning|error) 1:2 unknown key \`${name}\`[,;] `));
      expect(said[0]).toContain(`hint: did you mean \`${meant}\`?`);
      if (kind !== "managed") expect(said[0]).toMatch(/^warning /);
    }
  });

  // Keys other programs keep in the same files, and words that look a little like a key of cordon's.
  const OTHERS = `
    model theme outputStyle statusLine apiKeyHelper cleanupPeriodDays attribution
    includeCoAuthoredBy enabledPlugins extraKnownMarketplaces awsAuthRefresh verbose
    forceLoginMethod forceLoginOrgUUID spinnerTipsEnabled alwaysThinkingEnabled editorMode
    companyAnnouncements otelHeadersHelper availableModels enforceAvailableModels agent
    claudeMdExcludes pluginConfigs modelOverrides skipWebFetchPreflight language tips
    autoUpdatesChannel autoMemoryEnabled teammateMode sshConfigs fileSuggestion worktree enc envs
    autoModel claudeMds books hood condor sandboxes mcpServers allowedHosts blockedHosts
    allowedModels blockedDomains denylist autoApprove
  `;
  it.each(OTHERS.trim().split(/\s+/))("is none of another program's: %s", (name) => {
    for (const value of [true, "x", ["x"], { x: 1 }])
      for (const kind of ["managed", "user"] as const)
        expect(everything(kind, { [name]: value }), JSON.stringify(value)).toEqual([]);
  });
});

describe("a slip in a managed file", () => {
  const managed = (settings: unknown) => policyOf(source("managed", settings));

  it("holds as the key that was meant, where that forbids something", () => {
    const { managed: locks } = managed({ blockNetworkTool: true, requireReadFrst: true });
    expect(locks.blockNetworkTools).toMatchObject({ line: 1 });
    expect(locks.requireReadFirst).toBeDefined();
    const domains = managed({ sandbox: { network: { allowManagedDomainOnly: true } } });
    expect(domains.managed.onlyManagedDomains).toBeDefined();
    expect(rulesIn(managed({ blockedCommand: ["nc *"] }))).toEqual(["deny Bash(nc *)"]);
    expect(rulesIn(managed({ blockedCommand: "nc *" }))).toEqual(["deny Bash(nc *)"]);
    expect(managed({ enforcePermisionMode: "plan" }).mode.enforced?.mode).toBe("plan");
    expect(
      managed({ permissions: { disableBypassPermissionMode: "disable" } }).mode.bypassDisabled,
    ).toBeDefined();
    expect(
      managed({ permisions: { disableBypassPermissionsMode: "disable" } }).mode.bypassDisabled,
    ).toBeDefined();
    expect(
      managed({ "permissions.disableBypassPermissionsMode": "disable" }).mode.bypassDisabled,
    ).toBeDefined();
    expect(managed({ sandbx: { filesystem: { denyRead: ["/x"] } } }).sandbox.denyRead).toEqual(["/x"]);
    expect(managed({ allowedMcpServer: ["db"] }).servers?.[0]?.names).toEqual([
      { kind: "pattern", text: "db" },
    ]);
  });

  it.each([
    ["blockNetworkTool", true, "it is read as `blockNetworkTools`"],
    ["enforcePermisionMode", "plan", "it is read as `enforcePermissionMode`, as far as that is stricter"],
    ["sandbx", { enabled: true }, "what restricts in it holds, nothing else does"],
    ["permisions", { allow: ["Edit"] }, "what restricts in it holds, nothing else does"],
    ["permissions.disableAutoMode", "disable", "it is read as `permissions.disableAutoMode`"],
  ])("is an error that says so: %s", (name, value, held) => {
    const [first] = everything("managed", { [name]: value });
    expect(first).toMatch(/^error /);
    expect(first).toContain(`\`${name}\``);
    expect(first).toContain(held);
  });

  it("opens nothing", () => {
    const opened = managed({
      permisions: { allow: ["Edit"], additionalDirectories: ["/x"], defaultMode: "bypassPermissions" },
      sandbx: { enabled: false, filesystem: { allowWrite: ["/x"] } },
      enforcePermisionMode: "bypassPermissions",
      managedSourceBehavior: "merge",
    });
    expect(opened.rules.filter(({ effect }) => effect === "allow")).toEqual([]);
    expect(opened.directories).toEqual([]);
    expect(opened.mode.value).toBe("default");
    expect(opened.mode.enforced?.mode).not.toBe("bypassPermissions");
    expect(opened.sandbox).toMatchObject({ enabled: true, allowWrite: [] });
  });

  it("stops the gate where the value cannot be read either, or it may name hooks", () => {
    expect(managed({ blockedCommand: [7] }).managed.stopped?.message).toContain("`blockedCommands[0]`");
    expect(managed({ hook: { PreToolUse: [] } }).managed.stopped?.message).toContain("unknown key `hook`");
    expect(policyOf(source("user", { hook: { PreToolUse: [] } })).managed.stopped).toBeUndefined();
  });

  it("denies every call rather than run a helper by a guess", () => {
    expect(managed({ policyHelpr: { path: "/opt/policy" } }).managed.notEnforced).toMatchObject([
      { tool: "*" },
    ]);
  });

  it("holds nothing in any other file", () => {
    const { managed: locks, rules } = policyOf(
      source("user", { blockNetworkTool: true, blockedCommand: ["nc *"], sandbx: { enabled: false } }),
    );
    expect(locks.blockNetworkTools).toBeUndefined();
    expect(rules).toEqual([]);
  });
});

it.each(["user", "managed"] as const)("a slip in `ignorePatterns` of %s settings loses no rule", (kind) => {
  const reading = readingOf(kind, { ignorePattern: ["secret.txt"] });
  expect(reading.rules).toMatchObject([{ effect: "deny", tool: "Read" }]);
  expect(reading.problems[0]?.message).toContain(
    "unknown key `ignorePattern`; it is read as `ignorePatterns`",
  );
});
