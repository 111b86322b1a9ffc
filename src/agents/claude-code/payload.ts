import { type JsonObject, isObject, stringAt } from "../../core/call/json.ts";
import { type Mode, modeNamed } from "../../core/call/mode.ts";

/** A tool call as the host's PreToolUse hook tells it. */
export interface HookCall {
  /** As the host names it. */
  readonly tool: string;
  /** Every field the host sent, known here or not. */
  readonly input: JsonObject;
  /** Absolute. */
  readonly cwd: string;
  /** Undefined: the host named none, or one that is not known here. */
  readonly mode: Mode | undefined;
  /** The mode the host named, where it is none that is known here. */
  readonly unknownMode?: string | undefined;
  readonly session?: string | undefined;
  /** `claude-code`, and behind a slash the type of the subagent that makes the call. */
  readonly agent: string;
  /** Which subagent makes the call; undefined for the agent itself. Each reads for itself. */
  readonly reader?: string | undefined;
}

/** What a payload comes to. */
export type HookPayload =
  | { readonly kind: "call"; readonly call: HookCall }
  /** Lower case, without a full stop; never quotes the payload. */
  | { readonly kind: "fault"; readonly why: string };

/** The name this host gives the event in its payloads. */
export const EVENT = "PreToolUse";

/**
 * Reads what the host wrote to the hook's standard input. Never throws.
 *
 * A byte order mark is passed over. What is missing or of another type makes a fault, never a
 * call with a gap; a mode that is not known here is left to the caller, who takes a strict one.
 */
export function readPayload(text: string): HookPayload {
  let payload: unknown;
  try {
    payload = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch {
    return fault(text.trim() === "" ? "the payload is empty" : "the payload is no JSON");
  }
  if (!isObject(payload)) return fault("the payload is no JSON object");
  const event = payload["hook_event_name"];
  if (event !== undefined && event !== EVENT) return fault(`the payload is not that of a ${EVENT} hook`);
  const tool = stringAt(payload, "tool_name");
  if (tool === undefined || tool === "") return fault("the payload has no `tool_name`");
  const input = payload["tool_input"];
  if (!isObject(input)) return fault("the payload has no object `tool_input`");
  const cwd = stringAt(payload, "cwd");
  if (cwd === undefined || !cwd.startsWith("/") || cwd.includes("\0"))
    return fault("the payload has no absolute `cwd`");
  const subagent = stringAt(payload, "agent_type");
  return {
    kind: "call",
    call: {
      tool,
      input,
      cwd,
      ...modeOf(payload["permission_mode"]),
      session: stringAt(payload, "session_id"),
      agent: subagent === undefined ? "claude-code" : `claude-code/${subagent}`,
      reader: stringAt(payload, "agent_id"),
    },
  };
}

/** The start of a session, or of another context in it. */
export interface SessionStart {
  readonly session: string | undefined;
  /** `startup`, `resume`, `clear`, `compact`, `fork`, or what else the host may call it. */
  readonly source: string;
}

/** Reads what the host writes when a session starts; undefined for everything else. Never throws. */
export function readSessionStart(text: string): SessionStart | undefined {
  try {
    const payload: unknown = JSON.parse(text);
    if (!isObject(payload) || payload["hook_event_name"] !== "SessionStart") return undefined;
    const source = stringAt(payload, "source");
    return source === undefined ? undefined : { session: stringAt(payload, "session_id"), source };
  } catch {
    return undefined;
  }
}

function modeOf(word: unknown): Pick<HookCall, "mode" | "unknownMode"> {
  if (word === undefined) return { mode: undefined };
  const mode = typeof word === "string" ? modeNamed(word) : undefined;
  if (mode !== undefined) return { mode };
  return { mode: undefined, unknownMode: typeof word === "string" ? word : "no text" };
}

function fault(why: string): HookPayload {
  return { kind: "fault", why };
}
