import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { isObject, stringAt, type JsonObject } from "../core/call/json.ts";
import { auditDirectory } from "../host/audit/directory.ts";
import { AuditError, reasonOf } from "../host/audit/error.ts";
import { isLinkedHead, type LinkedHead } from "../host/audit/reader.ts";
import { tailAudit, type Entry } from "../host/audit/tail.ts";
import { verifyAudit, type Finding } from "../host/audit/verify.ts";
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

DIR is the audit directory; without it \`cordon/audit\` in $XDG_STATE_HOME, else in ~/.local/state.

verify follows the chain of every file and the links between files.
  --against FILE  heads saved earlier by \`cordon audit verify --json\`: whatever they
                  knew must still be there. Without saved heads nobody can tell that the
                  newest lines, or all files, were removed.
  --json          print the report as JSON
  exit status     0 nothing was altered, 1 damage (named with file and line), 64 usage

tail prints the last decisions: time, verdict, layer and code, command, rule.
  -n, --lines N   how many (default 20)
  -f, --follow    go on printing what is decided from now on
  --json          print the records, decisions and runs, one JSON object a line

examples:
  cordon audit verify && echo untouched
  cordon audit verify --json > heads.json && cordon audit verify --against heads.json
  cordon audit tail -n 50
  cordon audit tail --follow --json | jq 'select(.verdict == "deny")'
`;

/** `cordon audit`: verify the log, or show its end. */
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
      return usageError(io, "audit", "what to do is missing", "write `verify` or `tail`");
    if (verb !== "verify" && verb !== "tail") {
      return usageError(io, "audit", `unknown command \`${verb}\``, "write `verify` or `tail`");
    }
    try {
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

function directoryOf(positionals: readonly string[], io: Terminal): string {
  const named = positionals[0];
  if (named !== undefined) return pathFrom(io, named);
  return auditDirectory(undefined, io.env, io.home);
}

/** Says that there is no log; true where there is none. */
function isAbsent(directory: string, io: Terminal): boolean {
  try {
    if (statSync(directory).isDirectory()) return false;
    io.stderr(`cordon audit: ${printable(directory)} is not a directory\n`);
  } catch (error) {
    io.stderr(`cordon audit: no log in ${printable(directory)} (${reasonOf(error)})\n`);
  }
  io.stderr("  hint: name the directory that `cordon.audit.path` names\n");
  return true;
}

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

  const types = values.json ? ["decision", "run"] : ["decision"];
  const result = tailAudit(directory, count, (entry) =>
    types.some((type) => type === entry.sealed.record["type"]),
  );
  const print = (entry: Entry): void => {
    io.stdout(values.json ? `${printableJson(JSON.stringify(entry.sealed.record))}\n` : rowOf(entry, io));
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

const WIDTHS = [20, 7, 32] as const;
const HEADER = `${["time (UTC)", "verdict", "layer/code"].map((name, i) => name.padEnd(WIDTHS[i] ?? 0)).join("  ")}  command\n`;

/** What the call wanted to do, in one line. */
function subjectOf(record: JsonObject): string {
  const input = isObject(record["input"]) ? record["input"] : {};
  const keys = ["command", "file_path", "notebook_path", "path", "url", "query", "pattern", "description"];
  const subject = keys.map((key) => stringAt(input, key)).find((text) => text !== undefined);
  const tool = stringAt(record, "tool") ?? "?";
  return tool === "Bash" && subject !== undefined ? subject : `${tool} ${subject ?? ""}`.trimEnd();
}

function rowOf(entry: Entry, io: Terminal): string {
  const { record, time } = entry.sealed;
  const rule = isObject(record["rule"]) ? stringAt(record["rule"], "text") : undefined;
  const cells = [
    `${time.slice(0, 10)} ${time.slice(11, 19)}`,
    stringAt(record, "verdict") ?? "?",
    `${stringAt(record, "layer") ?? "?"}/${stringAt(record, "code") ?? "?"}`,
  ].map((cell, i) => printable(cell).padEnd(WIDTHS[i] ?? 0));
  const behind = rule === undefined ? "" : `  [${printable(rule)}]`;
  const before = `${cells.join("  ")}  `;
  const width = io.isTerminal ? io.columns : undefined;
  const room =
    width === undefined ? Number.MAX_SAFE_INTEGER : Math.max(16, width - before.length - behind.length);
  return `${before}${shorten(printable(subjectOf(record)), room)}${behind}\n`;
}

function shorten(text: string, room: number): string {
  if (text.length <= room) return text;
  return `${text.slice(0, room - 3).replace(/[\uD800-\uDBFF]$/, "")}...`;
}
