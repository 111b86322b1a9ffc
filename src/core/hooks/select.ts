import { projectOfHook } from "../settings/hook-files.ts";
import { matcherFits } from "../settings/hook-matcher.ts";
import { type Hook, type HookEvent, isToolEvent } from "../settings/hooks.ts";
import type { Rule } from "../settings/rule.ts";

/** The line `cordon install` writes, in every form, and the command as a person writes it. */
const OWN_LINE = / hook [\w-]+ [\w-]+ \|\| (?:\{ echo "cordon: gate failed" >&2; exit 2; \}|true)'$/;
const OWN_COMMAND = /^(?:\/[\w./-]*\/)?cordon hook [\w-]+(?: [\w-]+)?$/;

/** True for cordon's own entry in an agent's settings: it answers the agent, and is no hook of ours. */
export function isOwnHook({ action }: Hook): boolean {
  if (action.kind !== "command" || action.args !== undefined) return false;
  return (
    (action.command.startsWith("sh -c '") && OWN_LINE.test(action.command)) ||
    OWN_COMMAND.test(action.command)
  );
}

/**
 * The hooks that run for an event: those whose matcher fits one of the subject's names and whose
 * `if` covers the call, identical ones once, cordon's own entry never.
 *
 * Of identical ones the first stays, and blocks on failure where one of them does; those of different
 * projects are not identical. `covered` is asked about tool events only; on others a hook with `if`
 * never runs. `root`: of the project in use.
 */
export function selectHooks(
  hooks: readonly Hook[],
  event: HookEvent,
  subjects: readonly string[],
  covered: (condition: Rule) => boolean,
  root: string,
): readonly Hook[] {
  const chosen = new Map<string, Hook>();
  for (const hook of hooks) {
    if (hook.event !== event || !matcherFits(hook.matcher, subjects) || isOwnHook(hook)) continue;
    if (hook.conditions !== undefined && !(isToolEvent(event) && hook.conditions.some(covered))) continue;
    const key = JSON.stringify([hook.action, hook.decides, projectOfHook(hook, root)]);
    const same = hook.action.kind === "none" ? undefined : chosen.get(key);
    if (same === undefined) chosen.set(hook.action.kind === "none" ? `${chosen.size} ${key}` : key, hook);
    else if (same.onFailure === "continue" && hook.onFailure === "block")
      chosen.set(key, { ...same, onFailure: "block" });
  }
  return [...chosen.values()];
}
