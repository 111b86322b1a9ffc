import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";

/**
 * Runs a command text without a sandbox, in a bash that reads no start-up file. Only for calls a
 * person let through knowing that, or where a person's settings switch the sandbox off.
 */
export async function runUnconfined(text: string, cwd: string, signal?: AbortSignal): Promise<SandboxResult> {
  const started = performance.now();
  const child = spawn("bash", ["--noprofile", "--norc", "-c", text], { cwd, stdio: "inherit", signal });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => (error.name === "AbortError" ? undefined : reject(error)));
    child.on("close", (code, name) => {
      const status = code ?? 128 + (name === null ? 0 : constants.signals[name]);
      const ended = signal?.aborted === true ? "aborted" : "exited";
      resolve({ status, ended, limits: [], violations: [], durationMs: performance.now() - started });
    });
  });
}
