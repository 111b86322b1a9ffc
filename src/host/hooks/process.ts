import { spawn } from "node:child_process";
import type { HookEnd } from "../../core/hooks/answer.ts";
import { inheritedDescriptors } from "../sandbox/linux/descriptors.ts";

/** A program to run as a hook. */
export interface HookProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  /** Seconds. */
  readonly timeout: number;
  /** Descriptors that it must not inherit (`openDescriptors`). */
  readonly shut: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of one stream that are kept; the rest is read and thrown away. */
const KEPT = 1024 * 1024;
/** Bytes of both streams after which it is ended. */
const ENDLESS = 64 * 1024 * 1024;
/** Milliseconds between asking a hook to end and killing it. */
const GRACE = 1_000;
/** Milliseconds that what a hook left running may hold its output open. */
const DRAIN = 200;

/**
 * Runs a program as a hook: a session of its own without a terminal, no descriptor but the three
 * standard ones, the payload on standard input. Never rejects.
 *
 * INVARIANT: when it resolves, the process and its group are dead. What left the group is ended by
 * `endMarked`. However much is printed, no more than two megabytes are held.
 */
export function runProcess(what: HookProcess): Promise<HookEnd> {
  if (what.signal?.aborted === true) return Promise.resolve({ kind: "failed", why: "it was interrupted" });
  return new Promise((resolve) => {
    const child = start(what);
    const stdout = openKeep();
    const stderr = openKeep();
    const state: { why?: string; timers: NodeJS.Timeout[] } = { timers: [] };
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // Nobody of the group is left.
      }
    };
    const end = (why: string): void => {
      if (state.why !== undefined) return;
      state.why = why;
      kill("SIGTERM");
      state.timers.push(setTimeout(() => kill("SIGKILL"), GRACE));
    };
    const interrupt = (): void => end("it was interrupted");
    const settle = (result: HookEnd): void => {
      for (const timer of state.timers) clearTimeout(timer);
      what.signal?.removeEventListener("abort", interrupt);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      resolve(result);
    };
    what.signal?.addEventListener("abort", interrupt, { once: true });
    state.timers.push(
      setTimeout(
        () => end(`it did not answer within ${what.timeout} seconds`),
        Math.min(what.timeout * 1000, 2 ** 31 - 1),
      ),
    );
    const take = (keep: Keep) => (data: Uint8Array) => {
      keep.add(data);
      if (stdout.size() + stderr.size() > ENDLESS) end("it prints without end");
    };
    child.stdout?.on("data", take(stdout));
    child.stderr?.on("data", take(stderr));
    // A hook need not read what it is told.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(what.input);
    child.on("error", (error) => settle({ kind: "failed", why: `it cannot be started: ${error.message}` }));
    child.on("exit", (code, signal) => {
      // What it left running in its group goes with it.
      kill("SIGKILL");
      const finish = (): void => {
        const why = state.why ?? (signal === null ? undefined : `it was killed by ${signal}`);
        settle(
          why === undefined
            ? {
                kind: "exited",
                status: code ?? 1,
                stdout: decode(stdout),
                cut: stdout.cut(),
                stderr: Buffer.from(stderr.bytes()).toString("utf8"),
              }
            : { kind: "failed", why },
        );
      };
      child.on("close", finish);
      state.timers.push(setTimeout(finish, DRAIN));
    });
  });
}

function start({ file, args, cwd, env, shut }: HookProcess): ReturnType<typeof spawn> {
  const options = { cwd, env, detached: true } as const;
  if (shut.length === 0) return spawn(file, [...args], options);
  // Node cannot shut them, bash can.
  const closing = `exec ${shut.map((fd) => `${fd}>&-`).join(" ")}; exec "$0" "$@"`;
  return spawn("bash", ["--noprofile", "--norc", "-c", closing, file, ...args], options);
}

/** Descriptors that whoever started this process left open; none where the system does not tell. */
export function openDescriptors(): readonly number[] {
  try {
    return inheritedDescriptors();
  } catch {
    return [];
  }
}

interface Keep {
  readonly add: (data: Uint8Array) => void;
  readonly bytes: () => Uint8Array;
  readonly size: () => number;
  readonly cut: () => boolean;
}

function openKeep(): Keep {
  const held: { readonly parts: Uint8Array[]; size: number } = { parts: [], size: 0 };
  return {
    add: (data) => {
      const room = KEPT - held.size;
      held.size += data.length;
      if (room > 0) held.parts.push(data.subarray(0, room));
    },
    bytes: () => Buffer.concat(held.parts),
    size: () => held.size,
    cut: () => held.size > KEPT,
  };
}

/** Undefined where it is not UTF-8; where it was cut, nobody will read more than its beginning. */
function decode(keep: Keep): string | undefined {
  return keep.cut() ? Buffer.from(keep.bytes()).toString("utf8") : utf8Text(keep.bytes());
}

/** The text, or undefined where the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
