import type { Script } from "../../shell/script.ts";

/**
 * Whether a command that failed may be run again as a whole: everything in it is understood, runs
 * in the foreground and here, and at most one thing in it changes anything, so that nothing was
 * done that would be done twice. False where that cannot be told.
 */
export function isRepeatable(script: Script): boolean {
  if (script.doubts.length > 0) return false;
  const parts = script.invocations.filter(({ nesting }) => nesting !== "code");
  const understood = parts.every(
    ({ reading, background, remote }) =>
      !background &&
      !remote &&
      reading.doubts.length === 0 &&
      reading.dangers.length === 0 &&
      (reading.class === "read-only" || reading.class === "file-modifying"),
  );
  const writing = new Set([
    ...parts.filter(({ reading }) => reading.class === "file-modifying").map(({ id }) => id),
    ...script.redirects
      .filter(({ action, hint }) => action === "write" && hint !== true)
      .map(({ part }) => part ?? -1),
  ]);
  return understood && writing.size <= 1;
}
