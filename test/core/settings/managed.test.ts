import { describe, expect, it } from "vitest";
import { intersectGlobs } from "../../../src/core/settings/resolve.ts";
import { KEYS } from "../../../src/core/settings/settings.gen.ts";
import { asksEverything, KINDS, type Kind, matched, policyOf, rulesIn, said, source } from "./sources.ts";

const managed = (settings: unknown, file?: string) => source("managed", settings, file);
const denied = (settings: unknown): readonly string[] =>
  policyOf(managed(settings)).managed.notEnforced.map(({ tool }) => tool);

describe("managed keys that are not enforced yet", () => {
  it.each<[unknown, readonly string[]]>([
    [{ allowedMcpServers: [{ serverName: "a" }] }, []],
    [{ allowedMcpServers: [{ serverName: "a" }, { serverUrl: "https://*" }] }, ["mcp__*"]],
    [{ allowedMcpServers: [{ serverCommand: ["x"] }] }, ["mcp__*"]],
    [{ deniedMcpServers: [{ serverUrl: "https://*" }] }, ["mcp__*"]],
    [{ deniedMcpServers: [] }, []],
    [{ deniedMcpServers: [7] }, ["mcp__*"]],
    [{ strictPluginOnlyCustomization: true }, ["Skill", "Agent", "mcp__*"]],
    [{ strictPluginOnlyCustomization: ["skills"] }, ["Skill"]],
    [{ strictPluginOnlyCustomization: ["hooks"] }, []],
    [{ strictPluginOnlyCustomization: ["agents", "mcp"] }, ["Agent", "mcp__*"]],
    [{ strictPluginOnlyCustomization: ["commands"] }, ["Skill", "Agent", "mcp__*"]],
    [{ strictPluginOnlyCustomization: false }, []],
    [{ strictKnownMarketplaces: [] }, ["mcp__plugin_*"]],
    [{ blockedMarketplaces: [{ source: "github" }] }, ["mcp__plugin_*"]],
    [{ blockedMarketplaces: [] }, []],
    [{ disableCommandPluginSources: true }, ["mcp__plugin_*"]],
    [{ sandbox: { network: { allowManagedDomainsOnly: true } } }, []],
    [{ forceRemoteSettingsRefresh: true }, ["*"]],
    [{ policyHelper: { path: "/usr/bin/policy" } }, ["*"]],
    [{ policyHelper: "/usr/bin/policy" }, ["*"]],
    [{ wslInheritsWindowsSettings: true }, ["*"]],
    [{ wslInheritsWindowsSettings: false }, []],
    [{ disableSideloadFlags: true, managedMcpServers: {}, claudeMd: "x" }, []],
    // Where it is not said, plug-ins from commands follow the hooks.
    [{ allowManagedHooksOnly: true }, ["mcp__plugin_*"]],
    [{ allowManagedHooksOnly: "no" }, ["mcp__plugin_*"]],
    [{ allowManagedHooksOnly: true, disableCommandPluginSources: false }, []],
    [{ allowManagedHooksOnly: false }, []],
    [{ requiredMinimumVersion: "2.0.0", parentSettingsBehavior: "merge", channelsEnabled: false }, []],
    [
      {
        sandbox: {
          network: { strictAllowlist: true },
          credentials: { envVars: [{ name: "A", mode: "deny" }] },
        },
      },
      [],
    ],
  ])("%j denies %j", (settings, tools) => {
    expect(denied(settings)).toEqual(tools);
    expect(policyOf(managed(settings)).managed.stopped).toBeUndefined();
  });

  it("say which key and where", () => {
    const { notEnforced } = policyOf(managed('{\n"disableCommandPluginSources": true}')).managed;
    expect(notEnforced).toEqual([
      {
        tool: "mcp__plugin_*",
        key: "disableCommandPluginSources",
        origin: { scope: "managed", file: "/etc/cordon/managed-settings.json", line: 2 },
      },
    ]);
  });

  it.each<[Kind, unknown, readonly string[]]>([
    ["user", { allowedMcpServers: [{ serverUrl: "https://*" }] }, ["ask mcp__*"]],
    ["project", { allowedMcpServers: [{ serverCommand: ["x"] }] }, ["ask mcp__*"]],
    ["project", { deniedMcpServers: [{ serverCommand: ["x"] }] }, ["ask mcp__*"]],
    [
      "project",
      { deniedMcpServers: [{ serverName: "my srv" }, "other"] },
      ["deny mcp__my srv__*", "deny mcp__my_srv__*", "deny mcp__other__*"],
    ],
    ["user", { deniedMcpServers: ["a", { serverUrl: "https://*" }] }, ["deny mcp__a__*", "ask mcp__*"]],
    ["user", { deniedMcpServers: ["a", 7] }, ["deny mcp__a__*", "ask mcp__*"]],
    ["command-line", { permissions: { workingDirectoriesExclude: ["/x"] } }, ["ask *"]],
    ["user", { allowManagedMcpServersOnly: true, strictKnownMarketplaces: [] }, []],
  ])("in a %s file %j asks", (kind, settings, rules) => {
    const policy = policyOf(source(kind, settings));
    expect(matched(policy)).toEqual(rules);
    expect(policy.managed.notEnforced).toEqual([]);
    expect(policy.managed.stopped).toBeUndefined();
  });
});

describe("the fail-closed table (semantics 32, 33)", () => {
  const allowed = { permissions: { allow: ["Bash", "WebFetch"] } };
  it.each<[string, unknown, (policy: ReturnType<typeof policyOf>) => boolean]>([
    [
      "allowedMcpServers: an empty list",
      { allowedMcpServers: 7 },
      (p) => p.servers?.length === 1 && p.servers[0]?.names.length === 0,
    ],
    [
      "allowedMcpServers: a single bad entry is passed over",
      { allowedMcpServers: ["a", 7] },
      (p) => p.servers?.[0]?.names.length === 1,
    ],
    ["allowManagedHooksOnly: true", { allowManagedHooksOnly: "x" }, (p) => p.hooks.hooks.length === 0],
    [
      "allowManagedMcpServersOnly: true",
      { allowManagedMcpServersOnly: 0 },
      (p) => p.servers?.[0]?.key === "allowManagedMcpServersOnly",
    ],
    [
      "disableCommandPluginSources: true",
      { disableCommandPluginSources: "false" },
      (p) => p.managed.notEnforced[0]?.tool === "mcp__plugin_*",
    ],
    [
      "sandbox.credentials: deny, whatever the mode",
      {
        sandbox: {
          credentials: {
            files: [
              { path: "/data", mode: 7 },
              { path: "/more", mode: "mask" },
            ],
          },
        },
      },
      (p) => p.sandbox.denyRead.includes("/data") && p.sandbox.denyRead.includes("/more"),
    ],
    [
      "deniedMcpServers: never dropped",
      { deniedMcpServers: "x y", claudeMd: 1 },
      (p) => matched(p).includes("deny mcp__x y__*"),
    ],
    [
      "deniedMcpServers: an entry that cannot be read denies all",
      { deniedMcpServers: { a: 1 } },
      (p) => p.managed.notEnforced[0]?.tool === "mcp__*",
    ],
    [
      "requiredMinimumVersion: says nothing of cordon",
      { requiredMinimumVersion: 7, requiredMaximumVersion: "0.0.1" },
      (p) => p.managed.notEnforced.length === 0,
    ],
    [
      "a deny rule that cannot be read blocks the tool it names",
      { permissions: { deny: ["WebFetch(domain:)"] } },
      (p) => matched(p).includes("deny WebFetch"),
    ],
    [
      "so does an ask rule",
      { permissions: { ask: ["WebFetch(domain:)"] } },
      (p) => matched(p).includes("deny WebFetch"),
    ],
    [
      "an allow rule that cannot be read allows nothing",
      { permissions: { allow: ["Bash("] } },
      (p) => !matched(p).some((rule) => rule === "allow Bash("),
    ],
  ])("%s", (_name, settings, holds) => {
    const hook = { hooks: { PreToolUse: [{ matcher: "*", hooks: [{ type: "command", command: "/x" }] }] } };
    const policy = policyOf(managed(settings), source("user", { ...allowed, ...hook }));
    expect(holds(policy)).toBe(true);
    expect(policy.managed.stopped).toBeUndefined();
  });

  it("an entry of credentials without a path stops the gate", () => {
    const files = [{ mode: "deny" }];
    expect(policyOf(managed({ sandbox: { credentials: { files } } })).managed.stopped).toBeDefined();
  });
});

describe("keys that count only in managed files", () => {
  const keys = [...KEYS].filter(([, { scopes }]) => scopes === "managed").map(([key]) => key);
  it("are those of the reference", () => {
    expect(keys.length).toBeGreaterThanOrEqual(38);
  });
  it.each(keys)("%s does nothing anywhere else, and a warning says so", (key) => {
    const value = [...(VALUES.get(key) ?? [true])][0];
    const settings = key.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
    for (const kind of KINDS.filter((each) => each !== "managed")) {
      const policy = policyOf(source(kind, settings));
      const nothing = policyOf(source(kind, {}));
      expect({ ...policy, problems: [] }).toEqual({ ...nothing, problems: [] });
      expect(policy.problems).toMatchObject([
        { severity: "warning", key, message: expect.stringContaining("it counts only in managed settings") },
      ]);
    }
  });
});

/** Values for keys that do not take `true`. */
const VALUES: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ["allowedDirectories", [["/x"]]],
  ["blockedCommands", [["rm *"]]],
  ["enforcePermissionMode", ["plan"]],
  ["policyHelper", [{ path: "/opt/policy" }]],
  ["managedSourcesBehavior", ["merge"]],
  ["sandbox.bwrapPath", ["/opt/bwrap"]],
]);

describe("managed locks that cannot be read", () => {
  it.each<[unknown, (policy: ReturnType<typeof policyOf>) => boolean]>([
    [{ blockNetworkTools: "yes" }, (p) => p.managed.blockNetworkTools !== undefined],
    [{ requireReadFirst: 1 }, (p) => p.managed.requireReadFirst !== undefined],
    [{ allowManagedPermissionRulesOnly: [] }, (p) => p.managed.onlyManagedRules !== undefined],
    [{ enforcePermissionMode: "strict" }, (p) => p.mode.enforced?.mode === "supervised"],
    [{ enforcePermissionMode: null }, (p) => p.mode.value === "supervised"],
    [{ disableBypassPermissionsMode: "disabled" }, (p) => p.mode.bypassDisabled !== undefined],
    [{ permissions: { disableBypassPermissionsMode: true } }, (p) => p.mode.bypassDisabled !== undefined],
    [{ permissions: { disableAutoMode: "yes" } }, (p) => p.mode.autoDisabled !== undefined],
    [{ permissions: { defaultMode: "Default" } }, (p) => p.mode.value === "supervised"],
    [{ permissions: { denyInsteadOfPrompting: 0 } }, (p) => p.mode.denyInsteadOfPrompting !== undefined],
    [{ sandbox: { enabled: "false" } }, (p) => p.sandbox.enabled],
    [{ sandbox: { failIfUnavailable: "x" } }, (p) => p.sandbox.failIfUnavailable],
    [{ sandbox: { allowUnsandboxedCommands: "x" } }, (p) => !p.sandbox.allowUnsandboxedCommands],
    [{ sandbox: { autoAllowBashIfSandboxed: 1 } }, (p) => !p.sandbox.autoAllowBashIfSandboxed],
    [{ sandbox: { filesystem: { allowManagedReadPathsOnly: "x" } } }, (p) => p.managed.stopped === undefined],
    [{ cordon: { audit: { required: "yes" } } }, (p) => p.cordon.audit.required],
  ])("%j holds", (settings, holds) => {
    const policy = policyOf(
      managed(settings),
      source("user", { permissions: { allow: ["Bash"], defaultMode: "acceptEdits" } }),
    );
    expect(holds(policy)).toBe(true);
    expect(policy.problems.some(({ severity }) => severity === "error")).toBe(true);
  });

  it.each<[unknown]>([
    [{ allowedDirectories: "/srv" }],
    [{ allowedDirectories: [1] }],
    [{ blockedCommands: {} }],
    [{ blockedCommands: ["rm *", 2] }],
    [{ permissions: { deny: {} } }],
    [{ permissions: [] }],
    [{ cordon: { limits: { memory: "much" } } }],
    [{ sandbox: { filesystem: { denyRead: [null] } } }],
    [{ cordon: { protectedPaths: 7 } }],
    [[]],
    ["{"],
    [""],
  ])("%j stops the gate", (settings) => {
    const policy = policyOf(managed(settings));
    expect(policy.managed.stopped).toMatchObject({
      severity: "error",
      file: "/etc/cordon/managed-settings.json",
    });
    expect(policy.managed.stopped?.message).toContain("every call is denied until it is mended");
    expect(policy.problems).toContainEqual(policy.managed.stopped);
  });

  it("one broken file of several stops the gate, and the others still hold", () => {
    const policy = policyOf(managed({ permissions: { deny: ["WebFetch"] } }, "/a"), managed("{", "/b"));
    expect(policy.managed.stopped?.file).toBe("/b");
    expect(rulesIn(policy)).toContain("deny WebFetch");
    expect(asksEverything(policy)).toBe(true);
  });
});

describe("several managed files", () => {
  it.each<[string, unknown, unknown, (policy: ReturnType<typeof policyOf>) => boolean]>([
    [
      "the stricter mode",
      { permissions: { defaultMode: "acceptEdits" } },
      { permissions: { defaultMode: "plan" } },
      (p) => p.mode.value === "plan",
    ],
    [
      "the stricter enforced mode",
      { enforcePermissionMode: "default" },
      { enforcePermissionMode: "plan" },
      (p) => p.mode.enforced?.mode === "plan",
    ],
    [
      "a lock of either",
      { blockNetworkTools: false },
      { blockNetworkTools: true },
      (p) => p.managed.blockNetworkTools !== undefined,
    ],
    [
      "the sandbox on",
      { sandbox: { enabled: false } },
      { sandbox: { enabled: true } },
      (p) => p.sandbox.enabled,
    ],
    [
      "no auto-allow",
      { sandbox: { autoAllowBashIfSandboxed: true } },
      { sandbox: { autoAllowBashIfSandboxed: false } },
      (p) => !p.sandbox.autoAllowBashIfSandboxed,
    ],
    [
      "the lower limit",
      { cordon: { limits: { processes: 10 } } },
      { cordon: { limits: { processes: 20 } } },
      (p) => p.cordon.limits.processes === 10,
    ],
    [
      "the rules of both",
      { permissions: { deny: ["Edit"] } },
      { permissions: { allow: ["Edit"] } },
      (p) => p.rules.length === 2,
    ],
    [
      "the blocked commands of both",
      { blockedCommands: ["a"] },
      { blockedCommands: ["b"] },
      (p) => p.rules.length === 2,
    ],
    [
      "the directories in both",
      { allowedDirectories: ["/srv", "/x"] },
      { allowedDirectories: ["/srv/app", "/y"] },
      (p) => p.managed.allowedDirectories?.globs.join() === "/srv/app",
    ],
    [
      "nothing where they share nothing",
      { allowedDirectories: ["/x"] },
      { allowedDirectories: ["/y"] },
      (p) => p.managed.allowedDirectories?.globs.length === 0,
    ],
  ])("%s", (_name, one, two, holds) => {
    expect(holds(policyOf(managed(one, "/a"), managed(two, "/b")))).toBe(true);
    expect(holds(policyOf(managed(two, "/b"), managed(one, "/a")))).toBe(true);
  });
});

describe("an enforced mode", () => {
  it.each<[string, string | undefined, string]>([
    ["default", undefined, "default"],
    ["acceptEdits", undefined, "acceptEdits"],
    ["default", "acceptEdits", "default"],
    ["default", "plan", "plan"],
    ["acceptEdits", "default", "default"],
    ["plan", "bypassPermissions", "plan"],
    ["bypassPermissions", undefined, "bypassPermissions"],
    ["auto", undefined, "default"],
    ["manual", "acceptEdits", "default"],
    ["supervised", "plan", "supervised"],
  ])("%s with %s set by the user is %s", (enforced, set, mode) => {
    const user = set === undefined ? [] : [source("user", { permissions: { defaultMode: set } })];
    expect(policyOf(managed({ enforcePermissionMode: enforced }), ...user).mode.value).toBe(mode);
  });
  it("bypass that is enforced and disabled is neither", () => {
    const policy = policyOf(
      managed({ enforcePermissionMode: "bypassPermissions", disableBypassPermissionsMode: true }),
    );
    expect(policy.mode).toMatchObject({ value: "default", enforced: { mode: "default" } });
  });
});

describe("only managed rules", () => {
  it.each(KINDS)("leave the deny and ask rules of a %s file", (kind) => {
    const policy = policyOf(
      managed({ allowManagedPermissionRulesOnly: true }, "/m"),
      source(kind, { permissions: { allow: ["Bash"], ask: ["Edit"], deny: ["WebFetch"] } }),
    );
    expect(rulesIn(policy).filter((rule) => !rule.startsWith("allow"))).toEqual([
      "ask Edit",
      "deny WebFetch",
    ]);
    expect(rulesIn(policy).includes("allow Bash")).toBe(kind === "managed");
  });
});

describe("allowed directories", () => {
  it.each<[readonly string[], readonly string[]]>([
    [["/srv/*"], ["/srv/*"]],
    [
      ["/srv/**", "/data/"],
      ["/srv", "/data"],
    ],
    [["~/src"], ["/home/dev/src"]],
    [["src", "/x"], ["/x"]],
    [["src"], []],
    [[], []],
  ])("%j are %j", (list, globs) => {
    expect(policyOf(managed({ allowedDirectories: list })).managed.allowedDirectories?.globs).toEqual(globs);
  });
  it("that are none are said to be", () => {
    expect(said(policyOf(managed({ allowedDirectories: [] })).problems).join()).toContain(
      "every call is denied",
    );
  });

  it.each<[string, string, readonly string[]]>([
    ["/a", "/a", ["/a"]],
    ["/a", "/a/b", ["/a/b"]],
    ["/a", "/ab", []],
    ["/home/*", "/home/dev", ["/home/dev"]],
    ["/home/*/src", "/home/dev/*", ["/home/dev/src"]],
    ["/home/*/src", "/home/dev", ["/home/dev/src"]],
    ["/a*", "/ab", []],
    ["/a*", "/a*", ["/a*"]],
    ["/a/**/b", "/a", []],
    ["/a/**/b", "/a/**/b", ["/a/**/b"]],
    ["/", "/a", ["/a"]],
    ["/", "/", ["/"]],
  ])("%s and %s share %j", (a, b, both) => {
    expect(intersectGlobs([a], [b])).toEqual(both);
    expect(intersectGlobs([b], [a])).toEqual(both);
  });
});
