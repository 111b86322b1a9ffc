import { parseArgs } from "node:util";
import { type JsonObject, isObject, stringAt } from "../core/call/json.ts";
import { absolute, isWithin, normalise } from "../core/call/path.ts";
import { TOOLS, canonicalTool } from "../core/settings/tools.ts";
import { queryAudit } from "../host/audit/query.ts";
import { HEADER, directoryOf, isAbsent, rowOf } from "./audit-rows.ts";
import { EXIT, type Terminal, pathFrom, printable, printableJson, usageError } from "./command.ts";

/** There is no log. */
const ABSENT = 1;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** What a decision must have to be printed; undefined = anything. */
interface Filter {
  readonly tool?: string | undefined;
  readonly verdict?: string | undefined;
  readonly code?: string | undefined;
  readonly rule?: string | undefined;
  readonly path?: string | undefined;
  readonly session?: string | undefined;
  /** UTC, ISO 8601; the first moment that counts, and the first that does not. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** `cordon audit query`. `clock` gives milliseconds since 1970. */
export function query(argv: readonly string[], io: Terminal, clock: () => number = Date.now): number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      tool: { type: "string" },
      verdict: { type: "string" },
      code: { type: "string" },
      rule: { type: "string" },
      path: { type: "string" },
      session: { type: "string" },
      since: { type: "string" },
      until: { type: "string" },
      lines: { type: "string", short: "n", default: "1000" },
      json: { type: "boolean", default: false },
    },
  });
  const wrong = (what: string, hint?: string): number => usageError(io, "audit", what, hint);
  if (positionals.length > 1) return wrong("more than one directory");
  const { tool, verdict, code, rule, path, session } = values;
  if (verdict !== undefined && !["allow", "ask", "deny"].includes(verdict))
    return wrong(`there is no verdict \`${verdict}\``, "one of allow, ask, deny");
  const most = /^[1-9]\d{0,5}$/.test(values.lines) ? Number(values.lines) : undefined;
  if (most === undefined) return wrong(`\`${values.lines}\` is not a number of lines`, "write `-n 100`");
  const when = "write `2025-01-31`, `2025-01-31T08:00`, `2h` or `7d`";
  const since = values.since === undefined ? undefined : momentOf(values.since, clock());
  if (values.since !== undefined && since === undefined) return wrong(`\`${values.since}\` is no time`, when);
  const until = values.until === undefined ? undefined : momentOf(values.until, clock());
  if (values.until !== undefined && until === undefined) return wrong(`\`${values.until}\` is no time`, when);

  const directory = directoryOf(positionals, io);
  if (isAbsent(directory, io)) return ABSENT;
  const filter: Filter = {
    tool: tool === undefined ? undefined : canonicalTool(tool),
    verdict,
    code,
    rule,
    path: path === undefined ? undefined : normalise(pathFrom(io, path)),
    session,
    since: since === undefined ? undefined : new Date(since.from).toISOString(),
    until: until === undefined ? undefined : new Date(until.to).toISOString(),
  };
  const wanted = (entry: Parameters<typeof rowOf>[0]): boolean =>
    fits(filter, entry.sealed.record, entry.sealed.time);
  const result = queryAudit(directory, wanted, most, since?.from);
  for (const failure of result.failed) io.stderr(`cordon audit: ${printable(failure)}\n`);
  if (result.unreadable > 0)
    io.stderr(`cordon audit: ${result.unreadable} lines are no records; run \`cordon audit verify\`\n`);
  if (result.found > result.entries.length)
    io.stderr(`cordon audit: the newest ${result.entries.length} of ${result.found}; more with -n\n`);
  if (!values.json) io.stdout(HEADER);
  for (const entry of result.entries)
    io.stdout(values.json ? `${printableJson(JSON.stringify(entry.sealed.record))}\n` : rowOf(entry, io));
  return EXIT.ok;
}

/** First moment of what was named, and the first behind it; undefined where it is no time. */
function momentOf(text: string, now: number): { readonly from: number; readonly to: number } | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined) {
    const at = now - Number(count) * (UNITS[unit] ?? 0);
    return at > 0 ? { from: at, to: at } : undefined;
  }
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  if (!day && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z?$/.test(text)) return undefined;
  const at = Date.parse(day || text.endsWith("Z") ? text : `${text}Z`);
  // The day that February the 30th becomes was not meant.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(text.slice(0, 10))) return undefined;
  return { from: at, to: day ? at + (UNITS["d"] ?? 0) : at };
}

function fits(filter: Filter, record: JsonObject, time: string): boolean {
  if (record["type"] !== "decision") return false;
  if (filter.since !== undefined && time < filter.since) return false;
  if (filter.until !== undefined && time >= filter.until) return false;
  if (filter.tool !== undefined && canonicalTool(stringAt(record, "tool") ?? "") !== filter.tool)
    return false;
  if (filter.verdict !== undefined && stringAt(record, "verdict") !== filter.verdict) return false;
  if (filter.session !== undefined && stringAt(record, "session") !== filter.session) return false;
  const code = stringAt(record, "code") ?? "";
  if (filter.code !== undefined && code !== filter.code && !code.startsWith(`${filter.code}.`)) return false;
  const { rule, path } = filter;
  if (rule !== undefined && !rulesOf(record).some((text) => text.includes(rule))) return false;
  return path === undefined || pathsOf(record).some((each) => isWithin(each, path));
}

function opinionsOf(record: JsonObject): readonly JsonObject[] {
  const opinions: unknown = record["opinions"];
  return Array.isArray(opinions) ? opinions.filter(isObject) : [];
}

function rulesOf(record: JsonObject): readonly string[] {
  return [record, ...opinionsOf(record)].flatMap((each) => {
    const rule = each["rule"];
    return isObject(rule) ? (stringAt(rule, "text") ?? []) : [];
  });
}

/** The paths a call names and those that reasons are about, absolute. */
function pathsOf(record: JsonObject): readonly string[] {
  const cwd = stringAt(record, "cwd") ?? "/";
  const input = isObject(record["input"]) ? record["input"] : {};
  const fields = TOOLS.get(canonicalTool(stringAt(record, "tool") ?? ""))?.paths ?? [];
  const named = fields.flatMap((field) => stringAt(input, field) ?? []);
  const subjects = opinionsOf(record).flatMap((opinion) => stringAt(opinion, "subject") ?? []);
  return [...named, ...subjects].map((path) => normalise(absolute(cwd, path)));
}
