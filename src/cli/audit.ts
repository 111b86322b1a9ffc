import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isObject } from "../core/call/json.ts";
import { AuditError, reasonOf } from "../host/audit/error.ts";
import { isLinkedHead, type LinkedHead } from "../host/audit/reader.ts";
import { tailAudit, type Entry } from "../host/audit/tail.ts";
import { verifyAudit, type Finding } from "../host/audit/verify.ts";
import { query } from "./audit-query.ts";
import { HEADER, directoryOf, eventRowOf, eventsOf, isAbsent, rowOf } from "./audit-rows.ts";
import {
  EXIT,
  parseFault,
  pathFrom,
  printable,
  printableJson,
  usageError,
  type Command,
  type Terminal,
} from "./command.ts";

/** The log was altered, or cannot be read. */
const DAMAGED = 1;

const HELP = `cordon audit: read the log of decisions and check that nobody altered it

usage:
  cordon audit verify [DIR] [--against FILE] [--json]
  cordon audit tail [DIR] [-n N] [--follow] [--json]
  cordon audit query [DIR] [--tool T] [--verdict V] [--code C] [--rule TEXT] [--path P] [--session S]
                     [--since WHEN] [--until WHEN] [-n N] [--json]

DIR is the audit directory; without it \`cordon/audit\` in $XDG_STATE_HOME, else in ~/.local/state.

verify follows the chain of every file and the links between files.
  --against FILE  heads saved earlier by \`cordon audit verify --json\`: whatever they
                  knew must still be there. Without saved heads nobody can tell that the
                  newest lines, or all files, were removed.
  --json          print the report as JSON
  exit status     0 nothing was altered, 1 damage (named with file and line), 64 usage

tail prints the last decisions: time, verdict, how a question ended, layer and code, command, rule;
and \`sandbox\` where a run was refused something, left something or met a limit: class, path, rule.
  answer          \`allow/terminal\` or \`deny/terminal\`: a person said so there; \`timeout\`: nobody
                  answered in time; \`nobody\`: there was nobody to ask; \`to agent\`: the agent asks,
                  and does not tell the answer; \`-\`: no question
  -n, --lines N   how many (default 20)
  -f, --follow    go on printing what is decided from now on
  --json          print the records, decisions and runs, one JSON object a line

query prints the decisions to which everything that is said applies, oldest first.
  --tool T        this tool
  --verdict V     allow, ask or deny
  --code C        this code, or all below it: \`rule\`, \`rule.deny\`
  --rule TEXT     some rule that spoke holds this text
  --path P        the call, or a reason, is about this path or one below it
  --session S     this session
  --since WHEN    \`2025-01-31\`, \`2025-01-31T08:00\` (UTC), or so long ago: \`90m\`, \`2h\`, \`7d\`
  --until WHEN    the same; a day counts whole
  -n, --lines N   at most so many, the newest (default 1000)
  --json          print the records, one JSON object a line
  exit status     0 also where nothing was found

examples:
  cordon audit query --verdict deny --since 7d
  cordon audit query --rule 'Bash(npm *)' --json | jq -r .input.command
  cordon audit verify && echo untouched
  cordon audit verify --json > heads.json && cordon audit verify --against heads.json
  cordon audit tail -n 50
  cordon audit tail --follow --json | jq 'select(.verdict == "deny")'
`;

/** `cordon audit`: verify the log, show its end, or look something up. */
export const command: Command = {
  name: "audit",
  summary: "read the log of decisions and check that nobody altered it",
  help: HELP,
  async run(argv: readonly string[], io: Terminal): Promise<number> {
    const [verb, ...rest] = argv;
    if (verb === "--help" || verb === "-h") {
      io.stdout(HELP);
      return EXIT.ok;
    }
    if (verb === undefined)
      return usageError(io, "audit", "what to do is missing", "write `verify`, `tail` or `query`");
    if (verb !== "verify" && verb !== "tail" && verb !== "query") {
      return usageError(io, "audit", `unknown command \`${verb}\``, "write `verify`, `tail` or `query`");
    }
    try {
      if (verb === "query") return query(rest, io);
      return verb === "verify" ? verify(rest, io) : await tail(rest, io);
    } catch (error) {
      const fault = parseFault(error);
      if (fault !== undefined) return usageError(io, "audit", fault);
      if (!(error instanceof AuditError)) throw error;
      io.stderr(`cordon audit: ${printable(error.message)}\n  hint: ${printable(error.hint)}\n`);
      return DAMAGED;
    }
  },
};

function verify(argv: readonly string[], io: Terminal): number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      against: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    io.stdout(HELP);
    return EXIT.ok;
  }
  if (positionals.length > 1) return usageError(io, "audit", "more than one directory");
  const directory = directoryOf(positionals, io);
  const saved = values.against === undefined ? [] : headsIn(pathFrom(io, values.against));
  if (typeof saved === "string")
    return usageError(io, "audit", saved, "write a file made by `cordon audit verify --json`");
  if (isAbsent(directory, io)) return DAMAGED;

  const report = verifyAudit(directory, saved);
  if (values.json) {
    io.stdout(`${printableJson(JSON.stringify(report, undefined, 2))}\n`);
  } else {
    const records = report.files.reduce((sum, file) => sum + file.records, 0);
    for (const note of report.notes) io.stderr(`note: ${describe(note)}\n`);
    for (const damage of report.damage) io.stdout(`${describe(damage)}\n`);
    const state = report.damage.length === 0 ? "ok" : "DAMAGED";
    io.stdout(`${state}: ${report.files.length} files, ${records} records in ${printable(directory)}\n`);
  }
  return report.damage.length === 0 ? EXIT.ok : DAMAGED;
}

function describe(finding: Finding): string {
  const place = finding.line === undefined ? finding.file : `${finding.file}:${finding.line}`;
  return printable(`${place} ${finding.what}`);
}

/** The heads in a saved report; a text says what is wrong with the file. */
function headsIn(path: string): readonly LinkedHead[] | string {
  let report: unknown;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    return `${path} cannot be read (${reasonOf(error)})`;
  }
  const files: unknown = isObject(report) ? report["files"] : undefined;
  if (!Array.isArray(files)) return `${path} holds no heads`;
  const heads: LinkedHead[] = [];
  for (const file of files) {
    if (!isLinkedHead(file)) return `${path} holds something that is no head`;
    heads.push({ file: file.file, lines: file.lines, hash: file.hash });
  }
  return heads;
}

async function tail(argv: readonly string[], io: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      follow: { type: "boolean", short: "f", default: false },
      lines: { type: "string", short: "n", default: "20" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    io.stdout(HELP);
    return EXIT.ok;
  }
  if (positionals.length > 1) return usageError(io, "audit", "more than one directory");
  const count = /^\d{1,6}$/.test(values.lines) ? Number(values.lines) : undefined;
  if (count === undefined)
    return usageError(io, "audit", `\`${values.lines}\` is not a number of lines`, "write `-n 20`");
  const directory = directoryOf(positionals, io);
  if (!values.follow && isAbsent(directory, io)) return DAMAGED;

  // Without JSON a run is worth a line where the sandbox had something to say of it.
  const result = tailAudit(directory, count, ({ sealed: { record } }) =>
    record["type"] === "run" ? values.json || eventsOf(record).length > 0 : record["type"] === "decision",
  );
  const print = (entry: Entry): void => {
    const { record } = entry.sealed;
    const row = record["type"] === "run" ? eventRowOf : rowOf;
    io.stdout(values.json ? `${printableJson(JSON.stringify(record))}\n` : row(entry, io));
  };
  for (const failure of result.failed) io.stderr(`cordon audit: ${printable(failure)}\n`);
  if (result.unreadable > 0) {
    io.stderr(`cordon audit: ${result.unreadable} lines are no records; run \`cordon audit verify\`\n`);
  }
  if (!values.json) io.stdout(HEADER);
  for (const entry of result.entries) print(entry);
  if (values.follow) for await (const entry of result.follow(io.interrupted)) print(entry);
  return EXIT.ok;
}
