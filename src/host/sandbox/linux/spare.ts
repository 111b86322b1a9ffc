import { type ChildProcess, spawn } from "node:child_process";
import { type Group, enterGroupsSoon } from "./group.ts";
import { type Status, followStatus, letGo, stayFor } from "./pipes.ts";

/** A launcher that waits for its order. */
export interface Waiting {
  readonly child: ChildProcess;
  readonly status: Status;
  /** It was started ahead of time, and may have ended since. */
  readonly spare: boolean;
  /** Control groups it is in, and all that it starts will be; empty = those of cordon itself. */
  readonly groups: readonly string[];
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
  /** One that waits, in no other groups than these, or a new one in none. */
  readonly take: (launch: Launch, groups: readonly string[]) => Waiting;
  /** Starts one for the next command. */
  readonly lay: (launch: Launch) => void;
  /**
   * Puts the one that waits into groups, a moment from now if no command has come by then: the
   * kernel takes ten milliseconds for that, and lets nobody else change groups meanwhile.
   */
  readonly prepare: (ahead: Ahead) => void;
  /** The groups of the one that waits, where they were made for the same: the caller removes them from now on. */
  readonly group: (made: string) => Group | undefined;
  readonly waits: () => boolean;
  readonly close: () => void;
}

/** Control groups for a command that may come. */
export interface Ahead {
  /** What they are made for: the groups around them and the limits. */
  readonly made: string;
  /** Makes them. Throws where the kernel refuses. */
  readonly open: () => Group;
}

interface State {
  launch?: Launch;
  kept?: Waiting | undefined;
  /** Groups of the one that is kept, as long as they are ours to remove. */
  ahead?: { readonly group: Group; readonly made: string } | undefined;
  /** Settles when groups that were given away are gone. */
  removed: Promise<void>;
  timer?: NodeJS.Timeout;
  soon?: NodeJS.Timeout;
}

/** A command that comes later than this has groups that wait for it, milliseconds. */
const QUIET = 4;

export function openSpares(): Spares {
  const state: State = { removed: Promise.resolve() };
  const close = (): void => {
    clearTimeout(state.timer);
    clearTimeout(state.soon);
    const { kept, ahead } = state;
    state.kept = undefined;
    state.ahead = undefined;
    kept?.child.kill("SIGKILL");
    void ahead?.group.remove();
  };
  const enter = async ({ made, open }: Ahead): Promise<void> => {
    await state.removed;
    const { kept, ahead } = state;
    const pid = kept?.child.pid;
    if (kept === undefined || pid === undefined || ahead !== undefined || hasEnded(kept.child)) return;
    const group = open();
    // Taken or ended meanwhile, it keeps them until its end.
    const drop = (): void => {
      if (hasEnded(kept.child)) void group.remove();
      else kept.child.once("exit", () => void group.remove());
    };
    try {
      await enterGroupsSoon(group.paths, pid);
    } catch {
      return drop();
    }
    if (state.kept !== kept) return drop();
    state.kept = { ...kept, groups: group.paths };
    state.ahead = { group, made };
  };
  return {
    close,
    take: (launch, groups) => {
      clearTimeout(state.soon);
      const { kept } = state;
      const fits =
        kept !== undefined &&
        isSame(state.launch, launch) &&
        (kept.groups.length === 0 || kept.groups.join("\0") === groups.join("\0"));
      if (!fits || hasEnded(kept.child)) {
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
    prepare: (ahead) => {
      clearTimeout(state.soon);
      // Without them the next command makes its own, or says why not.
      state.soon = setTimeout(() => void enter(ahead).catch(() => undefined), QUIET).unref();
    },
    group: (made) => {
      clearTimeout(state.soon);
      const { ahead, kept } = state;
      if (ahead?.made !== made || kept === undefined || hasEnded(kept.child)) return undefined;
      state.ahead = undefined;
      // The launcher itself is in them, and nobody waits for what the kernel still does at its end.
      const remove = (): Promise<void> => {
        if (state.kept?.child === kept.child) close();
        state.removed = ahead.group.remove();
        return Promise.resolve();
      };
      return { ...ahead.group, remove };
    },
    waits: () => state.ahead !== undefined,
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
  return { child, status: followStatus(child, channel), spare, groups: [] };
}
