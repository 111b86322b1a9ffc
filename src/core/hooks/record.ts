import type { JsonObject } from "../call/json.ts";
import type { HookRecord } from "../layers/11-audit/record.ts";
import { placeOfHook } from "../settings/hooks.ts";
import { type RanHook, changes } from "./combine.ts";
import type { HookAnswer } from "./output.ts";

/** What the audit log keeps of a hook; `input` is that of the call it was asked about. */
export function hookRecord(ran: RanHook, input: JsonObject | undefined): HookRecord {
  const { hook, answer, duration } = ran;
  return {
    event: hook.event,
    name: hook.name,
    source: placeOfHook(hook),
    scope: hook.origin.scope,
    answer: answer.stop === undefined ? answer.decision : "stop",
    reason: reasonOf(answer),
    failure: answer.failure,
    changed: input !== undefined && changes(ran, input) ? true : undefined,
    duration,
  };
}

/** What it said, and what it would have allowed beyond the call. */
function reasonOf({ stop, reason, permissions }: HookAnswer): string | undefined {
  const grants = permissions?.grants ?? [];
  const wish = grants.length === 0 ? "" : `asks to allow ${grants.join(", ")} for the session`;
  const parts = [stop ?? reason, wish].filter((part) => part !== "");
  return parts.length === 0 ? undefined : parts.join("; ");
}
