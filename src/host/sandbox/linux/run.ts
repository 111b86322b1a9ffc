import type { SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import type { LimitHit, SandboxResult } from "../../../core/layers/9-sandbox/result.ts";
import type { Backend, Started, Streams } from "../backend.ts";
import { SandboxError } from "../error.ts";
import { OUTPUT_LIMIT, takeOutput } from "../output.ts";
import { isKeyboard, passKeyboard } from "../keyboard.ts";
import { mergedCommand } from "../tail.ts";
import { type Group, openGroup } from "./group.ts";
import { letGo } from "./pipes.ts";
import { endNamespace, namespaceEnded } from "./processes.ts";
import { supervise } from "./supervise.ts";

export interface RunOptions extends Streams {
  /** Bytes of output, both streams together, above which the command is killed; the plan's holds as well. */
  readonly outputLimit?: number | undefined;
  /** Aborting it kills the command with everything it started. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds; the smaller of this and the plan's holds. */
  readonly timeLimit?: number | undefined;
}

/** How long a dying namespace is waited for, milliseconds. */
const PATIENCE = 10_000;
const SIGXCPU = 24;
const SIGXFSZ = 25;

/** A command that has ended. */
export interface Confined {
  readonly result: Omit<SandboxResult, "violations">;
  /** The end of standard error; undefined where nobody saw it. */
  readonly tail: string | undefined;
  /** Settles when the last trace of it on the machine is gone; never rejects. */
  readonly settled: Promise<void>;
}

/**
 * Runs one command inside the plan's sandbox, without looking at what it left behind. `onStart` is
 * called when the backend was started and may have the command begin any moment.
 *
 * INVARIANT: when the promise settles, every process the command started is dead. When it rejects
 * with a `SandboxError`, the command has not run.
 */
export async function runConfined(
  backend: Backend,
  plan: SandboxPlan,
  argv: readonly string[],
  options: RunOptions,
  onStart: () => void,
): Promise<Confined> {
  if (argv[0] === undefined || argv[0] === "" || argv.some((word) => word.includes("\0")))
    throw new SandboxError("usage", "the command is empty or holds a NUL byte", "give a command");
  options.signal?.throwIfAborted();
  // A file that was replaced in the moment of starting takes its mount along. Twice in a row is no chance.
  for (let left = 3; left > 0; left--) {
    const ended = await attempt(backend, plan, argv, options, left === 3 ? onStart : () => undefined);
    if (ended !== "stale") return ended;
  }
  throw new SandboxError(
    "setup",
    "files that are protected or hidden were replaced again and again while the sandbox was built",
    "repeat the command when nothing else writes them",
  );
}

/** One try; `stale` when what the backend had prepared was out of date and the command has not run. */
async function attempt(
  backend: Backend,
  plan: SandboxPlan,
  argv: readonly string[],
  options: RunOptions,
  onStart: () => void,
): Promise<Confined | "stale"> {
  const started = performance.now();
  const { limits } = plan;
  const group = groupFor(backend, plan);
  const ending: { how: SandboxResult["ended"]; readonly limits: LimitHit[] } = { how: "exited", limits: [] };
  const status = await startIn(backend, plan, argv, options, group);
  const { child } = status;
  const stopKeyboard = isKeyboard(options) ? passKeyboard(child) : undefined;
  const kill = (): void => {
    if (status.end !== undefined) return status.end();
    endNamespace(status.first());
    child.kill("SIGKILL");
  };
  const hit = (limit: LimitHit): void => {
    if (ending.how !== "exited" || ending.limits.some((each) => each.limit === limit.limit && !limit.killed))
      return;
    ending.limits.push(limit);
    if (!limit.killed) return;
    ending.how = "limit";
    kill();
  };
  const abort = (): void => {
    if (ending.how === "exited") ending.how = "aborted";
    kill();
  };
  options.signal?.addEventListener("abort", abort, { once: true });
  const most = options.outputLimit ?? (options.output === "collect" ? OUTPUT_LIMIT : Infinity);
  const outputs = takeOutput(child, options, Math.min(most, limits.output), hit);
  const stopTimers = supervise(plan, { launcher: child.pid, group, timeLimit: options.timeLimit, hit });
  // It may have come while the backend was at work.
  if (options.signal?.aborted === true) abort();
  try {
    onStart();
    const outer = await endOf(backend, status, kill);
    stopKeyboard?.();
    const first = status.first();
    if (first !== undefined && !(await namespaceEnded(first, PATIENCE)))
      throw new Error(`processes of the command did not die within ${PATIENCE / 1000} seconds`);
    await outputs.flushed(ending.how === "exited");
    const inner = status.exit();
    if (inner === undefined && ending.how === "exited" && status.stale()) {
      await group?.remove();
      return "stale";
    }
    if (inner === undefined && ending.how === "exited" && outer.signal === null)
      throw new SandboxError(
        "setup",
        status.trouble() ??
          `${backend.program} could not build the sandbox (status ${outer.code}); its message is on standard error${outputs.text()}`,
        "repeat the command if a file vanished meanwhile; `cordon sandbox --plan -- true` shows what is mounted",
      );
    const code = inner ?? (outer.signal === null ? (outer.code ?? 1) : 137);
    ending.limits.push(...toldLimits(plan, group, code, ending.limits));
    const result = {
      status: ending.how === "exited" ? code : 137,
      ended: ending.how,
      limits: ending.limits,
      durationMs: performance.now() - started,
      ...outputs.bytes(),
    };
    const settled = group?.remove() ?? Promise.resolve();
    void settled.then(() => backend.ended?.(plan));
    return { result, tail: outputs.tail(), settled };
  } catch (error) {
    await group?.remove();
    throw error;
  } finally {
    stopKeyboard?.();
    stopTimers();
    options.signal?.removeEventListener("abort", abort);
  }
}

/** Limits the kernel has held and told of, by the status or in the group; those that are known are left out. */
function toldLimits(
  { limits }: SandboxPlan,
  group: Group | undefined,
  status: number,
  known: readonly LimitHit[],
): readonly LimitHit[] {
  const told: readonly (LimitHit | false | undefined)[] = [
    group?.processesReached() === true && { limit: "processes", allowed: limits.processes, killed: false },
    group?.memoryReached() === true && { limit: "memory", allowed: limits.totalMemory, killed: true },
    status === 128 + SIGXFSZ && { limit: "fileSize", allowed: limits.fileSize, killed: true },
    status === 128 + SIGXCPU &&
      limits.cpuTime !== undefined && { limit: "cpuTime", allowed: limits.cpuTime, killed: true },
  ];
  return told.flatMap((hit) =>
    hit === undefined || hit === false || known.some(({ limit }) => limit === hit.limit) ? [] : [hit],
  );
}

function groupFor(backend: Backend, plan: SandboxPlan): Group | undefined {
  const { inspection, limits } = plan;
  try {
    return inspection.groups === undefined
      ? undefined
      : (backend.group?.(plan) ?? openGroup(inspection.groups, limits));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxError(
      "setup",
      `no control group can be made: ${why}`,
      "look at the permissions of that directory",
    );
  }
}

async function startIn(
  backend: Backend,
  plan: SandboxPlan,
  argv: readonly string[],
  options: RunOptions,
  group: Group | undefined,
): Promise<Started> {
  try {
    const { stdin, output, watch } = options;
    return await backend.start({
      plan,
      argv: watch === "merge" && backend.merges !== true ? mergedCommand(plan.programs.bash, argv) : argv,
      stdin,
      output,
      watch,
      groups: group?.paths ?? [],
    });
  } catch (error) {
    await group?.remove();
    throw error;
  }
}

interface Outer {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Both the end of the launcher and the end of its pipes; what the command left running is killed
 * between the two. A launcher that tells of the death of all is not waited for: the kernel then only
 * takes its mounts down.
 */
function endOf(backend: Backend, { child, onExit, exit }: Started, kill: () => void): Promise<Outer> {
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      reject(
        new SandboxError(
          "unavailable",
          `${backend.program} cannot be started: ${error.message}`,
          "see `cordon sandbox doctor`",
        ),
      );
    });
    onExit?.(() => {
      const open = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.closed);
      let left = open.length;
      const end = (): void => {
        if (left-- > 0) return;
        letGo(child);
        resolve({ code: null, signal: null });
      };
      for (const stream of open) stream?.once("close", end);
      end();
    });
    child.on("exit", () => {
      if (onExit === undefined || exit() === undefined) kill();
    });
    child.on("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
}
