import { lstatSync } from "node:fs";
import { ownerFault } from "./owner.ts";
import { codeOf, reasonOf } from "./read-file.ts";

/** What a program that was asked for settings had to say. */
export type Answer =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** It ran, and ended with a status other than 0. */
  | { readonly kind: "refused"; readonly why: string }
  /** It could not be run, or did not come to an end. */
  | { readonly kind: "fault"; readonly why: string };

export interface Asking {
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  /** Milliseconds until it is killed. */
  readonly patience: number;
  /** Bytes of output; more is a fault. */
  readonly most: number;
  /** All variables it gets. */
  readonly env: Readonly<Record<string, string>>;
}

/** A directory every Unix has, with the programs a script is likely to call. */
export const PLAIN_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

/**
 * Runs a program to its end and gives back what it wrote to standard output. Never throws; waits
 * `patience` at most. It gets no input, no variables but those named, and starts in the root
 * directory.
 *
 * The module that starts processes is loaded here and not before: most machines ask nobody.
 */
export function askProgram({ program, args, patience, most, env }: Asking): Answer {
  try {
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const { error, status, signal, stdout, stderr } = spawnSync(program, [...args], {
      cwd: "/",
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: patience,
      killSignal: "SIGKILL",
      maxBuffer: most,
      windowsHide: true,
    });
    if (error !== undefined) return { kind: "fault", why: failure(error, patience, most) };
    if (signal !== null) return { kind: "fault", why: `was ended by ${signal}` };
    if (status !== 0) return { kind: "refused", why: `ended with status ${status}${firstLine(stderr)}` };
    return { kind: "bytes", bytes: stdout };
  } catch (error) {
    return { kind: "fault", why: `cannot be run: ${reasonOf(error)}` };
  }
}

function failure(error: Error, patience: number, most: number): string {
  switch (codeOf(error)) {
    case "ETIMEDOUT":
      return `did not come to an end within ${patience} ms`;
    case "ENOBUFS":
      return `wrote more than ${most} bytes`;
    case "ENOENT":
      return "cannot be run: it is not there";
    default:
      return `cannot be run: ${reasonOf(error)}`;
  }
}

/** What a program said went wrong, for a message in one line. */
function firstLine(stderr: Uint8Array): string {
  const line = new TextDecoder()
    .decode(stderr.subarray(0, 2_000))
    .split("\n")
    .find((text) => text.trim() !== "");
  return line === undefined ? "" : `: ${line.trim().slice(0, 200)}`;
}

/** Why a program may not be asked: it is no file, or not the administrator's alone. */
export function programFault(program: string, top: string): string | undefined {
  try {
    const stats = lstatSync(program, { throwIfNoEntry: false });
    if (stats === undefined) return `${program} is not there`;
    const owner = ownerFault(program, top);
    if (owner !== undefined) return owner;
    return stats.isFile() ? undefined : `${program} is no regular file`;
  } catch (error) {
    return `${program}: ${reasonOf(error)}`;
  }
}
