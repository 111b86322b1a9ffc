import { spawnSync } from "node:child_process";
import { isObject } from "../../core/call/json.ts";

/** A call that is denied whatever the settings say. */
const FORBIDDEN = {
  session_id: "cordon-install",
  hook_event_name: "PreToolUse",
  permission_mode: "default",
  tool_name: "Bash",
  tool_input: { command: "git push --force origin main" },
};

/** What came of the trial instead of the denial that was due. */
export interface TrialFault {
  /** `blocked`: the hook answers, and denies for a reason of its own, which holds for every call. */
  readonly kind: "broken" | "blocked";
  readonly why: string;
}

/**
 * Runs the hook's command line as the agent would, with a call that is always denied. Undefined
 * where it was denied for what it is; else what came instead.
 */
export function trialFault(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): TrialFault | undefined {
  const { status, stdout, stderr, error } = spawnSync(command, {
    shell: true,
    cwd,
    env: { ...env },
    input: JSON.stringify({ ...FORBIDDEN, cwd }),
    timeout: 60_000,
    encoding: "utf8",
  });
  if (error !== undefined) return { kind: "broken", why: error.message };
  const reason = status === 0 ? deniedFor(stdout) : undefined;
  if (reason?.includes("git.force-push-protected") === true) return undefined;
  if (reason !== undefined) return { kind: "blocked", why: reason };
  const told = stderr.trim() === "" ? "" : `: ${stderr.trim().slice(0, 400)}`;
  return { kind: "broken", why: `it ended with status ${status ?? "none"}${told}` };
}

/** Why the call was denied; undefined for any other answer. */
function deniedFor(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const output = isObject(answer) ? answer["hookSpecificOutput"] : undefined;
    if (!isObject(output) || output["permissionDecision"] !== "deny") return undefined;
    const reason = output["permissionDecisionReason"];
    return typeof reason === "string" ? reason : undefined;
  } catch {
    return undefined;
  }
}
