import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import type { RunOptions } from "../sandbox/linux/run.ts";
import { OUTPUT_LIMIT } from "../sandbox/output.ts";

/**
 * Runs a command text without a sandbox, in a bash that reads no start-up file. Only for calls a
 * person let through knowing that, or where a person's settings switch the sandbox off.
 *
 * The limits of `options` end bash and what is in its process group; what has left it lives on:
 * without a sandbox nothing can hold it. Rejects when bash cannot be started.
 */
export async function runUnconfined(
  text: string,
  cwd: string,
  options: RunOptions = {},
): Promise<SandboxResult> {
  const started = performance.now();
  const { stdin = "inherit", output = "inherit", outputLimit = OUTPUT_LIMIT, signal, timeLimit } = options;
  const collected = output === "collect" ? "pipe" : "inherit";
  // At a terminal it stays in the foreground, where an interrupt reaches all of it anyway.
  const detached = output === "collect";
  const child = spawn("bash", ["--noprofile", "--norc", "-c", text], {
    cwd,
    detached,
    stdio: [stdin instanceof Uint8Array ? "pipe" : stdin, collected, collected],
  });
  const end: { how: SandboxResult["ended"]; size: number } = { how: "exited", size: 0 };
  const limits: SandboxResult["limits"][number][] = [];
  const kill = (how: SandboxResult["ended"]): void => {
    if (end.how === "exited") end.how = how;
    try {
      if (detached && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      else child.kill("SIGTERM");
    } catch {
      // Nothing of it is left.
    }
  };
  const abort = (): void => kill("aborted");
  signal?.addEventListener("abort", abort, { once: true });
  const clock =
    timeLimit === undefined
      ? undefined
      : setTimeout(() => {
          limits.push({ limit: "time", allowed: timeLimit, killed: true });
          kill("limit");
        }, timeLimit * 1000);
  const take = (into: Uint8Array[]) => (data: Uint8Array) => {
    const room = outputLimit - end.size;
    end.size += data.length;
    if (room > 0) into.push(data.subarray(0, room));
    if (end.size <= outputLimit || end.how !== "exited") return;
    limits.push({ limit: "output", allowed: outputLimit, killed: true });
    kill("limit");
  };
  const [stdout, stderr]: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  child.stdout?.on("data", take(stdout));
  child.stderr?.on("data", take(stderr));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(stdin);
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
    });
    return {
      status,
      ended: end.how,
      limits,
      violations: [],
      durationMs: performance.now() - started,
      ...(output === "collect" ? { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) } : {}),
    };
  } finally {
    clearTimeout(clock);
    signal?.removeEventListener("abort", abort);
  }
}
