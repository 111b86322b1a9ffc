import { randomUUID } from "node:crypto";
import { type HookEnd, readAnswer } from "../../core/hooks/answer.ts";
import type { RanHook } from "../../core/hooks/combine.ts";
import { HOOK_MARK, fillPlaceholders, hookEnvironment } from "../../core/hooks/environment.ts";
import { type HookAnswer, NO_ANSWER, failed } from "../../core/hooks/output.ts";
import { type JsonObject } from "../../core/call/json.ts";
import { projectOfHook } from "../../core/settings/hook-files.ts";
import type { Hook, HookEvent } from "../../core/settings/hooks.ts";
import type { Gate } from "../gate.ts";
import { changedProgram } from "./changed-program.ts";
import { post } from "./http.ts";
import { endMarked } from "./marked.ts";
import { callModule } from "./module.ts";
import { otherFile } from "./other-file.ts";
import { type HookProcess, openDescriptors, runProcess } from "./process.ts";

/** Hooks that run at a time; each of them is a process or a connection. */
const AT_ONCE = 32;

export interface HookRun {
  readonly event: HookEvent;
  readonly payload: JsonObject;
  /** What modules are called with. */
  readonly call?: JsonObject | undefined;
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs hooks, all in parallel, and reads their answers, in the order given. Never rejects: what
 * goes wrong with a hook is its answer.
 *
 * INVARIANT: when it resolves, nothing that the hooks started is left running (see `endMarked`).
 */
export async function runHooks(
  gate: Gate,
  hooks: readonly Hook[],
  run: HookRun,
): Promise<readonly RanHook[]> {
  if (hooks.length === 0) return [];
  const mark = randomUUID();
  const place: Surroundings = {
    cwd: run.cwd,
    envIn: (root) => hookEnvironment(gate.env, { root, home: gate.home }, mark),
    shut: openDescriptors(),
    signal: run.signal,
  };
  const input = JSON.stringify(run.payload);
  const ran: RanHook[] = [];
  const waiting = [...hooks.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, hook] = next;
      const started = performance.now();
      const answer = await answerOf(gate, hook, run, place, input);
      ran[at] = { hook, answer, duration: Math.round(performance.now() - started) };
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, hooks.length) }, work));
  } finally {
    if (hooks.some(({ action }) => action.kind === "command" || action.kind === "module")) {
      await endMarked(`${HOOK_MARK}=${mark}`);
    }
  }
  return ran;
}

/** What all processes of one run have in common. */
type Surroundings = Pick<HookProcess, "cwd" | "shut" | "signal"> & {
  /** The environment of a hook of the project with this root. */
  readonly envIn: (root: string) => HookProcess["env"];
};

async function answerOf(
  gate: Gate,
  hook: Hook,
  run: HookRun,
  place: Surroundings,
  input: string,
): Promise<HookAnswer> {
  if (hook.action.kind === "none") return failed(hook.action.why);
  const other = otherFile(hook, { root: projectOfHook(hook, gate.root), home: gate.home, cwd: run.cwd });
  const changed = changedProgram(hook, gate);
  let end: HookEnd;
  try {
    if (other !== undefined)
      throw new Error(`it would run ${other}, which is not the project's file of that name`);
    if (changed !== undefined)
      throw new Error(`${changed} is not what was trusted; read it, then run \`cordon trust\``);
    end = await endOf(gate, hook, run, place, input);
  } catch (error) {
    end = { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
  const answer = readAnswer(run.event, end);
  return hook.decides
    ? answer
    : { ...NO_ANSWER, ...(answer.failure === undefined ? {} : { failure: answer.failure }) };
}

async function endOf(
  gate: Gate,
  hook: Hook,
  { call, signal }: HookRun,
  { envIn, ...place }: Surroundings,
  input: string,
): Promise<HookEnd> {
  const { action, timeout } = hook;
  const root = projectOfHook(hook, gate.root);
  const where = { ...place, env: envIn(root), timeout };
  switch (action.kind) {
    case "command": {
      const fill = (word: string): string => fillPlaceholders(word, root);
      return action.args === undefined
        ? runProcess({ ...where, input, file: "bash", args: ["--noprofile", "--norc", "-c", action.command] })
        : runProcess({ ...where, input, file: fill(action.command), args: action.args.map(fill) });
    }
    case "http":
      return post(action, { policy: gate.policy.hooks, env: gate.env, input, timeout, signal });
    case "module":
      return callModule(action.path, call ?? {}, where);
    case "none":
      return { kind: "failed", why: action.why };
  }
}
