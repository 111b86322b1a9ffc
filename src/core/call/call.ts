import type { JsonObject } from "./json.ts";
import type { Mode } from "./mode.ts";

/**
 * One tool call, as an agent makes it, with the place it is made from.
 *
 * INVARIANT: everything the verdict depends on besides policy and facts stands here; the core
 * reads no clock, environment or file.
 */
export interface ToolCall {
  /** Canonical tool name: `Bash`, `Read`, `Edit`, ..., `mcp__server__tool`. Case-sensitive. */
  readonly tool: string;
  readonly input: JsonObject;
  /** Absolute directory the call is made in. */
  readonly cwd: string;
  /** Absolute project root; rules of the project are anchored here. Usually the same as `cwd`. */
  readonly root: string;
  /** Absolute home directory of the person the agent works for. */
  readonly home: string;
  /** The mode asked for; a managed lock can make it stricter. */
  readonly mode?: Mode | undefined;
  /** The call will run inside cordon's own sandbox. Never inferred from settings. */
  readonly sandboxed?: boolean | undefined;
  /** Paths the agent asks to have opened in the sandbox for this call, and why, in its own words. */
  readonly opens?: { readonly paths: readonly Opening[]; readonly reason?: string | undefined } | undefined;
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
}

/** One path that a sandboxed command may use although its plan keeps it closed. */
export interface Opening {
  readonly access: "write" | "read";
  /** Absolute. */
  readonly path: string;
}

/** A half-open range of UTF-16 positions in a command text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}
