import type { AskKind } from "../../call/ask.ts";
import type { ToolCall } from "../../call/call.ts";
import type { Code } from "../../call/codes.ts";
import type { Decision } from "../../call/decision.ts";
import type { Effect, Verdict } from "../../call/effect.ts";
import type { JsonObject } from "../../call/json.ts";
import type { Mode } from "../../call/mode.ts";
import type { Layer, Opinion, RuleRef } from "../../call/opinion.ts";
import { clip, LIMITS, normaliseInput, quoted, type Digest } from "./normalise.ts";

/** The tables and settings a decision was made with. */
export interface Grounds {
  /** `Policy.fingerprint`. */
  readonly policy: string;
  /** Hash of the generated tables of commands and paths. */
  readonly tables: string;
}

/** How an ask ended. */
export interface Approval {
  readonly answer: "allowed" | "denied" | "timeout" | "unavailable";
  /** Who answered: a person at the terminal, the agent's own prompt, a remote console, nobody. */
  readonly by: "terminal" | "agent" | "remote" | "nobody";
  /** How long the answer holds. */
  readonly scope?: "once" | "session" | "always" | undefined;
  /** A person saw the question. */
  readonly shown: boolean;
  /** Milliseconds between question and answer. */
  readonly waited: number;
  /** What the person wrote, or the rule that was saved. */
  readonly note?: string | undefined;
}

/** Something a command left that it must not leave. */
export interface Violation {
  /** `planted`, `replaced`, `changed`, `uninspected`. */
  readonly kind: string;
  /** The path. */
  readonly subject: string;
  /** Who would run or believe it. */
  readonly rule?: string | undefined;
}

/** Something the sandbox refused. */
export interface RefusalRecord {
  /** `write`, `read`, `connect`, `exec`, `namespace`. */
  readonly kind: string;
  /** The path or host; empty where there is none. */
  readonly subject: string;
  /** The rule, setting or list that refused it. */
  readonly rule: string;
  readonly why: string;
  /** False: the command's own output says so. */
  readonly certain: boolean;
}

/** A limit that ended a command or was seen to bind. */
export interface LimitRecord {
  readonly kind: string;
  readonly allowed: number;
  /** What the person and the agent were told, such as `killed: 2 GiB memory limit`. */
  readonly text?: string | undefined;
}

/** What became of a call that was let through. */
export interface RunResult {
  /** Exit status, where the process ended by itself. */
  readonly status?: number | undefined;
  readonly signal?: string | undefined;
  /** Why nothing ran, or why cordon ended it. */
  readonly refused?: string | undefined;
  readonly sandbox: {
    /** The rung: `native`, `bubblewrap`, `landlock`; `seatbelt`, `container`; `none` where it ran without one. */
    readonly kind: string;
    /** Hash of the sandbox's plan. */
    readonly plan?: string | undefined;
    readonly violations: readonly Violation[];
    /** Absent where nothing was refused, or nobody looked. */
    readonly refusals?: readonly RefusalRecord[] | undefined;
    readonly limits?: readonly LimitRecord[] | undefined;
    /** How many of all these did not fit; absent when all did. */
    readonly omitted?: number | undefined;
  };
}

/** One layer's opinion as it is stored: the same words the prompt and `explain` print. */
export interface OpinionRecord {
  readonly layer: Layer;
  readonly effect: Effect;
  readonly code: Code;
  readonly why: string;
  readonly kind?: AskKind | undefined;
  readonly answers?: string | undefined;
  readonly part?: number | undefined;
  readonly subject?: string | undefined;
  readonly rule?: RuleRef | undefined;
}

/** One part of a compound command. */
export interface PartRecord {
  /** Its place in the command, from 0. */
  readonly part: number;
  readonly command: string;
  readonly decision: Verdict;
  readonly code: Code;
}

/** One hook that was run for a call or a session. */
export interface HookRecord {
  readonly event: string;
  readonly name: string;
  /** `file:line` of the settings it stands in. */
  readonly source: string;
  readonly scope: string;
  readonly answer: "allow" | "ask" | "deny" | "none" | "stop";
  readonly reason?: string | undefined;
  /** How it failed. */
  readonly failure?: string | undefined;
  /** It wanted another input than the call has. */
  readonly changed?: true | undefined;
  /** Milliseconds. */
  readonly duration: number;
}

/** One decision on one call. */
export interface DecisionRecord {
  readonly type: "decision";
  /** Joins the decision with its run. */
  readonly id: string;
  readonly session?: string | undefined;
  readonly agent?: string | undefined;
  readonly tool: string;
  readonly input: JsonObject;
  readonly cwd: string;
  readonly root: string;
  readonly sandboxed: boolean;
  readonly mode: Mode;
  readonly verdict: Verdict;
  readonly code: Code;
  readonly layer: Layer;
  readonly why: string;
  readonly kind?: AskKind | undefined;
  readonly rule?: RuleRef | undefined;
  /** Which of `parts` decided. */
  readonly part?: number | undefined;
  readonly parts: readonly PartRecord[];
  readonly opinions: readonly OpinionRecord[];
  /** How many opinions and parts did not fit; absent when all did. */
  readonly omitted?:
    | { readonly opinions: number; readonly parts: number; readonly hooks?: number | undefined }
    | undefined;
  /** Absent where none ran. */
  readonly hooks?: readonly HookRecord[] | undefined;
  readonly approval?: Approval | undefined;
  readonly grounds: Grounds;
  /** Milliseconds from call to verdict, without waiting for a person. */
  readonly duration: number;
}

/** What became of one call. */
export interface RunRecord {
  readonly type: "run";
  /** The decision's. */
  readonly id: string;
  readonly session?: string | undefined;
  readonly agent?: string | undefined;
  readonly tool: string;
  readonly result: RunResult;
  /** Milliseconds. */
  readonly duration: number;
}

/** Hooks that ran after a call, or for a session. */
export interface HooksRecord {
  readonly type: "hooks";
  /** The decision's, where there is one. */
  readonly id: string;
  readonly session?: string | undefined;
  readonly agent?: string | undefined;
  readonly tool?: string | undefined;
  readonly hooks: readonly HookRecord[];
  /** How many did not fit. */
  readonly omitted?: number | undefined;
}

export type AuditRecord = DecisionRecord | RunRecord | HooksRecord;

/** Everything a decision's record is made from. */
export interface DecisionInput {
  readonly id: string;
  readonly call: ToolCall;
  readonly decision: Decision;
  readonly approval?: Approval | undefined;
  readonly hooks?: readonly HookRecord[] | undefined;
  readonly grounds: Grounds;
  /** Milliseconds. */
  readonly duration: number;
  readonly digest: Digest;
}

/** Opinions in the order they were given, the strictest first to stay when there are too many. */
function kept(opinions: readonly Opinion[]): readonly Opinion[] {
  const said = opinions.filter((opinion) => opinion.effect !== "pass");
  if (said.length <= LIMITS.items) return said;
  const weight = (opinion: Opinion): number =>
    opinion.effect === "deny" ? 0 : opinion.effect === "ask" ? 1 : 2;
  const stay = new Set([...said].sort((a, b) => weight(a) - weight(b)).slice(0, LIMITS.items));
  return said.filter((opinion) => stay.has(opinion));
}

/** Those that answered or failed stay when there are too many; what they say is redacted. */
function keptHooks(
  hooks: readonly HookRecord[],
  say: (text: string) => string,
): { readonly hooks: readonly HookRecord[]; readonly omitted: number } {
  const tells = (each: HookRecord): number =>
    each.answer !== "none" || each.failure !== undefined || each.changed === true ? 0 : 1;
  const chosen = [...hooks].sort((a, b) => tells(a) - tells(b)).slice(0, LIMITS.items);
  return {
    hooks: chosen.map((each) => ({
      ...each,
      name: say(each.name),
      source: say(each.source),
      reason: each.reason === undefined ? undefined : say(each.reason),
      failure: each.failure === undefined ? undefined : say(each.failure),
    })),
    omitted: hooks.length - chosen.length,
  };
}

/**
 * The record of one decision: the normalised call, the verdict and why, without secrets and
 * without file contents.
 *
 * INVARIANT: bounded in size; texts that quote the call are redacted with the secrets found in
 * the call. The environment, session grants and suggestions are not in it.
 */
export function decisionRecord(from: DecisionInput): DecisionRecord {
  const { call, decision } = from;
  const { input, found } = normaliseInput(call, from.digest);
  // Words recur in reasons, parts and rules: each is looked at once.
  const seen = new Map<string, string>();
  const say = (text: string, limit: number = LIMITS.text): string => {
    const before = seen.get(text) ?? quoted(text, found, LIMITS.command);
    seen.set(text, before);
    return clip(before, limit);
  };
  const maybe = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : say(text);
  const rule = (ref: RuleRef | undefined): RuleRef | undefined =>
    ref === undefined ? undefined : { ...ref, text: say(ref.text), file: maybe(ref.file) };

  const opinions = kept(decision.opinions);
  const parts = decision.parts
    .map((part, index) => ({ ...part, index }))
    .filter((part) => part.index < LIMITS.items || part.index === decision.part);
  const hooks = keptHooks(from.hooks ?? [], say);
  const omitted = {
    opinions: decision.opinions.filter((opinion) => opinion.effect !== "pass").length - opinions.length,
    parts: decision.parts.length - parts.length,
    ...(hooks.omitted > 0 ? { hooks: hooks.omitted } : {}),
  };
  return {
    type: "decision",
    id: from.id,
    session: maybe(call.session),
    agent: maybe(call.agent),
    tool: say(call.tool, LIMITS.name),
    input,
    cwd: say(call.cwd),
    root: say(call.root),
    sandboxed: call.sandboxed === true,
    mode: decision.mode,
    verdict: decision.verdict,
    code: decision.code,
    layer: decision.layer,
    why: say(decision.why),
    kind: decision.kind,
    rule: rule(decision.rule),
    part: decision.part,
    parts: parts.map((part) => ({
      part: part.index,
      command: say(part.command),
      decision: part.decision,
      code: part.code,
    })),
    opinions: opinions.map((opinion) => ({
      layer: opinion.layer,
      effect: opinion.effect,
      code: opinion.code,
      why: say(opinion.why),
      kind: opinion.kind,
      answers: opinion.answers,
      part: opinion.part,
      subject: maybe(opinion.subject),
      rule: rule(opinion.rule),
    })),
    omitted: omitted.opinions + omitted.parts + hooks.omitted > 0 ? omitted : undefined,
    hooks: hooks.hooks.length > 0 ? hooks.hooks : undefined,
    approval: from.approval === undefined ? undefined : { ...from.approval, note: maybe(from.approval.note) },
    grounds: from.grounds,
    duration: from.duration,
  };
}

/** Everything a run's record is made from. */
export interface RunInput {
  readonly id: string;
  readonly call: ToolCall;
  readonly result: RunResult;
  /** Milliseconds. */
  readonly duration: number;
  readonly digest: Digest;
}

/** The record of what became of a call: status, sandbox and what the sandbox refused. No output. */
export function runRecord(from: RunInput): RunRecord {
  const { found } = normaliseInput(from.call, from.digest);
  const say = (text: string): string => quoted(text, found);
  const short = (text: string): string => clip(say(text), LIMITS.text);
  const { result } = from;
  const { violations, refusals = [], limits = [] } = result.sandbox;
  const omitted = [violations, refusals, limits].reduce(
    (sum, list) => sum + Math.max(0, list.length - LIMITS.items),
    0,
  );
  return {
    type: "run",
    id: from.id,
    session: from.call.session === undefined ? undefined : say(from.call.session),
    agent: from.call.agent === undefined ? undefined : say(from.call.agent),
    tool: clip(say(from.call.tool), LIMITS.name),
    result: {
      status: result.status,
      signal: result.signal,
      refused: result.refused === undefined ? undefined : say(result.refused),
      sandbox: {
        kind: result.sandbox.kind,
        plan: result.sandbox.plan,
        violations: violations.slice(0, LIMITS.items).map((violation) => ({
          kind: violation.kind,
          subject: short(violation.subject),
          rule: violation.rule === undefined ? undefined : short(violation.rule),
        })),
        refusals:
          refusals.length === 0
            ? undefined
            : refusals.slice(0, LIMITS.items).map((refusal) => ({
                kind: refusal.kind,
                subject: short(refusal.subject),
                rule: short(refusal.rule),
                why: short(refusal.why),
                certain: refusal.certain,
              })),
        limits: limits.length === 0 ? undefined : limits.slice(0, LIMITS.items),
        omitted: omitted === 0 ? undefined : omitted,
      },
    },
    duration: from.duration,
  };
}

/** The record of hooks that ran after a call, or for a session. */
export function hooksRecord(from: {
  readonly id: string;
  /** Undefined for the hooks of a session. */
  readonly call?: ToolCall | undefined;
  readonly session?: string | undefined;
  readonly hooks: readonly HookRecord[];
  readonly digest: Digest;
}): HooksRecord {
  const found = from.call === undefined ? [] : normaliseInput(from.call, from.digest).found;
  const say = (text: string): string => clip(quoted(text, found), LIMITS.text);
  const maybe = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : say(text);
  const { hooks, omitted } = keptHooks(from.hooks, say);
  return {
    type: "hooks",
    id: from.id,
    session: maybe(from.call?.session ?? from.session),
    agent: maybe(from.call?.agent),
    tool: maybe(from.call?.tool),
    hooks,
    omitted: omitted > 0 ? omitted : undefined,
  };
}
