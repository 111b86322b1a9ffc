import { parseArgs } from "node:util";
import type { RuleEffect } from "../core/settings/rule.ts";
import { canonicalTool } from "../core/settings/tools.ts";
import { createGate } from "../host/gate.ts";
import { openSession, runtimeDirectory, sessionId } from "../host/session/session.ts";
import { loadSources } from "../host/settings/load.ts";
import { EXIT, type Terminal, pathFrom, printable, printableJson, usageError } from "./command.ts";
import { reportProblems, settingsArgument } from "./given-settings.ts";
import { type Listing, type Row, listPermissions } from "./permissions-rows.ts";

/** With `--problems`: some rule is marked. */
const MARKED = 1;

/** `cordon permissions`: the rules, where they stand, what they did, what is wrong with them. */
export function showPermissions(argv: readonly string[], io: Terminal): number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      problems: { type: "boolean" },
      effect: { type: "string" },
      tool: { type: "string" },
      session: { type: "string" },
      cwd: { type: "string" },
      settings: { type: "string" },
      "no-ambient": { type: "boolean" },
    },
  });
  const [stray] = positionals;
  if (stray !== undefined)
    return usageError(
      io,
      "permissions",
      `there is nothing called \`${stray}\``,
      "write `add`, `remove`, `revoke` or `list`",
    );
  const empty = (["cwd", "settings", "session", "tool"] as const).find((name) => values[name] === "");
  if (empty !== undefined) return usageError(io, "permissions", `--${empty} is empty`);
  const effect = (["allow", "ask", "deny"] as const).find((each) => each === values.effect);
  if (values.effect !== undefined && effect === undefined)
    return usageError(
      io,
      "permissions",
      `there is no effect \`${values.effect}\``,
      "one of allow, ask, deny",
    );

  const cwd = pathFrom(io, values.cwd ?? ".");
  const settings = settingsArgument(io, values.settings);
  const ambient = values["no-ambient"] !== true;
  const { home, env } = io;
  const gate = createGate({ cwd, home, env, settings, ambient });
  // What is wrong with a rule stands in the list.
  const problems = gate.problems.filter(
    ({ key }) => !/\b(?:allow|ask|deny|\w+Tools|ignorePatterns)\[\d+\]$/.test(key ?? ""),
  );
  if (reportProblems({ ...gate, problems }, io, { settings })) return EXIT.settings;
  const { sources } = loadSources({ root: cwd, cwd, home, env, settingsArg: settings, ambient });
  const listing = listPermissions(gate, sources);
  const session = openSession(sessionId(values.session, env), runtimeDirectory(env, home));
  const grants = session.grants().map(({ rule }) => rule);
  const tool = values.tool === undefined ? undefined : canonicalTool(values.tool);
  const rows = listing.rows.filter(
    (row) => wanted(row, effect, tool) && (values.problems !== true || row.advice.length > 0),
  );
  const kept =
    values.problems === true || (effect ?? "allow") !== "allow"
      ? []
      : grants.filter((rule) => tool === undefined || rule === tool || rule.startsWith(`${tool}(`));

  io.stdout(
    values.json === true
      ? `${printableJson(JSON.stringify(jsonOf(listing, rows, session.id, kept), undefined, 2))}\n`
      : textOf(listing, rows, kept, gate.root),
  );
  return values.problems === true && rows.length > 0 ? MARKED : EXIT.ok;
}

function wanted(row: Row, effect: RuleEffect | undefined, tool: string | undefined): boolean {
  if (effect !== undefined && row.effect !== effect) return false;
  if (tool === undefined) return true;
  return row.tools.includes(tool) || row.tools.includes("*") || /^\w+/.exec(row.rule)?.[0] === tool;
}

function jsonOf(
  { usage, log }: Listing,
  rules: readonly Row[],
  session: string,
  grants: readonly string[],
): object {
  const { decisions, since, complete } = usage;
  return { rules, session: { name: session, grants }, usage: { log, decisions, since, complete } };
}

function textOf(listing: Listing, rows: readonly Row[], grants: readonly string[], root: string): string {
  const width = Math.min(48, Math.max(0, ...rows.map((row) => printable(shownRule(row)).length)));
  const lines = rows.flatMap((row) => linesOf(row, width, root));
  const granted = grants.map((rule) => `allow  ${printable(rule).padEnd(width)}  this session`);
  if (lines.length + granted.length === 0) lines.push("no rules");
  return `${[...lines, ...granted, sinceOf(listing)].join("\n")}\n`;
}

/** The rule, without what the note below it says. */
function shownRule({ rule, note }: Row): string {
  return note === undefined ? rule : "*";
}

function linesOf(row: Row, width: number, root: string): readonly string[] {
  const { file = row.scope, line, hits, lastUsed } = row;
  const name = file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file;
  const use =
    hits === 0
      ? "no hits"
      : `${hits} ${hits === 1 ? "hit" : "hits"}, last ${(lastUsed ?? "").slice(0, 16).replace("T", " ")}`;
  const place = `${row.scope} ${name}${line === undefined ? "" : `:${line}`}`;
  const head = `${row.effect.padEnd(5)}  ${printable(shownRule(row)).padEnd(width)}  ${printable(place)}  ${use}`;
  const indent = " ".repeat(7);
  return [
    head,
    ...(row.note === undefined ? [] : [`${indent}${printable(row.note)}`]),
    ...(row.counts ? [] : [`${indent}does not count: ${printable(row.why ?? "")}`]),
    ...row.advice.flatMap(({ kind, why, fix }) => [
      `${indent}${LABELS[kind]}: ${printable(why)}`,
      `${indent}  fix: ${printable(fix)}`,
    ]),
  ];
}

const LABELS = {
  never: "never decides anything",
  unlikely: "hardly what is meant",
  misread: "read otherwise",
  broad: "broader than it looks",
} as const;

function sinceOf({ usage, log }: Listing): string {
  if (usage.since === undefined) return `hits: there is no record in ${printable(log)}`;
  const whole = usage.complete ? "the whole log" : "the newest part of the log";
  return `hits: of ${usage.decisions} decisions since ${usage.since.slice(0, 10)} (${whole})`;
}
