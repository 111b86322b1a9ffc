import { type Json, isObject } from "../call/json.ts";
import type { HookEvent } from "../settings/hooks.ts";
import { type HookAnswer, NO_ANSWER, clipped, failed, readOutput } from "./output.ts";
import { hidesAnswer } from "./unclear.ts";

/** How the run of a hook ended. Texts that are no UTF-8 are undefined; `cut`: there was more. */
export type HookEnd =
  | {
      readonly kind: "exited";
      readonly status: number;
      readonly stdout: string | undefined;
      readonly cut: boolean;
      readonly stderr: string;
    }
  | {
      readonly kind: "replied";
      readonly status: number;
      readonly body: string | undefined;
      readonly cut: boolean;
    }
  /** What a module's function returned. */
  | { readonly kind: "returned"; readonly value: Json | undefined }
  | { readonly kind: "failed"; readonly why: string };

/**
 * What the end of a hook means. Total: what cannot be read is a failure, never an answer.
 *
 * Exit status 2 blocks, whatever is printed; else what is printed decides, if it begins with `{`;
 * another text says nothing when the status is 0 and is a failure otherwise. One before a call that
 * holds an answer behind something else is a failure too.
 */
export function readAnswer(event: HookEvent, end: HookEnd): HookAnswer {
  const answer = meaningOf(event, end);
  return answer.input === undefined || isShallow(answer.input, DEEPEST)
    ? answer
    : failed("the input it wants instead is nested too deeply");
}

/** Most levels of an input. */
const DEEPEST = 64;

function isShallow(value: Json | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((each: Json | undefined) => isShallow(each, levels - 1));
}

function meaningOf(event: HookEvent, end: HookEnd): HookAnswer {
  switch (end.kind) {
    case "failed":
      return failed(end.why);
    case "returned":
      return fromModule(end.value);
    case "replied":
      return fromReply(event, end);
    case "exited":
      return fromProcess(event, end);
  }
}

function fromProcess(event: HookEvent, end: Extract<HookEnd, { readonly kind: "exited" }>): HookAnswer {
  const { status, stdout, cut, stderr } = end;
  const said = clipped(stderr.trim());
  if (status === 2) {
    const printed = stdout === undefined || cut ? undefined : readOutput(event, stdout);
    const stop = printed?.failure === undefined ? printed?.stop : undefined;
    if (!canBlock(event))
      return failed(`it ended with status 2, which blocks nothing here${said === "" ? "" : `: ${said}`}`);
    const reason = said === "" ? (printed?.reason ?? "") : said;
    return { decision: "deny", reason: reason === "" ? "it ended with status 2" : reason, stop };
  }
  if (stdout === undefined) return failed(`what it printed is not UTF-8 (status ${status})`);
  if (/^\s*\{/.test(stdout)) {
    if (cut) return failed("it printed more than cordon reads");
    return readOutput(event, stdout);
  }
  if (status !== 0) return failed(`it ended with status ${status}${said === "" ? "" : `: ${said}`}`);
  if ((event === "PreToolUse" || event === "PermissionRequest") && hidesAnswer(stdout))
    return failed("it printed an answer that does not begin with `{`");
  return event === "SessionStart" && stdout.trim() !== ""
    ? { ...NO_ANSWER, context: clipped(stdout.trim()) }
    : NO_ANSWER;
}

/** Events on which exit status 2 blocks, or at least tells the agent. */
function canBlock(event: HookEvent): boolean {
  switch (event) {
    case "PreToolUse":
    case "PostToolUse":
    case "PostToolUseFailure":
    case "ConfigChange":
      return true;
    case "PermissionRequest":
    case "PermissionDenied":
    case "SessionStart":
    case "SessionEnd":
      return false;
  }
}

function fromReply(event: HookEvent, end: Extract<HookEnd, { readonly kind: "replied" }>): HookAnswer {
  const { status, body, cut } = end;
  if (status >= 300 && status < 400)
    return failed(`it redirects (status ${status}), which cordon does not follow`);
  if (status < 200 || status >= 300) return failed(`it replied with status ${status}`);
  if (body === undefined) return failed("what it replied is not UTF-8");
  if (cut) return failed("it replied with more than cordon reads");
  return body.trim() === "" ? NO_ANSWER : readOutput(event, body);
}

/** Modules answer shortly: `{decision, reason, updatedInput}`. Their allow is no objection, and opens nothing. */
function fromModule(value: Json | undefined): HookAnswer {
  if (!isObject(value)) return failed("it returned no object");
  const { decision, reason = "", updatedInput } = value;
  if (typeof reason !== "string") return failed("the `reason` it returned is no text");
  if (updatedInput !== undefined && !isObject(updatedInput)) {
    return failed("the `updatedInput` it returned is no object");
  }
  const input = updatedInput === undefined ? {} : { input: updatedInput };
  switch (decision) {
    case "deny":
    case "block":
      return { decision: "deny", reason: clipped(reason), ...input };
    case "ask":
      return { decision: "ask", reason: clipped(reason), ...input };
    case "allow":
    case "approve":
      return { ...NO_ANSWER, ...input };
    case undefined:
      if (updatedInput !== undefined) return { ...NO_ANSWER, ...input };
      break;
    default:
      break;
  }
  return failed('it returned no `decision` that is "allow", "ask" or "deny"');
}
