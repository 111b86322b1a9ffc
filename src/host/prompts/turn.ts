import { connect, createServer } from "node:net";
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
  return take(until, { hurry: true });
}

/**
 * The same for somebody who listens without having asked: as soon as a question wants the terminal
 * `wanted` is called, and the turn is to be ended.
 */
export async function takeTurnUntilWanted(
  until: AbortSignal,
  wanted: () => void,
): Promise<(() => void) | undefined> {
  return take(until, { hurry: false, wanted });
}

interface Manner {
  /** Whoever has the turn is told that it is wanted. */
  readonly hurry: boolean;
  readonly wanted?: (() => void) | undefined;
}

async function take(until: AbortSignal | undefined, manner: Manner): Promise<(() => void) | undefined> {
  // A name that no file system holds and that dies with its process; the sandbox has another set of them.
  const name = `\0cordon-terminal-${process.geteuid?.() ?? "user"}-${terminalNumber() ?? "any"}`;
  while (until?.aborted !== true) {
    const end = await attempt(name, manner);
    if (end !== undefined) return end;
    try {
      await pause(AGAIN, undefined, { signal: until });
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** Milliseconds for which somebody who made way stays away: longer than a question waits to try again. */
export const STAY_AWAY: number = 4 * AGAIN;

/**
 * What ends the turn; undefined where somebody else has it. Where no name can be had at all there are
 * no turns, and the question is asked as it comes.
 */
function attempt(name: string, { hurry, wanted }: Manner): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.destroy();
      wanted?.();
    });
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return resolve(() => undefined);
      if (hurry) tell(name);
      resolve(undefined);
    });
    server.listen(name, () => resolve(() => void server.close()));
  });
}

function tell(name: string): void {
  const socket = connect(name, () => void socket.destroy());
  // The turn may have ended meanwhile.
  socket.on("error", () => undefined);
}
