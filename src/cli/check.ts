import { parseArgs } from "node:util";
import { MODES, modeNamed } from "../core/call/mode.ts";
import { createGate } from "../host/gate.ts";
import {
  type Command,
  EXIT,
  UsageError,
  parseFault,
  pathFrom,
  printableJson,
  usageError,
} from "./command.ts";
import { decisionJson, opinionsJson } from "./decision-json.ts";
import { reportProblems, settingsArgument } from "./given-settings.ts";
import { remarkOnMode } from "./mode-remark.ts";
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

a line of a batch is a JSON object; only \`tool\` and \`input\` are needed:
  {"id", "tool", "input": {...}, "cwd", "home", "mode", "sandboxed", "agent", "session",
   "settings": {...}, "project": {...}, "user": {...}, "managed": {...}}
and its answer {"id", "decision", "code", "layer", "why", "kind", "rule", "parts", "suggestions"}, or
{"id", "error": {"code", "message", "line"}}. Blank lines have no answer.

exit status: 0 allow, 1 ask, 2 deny; with --batch 0, or 65 when some line could not be read;
64 usage, 70 internal error, 78 when what --settings or --managed names cannot be read

examples:
  cordon check 'Bash(git push --force origin main)'
  cordon check 'Read(.env)' --explain
  cordon check --tool Edit --input '{"file_path": "src/a.ts", "old_string": "a", "new_string": "b"}'
  cordon check 'Bash(npm test)' --no-ambient --settings team.json --mode dontAsk
  echo '{"id": 1, "tool": "Bash", "input": {"command": "git status"}}' | cordon check --batch
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
    const empty = (["cwd", "settings", "managed"] as const).find((name) => values[name] === "");
    if (empty !== undefined) return usageError(io, "check", `--${empty} is empty`);
    const place = {
      mode,
      settings: settingsArgument(io, values.settings),
      managed: settingsArgument(io, values.managed),
      ambient: values["no-ambient"] !== true,
      env: io.env,
    };
    if (values.batch === true) {
      if (positionals.length > 0 || values.tool !== undefined || values.input !== undefined) {
        return usageError(io, "check", "--batch takes its calls from standard input and no other call");
      }
      // Lines that say where they are need neither of the two here.
      const options = {
        ...place,
        cwd: whereKnown(() => pathFrom(io, values.cwd ?? ".")),
        home: whereKnown(() => io.home),
      };
      const { checkBatch } = await import("./check-batch.ts");
      const { sandboxed = false, explain = false } = values;
      return checkBatch(options, { sandboxed, explain }, io);
    }
    const [text, ...more] = positionals;
    if (more.length > 0)
      return usageError(
        io,
        "check",
        `one call at a time; \`${more[0] ?? ""}\` is too many`,
        "quote the call: `'Bash(npm test)'`",
      );
    if (values.input !== undefined && values.tool === undefined)
      return usageError(io, "check", "--input needs --tool", "write --tool NAME --input JSON");
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

    const gate = createGate({ ...place, cwd: pathFrom(io, values.cwd ?? "."), home: io.home });
    if (reportProblems(gate, io, place)) return EXIT.settings;
    const decision = gate.decide({ ...target, sandboxed: values.sandboxed });
    remarkOnMode(mode, decision.mode, io);
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

/** What a command can do without; undefined where there is none. */
function whereKnown(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
