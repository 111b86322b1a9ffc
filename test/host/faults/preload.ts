import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One fault: the `nth` call of a kind (from 1; 0 = every one) ends in `action`; see fault.c. */
export interface Fault {
  readonly kind: string;
  readonly nth: number;
  readonly action: string;
}

/** A call to the system that was made about a path that counts. */
export interface Seen {
  readonly kind: string;
  readonly path: string;
}

export interface Ended {
  /** Undefined where a signal ended it, or nobody waited any longer. */
  readonly status: number | undefined;
  readonly out: string;
  readonly err: string;
}

export interface Run {
  /** Prefixes of paths that count. */
  readonly under: readonly string[];
  /** `FROM=TO`: where a place of the system is looked for. */
  readonly move: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string | undefined;
  /** Milliseconds after which the process is killed. */
  readonly limit?: number | undefined;
}

/** The built program with a system that fails. */
export interface Faulty {
  readonly run: (argv: readonly string[], run: Run, fault?: Fault) => Ended;
  /** As it is without a fault, and every call it made. */
  readonly trace: (argv: readonly string[], run: Run) => Ended & { readonly calls: readonly Seen[] };
  /** The text of a program that runs with a fault. */
  readonly script: (run: Pick<Run, "under" | "move">, fault: Fault) => string;
  readonly remove: () => void;
}

/** What is run, and the C source (fault.c) of what stands between it and the system. */
export interface FaultyProgram {
  readonly program: string;
  readonly source: string;
}

/** Compiles what stands between the program and the system. Throws where there is no C compiler. */
export function openFaulty({ program, source }: FaultyProgram): Faulty {
  const directory = mkdtempSync(join(tmpdir(), "cordon-fault-"));
  const library = join(directory, "fault.so");
  execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
  // The variables are for the program alone, and what is loaded takes them away.
  const words = (
    { under, move }: Pick<Run, "under" | "move">,
    ...more: readonly string[]
  ): readonly string[] => [
    "env",
    `LD_PRELOAD=${library}`,
    `CORDON_FAULT_UNDER=${under.join(":")}`,
    `CORDON_FAULT_MOVE=${move}`,
    ...more,
    process.execPath,
    program,
  ];
  const start = (argv: readonly string[], run: Run, ...more: readonly string[]): Ended => {
    const { cwd, env, input = "", limit = 30_000 } = run;
    const { status, stdout, stderr } = spawnSync("setsid", ["--wait", ...words(run, ...more), ...argv], {
      cwd,
      input,
      encoding: "utf8",
      timeout: limit,
      killSignal: "SIGKILL",
      maxBuffer: 64 * 1024 * 1024,
      env,
    });
    return { status: status ?? undefined, out: stdout, err: stderr };
  };
  const variable = ({ kind, nth, action }: Fault): string => `CORDON_FAULT=${kind}:${nth}:${action}`;
  return {
    run: (argv, run, fault) => start(argv, run, ...(fault === undefined ? [] : [variable(fault)])),
    trace: (argv, run) => {
      const log = join(directory, "log");
      rmSync(log, { force: true });
      const ended = start(argv, run, `CORDON_FAULT_LOG=${log}`);
      const calls = readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [kind = "", ...path] = line.split(" ");
          return { kind, path: path.join(" ") };
        });
      return { ...ended, calls };
    },
    script: (run, fault) =>
      `#!/bin/sh\nexec ${words(run, variable(fault))
        .map((word) => `'${word}'`)
        .join(" ")} "$@"\n`,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
