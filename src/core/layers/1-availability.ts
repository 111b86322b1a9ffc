import type { Opinion } from "../call/opinion.ts";
import type { Inquiry } from "../inquiry/inquiry.ts";
import { refOf } from "../inquiry/rule-index.ts";
import { surelyMatches } from "../inquiry/wildcard.ts";

/**
 * Layer 1: whether the agent may see the tool at all. A deny rule for the whole tool removes it;
 * a host that can hides it, and a call that comes all the same is denied here.
 */
export function availabilityLayer(inquiry: Inquiry): readonly Opinion[] {
  const opinions: Opinion[] = [];
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
