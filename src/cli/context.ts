import { parseArgs } from "node:util";
import { isWithin, normalise } from "../core/call/path.ts";
import { type DenialKind, MOST_KINDS, denialKinds } from "../host/session/denials.ts";
import { type Instruction, instructionsFor } from "../host/session/instructions.ts";
import { openSession, runtimeDirectory, sessionId } from "../host/session/session.ts";
import { type Command, EXIT, parseFault, pathFrom, printable, printableJson, usageError } from "./command.ts";

const HELP = `usage: cordon context [FILE ...] [--session NAME] [--cwd DIR] [--json]

Prints what an agent should know before it goes on: what was denied lately in this session, and the
instructions of the project that apply to the files. Instructions are files of .claude/rules and
.cordon/rules that end in .md and name files in their front matter (\`paths: src/**/*.ts\`).

options:
  --session NAME  whose denials (default $CORDON_SESSION, else the terminal); for a call of an agent
                  its own session id
  --cwd DIR       the project
  --json          print the result as JSON

At most ${MOST_KINDS} kinds of denial and 128 kB of instructions; links that leave the project are not followed,
control characters are escaped.

exit status: 0, also where there is nothing to say; 64 usage

examples:
  cordon context
  cordon context src/app.ts src/lib/io.ts --json
`;

export const command: Command = {
  name: "context",
  summary: "show what was denied lately, and the instructions for given files",
  help: HELP,
  async run(argv, io) {
    let parsed;
    try {
      parsed = parseArgs({
        args: [...argv],
        allowPositionals: true,
        options: { session: { type: "string" }, cwd: { type: "string" }, json: { type: "boolean" } },
      });
    } catch (error) {
      const fault = parseFault(error);
      if (fault === undefined) throw error;
      return usageError(io, "context", fault);
    }
    const { values, positionals } = parsed;
    const empty = (["session", "cwd"] as const).find((name) => values[name] === "");
    if (empty !== undefined) return usageError(io, "context", `--${empty} is empty`);
    const root = pathFrom(io, values.cwd ?? ".");
    const files = positionals
      .map((file) => normalise(pathFrom(io, file)))
      .filter((file) => file !== root && isWithin(file, root))
      .map((file) => file.slice(root === "/" ? 1 : root.length + 1));
    const session = openSession(sessionId(values.session, io.env), runtimeDirectory(io.env, io.home));
    const denials = denialKinds(session.denials());
    const { instructions, left } = instructionsFor(root, files);
    if (values.json === true) {
      const result = { session: session.id, denials, instructions, left };
      io.stdout(`${printableJson(JSON.stringify(result, undefined, 2))}\n`);
    } else io.stdout(textOf(denials, instructions));
    if (left > 0)
      io.stderr(`cordon context: ${left} files with instructions were left out: too many, or too long\n`);
    return EXIT.ok;
  },
};

function textOf(denials: readonly DenialKind[], instructions: readonly Instruction[]): string {
  const rows = denials.map(({ tool, pattern, code, count, last }) => [
    `${count}x`,
    ...[tool, pattern, code, `last ${last.slice(0, 16).replace("T", " ")}`].map(printable),
  ]);
  const widths = [0, 1, 2, 3].map((at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  const denied = rows.map((row) => {
    const cells = row.map((cell, at) =>
      at === 0 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    );
    return `  ${cells.join("  ").trimEnd()}`;
  });
  const texts = instructions.flatMap(({ file, paths, text, cut }) => [
    "",
    `${printable(file)} (for ${paths.map(printable).join(", ")}):`,
    ...text
      .trim()
      .split(/\r?\n/)
      .map((line) => printable(line.replaceAll("\t", "    "))),
    ...(cut ? ["[cut]"] : []),
  ]);
  const head =
    denied.length === 0
      ? ["nothing was denied in this session"]
      : ["denied in this session; do not try these in another way, ask the person:", ...denied];
  return `${[...head, ...texts].join("\n")}\n`;
}
