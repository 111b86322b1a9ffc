import { spawnSync } from "node:child_process";

/** One line of `ps -axo pid=,ppid=,pgid=,lstart=`. */
export interface Relative {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Tells a process from a later one of the same number. */
  readonly started: string;
}

/** Reads what `ps` writes; lines of another form are left out. */
export function relativesIn(text: string): readonly Relative[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, group, started] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.+?)\s*$/.exec(line) ?? [];
    return started === undefined
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group), started }];
  });
}

/**
 * The processes that descend from `first`, share a group with one that does, or were seen to before.
 * The first process and those of the system are never among them by chance: a group or parent of 0
 * or 1 is nobody's family.
 */
export function familyOf(
  all: readonly Relative[],
  first: number,
  known: readonly Relative[],
): readonly Relative[] {
  const isKnown = (one: Relative): boolean =>
    known.some(({ pid, started }) => pid === one.pid && started === one.started);
  let family = all.filter((one) => one.pid === first || isKnown(one));
  for (;;) {
    const pids = new Set(family.map(({ pid }) => pid));
    const groups = new Set(family.map(({ group }) => group).filter((group) => pids.has(group) && group > 1));
    const wider = all.filter(
      (one) => pids.has(one.pid) || (pids.has(one.parent) && one.parent > 1) || groups.has(one.group),
    );
    if (wider.length === family.length) return family;
    family = wider;
  }
}

/** Follows the processes of one command, so that all of them can be ended. */
export interface Family {
  /** Ends every process that is known to belong to the command. */
  readonly end: () => void;
  readonly stop: () => void;
}

/** How often it is looked who belongs to the command, milliseconds. */
const PERIOD = 1_000;

/**
 * macOS has no namespace that ends with its first process. What stays in the command's process
 * group, was ever seen to descend from it, or shows `marker` in its environment, is ended; a process
 * that leaves the first two between two looks, and hides its environment as the system's own
 * programs do, lives on, inside the sandbox it was started in.
 */
export function followFamily(first: number, marker: string): Family {
  const seen: { known: readonly Relative[] } = { known: [] };
  const look = (): void => {
    seen.known = familyOf(relativesIn(ps(["-axo", "pid=,ppid=,pgid=,lstart="])), first, seen.known);
  };
  const timer = setInterval(look, PERIOD);
  timer.unref();
  return {
    end: () => {
      // Until a look finds nobody new; a program that starts others faster than that is a few looks' work.
      for (let left = 5; left > 0; left -= 1) {
        kill(-first);
        const before = seen.known.length;
        look();
        for (const { pid } of seen.known) kill(pid);
        for (const pid of markedIn(ps(["-axEwwo", "pid=,command="]), marker)) kill(pid);
        if (seen.known.length === 0 || (seen.known.length === before && left < 5)) return;
      }
    },
    stop: () => clearInterval(timer),
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** Processes whose line holds the marker. */
export function markedIn(text: string, marker: string): readonly number[] {
  return text.split("\n").flatMap((line) => {
    const pid = line.includes(` ${marker}`) ? /^\s*(\d+)\s/.exec(line)?.[1] : undefined;
    return pid === undefined || Number(pid) === process.pid ? [] : [Number(pid)];
  });
}

function ps(words: readonly string[]): string {
  const { stdout } = spawnSync("/bin/ps", words, {
    encoding: "utf8",
    env: { LC_ALL: "C" },
    timeout: 2_000,
  });
  return stdout ?? "";
}
