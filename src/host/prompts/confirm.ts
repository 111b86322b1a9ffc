import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream, WriteStream } from "node:tty";

/**
 * Asks the person at the controlling terminal for a yes, whatever standard input and output are.
 * Anything else, silence and a closed terminal included, is a no; `nobody` where there is no
 * terminal.
 */
export async function confirm(question: string, interrupted: AbortSignal): Promise<"yes" | "no" | "nobody"> {
  let descriptor: number;
  try {
    descriptor = openSync("/dev/tty", "r+");
  } catch {
    return "nobody";
  }
  const input = new ReadStream(descriptor);
  const output = new WriteStream(descriptor);
  // The terminal keeps its own line editing: an interrupt stays a signal, and an end stays an end.
  const lines = createInterface({ input, output, terminal: false });
  try {
    // Without a line: the terminal was closed, which `question` does not tell.
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const line = await Promise.race([lines.question(question, { signal: interrupted }), closed]);
    return /^y(?:es)?$/i.test(line.trim()) ? "yes" : "no";
  } catch {
    return "no";
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
}
