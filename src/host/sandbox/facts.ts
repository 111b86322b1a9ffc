import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWithin } from "../../core/call/path.ts";
import type { SandboxFacts, SandboxNeeds } from "../../core/layers/9-sandbox/facts.ts";
import { pidsGroup } from "./linux/group.ts";
import { kernelText, realPath, seenAt } from "./look.ts";
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
  readonly pidsGroup: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Looks at the calling process, once for all its commands. */
export function gatherCaller(environment: Caller["environment"]): Caller {
  return {
    hardLimits: hardLimits(),
    pidsGroup: process.getuid?.() === 0 ? pidsGroup() : undefined,
    environment,
  };
}

/** Looks at the machine and answers what the plan wants to know. Changes nothing. */
export function gatherFacts(needs: SandboxNeeds, surveyor: Surveyor, caller: Caller): SandboxFacts {
  const roots = needs.roots.map(({ path }) => seenAt(path));
  const reals = roots.map(({ real }) => real);
  const workspace = roots[0]?.real ?? needs.cwd;
  const survey = surveyor.survey(needs, "plan");
  return {
    needs,
    roots,
    cwd: seenAt(needs.cwd),
    checkout: needs.checkout.map((path) => seenAt(path)),
    survey,
    paths: needs.paths.map((path) => seenAt(path)),
    sockets: boundSockets(survey.sockets),
    environment: caller.environment,
    hardLimits: caller.hardLimits,
    machine: {
      arch: process.arch,
      bash: systemProgram("bash", reals),
      prlimit: systemProgram("prlimit", reals),
      pidsGroup: caller.pidsGroup,
    },
    owner: ownerOf(workspace),
  };
}

/**
 * Paths that sockets of this machine are bound to, from the kernel's own list, and socket files in
 * the workspace whose name is on it (a socket bound by a relative path is listed so).
 */
function boundSockets(inRoots: readonly string[]): readonly string[] {
  const bound = kernelText("/proc/net/unix")
    .split("\n")
    .slice(1)
    .flatMap((line) => /^\S+(?: +\S+){6} (.+)$/.exec(line)?.[1] ?? []);
  const relative = new Set(
    bound
      .filter((path) => !path.startsWith("/") && !path.startsWith("@"))
      .map((path) => path.replace(/^.*\//, "")),
  );
  const candidates = [
    ...bound.filter((path) => path.startsWith("/")),
    ...inRoots.filter((path) => relative.has(path.replace(/^.*\//, ""))),
  ];
  return [...new Set(candidates)].flatMap((path) => {
    const seen = seenAt(path);
    return seen.type === "other" ? [seen.real] : [];
  });
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
