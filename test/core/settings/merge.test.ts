import { describe, expect, it } from "vitest";
import type { Policy } from "../../../src/core/settings/policy.ts";
import {
  asksEverything,
  KINDS,
  type Kind,
  matched,
  policyOf,
  rulesIn,
  said,
  source,
  unreadable,
} from "./sources.ts";

const ALL: readonly Kind[] = KINDS;
const TRUSTED: readonly Kind[] = ["managed", "command-line", "local", "project-trusted", "user"];
const PERSONAL: readonly Kind[] = ["managed", "command-line", "local", "user"];
const OUTSIDE: readonly Kind[] = ["managed", "command-line", "user"];
const MANAGED: readonly Kind[] = ["managed"];
const has = (list: readonly string[], part: string): boolean => list.some((each) => each.includes(part));

/** A key, a value, the files it counts in, how to see that it does, and what a lower file says. */
interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly counts: readonly Kind[];
  readonly seen: (policy: Policy) => boolean;
  readonly beside?: unknown;
}

const ROWS: readonly Row[] = [
  {
    key: "permissions.allow",
    value: ["WebSearch"],
    counts: TRUSTED,
    seen: (p) => has(matched(p), "allow WebSearch"),
  },
  {
    key: "permissions.ask",
    value: ["WebSearch"],
    counts: ALL,
    seen: (p) => has(matched(p), "ask WebSearch"),
  },
  {
    key: "permissions.deny",
    value: ["WebSearch"],
    counts: ALL,
    seen: (p) => has(matched(p), "deny WebSearch"),
  },
  {
    key: "permissions.allowedTools",
    value: ["WebSearch"],
    counts: TRUSTED,
    seen: (p) => has(matched(p), "allow WebSearch"),
  },
  {
    key: "permissions.deniedTools",
    value: ["WebSearch"],
    counts: ALL,
    seen: (p) => has(matched(p), "deny WebSearch"),
  },
  {
    key: "allowedTools",
    value: [{ tool: "WebSearch" }],
    counts: TRUSTED,
    seen: (p) => has(matched(p), "allow WebSearch"),
  },
  {
    key: "deniedTools",
    value: [{ tool: "WebSearch" }],
    counts: ALL,
    seen: (p) => has(matched(p), "deny WebSearch"),
  },
  { key: "ignorePatterns", value: ["*.pem"], counts: ALL, seen: (p) => has(matched(p), "deny Read(*.pem)") },
  {
    key: "permissions.additionalDirectories",
    value: ["/data"],
    counts: TRUSTED,
    seen: (p) => p.directories.includes("/data"),
  },
  { key: "permissions.defaultMode", value: "plan", counts: ALL, seen: (p) => p.mode.value === "plan" },
  {
    key: "permissions.defaultMode",
    value: "acceptEdits",
    counts: PERSONAL,
    seen: (p) => p.mode.value === "acceptEdits",
  },
  {
    key: "permissions.defaultMode",
    value: "bypassPermissions",
    counts: OUTSIDE,
    seen: (p) => p.mode.value === "bypassPermissions",
  },
  { key: "permissions.defaultMode", value: "auto", counts: [], seen: (p) => p.mode.value !== "default" },
  { key: "cordon.defaultMode", value: "supervised", counts: ALL, seen: (p) => p.mode.value === "supervised" },
  {
    key: "cordon.defaultMode",
    value: "acceptEdits",
    counts: PERSONAL,
    seen: (p) => p.mode.value === "acceptEdits",
  },
  {
    key: "cordon.defaultMode",
    value: "bypassPermissions",
    counts: OUTSIDE,
    seen: (p) => p.mode.value === "bypassPermissions",
  },
  {
    key: "permissions.disableBypassPermissionsMode",
    value: "disable",
    counts: ALL,
    seen: (p) => p.mode.bypassDisabled !== undefined,
  },
  {
    key: "disableBypassPermissionsMode",
    value: true,
    counts: MANAGED,
    seen: (p) => p.mode.bypassDisabled !== undefined,
  },
  {
    key: "permissions.disableAutoMode",
    value: "disable",
    counts: ALL,
    seen: (p) => p.mode.autoDisabled !== undefined,
  },
  { key: "disableAutoMode", value: "disable", counts: ALL, seen: (p) => p.mode.autoDisabled !== undefined },
  {
    key: "permissions.blockReadsOutsideWorkingDirectories",
    value: true,
    counts: ALL,
    seen: (p) => p.limitsOfPaths.blockReadsOutside !== undefined,
  },
  {
    key: "permissions.blockWritesOutsideWorkingDirectories",
    value: true,
    counts: ALL,
    seen: (p) => p.limitsOfPaths.blockWritesOutside !== undefined,
  },
  {
    key: "permissions.blockReadsOutsideWorkingDirectories",
    value: false,
    counts: [],
    seen: (p) => p.limitsOfPaths.blockReadsOutside === undefined,
    beside: { permissions: { blockReadsOutsideWorkingDirectories: true } },
  },
  {
    key: "permissions.denyInsteadOfPrompting",
    value: true,
    counts: OUTSIDE,
    seen: (p) => p.mode.denyInsteadOfPrompting !== undefined,
  },
  { key: "sandbox.enabled", value: false, counts: OUTSIDE, seen: (p) => !p.sandbox.enabled },
  {
    key: "sandbox.enabled",
    value: true,
    counts: ALL,
    seen: (p) => p.sandbox.enabled,
    beside: { sandbox: { enabled: false } },
  },
  { key: "sandbox.failIfUnavailable", value: true, counts: ALL, seen: (p) => p.sandbox.failIfUnavailable },
  {
    key: "sandbox.failIfUnavailable",
    value: false,
    counts: PERSONAL,
    seen: (p) => !p.sandbox.failIfUnavailable,
    beside: { sandbox: { failIfUnavailable: true } },
  },
  {
    key: "sandbox.autoAllowBashIfSandboxed",
    value: true,
    counts: PERSONAL,
    seen: (p) => p.sandbox.autoAllowBashIfSandboxed,
  },
  {
    key: "sandbox.autoAllowBashIfSandboxed",
    value: false,
    counts: ALL,
    seen: (p) => !p.sandbox.autoAllowBashIfSandboxed,
    beside: { sandbox: { autoAllowBashIfSandboxed: true } },
  },
  {
    key: "sandbox.allowUnsandboxedCommands",
    value: false,
    counts: ALL,
    seen: (p) => !p.sandbox.allowUnsandboxedCommands,
  },
  {
    key: "sandbox.allowUnsandboxedCommands",
    value: true,
    counts: PERSONAL,
    seen: (p) => p.sandbox.allowUnsandboxedCommands,
    beside: { sandbox: { allowUnsandboxedCommands: false } },
  },
  {
    key: "sandbox.filesystem.allowWrite",
    value: ["/data"],
    counts: TRUSTED,
    seen: (p) => p.sandbox.allowWrite.includes("/data"),
  },
  {
    key: "sandbox.filesystem.denyWrite",
    value: ["/data"],
    counts: ALL,
    seen: (p) => p.sandbox.denyWrite.includes("/data"),
  },
  {
    key: "sandbox.filesystem.denyRead",
    value: ["/data"],
    counts: ALL,
    seen: (p) => p.sandbox.denyRead.includes("/data"),
  },
  {
    key: "sandbox.filesystem.allowRead",
    value: ["/data"],
    counts: TRUSTED,
    seen: (p) => p.sandbox.allowRead.includes("/data"),
  },
  {
    key: "sandbox.filesystem.allowManagedReadPathsOnly",
    value: true,
    counts: MANAGED,
    seen: (p) => p.sandbox.allowRead.length === 0,
    beside: { sandbox: { filesystem: { allowRead: ["/x"] } } },
  },
  {
    key: "sandbox.network.allowedDomains",
    value: ["a.example"],
    counts: TRUSTED,
    seen: (p) => p.sandbox.allowedDomains.includes("a.example"),
  },
  {
    key: "sandbox.network.deniedDomains",
    value: ["a.example"],
    counts: ALL,
    seen: (p) => p.sandbox.deniedDomains.includes("a.example"),
  },
  {
    key: "sandbox.network.allowManagedDomainsOnly",
    value: true,
    counts: MANAGED,
    seen: (p) => p.sandbox.allowedDomains.length === 0 && !has(matched(p), "allow WebFetch"),
    beside: {
      sandbox: { network: { allowedDomains: ["x.example"] } },
      permissions: { allow: ["WebFetch(domain:x.example)"] },
    },
  },
  {
    key: "sandbox.credentials.files",
    value: [{ path: "/data", mode: "mask" }],
    counts: ALL,
    seen: (p) => p.sandbox.denyRead.includes("/data"),
  },
  {
    key: "sandbox.bwrapPath",
    value: "/opt/bwrap",
    counts: MANAGED,
    seen: (p) => p.sandbox.bwrapPath === "/opt/bwrap",
  },
  { key: "cordon.approvalTimeout", value: 7, counts: PERSONAL, seen: (p) => p.cordon.approvalTimeout === 7 },
  {
    key: "cordon.protectedPaths",
    value: ["x"],
    counts: ALL,
    seen: (p) => p.limitsOfPaths.protectedPaths.includes("x"),
  },
  {
    key: "cordon.runsLater",
    value: ["x"],
    counts: ALL,
    seen: (p) => p.limitsOfPaths.runsLater.includes("x"),
  },
  {
    key: "cordon.secretPaths",
    value: ["x"],
    counts: ALL,
    seen: (p) => p.limitsOfPaths.secretPaths.includes("x"),
  },
  { key: "cordon.audit.path", value: "/log", counts: OUTSIDE, seen: (p) => p.cordon.audit.path === "/log" },
  { key: "cordon.audit.required", value: true, counts: OUTSIDE, seen: (p) => p.cordon.audit.required },
  { key: "cordon.audit.retention", value: 30, counts: OUTSIDE, seen: (p) => p.cordon.audit.retention === 30 },
  { key: "cordon.hook.autoApprove", value: true, counts: OUTSIDE, seen: (p) => p.cordon.hook.autoApprove },
  {
    key: "cordon.hook.rewriteIntoSandbox",
    value: true,
    counts: OUTSIDE,
    seen: (p) => p.cordon.hook.rewriteIntoSandbox,
  },
  {
    key: "cordon.sandbox.lowestRung",
    value: "native",
    counts: ALL,
    seen: (p) => p.sandbox.lowestRung === "native",
  },
  {
    key: "cordon.sandbox.lowestRung",
    value: "landlock",
    counts: OUTSIDE,
    seen: (p) => p.sandbox.lowestRung === "landlock",
  },
  {
    key: "cordon.limits.memory",
    value: "64G",
    counts: PERSONAL,
    seen: (p) => p.cordon.limits.memory === 64 * 2 ** 30,
  },
  {
    key: "cordon.limits.memory",
    value: "64M",
    counts: ALL,
    seen: (p) => p.cordon.limits.memory === 64 * 2 ** 20,
  },
  {
    key: "cordon.limits.processes",
    value: 100_000,
    counts: PERSONAL,
    seen: (p) => p.cordon.limits.processes === 100_000,
  },
  { key: "cordon.limits.time", value: 60, counts: ALL, seen: (p) => p.cordon.limits.time === 60 },
  {
    key: "cordon.limits.time",
    value: 600,
    counts: PERSONAL,
    seen: (p) => p.cordon.limits.time === 600,
    beside: { cordon: { limits: { time: 60 } } },
  },
  {
    key: "enforcePermissionMode",
    value: "plan",
    counts: MANAGED,
    seen: (p) => p.mode.enforced?.mode === "plan" && p.mode.value === "plan",
  },
  {
    key: "blockNetworkTools",
    value: true,
    counts: MANAGED,
    seen: (p) => p.managed.blockNetworkTools !== undefined,
  },
  {
    key: "requireReadFirst",
    value: true,
    counts: MANAGED,
    seen: (p) => p.managed.requireReadFirst !== undefined,
  },
  {
    key: "allowedDirectories",
    value: ["/srv/*"],
    counts: MANAGED,
    seen: (p) => p.managed.allowedDirectories?.globs[0] === "/srv/*",
  },
  {
    key: "blockedCommands",
    value: ["rm *"],
    counts: MANAGED,
    seen: (p) => has(matched(p), "deny Bash(rm *)"),
  },
  {
    key: "allowManagedPermissionRulesOnly",
    value: true,
    counts: MANAGED,
    seen: (p) => p.managed.onlyManagedRules !== undefined && !has(matched(p), "allow"),
    beside: { permissions: { allow: ["WebSearch"] } },
  },
  { key: "deniedMcpServers", value: ["srv"], counts: ALL, seen: (p) => has(matched(p), "deny mcp__srv__*") },
  {
    key: "disabledMcpjsonServers",
    value: ["my srv"],
    counts: ALL,
    seen: (p) => has(matched(p), "deny mcp__my_srv__*"),
  },
  {
    key: "disableClaudeAiConnectors",
    value: true,
    counts: ALL,
    seen: (p) => has(matched(p), "deny mcp__claude_ai_*"),
  },
];

function nested(key: string, value: unknown): unknown {
  return key.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

describe("which files a key counts in", () => {
  const cases = ROWS.flatMap((row) =>
    KINDS.map((kind) => [row.key, JSON.stringify(row.value), kind, row.counts.includes(kind), row] as const),
  );
  it.each(cases)("%s = %s in a %s file: %s", (_key, _value, kind, counts, { key, value, beside, seen }) => {
    const own = source(kind, nested(key, value));
    const lower =
      beside === undefined ? [] : [source("user", beside, "/home/dev/.config/cordon/settings.json")];
    expect(seen(policyOf(own, ...lower))).toBe(counts);
    if (beside === undefined) expect(seen(policyOf())).toBe(false);
  });

  it("an ignored key outside its files is reported, with where it counts", () => {
    for (const { key, value } of ROWS.filter(({ counts }) => counts === MANAGED)) {
      const { problems } = policyOf(source("user", nested(key, value)));
      expect(said(problems).join("\n"), key).toContain(
        `\`${key}\` does nothing here: it counts only in managed settings`,
      );
    }
  });

  it.each(["cordon.audit.path", "cordon.hook.autoApprove", "sandbox.bwrapPath"])(
    "so is %s of a project",
    (key) => {
      const { problems } = policyOf(source("project-trusted", nested(key, "/x")));
      expect(said(problems).join("\n")).toContain("does nothing here");
    },
  );
});

describe("precedence", () => {
  it.each<[string, readonly (readonly [Kind, unknown])[], string]>([
    [
      "the highest scope wins",
      [
        ["user", "plan"],
        ["command-line", "acceptEdits"],
      ],
      "acceptEdits",
    ],
    [
      "a local file goes before the user's",
      [
        ["user", "plan"],
        ["local", "acceptEdits"],
      ],
      "acceptEdits",
    ],
    [
      "managed goes before all",
      [
        ["managed", "acceptEdits"],
        ["command-line", "plan"],
      ],
      "acceptEdits",
    ],
    [
      "a project tightens",
      [
        ["user", "acceptEdits"],
        ["project", "plan"],
      ],
      "plan",
    ],
    [
      "a trusted project only tightens too",
      [
        ["user", "plan"],
        ["project-trusted", "acceptEdits"],
      ],
      "plan",
    ],
    [
      "a project does not relax",
      [
        ["user", "dontAsk"],
        ["project", "default"],
      ],
      "dontAsk",
    ],
    [
      "a higher file of one's own stands over a project",
      [
        ["local", "acceptEdits"],
        ["project", "plan"],
      ],
      "acceptEdits",
    ],
    [
      "a local file of the repository tightens",
      [
        ["user", "acceptEdits"],
        ["local-repo", "plan"],
      ],
      "plan",
    ],
    ["manual is default", [["user", "manual"]], "default"],
    ["auto is default", [["user", "auto"]], "default"],
    [
      "auto of the command line over plan of the user",
      [
        ["user", "plan"],
        ["command-line", "auto"],
      ],
      "default",
    ],
  ])("%s", (_name, modes, mode) => {
    const sources = modes.map(([kind, value]) => source(kind, { permissions: { defaultMode: value } }));
    expect(policyOf(...sources).mode.value).toBe(mode);
    expect(policyOf(...sources.toReversed()).mode.value).toBe(mode);
  });

  it("within a scope the first file goes before the second", () => {
    const first = source("user", { permissions: { defaultMode: "plan" } }, "/a");
    const second = source("user", { permissions: { defaultMode: "acceptEdits" } }, "/b");
    expect(policyOf(first, second).mode).toMatchObject({ value: "plan", origin: { file: "/a", line: 1 } });
    expect(policyOf(second, first).mode.value).toBe("acceptEdits");
  });

  it("within a file cordon's own key goes before the shared one", () => {
    const both = { permissions: { defaultMode: "plan" }, cordon: { defaultMode: "acceptEdits" } };
    expect(policyOf(source("user", both)).mode.value).toBe("acceptEdits");
    expect(
      policyOf(source("user", { permissions: { defaultMode: "default" } }), source("project", both)).mode
        .value,
    ).toBe("plan");
  });

  it("a mode that stands twice is the stricter one", () => {
    expect(
      policyOf(source("user", '{"permissions": {"defaultMode": "plan", "defaultMode": "acceptEdits"}}')).mode
        .value,
    ).toBe("plan");
  });

  it("a faulty mode is the strictest one", () => {
    expect(policyOf(source("user", { permissions: { defaultMode: "Plan" } })).mode.value).toBe("supervised");
    expect(policyOf(source("project", { permissions: { defaultMode: 1 } })).mode.value).toBe("supervised");
  });

  it("bypass ends where it is disabled, by any file", () => {
    const bypass = source("command-line", { permissions: { defaultMode: "bypassPermissions" } });
    const disabled = source("project", { permissions: { disableBypassPermissionsMode: "disable" } });
    expect(policyOf(bypass).mode.value).toBe("bypassPermissions");
    expect(policyOf(bypass, disabled).mode).toMatchObject({
      value: "default",
      bypassDisabled: { scope: "project", line: 1 },
    });
  });

  it("auto is reported as what it is", () => {
    expect(said(policyOf(source("user", { permissions: { defaultMode: "auto" } })).problems)).toEqual([
      "note 1:31 `auto` is a classifier mode of another product; it behaves as `default`",
    ]);
    expect(said(policyOf(source("project", { permissions: { defaultMode: "auto" } })).problems)).toEqual([
      "warning 1:31 `auto` does nothing here: settings inside a project cannot choose it",
    ]);
  });
});

describe("lists and rules", () => {
  it("are pooled over all files, the highest first", () => {
    const policy = policyOf(
      source("user", { permissions: { deny: ["Read(a)"], additionalDirectories: ["/x", "/y"] } }),
      source("project-trusted", {
        permissions: { allow: ["Bash(ls)"], additionalDirectories: ["/y", "sub"] },
      }),
      source("managed", { permissions: { ask: ["WebFetch"] } }),
    );
    expect(rulesIn(policy)).toEqual(["ask WebFetch", "allow Bash(ls)", "deny Read(a)"]);
    expect(policy.directories).toEqual(["/y", "/srv/app/sub", "/x"]);
    expect(policy.rules[2]).toMatchObject({
      scope: "user",
      file: "/home/dev/.claude/settings.json",
      line: 1,
      anchor: "/home/dev/.claude",
    });
  });

  it.each([
    ["//data", "/data"],
    ["/data/", "/data"],
    ["/data/**", "/data"],
    ["~", "/home/dev"],
    ["~/x/../y", "/home/dev/y"],
    ["$HOME/x", "/home/dev/x"],
    ["${HOME}/x", "/home/dev/x"],
    ["./x", "BASE/x"],
    ["x/y", "BASE/x/y"],
    [".", "BASE"],
    ["/", "/"],
    ["/**", "/"],
    ["*.pem", "BASE/*.pem"],
  ])("the path %s is %s", (text, path) => {
    for (const [kind, base] of [
      ["project", "/srv/app"],
      ["user", "/home/dev/.claude"],
    ] as const) {
      const policy = policyOf(source(kind, { sandbox: { filesystem: { denyRead: [text] } } }));
      expect(policy.sandbox.denyRead).toEqual([path.replace("BASE", base)]);
    }
  });

  it.each(["~other/x", "$DATA/x", "a\0b"])("the path %j is not known", (text) => {
    const denied = policyOf(source("project", { sandbox: { filesystem: { denyRead: ["/ok", text] } } }));
    expect(denied.sandbox.denyRead).toEqual(["/ok"]);
    expect(asksEverything(denied)).toBe(true);
    expect(denied.problems[0]).toMatchObject({
      severity: "error",
      line: 1,
      key: "sandbox.filesystem.denyRead[1]",
    });
    const opened = policyOf(source("user", { sandbox: { filesystem: { allowWrite: ["/ok", text] } } }));
    expect(opened.sandbox.allowWrite).toEqual(["/ok"]);
    expect(asksEverything(opened)).toBe(false);
    expect(opened.problems[0]?.message).toContain("it opens nothing");
    expect(
      policyOf(source("managed", { sandbox: { filesystem: { denyWrite: [text] } } })).managed.stopped,
    ).toBeDefined();
  });

  it("a pattern opens nothing for writing", () => {
    expect(
      policyOf(source("user", { sandbox: { filesystem: { allowWrite: ["/a*"] } } })).sandbox.allowWrite,
    ).toEqual([]);
  });

  it("nothing can be taken out of a built-in list", () => {
    const policy = policyOf(source("user", { cordon: { secretPaths: ["a", "!.env"] } }));
    expect(policy.limitsOfPaths.secretPaths).toEqual(["a"]);
    expect(policy.problems[0]).toMatchObject({ severity: "error", key: "cordon.secretPaths[1]" });
  });

  it("a lock in one place of a file that sets it twice holds", () => {
    const text =
      '{"permissions": {"blockReadsOutsideWorkingDirectories": true}, "permissions": {"blockReadsOutsideWorkingDirectories": false}}';
    expect(policyOf(source("user", text)).limitsOfPaths.blockReadsOutside).toBeDefined();
  });

  it("what opens something counts only where it stands last", () => {
    const text =
      '{"sandbox": {"filesystem": {"allowWrite": ["/a"], "denyWrite": ["/b"]}}, "sandbox": {"filesystem": {"allowWrite": ["/c"]}}}';
    const { sandbox } = policyOf(source("user", text));
    expect([sandbox.allowWrite, sandbox.denyWrite]).toEqual([["/c"], ["/b"]]);
  });
});

describe("files that are not trusted", () => {
  it("are named, with the number of their allow rules", () => {
    const policy = policyOf(
      source("project", { permissions: { allow: ["Bash", "Edit"], deny: ["Read(x)"] } }),
      source("local-repo", { allowedTools: ["Bash"], permissions: { additionalDirectories: ["/"] } }),
      source("user", { permissions: { allow: ["WebSearch"] } }),
    );
    expect(policy.ignored).toEqual({
      rules: 3,
      files: ["/srv/app/.claude/settings.local.json", "/srv/app/.claude/settings.json"],
    });
    expect(rulesIn(policy)).toEqual(["deny Read(x)", "allow WebSearch"]);
  });

  it("are not named when they would open nothing", () => {
    expect(policyOf(source("project", { permissions: { deny: ["Bash"] } })).ignored).toEqual({
      rules: 0,
      files: [],
    });
  });
});

describe("files that cannot be read", () => {
  it.each(KINDS)("a broken %s file", (kind) => {
    const broken = policyOf(
      source(kind, '{"permissions": {"allow": ["Bash"], "deny": ["Edit"'),
      source("user", { permissions: { allow: ["WebSearch"] } }, "/u"),
    );
    expect(has(matched(broken), "deny Edit")).toBe(true);
    expect(has(matched(broken), "allow Bash")).toBe(false);
    expect(asksEverything(broken)).toBe(true);
    expect(broken.managed.stopped !== undefined).toBe(kind === "managed");
    expect(broken.problems[0]).toMatchObject({ severity: "error", line: 1 });
  });
  it.each(KINDS)("an unreadable %s file", (kind) => {
    const policy = policyOf(unreadable(kind, "permission denied"));
    expect(asksEverything(policy)).toBe(true);
    expect(policy.managed.stopped !== undefined).toBe(kind === "managed");
    expect(said(policy.problems)[0]).toContain("permission denied");
  });
  it("a broken file cannot relax what another says", () => {
    const policy = policyOf(
      source(
        "command-line",
        '{"permissions": {"defaultMode": "acceptEdits"}, "sandbox": {"enabled": false, "autoAllowBashIfSandboxed": true}, "cordon": {"limits": {"memory": "64G"}}',
      ),
      source("user", { permissions: { defaultMode: "plan" } }),
    );
    expect(policy.mode.value).toBe("plan");
    expect(policy.sandbox).toMatchObject({ enabled: true, autoAllowBashIfSandboxed: false });
    expect(policy.cordon.limits.memory).toBeUndefined();
  });
});

describe("nothing set", () => {
  it("is the strict side of everything", () => {
    const policy = policyOf();
    expect(policy).toEqual({
      fingerprint: "fingerprint",
      hooks: { hooks: [], ignored: 0, urls: [], variables: [] },
      rules: [],
      mode: { value: "default" },
      directories: [],
      managed: { notEnforced: [] },
      servers: [],
      limitsOfPaths: { protectedPaths: [], runsLater: [], secretPaths: [] },
      sandbox: {
        enabled: true,
        failIfUnavailable: false,
        autoAllowBashIfSandboxed: false,
        allowUnsandboxedCommands: true,
        allowWrite: [],
        denyWrite: [],
        denyRead: [],
        allowRead: [],
        allowedDomains: [],
        deniedDomains: [],
      },
      cordon: {
        approvalTimeout: 300,
        audit: { required: false },
        hook: { autoApprove: false, rewriteIntoSandbox: false },
        limits: {},
      },
      problems: [],
      ignored: { rules: 0, files: [] },
    });
  });
});
