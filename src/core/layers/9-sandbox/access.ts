import { isWithin, parentOf } from "../../call/path.ts";
import type { Mount } from "./plan.ts";

/** What a command can do at a path once the mounts so far are in place. */
export type Access = "writable" | "read-only" | "private" | "hidden";

/** Tells by the last mount that contains `path`: a later one hides what was mounted below it before. */
export function accessAt(mounts: readonly Mount[], path: string): Access {
  return accessBy(mounts.findLast((mount) => counts(mount) && isWithin(path, mount.to)));
}

/** Mounts in the making: tells the access at a path in the time that its depth takes. */
export interface MountStack {
  readonly push: (mount: Mount) => void;
  readonly at: (path: string) => Access;
}

/** INVARIANT: `at` answers as `accessAt` does for the mounts so far, in order. */
export function mountStack(mounts: readonly Mount[]): MountStack {
  const last = new Map<string, { readonly index: number; readonly mount: Mount }>();
  const state = { count: 0 };
  const push = (mount: Mount): void => {
    if (counts(mount)) last.set(mount.to, { index: state.count++, mount });
  };
  mounts.forEach(push);
  return {
    push,
    at: (path) => {
      let top = last.get(path);
      for (let above = path; above !== "/";) {
        above = parentOf(above);
        const each = last.get(above);
        if (each !== undefined && each.index > (top?.index ?? -1)) top = each;
      }
      return accessBy(top?.mount);
    },
  };
}

function counts(mount: Mount): boolean {
  return mount.kind !== "seal" && mount.kind !== "symlink";
}

function accessBy(last: Mount | undefined): Access {
  switch (last?.kind) {
    case "bind":
      // A directory of cordon's own in the place of one of the machine.
      return last.from === last.to ? "writable" : "private";
    case "ro-bind":
    // What is written there does not reach the machine.
    case "overlay":
      return "read-only";
    case "tmpfs":
    case "dev":
    case "proc":
      return "private";
    case "mask-dir":
    case "mask-file":
    case "seal":
    case "symlink":
    case undefined:
      return "hidden";
  }
}
