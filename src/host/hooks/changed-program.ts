import { dirname, join } from "node:path";
import { hookFiles } from "../../core/settings/hook-files.ts";
import type { Hook } from "../../core/settings/hooks.ts";
import type { Environment } from "../settings/places.ts";
import { readWhole } from "../settings/read-file.ts";
import { recordedTrust } from "../trust/belief.ts";

/**
 * A program of a repository's hook that is not what a person trusted; undefined where there is none.
 *
 * Of programs only those in `.claude/hooks` and `.cordon/hooks`, beside the settings that name them,
 * are part of the consent; what lies elsewhere nobody can compare with anything. As far as the text
 * of the hook shows them (see `hookFiles`).
 *
 * INVARIANT: never one of a person's or the organisation's own hook.
 */
export function changedProgram(
  hook: Hook,
  place: { readonly root: string; readonly home: string; readonly cwd: string; readonly env: Environment },
): string | undefined {
  const { file } = hook.origin;
  if (!hook.repository || file === undefined) return undefined;
  const root = dirname(dirname(file));
  const folders = [".claude", ".cordon"].map((name) => join(root, name, "hooks"));
  const programs = hookFiles([hook], place)
    .map((pattern) => pattern.replace(/\\([\s\S])/g, "$1"))
    .filter((path) => folders.includes(dirname(path)));
  if (programs.length === 0) return undefined;
  const trusted = recordedTrust({ root, home: place.home, env: place.env });
  return programs.find((path) => {
    const reading = readWhole(path, "refuse");
    // One that is not there cannot be started; the hook fails by itself, or starts nothing of it.
    return reading.kind === "absent"
      ? false
      : reading.kind === "fault" || trusted(path, reading.bytes) === false;
  });
}
