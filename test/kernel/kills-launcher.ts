import { buildLauncher } from "../../scripts/native.mjs";
import { findLauncher } from "../../src/host/sandbox/launcher.ts";

/** cordon's own launcher, built into a directory; undefined without a compiler. */
export function launcherAt(directory: string): string | undefined {
  if (!buildLauncher(directory).built) return undefined;
  const found = findLauncher(directory);
  return found.kind === "found" ? found.path : undefined;
}
