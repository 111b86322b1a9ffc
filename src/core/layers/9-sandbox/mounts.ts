import { isWithin } from "../../call/path.ts";
import { accessAt, mountStack } from "./access.ts";
import { type CacheMounts, cachesOf } from "./caches.ts";
import type { SandboxFacts, SandboxNeeds, Seen, Sighting } from "./facts.ts";
import { type Guard, guardsOf } from "./guards.ts";
import { covers } from "./mark.ts";
import { byDepth, maskMounts } from "./masks.ts";
import { RUN_PATHS, SOCKET_PLACES, SYSTEM_PATHS, TEMPORARY_PATHS } from "./needs.ts";
import type { Mount, Note, ProtectedPath } from "./plan.ts";

/** How much of a file system a rung can build. */
export interface MountLimits {
  /**
   * Protected paths held by a mount; of the rest, files are compared after the command. Directories
   * and names that nothing else stands for are mounted beyond this number too.
   */
  readonly protectedMounts: number;
  /** See `argumentCount`. */
  readonly arguments: number;
}

/**
 * bubblewrap 0.8 refuses more than 9,000 arguments, of which some are for everything but mounts,
 * and reads the table of mounts again for each of them: a thousand take a second. Our own launcher
 * mounts in the time that the number takes. What is not known is taken for bubblewrap.
 */
export function mountLimits(rung: string | undefined): MountLimits {
  return rung === "native"
    ? { protectedMounts: 5_000, arguments: 100_000 }
    : { protectedMounts: 150, arguments: 8_500 };
}

/** Arguments the mounts make at most. */
export function argumentCount(mounts: readonly Mount[]): number {
  return mounts.reduce(
    (sum, mount) =>
      sum + (mount.kind === "tmpfs" || mount.kind === "mask-dir" || mount.kind === "overlay" ? 6 : 3),
    0,
  );
}

/** The file system inside, and what follows from it. */
export interface FileSystem {
  readonly mounts: readonly Mount[];
  readonly protected: readonly ProtectedPath[];
  /** Protected files that no mount holds. */
  readonly watch: readonly Seen[];
  readonly notes: readonly Note[];
}

/** Everything the mounts are made from, after the roots were judged. */
export interface MountInput {
  readonly facts: SandboxFacts;
  /** Real paths that are to be writable, with the reason. */
  readonly writable: readonly { readonly path: string; readonly why: string }[];
  /** Of these, what is to be there and held read-only as a whole. */
  readonly readOnly: readonly { readonly path: string; readonly why: string }[];
  /** Sightings that are to be unreadable. */
  readonly hidden: readonly Sighting[];
  /** Sightings to be readable inside something unreadable. */
  readonly opened: readonly Sighting[];
  readonly blockReadsOutside: boolean;
  readonly temporary: { readonly path: string; readonly size: number };
  /** Cordon's own state. */
  readonly state: string;
  /** The command runs as the user whose state it is, who can write layers there. */
  readonly layered: boolean;
}

/**
 * The mounts in the order they are made: the system, the private places, what is writable, what
 * is read-only in it, what is unreadable in all of that; seals last, since they end the making of
 * mount points.
 *
 * INVARIANT: a mount point in a writable place exists already, so nothing is created on the
 * machine by mounting.
 */
export function fileSystem(input: MountInput): FileSystem & Pick<CacheMounts, "variables"> {
  const base = withCheckout(withHome(baseMounts(input), input), input);
  const roots = byDepth(input.writable, ({ path }) => path).map(({ path, why }): Mount => ({
    kind: "bind",
    from: path,
    to: path,
    why,
  }));
  const open = [...base, ...roots];
  const guarded = protectedMounts(input, open);
  const caches = cachesOf(input, [...open, ...guarded.mounts]);
  const masks = maskMounts(input, [...open, ...guarded.mounts, ...caches.mounts]);
  const mounts = [...open, ...guarded.mounts, ...caches.mounts, ...masks];
  return {
    mounts: [...mounts, ...seals(mounts, input.facts)],
    protected: guarded.protected,
    watch: guarded.watch,
    notes: [...guarded.notes, ...caches.notes],
    variables: caches.variables,
  };
}

function baseMounts({ facts, blockReadsOutside, temporary }: MountInput): readonly Mount[] {
  const { needs } = facts;
  const seen = (path: string): Seen | undefined => facts.paths[needs.paths.indexOf(path)];
  const system = "part of the system";
  const whole: readonly Mount[] = blockReadsOutside
    ? SYSTEM_PATHS.flatMap((path): readonly Mount[] => {
        const there = seen(path);
        if (there?.link !== undefined)
          return [{ kind: "symlink", to: path, target: there.link, why: system }];
        return there?.type === "directory" ? [{ kind: "ro-bind", from: path, to: path, why: system }] : [];
      })
    : [{ kind: "ro-bind", from: "/", to: "/", why: "everything is readable" }];
  // A link is followed to the directory that has to be covered.
  const places = (list: readonly string[]): readonly string[] => [
    ...new Set(
      list.flatMap((path) => {
        const there = seen(path);
        if (there?.type === "directory") return [there.real];
        return blockReadsOutside || path === "/dev/shm" ? [path] : [];
      }),
    ),
  ];
  return [
    ...whole,
    { kind: "proc", to: "/proc", why: "the processes of this command only" },
    { kind: "dev", to: "/dev", why: "null, zero, random, a terminal of its own; no disk" },
    ...places(TEMPORARY_PATHS).map((to): Mount => ({
      kind: "tmpfs",
      to,
      size: temporary.size,
      why: "private temporary files",
    })),
    ...places(blockReadsOutside ? ["/run"] : SOCKET_PLACES).map((to): Mount => ({
      kind: "tmpfs",
      to,
      size: 1024 * 1024,
      why: "the sockets of this machine are not reachable",
    })),
    ...RUN_PATHS.filter((path) => seen(path)?.type === "directory").map((path): Mount => {
      const link = seen(path)?.link;
      return link === undefined
        ? { kind: "ro-bind", from: path, to: path, why: system }
        : { kind: "symlink", to: path, target: link, why: system };
    }),
  ];
}

/** A home below a private place, as in a test or a container, is as readable as any other. */
function withHome(base: readonly Mount[], { facts, blockReadsOutside }: MountInput): readonly Mount[] {
  const home = facts.paths[facts.needs.paths.indexOf(facts.needs.home)];
  if (home?.type !== "directory" || blockReadsOutside || accessAt(base, home.real) !== "private") return base;
  if (base.some((mount) => mount.to === home.real)) return base;
  return [...base, { kind: "ro-bind", from: home.real, to: home.real, why: "home is readable" }];
}

/**
 * A checkout that a private directory for temporary files hides is as readable around a workspace
 * in it as any other: without its top git finds no repository, without its files all of them count
 * as deleted. Read-only, and before what is writable, so that nothing becomes writable by it.
 */
function withCheckout(base: readonly Mount[], { facts, blockReadsOutside }: MountInput): readonly Mount[] {
  if (blockReadsOutside) return base;
  return facts.checkout.reduce<readonly Mount[]>(
    (mounts, { path, real, type }) =>
      type === "directory" && real === path && accessAt(mounts, real) === "private"
        ? [...mounts, { kind: "ro-bind", from: real, to: real, why: "the checkout around the workspace" }]
        : mounts,
    base,
  );
}

/**
 * Paths that get a mount where there are more than `most`: what nothing else stands for, whatever
 * their number; then files that a list or a rule names; then what git obeys, of which a command can
 * make any number in repositories that stay. Where they are too many for the rung, the plan is refused.
 */
function mountedGuards(guards: readonly Guard[], open: readonly Mount[], most: number): ReadonlySet<string> {
  const stack = mountStack(open);
  const wanted = guards.filter(
    ({ seen, how }) =>
      (how === "read-only" || how === "pin") && seen.type !== "absent" && stack.at(seen.real) === "writable",
  );
  const chosen = new Set(wanted.flatMap(({ seen, instead }) => (instead === undefined ? [seen.real] : [])));
  for (const ofGit of [false, true])
    for (const { seen, git } of wanted) {
      if (chosen.size >= most) return chosen;
      if ((git === true) === ofGit) chosen.add(seen.real);
    }
  return chosen;
}

function protectedMounts(
  input: MountInput,
  open: readonly Mount[],
): FileSystem & { readonly mounts: readonly Mount[] } {
  const { facts } = input;
  const guards = byDepth(guardsOf(input, open), ({ seen }) => seen.real);
  const most = mountLimits(facts.machine.rung).protectedMounts;
  const chosen = mountedGuards(guards, open, most);
  const mounts: Mount[] = [];
  /** Where each path is mounted, by its index. */
  const mounted = new Map<string, number>();
  const stack = mountStack(open);
  const add = (mount: Mount): void => {
    mounted.set(mount.to, mounts.length);
    mounts.push(mount);
    stack.push(mount);
  };
  const held = new Map<string, ProtectedPath>();
  const watch: Seen[] = [];
  const notes: Note[] = [];
  let beyond = 0;
  for (const { seen, why, how, whole, instead } of guards) {
    const { real, type } = seen;
    const access = stack.at(real);
    // Only a rule that denies all edits, and the guard, make a whole writable root read-only.
    if (
      !whole &&
      how === "read-only" &&
      open.some((mount) => mount.kind === "bind" && isWithin(mount.to, real))
    ) {
      notes.push({
        what: `${seen.path} cannot be held read-only: it contains a writable directory`,
        loses: `planting (${why})`,
      });
      continue;
    }
    if (how === "writable") {
      if (access === "read-only" && mounts.some((mount) => isWithin(real, mount.to)))
        add({ kind: "bind", from: real, to: real, why });
      continue;
    }
    if (
      access !== "writable" ||
      type === "absent" ||
      open.some((mount) => mount.kind === "bind" && mount.to === real && how === "pin")
    )
      continue;
    if (how === "watch") {
      watch.push(seen);
      continue;
    }
    if (how === "read-only") held.set(real, { path: real, why });
    const index = mounted.get(real);
    if (!chosen.has(real)) {
      watch.push(...(instead ?? [seen]));
      beyond += 1;
    } else if (index === undefined) {
      add({ kind: how === "pin" ? "bind" : "ro-bind", from: real, to: real, why });
    } else if (how === "read-only") {
      mounts[index] = { kind: "ro-bind", from: real, to: real, why };
      stack.push(mounts[index]);
    }
  }
  if (beyond > 0) {
    notes.push({
      what: `${beyond} protected paths beyond the first ${most} are compared and restored after the command, not held during it`,
      loses: "planting: protected paths can be changed while the command runs",
    });
  }
  return {
    mounts,
    protected: [...held.values()],
    watch,
    notes,
  };
}

/** Private places of which only a part may be written are closed once everything is mounted in them. */
function seals(mounts: readonly Mount[], facts: SandboxFacts): readonly Mount[] {
  const masks = mounts.filter((mount) => mount.kind === "mask-dir").map((mount) => mount.to);
  const sockets = SOCKET_PLACES.map((path) => facts.paths[facts.needs.paths.indexOf(path)]?.real ?? path);
  const places = ["/", ...new Set([...sockets, "/dev", "/proc"])].filter((path) =>
    path === "/"
      ? !mounts.some((mount) => mount.to === "/")
      : mounts.some((mount) => mount.to === path && ["tmpfs", "proc", "dev"].includes(mount.kind)) &&
        !mounts.some((mount) => mount.to === path && mount.kind === "bind"),
  );
  return [...masks, ...places].map((to) => ({
    kind: "seal",
    to,
    why: "nothing can be added or changed here",
  }));
}

/** The first mark that hides `path` or a directory above it. */
export function hidesPath(
  needs: SandboxNeeds,
  hidden: readonly Sighting[],
  path: string,
): string | undefined {
  const sighting = hidden.find(({ real, type }) =>
    type === "directory" ? isWithin(path, real) : path === real,
  );
  const mark = sighting === undefined ? undefined : needs.marks[sighting.mark];
  return mark?.why ?? needs.marks.find((each) => each.role === "denied-read" && covers(each, path))?.why;
}
