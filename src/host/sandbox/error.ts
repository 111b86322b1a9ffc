/** What stands between a plan and a running command. */
export type SandboxFault =
  /** No bubblewrap, or none that works here. */
  | "unavailable"
  /** bubblewrap did not get as far as the command. */
  | "setup"
  /** The command itself cannot be passed on. */
  | "usage";

/**
 * The sandbox could not be built.
 *
 * INVARIANT: when this is thrown the command has not run.
 */
export class SandboxError extends Error {
  readonly fault: SandboxFault;
  /** What to do about it. */
  readonly hint: string;

  constructor(fault: SandboxFault, message: string, hint: string) {
    super(message);
    this.name = "SandboxError";
    this.fault = fault;
    this.hint = hint;
  }
}
