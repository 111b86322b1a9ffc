import { existsSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import {
  type HookAnswer,
  answerFor,
  refusal,
  renderAnswer,
  renderSessionStart,
} from "../agents/claude-code/answer.ts";
import { canAsk } from "../agents/claude-code/askable.ts";
import { ANSWER_BY } from "../agents/claude-code/hook-command.ts";
import { type HookCall, readPayload, readSessionStart } from "../agents/claude-code/payload.ts";
import { repeatedReason } from "../agents/claude-code/reason.ts";
import {
  type NamedOpening,
  type OpeningRequest,
  type SandboxEntry,
  intoSandbox,
  outOfSandbox,
  requestIn,
} from "../agents/claude-code/rewrite.ts";
import type { Decision } from "../core/call/decision.ts";
import type { Grant } from "../core/call/facts.ts";
import { type JsonObject, stringAt } from "../core/call/json.ts";
import { type Mode, atLeastAsStrict } from "../core/call/mode.ts";
import { absolute } from "../core/call/path.ts";
import type { Approval } from "../core/layers/11-audit/record.ts";
import { asksToLeave } from "../core/layers/6-command/escape.ts";
import { STOP_AFTER, countsAsDenial, denialPattern } from "../core/layers/8-approval/denials.ts";
import { TOOLS, canonicalTool } from "../core/settings/tools.ts";
import { launcherPath } from "../host/agents/launcher.ts";
import { type Gate, createGate } from "../host/gate.ts";
import { openRecorder } from "../host/run/recorder.ts";
import { openingsOfSession } from "../core/layers/9-sandbox/opened.ts";
import type { LadderOptions } from "../host/sandbox/ladder.ts";
import type { Probe } from "../host/sandbox/linux/probe.ts";
import { placeAt } from "../host/sandbox/refused.ts";
import { type Session, openSession, runtimeDirectory, sessionId } from "../host/session/session.ts";
import { insideProject } from "../host/trust/surroundings.ts";
import { type Command, type Terminal, printable } from "./command.ts";
import { tidyLog } from "./tidy-log.ts";

/** Largest payload that is read, in bytes. */
const LARGEST = 64 * 1024 * 1024;
/** The status that blocks a call whatever is printed. */
const BLOCK = 2;

/** Events of the agent that need no answer, without separators and in lower case. */
const SILENT: ReadonlySet<string> = new Set(
  (
    "posttooluse posttoolusefailure posttoolbatch notification userpromptsubmit userpromptexpansion " +
    "sessionend stop stopfailure subagentstart subagentstop precompact postcompact " +
    "premodelswitch postmodelswitch permissionrequest permissiondenied setup teammateidle taskcreated " +
    "taskcompleted elicitation elicitationresult configchange worktreecreate worktreeremove " +
    "instructionsloaded cwdchanged filechanged directoryadded messagedisplay"
  ).split(" "),
);

const HELP = `usage: cordon hook claude-code [pre-tool-use] < payload.json

Answers a hook of a coding agent: reads the payload on standard input, prints what the agent's
schema wants and nothing else. \`cordon install claude-code\` sets the agent up to call it.

Nothing printed means that the agent goes on as it would without cordon, and so does an answer
that holds context and no decision. Whatever goes wrong here is a denial. session-start is answered
with what was denied in the session; other events are read and not answered.

exit status: 0 answered, 2 the call is blocked whatever was printed

examples:
  cordon install claude-code
  printf '{"cwd":"%s","tool_name":"Bash","tool_input":{"command":"git push -f origin main"}}' "$PWD" |
    cordon hook claude-code pre-tool-use
`;

/** Finds out whether commands can be confined here. */
export type SandboxLook = (options: LadderOptions) => Promise<Probe>;

/** Loaded only where it is needed: start-up is on the path of every call. */
const lookAtMachine: SandboxLook = async (options) =>
  (await import("../host/sandbox/ladder.ts")).findSandbox(options);

export const command: Command = hookWith(lookAtMachine);

/** The command with its look at the machine's sandbox. */
export function hookWith(probe: SandboxLook): Command {
  return {
    name: "hook",
    summary: "answer a hook of a coding agent",
    help: HELP,
    run: async (argv, io) => answerHook(argv, io, probe),
  };
}

async function answerHook(argv: readonly string[], io: Terminal, probe: SandboxLook): Promise<number> {
  const [agent, event = "pre-tool-use", ...more] = argv;
  if (agent !== "claude-code")
    return blocked(io, agent === undefined ? "no agent is named" : `there is no agent \`${agent}\``);
  if (more.length > 0) return blocked(io, `\`${more[0] ?? ""}\` is too many`);
  const name = event.replace(/[-_]/g, "").toLowerCase();
  if (SILENT.has(name)) {
    for await (const _ of io.stdin);
    return 0;
  }
  if (name === "sessionstart") return answerStart(io);
  if (name !== "pretooluse") return blocked(io, `there is no event \`${event}\``);
  try {
    const text = renderAnswer(await inTime(answer(io, probe)));
    // One write, at the very end: half an answer would be none, and the call would run.
    if (text !== "") io.stdout(text);
    return 0;
  } catch (error) {
    return blocked(io, `the answer could not be given: ${messageOf(error)}`);
  }
}

/**
 * Tells the agent at the start of a context what was denied in its session. There is nothing to block
 * here: what cannot be read or told is left out.
 */
async function answerStart(io: Terminal): Promise<number> {
  try {
    const text = await readInput(io.stdin);
    const start = typeof text === "string" ? readSessionStart(text) : undefined;
    if (start === undefined) return 0;
    const session = sessionOf(start.session, io);
    // Measured: what hooks added is not there any more, so instructions are passed on anew.
    session.forgetTold();
    const { denialsToPass } = await import("../host/session/pass-on.ts");
    const said = renderSessionStart(denialsToPass(session, printable));
    if (said !== "") io.stdout(said);
  } catch {
    // An agent that is not told goes on all the same; its calls are gated.
  }
  return 0;
}

function sessionOf(named: string | undefined, io: Terminal): Session {
  return openSession(sessionId(named, io.env), runtimeDirectory(io.env, io.home));
}

/** Blocks the call without an answer: on standard error, which the agent shows, and by the status. */
function blocked(io: Terminal, why: string): number {
  io.stderr(`cordon: ${printable(why)}\n`);
  return BLOCK;
}

/** The answer, or a refusal when it is not there in time; what still comes of the work goes nowhere. */
async function inTime(work: Promise<HookAnswer>): Promise<HookAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<HookAnswer>((resolve) => {
    timer = setTimeout(() => resolve(refusal("it took too long")), ANSWER_BY);
  });
  const first = await Promise.race([work, deadline]);
  clearTimeout(timer);
  return first;
}

/** Never rejects: whatever fails on the way is a refusal. */
async function answer(io: Terminal, probe: SandboxLook): Promise<HookAnswer> {
  try {
    const text = await readInput(io.stdin);
    if (typeof text !== "string") return refusal(text.fault);
    const payload = readPayload(text);
    if (payload.kind === "fault") return refusal(payload.why);
    return shown(await judge(payload.call, io, probe));
  } catch (error) {
    return shown(refusal(messageOf(error)));
  }
}

/** The whole of standard input as text, or why it cannot be had. */
async function readInput(stdin: AsyncIterable<Uint8Array>): Promise<string | { readonly fault: string }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stdin) {
    size += part.length;
    if (size > LARGEST) return { fault: "the payload has more than 64 MB" };
    parts.push(part);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch {
    return { fault: "the payload is not written in UTF-8" };
  }
}

/** A question that nobody will see. */
const UNASKED: Approval = { answer: "unavailable", by: "nobody", shown: false, waited: 0 };

async function judge(call: HookCall, io: Terminal, probe: SandboxLook): Promise<HookAnswer> {
  const started = process.uptime();
  const gate = createGate({ cwd: call.cwd, root: projectRoot(io, call.cwd), home: io.home, env: io.env });
  const session = sessionOf(call.session, io);
  // Standard error is the agent's: trouble with the log shows only where the record is required.
  const recorder = openRecorder(gate, "hook", Date.now, () => undefined);
  const grants = grantsOf(session, gate);
  const { input, sandboxed, fault, opens } = await confinement(gate, call, probe, grants, recorder.id);
  const asked = {
    tool: call.tool,
    input,
    mode: call.mode ?? strictMode(gate),
    sandboxed: sandboxed !== undefined,
    opens,
    session: call.session,
    agent: agentOf(call),
  };
  const decision = gate.decide(asked, { sandboxFault: fault, grants });
  const approval = decision.verdict === "ask" && !canAsk(call, decision) ? UNASKED : undefined;
  const recorded = recorder.decision(
    gate.call(asked),
    decision,
    approval,
    (process.uptime() - started) * 1_000,
  );
  if (!recorded && decision.verdict !== "deny")
    return refusal("the audit record is required and could not be written");
  tidyLog(gate, "hook");
  const said = answerFor(call, decision, { autoApprove: gate.policy.cordon.hook.autoApprove, sandboxed });
  if (said.decision !== "deny") return { ...said, context: await instructions(call, gate, session) };
  const count = noteDenial(call, decision, session);
  return {
    ...said,
    reason: repeatedReason(said.reason, count),
    context: count === STOP_AFTER ? await denials(session) : undefined,
  };
}

/** How often the session was denied this; 0 for what is no denial of the call. Nothing that goes wrong here changes the answer. */
function noteDenial(call: HookCall, decision: Decision, session: Session): number {
  if (!countsAsDenial(decision)) return 0;
  try {
    const { tool, code } = { tool: canonicalTool(call.tool), code: decision.code };
    return session.deny({
      tool,
      pattern: denialPattern(call, decision),
      code,
      time: new Date().toISOString(),
    });
  } catch {
    return 0;
  }
}

/** What the person allowed for this session. */
function grantsOf(session: Session, gate: Gate): readonly Grant[] {
  const grants = session.grants();
  // The agent's variables may come from the project, and name a store that lies in its checkout.
  return grants.length > 0 && insideProject(runtimeDirectory(gate.env, gate.home), gate) ? [] : grants;
}

/** Where instructions may lie; one look at each, and nothing is loaded where there are none. */
const RULES = [".claude/rules", ".cordon/rules"] as const;

/** The instructions about the file a call names. Nothing that goes wrong here changes the answer. */
async function instructions(call: HookCall, gate: Gate, session: Session): Promise<string | undefined> {
  const files = (TOOLS.get(canonicalTool(call.tool))?.paths ?? []).flatMap((field) => {
    const path = stringAt(call.input, field);
    return path === undefined || path === "" ? [] : [absolute(gate.cwd, path)];
  });
  const { root, home, env, policy } = gate;
  if (files.length === 0) return undefined;
  if (![root, home].some((top) => RULES.some((place) => existsSync(join(top, place))))) return undefined;
  try {
    const { instructionsToPass } = await import("../host/session/pass-on.ts");
    const waiting = policy.ignored.files.length > 0 || policy.hooks.ignored > 0;
    const reader = call.reader ?? "";
    return instructionsToPass({ root, home, env, files, session, reader, waiting, escape: printable });
  } catch {
    return undefined;
  }
}

/** What else was denied, where it is more than what the reason names. */
async function denials(session: Session): Promise<string | undefined> {
  const { denialsToPass } = await import("../host/session/pass-on.ts");
  return denialsToPass(session, printable, 2);
}

/** The project the agent was started in, where it says so and there is such a directory; else where it is. */
function projectRoot(io: Terminal, cwd: string): string {
  const named = io.env["CLAUDE_PROJECT_DIR"];
  const exists =
    named !== undefined &&
    isAbsolute(named) &&
    statSync(named, { throwIfNoEntry: false })?.isDirectory() === true;
  return exists ? named : cwd;
}

/** Where the agent names no mode that is known here: the settings' own, where that is stricter than usual. */
function strictMode(gate: Gate): Mode {
  const { value } = gate.policy.mode;
  return atLeastAsStrict(value, "default") ? value : "default";
}

function agentOf({ agent, unknownMode }: HookCall): string {
  return unknownMode === undefined ? agent : `${agent} (its mode \`${unknownMode}\` is not known here)`;
}

/** What a call is judged by, and how it gets into the sandbox. */
interface Confinement {
  readonly input: JsonObject;
  /** The input that runs it there; undefined where it runs as it is. */
  readonly sandboxed?: JsonObject;
  /** Why it cannot run there although it should. */
  readonly fault?: string;
  /** What the agent asks to have opened there. */
  readonly opens?: OpeningRequest | undefined;
}

/** The question names where a path leads, and that is what is opened. */
function resolved(opening: NamedOpening): NamedOpening {
  return { ...opening, path: placeAt(opening.path).real };
}

/** Whether the settings want the call in the sandbox, and whether it can get there. */
async function confinement(
  gate: Gate,
  call: HookCall,
  look: SandboxLook,
  granted: readonly Grant[],
  record: string,
): Promise<Confinement> {
  const { sandbox, cordon } = gate.policy;
  const wanted = cordon.hook.rewriteIntoSandbox && sandbox.enabled && canonicalTool(call.tool) === "Bash";
  // Leaving the sandbox is a question of its own, which the gate asks; where it may not, it stays in.
  const leaves = asksToLeave(call.input) && sandbox.allowUnsandboxedCommands;
  if (!wanted || leaves) return { input: call.input };
  const entry: SandboxEntry = {
    cordon: launcherPath({ module: import.meta.url, script: process.argv[1] }),
    root: gate.root,
    cwd: gate.cwd,
  };
  const { input, opens } = requestIn(call.input, entry, gate.home) ?? outOfSandbox(call.input, entry);
  const probe = await look({
    bwrapPath: sandbox.bwrapPath,
    lowest: sandbox.lowestRung,
    environment: gate.env,
    home: gate.home,
  });
  if (probe.kind === "unavailable") return { input, fault: `${probe.why} (cure: ${probe.cure})` };
  const session = openingsOfSession(granted, gate.home);
  const asked = (opens?.paths ?? [])
    .map(resolved)
    .filter(({ access, path }) => !session.some((each) => each.access === access && each.path === path));
  const sandboxed = intoSandbox(input, entry, { record, opens: [...asked, ...session] });
  if (sandboxed === undefined) return { input, fault: "the command cannot be passed on" };
  return { input, sandboxed, ...(asked.length === 0 ? {} : { opens: { ...opens, paths: asked } }) };
}

/** The reason quotes the agent's own text: nothing in it may move a person's cursor or hide. */
function shown(said: HookAnswer): HookAnswer {
  return said.decision === "silence" ? said : { ...said, reason: printable(said.reason) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
