/**
 * Runs the tables `scopes.*.cases`: who may set what, what wins, what a fault does. A row is
 *
 *     SETTINGS | CALL | EXPECTED | PROBLEM
 *
 * SETTINGS: `FILE key=json key=json; FILE ...`, or `FILE unreadable`, or `FILE` and the text itself
 * in backquotes (`\n` is a line end). Otherwise the first key stands in line 2 of its file, the
 * next in line 3. FILE is one of FILES, with `.2` behind it for a second one of the kind, which
 * is lower.
 *
 * CALL: a command, or `Tool{json}`; in front `MODE>`, `sandboxed>` or `MODE,sandboxed>`. Or
 * `= name` for what the policy says under that name.
 *
 * EXPECTED: verdict, code (`-` any) and `FILE:LINE` of the rule it rests on; behind `=` a value.
 *
 * PROBLEM: `FILE:LINE` and a part of what is said about it; `none` = nothing is said at all.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CODES } from "../../../src/core/call/codes.ts";
import { judge, prepare } from "../../../src/core/gate.ts";
import { examine } from "../../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import { KEYS } from "../../../src/core/settings/settings.gen.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import type { SettingsSource, SourcePlace } from "../../../src/core/settings/source.ts";
import { builtInTables } from "../../../src/host/tables.ts";
import { HOME, PLAIN_WORLD, ROOT, factsIn, modeNamed } from "../cases/world.ts";

const PLACE = { root: ROOT, cwd: ROOT, home: HOME };
const own = { trusted: true, repository: false, anchor: ROOT, base: ROOT };
const person = { ...own, anchor: `${HOME}/.claude`, base: `${HOME}/.claude` };

/** Every kind of file: its scope, whether it is trusted, whether it comes with the repository. */
const FILES: Readonly<Record<string, SourcePlace>> = {
  managed: { scope: "managed", ...own },
  cli: { scope: "command-line", ...own },
  local: { scope: "local", ...own },
  // Tracked by git, or not known to be the person's; and the same in a trusted workspace.
  "local-tracked": { scope: "local", ...own, trusted: false, repository: true },
  "local-trusted": { scope: "local", ...own, repository: true },
  project: { scope: "project", ...own, trusted: false, repository: true },
  "project-trusted": { scope: "project", ...own, repository: true },
  user: { scope: "user", ...person },
};

const tables = builtInTables();

/** One JSON value at the start of a text, and what follows it. */
function jsonAt(text: string): readonly [unknown, string] {
  for (let end = 1; end <= text.length; end++) {
    if (end < text.length && !/[\s;]/.test(text[end] ?? "")) continue;
    try {
      return [JSON.parse(text.slice(0, end)), text.slice(end)];
    } catch {
      // The blank or semicolon stands inside the value.
    }
  }
  throw new Error(`no value: ${text}`);
}

/** `{"a.b": 1}` as `{"a":{"b":1}}`, each outermost key in a line of its own. */
function textOf(values: readonly (readonly [string, unknown])[]): string {
  const groups = new Map<string, readonly (readonly [string, unknown])[]>();
  for (const [key, value] of values) {
    const [first = "", ...rest] = key.split(".");
    groups.set(first, [...(groups.get(first) ?? []), [rest.join("."), value]]);
  }
  const inner = (name: string, entries: readonly (readonly [string, unknown])[]): string =>
    entries.every(([rest]) => rest !== "")
      ? `${JSON.stringify(name)}: ${textOf(entries).replaceAll("\n", " ")}`
      : entries.map(([, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(",\n");
  return `{\n${[...groups].map(([name, entries]) => inner(name, entries)).join(",\n")}\n}`;
}

function sourcesOf(text: string): readonly SettingsSource[] {
  const sources: SettingsSource[] = [];
  for (let rest = text.trim(); rest !== "";) {
    const head = /^([\w-]+)(\.\d)?\s+/.exec(rest);
    const place = FILES[head?.[1] ?? ""];
    if (head === null || place === undefined) throw new Error(`no file: ${rest}`);
    const file = `${head[1]}${head[2] ?? ""}`;
    rest = rest.slice(head[0].length);
    const raw = /^(?:`([^`]*)`|(unreadable))/.exec(rest);
    if (raw) {
      const [whole, body = ""] = raw;
      sources.push(
        whole === "unreadable"
          ? { ...place, file, fault: "permission denied" }
          : { ...place, file, text: body.replaceAll("\\n", "\n") },
      );
      rest = rest.slice(whole.length).trimStart();
    } else {
      const values: (readonly [string, unknown])[] = [];
      for (let key = /^([\w.$]+)=/.exec(rest); key; key = /^([\w.$]+)=/.exec(rest)) {
        const [value, after] = jsonAt(rest.slice(key[0].length));
        values.push([key[1] ?? "", value]);
        rest = after.trimStart();
      }
      if (values.length === 0) throw new Error(`no settings: ${rest}`);
      sources.push({ ...place, file, text: textOf(values) });
    }
    if (rest !== "" && !rest.startsWith(";")) throw new Error(`no end of a file: ${rest}`);
    rest = rest.slice(1).trimStart();
  }
  return sources;
}

/** What the policy holds under a dotted name. */
function under(policy: Policy, name: string): unknown {
  return name.split(".").reduce<unknown>((at, part) => {
    if (Array.isArray(at) && part === "length") return at.length;
    return typeof at === "object" && at !== null ? new Map(Object.entries(at)).get(part) : undefined;
  }, policy);
}

function outcome(policy: Policy, call: string): readonly [string, string, string] {
  const [, words = "", text = ""] = /^(?:([\w,]+)>\s+)?(.*)$/.exec(call) ?? [];
  const named = words.split(",").filter((word) => word !== "" && word !== "sandboxed");
  const modes = named.map(modeNamed);
  if (modes.includes(undefined)) throw new Error(`no mode: ${words}`);
  const [, tool = "Bash", input = JSON.stringify({ command: text })] =
    /^(mcp__\w+|[A-Z]\w+)(\{.*\})$/.exec(text) ?? [];
  const context = prepare(policy, PLACE, tables);
  const sandboxed = words.includes("sandboxed");
  const inquiry = examine(context, { tool, input: JSON.parse(input), ...PLACE, mode: modes[0], sandboxed });
  const { verdict, code, rule } = judge(inquiry, factsIn(PLAIN_WORLD, needsOf(inquiry)));
  return [verdict, code, `${rule?.file ?? ""}:${rule?.line ?? ""}`];
}

const directory = import.meta.dirname;
const files = readdirSync(directory).filter((name) => /^scopes\..*\.cases$/.test(name));
const seen = new Map<string, string>();

for (const file of files) {
  describe(file, () => {
    let heading = "";
    for (const [at, line] of readFileSync(join(directory, file), "utf8").split("\n").entries()) {
      if (line.startsWith("==")) heading = line.slice(2).trim();
      if (line.trim() === "" || line.startsWith("#") || line.startsWith("==")) continue;
      const where = `${file}:${at + 1}`;
      const [settings = "", call = "", expected = "", problem] = line
        .split(/\s\|\s/)
        .map((column) => column.trim());
      if (call === "" || expected === "") throw new Error(`${where}: not a row`);
      const same = seen.get(`${settings} | ${call}`);
      if (same !== undefined) throw new Error(`${where}: the row stands at ${same} already`);
      seen.set(`${settings} | ${call}`, where);
      it(`${at + 1}: ${heading}: ${settings} | ${call}`, () => {
        const policy = buildPolicy(sourcesOf(settings), PLACE, "test");
        if (call.startsWith("= ")) {
          const value = under(policy, call.slice(2)) ?? null;
          expect(JSON.parse(JSON.stringify(value))).toEqual(JSON.parse(expected));
        } else {
          const [verdict = "", code = "-", rule = "-"] = expected.split(/\s+/);
          if (code !== "-" && !Object.hasOwn(CODES, code)) throw new Error(`${where}: no code ${code}`);
          const got = outcome(policy, call);
          const shown = [got[0], code === "-" ? "-" : got[1], rule === "-" ? "-" : got[2]];
          expect(shown, JSON.stringify(got)).toEqual([verdict, code, rule]);
        }
        const said = policy.problems.map((each) => `${each.file}:${each.line ?? "-"} ${each.message}`);
        if (problem === "none") expect(said).toEqual([]);
        else if (problem !== undefined) {
          const [place = "", ...words] = problem.split(" ");
          const text = words.join(" ");
          expect(
            said.filter((each) => each.startsWith(`${place} `) && each.includes(text)),
            said.join("\n"),
          ).not.toHaveLength(0);
        }
      });
    }
  });
}

describe("the tables", () => {
  it("hold a matrix, and say no row twice", () => {
    expect(seen.size).toBeGreaterThanOrEqual(300);
  });

  it("name every key that cordon acts on", () => {
    const rows = [...seen.keys()];
    const absent = [...KEYS].filter(([key, { merge }]) => {
      const name = ` ${key}=`;
      return merge !== "inert" && !rows.some((row) => row.includes(name));
    });
    expect(absent.map(([key]) => key)).toEqual([]);
  });
});
