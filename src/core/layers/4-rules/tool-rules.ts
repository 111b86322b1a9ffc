import type { Facts } from "../../call/facts.ts";
import { type Json, stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Rule } from "../../settings/rule.ts";
import { canonicalHost } from "../../inquiry/hosts.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { refOf } from "../../inquiry/rule-index.ts";
import { surelyMatches } from "../../inquiry/wildcard.ts";

/** What rules for whole tools, agents, skills, parameters and web addresses say. */
export function toolOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const { rules } = inquiry.context;
  const { tool, call } = inquiry;
  const opinions: Opinion[] = [];
  for (const { rule, tool: pattern, name } of rules.tools(tool)) {
    if (!covers(rule, inquiry) || !surelyMatches(pattern, tool)) continue;
    if (name !== undefined) {
      const given = nameOf(inquiry);
      if (given === undefined || !surelyMatches(name, given)) continue;
    }
    opinions.push(say(rule, `\`${name === undefined ? tool : `${tool}(${nameOf(inquiry) ?? ""})`}\``));
  }
  for (const { rule, tool: pattern, name, value } of rules.parameters(tool)) {
    if (!surelyMatches(pattern, tool)) continue;
    const given = Object.hasOwn(call.input, name) ? scalar(call.input[name]) : undefined;
    if (given !== undefined && surelyMatches(value, given)) opinions.push(say(rule, `\`${name}: ${given}\``));
  }
  if (inquiry.class === "web-fetch") {
    const fact = facts.urls.get(`url:${stringAt(call.input, "url") ?? ""}`);
    const host = fact === undefined ? undefined : canonicalHost(fact.host);
    for (const { rule, domain } of rules.domains) {
      if (host !== undefined && domain.matches(host)) opinions.push(say(rule, `\`${host}\``));
      else if (host === undefined && rule.effect !== "allow") opinions.push(cannotTell(rule));
    }
  }
  return [...opinions, ...familyOpinions(inquiry)];
}

/** A rule for the whole tool; allow rules for Bash are matched part by part, for Read and Edit path by path. */
function covers(rule: Rule, inquiry: Inquiry): boolean {
  if (rule.effect !== "allow") return true;
  return inquiry.class !== "shell" && inquiry.class !== "read" && inquiry.class !== "edit";
}

/** A bare Read deny or ask holds for every tool that reads and, as a deny, for those that edit; a bare Edit for all that edit. */
function familyOpinions(inquiry: Inquiry): readonly Opinion[] {
  if (inquiry.class !== "read" && inquiry.class !== "edit") return [];
  return inquiry.context.rules.barePaths.flatMap(({ rule, family }) => {
    if (rule.effect === "allow" || rule.tool === inquiry.tool) return [];
    return family === "Read" || inquiry.class === "edit" ? [say(rule, `\`${inquiry.tool}\``)] : [];
  });
}

function nameOf(inquiry: Inquiry): string | undefined {
  const { input } = inquiry.call;
  return inquiry.class === "skill"
    ? (stringAt(input, "skill") ?? stringAt(input, "command") ?? stringAt(input, "name"))
    : (stringAt(input, "subagent_type") ?? stringAt(input, "name"));
}

function scalar(value: Json | undefined): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

function cannotTell(rule: Rule): Opinion {
  const why = `whether the ${rule.effect} rule \`${rule.text}\` covers the address cannot be known`;
  return {
    layer: "rules",
    effect: "ask",
    kind: "unknown.guarded",
    code: "rule.cannot-tell",
    why,
    rule: refOf(rule),
  };
}

function say(rule: Rule, what: string): Opinion {
  const base = { layer: "rules", rule: refOf(rule) } as const;
  switch (rule.effect) {
    case "deny":
      return {
        ...base,
        effect: "deny",
        code: "rule.deny",
        why: `the deny rule \`${rule.text}\` forbids ${what}`,
      };
    case "ask":
      return {
        ...base,
        effect: "ask",
        kind: "rule",
        code: "rule.ask",
        why: `the ask rule \`${rule.text}\` covers ${what}`,
      };
    case "allow":
      return {
        ...base,
        effect: "allow",
        answers: "rule",
        code: "rule.allow",
        why: `the allow rule \`${rule.text}\` covers ${what}`,
      };
  }
}
