import type { ToolCall } from "../call/call.ts";
import { type Mode, atLeastAsStrict } from "../call/mode.ts";
import type { ModePolicy } from "../settings/policy.ts";

/**
 * The mode a call is judged in: a managed lock, then the call's own, then the settings'.
 *
 * INVARIANT: never laxer than a managed lock; never bypass where bypass is disabled. `auto`
 * without a classifier is `default`.
 */
export function effectiveMode(policy: ModePolicy, call: ToolCall): Mode {
  let mode = call.mode ?? policy.value;
  if (policy.enforced !== undefined && !atLeastAsStrict(mode, policy.enforced.mode))
    mode = policy.enforced.mode;
  if (mode === "bypassPermissions" && policy.bypassDisabled !== undefined) mode = "default";
  if (mode === "auto") mode = "default";
  return mode;
}
