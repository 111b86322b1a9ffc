import type { Decision } from "../../core/call/decision.ts";
import type { Opinion } from "../../core/call/opinion.ts";
import { standingAsks } from "../../core/call/fold.ts";
import { examine } from "../../core/inquiry/inquiry.ts";
import { aboutUse } from "../../core/inquiry/locate.ts";
import type { Refusal } from "../../core/layers/9-sandbox/result.ts";
import { isRepeatable } from "../../core/layers/8-approval/repeatable.ts";
import { analyse } from "../../core/shell/analyse.ts";
import type { CallInput, Gate, KnownFacts } from "../gate.ts";
import type { PersonsOpening } from "../sandbox/openings.ts";

/** What a person is asked after a refusal. */
export interface BoundaryQuestion {
  readonly command: string;
  readonly cwd: string;
  readonly home: string;
  /** What would be opened, each with the reason why it is closed. */
  readonly refusals: readonly Refusal[];
  /** What the gate has to say about these paths besides. */
  readonly concerns: readonly string[];
  /** The command would be run again at once; false: nobody knows what it did before it failed. */
  readonly again: boolean;
  /** The rules that a session or the project would keep. */
  readonly rules: readonly string[];
  /** The file in which the project keeps them; undefined where no rule can open these paths. */
  readonly file: string | undefined;
}

export type BoundaryAnswer =
  | { readonly kind: "once" | "session" | "always" }
  | { readonly kind: "deny"; readonly message?: string };

/** Puts the question to a person. `nobody`: there is none to ask; `timeout`: none answered in time. */
export type BoundaryAsker = (
  question: BoundaryQuestion,
  seconds: number,
) => Promise<BoundaryAnswer | "nobody" | "timeout">;

/** Paths that one question names at most. */
const MOST_PATHS = 4;

/** A question that can be put, and what a yes to it opens. */
export interface Widening {
  readonly question: BoundaryQuestion;
  readonly openings: readonly PersonsOpening[];
  /** The gate's decision on the call with these paths: its questions are about them alone. */
  readonly decision: Decision;
  readonly call: CallInput;
}

/**
 * The question that a refused command leads to; undefined where there is none to put: nothing was
 * refused that a person may open, or the gate denies the call with these paths in it.
 *
 * INVARIANT: what the command printed decides only what is asked. The paths are the plan's, and the
 * gate judges the call anew as one that uses them.
 */
export function wideningFor(
  gate: Gate,
  call: CallInput,
  command: string,
  refusals: readonly Refusal[],
  known: KnownFacts,
  file: string,
): Widening | undefined {
  const open = refusals.filter(({ opens, path }) => opens !== "never" && path !== undefined);
  if (open.length === 0 || open.length > MOST_PATHS) return undefined;
  const openings = open.flatMap((refusal): readonly PersonsOpening[] =>
    refusal.path === undefined
      ? []
      : [
          {
            access: refusal.class === "read" ? "read" : "write",
            path: refusal.path,
            make: refusal.make,
          },
        ],
  );
  const wanted: CallInput = { ...call, opens: { paths: openings } };
  const decision = gate.decide(wanted, known);
  if (decision.verdict === "deny") return undefined;
  const before = new Set(asksOf(gate.decide(call, known)).map(keyOf));
  const cwd = call.cwd ?? gate.cwd;
  const script = analyse(command, cwd, gate.home, gate.tables);
  const warned = open.some(({ opens }) => opens === "warn");
  return {
    openings,
    decision,
    call: wanted,
    question: {
      command,
      cwd,
      home: gate.home,
      refusals: open,
      concerns: [
        ...new Set(
          asksOf(decision)
            .filter((ask) => !before.has(keyOf(ask)) && !TOLD.includes(ask.code))
            .map(({ why }) => why),
        ),
      ],
      again: isRepeatable(script),
      rules: openings.map(ruleFor),
      file: warned || gate.policy.managed.onlyManagedRules !== undefined ? undefined : file,
    },
  };
}

/**
 * What a person's yes to a call opens in the sandbox: the paths outside that the question was about and
 * that the call writes, each spelled in it. Without this the yes would end in a refusal.
 *
 * An absent path is made, empty, only where a redirect would make it a file; what else would make of
 * it is not known here, and then the refusal leads to a question of its own.
 */
export function approvedOpenings(
  gate: Gate,
  input: CallInput,
  decision: Decision,
): readonly PersonsOpening[] {
  const asked = new Set(
    asksOf(decision).flatMap(({ code, about }) =>
      code === "path.outside" && about !== undefined ? [about.use] : [],
    ),
  );
  if (asked.size === 0) return [];
  return examine(gate.context, gate.call(input)).uses.flatMap((use): readonly PersonsOpening[] => {
    const spelled = use.known && use.glob === undefined && use.hint !== true;
    if (!spelled || use.action !== "write" || !asked.has(aboutUse(use).use)) return [];
    return [{ access: "write", path: use.path, make: use.redirect ? "file" : undefined }];
  });
}

/** What the question says anyway. */
const TOLD: readonly string[] = ["sandbox.opening", "path.outside"];

function asksOf({ opinions }: Decision): readonly Opinion[] {
  return standingAsks(
    opinions,
    opinions.filter(({ effect }) => effect === "allow"),
  );
}

function keyOf({ code, part, subject, why }: Opinion): string {
  return [code, part, subject, why].join("\0");
}

/** The rule that stands for an opening in a session or a file. */
export function ruleFor({ access, path, make }: PersonsOpening): string {
  const pattern = path.replace(/[\\*?[\]]/g, "\\$&");
  return `${access === "write" ? "Edit" : "Read"}(/${pattern}${make === "directory" ? "/**" : ""})`;
}
