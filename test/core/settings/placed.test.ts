/** Keys by their right name in the wrong place: what restricts holds, and the place is named. */
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../../src/core/settings/problem.ts";
import { policyOf, readingOf, rulesIn, source } from "./sources.ts";

const KINDS = ["managed", "user", "project"] as const;
const said = (kind: (typeof KINDS)[number], settings: unknown): readonly string[] =>
  readingOf(kind, settings).problems.map(
    (problem) =>
      `${problem.severity} ${formatProblem({ ...problem, file: undefined }).replace("\n  ", "; ")}`,
  );

describe("a key in the wrong group", () => {
  it.each([
    [{ permissions: { sandbox: { failIfUnavailable: true } } }, "permissions.sandbox", '"sandbox": {...}'],
    [{ denyRead: ["/x"] }, "denyRead", '"sandbox": {"filesystem": {"denyRead": [...]}}'],
    [{ sandbox: { denyRead: ["/x"] } }, "sandbox.denyRead", '"sandbox": {"filesystem": {"denyRead": [...]}}'],
    [
      { permissions: { denyWrite: "/x" } },
      "permissions.denyWrite",
      '"sandbox": {"filesystem": {"denyWrite": ...}}',
    ],
    [{ filesystem: { denyRead: ["/x"] } }, "filesystem", '"sandbox": {"filesystem": {...}}'],
    [{ network: { deniedDomains: ["a.b"] } }, "network", '"sandbox": {"network": {...}}'],
    [{ failIfUnavailable: true }, "failIfUnavailable", '"sandbox": {"failIfUnavailable": ...}'],
    [
      { cordon: { failIfUnavailable: true } },
      "cordon.failIfUnavailable",
      '"sandbox": {"failIfUnavailable": ...}',
    ],
    [{ sandbox: { deny: ["Bash(nc *)"] } }, "sandbox.deny", '"permissions": {"deny": [...]}'],
    [{ cordon: { ask: ["Bash(nc *)"] } }, "cordon.ask", '"permissions": {"ask": [...]}'],
    [{ cordon: { permissions: { deny: ["Edit"] } } }, "cordon.permissions", '"permissions": {...}'],
    [{ permissions: { ignorePatterns: ["x"] } }, "permissions.ignorePatterns", '"ignorePatterns": [...]'],
    [{ protectedPaths: ["x"] }, "protectedPaths", '"cordon": {"protectedPaths": [...]}'],
    [{ permissions: { secretPaths: ["x"] } }, "permissions.secretPaths", '"cordon": {"secretPaths": [...]}'],
    [
      { denyInsteadOfPrompting: true },
      "denyInsteadOfPrompting",
      '"permissions": {"denyInsteadOfPrompting": ...}',
    ],
    [{ sandbox: { limits: { memory: "1G" } } }, "sandbox.limits", '"cordon": {"limits": {...}}'],
    [{ defaultMode: "plan" }, "defaultMode", '{"defaultMode": ...}'],
  ])("is an error that names the right place: %j", (settings, key, place) => {
    for (const kind of KINDS) {
      const [first = ""] = said(kind, settings);
      expect(first).toMatch(/^error /);
      expect(first).toContain(`\`${key}\` stands in the wrong place`);
      expect(first).toContain(place);
    }
  });

  it("holds as far as it restricts, in every file", () => {
    for (const kind of KINDS) {
      const policy = (settings: unknown) => policyOf(source(kind, settings));
      expect(policy({ denyRead: ["/x"] }).sandbox.denyRead).toEqual(["/x"]);
      expect(policy({ sandbox: { denyRead: ["/x"] } }).sandbox.denyRead).toEqual(["/x"]);
      expect(policy({ filesystem: { denyWrite: ["/x"] } }).sandbox.denyWrite).toEqual(["/x"]);
      expect(policy({ permissions: { deniedDomains: ["a.b"] } }).sandbox.deniedDomains).toEqual(["a.b"]);
      expect(policy({ failIfUnavailable: true }).sandbox.failIfUnavailable).toBe(true);
      expect(
        policy({ permissions: { sandbox: { failIfUnavailable: true } } }).sandbox.failIfUnavailable,
      ).toBe(true);
      expect(
        policy({ cordon: { disableBypassPermissionsMode: "disable" } }).mode.bypassDisabled,
      ).toBeDefined();
      expect(policy({ protectedPaths: ["x"] }).limitsOfPaths.protectedPaths).toContain("x");
      expect(
        policy({ blockReadsOutsideWorkingDirectories: true }).limitsOfPaths.blockReadsOutside,
      ).toBeDefined();
      expect(rulesIn(policy({ sandbox: { deny: ["Bash(nc *)"] } }))).toEqual(["deny Bash(nc *)"]);
      expect(rulesIn(policy({ cordon: { permissions: { ask: ["Edit"], deny: ["Bash(nc *)"] } } }))).toEqual([
        "ask Edit",
        "deny Bash(nc *)",
      ]);
      expect(rulesIn(policy({ permissions: { ignorePatterns: ["x"] } }))).toEqual(["deny Read(x)"]);
    }
    expect(
      policyOf(source("managed", { permissions: { blockNetworkTools: true } })).managed.blockNetworkTools,
    ).toBeDefined();
    expect(
      policyOf(source("user", { permissions: { blockNetworkTools: true } })).managed.blockNetworkTools,
    ).toBeUndefined();
  });

  it("opens nothing", () => {
    const settings = [
      { permissions: { sandbox: { enabled: false, autoAllowBashIfSandboxed: true } } },
      {
        cordon: {
          sandbox: { enabled: false },
          permissions: { allow: ["Bash"], additionalDirectories: ["/"] },
        },
      },
      {
        additionalDirectories: ["/"],
        allowWrite: ["/"],
        autoAllowBashIfSandboxed: true,
        defaultMode: "bypassPermissions",
      },
      { sandbox: { allow: ["Bash"], allowedTools: ["Bash"], allowWrite: ["/"], allowedDomains: ["*"] } },
      { filesystem: { allowWrite: ["/"] }, network: { allowedDomains: ["*"] } },
      { permissions: { autoApprove: true, hook: { autoApprove: true } } },
    ];
    const nothing = policyOf(source("user", {}));
    for (const each of settings) {
      const { rules, directories, sandbox, mode, cordon } = policyOf(source("user", each));
      expect(rules.filter(({ effect }) => effect === "allow")).toEqual([]);
      expect({ directories, sandbox, cordon, mode: mode.value }).toEqual({
        directories: nothing.directories,
        sandbox: nothing.sandbox,
        cordon: nothing.cordon,
        mode: nothing.mode.value,
      });
    }
  });

  it.each([
    [{ additionalDirectories: ["/x"] }, "permissions.additionalDirectories"],
    [{ sandbox: { allowWrite: ["/x"] } }, "sandbox.filesystem.allowWrite"],
    [{ sandbox: { allow: ["Bash"] } }, "permissions.allow"],
    [{ permissions: { hooks: { PreToolUse: [] } } }, "hooks"],
  ])("that would open something is named, and does nothing: %j", (settings, place) => {
    for (const kind of ["user", "project"] as const) {
      const [first = ""] = said(kind, settings);
      expect(first).toMatch(/^warning .*; it does nothing there/);
      expect(first).toContain(`it is \`${place}\``);
    }
  });

  it("with hooks stops the gate in a managed file", () => {
    const { stopped } = policyOf(source("managed", { permissions: { hooks: { PreToolUse: [] } } })).managed;
    expect(stopped?.message).toContain("every call is denied");
  });

  it("is left alone where it may be another program's", () => {
    for (const settings of [
      { path: "/x", required: true, enabled: true, memory: "1G", processes: 4, time: 3, retention: 5 },
      { network: { proxy: "x" }, filesystem: { root: "/" }, audit: { level: 3 }, limits: { memory: 1 } },
      { hook: { autoApprove: true }, credentials: { token: "x" }, sandboxes: { denyRead: ["/x"] } },
      { other: { denyRead: ["/x"], deny: ["Bash"], permissions: { deny: ["Bash"] } } },
    ])
      for (const kind of KINDS) expect(said(kind, settings), JSON.stringify(settings)).toEqual([]);
  });
});
