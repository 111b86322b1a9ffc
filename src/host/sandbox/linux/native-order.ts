import { isWithin } from "../../../core/call/path.ts";
import { accessAt } from "../../../core/layers/9-sandbox/access.ts";
import { landlockWords } from "../../../core/layers/9-sandbox/landlock.ts";
import type { Mount, SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";

/** A plan's file system in the words of the launcher; see native/order.h. */
export interface MountOrder {
  /** What is made once and shared by the commands of a session; none of them can write to it. */
  readonly early: readonly string[];
  /** What each command gets anew, and what lies in it or around it. */
  readonly late: readonly string[];
  /** Mount points that must still be ones when a command starts. */
  readonly checks: readonly string[];
  /** Paths mounted from elsewhere: they have to be the same ones as when the early part was made. */
  readonly sources: readonly string[];
}

/**
 * Splits a plan's mounts into what can be made once and what each command needs anew: a `/proc` of
 * its own processes, private files, terminals. Undefined where the order of the mounts cannot be
 * kept this way; then the launcher must not carry the plan out.
 *
 * INVARIANT: two mounts of which one contains the other keep their order.
 */
export function mountOrder(mounts: readonly Mount[]): MountOrder | undefined {
  const [first] = mounts;
  const whole = first?.kind === "ro-bind" && first.to === "/" && first.from === "/";
  const rest = whole ? mounts.slice(1) : mounts;
  if (rest.some(({ kind, to }) => to === "/" && kind !== "seal")) return undefined;
  if (rest.filter(({ kind }) => kind === "proc").length !== 1) return undefined;
  if (
    rest.some(
      ({ kind, to }) => isWithin(to, "/proc") && !(kind === "proc" || (kind === "seal" && to === "/proc")),
    )
  )
    return undefined;
  const early: string[] = [whole ? "--root-bind" : "--root-empty"];
  const late: string[] = [];
  const last: string[] = [];
  const stash: string[] = [];
  const sources: string[] = [];
  const checks: { readonly to: string; readonly index: number }[] = [];
  const renewed: string[] = [];
  const touches = (to: string): boolean => renewed.some((each) => isWithin(to, each) || isWithin(each, to));
  const kept = stasher(stash);
  mounts.forEach((mount, index) => {
    if (index === 0 && whole) return;
    const { to } = mount;
    if (mount.kind === "proc" || (mount.kind === "seal" && to === "/proc")) {
      // Last of all: what is kept for late steps lies below it until then.
      last.push(...words(mount));
      return;
    }
    if (isRenewed(mount, mounts) || touches(to)) {
      renewed.push(to);
      late.push(...lateWords(mount, mounts.slice(0, index), kept, sources));
      return;
    }
    early.push(...words(mount));
    if (mount.kind === "dev") {
      renewed.push(`${to}/pts`);
      late.push("--pts", `${to}/pts`);
    }
    if (mount.kind === "overlay") sources.push(mount.lower, mount.upper, mount.work);
    if ("from" in mount && mount.from !== to) sources.push(mount.from);
    if (mount.kind !== "symlink" && mount.kind !== "seal") checks.push({ to, index });
  });
  return {
    early: [...early, ...stash],
    late: ["--late", ...late, ...last],
    checks: visible(checks, mounts),
    sources,
  };
}

/** Private files are written to; what is sealed once it is built is the same for everybody. */
function isRenewed(mount: Mount, mounts: readonly Mount[]): boolean {
  return mount.kind === "tmpfs" && !mounts.some(({ kind, to }) => kind === "seal" && to === mount.to);
}

/** A mount that a later one covers cannot be looked at, and need not be. */
function visible(
  checks: readonly { readonly to: string; readonly index: number }[],
  mounts: readonly Mount[],
): readonly string[] {
  const covering = mounts.flatMap(({ kind, to }, index) =>
    kind === "seal" || kind === "symlink" ? [] : [{ to, index }],
  );
  const last = new Map(covering.map(({ to, index }) => [to, index]));
  const isCovered = (to: string, index: number): boolean => {
    for (let cut = to.lastIndexOf("/"); cut > 0; cut = to.lastIndexOf("/", cut - 1))
      if ((last.get(to.slice(0, cut)) ?? -1) > index) return true;
    return false;
  };
  return [...new Set(checks.filter(({ to, index }) => !isCovered(to, index)).map(({ to }) => to))];
}

/** Keeps a source for the late steps and tells its number. */
type Keep = (...words: readonly string[]) => string;

function stasher(stash: string[]): Keep {
  const counted = { next: 0 };
  return (...what) => {
    stash.push(...what);
    return String(counted.next++);
  };
}

function lateWords(mount: Mount, before: readonly Mount[], keep: Keep, sources: string[]): readonly string[] {
  if (mount.kind === "overlay") {
    sources.push(mount.lower, mount.upper, mount.work);
    return ["--bind-stash", keep("--stash-overlay", mount.lower, mount.upper, mount.work), mount.to];
  }
  if (mount.kind !== "bind" && mount.kind !== "ro-bind") return words(mount);
  if (mount.from === mount.to && isSeen(before, mount.to)) return [`--${mount.kind}-here`, mount.to];
  sources.push(mount.from);
  return [`--${mount.kind}-stash`, keep("--stash", mount.from), mount.to];
}

/** What stands at a path inside is what stands there outside. */
function isSeen(before: readonly Mount[], path: string): boolean {
  const access = accessAt(before, path);
  if (access !== "writable" && access !== "read-only") return false;
  const around = before.findLast(
    ({ kind, to }) => kind !== "seal" && kind !== "symlink" && isWithin(path, to),
  );
  return (around?.kind === "bind" || around?.kind === "ro-bind") && around.from === around.to;
}

function words(mount: Mount): readonly string[] {
  const { to } = mount;
  switch (mount.kind) {
    case "ro-bind":
    case "bind":
      return [`--${mount.kind}`, mount.from, to];
    case "overlay":
      return ["--overlay", mount.lower, mount.upper, mount.work, to];
    case "tmpfs":
      return ["--tmpfs", String(mount.size), "1777", to];
    case "symlink":
      return ["--symlink", mount.target, to];
    case "mask-dir":
      return ["--mask-dir", mount.open ? "0111" : "0000", to];
    case "proc":
    case "dev":
    case "mask-file":
    case "seal":
      return [`--${mount.kind}`, to];
  }
}

/** Everything about one command but its mounts. */
export function commandWords(
  plan: SandboxPlan,
  argv: readonly string[],
  groups: readonly string[],
): readonly string[] {
  return [
    "--cwd",
    plan.cwd,
    ...groups.flatMap((group) => ["--group", group]),
    ...Object.entries(plan.environment).flatMap(([name, value]) => ["--setenv", name, value]),
    ...limitWords(plan),
    ...(plan.landlock === undefined ? [] : landlockWords(plan.landlock)),
    "--",
    ...argv,
  ];
}

/** Limits that nothing inside can raise. */
export function limitWords({ limits }: SandboxPlan): readonly string[] {
  const { memory, processes, cpuTime, fileSize, openFiles } = limits;
  const limit = (name: string, value: number): readonly string[] => ["--limit", name, String(value)];
  return [
    ...limit("core", 0),
    ...limit("data", memory),
    ...limit("nproc", processes),
    ...(cpuTime === undefined ? [] : limit("cpu", cpuTime)),
    ...limit("fsize", fileSize),
    ...limit("nofile", openFiles),
  ];
}
