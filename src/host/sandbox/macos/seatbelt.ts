import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { PlannedLimits, SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import {
  type SeatbeltPlace,
  type SeatbeltProfile,
  seatbeltEnvironment,
  seatbeltProfile,
} from "../../../core/layers/9-sandbox/seatbelt.ts";
import type { Backend, Start, Started } from "../backend.ts";
import { feedInput, pipeOf, stdioOf } from "../linux/pipes.ts";
import { followFamily } from "./family.ts";

/** Part of the system; nobody else's program of this name is ever run. */
export const SANDBOX_EXEC = "/usr/bin/sandbox-exec";

/** How long the rest of the output is read after the end of the command, milliseconds. */
const PATIENCE = 1_000;
/** The descriptor on which the command's shell says that it has begun. */
const BEGUN = 3;

/** Carries plans out with the Seatbelt of macOS, through `sandbox-exec`. */
export function seatbeltBackend(program: string = SANDBOX_EXEC): Backend {
  return {
    rung: "seatbelt",
    program: "sandbox-exec",
    start: (what) => Promise.resolve(start(program, what)),
  };
}

function start(program: string, what: Start): Started {
  const { plan, argv } = what;
  const temporary = realpathSync(mkdtempSync(join(tmpdir(), "cordon-")));
  const tidy = (): void => rmSync(temporary, { recursive: true, force: true });
  const place: SeatbeltPlace = { temporary, terminal: (what.watch ?? "none") === "none" };
  const child = spawn(
    program,
    [...seatbeltArguments(seatbeltProfile(plan, place)), ...shellLine(plan, argv)],
    {
      cwd: plan.cwd,
      env: { ...seatbeltEnvironment(plan, place) },
      // A session of its own: no controlling terminal, and a group that can be ended.
      detached: true,
      stdio: [...stdioOf(what), "pipe"],
      ...plan.identity,
    },
  );
  feedInput(child, what);
  const seen = { begun: false };
  pipeOf(child, BEGUN)?.on("data", () => (seen.begun = true));
  const family = child.pid === undefined ? undefined : followFamily(child.pid, `TMPDIR=${temporary}`);
  const status: { code?: number } = {};
  child.once("exit", (code, signal) => {
    status.code = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    family?.end();
    family?.stop();
    // What got away may hold the pipes; nobody waits for it.
    setTimeout(() => child.stdio.forEach((stream) => stream?.destroy()), PATIENCE).unref();
  });
  child.once("close", tidy);
  child.once("error", tidy);
  return {
    child,
    first: () => undefined,
    exit: () => (seen.begun ? status.code : undefined),
    trouble: () => undefined,
    stale: () => false,
    end: () => family?.end(),
  };
}

/** The arguments of `sandbox-exec` in front of the command. */
export function seatbeltArguments({ text, parameters }: SeatbeltProfile): readonly string[] {
  return [...parameters.flatMap(([name, value]) => ["-D", `${name}=${value}`]), "-p", text];
}

/**
 * The command behind a shell that closes what was left open by others, sets the limits and says
 * that it begins. The shell reads no file and starts inside the sandbox.
 */
export function shellLine(plan: SandboxPlan, argv: readonly string[]): readonly string[] {
  const script = [
    `for f in /dev/fd/*; do n=\${f##*/}; case $n in 0|1|2|${BEGUN}) ;; *) eval "exec $n>&-" 2>/dev/null;; esac; done`,
    ...limitLines(plan.limits),
    `echo begun >&${BEGUN}`,
    `exec ${BEGUN}>&-`,
    'exec "$@"',
  ];
  return [plan.programs.bash, "--noprofile", "--norc", "-c", script.join("\n"), "bash", ...argv];
}

/**
 * Limits that the kernel of macOS holds. A value above the caller's own is refused by the shell, and
 * the caller's, which is lower, stays. Memory is not among them: the kernel ignores that limit.
 */
function limitLines({ processes, cpuTime, fileSize, openFiles }: PlannedLimits): readonly string[] {
  const lines = [
    "ulimit -c 0",
    `ulimit -u ${processes}`,
    // In units of 1024 bytes.
    `ulimit -f ${Math.max(1, Math.floor(fileSize / 1024))}`,
    `ulimit -n ${openFiles}`,
    ...(cpuTime === undefined ? [] : [`ulimit -St ${cpuTime}`, `ulimit -Ht ${cpuTime + 1}`]),
  ];
  return lines.map((line) => `${line} 2>/dev/null`);
}
