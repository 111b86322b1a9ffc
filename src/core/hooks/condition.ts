import type { Facts } from "../call/facts.ts";
import type { Inquiry } from "../inquiry/inquiry.ts";
import { indexRules } from "../inquiry/rule-index.ts";
import { compileWildcard, surelyMatches } from "../inquiry/wildcard.ts";
import { rulesLayer } from "../layers/4-rules/rules.ts";
import type { Rule } from "../settings/rule.ts";

/** The call as it would be judged if `rule` were the only one; for needs and for `covers`. */
export function underRule(inquiry: Inquiry, rule: Rule, place: { readonly cwd: string }): Inquiry {
  const { call, context } = inquiry;
  const rules = indexRules(
    { ...context.policy, rules: [rule] },
    { root: call.root, cwd: place.cwd, home: call.home },
  );
  return { ...inquiry, context: { ...context, rules } };
}

/**
 * True where the `if` of a hook covers the call, judged like an ask rule: every command of a
 * compound one, in any spelling. Where that cannot be known, true: the hook runs.
 */
export function covers(inquiry: Inquiry, rule: Rule, facts: Facts): boolean {
  if (!isAbout(rule, inquiry)) return false;
  if (inquiry.fault !== undefined || (inquiry.script?.doubts.length ?? 0) > 0) return true;
  return rulesLayer(inquiry, { ...facts, grants: [] }).some(({ effect }) => effect !== "allow");
}

/** A rule about files is about the tools for files, not about every command that writes one. */
function isAbout({ tool }: Rule, inquiry: Inquiry): boolean {
  if (tool === "Bash") return inquiry.class === "shell";
  if (tool === "Read" || tool === "Edit") return inquiry.class === tool.toLowerCase();
  return surelyMatches(compileWildcard(/^mcp__(?:(?!__).)+$/.test(tool) ? `${tool}__*` : tool), inquiry.tool);
}
