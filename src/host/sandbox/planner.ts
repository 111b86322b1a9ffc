import type { Place, SandboxFacts } from "../../core/layers/9-sandbox/facts.ts";
import type { Planned } from "../../core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../core/layers/9-sandbox/sandbox.ts";
import type { Policy } from "../../core/settings/policy.ts";

/**
 * `sandboxPlan`, which gives the same answer to the same question: the last one is kept, and given
 * again where policy, place, survey and every other fact are the same.
 */
export function openPlanner(): (policy: Policy, place: Place, facts: SandboxFacts) => Planned {
  const last: { asked: readonly unknown[]; planned: Planned | undefined } = { asked: [], planned: undefined };
  return (policy, place, facts) => {
    const { needs, survey, caches, ...rest } = facts;
    // The list of caches is long and nobody makes a new one: the same entries are the same objects.
    const { entries, places = [], ...layer } = caches ?? {};
    const found = places.map(({ entry: _entry, ...seen }) => seen);
    const asked = [
      policy,
      needs,
      survey,
      entries,
      ...places.map(({ entry }) => entry),
      JSON.stringify([place, rest, caches === undefined, layer, found]),
    ];
    if (last.planned === undefined || asked.some((part, index) => part !== last.asked[index]))
      Object.assign(last, { asked, planned: sandboxPlan(policy, place, facts) });
    return last.planned ?? sandboxPlan(policy, place, facts);
  };
}
