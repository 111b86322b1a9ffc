import { type Problem, formatProblem } from "../core/settings/problem.ts";
import type { Gate } from "../host/gate.ts";
import { quoteWord } from "./command-text.ts";
import { type Terminal, pathFrom, printable } from "./command.ts";

/** What stands behind `--settings` and `--managed`: an absolute file name, or JSON text. */
export interface GivenSettings {
  readonly settings?: string | undefined;
  readonly managed?: string | undefined;
}

/**
 * A file or JSON text given on the command line. A file is relative to where the person is, not to
 * `--cwd`.
 */
export function settingsArgument(io: Terminal, argument: string | undefined): string | undefined {
  return argument === undefined || isText(argument) ? argument : pathFrom(io, argument);
}

function isText(argument: string): boolean {
  return argument.trimStart().startsWith("{");
}

/**
 * Prints what is wrong with the settings. Returns true where something the person named cannot be
 * read at all: an answer by other settings than the ones asked for would be a wrong answer.
 */
export function reportProblems(gate: Gate, io: Terminal, given: GivenSettings): boolean {
  for (const problem of gate.problems) if (problem.severity !== "note") io.stderr(lineFor(problem, given));
  const notice = untrustedNotice(gate, whereIs(io));
  if (notice !== undefined) io.stderr(`cordon: ${printable(notice)}\n`);
  // Only texts of the command line have no file.
  return gate.problems.some(
    ({ severity, key, file }) =>
      severity === "error" &&
      key === undefined &&
      (file === undefined || file === given.settings || file === given.managed),
  );
}

/** Undefined where the directory is gone. */
function whereIs(io: Terminal): string | undefined {
  try {
    return io.cwd();
  } catch {
    return undefined;
  }
}

/**
 * One line about what the project's files would add if they were trusted; undefined where they add
 * nothing. `cwd`: where the person is, if that may be another directory.
 */
export function untrustedNotice({ policy, root }: Gate, cwd: string = root): string | undefined {
  const { rules, files } = policy.ignored;
  if (files.length === 0) return undefined;
  const what = rules === 0 ? "settings" : `${rules} allow rule${rules === 1 ? "" : "s"}`;
  const names = files.map((file) => (file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file));
  // Trust elsewhere would be about other files.
  const where = cwd === root ? "" : ` ${quoteWord(root)}`;
  return `${what} of ${names.join(", ")} ${rules === 1 ? "does" : "do"} not count: run \`cordon trust${where}\``;
}

/** A problem with its place; one of a text on the command line is placed in the argument. */
export function lineFor(problem: Problem, given: GivenSettings): string {
  const texts = (["settings", "managed"] as const).filter((name) => isText(given[name] ?? ""));
  const file = problem.file ?? texts.map((name) => `--${name}`).join(" or ");
  return `cordon: ${formatProblem({ ...problem, file })
    .split("\n")
    .map(printable)
    .join("\n")}\n`;
}
