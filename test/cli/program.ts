import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** The repository. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** The built program that the package names; the tests are run behind a build. */
export const PROGRAM: string = join(ROOT, programOf(readFileSync(join(ROOT, "package.json"), "utf8")));

function programOf(text: string): string {
  const file = /"cordon":\s*"([^"]+)"/.exec(text)?.[1];
  if (file === undefined) throw new Error("package.json names no program");
  return file;
}

export interface Ended {
  /** 128 and its number for a signal. */
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string | undefined;
}

/** Runs the program as a process of its own, without a controlling terminal. */
export function cordon(argv: readonly string[], around: Around): Ended {
  return program(["setsid", "--wait", process.execPath, PROGRAM, ...argv], around);
}

/** Runs a line of shell in which `$CORDON` is the program. */
export function shell(line: string, around: Around): Ended {
  return program(["setsid", "--wait", "bash", "--noprofile", "--norc", "-c", line], {
    ...around,
    env: { ...around.env, NODE: process.execPath, CORDON: PROGRAM },
  });
}

/** Runs a program with arguments. */
export function program([file = "", ...argv]: readonly string[], { cwd, env, input = "" }: Around): Ended {
  const { status, signal, stdout, stderr, error }: SpawnSyncReturns<string> = spawnSync(file, argv, {
    cwd,
    env,
    input,
    encoding: "utf8",
    timeout: 50_000,
    killSignal: "SIGKILL",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (signal !== null) throw new Error(`${file} was ended by ${signal}: ${stderr}`);
  return { status, out: stdout, err: stderr };
}

/** What nobody should see: a stack trace, or a promise nobody looked after. */
export function quiet(text: string): void {
  expect(text).not.toMatch(/^ {4}at |internal error|[Uu]nhandled/m);
}
