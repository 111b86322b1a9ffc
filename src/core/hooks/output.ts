import { type Json, type JsonObject, isObject } from "../call/json.ts";
import { type PermissionUpdates, readUpdates } from "./permission-updates.ts";
import { ambiguity } from "./unclear.ts";
import type { HookEvent } from "../settings/hooks.ts";

/** What a hook said. */
export interface HookAnswer {
  /** After the call and on ConfigChange `deny` means `block`. */
  readonly decision: "allow" | "ask" | "deny" | "none";
  /** For the person or the agent; empty where it gave none. */
  readonly reason: string;
  /** The whole input the call shall have instead. */
  readonly input?: JsonObject | undefined;
  /** `continue: false`: why nothing shall go on. */
  readonly stop?: string | undefined;
  /** For the agent. */
  readonly context?: string | undefined;
  /** For the person. */
  readonly message?: string | undefined;
  /** What it wants beside: of PermissionRequest, with an allow. */
  readonly permissions?: PermissionUpdates | undefined;
  /** How it failed; then it said nothing else. */
  readonly failure?: string | undefined;
}

/** The answer that says nothing. */
export const NO_ANSWER: HookAnswer = { decision: "none", reason: "" };

/** The answer of a hook that failed. */
export function failed(why: string): HookAnswer {
  return { ...NO_ANSWER, failure: why };
}

/** Most characters of a text a hook says. */
const LONGEST_TEXT = 10_000;

/** The text, cut where it is longer than a hook may speak; saying so. */
export function clipped(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, LONGEST_TEXT).replace(/[\uD800-\uDBFF]$/, "")}... (cut)`;
}

/**
 * Reads JSON that a hook printed or replied. Never throws: what does not have the shape of the
 * event's answers is a failure as a whole.
 */
export function readOutput(event: HookEvent, text: string): HookAnswer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failed("what it printed is not JSON");
  }
  if (!isObject(value)) return failed("what it printed is no JSON object");
  const unclear = ambiguity(event, text, value);
  if (unclear !== undefined) return failed(unclear);
  const wrong = misfit(value, {
    continue: "boolean",
    stopReason: "string",
    suppressOutput: "boolean",
    systemMessage: "string",
    decision: "string",
    reason: "string",
    hookSpecificOutput: "object",
  });
  if (wrong !== undefined) return failed(wrong);
  const specific = objectAt(value, "hookSpecificOutput");
  if (specific !== undefined && specific["hookEventName"] !== event) {
    return failed(`\`hookSpecificOutput.hookEventName\` is not \`${event}\``);
  }
  const answer = specificAnswer(event, value, specific ?? {});
  if (answer.failure !== undefined) return answer;
  const message = textAt(value, "systemMessage");
  const context = textAt(specific ?? {}, "additionalContext");
  return {
    ...answer,
    ...(value["continue"] === false ? { stop: textAt(value, "stopReason") ?? "" } : {}),
    ...(message === undefined ? {} : { message }),
    ...(context === undefined ? {} : { context }),
  };
}

type Type = "boolean" | "string" | "object";

/** The first field that has another type than it should; undefined where all fit. */
function misfit(object: JsonObject, types: Readonly<Record<string, Type>>): string | undefined {
  const wrong = Object.entries(types).find(([name, type]) => {
    if (!Object.hasOwn(object, name)) return false;
    const value = object[name];
    return type === "object" ? !isObject(value) : typeof value !== type;
  });
  return wrong === undefined ? undefined : `\`${wrong[0]}\` in what it printed is no ${wrong[1]}`;
}

function objectAt(object: JsonObject, name: string): JsonObject | undefined {
  const value: Json | undefined = Object.hasOwn(object, name) ? object[name] : undefined;
  return isObject(value) ? value : undefined;
}

function textAt(object: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === "string" ? clipped(value) : undefined;
}

function specificAnswer(event: HookEvent, value: JsonObject, specific: JsonObject): HookAnswer {
  const wrong = misfit(specific, { additionalContext: "string" });
  if (wrong !== undefined) return failed(wrong);
  switch (event) {
    case "PreToolUse":
      return preToolUse(value, specific);
    case "PermissionRequest":
      return permissionRequest(specific);
    case "PostToolUse":
    case "PostToolUseFailure":
    case "ConfigChange":
      if (value["decision"] === undefined) return NO_ANSWER;
      return value["decision"] === "block"
        ? { decision: "deny", reason: textAt(value, "reason") ?? "" }
        : failed('`decision` is not "block"');
    case "PermissionDenied":
    case "SessionStart":
    case "SessionEnd":
      return NO_ANSWER;
  }
}

/** The decisions of both spellings, strictest first; one that another product defers is a question here. */
const RANK = ["deny", "ask", "allow"] as const;

function preToolUse(value: JsonObject, specific: JsonObject): HookAnswer {
  const wrong = misfit(specific, {
    permissionDecision: "string",
    permissionDecisionReason: "string",
    updatedInput: "object",
  });
  if (wrong !== undefined) return failed(wrong);
  const said = specific["permissionDecision"];
  const old = value["decision"];
  const deferred = said === "defer";
  const named = deferred ? "ask" : RANK.find((each) => each === said);
  if (said !== undefined && named === undefined) {
    return failed('`permissionDecision` is not "allow", "deny", "ask" or "defer"');
  }
  const before = old === "approve" ? "allow" : old === "block" ? "deny" : undefined;
  if (old !== undefined && before === undefined) return failed('`decision` is not "approve" or "block"');
  const decision = RANK.find((each) => each === named || each === before) ?? "none";
  const reason = textAt(specific, "permissionDecisionReason") ?? textAt(value, "reason") ?? "";
  return {
    decision,
    reason: deferred && reason === "" ? "it defers the call, which cordon cannot" : reason,
    input: objectAt(specific, "updatedInput"),
  };
}

function permissionRequest(specific: JsonObject): HookAnswer {
  const wrong = misfit(specific, { decision: "object" });
  if (wrong !== undefined) return failed(wrong);
  const decision = objectAt(specific, "decision");
  if (decision === undefined) return NO_ANSWER;
  const inner = misfit(decision, { behavior: "string", message: "string", updatedInput: "object" });
  if (inner !== undefined) return failed(inner);
  const reason = textAt(decision, "message") ?? "";
  const updates = Object.hasOwn(decision, "updatedPermissions")
    ? readUpdates(decision["updatedPermissions"])
    : undefined;
  if (typeof updates === "string") return failed(updates);
  switch (decision["behavior"]) {
    case "allow":
      return {
        decision: "allow",
        reason,
        input: objectAt(decision, "updatedInput"),
        ...(updates === undefined ? {} : { permissions: updates }),
      };
    case "deny":
      return {
        decision: "deny",
        reason,
        ...(updates === undefined ? {} : { permissions: updates }),
        ...(decision["interrupt"] === true ? { stop: reason } : {}),
      };
    default:
      return failed('`decision.behavior` is not "allow" or "deny"');
  }
}
