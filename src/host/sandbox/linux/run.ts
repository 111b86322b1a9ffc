import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import type { LimitHit, SandboxResult } from "../../../core/layers/9-sandbox/result.ts";
import { filterBytes } from "../../../core/layers/9-sandbox/seccomp.ts";
import { SandboxError } from "../error.ts";
import { FDS, bubblewrapArguments, limitedCommand } from "./arguments.ts";
import { inheritedDescriptors } from "./descriptors.ts";
import { type PidsGroup, openPidsGroup } from "./group.ts";
import { countProcesses, endNamespace, namespaceEnded } from "./processes.ts";

export interface RunOptions {
  /** Default `inherit`. */
  readonly stdin?: "inherit" | "ignore" | Uint8Array | undefined;
  /** `collect` returns the output; default `inherit`. */
  readonly output?: "inherit" | "collect" | undefined;
  /** Bytes of collected output, both streams together, above which the command is killed. */
  readonly outputLimit?: number | undefined;
  /** Aborting it kills the command with everything it started. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds; the smaller of this and the plan's holds. */
  readonly timeLimit?: number | undefined;
}

/** Bytes of collected output where the caller says nothing. */
export const OUTPUT_LIMIT: number = 64 * 1024 * 1024;
/** How long a dying namespace is waited for, milliseconds. */
const PATIENCE = 10_000;
const SIGXFSZ = 25;

/** A command that has ended. */
export interface Confined {
  readonly result: Omit<SandboxResult, "violations">;
  /** Settles when the last trace of it on the machine is gone; never rejects. */
  readonly settled: Promise<void>;
}

/**
 * Runs one command inside the plan's sandbox, without looking at what it left behind. `onStart` is
 * called when bubblewrap was started and the command has not begun.
 *
 * INVARIANT: when the promise settles, every process the command started is dead. When it rejects
 * with a `SandboxError`, the command has not run.
 */
export async function runConfined(
  bubblewrap: string,
  plan: SandboxPlan,
  argv: readonly string[],
  options: RunOptions,
  onStart: () => void,
): Promise<Confined> {
  if (argv[0] === undefined || argv[0] === "" || argv.some((word) => word.includes("\0")))
    throw new SandboxError("usage", "the command is empty or holds a NUL byte", "give a command");
  options.signal?.throwIfAborted();
  const started = performance.now();
  const group = plan.limits.processesBy === "group" ? groupFor(plan) : undefined;
  const child = start(bubblewrap, plan, argv, options, group !== undefined);
  const ending: { how: SandboxResult["ended"]; readonly limits: LimitHit[] } = { how: "exited", limits: [] };
  const status = statusOf(child, group);
  const kill = (): void => {
    endNamespace(status.first());
    child.kill("SIGKILL");
  };
  const hit = (limit: LimitHit): void => {
    if (ending.how !== "exited") return;
    ending.how = "limit";
    ending.limits.push(limit);
    kill();
  };
  const abort = (): void => {
    if (ending.how === "exited") ending.how = "aborted";
    kill();
  };
  options.signal?.addEventListener("abort", abort, { once: true });
  const outputs = collect(child, options, hit);
  const stopTimers = startTimers(plan, options, status.first, hit);
  try {
    onStart();
    const outer = await endOf(child, kill);
    const first = status.first();
    if (first !== undefined && !(await namespaceEnded(first, PATIENCE)))
      throw new Error(`processes of the command did not die within ${PATIENCE / 1000} seconds`);
    const inner = status.exit();
    if (inner === undefined && ending.how === "exited" && outer.signal === null)
      throw new SandboxError(
        "setup",
        `bubblewrap could not build the sandbox (status ${outer.code}); its message is on standard error${outputs.text()}`,
        "repeat the command if a file vanished meanwhile; `cordon sandbox --plan -- true` shows what is mounted",
      );
    const code = inner ?? (outer.signal === null ? (outer.code ?? 1) : 137);
    if (group?.bound() === true) ending.limits.push({ limit: "processes", allowed: plan.limits.processes });
    if (code === 128 + SIGXFSZ) ending.limits.push({ limit: "fileSize", allowed: plan.limits.fileSize });
    const result = {
      status: ending.how === "exited" ? code : 137,
      ended: ending.how,
      limits: ending.limits,
      durationMs: performance.now() - started,
      ...outputs.bytes(),
    };
    return { result, settled: group?.remove() ?? Promise.resolve() };
  } catch (error) {
    await group?.remove();
    throw error;
  } finally {
    stopTimers();
    options.signal?.removeEventListener("abort", abort);
  }
}

function groupFor(plan: SandboxPlan): PidsGroup | undefined {
  const parent = plan.inspection.pidsGroup;
  try {
    return parent === undefined ? undefined : openPidsGroup(parent, plan.limits.processes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxError(
      "setup",
      `no control group can be made: ${why}`,
      "look at the permissions of that directory",
    );
  }
}

function start(
  bubblewrap: string,
  plan: SandboxPlan,
  argv: readonly string[],
  options: RunOptions,
  block: boolean,
): ChildProcess {
  const output = options.output === "collect" ? "pipe" : "inherit";
  const stdin = options.stdin instanceof Uint8Array ? "pipe" : (options.stdin ?? "inherit");
  const filter = plan.filter === undefined ? undefined : filterBytes(plan.filter);
  const words = ["--args", String(FDS.arguments), "--", ...limitedCommand(plan, argv)];
  const used: readonly number[] = [
    FDS.arguments,
    FDS.status,
    ...(filter === undefined ? [] : [FDS.filter]),
    ...(block ? [FDS.block] : []),
  ];
  const leaks = inheritedDescriptors().filter((fd) => !used.includes(fd));
  // The shell closes what Node cannot; it starts with an empty environment and reads no file.
  const closing = `exec ${leaks.map((fd) => `${fd}>&-`).join(" ")}; exec "$0" "$@"`;
  const [file, args] =
    leaks.length === 0
      ? [bubblewrap, words]
      : [plan.programs.bash, ["--noprofile", "--norc", "-c", closing, bubblewrap, ...words]];
  const child = spawn(file, args, {
    cwd: "/",
    // bubblewrap's own environment can be read from inside as that of process 1.
    env: {},
    stdio: [
      stdin,
      output,
      output,
      ...[3, 4, 5, 6].map((fd): "pipe" | "ignore" => (used.includes(fd) ? "pipe" : "ignore")),
    ],
    ...plan.identity,
  });
  const text = `${bubblewrapArguments(plan, block).join("\0")}\0`;
  feed(child, FDS.arguments, Buffer.from(text));
  if (filter !== undefined) feed(child, FDS.filter, filter);
  if (options.stdin instanceof Uint8Array && child.stdin !== null) {
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin);
  }
  return child;
}

function pipe(child: ChildProcess, fd: number): (Readable & Writable) | undefined {
  const stream: unknown = child.stdio[fd];
  return isDuplex(stream) ? stream : undefined;
}

function isDuplex(stream: unknown): stream is Readable & Writable {
  return typeof stream === "object" && stream !== null && "end" in stream && "on" in stream;
}

function feed(child: ChildProcess, fd: number, bytes: Uint8Array): void {
  const stream = pipe(child, fd);
  stream?.on("error", () => undefined);
  stream?.end(bytes);
  stream?.resume();
}

/** Follows bubblewrap's status: the first process of the namespace, and the command's own status. */
function statusOf(
  child: ChildProcess,
  group: PidsGroup | undefined,
): { readonly first: () => number | undefined; readonly exit: () => number | undefined } {
  const seen: { text: string; first?: number } = { text: "" };
  pipe(child, FDS.status)?.on("data", (data: Uint8Array) => {
    seen.text += Buffer.from(data).toString("latin1");
    const first = /"child-pid": (\d+)/.exec(seen.text)?.[1];
    if (first === undefined || seen.first !== undefined) return;
    seen.first = Number(first);
    if (group === undefined) return;
    try {
      group.add(seen.first);
      feed(child, FDS.block, Buffer.from("1"));
    } catch {
      // Without the group there is no limit, so the command must not start.
      endNamespace(seen.first);
    }
  });
  return {
    first: () => seen.first,
    exit: () => {
      const code = /"exit-code": (\d+)/.exec(seen.text)?.[1];
      return code === undefined ? undefined : Number(code);
    },
  };
}

interface Outer {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Both the end of bubblewrap and the end of its pipes; what the command left running is killed between the two. */
function endOf(child: ChildProcess, kill: () => void): Promise<Outer> {
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      reject(
        new SandboxError(
          "unavailable",
          `bubblewrap cannot be started: ${error.message}`,
          "install bubblewrap",
        ),
      );
    });
    child.on("exit", kill);
    child.on("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
}

function startTimers(
  plan: SandboxPlan,
  options: RunOptions,
  first: () => number | undefined,
  hit: (limit: LimitHit) => void,
): () => void {
  const seconds = Math.min(plan.limits.time ?? Infinity, options.timeLimit ?? Infinity);
  const clock = Number.isFinite(seconds)
    ? setTimeout(() => hit({ limit: "time", allowed: seconds }), Math.min(seconds * 1000, 2 ** 31 - 1))
    : undefined;
  const { processes, processesBy } = plan.limits;
  const counter =
    processesBy === "count"
      ? setInterval(() => {
          const pid = first();
          if (pid !== undefined && countProcesses(pid) > processes)
            hit({ limit: "processes", allowed: processes });
        }, 100)
      : undefined;
  return () => {
    clearTimeout(clock);
    clearInterval(counter);
  };
}

function collect(
  child: ChildProcess,
  options: RunOptions,
  hit: (limit: LimitHit) => void,
): { readonly bytes: () => { stdout?: Uint8Array; stderr?: Uint8Array }; readonly text: () => string } {
  const most = options.outputLimit ?? OUTPUT_LIMIT;
  const chunks: { readonly out: Buffer[]; readonly err: Buffer[]; size: number } = {
    out: [],
    err: [],
    size: 0,
  };
  const take = (into: Buffer[]) => (data: Buffer) => {
    const room = most - chunks.size;
    chunks.size += data.length;
    if (room > 0) into.push(data.subarray(0, room));
    if (chunks.size > most) hit({ limit: "output", allowed: most });
  };
  child.stdout?.on("data", take(chunks.out));
  child.stderr?.on("data", take(chunks.err));
  return {
    bytes: () =>
      options.output === "collect"
        ? { stdout: Buffer.concat(chunks.out), stderr: Buffer.concat(chunks.err) }
        : {},
    text: () => (chunks.err.length === 0 ? "" : `: ${Buffer.concat(chunks.err).toString("utf8").trim()}`),
  };
}
