import type { Decision } from "../core/call/decision.ts";
import type { RuleRef } from "../core/call/opinion.ts";

/** A decision in the form `check --json` and `check --batch` print (design, section 6). */
export function decisionJson(decision: Decision, id?: unknown): Record<string, unknown> {
  return {
    ...(id === undefined ? {} : { id }),
    decision: decision.verdict,
    code: decision.code,
    layer: decision.layer,
    why: decision.why,
    ...(decision.kind === undefined ? {} : { kind: decision.kind }),
    ...(decision.rule === undefined ? {} : { rule: ruleJson(decision.rule) }),
    ...(decision.hint === undefined ? {} : { hint: decision.hint }),
    ...(decision.parts.length === 0
      ? {}
      : {
          parts: decision.parts.map(({ command, decision: verdict, code, why }) => ({
            command,
            decision: verdict,
            code,
            why,
          })),
        }),
    ...(decision.suggestions.length === 0 ? {} : { suggestions: decision.suggestions }),
  };
}

function ruleJson(rule: RuleRef): Record<string, unknown> {
  return {
    text: rule.text,
    effect: rule.effect,
    scope: rule.scope,
    ...(rule.file === undefined ? {} : { file: rule.file }),
    ...(rule.line === undefined ? {} : { line: rule.line }),
  };
}

/** What every layer said, for `--explain --json`. */
export function opinionsJson(decision: Decision): readonly Record<string, unknown>[] {
  return decision.opinions.map(({ layer, effect, code, why, kind, answers, part, subject, rule }) => ({
    layer,
    effect,
    code,
    why,
    ...(kind === undefined ? {} : { kind }),
    ...(answers === undefined ? {} : { answers }),
    ...(part === undefined ? {} : { part }),
    ...(subject === undefined ? {} : { subject }),
    ...(rule === undefined ? {} : { rule: ruleJson(rule) }),
  }));
}
