import { shortPath } from "../../core/layers/9-sandbox/refusals.ts";
import type { BoundaryAnswer, BoundaryAsker, BoundaryQuestion } from "../run/boundary.ts";
import { type Ask, MARGIN, foldText, onTerminal } from "./terminal.ts";

/**
 * Asks on the controlling terminal whether what the sandbox refused is to be opened.
 *
 * INVARIANT: as in `terminalAsker`, silence is a no, and nothing a command wrote starts where
 * cordon's own lines start.
 */
export function boundaryAsker(printable: (text: string) => string, interrupted?: AbortSignal): BoundaryAsker {
  return async (question, seconds) => {
    const answer = await onTerminal<BoundaryAnswer>(seconds, interrupted, ({ columns, write }, ask) => {
      write(render(question, seconds, columns, printable));
      return converse(question, ask, write, printable);
    });
    return answer === "silence" ? { kind: "deny" } : answer;
  };
}

function render(
  { command, cwd, home, refusals, concerns, again, rules, file }: BoundaryQuestion,
  seconds: number,
  columns: number,
  printable: (text: string) => string,
): string {
  const room = Math.max(20, columns - MARGIN);
  const row = (name: string, text: string): string =>
    foldText(printable(text), room)
      .map((line, at) => `${(at === 0 ? `  ${name}` : "").padEnd(MARGIN)}${line}\n`)
      .join("");
  const warned = refusals.some(({ opens }) => opens === "warn");
  const kept = rules.join(", ");
  return [
    `\ncordon asks: open what the sandbox refused?${warned ? " - what is written there runs or is obeyed OUTSIDE the sandbox" : ""}\n`,
    ...command.split("\n").map((line, at) => row(at === 0 ? "command" : "", line)),
    row("where", cwd),
    ...refusals.flatMap((refusal) => [
      row(refusal.class, shortPath(refusal.path ?? "", home)),
      row("why", `${refusal.why} (${refusal.rule})`),
    ]),
    ...concerns.map((why) => row("also", why)),
    row(
      "told by",
      refusals.every(({ certain }) => certain)
        ? "the kernel"
        : "what the command printed; it may not be true",
    ),
    again
      ? "  [a] once: runs it again, with this opened and nothing else\n"
      : row("again", "it is not known what it did before it failed, so it is not run again by itself"),
    row("[s]", `for this session${again ? ", and run it again" : ""}: ${kept}`),
    file === undefined ? "" : row("[A]", `always in this project: saved in ${file}`),
    "  [d] deny; a word for the agent may follow (`d write into the project`)\n",
    `  no answer within ${seconds} seconds is a no\n`,
  ].join("");
}

/** Reads answers until one is clear; undefined when nobody answers. */
async function converse(
  { again, rules, file }: BoundaryQuestion,
  ask: Ask,
  write: (text: string) => void,
  printable: (text: string) => string,
): Promise<BoundaryAnswer | undefined> {
  for (let tries = 0; tries < 3; tries++) {
    const line = (await ask("answer [d]: "))?.trim();
    if (line === undefined) return undefined;
    if (line === "" || line === "d" || line === "n" || line === "no") return { kind: "deny" };
    if (line.startsWith("d ")) return { kind: "deny", message: line.slice(2).trim() };
    if (line === "a" && again) return { kind: "once" };
    if (line === "s") return { kind: "session" };
    if (line === "A" && file !== undefined) {
      write(`  ${printable(file)}\n`);
      for (const rule of rules) write(`  permissions.allow + ${printable(JSON.stringify(rule))}\n`);
      const sure = (await ask("save this? [y/N]: "))?.trim();
      if (sure === undefined) return undefined;
      if (sure === "y" || sure === "yes") return { kind: "always" };
      write("nothing was saved\n");
      continue;
    }
    write("please answer with one of the letters\n");
  }
  return { kind: "deny" };
}
