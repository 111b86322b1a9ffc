import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { SandboxFacts, SandboxNeeds } from "../../core/layers/9-sandbox/facts.ts";
import type { GroupParents } from "../../core/layers/9-sandbox/plan.ts";
import { groupParents } from "./linux/group.ts";
import { kernelText, realPath, seenAt } from "./look.ts";
import { mayReach } from "./reach.ts";
import type { Surveyor } from "./survey.ts";

/** Where programs of the system are, most trusted first. Nothing else is ever run by cordon itself. */
export const SYSTEM_PROGRAMS: readonly string[] = [
  "/usr/bin",
  "/bin",
  "/usr/sbin",
  "/sbin",
  "/usr/local/bin",
  "/run/current-system/sw/bin",
];

/** A program in a system directory that does not lie in `avoid`; undefined where there is none. */
export function systemProgram(name: string, avoid: readonly string[]): string | undefined {
  return SYSTEM_PROGRAMS.map((directory) => join(directory, name)).find((path) => {
    const real = existsSync(path) ? realPath(path) : undefined;
    return real !== undefined && !avoid.some((root) => isWithin(real, root));
  });
}

/** What does not change while this process runs. */
export interface Caller {
  readonly hardLimits: SandboxFacts["hardLimits"];
  readonly groups: GroupParents;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What carries plans out for it. */
  readonly rung?: string | undefined;
}

/** Looks at the calling process, once for all its commands. */
export function gatherCaller(environment: Caller["environment"]): Caller {
  return {
    hardLimits: hardLimits(),
    groups: groupParents(),
    environment,
  };
}

/**
 * Looks at the machine and answers what the plan wants to know. Changes nothing. `trusted`: what the
 * surveyor's `settle` has just answered for the same needs.
 */
export function gatherFacts(
  needs: SandboxNeeds,
  surveyor: Surveyor,
  caller: Caller,
  trusted = false,
): SandboxFacts {
  const roots = needs.roots.map(({ path }) => seenAt(path));
  const reals = roots.map(({ real }) => real);
  const workspace = roots[0]?.real ?? needs.cwd;
  const owner = ownerOf(workspace);
  const survey = surveyor.survey(needs, "plan", trusted);
  return {
    needs,
    roots,
    cwd: seenAt(needs.cwd),
    checkout: needs.checkout.map((path) => seenAt(path)),
    survey,
    paths: needs.paths.map((path) => seenAt(path)),
    sockets: boundSockets(survey.sockets, reals).filter((path) => mayReach(path, uidFor(owner))),
    environment: caller.environment,
    hardLimits: caller.hardLimits,
    machine: {
      arch: process.arch,
      rung: caller.rung,
      bash: systemProgram("bash", reals),
      prlimit: systemProgram("prlimit", reals),
      groups: caller.groups,
    },
    owner,
  };
}

/**
 * Paths that sockets of this machine are bound to, from the kernel's own list, and socket files in
 * the workspace whose name is on it (a socket bound by a relative path is listed so), or that are
 * another name of one on it. Where a name on it is gone from the workspace, somebody renamed the
 * file: then every socket file there counts.
 */
function boundSockets(inRoots: readonly string[], roots: readonly string[]): readonly string[] {
  // macOS has no such list: whatever stands there counts as the machine's.
  if (process.platform === "darwin") return inRoots;
  const bound = kernelText("/proc/net/unix")
    .split("\n")
    .slice(1)
    .flatMap((line) => /^\S+(?: +\S+){6} (.+)$/.exec(line)?.[1] ?? []);
  const relative = new Set(
    bound
      .filter((path) => !path.startsWith("/") && !path.startsWith("@"))
      .map((path) => path.replace(/^.*\//, "")),
  );
  const absolute = bound.filter((path) => path.startsWith("/"));
  // Looked at only where there is a socket file to hide.
  const ids = new Set(inRoots.length === 0 ? [] : absolute.map((path) => seenAt(path).id));
  const renamed =
    inRoots.length > 0 &&
    absolute.some((path) => roots.some((root) => isWithin(path, root)) && seenAt(path).id === "");
  const candidates = [
    ...absolute,
    ...inRoots.filter(
      (path) => renamed || relative.has(path.replace(/^.*\//, "")) || ids.has(seenAt(path).id),
    ),
  ];
  return [...new Set(candidates)].flatMap((path) => {
    const seen = seenAt(path);
    return seen.type === "other" ? [seen.real] : [];
  });
}

/** Who a command runs as: root becomes the owner of a workspace that the owner can reach. */
function uidFor(owner: SandboxFacts["owner"]): number {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 && owner.reaches ? owner.uid : uid;
}

function hardLimits(): SandboxFacts["hardLimits"] {
  const text = kernelText("/proc/self/limits");
  const of = (label: string): number | undefined => {
    const value = new RegExp(`^${label}\\s+\\S+\\s+(\\d+)`, "m").exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const entries = {
    data: of("Max data size"),
    nproc: of("Max processes"),
    fsize: of("Max file size"),
    nofile: of("Max open files"),
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

/** Who owns a directory, and whether mode bits let that user get there. */
function ownerOf(path: string): SandboxFacts["owner"] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { uid: 0, gid: 0, reaches: false };
  const { uid, gid } = stat;
  const passes = (directory: string): boolean => {
    const { mode, uid: owner, gid: group } = statSync(directory);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    return (mode & bit) !== 0;
  };
  const ancestors: string[] = [];
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    ancestors.push(directory);
    if (directory === "/") break;
  }
  return { uid, gid, reaches: ancestors.every(passes) };
}
