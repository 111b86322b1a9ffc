import type { ChildProcess } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import type { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { ReadStream, isatty } from "node:tty";
import { STAY_AWAY, takeTurnUntilWanted } from "../prompts/turn.ts";
import type { Streams } from "./backend.ts";
import { kernelText } from "./look.ts";

/**
 * True where a command that is not to have the terminal would get it as its standard input. A shell
 * opens that for reading and writing, so whatever the command wrote to it would go to the terminal
 * past every filter.
 */
export function isKeyboard({ stdin = "inherit", watch = "none" }: Streams): boolean {
  return stdin === "inherit" && watch !== "none" && isatty(0);
}

/**
 * Passes on what the person types, line by line, until the command ends. What was typed ahead and
 * the command did not read is lost. In the background there is nobody at the keyboard: the command
 * reads an end, and cordon is not stopped for reading.
 *
 * While another cordon asks on the terminal, nothing is passed on.
 *
 * INVARIANT: once the function that is given back was called, nothing of cordon's listens for the
 * command any more: the next line may be the answer to a question.
 */
export function passKeyboard(child: ChildProcess): () => void {
  const to = child.stdin;
  if (to === null) return () => undefined;
  to.on("error", () => undefined);
  if (!isForeground()) {
    to.end();
    return () => undefined;
  }
  const stopped = new AbortController();
  const now: { close?: () => void } = {};
  const quiet = (): void => {
    now.close?.();
    delete now.close;
  };
  const stop = (): void => {
    stopped.abort();
    quiet();
  };
  to.once("close", stop);
  void listen(to, stopped.signal, now, quiet);
  return stop;
}

/** Listens whenever no question is asked on the terminal, until it is stopped. Never rejects. */
async function listen(
  to: Writable,
  stopped: AbortSignal,
  now: { close?: () => void },
  quiet: () => void,
): Promise<void> {
  while (!stopped.aborted) {
    const wanted = new AbortController();
    const endTurn = await takeTurnUntilWanted(stopped, () => {
      quiet();
      wanted.abort();
    });
    if (endTurn === undefined) return;
    const opened = stopped.aborted || wanted.signal.aborted ? undefined : keyboard();
    if (opened === undefined && !wanted.signal.aborted) {
      endTurn();
      to.end();
      return;
    }
    now.close = () => {
      opened?.close();
      endTurn();
    };
    opened?.from.on("error", quiet);
    opened?.from.once("end", stopAtEnd(to));
    opened?.from.pipe(to, { end: false });
    if (wanted.signal.aborted) quiet();
    try {
      await pause(2 ** 31 - 1, undefined, { signal: AbortSignal.any([stopped, wanted.signal]), ref: false });
    } catch {
      // It was wanted, or the command ended.
    }
    if (stopped.aborted) return;
    await pause(STAY_AWAY, undefined, { signal: stopped, ref: false }).catch(() => undefined);
  }
}

function stopAtEnd(to: Writable): () => void {
  return () => void to.end();
}

/** The terminal behind standard input, opened anew; undefined where that is not possible. */
function keyboard(): { readonly from: ReadStream; readonly close: () => void } | undefined {
  try {
    const descriptor = openSync("/dev/fd/0", constants.O_RDONLY | constants.O_NOCTTY);
    const from = new ReadStream(descriptor);
    const close = (): void => {
      if (from.destroyed) return;
      from.destroy();
      try {
        closeSync(descriptor);
      } catch {
        // The stream may have closed it already.
      }
    };
    return { from, close };
  } catch {
    return undefined;
  }
}

/** The group of this process is the one its terminal listens to. True where the kernel does not tell. */
function isForeground(): boolean {
  const stat = kernelText("/proc/self/stat");
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === undefined || group === foreground;
}
