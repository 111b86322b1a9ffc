import type { ToolCall } from "../call/call.ts";
import type { JsonObject } from "../call/json.ts";
import type { Mode } from "../call/mode.ts";
import { absolute, expandHome } from "../call/path.ts";
import type { HookEvent } from "../settings/hooks.ts";
import type { SettingsScope } from "../settings/source.ts";
import { canonicalTool } from "../settings/tools.ts";

/** What every payload begins with. cordon keeps no transcript. */
export function basePayload(
  event: HookEvent,
  at: {
    readonly session: string;
    readonly cwd: string;
    readonly mode: Mode;
    readonly agent?: string | undefined;
  },
): JsonObject {
  return {
    session_id: at.session,
    transcript_path: "",
    cwd: at.cwd,
    hook_event_name: event,
    permission_mode: at.mode,
    ...(at.agent === undefined ? {} : { agent_type: at.agent }),
  };
}

/** What payloads and matchers of ConfigChange call the settings of a scope. */
export function changeSource(scope: SettingsScope): string {
  switch (scope) {
    case "managed":
      return "policy_settings";
    case "local":
      return "local_settings";
    case "project":
      return "project_settings";
    case "command-line":
    case "user":
      return "user_settings";
  }
}

/** The fields that describe a call. Paths of files are absolute. */
export function callPayload(call: ToolCall): JsonObject {
  return { tool_name: canonicalTool(call.tool), tool_input: absoluteInput(call) };
}

function absoluteInput({ input, cwd, home }: ToolCall): JsonObject {
  const { file_path: path } = input;
  return typeof path === "string" && path !== ""
    ? { ...input, file_path: absolute(cwd, expandHome(path, home)) }
    : input;
}
