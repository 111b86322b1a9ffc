import { describe, expect, it } from "vitest";
import { ENGINES } from "../../bench/peers/engines.ts";
import { KINDS, MEANT, neutralCall, neutralRules } from "../../bench/peers/rules.ts";

describe("the rules that peers are measured with", () => {
  it.each([10, 1_000])(
    "mean in cordon what is said, with and without its look at the disk (%i)",
    async (count) => {
      const rules = neutralRules(count);
      expect(rules).toHaveLength(count);
      expect(new Set(rules.map(({ effect, tool }) => `${effect} ${tool}`)).size).toBe(6);
      for (const engine of ENGINES.slice(0, 2)) {
        const decide = await engine.form(rules, "/nowhere")();
        for (const kind of KINDS)
          for (const round of [0, 1, 2, 77])
            expect(decide(neutralCall(kind, count, round, "/nowhere"))(), `${engine.name}, ${kind}`).toBe(
              MEANT[kind],
            );
      }
    },
  );
});
