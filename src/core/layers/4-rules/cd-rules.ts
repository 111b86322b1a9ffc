import type { Facts } from "../../call/facts.ts";
import { matchGlob } from "../../call/glob.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { aboutUse, locate } from "../../inquiry/locate.ts";
import { refOf } from "../../inquiry/rule-index.ts";

/**
 * What Cd rules say to a person's own change of directory. The first allow rule makes a list of
 * them: any other directory is refused then. Deny and ask rules look at every link on the way.
 */
export function cdOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const { directories } = inquiry.context.rules;
  if (inquiry.tool !== "Cd" || directories.length === 0) return [];
  return inquiry.uses.flatMap((use) =>
    locate(use, facts).flatMap((place): readonly Opinion[] => {
      const base = { layer: "rules", subject: use.path, about: aboutUse(use, place.name) } as const;
      const opinions = directories.flatMap(({ rule, globs }): readonly Opinion[] => {
        const covers = (name: string): boolean => globs.some((glob) => matchGlob(glob, name));
        const { text, effect } = rule;
        const said = { ...base, rule: refOf(rule) };
        if (effect === "allow") {
          if (!place.certain || !covers(place.name) || !covers(place.real)) return [];
          const why = `the allow rule \`${text}\` covers \`${use.shown}\``;
          return [{ ...said, effect, code: "rule.allow", why, answers: "path-rule" }];
        }
        if (!place.names.some(covers)) return [];
        return effect === "deny"
          ? [
              {
                ...said,
                effect,
                code: "rule.deny",
                why: `the deny rule \`${text}\` forbids \`${use.shown}\``,
              },
            ]
          : [
              {
                ...said,
                effect,
                kind: "rule",
                code: "rule.ask",
                why: `the ask rule \`${text}\` covers \`${use.shown}\``,
              },
            ];
      });
      const listed = directories.find(({ rule }) => rule.effect === "allow");
      if (listed === undefined || opinions.some(({ effect }) => effect === "allow")) return opinions;
      const why = `\`${use.shown}\` is none of the directories that Cd rules allow`;
      return [...opinions, { ...base, effect: "deny", code: "rule.deny", why, rule: refOf(listed.rule) }];
    }),
  );
}
