import type { Code } from "../call/codes.ts";
import type { Facts, HookFact } from "../call/facts.ts";
import type { Opinion } from "../call/opinion.ts";
import type { Inquiry } from "../inquiry/inquiry.ts";

/**
 * Layer 3: what the hooks answered that are asked before a call. A hook's allow answers the mode's
 * own question and nothing else, and opens nothing in plan mode. A hook that failed and may fail
 * says nothing about the call, but is named.
 */
export function hooksLayer({ mode }: Inquiry, facts: Facts): readonly Opinion[] {
  return facts.hooks.flatMap((fact): readonly Opinion[] => {
    const { decision, because } = fact;
    switch (decision) {
      case "none":
        return because === undefined
          ? []
          : [
              {
                layer: "hooks",
                effect: "pass",
                code: codeOf(fact, "hook.failed"),
                why: sentence(fact, "failed"),
              },
            ];
      case "deny":
        return [
          {
            layer: "hooks",
            effect: "deny",
            code: codeOf(fact, "hook.deny"),
            why: sentence(fact, "denied it"),
          },
        ];
      case "ask":
        return [
          {
            layer: "hooks",
            effect: "ask",
            kind: "hook",
            code: codeOf(fact, "hook.ask"),
            why: sentence(fact, "wants a person to decide"),
          },
        ];
      case "allow":
        if (mode === "plan") return [];
        return [
          {
            layer: "hooks",
            effect: "allow",
            answers: "hook",
            code: "hook.allow",
            why: sentence(fact, "allowed it"),
          },
        ];
    }
  });
}

function codeOf({ because }: HookFact, otherwise: Code): Code {
  return because === undefined ? otherwise : `hook.${because}`;
}

/** What happened, for those answers that are not the hook's own words. */
const BECAUSE: Readonly<Record<NonNullable<HookFact["because"]>, string>> = {
  failed: "failed",
  stop: "stops the agent",
  unsupported: "cannot be run",
  conflict: "and another one changed the input in different ways",
  loop: "changed the input again and again",
};

function sentence({ name, source, because, why }: HookFact, said: string): string {
  const from = source === undefined ? "" : ` (${source})`;
  const what = because === undefined ? said : BECAUSE[because];
  return `the hook \`${name}\`${from} ${what}${why === "" ? "" : `: ${why}`}`;
}
