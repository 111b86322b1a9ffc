import { type JsonObject, stringAt } from "../../core/call/json.ts";
import { quote } from "./quote.ts";

/** How a command gets into cordon's sandbox. All paths absolute. */
export interface SandboxEntry {
  /** The program `cordon`. */
  readonly cordon: string;
  /** What the command may write to. */
  readonly root: string;
  readonly cwd: string;
}

/** Everything that stands before the quoted command. */
function entryText({ cordon, root, cwd }: SandboxEntry): string {
  return `${quote(cordon)} sandbox --root ${quote(root)} --cwd ${quote(cwd)} -- `;
}

/**
 * The input whose command runs the original one in cordon's sandbox; every other field stays.
 *
 * Undefined where there is no command, or one that no shell can carry. The place is written out,
 * so that what runs is what was judged, wherever the host's shell stands.
 */
export function intoSandbox(input: JsonObject, entry: SandboxEntry): JsonObject | undefined {
  const command = stringAt(input, "command");
  if (command === undefined || command.includes("\0")) return undefined;
  return { ...input, command: entryText(entry) + quote(command) };
}

/**
 * The input with the command that `intoSandbox` was given, where it has exactly the form it writes
 * for this place; any other input as it is.
 *
 * An agent can write that form too, and gains nothing: what is inside is judged, and the same form
 * is written around it again.
 */
export function outOfSandbox(input: JsonObject, entry: SandboxEntry): JsonObject {
  const command = stringAt(input, "command");
  const before = entryText(entry);
  if (command === undefined || !command.startsWith(before)) return input;
  const quoted = command.slice(before.length);
  const inner = quoted.slice(1, -1).replaceAll(`'\\''`, "'");
  return quoted.length > 1 && quote(inner) === quoted ? { ...input, command: inner } : input;
}
