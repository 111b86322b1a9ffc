import type { Probe } from "../sandbox/linux/probe.ts";
import type { Decision } from "../../core/call/decision.ts";
import { openingsOfSession } from "../../core/layers/9-sandbox/opened.ts";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import type { Approval } from "../../core/layers/11-audit/record.ts";
import { PATHS } from "../../core/knowledge/paths.gen.ts";
import type { CallInput, Gate, KnownFacts } from "../gate.ts";
import { SandboxError } from "../sandbox/error.ts";
import { shellCommand } from "../sandbox/linux/arguments.ts";
import { type PersonsOpening, planOpened } from "../sandbox/openings.ts";
import { type Sandbox, openSandbox, placeOf } from "../sandbox/sandbox.ts";
import { type Widening, wideningFor } from "./boundary.ts";
import type { Recorder } from "./recorder.ts";
import type { Outcome, RunSetup } from "./run-call.ts";

/** What a call that may run is confined with. */
export interface Confinement {
  readonly gate: Gate;
  readonly probe: Extract<Probe, { readonly kind: "available" }>;
  readonly command: string;
  readonly call: CallInput;
  readonly decision: Decision;
  /** What the person who was asked said yes to already. */
  readonly approved: readonly PersonsOpening[];
  readonly known: KnownFacts;
  readonly setup: RunSetup;
  readonly clock: () => number;
  readonly notify: (text: string) => void;
  /** A recorder for each decision. The first one has the decision already. */
  readonly recorder: Recorder;
  readonly nextRecorder: () => Recorder;
  /** Keeps rules for the session or in the project; what cannot be kept is said. */
  readonly keep: (kind: "session" | "always", rules: readonly string[]) => Promise<void>;
  /** The file in which the project keeps rules. */
  readonly file: string;
}

/** How often one command is run again with something more opened. */
const MOST_ROUNDS = 3;

/**
 * Runs a command in the sandbox. Where it fails on something the sandbox refused and a person is
 * there, they are asked once for it, and on a yes the command runs again with exactly that.
 *
 * INVARIANT: a run is wider than the one before only by paths that a person saw and said yes to
 * meanwhile, and that the gate judged as used by the command.
 */
export async function confine(means: Confinement): Promise<Outcome> {
  const { gate, setup, command, call, notify } = means;
  const sandbox = openSandbox({
    bubblewrap: means.probe.bubblewrap,
    footing: means.probe.footing,
    lists: PATHS,
    environment: gate.env,
  });
  const violations: SandboxResult["violations"][number][] = [];
  const opened: PersonsOpening[] = [...means.approved];
  let { decision, recorder } = means;
  for (let round = 1; ; round++) {
    const ran = await runOnce(means, sandbox, opened, decision, recorder);
    if (ran.kind === "refused") return ran;
    violations.push(...ran.result.violations);
    const outcome: Outcome = { ...ran, result: { ...ran.result, violations: [...violations] } };
    const { refusals = [], ended, status } = ran.result;
    if (round >= MOST_ROUNDS || ended !== "exited" || status === 0 || setup.askBoundary === undefined)
      return outcome;
    const widening = wideningFor(gate, call, command, refusals, means.known, means.file);
    if (widening === undefined) return outcome;
    const next = means.nextRecorder();
    if (!(await isWidened(means, widening, next))) return outcome;
    if (!widening.question.again) {
      notify("what was refused is open now; run the command again");
      return outcome;
    }
    opened.push(...widening.openings);
    ({ decision } = widening);
    recorder = next;
  }
}

/** Asks the person, records the answer and keeps it. True where they said yes. */
async function isWidened(means: Confinement, widening: Widening, recorder: Recorder): Promise<boolean> {
  const { gate, setup, clock, notify } = means;
  const { question, decision, call } = widening;
  const started = clock();
  const answer = await setup.askBoundary?.(question, gate.policy.cordon.approvalTimeout);
  if (answer === undefined || answer === "nobody") return false;
  const waited = clock() - started;
  const approval: Approval =
    answer === "timeout"
      ? { answer: "timeout", by: "nobody", shown: true, waited }
      : answer.kind === "deny"
        ? { answer: "denied", by: "terminal", shown: true, waited, note: answer.message }
        : {
            answer: "allowed",
            by: "terminal",
            shown: true,
            waited,
            scope: answer.kind,
            note: question.rules.join(", "),
          };
  if (!recorder.decision(gate.call(call), decision, approval, 0)) {
    notify("the audit record is required and could not be written, so nothing more is opened");
    return false;
  }
  if (answer === "timeout") return false;
  if (answer.kind === "deny") {
    if (answer.message !== undefined) notify(`the person said no: ${answer.message}`);
    return false;
  }
  if (answer.kind !== "once") await means.keep(answer.kind, question.rules);
  return true;
}

async function runOnce(
  { gate, command, call, setup, notify }: Confinement,
  sandbox: Sandbox,
  opened: readonly PersonsOpening[],
  decision: Decision,
  recorder: Recorder,
): Promise<Outcome> {
  const refuse = (why: string): Outcome => {
    recorder.refusal(why);
    return { kind: "refused", by: "sandbox", decision, why };
  };
  const place = placeOf(gate.root, call.cwd ?? gate.cwd, gate.env);
  const openings = [...opened, ...openingsOfSession(setup.session?.grants() ?? [], gate.home)];
  const { planned: plan, unopened, tidy } = planOpened(sandbox, gate.policy, place, PATHS, openings);
  try {
    if (plan.kind === "refused") return refuse(`${plan.why}; ${plan.hint}`);
    for (const { grant, why } of unopened)
      if (opened.some(({ path }) => path === grant.path)) notify(`${grant.path} was not opened: ${why}`);
    if (setup.stdio?.signal?.aborted === true) return refuse("it was interrupted before it began");
    const result = await sandbox.run(plan, shellCommand(plan, command), setup.stdio);
    recorder.run(result, plan.rung ?? "bubblewrap");
    return { kind: "ran", decision, confined: true, result };
  } catch (error) {
    if (error instanceof SandboxError)
      return refuse(`the sandbox could not be built: ${error.message}; ${error.hint}`);
    throw error;
  } finally {
    tidy();
  }
}
