import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Environment } from "../settings/places.ts";

/** Which settings file of the agent gets the hook. */
export type HookScope = "user" | "project";

/**
 * The settings file of the agent. The person's own may be a link, or lie behind one: the file it
 * leads to is meant then. That of a project is taken as it is named.
 */
export function claudeSettingsFile(
  scope: HookScope,
  at: { readonly cwd: string; readonly home: string; readonly env: Environment },
): string {
  if (scope === "project") return join(at.cwd, ".claude", "settings.json");
  const named = at.env["CLAUDE_CONFIG_DIR"];
  const directory = named === undefined || named === "" ? join(at.home, ".claude") : resolve(at.cwd, named);
  return behindLinks(join(behindLinks(directory), "settings.json"));
}

function behindLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
