import { randomUUID } from "node:crypto";
import type { HookFact } from "../../core/call/facts.ts";
import type { JsonObject } from "../../core/call/json.ts";
import { type RanHook, labelOf } from "../../core/hooks/combine.ts";
import { hookRecord } from "../../core/hooks/record.ts";
import { limitText } from "../../core/layers/9-sandbox/limits.ts";
import { refusalText } from "../../core/layers/9-sandbox/refusals.ts";
import { placeOfHook } from "../../core/settings/hooks.ts";
import type { SettingsScope } from "../../core/settings/source.ts";
import type { CallInput, Gate, KnownFacts } from "../gate.ts";
import { type ToolEvent, openCallHooks } from "../hooks/call-hooks.ts";
import { type SessionEvent, blockedChange, remarksOf, runSessionHooks } from "../hooks/session-hooks.ts";
import { type Judged, judgeWithHooks } from "./judge.ts";
import type { Recorder } from "./recorder.ts";
import type { Outcome, RunSetup } from "./run-call.ts";

/** The hooks around one call that cordon runs. Nothing here rejects. */
export interface Hooked {
  /** The call as the hooks leave it, and the decision with what they say. */
  readonly judge: (input: CallInput, known: KnownFacts) => Promise<Judged>;
  /** Runs the hooks for what became of the call; what they say to the agent. */
  readonly after: (outcome: Outcome, input: CallInput, recorder: Recorder) => Promise<readonly string[]>;
  /** Begins a session of one call; facts that stop it. */
  readonly start: (recorder: Recorder) => Promise<readonly HookFact[]>;
  readonly end: (recorder: Recorder) => Promise<void>;
  /** Why a rule must not be saved; undefined where no hook minds. */
  readonly change: (scope: SettingsScope, file: string, recorder: Recorder) => Promise<string | undefined>;
}

/** Milliseconds that hooks have after an interruption. */
const AFTER_INTERRUPTION = 5_000;
/** Characters of each output that are told. */
const OUTPUT = 100_000;

/** Opens the hooks of one call. `notify` is told what they have to say to the person. */
export function openHooked(gate: Gate, setup: RunSetup, notify: (text: string) => void): Hooked {
  const session = setup.session?.id ?? randomUUID();
  const signal = setup.stdio?.signal;
  const later = (): AbortSignal | undefined =>
    signal?.aborted === true ? AbortSignal.timeout(AFTER_INTERRUPTION) : signal;
  const tell = (ran: readonly RanHook[]): void => {
    for (const each of ran) for (const line of remarksOf([each], each.hook.event)) notify(line);
  };
  const onSession = async (event: SessionEvent, recorder: Recorder): Promise<readonly RanHook[]> => {
    const ran = await runSessionHooks(gate, event, { session, signal: later() });
    tell(ran);
    recorder.hooks(
      ran.map((each) => hookRecord(each, undefined)),
      session,
    );
    return ran;
  };
  // What hooks add before the call is for the agent as well, and there is one answer to it.
  const added: string[] = [];
  return {
    judge: async (input, known) => {
      const judged = await judgeWithHooks(gate, input, known, openCallHooks(gate, session, signal));
      tell(judged.ran);
      for (const line of judged.undone) notify(line);
      added.push(...judged.ran.flatMap(({ answer }) => answer.context ?? []));
      const changed = judged.ran.filter(
        ({ answer, hook }) =>
          hook.decides && answer.input !== undefined && judged.input.input === answer.input,
      );
      for (const { hook } of changed.slice(0, 1)) notify(`the hook ${labelOf(hook)} changed the input`);
      return judged;
    },
    after: async (outcome, input, recorder) => {
      const { event, payload } = afterwards(outcome, gate.home);
      const ran = await openCallHooks(gate, session, later()).run(event, input, payload);
      tell(ran);
      recorder.hooks(ran.map((each) => hookRecord(each, undefined)));
      const after = ran.flatMap(({ answer: { decision, reason, stop, context } }) => [
        ...(decision === "deny" && reason !== "" ? [reason] : []),
        ...(stop === undefined || stop === "" ? [] : [stop]),
        ...(context === undefined ? [] : [context]),
      ]);
      return [...new Set([...added, ...after])];
    },
    start: async (recorder) => {
      const ran = await onSession({ event: "SessionStart", source: "startup" }, recorder);
      return ran.flatMap(({ hook, answer }): readonly HookFact[] =>
        answer.stop === undefined || !hook.decides
          ? []
          : [
              {
                name: hook.name,
                source: placeOfHook(hook),
                decision: "deny",
                because: "stop",
                why: answer.stop,
              },
            ],
      );
    },
    end: async (recorder) => {
      await onSession({ event: "SessionEnd", reason: "other" }, recorder);
    },
    change: async (scope, file, recorder) =>
      blockedChange(await onSession({ event: "ConfigChange", scope, file }, recorder), scope)?.why,
  };
}

/** The event for what became of a call, and its own fields. */
function afterwards(
  outcome: Outcome,
  home: string,
): { readonly event: ToolEvent; readonly payload: JsonObject } {
  if (outcome.kind === "refused") {
    return outcome.by === "sandbox" || outcome.by === "start"
      ? { event: "PostToolUseFailure", payload: { error: outcome.why, is_interrupt: false } }
      : { event: "PermissionDenied", payload: { reason: outcome.why } };
  }
  const { status, ended, durationMs, stdout, stderr, limits, refusals = [] } = outcome.result;
  const interrupted = ended === "aborted";
  const time = { duration_ms: Math.round(durationMs) };
  // What went straight to the terminal nobody saw; empty texts would say that there was nothing.
  const response = {
    ...(stdout === undefined ? {} : { stdout: shown(stdout) }),
    ...(stderr === undefined ? {} : { stderr: shown(stderr) }),
    interrupted,
    isImage: false,
    exit_code: status,
  };
  if (ended === "exited" && status === 0) {
    return { event: "PostToolUse", payload: { tool_response: response, ...time } };
  }
  const how =
    ended === "exited"
      ? `exit status ${status}`
      : ended === "aborted"
        ? "it was interrupted"
        : "it was ended for a limit";
  const text = shown(stderr ?? new Uint8Array());
  const told = [...limits.map(limitText), ...refusals.map((refusal) => refusalText(refusal, home))];
  const error = [how, ...(text === "" ? [] : [text]), ...told].join("\n");
  return {
    event: "PostToolUseFailure",
    payload: { error, is_interrupt: interrupted, exit_code: status, ...time },
  };
}

/** Empty where the output went to the terminal. */
function shown(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8").slice(0, OUTPUT);
}
