import { type BelowFact, type Facts, needKey } from "../../call/facts.ts";
import { matchGlob } from "../../call/glob.ts";
import type { Opinion } from "../../call/opinion.ts";
import { absolute, baseOf, normalise, segmentsOf } from "../../call/path.ts";
import { type Carrying, carryingsOf, isWhole, needBelow } from "../../inquiry/carry.ts";
import type { Inquiry, PathUse } from "../../inquiry/inquiry.ts";
import { aboutUse, locate } from "../../inquiry/locate.ts";
import type { PathMeaning } from "../../inquiry/path-classes.ts";
import { refOf } from "../../inquiry/rule-index.ts";

/** One name that is taken away or put somewhere. */
interface Moved {
  readonly path: string;
  readonly use: PathUse;
  /** It is made there; otherwise it is taken away. */
  readonly made: boolean;
  /** It stands in the command itself, where other opinions look at it. */
  readonly named: boolean;
}

/**
 * What a removal, move or copy takes along: `mv pkg x` where `pkg/.claude/settings.json` is, and
 * `cp -r evil/.config .` where that makes cordon's settings.
 *
 * Large directories are looked at as far as the host went; what lies deeper is for the sandbox.
 */
export function carriedOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  return carryingsOf(inquiry).flatMap((carrying) => {
    const opinions: Opinion[] = [];
    const seen = new Set<string>();
    for (const moved of movedBy(carrying, inquiry.call.home, facts)) {
      if (moved === undefined) return [unresolved(carrying)];
      const verb = carrying.finds !== undefined ? "finds" : moved.made ? "would put" : "takes along";
      for (const opinion of judge(inquiry, moved, verb)) {
        const key = `${opinion.code} ${opinion.rule?.text ?? ""} ${moved.made}`;
        if (seen.has(key)) continue;
        seen.add(key);
        opinions.push(opinion);
      }
    }
    return opinions;
  });
}

/** Every name a command moves; undefined where the host was asked and gave no answer. */
function* movedBy(carrying: Carrying, home: string, facts: Facts): Iterable<Moved | undefined> {
  for (const { use, below } of carrying.sources) {
    const fact = below ? belowOf(use, home, facts) : rootsOf(use, facts);
    if (fact === undefined) {
      yield undefined;
      continue;
    }
    for (const { from, path } of fact.entries) {
      const named = path === from;
      if (carrying.finds?.(path) === false) continue;
      if (isWhole(from, home)) continue;
      if (carrying.takes && !named) yield { path: normalise(path), use, made: false, named };
      for (const target of carrying.targets)
        for (const made of placesOf(carrying, use, from, target, facts))
          yield { path: normalise(`${made}/${path.slice(from.length)}`), use: target, made: true, named };
    }
  }
}

function belowOf(use: PathUse, home: string, facts: Facts): BelowFact | undefined {
  const need = needBelow(use, home);
  return need === undefined ? rootsOf(use, facts) : facts.below.get(needKey(need));
}

/** The sources themselves, where nothing below them goes along. */
function rootsOf(use: PathUse, facts: Facts): BelowFact {
  const names =
    use.glob === undefined
      ? use.known
        ? [use.path]
        : []
      : (facts.globs.get(`glob:${use.glob}`)?.matches ?? []);
  return { kind: "below", entries: names.map((path) => ({ from: path, path })), complete: true };
}

/** Where a source would be put: into a directory that is there, else under the very name. */
function placesOf(
  carrying: Carrying,
  source: PathUse,
  from: string,
  target: PathUse,
  facts: Facts,
): readonly string[] {
  return locate(target, facts).flatMap((located) => {
    if (!located.certain && target.glob === undefined && !target.known) return [];
    const contents = source.path.endsWith("/.") || (carrying.slash && source.path.endsWith("/"));
    const bases = [...new Set([located.name, located.real])];
    const into = bases.map((base) => absolute(base, baseOf(normalise(from))));
    if (carrying.exact || contents || located.type === "file" || located.type === "absent") return bases;
    return located.type === "directory" ? into : [...bases, ...into];
  });
}

function judge(inquiry: Inquiry, moved: Moved, verb: string): readonly Opinion[] {
  const { path, use, made, named } = moved;
  const about = aboutUse(use, path);
  const place = { layer: "scope", part: use.part, subject: use.path, about, span: use.span } as const;
  const opinions: Opinion[] = [];
  const later = inquiry.mode === "acceptEdits";
  const meaning = gravest(inquiry.context.paths.of(path, inquiry.call.home), made, later);
  if (meaning !== undefined) {
    const why = `it ${verb} \`${path}\`: ${meaning.why}`;
    if (meaning.class === "guard" || meaning.class === "credential")
      opinions.push({ ...place, effect: "deny", code: `path.${meaning.class}`, why });
    else if (meaning.class === "agentConfig")
      opinions.push({ ...place, effect: "ask", kind: "agent-config", code: "path.agent-config", why });
    else {
      const code = meaning.class === "runsLater" ? "path.runs-later" : "path.protected";
      opinions.push({ ...place, effect: "ask", kind: code, code, why });
    }
  }
  // What stands in the command is looked at by the rules themselves.
  if (named && !made) return opinions;
  // Read rules as well: what may not be read may not be changed either.
  for (const { rule, globs } of inquiry.context.rules.paths(segmentsOf(path))) {
    if (rule.effect === "allow") continue;
    if (!globs.some((glob) => matchGlob(glob, path))) continue;
    const why = `it ${verb} \`${path}\`, which the ${rule.effect} rule \`${rule.text}\` covers`;
    opinions.push(
      rule.effect === "deny"
        ? { ...place, effect: "deny", code: "rule.deny", why, rule: refOf(rule) }
        : { ...place, effect: "ask", kind: "rule", code: "rule.ask", why, rule: refOf(rule) },
    );
  }
  return opinions;
}

/** A protected file that goes with its directory is no question; one that is made is. So is, with `later`, one that runs. */
function gravest(meanings: readonly PathMeaning[], made: boolean, later: boolean): PathMeaning | undefined {
  return meanings.find(
    ({ class: kind }) =>
      kind === "guard" ||
      kind === "credential" ||
      kind === "agentConfig" ||
      (made && (kind === "protected" || (later && kind === "runsLater"))),
  );
}

function unresolved({ part, sources }: Carrying): Opinion {
  const use = sources[0]?.use;
  return {
    layer: "scope",
    effect: "deny",
    code: "path.unresolved",
    why: `what lies below \`${use?.shown ?? ""}\` could not be found out`,
    part,
    ...(use === undefined ? {} : { subject: use.path, span: use.span }),
  };
}
