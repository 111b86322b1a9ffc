import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { MODES, modeNamed } from "../core/call/mode.ts";
import { formatProblem } from "../core/settings/problem.ts";
import { type Gate, type GateOptions, createGate } from "../host/gate.ts";
import {
  type Command,
  EXIT,
  type Terminal,
  parseFault,
  printable,
  printableJson,
  usageError,
} from "./command.ts";
import { decisionJson, opinionsJson } from "./decision-json.ts";
import { readTarget, readToolInput } from "./target.ts";

const HELP = `usage: cordon check 'Tool(argument)' [OPTIONS]
       cordon check --tool NAME --input JSON [OPTIONS]
       cordon check --batch [OPTIONS] < calls.jsonl > decisions.jsonl

Says what the gate decides about a tool call and why. Pure advice: nothing runs, no hook is
called, nobody is asked, nothing is recorded.

options:
  --mode MODE       ${MODES.join(", ")}
  --cwd DIR         where the call is made; also the project root
  --settings FILE   settings of the command-line scope: a file, or JSON text
  --managed FILE    managed settings; they count as managed only with --no-ambient
  --no-ambient      read no settings file of the machine, the project or the person
  --sandboxed       the call will run in cordon's sandbox
  --json            print the decision as JSON
  --explain         print what every layer said
  --batch           one call a line on standard input, one decision a line on standard output

exit status: 0 allow, 1 ask, 2 deny; with --batch 0, or 65 when some line could not be read;
64 usage, 70 internal error, 78 settings that cannot be read

examples:
  cordon check 'Bash(git push --force origin main)'
  cordon check 'Read(.env)' --explain
  cordon check --tool Edit --input '{"file_path": "src/a.ts", "old_string": "a", "new_string": "b"}'
  cordon check 'Bash(npm test)' --no-ambient --settings team.json --mode dontAsk
`;

const OPTIONS = {
  mode: { type: "string" },
  cwd: { type: "string" },
  settings: { type: "string" },
  managed: { type: "string" },
  "no-ambient": { type: "boolean" },
  sandboxed: { type: "boolean" },
  json: { type: "boolean" },
  explain: { type: "boolean" },
  batch: { type: "boolean" },
  tool: { type: "string" },
  input: { type: "string" },
  session: { type: "string" },
} as const;

export const command: Command = {
  name: "check",
  summary: "say what the gate decides about a tool call",
  help: HELP,
  async run(argv, io) {
    let parsed;
    try {
      parsed = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    } catch (error) {
      const fault = parseFault(error);
      if (fault === undefined) throw error;
      return usageError(io, "check", fault);
    }
    const { values, positionals } = parsed;
    const mode = values.mode === undefined ? undefined : modeNamed(values.mode);
    if (values.mode !== undefined && mode === undefined) {
      return usageError(io, "check", `there is no mode \`${values.mode}\``, `one of ${MODES.join(", ")}`);
    }
    const cwd = resolve(io.cwd(), values.cwd ?? ".");
    const options: GateOptions = {
      cwd,
      home: io.home,
      mode,
      settings: absoluteFile(values.settings, io),
      managed: absoluteFile(values.managed, io),
      ambient: values["no-ambient"] !== true,
      env: io.env,
    };
    if (values.batch === true) {
      if (positionals.length > 0 || values.tool !== undefined) {
        return usageError(io, "check", "--batch takes its calls from standard input and no other call");
      }
      const { checkBatch } = await import("./check-batch.ts");
      return checkBatch(options, values.sandboxed === true, io);
    }
    const [text, ...more] = positionals;
    if (more.length > 0)
      return usageError(
        io,
        "check",
        `one call at a time; \`${more[0] ?? ""}\` is too many`,
        "quote the call: `'Bash(npm test)'`",
      );
    if ((text === undefined) === (values.tool === undefined)) {
      return usageError(
        io,
        "check",
        text === undefined ? "there is no call to check" : "give a call or --tool, not both",
      );
    }
    const target =
      values.tool === undefined ? readTarget(text ?? "") : readToolInput(values.tool, values.input);
    if ("fault" in target) return usageError(io, "check", target.fault, target.hint);

    const gate = createGate(options);
    const faulty = reportProblems(
      gate,
      io,
      [values.settings, values.managed].filter((file) => file !== undefined),
    );
    if (faulty) return EXIT.settings;
    const decision = gate.decide({ ...target, sandboxed: values.sandboxed });
    if (values.json === true) {
      const json = {
        ...decisionJson(decision),
        mode: decision.mode,
        ...(values.explain === true ? { opinions: opinionsJson(decision) } : {}),
      };
      io.stdout(`${printableJson(JSON.stringify(json))}\n`);
    } else {
      const { renderDecision } = await import("./render-decision.ts");
      io.stdout(
        renderDecision(decision, {
          explain: values.explain === true,
          colour: io.isTerminal && io.env["NO_COLOR"] === undefined,
        }),
      );
    }
    return decision.verdict === "allow" ? 0 : decision.verdict === "ask" ? 1 : 2;
  },
};

/** A file argument is relative to where the person is, not to --cwd. */
function absoluteFile(argument: string | undefined, io: Terminal): string | undefined {
  if (argument === undefined || argument.trimStart().startsWith("{")) return argument;
  return resolve(io.cwd(), argument);
}

/**
 * Prints what is wrong with the settings. Returns true where a file the person named cannot be
 * read at all: advice by other settings than the ones asked for would be wrong advice.
 */
export function reportProblems(gate: Gate, io: Terminal, named: readonly string[]): boolean {
  for (const problem of gate.problems) {
    if (problem.severity !== "note")
      io.stderr(`cordon: ${formatProblem(problem).split("\n").map(printable).join("\n")}\n`);
  }
  const { rules, files } = gate.policy.ignored;
  if (rules > 0) {
    io.stderr(
      `cordon: ${rules} allow rule${rules === 1 ? "" : "s"} of ${files.map(printable).join(", ")} ignored: the workspace is not trusted\n`,
    );
  }
  const whole = gate.problems.some(
    ({ severity, key, file }) =>
      severity === "error" &&
      key === undefined &&
      (file === undefined || named.some((name) => resolve(io.cwd(), name) === file)),
  );
  return named.length > 0 && whole;
}
