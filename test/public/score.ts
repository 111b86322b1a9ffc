import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Decision } from "../../src/core/call/decision.ts";
import type { Verdict } from "../../src/core/call/effect.ts";
import type { JsonObject } from "../../src/core/call/json.ts";
import { modeNamed } from "../../src/core/call/mode.ts";
import { judge, prepare } from "../../src/core/gate.ts";
import { examine } from "../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import { gatherFacts } from "../../src/host/facts/gather.ts";
import { builtInTables } from "../../src/host/tables.ts";
import { type World, judgeIn } from "../core/cases/world.ts";
import { type Row, SHARED, rowsOf } from "./shared.ts";

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, ask: 1, deny: 2 };

/** One row and what cordon said to it. */
export interface Scored {
  readonly row: Row;
  readonly decision: Decision;
}

export interface CompatScore {
  readonly rows: number;
  readonly satisfied: number;
  /** The decision is the very one named, where one is. */
  readonly exact: number;
  /** Denied where the row takes no denial. */
  readonly overDenied: number;
  readonly misses: readonly Scored[];
}

/** The rows of claude-compat.jsonl in the tree its README describes. */
export function scoreCompat(): CompatScore {
  const world = compatWorld();
  const scored = rowsOf("fixtures/claude-compat.jsonl").map((row): Scored => {
    const cwd = row.cwd ?? "/workspace/project";
    const settings = row.scopes?.project ?? (typeof row.settings === "object" ? row.settings : undefined);
    const user = row.scopes?.user;
    const decision = judgeIn(
      {
        place: { root: "/workspace/project", cwd, home: "/home/dev" },
        ...(settings === undefined ? {} : { settings }),
        ...(user === undefined ? {} : { user }),
        mode: modeNamed(row.mode ?? "default"),
        world,
      },
      row.tool ?? "Bash",
      row.input ?? {},
    );
    return { row, decision };
  });
  const misses = scored.filter(({ row, decision: { verdict } }) => !satisfies(row, verdict));
  return {
    rows: scored.length,
    satisfied: scored.length - misses.length,
    exact: scored.filter(({ row, decision }) => row.decision === decision.verdict).length,
    overDenied: misses.filter(({ decision }) => decision.verdict === "deny").length,
    misses,
  };
}

function satisfies(row: Row, verdict: Verdict): boolean {
  if (row.decision_at_least !== undefined)
    return STRICTNESS[verdict] >= STRICTNESS[verdictOf(row.decision_at_least)];
  return row.may?.includes(verdict) ?? row.decision === verdict;
}

function verdictOf(text: string): Verdict {
  if (text === "allow" || text === "ask" || text === "deny") return text;
  throw new Error(`\`${text}\` is no decision`);
}

/** The tree in the README beside the fixtures. */
function compatWorld(): World {
  const readme = readFileSync(join(SHARED ?? "", "fixtures", "README.md"), "utf8");
  const tree: { dirs: string[]; files: Record<string, string>; links: Record<string, string> } = JSON.parse(
    /```json\n([^`]+)```/.exec(readme)?.[1] ?? "{}",
  );
  const files = Object.keys(tree.files);
  const directories = new Set<string>(["/workspace/project/.git"]);
  for (const path of [
    ...tree.dirs,
    ...[...files, "/etc/passwd", "/usr/bin/x", "/tmp/x", "/var/x"].map(parent),
  ])
    for (let at = path; at !== ""; at = parent(at)) directories.add(at);
  return {
    files: [...files, "/etc/passwd"],
    directories: ["/", ...directories],
    links: tree.links,
    branch: "main",
    texts: tree.files,
  };
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

const tables = builtInTables();

/** A command without rules or settings on this machine. */
function judgeHere(row: Row, mode: string): Scored {
  const cwd = row.ctx?.cwd ?? row.cwd ?? "/workspace/project";
  const place = { root: cwd, cwd, home: "/home/dev" };
  const context = prepare(buildPolicy([], place, "test"), place, tables);
  const input: JsonObject = { command: row.command ?? "" };
  const inquiry = examine(context, { ...place, tool: "Bash", input, mode: modeNamed(mode) });
  return { row, decision: judge(inquiry, gatherFacts(needsOf(inquiry))) };
}

/** How many of a list of commands fell on the wrong side. */
export interface CommandScore {
  readonly rows: number;
  readonly wrong: readonly Scored[];
}

function commands(
  file: string,
  mode: string,
  counts: (row: Row) => boolean,
  isWrong: (decision: Decision) => boolean,
): CommandScore {
  const rows = rowsOf(`cases/${file}`).filter(counts);
  return {
    rows: rows.length,
    wrong: rows.map((row) => judgeHere(row, mode)).filter(({ decision }) => isWrong(decision)),
  };
}

/** Attacks of a tier that are allowed without a question in default mode. */
export function scoreAttacks(tier: number): CommandScore {
  return commands(
    "attacks.jsonl",
    "default",
    (row) => row.tier === tier,
    ({ verdict }) => verdict === "allow",
  );
}

/** Destructive attacks of tier 1 that bypassPermissions lets pass. */
export function scoreBypass(): CommandScore {
  return commands(
    "attacks.jsonl",
    "bypassPermissions",
    (row) => row.tier === 1 && row.expect === "deny",
    ({ verdict }) => verdict === "allow",
  );
}

/** Harmless commands that look dangerous and are denied. */
export function scoreTraps(): CommandScore {
  return commands(
    "traps.jsonl",
    "default",
    () => true,
    ({ verdict }) => verdict === "deny",
  );
}

/** Harmless commands that are asked about, without those that expand in ways nobody can know. */
export function scoreBenign(): CommandScore {
  return commands(
    "benign.jsonl",
    "default",
    (row) => !(row.tags ?? []).some((tag) => tag === "unquoted-glob" || tag === "cd+git"),
    ({ verdict }) => verdict !== "allow",
  );
}
