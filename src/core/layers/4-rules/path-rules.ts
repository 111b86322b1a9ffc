import { type Glob, compileText, matchGlob, mayMeet } from "../../call/glob.ts";
import type { Facts } from "../../call/facts.ts";
import type { Opinion } from "../../call/opinion.ts";
import { segmentsOf } from "../../call/path.ts";
import { HOLE } from "../../call/word.ts";
import type { Rule } from "../../settings/rule.ts";
import type { Inquiry, PathUse } from "../../inquiry/inquiry.ts";
import { type Located, aboutUse, locate } from "../../inquiry/locate.ts";
import { type PathRule, type RuleIndex, refOf } from "../../inquiry/rule-index.ts";

/** What Read and Edit rules say to the paths of a call, whatever tool it is. */
export function pathOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const { rules } = inquiry.context;
  if (!rules.hasPaths()) return [];
  return inquiry.uses.flatMap((use) =>
    locate(use, facts).flatMap((located) => judge(located, use, rules, inquiry, facts)),
  );
}

/** The rule families that speak about an action. A Read deny stops writes too; an Edit allow lets the path be read. */
function speaks(rule: PathRule, action: PathUse["action"]): boolean {
  const changes = action === "write" || action === "delete";
  if (rule.rule.effect === "allow") return rule.family === "Edit" || !changes;
  return rule.family === "Read" || changes;
}

function judge(
  located: Located,
  use: PathUse,
  rules: RuleIndex,
  inquiry: Inquiry,
  facts: Facts,
): readonly Opinion[] {
  const opinions: Opinion[] = [];
  // A path nobody could look at is denied by the scope; here only its name is held against the rules.
  const unsure = !located.certain && located.missing !== true;
  const open = unsure || (use.glob !== undefined && located.type === "absent");
  const candidates = open ? rules.allPaths : rules.paths(located.names.flatMap(segmentsOf));
  const seen = new Set<PathRule>();
  const allowing: PathRule[] = [];
  for (const rule of candidates) {
    if (seen.has(rule) || !speaks(rule, use.action)) continue;
    seen.add(rule);
    if (rule.rule.effect === "allow") {
      allowing.push(rule);
      continue;
    }
    const opinion = restrict(rule, located, use);
    if (opinion !== undefined) opinions.push(opinion);
  }
  opinions.push(...allows(allowing, located, use));
  if (use.recursive && use.action === "read" && inquiry.call.sandboxed !== true)
    opinions.push(...below(located, use, rules, facts));
  return opinions;
}

/** Deny and ask: on the name, on every link target, and on what a pattern could become. */
function restrict(rule: PathRule, located: Located, use: PathUse): Opinion | undefined {
  const { bare } = rule;
  // A bare rule is about the tool, which the rule for the whole tool says; here it is about commands.
  if (bare) return undefined;
  if (located.names.some((name) => rule.globs.some((glob) => matchGlob(glob, name))))
    return say(rule.rule, located, use, true);
  const unsure = !located.certain || (use.glob !== undefined && located.type === "absent");
  if (!unsure) return undefined;
  const text = use.glob === undefined ? compileText(located.name, false) : compileText(use.glob, true);
  if (!rule.globs.some((glob) => mayMeet(glob, text))) return undefined;
  // A pattern that could name a denied file counts as naming it; an unknown path only may.
  return say(rule.rule, located, use, use.glob !== undefined && !use.path.includes(HOLE));
}

/**
 * Allow: the name and where it leads must both be covered, by one rule or by several. A bare rule
 * covers the call but names no path.
 */
function allows(rules: readonly PathRule[], located: Located, use: PathUse): readonly Opinion[] {
  if (!located.certain) return [];
  const opinion = ({ rule, family }: PathRule, named: boolean): Opinion => ({
    layer: "rules",
    effect: "allow",
    code: "rule.allow",
    why: `the allow rule \`${rule.text}\` covers \`${use.shown}\``,
    answers: named ? "path-rule" : family === "Edit" ? "edit-rule" : "rule",
    subject: use.path,
    about: aboutUse(use, located.name),
    rule: refOf(rule),
  });
  const covering = (name: string): readonly PathRule[] =>
    rules.filter(({ globs }) => globs.some((glob) => matchGlob(glob, name)));
  const [byName, byTarget] = [covering(located.name), covering(located.real)];
  const named = byName.length > 0 && byTarget.length > 0 ? new Set([...byName, ...byTarget]) : [];
  return [
    ...rules.filter(({ bare }) => bare).map((rule) => opinion(rule, false)),
    ...[...named].map((rule) => opinion(rule, true)),
  ];
}

function say(rule: Rule, located: Located, use: PathUse, sure: boolean): Opinion {
  const what =
    located.name === use.shown || located.names.length === 1
      ? `\`${use.shown}\``
      : `\`${use.shown}\`, which leads to \`${located.real}\``;
  const base = {
    layer: "rules",
    part: use.part,
    subject: use.path,
    rule: refOf(rule),
    span: use.span,
  } as const;
  if (!sure) {
    return {
      ...base,
      effect: "ask",
      kind: "unknown.guarded",
      code: "rule.cannot-tell",
      why: `whether the ${rule.effect} rule \`${rule.text}\` covers \`${use.shown}\` cannot be known before it runs`,
    };
  }
  const verb =
    use.action === "read" || use.action === "run"
      ? "reading"
      : use.action === "delete"
        ? "removing"
        : "writing";
  if (rule.effect === "deny") {
    return {
      ...base,
      effect: "deny",
      code: "rule.deny",
      why: `the deny rule \`${rule.text}\` forbids ${verb} ${what}`,
    };
  }
  return {
    ...base,
    effect: "ask",
    kind: "rule",
    code: "rule.ask",
    why: `the ask rule \`${rule.text}\` covers ${verb} ${what}`,
  };
}

/** A reader that goes through a whole directory meets what is denied below it. */
function below(located: Located, use: PathUse, rules: RuleIndex, facts: Facts): readonly Opinion[] {
  if (!rules.guardsPaths) return [];
  const tree = facts.trees.get(`tree:${located.name}`);
  const hit = tree === undefined ? undefined : firstGuarded(tree.files, rules);
  if (hit !== undefined) {
    const why = `there is \`${hit.file}\`, which the ${hit.rule.effect} rule \`${hit.rule.text}\` covers`;
    return [cannotTell(hit.rule, use, why)];
  }
  if (tree?.complete === true) return [];
  const under: Glob = compileText(`${located.name === "/" ? "" : located.name}/${HOLE}`, false);
  const possible = rules.allPaths.find(
    (rule) => guardsReads(rule) && rule.globs.some((glob) => mayMeet(glob, under)),
  );
  if (possible === undefined) return [];
  const { rule } = possible;
  return [cannotTell(rule, use, `there may be a file that the ${rule.effect} rule \`${rule.text}\` covers`)];
}

/** The first file a deny or ask rule for reading covers. Asks the index once for each file. */
function firstGuarded(
  files: readonly string[],
  rules: RuleIndex,
): { readonly file: string; readonly rule: Rule } | undefined {
  for (const file of files) {
    for (const candidate of rules.paths(segmentsOf(file))) {
      if (guardsReads(candidate) && candidate.globs.some((glob) => matchGlob(glob, file))) {
        return { file, rule: candidate.rule };
      }
    }
  }
  return undefined;
}

function guardsReads({ rule, family, bare }: PathRule): boolean {
  return rule.effect !== "allow" && family === "Read" && !bare;
}

function cannotTell(rule: Rule, use: PathUse, why: string): Opinion {
  return {
    layer: "rules",
    effect: "ask",
    kind: "unknown.guarded",
    code: "rule.cannot-tell",
    why: `\`${use.shown}\` is read with everything below it, where ${why}`,
    part: use.part,
    subject: use.path,
    rule: refOf(rule),
    span: use.span,
  };
}
