import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { terminalNumber } from "./terminal-number.ts";

/** Milliseconds between two attempts. */
const AGAIN = 100;

/**
 * Waits until no other cordon of this person asks on this terminal, and gives back what ends the
 * turn; undefined when `until` aborts first. The end of the process ends it too.
 *
 * INVARIANT: of several questions on one terminal one is shown at a time. What is typed then
 * answers the question the person read, not another one that waits for a line as well.
 */
export async function takeTurn(until: AbortSignal | undefined): Promise<(() => void) | undefined> {
  // A name that no file system holds and that dies with its process; the sandbox has another set of them.
  const name = `\0cordon-terminal-${process.geteuid?.() ?? "user"}-${terminalNumber() ?? "any"}`;
  while (until?.aborted !== true) {
    const end = await attempt(name);
    if (end !== undefined) return end;
    try {
      await pause(AGAIN, undefined, { signal: until });
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/**
 * What ends the turn; undefined where somebody else has it. Where no name can be had at all there are
 * no turns, and the question is asked as it comes.
 */
function attempt(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "EADDRINUSE" ? undefined : () => undefined),
    );
    server.listen(name, () => resolve(() => void server.close()));
  });
}
