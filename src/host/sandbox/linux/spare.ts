import { type ChildProcess, spawn } from "node:child_process";
import { type Status, followStatus, letGo, stayFor } from "./pipes.ts";

/** A launcher that waits for its order. */
export interface Waiting {
  readonly child: ChildProcess;
  readonly status: Status;
  /** It was started ahead of time, and may have ended since. */
  readonly spare: boolean;
}

/** How a launcher is started. All that two of them can differ in. */
export interface Launch {
  readonly path: string;
  readonly args: readonly string[];
  readonly stdio: readonly ("pipe" | "inherit" | "ignore" | number)[];
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
  /** What the descriptors belong to: their numbers are used again for others. */
  readonly session: object;
  /** The descriptor of its orders. */
  readonly channel: number;
}

/** How long one waits for a command that may never come, milliseconds. */
const PATIENCE = 3_000;

/**
 * Launchers started while the command before was running, so that the next one does not wait for a
 * process to be made. There is at most one; it knows nothing, is seen by no command, keeps nobody
 * from ending, and ends by itself when it is not needed for some seconds.
 */
export interface Spares {
  /** One that waits, or a new one. */
  readonly take: (launch: Launch) => Waiting;
  /** Starts one for the next command. */
  readonly lay: (launch: Launch) => void;
  readonly close: () => void;
}

export function openSpares(): Spares {
  const state: { launch?: Launch; kept?: Waiting | undefined; timer?: NodeJS.Timeout } = {};
  const close = (): void => {
    clearTimeout(state.timer);
    state.kept?.child.kill("SIGKILL");
    state.kept = undefined;
  };
  return {
    close,
    take: (launch) => {
      const { kept } = state;
      if (kept === undefined || !isSame(state.launch, launch) || hasEnded(kept.child)) {
        close();
        return begin(launch, false);
      }
      clearTimeout(state.timer);
      state.kept = undefined;
      stayFor(kept.child);
      return kept;
    },
    lay: (launch) => {
      close();
      const waiting = begin(launch, true);
      waiting.child.on("error", () => undefined);
      letGo(waiting.child);
      state.launch = launch;
      state.kept = waiting;
      state.timer = setTimeout(close, PATIENCE).unref();
    },
  };
}

function isSame(one: Launch | undefined, other: Launch): boolean {
  return one?.session === other.session && JSON.stringify(one) === JSON.stringify(other);
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

function begin({ path, args, stdio, identity, channel }: Launch, spare: boolean): Waiting {
  const child = spawn(path, args, { cwd: "/", env: {}, stdio: [...stdio], ...identity });
  return { child, status: followStatus(child, channel), spare };
}
