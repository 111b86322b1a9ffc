import type { HookFact } from "../call/facts.ts";
import { type Json, type JsonObject, isObject } from "../call/json.ts";
import { type Hook, placeOfHook } from "../settings/hooks.ts";
import type { HookAnswer } from "./output.ts";

/** A hook that was run, or would have been. */
export interface RanHook {
  readonly hook: Hook;
  readonly answer: HookAnswer;
  /** Milliseconds. */
  readonly duration: number;
}

/** What the hooks of one round come to. */
export interface Round {
  readonly facts: readonly HookFact[];
  /** The input they want instead; undefined where all leave it. */
  readonly input?: JsonObject | undefined;
  /** The facts that hold for the new input too: every ask, and the allow of who gave it. */
  readonly carried: readonly HookFact[];
}

/**
 * What the answers of the hooks that are asked before a call mean, for an event of which a failure
 * blocks (PreToolUse) or does not (PermissionRequest).
 *
 * INVARIANT: of inputs that differ none is taken, and the call is denied. Nothing is taken from a
 * round in which one hook denies.
 */
export function combine(ran: readonly RanHook[], input: JsonObject, failureBlocks: boolean): Round {
  const facts = ran.flatMap((each) => factsOf(each, failureBlocks));
  if (facts.some(({ decision }) => decision === "deny")) return { facts, carried: [] };
  const before = canonical(input);
  const changing = ran.flatMap((each) => {
    const { hook, answer } = each;
    if (answer.input === undefined || !hook.decides) return [];
    const text = canonical(answer.input);
    return text === before ? [] : [{ each, text, input: answer.input }];
  });
  const [first, ...others] = changing;
  if (first === undefined) return { facts, carried: [] };
  const other = others.find(({ text }) => text !== first.text);
  if (other !== undefined) {
    const conflict = factAbout(first.each.hook, "deny", "conflict", labelOf(other.each.hook));
    return { facts: [...facts, conflict], carried: [] };
  }
  return {
    facts,
    input: first.input,
    carried: [
      ...facts.filter(({ decision }) => decision === "ask"),
      ...changing.flatMap(({ each }) =>
        each.answer.decision === "allow" ? factsOf(each, failureBlocks) : [],
      ),
    ],
  };
}

/** The fact that ends a call whose input is changed again and again. */
export function endlessFact({ hook }: RanHook, rounds: number): HookFact {
  return factAbout(hook, "deny", "loop", `${rounds} times`);
}

/** True for an answer with an input that is not the call's. */
export function changes({ hook, answer }: RanHook, input: JsonObject): boolean {
  return hook.decides && answer.input !== undefined && canonical(answer.input) !== canonical(input);
}

function factsOf({ hook, answer }: RanHook, failureBlocks: boolean): readonly HookFact[] {
  if (!hook.decides) return [];
  const { failure, stop, decision, reason } = answer;
  const managed = hook.origin.scope === "managed";
  if (hook.action.kind === "none") {
    if (!failureBlocks) return [];
    return [factAbout(hook, managed ? "deny" : "ask", "unsupported", hook.action.why)];
  }
  if (failure !== undefined) {
    const blocks = failureBlocks && (managed || hook.onFailure === "block");
    return [factAbout(hook, blocks ? "deny" : "none", "failed", failure)];
  }
  if (stop !== undefined) return [factAbout(hook, "deny", "stop", stop)];
  return decision === "none" ? [] : [factAbout(hook, decision, undefined, reason)];
}

function factAbout(
  hook: Hook,
  decision: HookFact["decision"],
  because: HookFact["because"],
  why: string,
): HookFact {
  return { name: hook.name, source: placeOfHook(hook), decision, because, why };
}

/** What a hook is called where no fact stands for it. */
export function labelOf(hook: Hook): string {
  return `\`${hook.name}\` (${placeOfHook(hook)})`;
}

/** Equal for equal values, whatever the order of their keys. */
function canonical(value: Json | undefined): string {
  return JSON.stringify(sorted(value)) ?? "";
}

function sorted(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((each: Json) => sorted(each) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
}
