import { fstatSync } from "node:fs";
import { userInfo } from "node:os";
import { piecesOf } from "./input.ts";
import { tell, writeAll } from "./output.ts";
import { terminalNumber } from "../host/prompts/terminal-number.ts";
import { Interruption, type Terminal, UsageError } from "./command.ts";

/**
 * The terminal of this process.
 *
 * INVARIANT: what the process lacks (a current directory, a home directory) is missed only by
 * commands that ask for it. A signal ends the process as ever until a command asks for
 * `interrupted`.
 */
export function surroundings(): Terminal {
  let interruption: AbortController | undefined;
  const start = startDirectory();
  return {
    stdout: result,
    stderr: (text) => tell(2, text),
    get stdin() {
      // Node takes a directory for a stream that has ended: no input, and no fault.
      if (fstatSync(0).isDirectory())
        throw new UsageError("standard input is a directory", "give it a file or a pipe");
      return piecesOf(0);
    },
    env: process.env,
    cwd: () => {
      if (start !== undefined) return start;
      throw new UsageError(
        "the current directory is gone",
        "go to a directory that exists, or name one with --cwd",
      );
    },
    get home() {
      return homeDirectory(process.env["HOME"]);
    },
    get isTerminal() {
      return isCharacterDevice(1) && process.stdout.isTTY;
    },
    get columns() {
      return isCharacterDevice(1) ? process.stdout.columns : undefined;
    },
    get interrupted() {
      if (interruption === undefined) {
        const made = new AbortController();
        interruption = made;
        listen((signal) => made.abort(new Interruption(signal)));
      }
      return interruption.signal;
    },
  };
}

function listen(interrupt: (signal: NodeJS.Signals) => void): void {
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  process.once("SIGHUP", interrupt);
  // Node aborts where it cannot put back a terminal that is gone: the signal for that ends it first.
  const terminal = terminalNumber();
  process.once("exit", () => {
    if (terminal === 0 || terminalNumber() === terminal) return;
    process.removeAllListeners("SIGHUP");
    process.kill(process.pid, "SIGHUP");
  });
}

/**
 * Where the process was started; undefined where that directory has been removed. It is left then:
 * Node resolves no path in a directory that is not there, an absolute one included.
 */
function startDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    process.chdir("/");
    return undefined;
  }
}

/**
 * `$HOME`, else what the system knows. A relative or empty one counts as unset: it would turn the
 * settings of whatever directory cordon runs in into those of the person.
 */
function homeDirectory(named: string | undefined): string {
  if (named?.startsWith("/") === true) return named;
  try {
    const { homedir } = userInfo();
    if (homedir.startsWith("/")) return homedir;
  } catch {
    // A user the system does not know.
  }
  throw new UsageError(
    "there is no home directory: HOME names none and the system knows none for this user",
    "set HOME to a directory of your own",
  );
}

/** Writes the result; where nobody gets it, its reader has gone or the disk is full, there is none. */
function result(text: string): void {
  try {
    writeAll(1, text);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "EPIPE";
    if (!gone) tell(2, `cordon: the result cannot be written: ${String(error)}\n`);
    process.exit(70);
  }
}

/** Spares making a stream of what is no terminal anyway. */
function isCharacterDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false;
  }
}
