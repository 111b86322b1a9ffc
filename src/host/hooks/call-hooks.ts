import { randomUUID } from "node:crypto";
import type { ToolCall } from "../../core/call/call.ts";
import type { Decision } from "../../core/call/decision.ts";
import { NO_FACTS } from "../../core/call/facts.ts";
import type { JsonObject } from "../../core/call/json.ts";
import { covers, underRule } from "../../core/hooks/condition.ts";
import type { RanHook } from "../../core/hooks/combine.ts";
import { HOOK_MARK } from "../../core/hooks/environment.ts";
import { failed } from "../../core/hooks/output.ts";
import { basePayload, callPayload } from "../../core/hooks/payload.ts";
import { selectHooks } from "../../core/hooks/select.ts";
import { examine } from "../../core/inquiry/inquiry.ts";
import { needsOf } from "../../core/inquiry/needs.ts";
import type { Hook, HookEvent } from "../../core/settings/hooks.ts";
import type { Rule } from "../../core/settings/rule.ts";
import { TOOLS, canonicalTool } from "../../core/settings/tools.ts";
import { gatherFacts } from "../facts/gather.ts";
import type { CallInput, Gate } from "../gate.ts";
import { runHooks } from "./run-hooks.ts";

/** An event that is about one tool call. */
export type ToolEvent = Exclude<HookEvent, "SessionStart" | "SessionEnd" | "ConfigChange">;

/** The hooks of one call, through all its events. */
export interface CallHooks {
  /** Runs those of an event for the call as it is now; `more` is added to the payload. Never rejects. */
  readonly run: (event: ToolEvent, input: CallInput, more?: JsonObject) => Promise<readonly RanHook[]>;
}

/** Opens the hooks of one call. */
export function openCallHooks(gate: Gate, session: string, signal: AbortSignal | undefined): CallHooks {
  const id = randomUUID();
  return {
    run: async (event, input, more = {}) => {
      const call = gate.call(input);
      const hooks = hooksFor(gate, event, call);
      if (hooks.length === 0) return [];
      if (gate.env[HOOK_MARK] !== undefined) return hooks.map(insideHook);
      const { mode } = examine(gate.context, call);
      const about = callPayload(call);
      const named = event === "PermissionRequest" ? {} : { tool_use_id: id };
      const base = basePayload(event, { session, cwd: call.cwd, mode, agent: call.agent });
      return runHooks(gate, hooks, {
        event,
        payload: { ...base, ...about, ...named, ...more },
        call: { tool: about["tool_name"], input: about["tool_input"] },
        cwd: call.cwd,
        signal,
      });
    },
  };
}

/**
 * A hook that has cordon run a call would be asked about that call, and so on without end. It
 * fails, and must not be let off by `onFailure`: anybody can set a variable.
 */
export function insideHook(hook: Hook): RanHook {
  const answer = failed("a hook runs this call, and hooks are not run for the calls of hooks");
  return { hook: { ...hook, onFailure: "block" }, answer, duration: 0 };
}

function hooksFor(gate: Gate, event: ToolEvent, call: ToolCall): readonly Hook[] {
  const tool = canonicalTool(call.tool);
  const inquiry = examine(gate.context, call);
  const covered = (rule: Rule): boolean => {
    const under = underRule(inquiry, rule, gate);
    // Rules about commands and tools look at the text alone.
    const looks = rule.specifier.kind === "path" || rule.specifier.kind === "domain";
    return covers(under, rule, looks ? gatherFacts(needsOf(under)) : NO_FACTS);
  };
  // A matcher may know the tool by an older name.
  const names = new Set([tool, call.tool, ...(TOOLS.get(tool)?.aliases ?? [])]);
  return selectHooks(gate.policy.hooks.hooks, event, [...names], covered, gate.root);
}

/** What a question offers to allow from now on, as payloads carry it. */
export function suggestionsOf(decision: Decision): JsonObject {
  const [narrowest] = decision.offers;
  if (narrowest === undefined) return {};
  const rules = narrowest.map(({ rule }) => {
    const open = rule.indexOf("(");
    return open === -1
      ? { toolName: rule }
      : { toolName: rule.slice(0, open), ruleContent: rule.slice(open + 1, -1) };
  });
  return {
    permission_suggestions: [{ type: "addRules", rules, behavior: "allow", destination: "localSettings" }],
  };
}
