import { isWithin } from "../../call/path.ts";
import { type Mark, covers, exactPath } from "./mark.ts";
import type { Mount, SandboxPlan } from "./plan.ts";
import { SEATBELT_BASE, SEATBELT_DEVICES, SEATBELT_SYSTEM, SEATBELT_TERMINAL } from "./seatbelt-base.ts";
import { ancestorsOf, exceptPatterns, isBehindPrivate, markPattern } from "./seatbelt-pattern.ts";

/** A profile for `sandbox-exec`, and what its parameters stand for. */
export interface SeatbeltProfile {
  readonly text: string;
  /** In the order of their first use; each is passed as `-D NAME=VALUE`. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** What the plan cannot know of one command on macOS. */
export interface SeatbeltPlace {
  /** Real path of the command's own directory for temporary files. */
  readonly temporary: string;
  /** The person's terminal is handed in on purpose. */
  readonly terminal?: boolean | undefined;
}

/**
 * The plan as a Seatbelt profile. Of several rules for a path the last one holds, as the last of
 * several mounts does, so the file system is written down in the plan's order.
 *
 * INVARIANT: no text of a path, a rule or a setting stands in the profile; all of it is in the
 * parameters. What no mount makes writable is not writable, what a mask hides is not readable, and
 * a protected name is refused also where it does not exist yet, at any depth, in any case.
 *
 * What macOS has no means for: the own loopback is the machine's loopback, so there is no network
 * at all; private places are closed instead of empty; a new directory cannot bear a protected name
 * even if only exceptions would be made in it.
 */
export function seatbeltProfile(plan: SandboxPlan, place: SeatbeltPlace): SeatbeltProfile {
  const params = openParameters();
  const { mounts } = plan;
  const firstMask = mounts.findIndex((mount) => mount.kind === "mask-dir" || mount.kind === "mask-file");
  const split = firstMask === -1 ? mounts.length : firstMask;
  const everything = mounts.some((mount) => mount.kind === "ro-bind" && mount.to === "/");
  const inside = [place.temporary];
  const rules = [
    SEATBELT_BASE,
    "; the file system, the last rule for a path holds",
    everything ? "(allow file-read*)" : SEATBELT_SYSTEM,
    "(allow file-map-executable)",
    ...(everything ? [] : [ancestorRule(plan, inside, params)]),
    ...mounts.slice(0, split).flatMap((mount) => mountRules(mount, params)),
    "; names that must not be read, also where they do not exist yet",
    ...plan.inspection.needs.marks.flatMap((mark) => readRules(mark, plan, params)),
    ...namedRules(plan, params),
    ...mounts.slice(split).flatMap((mount) => mountRules(mount, params)),
    "; names that must not be written, also where they do not exist yet",
    ...plan.inspection.needs.marks.flatMap((mark) => writeRules(mark, plan, params)),
    ...gitRules(plan, params),
    "; what keeps its name",
    ...rule(
      "deny",
      "file-write-unlink",
      heldPaths(plan).map((path) => params.filter("literal", path)),
    ),
    "(deny file-write-setugid)",
    "; the command's own temporary files",
    ...rule("allow", "file-read* file-write* file-link", [params.filter("subpath", place.temporary)]),
    ...socketRules(plan, inside, params),
    SEATBELT_DEVICES,
    ...(place.terminal === true ? [SEATBELT_TERMINAL] : []),
  ];
  return { text: `${rules.map((text) => text.trimEnd()).join("\n")}\n`, parameters: params.list() };
}

interface Parameters {
  /** `(KIND (param "..."))` */
  readonly filter: (kind: "literal" | "subpath" | "regex", value: string) => string;
  readonly list: () => SeatbeltProfile["parameters"];
}

function openParameters(): Parameters {
  const names = new Map<string, string>();
  return {
    filter: (kind, value) => {
      const key = `${kind === "regex" ? "R" : "P"} ${value}`;
      const name = names.get(key) ?? `${key.charAt(0)}${names.size}`;
      names.set(key, name);
      return `(${kind} (param "${name}"))`;
    },
    list: () => [...names].map(([key, name]) => [name, key.slice(2)] as const),
  };
}

function rule(action: "allow" | "deny", operations: string, filters: readonly string[]): readonly string[] {
  if (filters.length === 0) return [];
  return [`(${action} ${operations}${filters.map((filter) => `\n  ${filter}`).join("")})`];
}

function mountRules(mount: Mount, params: Parameters): readonly string[] {
  const below = params.filter.bind(undefined, "subpath");
  switch (mount.kind) {
    case "ro-bind":
      if (mount.to === "/") return [];
      return [
        ...rule("allow", "file-read*", [below(mount.to)]),
        ...rule("deny", "file-write* file-link", [below(mount.to)]),
      ];
    case "bind":
      // A directory in the place of another one cannot be had here; it stays as readable as it is.
      return mount.from === mount.to
        ? rule("allow", "file-read* file-write* file-link", [below(mount.to)])
        : [];
    case "tmpfs":
      return [
        ...rule("deny", "file-read* file-write* file-link", [below(mount.to)]),
        ...rule("allow", "file-read-metadata", [params.filter("literal", mount.to)]),
      ];
    case "mask-file":
      return rule("deny", "file-read* file-write* file-link", [below(mount.to)]);
    case "mask-dir":
      return [
        ...rule("deny", "file-read* file-write* file-link", [below(mount.to)]),
        ...(mount.open ? rule("allow", "file-read-metadata", [params.filter("literal", mount.to)]) : []),
      ];
    case "dev":
      return rule("deny", "file-read* file-write*", [below(mount.to)]);
    case "overlay":
    case "symlink":
    case "proc":
    case "seal":
      return [];
  }
}

/** Where little is readable, the way to it can be looked at. */
function ancestorRule(plan: SandboxPlan, more: readonly string[], params: Parameters): string {
  const shown = plan.mounts.flatMap((mount) =>
    mount.kind === "bind" || mount.kind === "ro-bind" ? [mount.to] : [],
  );
  const above = [...new Set([...shown, ...more].flatMap(ancestorsOf))];
  return rule(
    "allow",
    "file-read-metadata",
    above.map((path) => params.filter("literal", path)),
  ).join("\n");
}

/** Writable directories of the machine. */
function rootsOf({ inspection }: SandboxPlan): readonly string[] {
  return inspection.writable;
}

/** The expressions for a mark: one for each writable root where it has no base. */
function regexes(mark: Mark, plan: SandboxPlan, params: Parameters): readonly string[] {
  const roots = mark.base === undefined ? rootsOf(plan) : ["/"];
  return roots.map((root) => {
    const whole = params.filter("regex", markPattern(mark, root));
    const except = exceptPatterns(mark, root).map((text) => `(require-not ${params.filter("regex", text)})`);
    return except.length === 0 ? whole : `(require-all ${whole} ${except.join(" ")})`;
  });
}

/** What exists is hidden by the plan's masks; this is for what appears later. */
function readRules(mark: Mark, plan: SandboxPlan, params: Parameters): readonly string[] {
  if (mark.role !== "credential" && mark.role !== "denied-read" && mark.role !== "own") return [];
  const path = exactPath(mark);
  if (path === undefined || isBehindPrivate(path))
    return rule("deny", "file-read* file-write*", regexes(mark, plan, params));
  const { sightings } = plan.inspection.before;
  if (sightings.some((seen) => seen.path === path && seen.type !== "absent")) return [];
  return rule("deny", "file-read* file-write*", [params.filter("subpath", path)]);
}

/** A credential that a rule of the person's own names is readable; nothing opens what a rule denies. */
function namedRules(plan: SandboxPlan, params: Parameters): readonly string[] {
  const { marks } = plan.inspection.needs;
  const closed = marks.filter(({ role }) => role === "denied-read" || role === "own");
  const named = marks.flatMap((mark) => (mark.role === "named-read" ? (exactPath(mark) ?? []) : []));
  const open = named.filter((path) => !closed.some((mark) => covers(mark, path)));
  return rule(
    "allow",
    "file-read*",
    open.map((path) => params.filter("subpath", path)),
  );
}

function writeRules(mark: Mark, plan: SandboxPlan, params: Parameters): readonly string[] {
  switch (mark.role) {
    case "protected":
    case "guard":
    case "denied-write":
      return rule("deny", "file-write* file-link", regexes(mark, plan, params));
    case "credential":
    case "denied-read":
    case "own":
    case "opened-read":
    case "named-read":
      return [];
  }
}

/**
 * What decides what git runs, in the git directories that exist. New ones are judged afterwards:
 * git itself has to write their configuration.
 */
function gitRules({ inspection }: SandboxPlan, params: Parameters): readonly string[] {
  const paths = inspection.before.gits.flatMap(({ path, files }) => {
    const has = (name: string): boolean => files.some((file) => file.name === name && file.type !== "absent");
    // A linked worktree has a commondir and is removed with it.
    const fixed = ["hooks", "config", "config.worktree", "info/attributes"];
    return [...fixed, ...(has("commondir") ? [] : ["commondir"])].map((name) => `${path}/${name}`);
  });
  return rule(
    "deny",
    "file-write* file-link",
    paths.map((path) => params.filter("subpath", path)),
  );
}

/**
 * Paths in writable directories that cannot be renamed or removed: what is mounted, the writable
 * directories themselves, git directories, and every directory above something that is protected
 * by its place.
 */
function heldPaths(plan: SandboxPlan): readonly string[] {
  const roots = rootsOf(plan);
  const { needs, before } = plan.inspection;
  const byName = needs.marks.filter(({ base }) => base === undefined);
  const mounted = plan.mounts.flatMap((mount) =>
    mount.kind === "bind" || mount.kind === "ro-bind" || mount.kind.startsWith("mask") ? [mount.to] : [],
  );
  const placed = needs.marks.flatMap((mark) =>
    mark.role === "opened-read" || mark.role === "named-read" ? [] : (exactPath(mark) ?? []),
  );
  const held = [...mounted, ...placed, ...before.gits.flatMap(({ named, path }) => (named ? [path] : []))];
  const all = held.flatMap((path) => {
    const root = roots.find((each) => isWithin(path, each));
    if (root === undefined) return [];
    if (byName.some((mark) => covers(mark, path))) return [path];
    return [path, ...ancestorsOf(path).filter((above) => isWithin(above, root))];
  });
  return [...new Set([...roots, ...all])].toSorted();
}

/** Sockets made inside can be reached inside; those of the machine cannot. */
function socketRules(plan: SandboxPlan, inside: readonly string[], params: Parameters): readonly string[] {
  const places = [...rootsOf(plan), ...inside].map((path) => params.filter("subpath", path));
  const hidden = plan.mounts
    .filter((mount) => mount.kind === "mask-file" || mount.kind === "mask-dir")
    .filter((mount) => [...rootsOf(plan), ...inside].some((root) => isWithin(mount.to, root)))
    .map((mount) => `(remote unix-socket ${params.filter("subpath", mount.to)})`);
  return [
    "; sockets by path, made inside; no other network, since the loopback is the machine's",
    ...rule(
      "allow",
      "network-bind",
      places.map((filter) => `(local unix-socket ${filter})`),
    ),
    ...rule(
      "allow",
      "network-outbound",
      places.map((filter) => `(remote unix-socket ${filter})`),
    ),
    ...rule("deny", "network-outbound", hidden),
  ];
}

/**
 * The plan's environment for one command on macOS, where the temporary directory has a name of its
 * own; what cordon keeps in it begins with a dot.
 */
export function seatbeltEnvironment(
  plan: SandboxPlan,
  place: SeatbeltPlace,
): Readonly<Record<string, string>> {
  const planned = plan.environment["TMPDIR"];
  const isOwn = (name: string, value: string): boolean =>
    planned !== undefined &&
    name !== "HOME" &&
    name !== "PATH" &&
    (name === "TMPDIR" || value.startsWith(`${planned}/.`));
  return Object.fromEntries(
    Object.entries(plan.environment).map(([name, value]) => [
      name,
      isOwn(name, value) ? `${place.temporary}${value.slice(planned?.length)}` : value,
    ]),
  );
}
