import type { Decision } from "../../core/call/decision.ts";
import type { HookFact } from "../../core/call/facts.ts";
import { type RanHook, changes, combine, endlessFact } from "../../core/hooks/combine.ts";
import { hookRecord } from "../../core/hooks/record.ts";
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
    if (!wouldAsk(decision)) return { input: call, decision, ran, records };
    const asked = await hooks.run("PermissionRequest", call, suggestionsOf(decision));
    if (asked.length === 0) return { input: call, decision, ran, records };
    keep(call, asked);
    const second = combine(asked, call.input, false);
    if (second.input !== undefined && !last) {
      carried = [...facts.filter(isAsk), ...second.carried];
      call = { ...call, input: second.input };
      continue;
    }
    const late = second.input === undefined ? [] : endless(call, asked);
    const again = gate.decide(call, { ...known, hooks: [...facts, ...second.facts, ...late] });
    return { input: call, decision: again, ran, records };
  }
}

function isAsk({ decision }: HookFact): boolean {
  return decision === "ask";
}

/** A question would be put, or is not only because the settings say so. */
function wouldAsk({ verdict, code }: Decision): boolean {
  return verdict === "ask" || code === "mode.deny-instead";
}
