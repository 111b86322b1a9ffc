/**
 * Something wrong with a settings file, said so that a person can mend it.
 *
 * `error`: the key or file does not do what it says and something stricter holds until it is
 * mended. `warning`: it does less than a reader would expect. `note`: accepted, but not the
 * canonical spelling.
 */
export interface Problem {
  readonly severity: "error" | "warning" | "note";
  readonly file?: string | undefined;
  /** One-based. */
  readonly line?: number | undefined;
  /** One-based, in UTF-16 units. */
  readonly column?: number | undefined;
  /** The key, dotted: `permissions.deny[2]`. */
  readonly key?: string | undefined;
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string | undefined;
}

/** `file:line:column message`, and the hint on a second line. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(":");
  const head = place === "" ? problem.message : `${place} ${problem.message}`;
  return problem.hint === undefined ? head : `${head}\n  hint: ${problem.hint}`;
}
