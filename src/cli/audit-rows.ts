import { statSync } from "node:fs";
import { isObject, stringAt, type JsonObject } from "../core/call/json.ts";
import { auditDirectory } from "../host/audit/directory.ts";
import { reasonOf } from "../host/audit/error.ts";
import type { Entry } from "../host/audit/tail.ts";
import { pathFrom, printable, type Terminal } from "./command.ts";

/** The audit directory a person named, else the usual one. */
export function directoryOf(positionals: readonly string[], io: Terminal): string {
  const named = positionals[0];
  if (named !== undefined) return pathFrom(io, named);
  return auditDirectory(undefined, io.env, io.home);
}

/** Says that there is no log; true where there is none. */
export function isAbsent(directory: string, io: Terminal): boolean {
  try {
    if (statSync(directory).isDirectory()) return false;
    io.stderr(`cordon audit: ${printable(directory)} is not a directory\n`);
  } catch (error) {
    io.stderr(`cordon audit: no log in ${printable(directory)} (${reasonOf(error)})\n`);
  }
  io.stderr("  hint: nothing was recorded here yet, or the log lies where `cordon.audit.path` says\n");
  return true;
}

const WIDTHS = [20, 7, 14, 32] as const;
/** The names of the columns. */
export const HEADER: string = `${["time (UTC)", "verdict", "answer", "layer/code"].map((name, i) => name.padEnd(WIDTHS[i] ?? 0)).join("  ")}  command\n`;

/** What the call wanted to do, in one line. */
function subjectOf(record: JsonObject): string {
  const input = isObject(record["input"]) ? record["input"] : {};
  const keys = ["command", "file_path", "notebook_path", "path", "url", "query", "pattern", "description"];
  const subject = keys.map((key) => stringAt(input, key)).find((text) => text !== undefined);
  const tool = stringAt(record, "tool") ?? "?";
  return tool === "Bash" && subject !== undefined ? subject : `${tool} ${subject ?? ""}`.trimEnd();
}

/**
 * How a question ended: `allow/terminal`, `deny/terminal`, `timeout`, `nobody` (there was nobody to
 * ask), `to agent` (the agent puts the question and does not tell the answer); `-` where none was put.
 */
function answerOf(record: JsonObject): string {
  if (!isObject(record["approval"])) return stringAt(record, "verdict") === "ask" ? "to agent" : "-";
  const answer = stringAt(record["approval"], "answer") ?? "?";
  const by = stringAt(record["approval"], "by") ?? "?";
  switch (answer) {
    case "allowed":
      return `allow/${by}`;
    case "denied":
      return `deny/${by}`;
    case "unavailable":
      return "nobody";
    default:
      return answer;
  }
}

/** What the sandbox had to say of one run. */
interface Event {
  readonly kind: string;
  readonly subject: string;
  readonly rule: string;
}

/** Refusals, what was left behind, and limits of a run, in this order; empty for any other record. */
export function eventsOf(record: JsonObject): readonly Event[] {
  const result = isObject(record["result"]) ? record["result"] : {};
  const sandbox = isObject(result["sandbox"]) ? result["sandbox"] : {};
  if (stringAt(record, "type") !== "run") return [];
  return ["refusals", "violations", "limits"].flatMap((key) => {
    const list: unknown = sandbox[key];
    return (Array.isArray(list) ? list.filter(isObject) : []).map((each) => ({
      kind: `${key === "refusals" ? "refused" : key === "limits" ? "limit" : "left"}/${stringAt(each, "kind") ?? "?"}`,
      subject:
        stringAt(each, "subject") ??
        stringAt(each, "text") ??
        (typeof each["allowed"] === "number" ? String(each["allowed"]) : ""),
      rule: stringAt(each, "rule") ?? "",
    }));
  });
}

/** What the sandbox said of one run, on one line. Holds no character that acts on the terminal. */
export function eventRowOf(entry: Entry, io: Terminal): string {
  const { record, time } = entry.sealed;
  const [first, ...more] = eventsOf(record);
  const cells = [`${time.slice(0, 10)} ${time.slice(11, 19)}`, "sandbox", "-", first?.kind ?? "?"];
  const before = `${cells.map((cell, i) => printable(cell).padEnd(WIDTHS[i] ?? 0)).join("  ")}  `;
  const rule = first === undefined || first.rule === "" ? "" : `  [${printable(first.rule)}]`;
  const behind = `${rule}${more.length === 0 ? "" : `  and ${more.length} more`}`;
  return `${before}${shorten(printable(first?.subject ?? ""), roomFor(before, behind, io))}${behind}\n`;
}

function roomFor(before: string, behind: string, io: Terminal): number {
  const width = io.isTerminal ? io.columns : undefined;
  return width === undefined ? Number.MAX_SAFE_INTEGER : Math.max(16, width - before.length - behind.length);
}

/** One decision on one line, cut to the width of the terminal. Holds no character that acts on it. */
export function rowOf(entry: Entry, io: Terminal): string {
  const { record, time } = entry.sealed;
  const rule = isObject(record["rule"]) ? stringAt(record["rule"], "text") : undefined;
  const cells = [
    `${time.slice(0, 10)} ${time.slice(11, 19)}`,
    stringAt(record, "verdict") ?? "?",
    answerOf(record),
    `${stringAt(record, "layer") ?? "?"}/${stringAt(record, "code") ?? "?"}`,
  ].map((cell, i) => printable(cell).padEnd(WIDTHS[i] ?? 0));
  const behind = rule === undefined ? "" : `  [${printable(rule)}]`;
  const before = `${cells.join("  ")}  `;
  return `${before}${shorten(printable(subjectOf(record)), roomFor(before, behind, io))}${behind}\n`;
}

function shorten(text: string, room: number): string {
  if (text.length <= room) return text;
  return `${text.slice(0, room - 3).replace(/[\uD800-\uDBFF]$/, "")}...`;
}
