import type { Decision } from "../../core/call/decision.ts";
import { stringAt } from "../../core/call/json.ts";
import type { RuleRef } from "../../core/call/opinion.ts";
import { show } from "../../core/inquiry/show.ts";
import { STOP_AFTER, stopText } from "../../core/layers/8-approval/denials.ts";
import { TOOLS, canonicalTool } from "../../core/settings/tools.ts";
import type { HookCall } from "./payload.ts";

/** Longest reason, in characters: it goes into the model's context on every refusal. */
const LONGEST = 1_200;

/**
 * Why a call was decided as it was: to the model for a deny, to the person for an ask, to nobody
 * in particular for an allow. Names this call, the reason and its code or rule, and what to do
 * instead.
 *
 * Holds the agent's own text: whoever shows it escapes control characters.
 */
export function reasonFor(call: HookCall, decision: Decision): string {
  const { verdict, why, code, rule, hint } = decision;
  const grounds = [code, rule === undefined ? undefined : placeOf(rule)].filter((part) => part !== undefined);
  const about = `${why} (${grounds.join(", ")})`;
  return clip(
    verdict === "deny"
      ? `cordon: denied \`${subjectOf(call, decision)}\`: ${about}. ${sentence(hint ?? "if it is needed, ask the person")}`
      : `cordon: ${verdict === "ask" ? askSubject(call, decision) : ""}${about}${hint === undefined ? "" : `. ${sentence(hint)}`}`,
  );
}

/** Why a question became a denial: the agent's mode would not put it to a person. */
export function unaskedReason(call: HookCall, decision: Decision): string {
  const mode = call.mode ?? call.unknownMode ?? "default";
  const hint = `the agent's mode \`${show(mode)}\` may drop this question, so the person has to run it, or to choose another mode`;
  const both = decision.hint === undefined ? hint : `${decision.hint}; ${hint}`;
  return reasonFor(call, { ...decision, verdict: "deny", hint: both });
}

/**
 * The reason of a denial that is not the first of its kind in a session: from the third on the
 * agent is told to stop. As long as any other reason.
 */
export function repeatedReason(reason: string, count: number): string {
  if (count < STOP_AFTER) return reason;
  const more = ` ${stopText(count)}`;
  return reason.length + more.length <= LONGEST
    ? reason + more
    : `${clip(reason.slice(0, LONGEST - more.length - 1))}…${more}`;
}

/** The part of a longer command that the question is about, unless the reason names it already. */
function askSubject(call: HookCall, decision: Decision): string {
  const subject = `\`${subjectOf(call, decision)}\``;
  return decision.parts.length > 1 && decision.part !== undefined && !decision.why.includes(subject)
    ? `${subject}: `
    : "";
}

/** What was asked for, in one line: the part of the command that decided, the path, the address, or the tool. */
function subjectOf(call: HookCall, decision: Decision): string {
  const part = decision.part === undefined ? undefined : decision.parts[decision.part];
  if (part !== undefined) return part.command;
  const { input } = call;
  const tool = canonicalTool(call.tool);
  const [first, ...rest] = (stringAt(input, "command") ?? "").trim().split("\n");
  if (tool === "Bash" && first !== undefined && first !== "")
    return show(rest.length > 0 ? `${first} …` : first);
  const fields = [...(TOOLS.get(tool)?.paths ?? []), "url", "query", "subagent_type", "skill"];
  const operand = fields.map((field) => stringAt(input, field)).find((text) => text !== undefined);
  return show(operand === undefined ? call.tool : `${call.tool} ${operand}`);
}

function placeOf({ file, line }: RuleRef): string | undefined {
  return file === undefined ? undefined : [file, line].filter((part) => part !== undefined).join(":");
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

function clip(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
