import { appendFileSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/audit.ts";
import { command as hook } from "../../src/cli/hook.ts";
import { query } from "../../src/cli/audit-query.ts";
import type { DecisionRecord } from "../../src/core/layers/11-audit/record.ts";
import { openAudit } from "../../src/host/audit/sink.ts";
import { ruleUsage, usageKey } from "../../src/host/audit/usage.ts";
import { directories, record } from "../host/audit/temporary.ts";
import { runIn, scene } from "./scene.ts";

const fresh = directories();
const NOW = Date.parse("2025-02-10T12:00:00Z");
const DAY = 86_400_000;

/** Ten days of decisions, one at noon each, in the file of its day. */
function log(): string {
  const directory = fresh();
  const rows: readonly Partial<DecisionRecord>[] = [
    { tool: "Bash", input: { command: "ls" }, session: "a" },
    { tool: "Bash", verdict: "deny", code: "rule.deny", rule: rule("Bash(rm *)") },
    { tool: "Read", input: { file_path: "src/a.ts" }, cwd: "/p" },
    { tool: "Edit", input: { file_path: "/p/src/../src/b.ts" }, verdict: "ask", code: "mode.default" },
    { tool: "Bash", verdict: "deny", code: "path.secret", opinions: [opinion("/p/.env")] },
    { tool: "Bash", opinions: [{ ...opinion("/p/src"), rule: rule("Bash(npm *)") }] },
    { tool: "Read", input: { file_path: "/p/srcs" } },
    { tool: "Task", input: { subagent_type: "x" } },
    { tool: "mcp__a__b", session: "b", verdict: "deny", code: "rule.deny" },
    { tool: "WebFetch", input: { url: "https://x" } },
  ];
  for (const [index, row] of rows.entries()) {
    const clock = (): number => NOW - (rows.length - 1 - index) * DAY;
    const sink = openAudit({ directory, clock, writer: "shared" });
    sink.append({ ...record(`r${index}`), ...row });
    sink.append({
      type: "run",
      id: `r${index}`,
      tool: "Bash",
      result: { sandbox: { kind: "none", violations: [] } },
      duration: 1,
    });
    sink.close();
  }
  return directory;
}

function rule(text: string): NonNullable<DecisionRecord["rule"]> {
  return { text, effect: "deny", scope: "user", file: "/u/settings.json", line: 3 };
}

function opinion(subject: string): DecisionRecord["opinions"][number] {
  return { layer: "rules", effect: "allow", code: "rule.allow", why: "it does", subject };
}

async function ids(directory: string, ...argv: readonly string[]): Promise<readonly string[]> {
  const here = scene();
  const timed = {
    ...command,
    run: async (args: readonly string[], io: Parameters<typeof query>[1]) => query(args, io, () => NOW),
  };
  const { out, err, status } = await runIn({ ...here, project: "/p" }, timed, [directory, "--json", ...argv]);
  expect([status, err]).toEqual([0, ""]);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as DecisionRecord).id);
}

describe("cordon audit query", () => {
  it("finds by tool, verdict, code, rule, path, session and time, and by all of them together", async () => {
    const directory = log();
    const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
      [[], ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"]],
      [
        ["--tool", "Bash"],
        ["r0", "r1", "r4", "r5"],
      ],
      [["--tool", "Agent"], ["r7"]],
      [
        ["--verdict", "deny"],
        ["r1", "r4", "r8"],
      ],
      [
        ["--code", "rule"],
        ["r1", "r8"],
      ],
      [
        ["--code", "rule.deny"],
        ["r1", "r8"],
      ],
      [["--code", "rul"], []],
      [["--rule", "npm"], ["r5"]],
      [
        ["--rule", "Bash("],
        ["r1", "r5"],
      ],
      [
        ["--path", "src"],
        ["r2", "r3", "r5"],
      ],
      [["--path", "/p/.env"], ["r4"]],
      [
        ["--path", "/p"],
        ["r2", "r3", "r4", "r5", "r6"],
      ],
      [["--session", "b"], ["r8"]],
      [
        ["--since", "2025-02-09"],
        ["r8", "r9"],
      ],
      [
        ["--since", "1d"],
        ["r8", "r9"],
      ],
      [["--since", "90m"], ["r9"]],
      [["--since", "2025-02-09T12:00:01"], ["r9"]],
      [
        ["--until", "2025-02-02"],
        ["r0", "r1"],
      ],
      [
        ["--since", "2025-02-03", "--until", "2025-02-05"],
        ["r2", "r3", "r4"],
      ],
      [["--until", "2025-02-02T12:00Z"], ["r0"]],
      [["--tool", "Bash", "--verdict", "deny", "--since", "2025-02-03"], ["r4"]],
    ];
    for (const [argv, found] of rows) expect(await ids(directory, ...argv), argv.join(" ")).toEqual(found);
  });
  it("prints the newest first of many in order, and says how many there are", async () => {
    const directory = log();
    const { out, err, status } = await runIn(scene(), command, ["query", directory, "-n", "2"]);
    expect([status, err]).toEqual([0, "cordon audit: the newest 2 of 10; more with -n\n"]);
    expect(
      out
        .split("\n")
        .slice(1, 3)
        .map((line) => line.slice(0, 10)),
    ).toEqual(["2025-02-09", "2025-02-10"]);
  });
  it("says what it could not read, and lets no record act on the terminal", async () => {
    const directory = log();
    appendFileSync(join(directory, "20250210-shared.jsonl"), "half a li\n");
    const sink = openAudit({ directory, clock: () => NOW, writer: "shared" });
    sink.append(record("x", "echo \u001b[2J"));
    sink.close();
    const { out, err } = await runIn(scene(), command, ["query", directory]);
    expect(err).toContain("1 lines are no records");
    expect(out).toContain("\\u{1b}[2J");
    expect(await runIn(scene(), command, ["query", "/nowhere"])).toMatchObject({ status: 1, out: "" });
  });
  it.each([
    [["--verdict", "maybe"]],
    [["--since", "yesterday"]],
    [["--since", "2025-02-30"]],
    [["--until", "2025-13-01"]],
    [["-n", "0"]],
    [["-n", "x"]],
    [["a", "b"]],
    [["--frob"]],
  ])("does not understand %j", async (argv) => {
    expect(await runIn(scene(), command, ["query", ...argv])).toMatchObject({ status: 64, out: "" });
  });
});

describe("cordon.audit.retention", () => {
  it("is kept by the hook, and the log verifies", async () => {
    const here = scene();
    const directory = join(here.home, ".local/state/cordon/audit");
    const old = (days: number): string => {
      const time = Date.now() - days * DAY;
      const sink = openAudit({ directory, clock: () => time, writer: "shared" });
      sink.append(record(`${days}`));
      sink.close();
      utimesSync(join(directory, sink.file), time / 1_000, time / 1_000);
      return sink.file;
    };
    const files = [40, 35, 3].map(old);
    const payload = JSON.stringify({
      cwd: here.project,
      session_id: "s",
      tool_name: "Bash",
      tool_input: { command: "ls" },
      hook_event_name: "PreToolUse",
    });
    await runIn(here, hook, ["claude-code"], { input: payload });
    expect(readdirSync(directory)).toHaveLength(4);
    here.settings({ cordon: { audit: { retention: 30 } } });
    expect(await runIn(here, hook, ["claude-code"], { input: payload })).toMatchObject({ status: 0 });
    expect(readdirSync(directory).sort()[0]).toBe(files[2]);
    const { status, err } = await runIn(here, command, ["verify"]);
    expect(status).toBe(0);
    expect(err).toContain(`${files[0]} removed by the retention with 2 lines`);
  });
});

describe("the use of rules", () => {
  const key = (text: string): string => usageKey({ ...rule(text), text });
  it("is counted from the log, once for a decision, with the last time", () => {
    const directory = fresh();
    const sink = openAudit({ directory, clock: () => NOW, writer: "own" });
    const spoke = { ...opinion("/p/a"), rule: rule("Bash(a)") };
    sink.append({ ...record("1"), opinions: [spoke, spoke, { ...opinion("/p/b"), rule: rule("Bash(b)") }] });
    sink.append({ ...record("2"), opinions: [spoke] });
    sink.append(record("3"));
    sink.close();
    const usage = ruleUsage(directory);
    expect(usage).toMatchObject({ decisions: 3, complete: true, since: "2025-02-10T12:00:00.000Z" });
    expect(usage.rules.get(key("Bash(a)"))).toEqual({ hits: 2, last: "2025-02-10T12:00:00.000Z" });
    expect(usage.rules.get(key("Bash(b)"))?.hits).toBe(1);
  });
  it("reads no more than it may, the newest first, and says so", () => {
    const directory = log();
    const some = ruleUsage(directory, 3_000);
    expect(some.complete).toBe(false);
    expect(some.decisions).toBeGreaterThan(0);
    expect(some.decisions).toBeLessThan(10);
    expect(some.since).toMatch(/^2025-02-(?:0[89]|10)/);
    expect(ruleUsage(directory).decisions).toBe(10);
  });
  it("is nothing where there is no log, or something else in its place", () => {
    const directory = fresh();
    expect(ruleUsage(join(directory, "none"))).toEqual({
      rules: new Map(),
      decisions: 0,
      since: undefined,
      complete: true,
    });
    mkdirSync(directory);
    writeFileSync(join(directory, "20250101-shared.jsonl"), "no\nrecord\n");
    expect(ruleUsage(directory).decisions).toBe(0);
  });
});
