import { isWithin } from "../../call/path.ts";
import type { Mount } from "./plan.ts";

/** What a command can do at a path once the mounts so far are in place. */
export type Access = "writable" | "read-only" | "private" | "hidden";

/** Tells by the last mount that contains `path`: a later one hides what was mounted below it before. */
export function accessAt(mounts: readonly Mount[], path: string): Access {
  const last = mounts.findLast(
    (mount) => mount.kind !== "seal" && mount.kind !== "symlink" && isWithin(path, mount.to),
  );
  switch (last?.kind) {
    case "bind":
      return "writable";
    case "ro-bind":
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
