import { type Problem, formatProblem } from "../core/settings/problem.ts";
import type { Gate } from "../host/gate.ts";
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
  const { rules, files } = gate.policy.ignored;
  if (rules > 0) {
    io.stderr(
      `cordon: ${rules} allow rule${rules === 1 ? "" : "s"} of ${files.map(printable).join(", ")} ignored: the workspace is not trusted\n`,
    );
  }
  // Only texts of the command line have no file.
  return gate.problems.some(
    ({ severity, key, file }) =>
      severity === "error" &&
      key === undefined &&
      (file === undefined || file === given.settings || file === given.managed),
  );
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
