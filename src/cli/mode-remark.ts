import type { Mode } from "../core/call/mode.ts";
import type { Terminal } from "./command.ts";

/** Says on standard error why a call is judged in another mode than the one that was named. */
export function remarkOnMode(named: Mode | undefined, judged: Mode, io: Terminal): void {
  if (named === undefined || named === judged) return;
  io.stderr(
    named === "auto" && judged === "default"
      ? "cordon: `auto` is judged as `default`: no classifier answers here instead of a person\n"
      : `cordon: settings lock the mode: judged as \`${judged}\`, not as \`${named}\`\n`,
  );
}
