import type { JsonObject } from "../call/json.ts";
import type { HookRecord } from "../layers/11-audit/record.ts";
import { placeOfHook } from "../settings/hooks.ts";
import { type RanHook, changes } from "./combine.ts";

/** What the audit log keeps of a hook; `input` is that of the call it was asked about. */
export function hookRecord(ran: RanHook, input: JsonObject | undefined): HookRecord {
  const { hook, answer, duration } = ran;
  return {
    event: hook.event,
    name: hook.name,
    source: placeOfHook(hook),
    scope: hook.origin.scope,
    answer: answer.stop === undefined ? answer.decision : "stop",
    reason: answer.stop ?? (answer.reason === "" ? undefined : answer.reason),
    failure: answer.failure,
    changed: input !== undefined && changes(ran, input) ? true : undefined,
    duration,
  };
}
