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

/**
 * Runs the hook's command line as the agent would, with a call that is always denied. Undefined
 * where it was denied; else what came instead.
 */
export function trialFault(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(command, {
    shell: true,
    cwd,
    env: { ...env },
    input: JSON.stringify({ ...FORBIDDEN, cwd }),
    timeout: 60_000,
    encoding: "utf8",
  });
  if (error !== undefined) return error.message;
  if (status === 0 && denies(stdout)) return undefined;
  return `it ended with status ${status ?? "none"}${stderr.trim() === "" ? "" : `: ${stderr.trim().slice(0, 400)}`}`;
}

function denies(text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    const output = isObject(answer) ? answer["hookSpecificOutput"] : undefined;
    const reason = isObject(output) ? output["permissionDecisionReason"] : undefined;
    return typeof reason === "string" && reason.includes("git.force-push-protected");
  } catch {
    return false;
  }
}
