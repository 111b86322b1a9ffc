import { constants } from "node:os";
import { isAbsolute, normalize, resolve } from "node:path";

/**
 * What a command sees of the terminal it runs in. Commands touch no global process state: tests
 * hand them another one of these.
 */
export interface Terminal {
  /** The result, and nothing else. */
  readonly stdout: (text: string) => void;
  /** Diagnostics, hints, progress. */
  readonly stderr: (text: string) => void;
  /** Standard input in pieces; read by commands that say so in their help. */
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. Throws `UsageError` where the directory has been removed. */
  readonly cwd: () => string;
  /** Absolute home directory of the person. Reading it throws `UsageError` where there is none. */
  readonly home: string;
  /** Standard output is a terminal: colour and prompts are welcome, control characters are dangerous. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; undefined without one. */
  readonly columns?: number | undefined;
  /**
   * Aborts with an `Interruption` when somebody wants the command to end; it then ends with its own
   * status. A command that never asks for it is ended by the signal itself.
   */
  readonly interrupted: AbortSignal;
}

/** cordon was started in a way it cannot work with; `main` says so and exits 64. */
export class UsageError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** A signal that wants the command to end. */
export class Interruption extends Error {
  /** The status of a program that was ended by the signal: 128 and its number. */
  readonly status: number;
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = "Interruption";
    this.status = 128 + constants.signals[signal];
  }
}

/** The path a person wrote, from where they are. Throws `UsageError` for a relative one where that is gone. */
export function pathFrom(io: Terminal, path: string): string {
  return isAbsolute(path) ? normalize(path) : resolve(io.cwd(), path);
}

/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** One line, lower case, without a full stop. */
  readonly summary: string;
  /** What `--help` prints, with examples; ends with a line end. */
  readonly help: string;
  /** Commands below this one, by the word behind its name; `--help` behind that word asks for theirs. */
  readonly below?: Readonly<Record<string, () => Promise<Command>>>;
  /**
   * Runs with the arguments behind the command's name and returns the exit status.
   *
   * INVARIANT: does not throw for anything a person can type; a throw is an internal error (70).
   */
  run(argv: readonly string[], io: Terminal): Promise<number>;
}

/** Exit statuses that several commands share; the numbers are those of sysexits.h where it has one. */
export const EXIT = {
  ok: 0,
  /** The command line cannot be understood. */
  usage: 64,
  /** Input lines that cannot be understood. */
  data: 65,
  /** A fault of cordon itself. */
  internal: 70,
  /** Settings that cannot be understood. */
  settings: 78,
  /** `run` and `sandbox`: the command was not let through. */
  refused: 126,
  notFound: 127,
} as const;

/** Says what is wrong with a command line and where help is; returns the exit status for it. */
export function usageError(io: Terminal, command: string, what: string, hint?: string): number {
  io.stderr(`cordon ${command}: ${printable(what)}\n`);
  io.stderr(`  hint: ${hint ?? `see \`cordon ${command} --help\``}\n`);
  return EXIT.usage;
}

/** The message of an error `parseArgs` threw, without the advice behind its first sentence; undefined for other errors. */
export function parseFault(error: unknown): string | undefined {
  if (!(error instanceof TypeError) || !("code" in error)) return undefined;
  if (typeof error.code !== "string" || !error.code.startsWith("ERR_PARSE_ARGS")) return undefined;
  const first = error.message.split(". ")[0] ?? error.message;
  return first.charAt(0).toLowerCase() + first.slice(1);
}

/** Code points that move the cursor, hide text or change its direction. */
function isTreacherous(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0xad ||
    code === 0x61c ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0xfeff ||
    (code >= 0xfff9 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe0fff)
  );
}

const NAMED: ReadonlyMap<number, string> = new Map([
  [9, "\\t"],
  [10, "\\n"],
  [13, "\\r"],
]);

/**
 * `text` on one line, with every character escaped that could move the cursor, hide something or
 * turn the direction of writing. For texts an agent or a repository made.
 */
export function printable(text: string): string {
  let out = "";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    out += isTreacherous(code) ? (NAMED.get(code) ?? `\\u{${code.toString(16)}}`) : char;
  }
  return out;
}

/** JSON text with the same characters escaped as JSON escapes them; it stays the same value. */
export function printableJson(json: string): string {
  let out = "";
  for (const char of json) {
    const code = char.codePointAt(0) ?? 0;
    if (!isTreacherous(code) || code === 10) out += char;
    else
      for (let i = 0; i < char.length; i += 1)
        out += `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return out;
}
