import { statSync } from "node:fs";
import { join } from "node:path";
import type { Decision, Suggestion } from "../../core/call/decision.ts";
import type { HookFact } from "../../core/call/facts.ts";
import { stringAt } from "../../core/call/json.ts";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import type { Approval } from "../../core/layers/11-audit/record.ts";
import type { CallInput, Gate } from "../gate.ts";
import { findSandbox } from "../sandbox/ladder.ts";
import type { Probe } from "../sandbox/linux/probe.ts";
import type { RunOptions } from "../sandbox/linux/run.ts";
import type { Session } from "../session/session.ts";
import { stateDirectory } from "../settings/places.ts";
import { recordedTrust } from "../trust/belief.ts";
import { saveRule } from "../settings/save.ts";
import { type BoundaryAsker, approvedOpenings } from "./boundary.ts";
import { confine } from "./confine.ts";
import type { Hooked } from "./hooked.ts";
import { type Recorder, openRecorder } from "./recorder.ts";
import { runUnconfined } from "./unconfined.ts";

/** What a person is asked. */
export interface Question {
  readonly command: string;
  readonly cwd: string;
  readonly decision: Decision;
  /** The file in which an "always" would be kept. */
  readonly file: string;
  /** Why it would run without a sandbox; undefined where it would run in one. */
  readonly unconfined?: string | undefined;
}

export type Answer =
  | { readonly kind: "once" }
  | { readonly kind: "session" | "always"; readonly rules: readonly Suggestion[] }
  | { readonly kind: "deny"; readonly message?: string | undefined };

/** Puts a question to a person. `nobody`: there is none to ask; `timeout`: none answered in time. */
export type Asker = (question: Question, seconds: number) => Promise<Answer | "nobody" | "timeout">;

export type Outcome =
  | {
      readonly kind: "refused";
      /** `nobody`: there was none to ask, or none answered in time; `log`: the record is required. */
      readonly by: "gate" | "person" | "nobody" | "log" | "sandbox" | "start";
      readonly decision: Decision;
      /** Why it does not run, for the agent and the person. */
      readonly why: string;
      /** What hooks say to the agent about it. */
      readonly feedback?: readonly string[] | undefined;
    }
  | {
      readonly kind: "ran";
      readonly decision: Decision;
      readonly confined: boolean;
      readonly result: SandboxResult;
      /** What hooks say to the agent about it; they cannot undo it. */
      readonly feedback?: readonly string[] | undefined;
    };

export interface RunSetup {
  readonly ask: Asker;
  /** Asks about what the sandbox refused; without it a refusal is only told. */
  readonly askBoundary?: BoundaryAsker | undefined;
  readonly session?: Session | undefined;
  readonly clock?: (() => number) | undefined;
  readonly stdio?: RunOptions | undefined;
  /** A probe that was already made. */
  readonly probe?: Probe | undefined;
  /** Says something a person should know while the call goes on. */
  readonly notify?: ((text: string) => void) | undefined;
  /** The call is a session of its own: hooks for its start and its end run too. */
  readonly standalone?: boolean | undefined;
}

/**
 * Judges a Bash call, asks where it must, runs it in the sandbox and records both; the hooks of the
 * settings run around it.
 *
 * INVARIANT: nothing runs that neither the decision nor a person allowed; where the audit record
 * is required and cannot be written, nothing runs. What hooks change is decided as if it had come
 * so from the agent.
 */
export async function runCall(gate: Gate, input: CallInput, setup: RunSetup): Promise<Outcome> {
  const clock = setup.clock ?? Date.now;
  const notify = setup.notify ?? ((): void => undefined);
  const recorder = openRecorder(gate, "run", clock, notify);
  if (gate.policy.hooks.hooks.length === 0)
    return (await conduct(gate, input, setup, { clock, notify, recorder, hooked: undefined, stops: [] }))
      .outcome;
  const { openHooked } = await import("./hooked.ts");
  const hooked = openHooked(gate, setup, notify);
  const stops = setup.standalone === true ? await hooked.start(recorder) : [];
  try {
    const done = await conduct(gate, input, setup, { clock, notify, recorder, hooked, stops });
    const feedback = await hooked.after(done.outcome, done.call, recorder);
    return feedback.length === 0 ? done.outcome : { ...done.outcome, feedback };
  } finally {
    if (setup.standalone === true) await hooked.end(recorder);
  }
}

/** What one call is conducted with. */
interface Means {
  readonly clock: () => number;
  readonly notify: (text: string) => void;
  readonly recorder: Recorder;
  /** Undefined where the settings have no hooks. */
  readonly hooked: Hooked | undefined;
  /** Answers of hooks that were given before the call. */
  readonly stops: readonly HookFact[];
}

async function conduct(
  gate: Gate,
  input: CallInput,
  setup: RunSetup,
  { clock, notify, recorder, hooked, stops }: Means,
): Promise<{ readonly outcome: Outcome; readonly call: CallInput }> {
  const { sandbox } = gate.policy;
  const probe = sandbox.enabled ? (setup.probe ?? (await findSandboxFor(gate))) : undefined;
  const confined = probe?.kind === "available";
  const fault = probe?.kind === "unavailable" ? `${probe.why} (cure: ${probe.cure})` : undefined;
  const given: CallInput = { ...input, sandboxed: confined, session: setup.session?.id };

  const started = clock();
  const grants = setup.session === undefined ? {} : { grants: setup.session.grants() };
  const known = { ...grants, sandboxFault: fault, hooks: stops };
  const judged = stops.length === 0 ? await hooked?.judge(given, known) : undefined;
  const call = judged?.input ?? given;
  const command = stringAt(call.input, "command") ?? "";
  const decision = judged?.decision ?? gate.decide(call, known);
  const duration = clock() - started;
  const unconfined = confined ? undefined : (fault ?? "the settings switch the sandbox off");
  const asked =
    decision.verdict === "ask"
      ? await putQuestion(gate, command, decision, unconfined, setup, clock)
      : undefined;
  if (!recorder.decision(gate.call(call), decision, asked?.approval, duration, judged?.records)) {
    const why = "the audit record is required and could not be written";
    return { outcome: { kind: "refused", by: "log", decision, why }, call };
  }
  const allowed = decision.verdict === "allow" || asked?.approval.answer === "allowed";
  if (!allowed) {
    const by = asked === undefined ? "gate" : asked.approval.by === "nobody" ? "nobody" : "person";
    return { outcome: { kind: "refused", by, decision, why: asked?.why ?? decision.why }, call };
  }
  for (const rule of judged?.grants ?? []) grantFor(setup, rule, notify);
  const answer = asked?.answer;
  if (answer?.kind === "session" || answer?.kind === "always") {
    const rules = answer.rules.map(({ rule }) => rule);
    await keep(gate, { kind: answer.kind, rules }, setup, { notify, hooked, recorder });
  }
  const outcome =
    probe?.kind === "available"
      ? await confine({
          gate,
          probe,
          command,
          call,
          decision,
          approved: asked?.answer === undefined ? [] : approvedOpenings(gate, call, decision),
          known,
          setup,
          clock,
          notify,
          recorder,
          nextRecorder: () => openRecorder(gate, "run", clock, notify),
          keep: (kind, rules) => keep(gate, { kind, rules }, setup, { notify, hooked, recorder }),
          file: localSettings(gate),
        })
      : await unconfine(command, call.cwd ?? gate.cwd, decision, recorder, setup);
  return { outcome, call };
}

function findSandboxFor({ policy, env, home }: Gate): Promise<Probe> {
  const { bwrapPath, lowestRung } = policy.sandbox;
  return findSandbox({ bwrapPath, lowest: lowestRung, environment: env, home });
}

async function unconfine(
  command: string,
  cwd: string,
  decision: Decision,
  recorder: Recorder,
  setup: RunSetup,
): Promise<Outcome> {
  const refuse = (why: string): Outcome => {
    recorder.refusal(why);
    return { kind: "refused", by: "start", decision, why };
  };
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
    return refuse(`${cwd} is no directory; start in a directory that exists`);
  if (setup.stdio?.signal?.aborted === true) return refuse("it was interrupted before it began");
  try {
    const result = await runUnconfined(command, cwd, setup.stdio);
    recorder.run(result, undefined);
    return { kind: "ran", decision, confined: false, result };
  } catch (error) {
    return refuse(`bash could not be started: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Asked {
  readonly approval: Approval;
  readonly why?: string | undefined;
  readonly answer?: Answer | undefined;
}

async function putQuestion(
  gate: Gate,
  command: string,
  decision: Decision,
  unconfined: string | undefined,
  setup: RunSetup,
  clock: () => number,
): Promise<Asked> {
  const started = clock();
  const seconds = gate.policy.cordon.approvalTimeout;
  const file = localSettings(gate);
  const answer = await setup.ask({ command, cwd: gate.cwd, decision, file, unconfined }, seconds);
  const waited = clock() - started;
  if (answer === "nobody") {
    return {
      approval: { answer: "unavailable", by: "nobody", shown: false, waited },
      why: `${decision.why}; nobody is there to ask`,
    };
  }
  if (answer === "timeout") {
    return {
      approval: { answer: "timeout", by: "nobody", shown: true, waited },
      why: `${decision.why}; nobody answered within ${seconds} seconds`,
    };
  }
  const by = { by: "terminal", shown: true, waited } as const;
  if (answer.kind === "deny") {
    const said = answer.message === undefined ? "" : `: ${answer.message}`;
    return { approval: { answer: "denied", ...by, note: answer.message }, why: `the person said no${said}` };
  }
  const note = answer.kind === "once" ? undefined : answer.rules.map(({ rule }) => rule).join(", ");
  return { approval: { answer: "allowed", ...by, scope: answer.kind, note }, answer };
}

/** Allows for the session what a hook of the person allows. Said either way: nobody was asked. */
function grantFor({ session }: RunSetup, rule: string, notify: (text: string) => void): void {
  try {
    if (session === undefined) throw new Error("there is no session");
    session.grant(rule);
    notify(`a hook allows \`${rule}\` for this session`);
  } catch (error) {
    notify(`\`${rule}\` could not be kept: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Remembers an answer. What cannot be kept is said and changes nothing about this call. */
async function keep(
  gate: Gate,
  answer: { readonly kind: "session" | "always"; readonly rules: readonly string[] },
  setup: RunSetup,
  { notify, hooked, recorder }: Pick<Means, "notify" | "hooked" | "recorder">,
): Promise<void> {
  const blocked =
    answer.kind === "always" ? await hooked?.change("local", localSettings(gate), recorder) : undefined;
  if (blocked !== undefined) {
    notify(`${answer.rules.map((rule) => `\`${rule}\``).join(", ")} was not kept: ${blocked}`);
    return;
  }
  for (const rule of answer.rules) {
    try {
      if (answer.kind === "session") setup.session?.grant(rule);
      else
        saveRule({
          file: localSettings(gate),
          effect: "allow",
          rule,
          state: stateDirectory(gate.env, gate.home),
          trusted: (file, bytes) => recordedTrust(gate)(file, bytes) === true,
        });
    } catch (error) {
      notify(`\`${rule}\` could not be kept: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Where "always" is kept: personal, in the project. */
function localSettings(gate: Gate): string {
  return join(gate.root, ".cordon", "settings.local.json");
}
