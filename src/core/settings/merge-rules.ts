import { unenforcedAsks } from "./merge-managed.ts";
import { all, locked, opens, problemAt } from "./pick.ts";
import type { Policy } from "./policy.ts";
import type { Problem } from "./problem.ts";
import { type Found, type SettingsReading, heldIn } from "./reading.ts";
import { readRuleText } from "./rule-entry.ts";
import type { Rule } from "./rule.ts";
import { administrators } from "./tiers.ts";
import type { McpServerEntry, SettingKey } from "./settings.gen.ts";

/**
 * The rules of all files, pooled, and those that other keys come to.
 *
 * INVARIANT: an allow rule of an untrusted file is not among them; every deny and ask rule is.
 */
export function pooledRules(
  readings: readonly SettingsReading[],
  problems: Problem[],
): { readonly rules: readonly Rule[]; readonly ignored: Policy["ignored"] } {
  const onlyManaged = locked(readings, "allowManagedPermissionRulesOnly") !== undefined;
  const onlyManagedHosts = locked(readings, "sandbox.network.allowManagedDomainsOnly") !== undefined;
  const stands = (rule: Rule): boolean => {
    if (rule.effect !== "allow" || rule.scope === "managed") return true;
    return !onlyManaged && !(onlyManagedHosts && rule.tool === "WebFetch");
  };
  // Under that lock the lists of all administrators' sources join.
  const joined = onlyManagedHosts ? administrators(readings).filter(opens) : [];
  const joins = new Set(joined.map(({ source }) => source));
  const allowed = (reading: SettingsReading, rule: Rule): boolean =>
    opens(reading) || (rule.tool === "WebFetch" && joins.has(reading.source));
  const untrusted = readings.filter(({ source }) => !source.trusted);
  const shut = untrusted.map((reading) => ({
    reading,
    allows: reading.rules.filter(({ effect }) => effect === "allow"),
  }));
  return {
    rules: [
      ...readings.flatMap((reading) =>
        reading.rules.filter((rule) => (rule.effect !== "allow" || allowed(reading, rule)) && stands(rule)),
      ),
      ...blockedCommands(readings, problems),
      ...serverRules(readings),
      ...unenforcedAsks(readings, problems),
    ],
    ignored: {
      rules: shut.reduce((sum, { allows }) => sum + allows.length, 0),
      files: shut.flatMap(({ reading, allows }) =>
        allows.length > 0 || reading.hooks.length > 0 || wouldOpen(reading)
          ? [reading.source.file ?? `${reading.source.scope} settings`]
          : [],
      ),
    },
  };
}

/** An untrusted file that lists something to open besides rules. */
function wouldOpen(reading: SettingsReading): boolean {
  const keys = [
    "permissions.additionalDirectories",
    "sandbox.filesystem.allowWrite",
    "sandbox.filesystem.allowRead",
    "sandbox.network.allowedDomains",
  ] as const;
  return keys.some((key) => reading.found(key).some(({ value }) => value.length > 0));
}

/** `blockedCommands`: managed deny rules `Bash(glob)`; who writes the rule itself means its pattern. */
function blockedCommands(readings: readonly SettingsReading[], problems: Problem[]): readonly Rule[] {
  return all(readings, "blockedCommands").flatMap(({ reading, found }) =>
    found.value.flatMap((glob, index) => {
      const rule = /^Bash\([\s\S]*\)$/.test(glob) ? glob : `Bash(${glob})`;
      const { readings: read, faults } = readRuleText(rule, "deny", heldIn(reading.source));
      for (const fault of faults) problems.push(problemAt(reading, found, "blockedCommands", fault, index));
      return read.map(({ tool, specifier }) => ({
        ...ruleOf(reading, found, "blockedCommands", index),
        text: rule,
        tool,
        specifier,
      }));
    }),
  );
}

/** Deny rules for MCP servers that a file turns away by name. */
function serverRules(readings: readonly SettingsReading[]): readonly Rule[] {
  const denied = all(readings, "deniedMcpServers").flatMap(({ reading, found }) =>
    found.value.flatMap((entry, index) => {
      const name = nameOf(entry);
      return name === undefined ? [] : serverDeny(reading, found, "deniedMcpServers", name, index);
    }),
  );
  const rejected = all(readings, "disabledMcpjsonServers").flatMap(({ reading, found }) =>
    found.value.flatMap((name, index) => serverDeny(reading, found, "disabledMcpjsonServers", name, index)),
  );
  const connectors = all(readings, "disableClaudeAiConnectors").flatMap(
    ({ reading, found }): readonly Rule[] =>
      found.value
        ? [{ ...ruleOf(reading, found, "disableClaudeAiConnectors"), tool: "mcp__claude_ai_*" }]
        : [],
  );
  return [...denied, ...rejected, ...connectors];
}

function nameOf(entry: McpServerEntry): string | undefined {
  if (typeof entry === "string") return entry;
  return "serverName" in entry ? entry.serverName : undefined;
}

/** Agents write a server's name into tool names with `_` for what is no letter, digit, `_` or `-`. */
function serverDeny(
  reading: SettingsReading,
  found: Found<unknown>,
  key: SettingKey,
  name: string,
  index: number,
): readonly Rule[] {
  const rule = ruleOf(reading, found, key, index);
  return [...new Set([name, name.replace(/[^\w*-]/g, "_")])].map((label) => ({
    ...rule,
    tool: `mcp__${label}__*`,
  }));
}

function ruleOf(reading: SettingsReading, found: Found<unknown>, key: SettingKey, index?: number): Rule {
  const { scope, file, anchor } = reading.source;
  const { line } = found.at(index);
  return { effect: "deny", text: key, scope, file, line, tool: "*", specifier: { kind: "none" }, anchor };
}
