import { realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { fillPlaceholders } from "../../core/hooks/environment.ts";
import { hookFiles } from "../../core/settings/hook-files.ts";
import type { Hook } from "../../core/settings/hooks.ts";

/**
 * The file that a hook would run in `cwd` instead of the project's of the same name; undefined where
 * there is none.
 *
 * Hooks run where the call does, which is up to the agent, and what is protected is the file below
 * the root of the hook's project: without this, writing `sub/scripts/guard.sh` and going there would replace
 * `./scripts/guard.sh`, and run it outside of the sandbox.
 */
export function otherFile(
  hook: Hook,
  { root, home, cwd }: { readonly root: string; readonly home: string; readonly cwd: string },
): string | undefined {
  if (cwd === root || hook.action.kind !== "command") return undefined;
  const fill = (word: string): string =>
    fillPlaceholders(word, root).replace(/\$CLAUDE_PROJECT_DIR\b/g, () => root);
  const { command, args } = hook.action;
  // Of no file, so that names are looked up where they are asked for.
  const filled: Hook = {
    ...hook,
    origin: { scope: hook.origin.scope },
    action: { kind: "command", command: fill(command), args: args?.map(fill) },
  };
  const inProject = new Set(hookFiles([filled], { root, cwd, home }));
  return hookFiles([filled], { root: cwd, cwd, home })
    .filter((pattern) => !inProject.has(pattern))
    .map((pattern) => pattern.replace(/\\([\s\S])/g, "$1"))
    .find((file) => {
      const real = realOf(file);
      return real !== undefined && real !== realOf(join(root, relative(cwd, file)));
    });
}

/** Undefined where nothing bears the name, or nobody can say what does. */
function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
