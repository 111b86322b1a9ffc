import { describe, expect, it } from "vitest";
import { deniedByFault } from "../../../src/core/settings/denied.ts";
import { policyOf, source } from "./sources.ts";

const denied = (settings: unknown): readonly string[] =>
  deniedByFault(policyOf(source("managed", settings))).map(({ tool, why }) => `${tool}: ${why}`);

const HERE = "is not enforced here, so that what it governs is denied";

describe("tools that a fault denies altogether", () => {
  it.each([
    [{ policyHelper: { path: "policy" } }, ["*: `policyHelper` cannot be read"]],
    [{ policyHelper: "/x" }, ["*: `policyHelper` cannot be read"]],
    [{ forceRemoteSettingsRefresh: true }, [`*: \`forceRemoteSettingsRefresh\` ${HERE}`]],
    [{ forceRemoteSettingsRefresh: "yes" }, ["*: `forceRemoteSettingsRefresh` cannot be read"]],
    [{ permissions: { deny: ["Bash(rm"] } }, ["Bash: the rule `Bash(rm` cannot be read"]],
    [{ permissions: { deny: ["Bsh(rm *)"] } }, ["Bash: the rule `Bsh(rm *)` cannot be read"]],
    [{ permissions: { ask: ["WebFetch()"] } }, ["WebFetch: the rule `WebFetch()` cannot be read"]],
    [
      { permissions: { deny: [{ tool: "Edit", pattern: "a", x: 1 }] } },
      ["Edit: the rule `Edit(a)` cannot be read"],
    ],
    [{ blockedCommands: [" "] }, ["Bash: the rule `Bash( )` cannot be read"]],
    [
      { blockNetworkTools: "yes" },
      ["WebFetch: `blockNetworkTools` cannot be read", "WebSearch: `blockNetworkTools` cannot be read"],
    ],
    [{ allowedMcpServers: [7] }, ["mcp__*: `allowedMcpServers` cannot be read"]],
    [{ deniedMcpServers: [7] }, ["mcp__*: `deniedMcpServers` cannot be read"]],
    [{ allowManagedMcpServersOnly: 1 }, ["mcp__*: `allowManagedMcpServersOnly` cannot be read"]],
    [
      { allowedDirectories: ["x"] },
      ["*: `allowedDirectories` names no directory that all managed files allow"],
    ],
    [{ strictPluginOnlyCustomization: ["skills"] }, [`Skill: \`strictPluginOnlyCustomization\` ${HERE}`]],
  ])("%j", (settings, expected) => {
    expect(denied(settings)).toEqual(expected);
  });

  it.each([
    [{ permissions: { deny: ["Bash", "WebFetch", "mcp__db"] } }],
    [{ permissions: { allow: ["Bash(rm"], deny: ["Bash(rm *)"] } }],
    [{ blockNetworkTools: true, requireReadFirst: true }],
    [{ allowedMcpServers: [], deniedMcpServers: [{ serverName: "db" }] }],
    [{ allowedMcpServers: ["db", 7] }],
    [{ strictKnownMarketplaces: [] }],
    [{ allowManagedMcpServersOnly: true }],
    [{ allowedDirectories: ["/srv"] }],
    [{ blockNetworkTool: true }],
  ])("not what an administrator wrote, nor a part of a tool: %j", (settings) => {
    expect(denied(settings)).toEqual([]);
  });
});
