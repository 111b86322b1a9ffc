import type { Facts } from "../call/facts.ts";
import type { Opinion } from "../call/opinion.ts";
import type { Inquiry } from "../inquiry/inquiry.ts";

/**
 * Layer 3: what PreToolUse hooks answered. A hook's allow answers the mode's own question and
 * nothing else, and opens nothing in plan mode.
 */
export function hooksLayer({ mode }: Inquiry, facts: Facts): readonly Opinion[] {
  return facts.hooks.flatMap(({ name, decision, why }): readonly Opinion[] => {
    const reason = why === "" ? "" : `: ${why}`;
    switch (decision) {
      case "none":
        return [];
      case "deny":
        return [
          {
            layer: "hooks",
            effect: "deny",
            code: "hook.deny",
            why: `the hook \`${name}\` denied it${reason}`,
          },
        ];
      case "ask":
        return [
          {
            layer: "hooks",
            effect: "ask",
            kind: "hook",
            code: "hook.ask",
            why: `the hook \`${name}\` wants a person to decide${reason}`,
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
            why: `the hook \`${name}\` allowed it${reason}`,
          },
        ];
    }
  });
}
