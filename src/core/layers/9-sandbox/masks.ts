import { isWithin, parentOf } from "../../call/path.ts";
import { mountStack } from "./access.ts";
import type { SandboxNeeds, Sighting } from "./facts.ts";
import type { MountInput } from "./mounts.ts";
import { KERNEL_PATHS } from "./needs.ts";
import type { Mount } from "./plan.ts";

/** What is shown by name in a directory that is closed but for some entries; more are not. */
const MOST_SHUT = 24;

interface Step {
  readonly path: string;
  readonly type: Sighting["type"];
  readonly why: string;
  readonly open: boolean;
  /** Denied beside something open: there by name, so that it is refused and not missing. */
  readonly beside?: boolean | undefined;
}

/**
 * Masks and what is open in them, the shorter path first: the more specific one holds, and where
 * both name the same path, the mask.
 */
export function maskMounts(
  { facts, hidden, opened }: Pick<MountInput, "facts" | "hidden" | "opened">,
  soFar: readonly Mount[],
): readonly Mount[] {
  const { needs } = facts;
  const closed = facts.survey.closed ?? [];
  const kernel = KERNEL_PATHS.flatMap((path) => facts.paths[needs.paths.indexOf(path)] ?? []);
  const hides = [
    ...hidden.map(({ real, type, mark }) => ({ path: real, type, why: needs.marks[mark]?.why ?? "denied" })),
    ...closed.map((path) => ({ path, type: "directory" as const, why: "nobody can look into it" })),
    ...kernel.map(({ real, type }) => ({ path: real, type, why: "state of the kernel" })),
    ...facts.sockets.map((path) => ({ path, type: "other" as const, why: "a socket of this machine" })),
  ].filter(({ path, type }) => type !== "absent" && path !== "/");
  const hiddenPaths = new Set(hides.map(({ path }) => path));
  const denied = hidden.filter(({ mark }) => needs.marks[mark]?.role !== "credential");
  // What a list excepts from a store is open, unless something else denies it.
  const excepted = hidden
    .flatMap(({ open }) => open)
    .filter((path) => !denied.some(({ real }) => isWithin(path, real)));
  const opens = [...excepted, ...opened.map(({ real }) => real)].filter((path) => !hiddenPaths.has(path));
  const steps = byDepth<Step>(
    [
      ...hides.map((hide) => ({ ...hide, open: false })),
      ...hidden.flatMap((sighting) => shut(sighting, needs, opens)),
      ...opens.map((path) => ({ path, type: "file" as const, why: "", open: true })),
    ],
    ({ path }) => path,
  );
  const masks: Mount[] = [];
  const stack = mountStack(soFar);
  const add = (mount: Mount): void => {
    masks.push(mount);
    stack.push(mount);
  };
  for (const { path, type, why, open, beside } of steps) {
    const access = stack.at(path);
    const masked = open && masks.some((mask) => mask.kind === "mask-dir" && isWithin(path, mask.to));
    if (open && access === "hidden" && masked) {
      add({ kind: "ro-bind", from: path, to: path, why: "readable all the same" });
    } else if (beside === true) {
      if (access === "hidden" && masks.some((mask) => mask.kind === "mask-dir" && mask.to === parentOf(path)))
        add({ kind: "mask-file", to: path, why });
    } else if (!open && access !== "hidden" && access !== "private") {
      const inside = opens.some((each) => isWithin(each, path));
      add(
        type === "directory"
          ? { kind: "mask-dir", to: path, open: inside, why }
          : { kind: "mask-file", to: path, why },
      );
    }
  }
  return masks;
}

function shut(
  { open, closed, mark }: Sighting,
  needs: SandboxNeeds,
  opens: readonly string[],
): readonly Step[] {
  const why = needs.marks[mark]?.why ?? "denied";
  if (open.length === 0) return [];
  return closed
    .slice(0, MOST_SHUT)
    .filter((path) => !opens.some((each) => each !== path && isWithin(each, path)))
    .map((path) => ({ path, type: "file", why, open: false, beside: true }));
}

/** The shorter path first. */
export function byDepth<T>(items: readonly T[], path: (item: T) => string): readonly T[] {
  return items
    .map((item) => ({ item, at: path(item), depth: path(item).split("/").length }))
    .toSorted((a, b) => a.depth - b.depth || (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ item }) => item);
}
