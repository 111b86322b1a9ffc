import type { Policy } from "../../settings/policy.ts";
import type { SandboxFacts } from "./facts.ts";
import { exactPath } from "./mark.ts";
import type { Note, PlannedLimits } from "./plan.ts";

/**
 * What this rung of the sandbox does not stop, class by class, for this very plan.
 *
 * INVARIANT: a class that is open is in here; a note is never dropped because it is embarrassing.
 */
export function sandboxNotes(
  policy: Policy,
  facts: SandboxFacts,
  plan: { readonly filter: string | undefined; readonly uid: number; readonly limits: PlannedLimits },
): readonly Note[] {
  const { needs } = facts;
  const notes: Note[] = [
    {
      what: "a protected name that is absent can be created while the command runs; it is moved away before control returns",
      loses: "planting, for programs outside that look while the command runs",
    },
    {
      what: "a socket that another program creates in a writable directory after the start can be connected to",
      loses: "unix sockets by path",
    },
    { what: "the content of a denied file can still be in the git history", loses: "git object store" },
  ];
  const add = (what: string, loses: string): void => {
    notes.push({ what, loses });
  };
  if (plan.filter === undefined)
    add(
      `no system-call filter for the processor ${facts.machine.arch}`,
      "kernel surface, terminal, keyring, exotic sockets",
    );
  if (plan.uid === 0)
    add(
      "the command runs as root without capabilities: it reads what root may read",
      "reads of secrets that only mode bits protect",
    );
  if (plan.uid === 0 && facts.owner.uid !== 0)
    add(
      `the workspace belongs to user ${facts.owner.uid}, who cannot reach it; root without capabilities cannot write there`,
      "nothing",
    );
  if (plan.limits.memoryBy === "count")
    add(
      "without a control group the memory of all processes together is only looked at, four times a second",
      "memory",
    );
  if (plan.limits.disk === undefined)
    add("nothing limits how much a command writes to the disk in all its files together", "disk");
  else add("the space on the disk is only looked at, four times a second", "disk");
  if (plan.limits.processesBy === "count")
    add(
      "root without a control group: processes are only counted ten times a second, which a fast fork bomb outruns",
      "processes",
    );
  for (const path of facts.survey.short ?? [])
    add(
      `the search for denied paths below ${path} ended after ${needs.budget} entries`,
      "deep globs, beyond what was searched",
    );
  if (needs.skip.length > 0)
    add(`${needs.skip.join(", ")} is not searched for protected names`, "planting below it");
  const closed = new Set(facts.survey.closed);
  for (const path of [...closed].slice(0, 10))
    add(`${path} cannot be looked into, so it is hidden as a whole; \`chmod u+rwx\` shows it`, "nothing");
  for (const path of facts.survey.unread.filter((each) => !closed.has(each)).slice(0, 10))
    add(`${path} could not be looked into`, "planting and denied paths below it");
  const far = needs.marks.filter(
    (mark) => mark.role === "denied-read" && mark.base === "/" && exactPath(mark) === undefined,
  );
  for (const mark of far.filter(({ segments }) => segments[0] === "**"))
    add(
      `\`${mark.text}\` is applied below the writable directories only`,
      "deep globs outside the workspace",
    );
  if (
    policy.rules.some(
      (rule) => rule.effect === "deny" && rule.tool === "Read" && rule.specifier.kind === "none",
    )
  )
    add("the bare deny rule `Read` removes the tool; commands still read files", "reads");
  return notes;
}
