import type { Opening } from "../../call/call.ts";
import { isWithin } from "../../call/path.ts";
import type { Policy } from "../../settings/policy.ts";
import { readRule } from "../../settings/rule.ts";
import { accessAt } from "./access.ts";
import type { FileType } from "./facts.ts";
import { type Mark, covers, exactPath, marksOfRule } from "./mark.ts";
import type { LandlockPlan, LandlockRule, Mount, SandboxPlan } from "./plan.ts";
import { writeRefusal } from "./refusals.ts";

/** A path to be opened, and who opens it. */
export interface Grant extends Opening {
  /** After every link. */
  readonly path: string;
  readonly type: FileType;
  /** A person said yes to this very path, knowing what it is; a rule says less. */
  readonly person: boolean;
}

/** A grant that opens nothing, and why. */
export interface Unopened {
  readonly grant: Grant;
  readonly why: string;
}

/**
 * The paths that allow rules open to commands: an Edit rule that spells a file or a directory
 * opens it for writing, as `sandbox.filesystem.allowWrite` does. A rule with a pattern in it names
 * no place that a mount could open.
 */
export function openingsOfRules(policy: Policy, home: string): readonly Opening[] {
  return policy.rules
    .filter(({ effect, tool }) => effect === "allow" && tool === "Edit")
    .flatMap((rule) => marksOfRule(rule, "opened-read", home, []))
    .flatMap((mark): readonly Opening[] => {
      const path = exactPath(mark);
      return path === undefined || path === "/" ? [] : [{ access: "write", path }];
    });
}

/** The paths a person opened for a session, each spelled by a grant; a pattern opens nothing. */
export function openingsOfSession(
  grants: readonly { readonly rule: string }[],
  home: string,
): readonly Opening[] {
  return grants.flatMap(({ rule: text }) => {
    const [reading] = readRule(text, "allow").readings;
    if (reading?.specifier.kind !== "path" || !/^(?:\/\/|~\/)/.test(reading.specifier.pattern)) return [];
    const { tool } = reading;
    if (tool !== "Edit" && tool !== "Read") return [];
    const rule = { ...reading, text, scope: "session", anchor: "/" } as const;
    return marksOfRule(rule, "opened-read", home, []).flatMap((mark): readonly Opening[] => {
      const path = exactPath(mark);
      return path === undefined || path === "/" ? [] : [{ access: tool === "Edit" ? "write" : "read", path }];
    });
  });
}

/**
 * The policy with directories among the grants made writable, so that the plan holds in them what
 * it holds in every writable directory. Nothing else of it changes. `marks` are those of the
 * policy: a directory that one of them closes is left out.
 */
export function widenedPolicy(policy: Policy, grants: readonly Grant[], marks: readonly Mark[]): Policy {
  const directories = grants.flatMap(({ access, type, path }) =>
    access === "write" && type === "directory" && !isClosed(path, marks) ? [path] : [],
  );
  if (directories.length === 0) return policy;
  const allowWrite = [...new Set([...policy.sandbox.allowWrite, ...directories])];
  return { ...policy, sandbox: { ...policy.sandbox, allowWrite } };
}

const CLOSING: readonly Mark["role"][] = [
  "credential",
  "own",
  "denied-read",
  "denied-write",
  "protected",
  "guard",
];

/** Whether something absent may be made at a path so that it can be opened: not where nobody opens it anyway. */
export function mayBeMade(path: string, marks: readonly Mark[]): boolean {
  return !isClosed(
    path,
    marks.filter(({ role }) => role !== "protected"),
  );
}

function isClosed(path: string, marks: readonly Mark[]): boolean {
  return path === "/" || marks.some((mark) => CLOSING.includes(mark.role) && covers(mark, path));
}

/**
 * The plan with exactly the granted files opened, each by one mount of its own.
 *
 * INVARIANT: credential stores, what rules and settings deny, cordon's guard and the kernel's files
 * stay closed whoever grants them; a protected name opens only to a person's own yes, and only as
 * a file. What lies beside a granted path is as it was.
 */
export function openedPlan(
  plan: SandboxPlan,
  grants: readonly Grant[],
): { readonly plan: SandboxPlan; readonly unopened: readonly Unopened[] } {
  const opened: Mount[] = [];
  const unopened: Unopened[] = [];
  for (const grant of grants) {
    const { path } = grant;
    const access = accessAt(plan.mounts, path);
    if (access === "writable" || (access === "read-only" && grant.access === "read")) continue;
    const why = closedBecause(grant, access, plan);
    if (why !== undefined) {
      unopened.push({ grant, why });
      continue;
    }
    const kind = grant.access === "write" ? "bind" : "ro-bind";
    opened.push({ kind, from: path, to: path, why: "opened for this command" });
  }
  if (opened.length === 0) return { plan, unopened };
  const paths = new Set(opened.map(({ to }) => to));
  // Masks come after it, so that nothing a mask hides is uncovered; seals end the making of mount points.
  const masks = plan.mounts.findIndex(({ kind }) => ["mask-dir", "mask-file", "seal"].includes(kind));
  const at = masks === -1 ? plan.mounts.length : masks;
  return {
    plan: {
      ...plan,
      mounts: [...plan.mounts.slice(0, at), ...opened, ...plan.mounts.slice(at)],
      ...(plan.landlock === undefined ? {} : { landlock: widened(plan.landlock, opened) }),
      protected: plan.protected.filter(({ path }) => !paths.has(path)),
      inspection: {
        ...plan.inspection,
        watch: plan.inspection.watch.filter(({ real }) => !paths.has(real)),
      },
    },
    unopened,
  };
}

/** Beside its mount a path needs a rule of its own, and where there are no mounts the rule is all. */
function widened(landlock: LandlockPlan, opened: readonly Mount[]): LandlockPlan {
  const rules = opened.map(({ kind, to }): LandlockRule => ({
    path: to,
    grant: kind === "bind" ? "write" : "read",
  }));
  return { ...landlock, rules: [...landlock.rules, ...rules] };
}

/** Why a grant may not be opened by a mount of its own; undefined where it may. */
function closedBecause(
  { path, type, person, access: wanted }: Grant,
  access: ReturnType<typeof accessAt>,
  plan: SandboxPlan,
): string | undefined {
  if (access === "hidden") return "it is hidden from commands";
  if (type === "absent") return "it does not exist";
  const refusal = writeRefusal(path, plan);
  if (refusal.opens === "never") return `${refusal.why} (${refusal.rule})`;
  if (type !== "file" && wanted === "write")
    return "only a file can be opened here; what lies in the directory would not be held";
  if (access === "private" && !temporary(path, plan)) return "it belongs to the sandbox itself";
  if (refusal.opens === "warn" && wanted === "write" && !person)
    return `${refusal.why} (${refusal.rule}), which only a person opens, once or for a session`;
  return undefined;
}

function temporary(path: string, plan: SandboxPlan): boolean {
  return plan.mounts.some(
    (mount) => mount.kind === "tmpfs" && mount.why === "private temporary files" && isWithin(path, mount.to),
  );
}
