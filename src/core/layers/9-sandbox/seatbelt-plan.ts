import type { Note, SandboxPlan } from "./plan.ts";

/** What Seatbelt has no means for, beside what a plan says already. */
const LOSSES: readonly Note[] = [
  {
    what: "the rules for macOS were not run on a Mac by those who wrote them; the trial before the first command vouches for them",
    loses: "certainty",
  },
  {
    what: "a process that leaves the command's group and its parent between two looks, one a second, lives on after the command, confined as it was",
    loses: "daemons",
  },
  {
    what: "memory and the processor time of all processes together are not limited; processes count with the user's others, and what others write to the disk counts as the command's",
    loses: "memory, processes",
  },
  {
    what: "the loopback is the machine's, so there is none: programs inside talk to each other by sockets in the project or the temporary directory",
    loses: "nothing",
  },
  {
    what: "names of shared memory and semaphores are the machine's; those of Python's libraries are open",
    loses: "shared memory",
  },
  {
    what: "a directory can be renamed to one whose contents then bear a protected path; it is moved away before control returns",
    loses: "planting, for programs outside that look while the command runs",
  },
];

/** Notes of the plan that a profile makes untrue: what it refuses during the command. */
const REFUSED_DURING = /^a protected name that is absent can be created/;

/**
 * The plan as Seatbelt carries it out: no namespaces, no filter of system calls, and a note for
 * everything that is lost by that.
 *
 * INVARIANT: mounts and marks are the plan's; the profile is their translation and adds nothing.
 */
export function planForSeatbelt(plan: SandboxPlan): SandboxPlan {
  return {
    ...plan,
    rung: "seatbelt",
    namespaces: [],
    filter: undefined,
    notes: [...plan.notes.filter(({ what }) => !REFUSED_DURING.test(what)), ...LOSSES],
  };
}
