import { rmdirSync, unlinkSync, lstatSync } from "node:fs";
import { isWithin } from "../../core/call/path.ts";
import type { SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import { seenAt } from "./look.ts";

/**
 * Notes what stands at the hidden paths of a plan. What is returned removes, after the command, what
 * bubblewrap made where such a path was gone before it was mounted: an empty file or directory, on
 * the machine.
 *
 * INVARIANT: only what is empty and was not there before is removed. The command cannot have made it,
 * since there is a mount at the path for it.
 */
export function notePlaceholders(plan: SandboxPlan): () => void {
  const before = plan.mounts.flatMap((mount): readonly (readonly [path: string, id: string])[] =>
    (mount.kind === "mask-file" || mount.kind === "mask-dir") &&
    plan.inspection.writable.some((root) => isWithin(mount.to, root))
      ? [[mount.to, seenAt(mount.to, true).id]]
      : [],
  );
  return () => {
    for (const [path, id] of before) {
      const now = seenAt(path, true);
      if (now.id === id || now.link !== undefined) continue;
      try {
        if (now.type === "file" && lstatSync(path).size === 0) unlinkSync(path);
        // Refuses one that is not empty.
        else if (now.type === "directory") rmdirSync(path);
      } catch {
        // Somebody else has to do with it.
      }
    }
  };
}
