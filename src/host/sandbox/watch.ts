import { randomBytes } from "node:crypto";
import { type FSWatcher, rmSync, utimesSync, watch, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import { makeDirectories } from "../make-directories.ts";
import { kernelText } from "./look.ts";
import { startOf } from "./linux/processes.ts";

/**
 * Directories whose changes the kernel tells, so that nobody has to look at each of them again.
 *
 * It tells of names: what was created, removed, renamed, and what became of a directory itself.
 * It is silent about content, which can be changed through a mapping without an event.
 */
export interface Watch {
  /** Begins to watch what stands at a path now, in place of what was watched there. Not every directory can be. */
  readonly add: (directory: string) => void;
  readonly has: (directory: string) => boolean;
  /** Ends it for every directory that is not in the set. */
  readonly keep: (directories: ReadonlySet<string>) => void;
  /** True where the directory is watched and nothing was told of it since the last `taken`. */
  readonly isClean: (directory: string) => boolean;
  /** True when no directory changed since the last `taken`. */
  readonly isQuiet: () => boolean;
  /** What was told so far has been taken notice of. */
  readonly taken: () => void;
  /**
   * Waits until everything is told that has happened before. False when it cannot be known: an
   * event may be lost, a directory is not watched, mounts have changed, somebody else in this
   * process watches files. Then nothing that was told may be relied on.
   */
  readonly barrier: () => Promise<boolean>;
  /** It has ended by itself: for good, or because mounts have changed and a new one may do. */
  readonly ended: () => "failed" | "mounts" | undefined;
  readonly close: () => void;
}

/** Directories watched at most: each costs a kilobyte in the kernel, and a user has a share only. */
const MOST_WATCHES = 20_000;
/** How long the kernel's answer is waited for, milliseconds. */
const PATIENCE = 2_000;
/** File systems whose every change goes through this kernel, by the name that mountinfo gives. */
const LOCAL: ReadonlySet<string> = new Set([
  "ext2",
  "ext3",
  "ext4",
  "xfs",
  "btrfs",
  "f2fs",
  "tmpfs",
  "zfs",
  "bcachefs",
]);

/**
 * A watch on directories below `roots`; undefined where it could not be relied on. `place` is a
 * private directory of cordon's own, for a file whose changes are waited for.
 *
 * The event queue has a length, and what does not fit is lost without a word here. So events are
 * counted: as many as could have filled the queue since the last barrier are too many.
 */
export function openWatch(roots: readonly string[], place: string): Watch | undefined {
  const limit = (name: string): number => Number(kernelText(`/proc/sys/fs/inotify/${name}`).trim()) || 0;
  const text = kernelText(MOUNTS);
  const mounts = mountsAt(roots, text);
  const mostEvents = Math.floor(limit("max_queued_events") / 2);
  const mostWatches = Math.min(MOST_WATCHES, Math.floor(limit("max_user_watches") / 4));
  if (mostEvents < 64 || !areLocal(mounts, roots)) return undefined;
  const watchers = new Map<string, FSWatcher>();
  const dirty = new Set<string>();
  const state: { events: number; ended: "failed" | "mounts" | undefined; mounts: string } = {
    events: 0,
    ended: undefined,
    mounts: text,
  };
  const lines = mounts.map(({ line }) => line).join("\n");
  const sameMounts = (): boolean => {
    const read = kernelText(MOUNTS);
    if (read === state.mounts) return true;
    const now = mountsAt(roots, read);
    if (now.map(({ line }) => line).join("\n") === lines) {
      // Whatever else is mounted is nobody's concern here.
      state.mounts = read;
      return true;
    }
    end("mounts");
    return false;
  };
  const end = (why: "failed" | "mounts"): void => {
    state.ended ??= why;
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
    sign?.close();
  };
  const fail = (): void => end("failed");
  const sign = openSign(place, fail);
  if (sign === undefined) return undefined;

  const watched = (directory: string): FSWatcher => {
    const name = basename(directory);
    const watcher = watch(directory, { persistent: false }, (kind, entry) => {
      state.events += 1;
      // The content of a file in it is nobody's concern here; the directory itself is.
      if (kind === "rename" || entry === null || entry === name) dirty.add(directory);
    });
    watcher.on("error", fail);
    return watcher;
  };
  return {
    add: (directory) => {
      if (state.ended !== undefined) return;
      const old = watchers.get(directory);
      try {
        if (old === undefined && watchers.size >= mostWatches) throw new Error("too many directories");
        watchers.set(directory, watched(directory));
        old?.close();
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        // One that is gone or closed is looked at each time; without room for more nothing is told.
        if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EACCES" && code !== "ELOOP") return fail();
        old?.close();
        watchers.delete(directory);
      }
    },
    has: (directory) => watchers.has(directory),
    keep: (directories) => {
      for (const [directory, watcher] of watchers) {
        if (directories.has(directory)) continue;
        watcher.close();
        watchers.delete(directory);
        dirty.delete(directory);
      }
    },
    isClean: (directory) => watchers.has(directory) && !dirty.has(directory),
    isQuiet: () => dirty.size === 0,
    taken: () => dirty.clear(),
    barrier: async () => {
      // Those that were closed just now count for a turn more.
      for (let turns = 3; turns > 0 && othersWatch(); turns--) await new Promise(setImmediate);
      if (state.ended !== undefined || othersWatch() || !sameMounts()) return false;
      const told = await sign.given();
      // A late answer would be taken for that to the next question.
      if (!told) fail();
      const enough = state.events < mostEvents;
      state.events = 0;
      return told && enough && state.ended === undefined;
    },
    ended: () => state.ended,
    close: fail,
  };
}

/** Something of our own whose changes are told among those of the watched directories. */
interface Sign {
  /** Gives the sign and waits for the kernel to tell of it; events come in the order of what happened. */
  readonly given: () => Promise<boolean>;
  readonly close: () => void;
}

function openSign(place: string, fail: () => void): Sign | undefined {
  const path = join(place, `${process.pid}-${startOf(process.pid)}-${randomBytes(4).toString("hex")}.sign`);
  const state: { turn: Promise<boolean>; seen: () => void; count: number } = {
    turn: Promise.resolve(true),
    seen: () => undefined,
    count: 0,
  };
  const give = (): Promise<boolean> =>
    new Promise((resolve) => {
      const done = (told: boolean): void => {
        clearTimeout(timer);
        state.seen = () => undefined;
        resolve(told);
      };
      const timer = setTimeout(done, PATIENCE, false);
      state.seen = () => done(true);
      try {
        // The cheapest change there is: no entry is made, nothing is written.
        utimesSync(path, 0, ++state.count);
      } catch {
        done(false);
      }
    });
  try {
    makeDirectories(place, 0o700);
    writeFileSync(path, "", { mode: 0o600, flag: "wx" });
    const watcher = watch(path, { persistent: false }, () => state.seen());
    watcher.on("error", fail);
    return {
      // One at a time: which of two signs an event belongs to cannot be told.
      given: () => (state.turn = state.turn.then(give)),
      close: () => {
        watcher.close();
        rmSync(path, { force: true });
      },
    };
  } catch {
    return undefined;
  }
}

/** Watchers of the program around fill the same queue, with events that are not counted here. */
function othersWatch(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^FSEvent/i.test(name));
}

const MOUNTS = "/proc/self/mountinfo";

interface MountedAt {
  readonly place: string;
  readonly type: string;
  readonly line: string;
}

/** The mounts that a path in one of the roots can lie on. */
function mountsAt(roots: readonly string[], text: string): readonly MountedAt[] {
  return text.split("\n").flatMap((line): readonly MountedAt[] => {
    const [head = "", tail = ""] = line.split(" - ");
    const field = head.split(" ")[4];
    if (field === undefined) return [];
    const place = field.replace(/\\(\d{3})/g, (_text, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    );
    const concerned = roots.some((root) => isWithin(root, place) || isWithin(place, root));
    return concerned ? [{ place, type: tail.split(" ")[0] ?? "", line }] : [];
  });
}

/** True when each root, and each mount below one, is on a file system that tells every change. */
function areLocal(mounts: readonly MountedAt[], roots: readonly string[]): boolean {
  return roots.every((root) => {
    const around = mounts
      .filter(({ place }) => isWithin(root, place))
      .toSorted((a, b) => a.place.length - b.place.length)
      .at(-1);
    return (
      around !== undefined &&
      LOCAL.has(around.type) &&
      mounts.every(({ place, type }) => !isWithin(place, root) || LOCAL.has(type))
    );
  });
}
