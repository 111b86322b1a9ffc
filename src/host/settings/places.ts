import { isAbsolute, join } from "node:path";

/** The variables of a process, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Directories of managed settings, the highest first. */
export function managedDirectories(platform: string): readonly string[] {
  switch (platform) {
    case "darwin":
      return ["/Library/Application Support/cordon", "/Library/Application Support/ClaudeCode"];
    case "win32":
      return ["C:\\Program Files\\cordon", "C:\\Program Files\\ClaudeCode"];
    default:
      return ["/etc/cordon", "/etc/claude-code"];
  }
}

/** Where the operating system keeps the policies it hands out, as a person would look for them. */
export function policyPlaces(platform: string): readonly string[] {
  switch (platform) {
    case "darwin":
      return ["/Library/Managed Preferences"];
    case "win32":
      return ["HKLM\\SOFTWARE\\Policies", "HKCU\\SOFTWARE\\Policies"];
    default:
      return [];
  }
}

/** The settings files in a project, the highest first. */
export function projectFiles(root: string): {
  readonly local: readonly string[];
  readonly shared: readonly string[];
} {
  const folders = [".cordon", ".claude"];
  return {
    local: folders.map((folder) => join(root, folder, "settings.local.json")),
    shared: folders.map((folder) => join(root, folder, "settings.json")),
  };
}

/** cordon's own user settings file. */
export function ownUserFile(home: string): string {
  return join(home, ".config", "cordon", "settings.json");
}

/**
 * cordon's private state: `$XDG_STATE_HOME/cordon`, else `~/.local/state/cordon`. A relative
 * `$XDG_STATE_HOME` counts as unset, as its specification says.
 */
export function stateDirectory(env: Environment, home: string): string {
  const state = env["XDG_STATE_HOME"];
  return join(state !== undefined && isAbsolute(state) ? state : join(home, ".local", "state"), "cordon");
}
