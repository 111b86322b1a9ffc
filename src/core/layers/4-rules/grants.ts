import { matchGlob } from "../../call/glob.ts";
import type { Facts } from "../../call/facts.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import { readRule } from "../../settings/rule.ts";
import { canonicalHost } from "../../inquiry/hosts.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { aboutUse, locate } from "../../inquiry/locate.ts";
import { commandForms } from "../../inquiry/command-forms.ts";
import { compileDomain } from "../../inquiry/domains.ts";
import { pathGlobs } from "../../inquiry/rule-index.ts";
import { type Wildcard, compileWildcard, surelyMatches } from "../../inquiry/wildcard.ts";
import type { Invocation } from "../../shell/script.ts";

/**
 * What a person allowed for this session. A grant is written as a rule and answers what the
 * table of asks lists for grants, nothing more.
 */
export function grantOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  return facts.grants.flatMap(({ rule: text }) => {
    const [reading] = readRule(text, "allow").readings;
    if (reading === undefined) return [];
    const say = (place: Pick<Opinion, "part" | "subject" | "about">): Opinion => ({
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
          .filter((invocation) => isGranted(pattern, invocation))
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
          .map(({ use, name }) => say({ subject: use.path, about: aboutUse(use, name) }));
      }
      case "domain": {
        const fact = facts.urls.get(`url:${stringAt(inquiry.call.input, "url") ?? ""}`);
        return fact !== undefined && compileDomain(specifier.pattern).matches(canonicalHost(fact.host))
          ? [say({})]
          : [];
      }
      case "none":
        return tool === inquiry.tool && isWhole(inquiry) ? [say({})] : [];
      case "name":
      case "parameter":
        return [];
    }
  });
}

/** `SHELL=/bin/x` among the operands of `make`: a variable that chooses what is run. */
const ASSIGNMENT = /^\w+[:?+!]*=/;

/** A whole tool is granted only where its calls cannot be told apart by a path, a command or a host. */
function isWhole(inquiry: Inquiry): boolean {
  return inquiry.class === "mcp" || inquiry.class === "web-search";
}

/**
 * Whether a grant covers an invocation. A person saw one call: a star stands for its operands, not
 * for further options, for an assignment, for what a wrapper runs, or for code; no grant covers
 * what destroys or reaches further than its words say.
 */
function isGranted(pattern: Wildcard, invocation: Invocation): boolean {
  const { reading, nesting, words } = invocation;
  if (nesting === "code" || reading.reaching.length > 0 || reading.dangers.length > 0) return false;
  const { plain } = commandForms(invocation);
  if (!surelyMatches(pattern, plain)) return false;
  if (pattern.pieces.length === 1) return true;
  if (pattern.head === undefined || pattern.head !== words[0]?.text) return false;
  if (reading.privilege || (reading.wraps && !reading.transparent) || reading.inner.length > 0) return false;
  if (reading.effects.some(({ action }) => action === "delete" || action === "run")) return false;
  const spelled = pattern.text.split(" ");
  const texts = words.map(({ text }) => text);
  const end = texts.indexOf("--");
  const mayFollow = (text: string, at: number): boolean =>
    spelled.includes(text) ||
    !(
      (text.startsWith("-") && (end === -1 || at < end)) ||
      (reading.class === "runs-code" && ASSIGNMENT.test(text))
    );
  return texts.every((text, at) => at === end || mayFollow(text, at));
}
