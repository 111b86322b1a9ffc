import { ANSWERS } from "../../core/call/ask.ts";
import type { Decision } from "../../core/call/decision.ts";
import { standingAsks } from "../../core/call/fold.ts";
import type { HookCall } from "./payload.ts";

/**
 * Whether a question would reach a person if the hook asked it.
 *
 * Measured on 2.1.197: where a check of the host's own wants to ask as well (about a write to
 * `.git`, `.claude` or a shell's start-up file), the host drops the hook's question and settles
 * its own by its mode. Where permissions are skipped the call then runs; in `auto` a classifier
 * answers. An agent can bring that about for any command, by adding such a write to it.
 *
 * INVARIANT: false wherever something else than a person could answer what only a person may. Of a
 * mode that is not known here the worst is feared that the table of asks has an answer for.
 */
export function canAsk({ mode, unknownMode }: HookCall, { opinions }: Decision): boolean {
  if (mode === "bypassPermissions") return false;
  if (mode !== "auto" && unknownMode === undefined) return true;
  const allows = opinions.filter(({ effect }) => effect === "allow");
  return standingAsks(opinions, allows).every(
    ({ kind }) => kind !== undefined && ANSWERS[kind].includes("bypass"),
  );
}
