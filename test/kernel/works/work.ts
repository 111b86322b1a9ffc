/** Something people do every day, that has to go on working inside. */
export interface Work {
  readonly name: string;
  /** Text for bash, run with `set -e -o pipefail` in the workspace of a fresh scene. */
  readonly command: string;
  /** Exactly what it prints, or a pattern of it. */
  readonly stdout: string | RegExp;
  /** What it may say on standard error; default: nothing. */
  readonly stderr?: RegExp;
  /** Programs without which it cannot be tried; it is then skipped, and that is said. */
  readonly programs?: readonly string[];
  /** Packages of npm it takes (see tools.ts). */
  readonly tools?: readonly string[];
  /** What a command outside finds afterwards. */
  readonly outside?: { readonly command: string; readonly stdout: string | RegExp };
  /** Why it cannot be had on the rung without namespaces. */
  readonly alone?: string;
  /** Run outside and before, as a person's own preparation. */
  readonly before?: string;
}
