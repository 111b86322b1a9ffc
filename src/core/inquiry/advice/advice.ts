import type { Rule, RuleFault } from "../../settings/rule.ts";
import { astray, noParameter } from "./astray.ts";
import { broad } from "./broad.ts";
import type { Advice, Place } from "./remark.ts";
import { shadows } from "./shadow.ts";

/**
 * The remarks on each rule of a policy; rules without any are not in the map.
 *
 * INVARIANT: taking out all rules that are marked `never` changes the verdict on no call, in any
 * mode. Assumes that no program has a name with a blank in it. The other kinds are judgement.
 */
export function adviseOn(rules: readonly Rule[], place: Place): ReadonlyMap<Rule, readonly Advice[]> {
  const shadowed = shadows(rules, place);
  const advice = new Map<Rule, readonly Advice[]>();
  for (const rule of rules) {
    const found = shadowed.get(rule);
    const all = [...(found === undefined ? [] : [found]), ...adviseOnRule(rule, place)];
    if (all.length > 0) advice.set(rule, all);
  }
  return advice;
}

/** The remarks on a rule as it stands, whatever other rules there are. */
export function adviseOnRule(rule: Rule, place: Place): readonly Advice[] {
  const lost = astray(rule, place);
  if (lost !== undefined) return [lost];
  const wide = broad(rule, place);
  return wide === undefined ? [] : [wide];
}

/** The remarks on an entry that the settings reader had something to say about. */
export function adviseOnFaults(
  text: string,
  faults: readonly RuleFault[],
  reads: boolean,
): readonly Advice[] {
  const [, tool = "", specifier = ""] = /^\s*(\w+)\(([\s\S]*)\)\s*$/.exec(text) ?? [];
  const meant = reads ? undefined : noParameter(tool, specifier);
  if (meant !== undefined) return [{ kind: "never", ...meant }];
  // Of what says nothing, the first reason is enough.
  return (reads ? faults : faults.slice(0, 1)).map(({ message, hint }): Advice => {
    const kind = !reads ? "never" : message.startsWith("unknown tool ") ? "unlikely" : "misread";
    return { kind, why: message, fix: hint ?? "mend it, or remove it" };
  });
}
