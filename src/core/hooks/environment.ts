import { sandboxEnvironment } from "../layers/9-sandbox/environment.ts";

/** Variables of the sandbox that mean nothing outside of it. */
const SANDBOX_ONLY: readonly string[] = [
  "CORDON_SANDBOX",
  "XDG_CACHE_HOME",
  "npm_config_cache",
  "npm_config_update_notifier",
];

/** Marks every process a hook starts; its value is the number of the run. */
export const HOOK_MARK = "CORDON_HOOK";

/**
 * The whole environment of a hook: what sandboxed commands get, the project its file belongs to
 * (`root`, see `projectOfHook`), and a mark.
 *
 * INVARIANT: no variable passes that is not listed for the sandbox, so no secret does by custom.
 */
export function hookEnvironment(
  caller: Readonly<Record<string, string | undefined>>,
  place: { readonly root: string; readonly home: string },
  mark: string,
): Readonly<Record<string, string>> {
  const passed = sandboxEnvironment(caller, place.home, caller["TMPDIR"] ?? "/tmp");
  return {
    ...Object.fromEntries(Object.entries(passed).filter(([name]) => !SANDBOX_ONLY.includes(name))),
    CLAUDE_PROJECT_DIR: place.root,
    [HOOK_MARK]: mark,
  };
}

/** A word of a command in exec form, with the root of the hook's project filled in. */
export function fillPlaceholders(word: string, root: string): string {
  return word.replaceAll("${CLAUDE_PROJECT_DIR}", () => root);
}
