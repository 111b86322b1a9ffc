import type { Opinion } from "../call/opinion.ts";
import type { Inquiry } from "../inquiry/inquiry.ts";
import { refOf } from "../inquiry/rule-index.ts";
import { compileWildcard, surelyMatches } from "../inquiry/wildcard.ts";
import type { ServerName } from "../settings/servers.ts";

/**
 * Layer 1: whether the agent may see the tool at all. A deny rule for the whole tool removes it, as
 * does a list of the only MCP servers; a host that can hides it, and a call that comes all the same
 * is denied here.
 */
export function availabilityLayer(inquiry: Inquiry): readonly Opinion[] {
  const opinions: Opinion[] = [...unlistedServer(inquiry)];
  for (const { rule, tool, name } of inquiry.context.rules.tools(inquiry.tool)) {
    if (rule.effect !== "deny" || name !== undefined || !surelyMatches(tool, inquiry.tool)) continue;
    opinions.push({
      layer: "availability",
      effect: "deny",
      code: "availability.removed",
      why: `the rule \`${rule.text}\` removes \`${inquiry.tool}\``,
      rule: refOf(rule),
    });
  }
  return opinions;
}

/** MCP tools of a server that some list of the only servers does not name. */
function unlistedServer({ tool, context }: Inquiry): readonly Opinion[] {
  const lists = context.policy.servers ?? [];
  if (lists.length === 0 || !tool.startsWith("mcp__")) return [];
  const servers = serversOf(tool);
  return lists.flatMap(({ names, key, origin }): readonly Opinion[] => {
    const shut = servers.find((server) => !names.some((name) => isNamed(name, server)));
    if (shut === undefined) return [];
    return [
      {
        layer: "availability",
        effect: "deny",
        code: "availability.server",
        why: `\`${tool}\` may belong to the server \`${shut}\`, which \`${key}\` does not admit`,
        rule: { text: key, effect: "deny", scope: origin.scope, file: origin.file, line: origin.line },
      },
    ];
  });
}

/**
 * Every server a tool name may belong to: `mcp__a__b__c` is `b__c` of `a`, or `c` of `a__b`. All of
 * them have to be admitted.
 */
function serversOf(tool: string): readonly string[] {
  const rest = tool.slice("mcp__".length);
  const ends = [...rest.matchAll(/(?=__)/g)].map(({ index }) => index);
  return ends.length === 0 ? [rest] : ends.map((end) => rest.slice(0, end));
}

/** Agents write a server's name into tool names with `_` for what is no letter, digit, `_` or `-`. */
function isNamed({ kind, text }: ServerName, server: string): boolean {
  const spellings = [text, text.replace(/[^\w*-]/g, "_")];
  if (kind === "exact") return spellings.includes(server);
  return spellings.some((spelling) => surelyMatches(compileWildcard(spelling), server));
}
