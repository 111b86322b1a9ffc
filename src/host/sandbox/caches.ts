import { statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import { CACHES } from "../../core/knowledge/caches.gen.ts";
import { type CacheFacts, cachePlaces } from "../../core/layers/9-sandbox/caches.ts";
import type { Place } from "../../core/layers/9-sandbox/facts.ts";
import type { Mount, SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import { makeDirectories } from "../make-directories.ts";
import type { Backend } from "./backend.ts";
import { SandboxError } from "./error.ts";
import { claimLayer, giveBack, keepLayer, layerOf, layersIn, quietly, textOf } from "./layer.ts";
import { kernelText, seenAt } from "./look.ts";

/** The private layers of one session's commands. */
export interface Caches {
  /** Looks for caches and takes a layer for the workspace, where what starts commands can mount one. */
  readonly look: (
    place: Place,
    environment: Readonly<Record<string, string | undefined>>,
    backend: Pick<Backend, "rung" | "overlays">,
  ) => CacheFacts;
  /** Makes the directories that a plan mounts. Throws `SandboxError` where the system refuses. */
  readonly ready: (plan: SandboxPlan) => void;
  /** From now on, and for other sessions until the machine starts again, no overlay is planned. */
  readonly withoutOverlays: (state: string) => void;
  /** Gives the layers back, for other sessions to take. */
  readonly close: () => void;
}

/** The layers of one workspace. */
interface Held {
  /** Its directory; undefined where nothing can be kept. */
  readonly directory: string | undefined;
  readonly since: number;
  /** What this session alone may mount overlays from; undefined where all are taken. */
  own?: { readonly layer: string | undefined };
}

/** A session says once in so many milliseconds that it still uses a layer. */
const STILL_USED = 60 * 60 * 1000;

/**
 * Layers live in cordon's state, which no command sees; they are mounted in sandboxes of their own
 * workspace only. An upper directory belongs to one session at a time, since the kernel leaves open
 * what two overlays make of the same one.
 */
export function openCaches(): Caches {
  const kept = new Map<string, Held>();
  const made = new Set<string>();
  const known: { boot?: string; failed?: boolean; mounts?: string; parts?: readonly string[] } = {};
  const mountPoints = (): readonly string[] => {
    const mounts = kernelText("/proc/self/mountinfo");
    if (known.mounts !== mounts || known.parts === undefined)
      Object.assign(known, { mounts, parts: pointsIn(mounts) });
    return known.parts ?? pointsIn(mounts);
  };
  const failed = (state: string): boolean =>
    (known.failed ??= textOf(join(layersIn(state), NO_OVERLAY)) === (known.boot ??= bootId()));
  const held = (state: string, root: string): Held => {
    const workspace = layerOf(state, root);
    const before = kept.get(workspace);
    if (before !== undefined && Date.now() - before.since < STILL_USED) return before;
    const now: Held = { ...before, directory: keepLayer(workspace, root), since: Date.now() };
    kept.set(workspace, now);
    return now;
  };
  return {
    look: (place, environment, { rung, overlays }) => {
      const entries = CACHES.caches;
      const layers = rung === "landlock" ? undefined : held(place.state, place.root);
      const { directory } = layers ?? {};
      const wanted = overlays === true && !failed(place.state);
      if (layers !== undefined && directory !== undefined && wanted)
        layers.own ??= { layer: claimLayer(directory) };
      const own = wanted ? layers?.own?.layer : undefined;
      const able = own !== undefined;
      const parts = able ? mountPoints() : [];
      return {
        layer: own ?? (directory === undefined ? undefined : join(directory, "shared")),
        overlays: able,
        entries,
        places: cachePlaces(entries, place.home, environment).map((each) => {
          const seen = seenAt(each.path);
          const parted =
            able &&
            (/[,:\\\n"]/.test(seen.real) || parts.some((at) => at !== seen.real && isWithin(at, seen.real)));
          return { ...each, seen, parted };
        }),
      };
    },
    ready: (plan) => {
      for (const directory of plan.mounts.flatMap(directoriesOf)) {
        if (made.has(directory) && statSync(directory, { throwIfNoEntry: false }) !== undefined) continue;
        try {
          makeDirectories(directory, 0o700);
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          throw new SandboxError("setup", `no layer for a cache: ${why}`, `look at ${dirname(directory)}`);
        }
        made.add(directory);
      }
    },
    withoutOverlays: (state) => {
      known.failed = true;
      quietly(() =>
        writeFileSync(join(layersIn(state), NO_OVERLAY), (known.boot ??= bootId()), { mode: 0o600 }),
      );
    },
    close: () => {
      for (const { own } of kept.values()) if (own?.layer !== undefined) giveBack(own.layer);
      kept.clear();
    },
  };
}

const NO_OVERLAY = "no-overlays";

function directoriesOf(mount: Mount): readonly string[] {
  switch (mount.kind) {
    case "overlay":
      return [mount.upper, mount.work];
    case "bind":
      return mount.from === mount.to ? [] : [mount.from];
    case "ro-bind":
    case "tmpfs":
    case "symlink":
    case "proc":
    case "dev":
    case "mask-file":
    case "mask-dir":
    case "seal":
      return [];
  }
}

function pointsIn(mounts: string): readonly string[] {
  return mounts
    .split("\n")
    .flatMap((line) => line.split(" ")[4] ?? [])
    .map((path) => path.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))));
}

function bootId(): string {
  return kernelText("/proc/sys/kernel/random/boot_id").trim();
}
