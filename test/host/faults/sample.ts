import type { Fault, Seen } from "./preload.ts";

/** How deep random tests go; the sample grows with it. */
const DEEP = Number(process.env["CORDON_DEEP"] ?? "1");

/** What becomes of calls of a kind. Errors first; then what is worse than an error. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  stat: ["EACCES", "EIO", "ELOOP", "ENOMEM"],
  fstat: ["EIO", "ENOMEM"],
  readlink: ["EACCES", "EIO", "ENOENT", "ENOMEM", "target"],
  open: ["EACCES", "EIO", "ENOENT", "ELOOP", "EMFILE"],
  read: ["EIO", "cut", "short"],
  readdir: ["EACCES", "EIO", "ENOENT", "ENOTDIR", "ENOMEM"],
  write: ["EIO", "ENOSPC", "short", "drop"],
  fsync: ["EIO"],
  mkdir: ["EACCES", "ENOSPC", "EROFS"],
  rename: ["EIO", "ENOSPC"],
  fork: ["EAGAIN", "ENOMEM"],
  exec: ["EACCES", "ENOENT", "ENOMEM"],
  pipe: ["EMFILE"],
};

/** A fault and the path of the call it strikes. */
export interface Strike extends Fault {
  readonly path: string;
}

/** Which part of the kinds and actions a test takes, so that several tests share them. */
export interface Share {
  readonly turn: number;
  readonly of: number;
}

/** Every call of every kind and action. */
export function everyStrike(calls: readonly Seen[]): readonly Strike[] {
  return Object.entries(ACTIONS).flatMap(([kind, actions]) => {
    const paths = calls.filter((call) => call.kind === kind).map(({ path }) => path);
    return actions.flatMap((action) => paths.map((path, index) => ({ kind, action, nth: index + 1, path })));
  });
}

/**
 * Faults for the calls of a run: for each kind and action calls about `each` paths, spread over the
 * run, other ones from action to action. All of them are what scripts/faults.ts is for.
 */
export function strikes(
  calls: readonly Seen[],
  each: number,
  share: Share = { turn: 0, of: 1 },
): readonly Strike[] {
  const pairs = Object.entries(ACTIONS).flatMap(([kind, actions]) =>
    actions.map((action) => ({ kind, action })),
  );
  return pairs.flatMap(({ kind, action }, row) => {
    const paths = calls.filter((call) => call.kind === kind).map(({ path }) => path);
    const all = paths.map((path, index): Strike => ({ kind, action, nth: index + 1, path }));
    if (row % share.of !== share.turn % share.of) return [];
    const distinct = [...new Set(paths)];
    const count = Math.min(distinct.length, Math.ceil(each * DEEP));
    return Array.from({ length: count }, (_, index) => {
      const path = distinct[Math.floor(((index + ((row * 3) % 10) / 10) * distinct.length) / count)];
      const places = all.filter((strike) => strike.path === path);
      return places[row % places.length];
    }).filter((strike) => strike !== undefined);
  });
}

/** `stat 12 EIO /x` */
export function named({ kind, nth, action, path }: Strike): string {
  return `${kind} ${nth} ${action} ${path}`;
}
