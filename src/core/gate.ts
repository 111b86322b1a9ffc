import type { ToolCall } from "./call/call.ts";
import type { Decision, PartDecision } from "./call/decision.ts";
import type { Facts, Need } from "./call/facts.ts";
import { answering, fold, foldWith, mostTelling } from "./call/fold.ts";
import { LAYERS, type Opinion } from "./call/opinion.ts";
import { type GateContext, type Inquiry, examine } from "./inquiry/inquiry.ts";
import { needsOf } from "./inquiry/needs.ts";
import { type MovedDirectory, compilePathClasses } from "./inquiry/path-classes.ts";
import { indexRules } from "./inquiry/rule-index.ts";
import { show } from "./inquiry/show.ts";
import { DESTRUCTIVE, PATHS } from "./knowledge/paths.gen.ts";
import type { Tables } from "./knowledge/tables.ts";
import { availabilityLayer } from "./layers/1-availability.ts";
import { managedLayer } from "./layers/2-managed.ts";
import { hooksLayer } from "./layers/3-hooks.ts";
import { rulesLayer } from "./layers/4-rules/rules.ts";
import { scopeLayer } from "./layers/5-scope/scope.ts";
import { commandLayer } from "./layers/6-command/command.ts";
import { modeLayer } from "./layers/7-mode/mode.ts";
import { offersFor } from "./layers/8-approval/offers.ts";
import type { Policy } from "./settings/policy.ts";

/** Where a policy is applied; its rules are anchored here. */
export interface GatePlace {
  readonly root: string;
  readonly cwd: string;
  readonly home: string;
  /** Absolute paths of cordon's own state at this place; no agent may touch them. */
  readonly guards?: readonly string[] | undefined;
  /** Absolute: files and directories of the running gate's own program. */
  readonly program?: readonly string[] | undefined;
  /** Directories below home that the environment puts elsewhere. */
  readonly moved?: readonly MovedDirectory[] | undefined;
}

/** Compiles a policy for a place. The result is immutable and serves any number of calls. */
export function prepare(policy: Policy, place: GatePlace, tables: Tables): GateContext {
  const { protectedPaths, secretPaths, runsLater } = policy.limitsOfPaths;
  return {
    policy,
    rules: indexRules(policy, place),
    tables,
    paths: compilePathClasses(PATHS, {
      guard: (place.guards ?? []).map((path) => `${path}/`),
      agentConfig: (place.program ?? []).map((path) => `${path}/`),
      protected: protectedPaths,
      secret: secretPaths,
      runsLater,
      moved: place.moved,
    }),
    destructive: { verbs: new Set(DESTRUCTIVE.verbs), code: DESTRUCTIVE.code, sql: new Set(DESTRUCTIVE.sql) },
  };
}

/** What the core wants to know before it can decide this call. */
export function needs(call: ToolCall, context: GateContext): readonly Need[] {
  return needsOf(examine(context, call));
}

/**
 * Decides one call. Total: never throws, never waits, never looks at the machine.
 *
 * A missing fact is taken for the worst it can be.
 */
export function decide(call: ToolCall, context: GateContext, facts: Facts): Decision {
  return judge(examine(context, call), facts);
}

/** `decide` for a call that is already read. The only place that knows the order of the layers. */
export function judge(inquiry: Inquiry, facts: Facts): Decision {
  const opinions: readonly Opinion[] = [
    ...availabilityLayer(inquiry),
    ...managedLayer(inquiry, facts),
    ...hooksLayer(inquiry, facts),
    ...rulesLayer(inquiry, facts),
    ...scopeLayer(inquiry, facts),
    ...commandLayer(inquiry, facts),
    ...modeLayer(inquiry, facts),
  ];
  const folded = fold(opinions);
  const by = folded.by ?? NOTHING_SAID;
  const asks = folded.verdict === "ask";
  const closed = asks ? closes(inquiry) : undefined;
  const offers = asks ? offersFor(inquiry, opinions) : [];
  const head =
    closed === undefined
      ? { verdict: folded.verdict, code: by.code, layer: by.layer, why: by.why }
      : {
          verdict: "deny" as const,
          code: closed.code,
          layer: "mode" as const,
          why: `${closed.why}: ${by.why}`,
        };
  return {
    ...head,
    ...(by.kind === undefined || folded.verdict === "allow" ? {} : { kind: by.kind }),
    ...(by.rule === undefined ? {} : { rule: by.rule }),
    ...(by.part === undefined ? {} : { part: by.part }),
    ...(by.hint === undefined ? {} : { hint: by.hint }),
    mode: inquiry.mode,
    parts: partsOf(inquiry, opinions),
    opinions: [...opinions].sort((a, b) => LAYERS.indexOf(a.layer) - LAYERS.indexOf(b.layer)),
    suggestions: offers.flat(),
    offers,
  };
}

const NOTHING_SAID: Opinion = {
  layer: "mode",
  effect: "ask",
  kind: "unmatched",
  code: "mode.default",
  why: "nothing allows the call",
};

/** Why an ask that stands ends as a deny; undefined where a person may be asked. */
function closes(
  inquiry: Inquiry,
): { readonly code: "mode.dont-ask" | "mode.deny-instead"; readonly why: string } | undefined {
  if (inquiry.mode === "dontAsk") return { code: "mode.dont-ask", why: "dontAsk denies what would ask" };
  return inquiry.context.policy.mode.denyInsteadOfPrompting === undefined
    ? undefined
    : { code: "mode.deny-instead", why: "the settings deny what would ask" };
}

/** The verdict on each command of a Bash call, by the opinions about it and the answers to them. */
function partsOf(inquiry: Inquiry, opinions: readonly Opinion[]): readonly PartDecision[] {
  const invocations = inquiry.script?.invocations ?? [];
  if (invocations.length === 0) return [];
  const allows = opinions.filter(({ effect }) => effect === "allow");
  const answered = answering(allows);
  const general = mostTelling(allows);
  const whole = allows.filter(({ part, subject }) => part === undefined && subject === undefined);
  const byPart = new Map<number | undefined, { readonly own: Opinion[]; readonly allows: Opinion[] }>();
  for (const opinion of opinions) {
    const said = byPart.get(opinion.part) ?? { own: [], allows: [] };
    byPart.set(opinion.part, said);
    (opinion.effect === "allow" ? said.allows : said.own).push(opinion);
  }
  const denies = closes(inquiry) !== undefined;
  return invocations.map(({ id, words, span }): PartDecision => {
    const { own, allows: mine } = byPart.get(id) ?? { own: [], allows: [] };
    const folded = foldWith(own, answered, () => general);
    const allowed = folded.verdict === "allow" || own.length === 0;
    const by = (allowed ? mostTelling([...mine, ...whole]) : undefined) ?? folded.by ?? NOTHING_SAID;
    const decision = allowed ? "allow" : folded.verdict === "ask" && denies ? "deny" : folded.verdict;
    return {
      command: show(words.map(({ text }) => text).join(" ")),
      decision,
      code: by.code,
      why: by.why,
      span,
    };
  });
}
