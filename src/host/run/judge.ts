import type { Decision } from "../../core/call/decision.ts";
import type { HookFact } from "../../core/call/facts.ts";
import { type RanHook, changes, combine, endlessFact, labelOf } from "../../core/hooks/combine.ts";
import { hookRecord } from "../../core/hooks/record.ts";
import { show } from "../../core/inquiry/show.ts";
import type { HookRecord } from "../../core/layers/11-audit/record.ts";
import type { CallInput, Gate, KnownFacts } from "../gate.ts";
import { type CallHooks, suggestionsOf } from "../hooks/call-hooks.ts";

/** How often hooks may change the input of one call. */
const ROUNDS = 4;

/** A call as the hooks left it, and what is decided about it. */
export interface Judged {
  readonly input: CallInput;
  readonly decision: Decision;
  /** Every hook that was run, in every round. */
  readonly ran: readonly RanHook[];
  readonly records: readonly HookRecord[];
  /** Rules that hooks of the person allow for the session, each one that was offered for this call. */
  readonly grants: readonly string[];
  /** What hooks wanted to change about permissions and cordon does not, one line each. */
  readonly undone: readonly string[];
}

/**
 * Decides a call with what its hooks say: PreToolUse first, and where a question would be put,
 * PermissionRequest. An input that a hook changes is decided again from the start, hooks included.
 *
 * INVARIANT: the decision is about the input that is returned; a question a hook had about an
 * earlier one stands; after four changes the call is denied.
 */
export async function judgeWithHooks(
  gate: Gate,
  input: CallInput,
  known: KnownFacts,
  hooks: CallHooks,
): Promise<Judged> {
  const ran: RanHook[] = [];
  const records: HookRecord[] = [];
  const keep = (call: CallInput, more: readonly RanHook[]): void => {
    ran.push(...more);
    records.push(...more.map((each) => hookRecord(each, call.input)));
  };
  const endless = (call: CallInput, by: readonly RanHook[]): readonly HookFact[] =>
    by.filter((each) => changes(each, call.input)).map((each) => endlessFact(each, ROUNDS));
  let call = input;
  let carried: readonly HookFact[] = [];
  const undone: string[] = [];
  for (let round = 1; ; round++) {
    const last = round > ROUNDS;
    const before = await hooks.run("PreToolUse", call);
    keep(call, before);
    const first = combine(before, call.input, true);
    const facts = [...carried, ...first.facts];
    if (first.input !== undefined && !last) {
      carried = [...carried.filter(isAsk), ...first.carried];
      call = { ...call, input: first.input };
      continue;
    }
    const stuck = first.input === undefined ? [] : endless(call, before);
    const decision = gate.decide(call, { ...known, hooks: [...facts, ...stuck] });
    const done = { input: call, ran, records, grants: [], undone };
    if (!wouldAsk(decision)) return { ...done, decision };
    const asked = await hooks.run("PermissionRequest", call, suggestionsOf(decision));
    if (asked.length === 0) return { ...done, decision };
    keep(call, asked);
    const second = combine(asked, call.input, false);
    if (second.input !== undefined && !last) {
      undone.push(...permissionsOf(asked, () => "it was for another input").undone);
      carried = [...facts.filter(isAsk), ...second.carried];
      call = { ...call, input: second.input };
      continue;
    }
    const late = second.input === undefined ? [] : endless(call, asked);
    const again = gate.decide(call, { ...known, hooks: [...facts, ...second.facts, ...late] });
    const offered = new Set(decision.offers.flat().map(({ rule }) => rule));
    const kept = permissionsOf(asked, (rule) => {
      if (again.verdict !== "allow") return "the call is not allowed";
      return offered.has(rule) ? undefined : "a person would not be offered it for this call";
    });
    return {
      ...done,
      decision: again,
      grants: kept.grants,
      undone: [...undone, ...kept.undone],
    };
  }
}

/**
 * What becomes of the permissions that hooks want changed. `against` says why a rule is not allowed
 * for the session. A hook that comes with a repository allows nothing beyond the call.
 */
function permissionsOf(
  ran: readonly RanHook[],
  against: (rule: string) => string | undefined,
): { readonly grants: readonly string[]; readonly undone: readonly string[] } {
  const grants = new Set<string>();
  const undone: string[] = [];
  for (const { hook, answer } of ran) {
    const { grants: wanted, others } = answer.permissions ?? { grants: [], others: [] };
    const say = (what: string, why: string): void => {
      undone.push(`the hook ${labelOf(hook)} wanted ${what}, which was not done: ${why}`);
    };
    for (const rule of wanted) {
      const why = hook.repository
        ? "a hook of a repository allows nothing for a session"
        : hook.decides && answer.decision === "allow"
          ? against(rule)
          : "it does not allow the call";
      if (why === undefined) grants.add(rule);
      else say(`\`${show(rule)}\` to be allowed for the session`, why);
    }
    for (const other of others)
      say(other, "cordon keeps nothing of the kind for a session, and hooks write no settings");
  }
  return { grants: [...grants], undone };
}

function isAsk({ decision }: HookFact): boolean {
  return decision === "ask";
}

/** A question would be put, or is not only because the settings say so. */
function wouldAsk({ verdict, code }: Decision): boolean {
  return verdict === "ask" || code === "mode.deny-instead";
}
