import type { Decision } from "../../core/call/decision.ts";
import type { JsonObject } from "../../core/call/json.ts";
import { toolClass } from "../../core/settings/tools.ts";
import { canAsk } from "./askable.ts";
import { EVENT, type HookCall } from "./payload.ts";
import { reasonFor, unaskedReason } from "./reason.ts";

/** What the hook says to the host. */
export type HookAnswer = {
  /** For the model, whatever becomes of the call. At most 10,000 characters: more the host puts aside. */
  readonly context?: string | undefined;
} &
  /** The host goes on as if there were no hook. */
  (
    | { readonly decision: "silence" }
    | {
        readonly decision: "allow" | "ask" | "deny";
        /** Never empty: the host takes an answer without a reason for a fault of the hook. */
        readonly reason: string;
        /** The whole input the tool is to run with instead. Never on a deny. */
        readonly updatedInput?: JsonObject | undefined;
      }
  );

/** How a person set the hook up. */
export interface AnswerStyle {
  /** Calls that are allowed are approved to the host, which then asks nobody. */
  readonly autoApprove: boolean;
  /** The input that puts the call into cordon's sandbox; undefined where it runs as it is. */
  readonly sandboxed?: JsonObject | undefined;
}

/**
 * The answer to one call.
 *
 * INVARIANT: `allow` only for a decision that allows; a question that would not reach a person is
 * a denial; a call whose decision rests on the sandbox
 * is never answered without the input that puts it there, so silence is no answer to it.
 */
export function answerFor(call: HookCall, decision: Decision, style: AnswerStyle): HookAnswer {
  const reason = reasonFor(call, decision);
  switch (decision.verdict) {
    case "deny":
      return { decision: "deny", reason };
    case "ask":
      return canAsk(call, decision)
        ? { decision: "ask", reason, updatedInput: style.sandboxed }
        : { decision: "deny", reason: unaskedReason(call, decision) };
    case "allow":
      if (style.sandboxed !== undefined) return { decision: "allow", reason, updatedInput: style.sandboxed };
      return style.autoApprove && mayApprove(call, decision)
        ? { decision: "allow", reason }
        : { decision: "silence" };
  }
}

/** Plan mode is the host's to guard; questions to the person and bookkeeping need no approval and must not skip one. */
function mayApprove(call: HookCall, decision: Decision): boolean {
  if (decision.mode === "plan" || call.mode === "plan") return false;
  const kind = toolClass(call.tool);
  return kind !== "internal" && kind !== "interaction";
}

/** The answer where cordon itself could not judge. `why` is lower case, without a full stop. */
export function refusal(why: string): HookAnswer {
  return { decision: "deny", reason: `cordon could not judge this call: ${why}` };
}

/**
 * What goes to standard output: nothing for silence, else one line of JSON that has the keys of
 * the host's schema and no other. Silence with context has no decision in it; measured on 2.1.197,
 * the host then decides as if there were no hook, in every mode.
 */
export function renderAnswer(answer: HookAnswer): string {
  const context = answer.context === undefined ? {} : { additionalContext: answer.context };
  if (answer.decision === "silence") {
    return answer.context === undefined ? "" : line({ hookEventName: EVENT, ...context });
  }
  const { decision, reason, updatedInput } = answer;
  return line({
    hookEventName: EVENT,
    permissionDecision: decision,
    permissionDecisionReason: reason,
    ...(updatedInput === undefined || decision === "deny" ? {} : { updatedInput }),
    ...context,
  });
}

/** What goes to standard output when a session starts; nothing where there is nothing to say. */
export function renderSessionStart(context: string | undefined): string {
  return context === undefined ? "" : line({ hookEventName: "SessionStart", additionalContext: context });
}

function line(hookSpecificOutput: JsonObject): string {
  return `${JSON.stringify({ hookSpecificOutput })}\n`;
}
