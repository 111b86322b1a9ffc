import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream, WriteStream } from "node:tty";
import type { Suggestion } from "../../core/call/decision.ts";
import type { Answer, Asker, Question } from "../run/run-call.ts";

/** Asks one line of the person; undefined when the time is up or the terminal is closed. */
type Ask = (text: string) => Promise<string | undefined>;

/**
 * Asks on the controlling terminal, whatever standard input and output are.
 *
 * INVARIANT: silence, an unknown answer and a closed terminal are a no. What the agent wrote is
 * printed with control characters escaped (`printable`) and in full.
 */
export function terminalAsker(printable: (text: string) => string): Asker {
  return async (question, seconds) => {
    let descriptor: number;
    try {
      descriptor = openSync("/dev/tty", "r+");
    } catch {
      return "nobody";
    }
    const input = new ReadStream(descriptor);
    const output = new WriteStream(descriptor);
    const lines = createInterface({ input, output });
    const expired = AbortSignal.timeout(seconds * 1000);
    const ask: Ask = async (text) => {
      try {
        return await lines.question(text, { signal: expired });
      } catch {
        return undefined;
      }
    };
    try {
      output.write(renderQuestion(question, seconds, printable));
      const answer = await converse(question, ask, (text) => output.write(text), printable);
      if (answer === undefined) {
        output.write("\ncordon: no answer, so the answer is no\n");
        return expired.aborted ? "timeout" : { kind: "deny" };
      }
      return answer;
    } finally {
      lines.close();
      input.destroy();
      output.destroy();
      try {
        closeSync(descriptor);
      } catch {
        // The streams may have closed it already.
      }
    }
  };
}

function renderQuestion(
  { command, cwd, decision, unconfined }: Question,
  seconds: number,
  printable: (text: string) => string,
): string {
  const row = (name: string, text: string): string => `  ${name.padEnd(9)}${printable(text)}\n`;
  const grave = decision.kind === "destructive" || decision.kind === "critical";
  const rule =
    decision.rule === undefined
      ? ""
      : row(
          "rule",
          `${decision.rule.text} (${[decision.rule.file ?? decision.rule.scope, decision.rule.line].filter((part) => part !== undefined).join(":")})`,
        );
  const parts =
    decision.parts.length < 2 ? "" : decision.parts.map((part) => row(part.decision, part.command)).join("");
  const [session] = decision.offers.slice(-1);
  const keepable = session !== undefined && session.length > 0;
  return [
    `\ncordon asks${grave ? " - this destroys something" : ""}\n`,
    ...command.split("\n").map((line, at) => row(at === 0 ? "command" : "", line)),
    parts,
    row("where", cwd),
    row("why", decision.why),
    rule,
    row("layer", `${decision.layer} · ${decision.code} · mode ${decision.mode}`),
    row(
      "sandbox",
      unconfined === undefined ? "on: writes stay in the project, no network" : `OFF: ${unconfined}`,
    ),
    decision.hint === undefined ? "" : row("instead", decision.hint),
    "  [a] allow once\n",
    keepable
      ? `  [s] allow for this session: ${printable(textOf(session))}\n  [A] always: shows rule and file before it saves\n`
      : "",
    "  [d] deny; a word for the agent may follow (`d use the test database`)\n",
    `  no answer within ${seconds} seconds is a no\n`,
  ].join("");
}

/** Reads answers until one is clear; undefined when nobody answers. */
async function converse(
  question: Question,
  ask: Ask,
  write: (text: string) => void,
  printable: (text: string) => string,
): Promise<Answer | undefined> {
  const { offers } = question.decision;
  for (let tries = 0; tries < 3; tries++) {
    const line = (await ask("answer [d]: "))?.trim();
    if (line === undefined) return undefined;
    if (line === "" || line === "d" || line === "n" || line === "no") return { kind: "deny" };
    if (line.startsWith("d ")) return { kind: "deny", message: line.slice(2).trim() };
    if (line === "a" || line === "y" || line === "yes") return { kind: "once" };
    const session = offers.at(-1);
    if (line === "s" && session !== undefined) return { kind: "session", rules: session };
    if (line === "A" && session !== undefined) {
      const rules = await choose(offers, question.file, ask, write, printable);
      if (rules !== undefined) return { kind: "always", rules };
      write("nothing was saved\n");
      continue;
    }
    write("please answer with one of the letters\n");
  }
  return { kind: "deny" };
}

/** Shows the exact rule and file, and saves only after a yes. */
async function choose(
  offers: readonly (readonly Suggestion[])[],
  file: string,
  ask: Ask,
  write: (text: string) => void,
  printable: (text: string) => string,
): Promise<readonly Suggestion[] | undefined> {
  let chosen = offers[0];
  if (offers.length > 1) {
    offers.forEach((offer, at) => write(`  ${at + 1}  ${printable(textOf(offer))}\n`));
    const line = (await ask("which one? [1]: "))?.trim();
    if (line === undefined) return undefined;
    chosen = offers[line === "" ? 0 : Number(line) - 1];
  }
  if (chosen === undefined) return undefined;
  write(`  ${printable(file)}\n`);
  for (const { rule } of chosen) write(`  permissions.allow + ${printable(JSON.stringify(rule))}\n`);
  const line = (await ask("save this? [y/N]: "))?.trim();
  return line === "y" || line === "yes" ? chosen : undefined;
}

function textOf(offer: readonly Suggestion[]): string {
  return offer.map(({ rule }) => rule).join(", ");
}
