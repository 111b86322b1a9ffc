import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream, WriteStream } from "node:tty";
import type { Suggestion } from "../../core/call/decision.ts";
import type { Answer, Asker, Question } from "../run/run-call.ts";
import { takeTurn } from "./turn.ts";

/** Asks one line of the person; undefined when the time is up or nobody will answer any more. */
export type Ask = (text: string) => Promise<string | undefined>;

/** The controlling terminal, opened for one conversation. */
interface OpenTerminal {
  readonly columns: number;
  readonly write: (text: string) => void;
  /** Reads a line; undefined when the terminal is closed or the signal aborts. */
  readonly question: (text: string, until: AbortSignal) => Promise<string | undefined>;
  readonly close: () => void;
}

/**
 * Asks on the controlling terminal, whatever standard input and output are. `interrupted` ends the
 * question without an answer. While another cordon asks on the same terminal the question waits.
 *
 * INVARIANT: silence, an unknown answer, an interruption and a closed terminal are a no. What the
 * agent wrote is printed in full, with control characters escaped (`printable`) and folded to the
 * width of the terminal, so that no part of it starts where cordon's own lines start.
 */
export function terminalAsker(printable: (text: string) => string, interrupted?: AbortSignal): Asker {
  return async (question, seconds) => {
    const answer = await onTerminal<Answer>(seconds, interrupted, ({ columns, write }, ask) => {
      write(renderQuestion(question, seconds, columns, printable));
      return converse(question, ask, write, printable);
    });
    return answer === "silence" ? { kind: "deny" } : answer;
  };
}

/**
 * One conversation on the controlling terminal, in turn with other cordons there. `nobody`: there is
 * no terminal. `timeout`: the time of the person was up. `silence`: it was interrupted, or the
 * terminal closed, which is a no.
 */
export async function onTerminal<T>(
  seconds: number,
  interrupted: AbortSignal | undefined,
  talk: (terminal: Pick<OpenTerminal, "columns" | "write">, ask: Ask) => Promise<T | undefined>,
): Promise<T | "nobody" | "timeout" | "silence"> {
  const descriptor = controllingTerminal();
  if (descriptor === undefined) return "nobody";
  const endTurn = await takeTurn(interrupted);
  // Whoever listens takes lines: nobody listens before their turn.
  const terminal = openTerminal(descriptor);
  try {
    if (endTurn === undefined) return "silence";
    // The time is the person's: it begins when they can see the question.
    const expired = AbortSignal.timeout(seconds * 1000);
    const until = interrupted === undefined ? expired : AbortSignal.any([expired, interrupted]);
    const answer = await talk(terminal, (text) => terminal.question(text, until));
    if (answer !== undefined) return answer;
    terminal.write("\ncordon: no answer, so the answer is no\n");
    return expired.aborted ? "timeout" : "silence";
  } finally {
    terminal.close();
    endTurn?.();
  }
}

/** Undefined where this process has no controlling terminal. */
function controllingTerminal(): number | undefined {
  try {
    return openSync("/dev/tty", "r+");
  } catch {
    return undefined;
  }
}

/** Begins to listen on a terminal. */
function openTerminal(descriptor: number): OpenTerminal {
  const input = new ReadStream(descriptor);
  const output = new WriteStream(descriptor);
  // A terminal that is hung up fails reading and writing; whoever waits for a line gets none.
  output.on("error", () => undefined);
  // It keeps its own line editing: an interrupt stays a signal, and an end stays an end.
  const lines = createInterface({ input, output, terminal: false });
  input.on("error", () => lines.close());
  const state = { closed: false };
  const closed = new Promise<undefined>((resolve) =>
    lines.once("close", () => {
      state.closed = true;
      resolve(undefined);
    }),
  );
  return {
    columns: output.columns > 0 ? output.columns : 80,
    write: (text) => void output.write(text),
    question: async (text, until) => {
      if (state.closed) return undefined;
      try {
        return await Promise.race([lines.question(text, { signal: until }), closed]);
      } catch {
        return undefined;
      }
    },
    close: () => {
      lines.close();
      input.destroy();
      output.destroy();
      try {
        closeSync(descriptor);
      } catch {
        // The streams may have closed it already.
      }
    },
  };
}

/** Width of the names before what a question tells. */
export const MARGIN = 11;

function renderQuestion(
  { command, cwd, decision, unconfined }: Question,
  seconds: number,
  columns: number,
  printable: (text: string) => string,
): string {
  const room = Math.max(20, columns - MARGIN);
  const row = (name: string, text: string): string =>
    foldText(printable(text), room)
      .map((line, at) => `${(at === 0 ? `  ${name}` : "").padEnd(MARGIN)}${line}\n`)
      .join("");
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
  const session = decision.offers.at(-1);
  return [
    `\ncordon asks${grave ? " - this destroys something" : ""}\n`,
    ...command.split("\n").map((line, at) => row(at === 0 ? "command" : "", line)),
    parts,
    row("where", cwd),
    row("why", decision.why),
    ...decision.opinions
      .filter(({ layer, effect, why }) => layer === "hooks" && effect !== "allow" && why !== decision.why)
      .map(({ why }) => row("hook", why)),
    rule,
    row("layer", `${decision.layer} · ${decision.code} · mode ${decision.mode}`),
    row(
      "sandbox",
      unconfined === undefined ? "on: writes stay in the project, no network" : `OFF: ${unconfined}`,
    ),
    decision.hint === undefined ? "" : row("instead", decision.hint),
    "  [a] allow once\n",
    session === undefined
      ? ""
      : `  [s] allow for this session: ${foldText(printable(textOf(session)), Math.max(20, room - 20)).join(`\n${" ".repeat(MARGIN + 20)}`)}\n  [A] always: shows rule and file before it saves\n`,
    "  [d] deny; a word for the agent may follow (`d use the test database`)\n",
    `  no answer within ${seconds} seconds is a no\n`,
  ].join("");
}

/**
 * The text in lines of at most `room` columns. A character outside ASCII counts as two: where it is
 * narrower the line is shorter, where it were counted too low the terminal would break the line.
 */
export function foldText(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let [line, width] = ["", 0];
  for (const char of text) {
    const wide = char > "~" ? 2 : 1;
    if (width + wide > room) {
      lines.push(line);
      [line, width] = ["", 0];
    }
    line += char;
    width += wide;
  }
  return [...lines, line];
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
    if (line === "a") return { kind: "once" };
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
