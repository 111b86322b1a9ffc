import { matchGlob } from "../../call/glob.ts";
import type { Facts } from "../../call/facts.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import { readRule } from "../../settings/rule.ts";
import { canonicalHost } from "../../inquiry/hosts.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { locate } from "../../inquiry/locate.ts";
import { commandForms } from "../../inquiry/command-forms.ts";
import { compileDomain } from "../../inquiry/domains.ts";
import { pathGlobs } from "../../inquiry/rule-index.ts";
import { compileWildcard, surelyMatches } from "../../inquiry/wildcard.ts";

/**
 * What a person allowed for this session. A grant is written as a rule and answers what the
 * table of asks lists for grants, nothing more.
 */
export function grantOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  return facts.grants.flatMap(({ rule: text }) => {
    const [reading] = readRule(text, "allow").readings;
    if (reading === undefined) return [];
    const say = (place: Pick<Opinion, "part" | "subject">): Opinion => ({
      layer: "rules",
      effect: "allow",
      code: "grant.session",
      why: `\`${text}\` was allowed for this session`,
      answers: "grant",
      rule: { text, effect: "allow", scope: "session" },
      ...place,
    });
    const { specifier, tool } = reading;
    switch (specifier.kind) {
      case "command": {
        const patterns = specifier.stages.map((stage) => compileWildcard(stage.text));
        const [pattern] = patterns;
        if (tool !== inquiry.tool || pattern === undefined || patterns.length !== 1) return [];
        return (inquiry.script?.invocations ?? [])
          .filter(
            (invocation) =>
              invocation.reading.reaching.length === 0 &&
              surelyMatches(pattern, commandForms(invocation).plain),
          )
          .map((invocation) => say({ part: invocation.id }));
      }
      case "path": {
        const { root, cwd, home } = inquiry.call;
        const globs = pathGlobs(specifier.pattern, "allow", root, { root, cwd, home });
        return inquiry.uses
          .filter((use) => tool === "Edit" || use.action === "read")
          .flatMap((use) => locate(use, facts))
          .filter(
            (place) =>
              place.certain &&
              [place.name, place.real].every((name) => globs.some((glob) => matchGlob(glob, name))),
          )
          .map((place) => say({ subject: place.use.path }));
      }
      case "domain": {
        const fact = facts.urls.get(`url:${stringAt(inquiry.call.input, "url") ?? ""}`);
        return fact !== undefined && compileDomain(specifier.pattern).matches(canonicalHost(fact.host))
          ? [say({})]
          : [];
      }
      case "name":
      case "none":
        return tool === inquiry.tool && inquiry.class !== "shell" ? [say({})] : [];
      case "parameter":
        return [];
    }
  });
}
