import { quote } from "./quote.ts";

/** Seconds the host gives the hook. */
export const HOOK_TIMEOUT = 60;

/** Milliseconds after its start at which the hook refuses by itself: four fifths of what it has. */
export const ANSWER_BY: number = HOOK_TIMEOUT * 800;

/** Seconds after which the hook is killed, if it is stuck where it cannot refuse. */
const LAST_RESORT = 55;

const AFTER = ` hook claude-code pre-tool-use || { echo "cordon: gate failed" >&2; exit 2; }`;

/**
 * The command line that the host runs for every tool call, for `/bin/sh`.
 *
 * INVARIANT: whatever becomes of cordon (missing, crashed, killed, stuck where there is a
 * `timeout` program), the line ends with status 2 and a text on standard error, which blocks the
 * call. Only an answer of cordon's own ends it with 0.
 */
export function hookCommand(launcher: string, hasTimeout: boolean): string {
  const limit = hasTimeout ? `timeout -s KILL ${LAST_RESORT} ` : "";
  return `sh -c ${quote(`${limit}${quote(launcher)}${AFTER}`)}`;
}

/** True for a line that some `hookCommand` wrote, for this cordon or one elsewhere. */
export function isHookCommand(line: string): boolean {
  return line.startsWith("sh -c '") && line.endsWith(`${AFTER}'`);
}

/** Seconds the host gives the hook that runs at the start of a session. */
export const START_TIMEOUT = 10;

/** Seconds after which that hook is killed: nothing waits for it in vain. */
const START_LAST_RESORT = 8;
const START_AFTER = " hook claude-code session-start || true";

/**
 * The command line that the host runs where a session starts, is taken up again or was compacted. It
 * tells what was denied; nothing can be blocked there, so whatever goes wrong ends it with 0.
 */
export function startCommand(launcher: string, hasTimeout: boolean): string {
  const limit = hasTimeout ? `timeout -s KILL ${START_LAST_RESORT} ` : "";
  return `sh -c ${quote(`${limit}${quote(launcher)}${START_AFTER}`)}`;
}

/** True for a line that some `startCommand` wrote, or that was added by hand. */
export function isStartCommand(line: string): boolean {
  return (
    (line.startsWith("sh -c '") && line.endsWith(`${START_AFTER}'`)) ||
    line === "cordon hook claude-code session-start"
  );
}
