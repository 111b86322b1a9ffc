import { LOWEST_RUNG, RUNGS, type Rung } from "../../settings/policy.ts";
import type { Seen } from "./facts.ts";
import { landlockBeside, lostBits } from "./landlock.ts";
import { type Listings, landlockAlone } from "./landlock-alone.ts";
import type { Note, Planned, PlannedLimits, SandboxPlan } from "./plan.ts";

/** Whether a rung works on this machine, as the host has tried it. */
export type RungState =
  | { readonly rung: Rung; readonly works: true }
  | {
      readonly rung: Rung;
      readonly works: false;
      readonly why: string;
      /** What a person can do about it. */
      readonly cure: string;
    };

export type Choice =
  | { readonly kind: "rung"; readonly rung: Rung; readonly passed: readonly RungState[] }
  | { readonly kind: "none"; readonly why: string; readonly cure: string };

/** The rungs that may be used, best first. */
export function allowedRungs(lowest: Rung = LOWEST_RUNG): readonly Rung[] {
  return RUNGS.slice(0, RUNGS.indexOf(lowest) + 1);
}

/**
 * The best rung that works and is allowed; `passed` are the better ones, and why they are not it.
 *
 * INVARIANT: a rung below `lowest` is never chosen, and one that nobody tried does not work.
 */
export function chooseRung(states: readonly RungState[], lowest: Rung = LOWEST_RUNG): Choice {
  const allowed = allowedRungs(lowest);
  const state = (rung: Rung): RungState | undefined => states.find((each) => each.rung === rung);
  const rung = allowed.find((each) => state(each)?.works === true);
  if (rung !== undefined)
    return {
      kind: "rung",
      rung,
      passed: states.filter((each) => RUNGS.indexOf(each.rung) < RUNGS.indexOf(rung)),
    };
  const below = RUNGS.filter((each) => !allowed.includes(each)).find((each) => state(each)?.works === true);
  // The cause of the weakest allowed one: it needs the least.
  const cause = allowed.map(state).findLast((each) => each !== undefined);
  const why = cause?.works === false ? cause.why : "no rung of the sandbox was tried";
  const cure = cause?.works === false ? cause.cure : "see `cordon sandbox doctor`";
  const lower =
    below === undefined
      ? ""
      : `, or allow the rung \`${below}\` (cordon.sandbox.lowestRung) and what it loses`;
  return { kind: "none", why, cure: `${cure}${lower}` };
}

/** What no namespaces cost, whatever the plan. */
const ALONE: readonly Note[] = [
  {
    what: "times and mode bits of the person's own files outside can be changed, their content cannot",
    loses: "metadata",
  },
  {
    what: "whether a hidden file exists, its size and its times can be asked, its content cannot",
    loses: "direct, link, /proc root spelling (of existence, not of content)",
  },
  {
    what: "the ids of other processes can be found out, their arguments and environment cannot",
    loses: "setns; prlimit, renice, listing (of existence)",
  },
  {
    what: "what the command started is ended by a supervisor; if that is killed, it runs on",
    loses: "daemons",
  },
  {
    what: "processes are counted together with all others of the same user, open files and memory for each",
    loses: "processes, memory, disk, descriptors",
  },
  {
    what: "temporary files lie in a directory of the machine, without a limit of their own",
    loses: "processes, memory, disk, descriptors",
  },
];

/** What does not work there, although it would do no harm. */
export const ALONE_WITHOUT: readonly string[] = [
  "sockets of any kind but stream pairs: no loopback, no unix sockets",
  "terminals of one's own (ptys)",
  "shared memory: POSIX, System V, message queues",
  "debuggers, and /proc of one's own processes",
];

/**
 * The threat classes that a rung loses against the best one, whatever the plan is. The names are
 * those of docs/sandbox.md.
 */
export function rungLosses(rung: Rung, abi: number): readonly Note[] {
  switch (rung) {
    case "native":
    case "bubblewrap":
      return [];
    case "landlock":
      return [
        {
          what: "protected names that exist can be changed while the command runs; they are compared and put back afterwards",
          loses: "planting during the command",
        },
        ...ALONE,
        ...lostBits(abi),
      ];
  }
}

/** What the host knows of the rung that was chosen. */
export type Ground =
  | {
      readonly rung: "native" | "bubblewrap";
      /** 0 = none, or nothing here applies it. */ readonly abi: number;
    }
  | {
      readonly rung: "landlock";
      readonly abi: number;
      readonly listings: Listings;
      /** A directory for temporary files, made for this command alone. */
      readonly temporary: string;
      /** Processes that the user has already; they count against the limit. */
      readonly processes: number;
      /** What stands in protected directories. */
      readonly inside: readonly Seen[];
    };

/**
 * The plan as one rung carries it out: with Landlock's rules, and with a note for everything that
 * is lost there.
 *
 * On the rung `landlock` the mounts stay in the plan as the meaning of the rules. A plan whose
 * denials cannot be held there is refused, never weakened.
 */
export function planAtRung(plan: SandboxPlan, ground: Ground): Planned {
  const losses = rungLosses(ground.rung, ground.abi);
  if (ground.rung !== "landlock") {
    const landlock = landlockBeside(plan.mounts, ground.abi);
    return { ...plan, rung: ground.rung, landlock, notes: [...plan.notes, ...losses] };
  }
  if (plan.filter === undefined)
    return {
      kind: "refused",
      why: "there is no system-call filter for this processor, and without namespaces it is needed",
      hint: "allow user namespaces",
    };
  const alone = landlockAlone(plan, ground);
  if (alone.kind === "refused") return alone;
  return {
    ...plan,
    rung: "landlock",
    landlock: alone.landlock,
    namespaces: [],
    environment: withTemporary(plan, ground.temporary),
    limits: withOthers(plan.limits, ground.processes),
    notes: [...plan.notes, ...losses, ...alone.notes],
    inspection: {
      ...plan.inspection,
      watch: [...plan.inspection.watch, ...compared(plan), ...ground.inside],
    },
  };
}

/** The kernel's own limit counts all processes of the user, a control group those of the command. */
function withOthers(limits: PlannedLimits, others: number): PlannedLimits {
  return limits.processesBy === "rlimit" ? { ...limits, processes: limits.processes + others } : limits;
}

/** Variables that lead into the private directory, which is another one here. */
function withTemporary({ environment }: SandboxPlan, temporary: string): SandboxPlan["environment"] {
  const before = environment["TMPDIR"];
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const leads = value === before || (before !== undefined && value.startsWith(`${before}/.`));
      return [
        name,
        leads && name !== "HOME" && name !== "PATH" ? `${temporary}${value.slice(before?.length)}` : value,
      ];
    }),
  );
}

/** Files that mounts would have held. Directories of hooks are looked into by the inspection itself. */
function compared({ protected: guarded, inspection }: SandboxPlan): readonly Seen[] {
  const { before, watch } = inspection;
  const known = [...before.sightings, ...before.gits.flatMap(({ files }) => files), ...before.gitLinks];
  return guarded.flatMap(({ path }) => {
    const seen = known.find(({ real }) => real === path);
    const hooks = before.gits.some(({ files }) =>
      files.some(({ real, type }) => real === path && type === "directory"),
    );
    return seen === undefined || hooks || watch.some(({ real }) => real === path) ? [] : [seen];
  });
}
