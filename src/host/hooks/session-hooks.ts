import type { JsonObject } from "../../core/call/json.ts";
import { type RanHook, labelOf } from "../../core/hooks/combine.ts";
import { HOOK_MARK } from "../../core/hooks/environment.ts";
import { basePayload, changeSource } from "../../core/hooks/payload.ts";
import { selectHooks } from "../../core/hooks/select.ts";
import type { HookEvent } from "../../core/settings/hooks.ts";
import type { SettingsScope } from "../../core/settings/source.ts";
import type { Gate } from "../gate.ts";
import { insideHook } from "./call-hooks.ts";
import { runHooks } from "./run-hooks.ts";

/** Something that happens to a session or to its settings. */
export type SessionEvent =
  | { readonly event: "SessionStart"; readonly source: "startup" | "resume" | "clear" | "compact" | "fork" }
  | { readonly event: "SessionEnd"; readonly reason: string }
  | { readonly event: "ConfigChange"; readonly scope: SettingsScope; readonly file?: string | undefined };

export interface SessionSetup {
  readonly session: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs the hooks of an event that is about no call. Never rejects. */
export async function runSessionHooks(
  gate: Gate,
  event: SessionEvent,
  { session, signal }: SessionSetup,
): Promise<readonly RanHook[]> {
  const { subject, fields } = detailsOf(event);
  const hooks = selectHooks(gate.policy.hooks.hooks, event.event, [subject], () => false, gate.root);
  if (gate.env[HOOK_MARK] !== undefined) return hooks.map(insideHook);
  const base = basePayload(event.event, { session, cwd: gate.cwd, mode: gate.policy.mode.value });
  return runHooks(gate, hooks, {
    event: event.event,
    payload: { ...base, ...fields },
    cwd: gate.cwd,
    signal,
  });
}

function detailsOf(event: SessionEvent): { readonly subject: string; readonly fields: JsonObject } {
  switch (event.event) {
    case "SessionStart":
      return { subject: event.source, fields: { source: event.source } };
    case "SessionEnd":
      return { subject: event.reason, fields: { reason: event.reason } };
    case "ConfigChange": {
      const source = changeSource(event.scope);
      return { subject: source, fields: { source, file_path: event.file } };
    }
  }
}

/**
 * Why a change of the settings must not be made; undefined where no hook minds, and for managed
 * ones. `failed`: no hook said so, but one that should have been asked failed, which is no consent.
 */
export function blockedChange(
  ran: readonly RanHook[],
  scope: SettingsScope,
): { readonly why: string; readonly failed: boolean } | undefined {
  if (scope === "managed") return undefined;
  const deciding = ran.filter(({ hook }) => hook.decides);
  const by = deciding.find(({ answer: { decision, stop } }) => decision === "deny" || stop !== undefined);
  if (by !== undefined) {
    const reason = by.answer.stop ?? by.answer.reason;
    return {
      why: `the hook ${labelOf(by.hook)} blocks it${reason === "" ? "" : `: ${reason}`}`,
      failed: false,
    };
  }
  const broken = deciding.find(
    ({ hook, answer }) => answer.failure !== undefined && hook.onFailure === "block",
  );
  return broken === undefined
    ? undefined
    : {
        why: `the hook ${labelOf(broken.hook)} failed: ${broken.answer.failure ?? ""}`,
        failed: true,
      };
}

/** What hooks have to say to the person, one line each. `event`: failures that block nothing are told too. */
export function remarksOf(ran: readonly RanHook[], event: HookEvent): readonly string[] {
  return ran.flatMap(({ hook, answer }) => {
    const { failure, message, decision, reason, stop, context } = answer;
    const who = `the hook ${labelOf(hook)}`;
    const after = event !== "PreToolUse" && event !== "PermissionRequest";
    return [
      ...(failure !== undefined && (after || !hook.decides) ? [`${who} failed: ${failure}`] : []),
      ...(message === undefined ? [] : [`${who} says: ${message}`]),
      ...(after && decision === "deny" ? [`${who} objects${reason === "" ? "" : `: ${reason}`}`] : []),
      ...(after && stop !== undefined
        ? [`${who} wants the agent to stop${stop === "" ? "" : `: ${stop}`}`]
        : []),
      ...(context === undefined ? [] : [`${who} adds: ${context}`]),
    ];
  });
}
