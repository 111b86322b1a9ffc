/**
 * Throws seeded random rules, settings, commands and calls at the core. Fails on a crash, on a
 * verdict that is none, on a slow input, and on a settings fault without a position.
 *
 * Usage: node scripts/run.mjs scripts/fuzz.ts [--runs N] [--seconds N] [--seed N]
 */
import { parseArgs } from "node:util";
import { NO_FACTS } from "../src/core/call/facts.ts";
import { MODES } from "../src/core/call/mode.ts";
import { judge, prepare } from "../src/core/gate.ts";
import { examine } from "../src/core/inquiry/inquiry.ts";
import { readSettings } from "../src/core/settings/read.ts";
import { readRuleText } from "../src/core/settings/rule-entry.ts";
import { buildPolicy } from "../src/core/settings/merge.ts";
import { readPayload } from "../src/agents/claude-code/payload.ts";
import { builtInTables } from "../src/host/tables.ts";

const { values } = parseArgs({
  options: { runs: { type: "string" }, seconds: { type: "string" }, seed: { type: "string" } },
});
const most = Number(values.runs ?? "1000000");
const deadline = performance.now() + Number(values.seconds ?? "600") * 1000;
const seed = Number(values.seed ?? String(Date.now() % 2 ** 31));

/** A small generator with a seed (mulberry32), so that a failure can be made again. */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = randomFrom(seed);
const below = (bound: number): number => Math.floor(random() * bound);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const SHELL =
  "ls|cat|rm|git|push|-rf|--force|main|;|&&||||&|(|)|{|}|<|>|>>|<<E\nx\nE\n|<<<|'|\"|`|$(|${x:-|}|$x|$|\\|\n|\r|\t| |*|?|[a]|~|~/.ssh|/|..|.env|#|!|if|then|fi|for|in|do|done|while|case|esac|function f|f()|time|coproc|[[|]]|((|))|2>&1|/dev/tcp/h/1|eval|sh -c|xargs|find . -exec|{}|\\;|+|=|A=1|PATH=|export|cd|sudo|env|é|\u00a0|\u202e|\ud83d|\u0000|%s|--|-|-n1|@|:main|+main".split(
    "|",
  );
const RULE =
  "Bash|Read|Edit|WebFetch|mcp__a__b|Agent|(|)|*|:|:*|/|//|~/|./|domain:|npm run *|**|.env|[|]|!|\\|,| |mode|\u202e".split(
    "|",
  );
const JSONISH =
  '{|}|[|]|:|,|"permissions"|"allow"|"deny"|"ask"|"Bash(rm *)"|"defaultMode"|"plan"|true|null|1e9|"sandbox"|"cordon"|"hooks"|//c\n|/*|*/|"__proto__"|"|\\u0000| '.split(
    "|",
  );

const text = (tokens: readonly string[], longest: number): string => {
  let out = "";
  for (let count = below(longest) + 1; count > 0; count--) out += pick(tokens) + (below(3) === 0 ? " " : "");
  return out;
};
function value(depth: number): unknown {
  const kind = below(depth > 3 ? 4 : 6);
  if (kind === 0) return text(SHELL, 4);
  if (kind === 1) return below(1000);
  if (kind === 2) return pick([true, false, null]);
  if (kind === 3) return pick(["permissions", "Bash(ls)", "default", "/etc", ""]);
  if (kind === 4) return Array.from({ length: below(4) }, () => value(depth + 1));
  const names = [
    "permissions",
    "allow",
    "deny",
    "ask",
    "defaultMode",
    "sandbox",
    "cordon",
    "limits",
    "command",
    "tool_input",
    "tool_name",
    "cwd",
    "__proto__",
    "constructor",
    "additionalDirectories",
    "audit",
  ];
  return Object.fromEntries(Array.from({ length: below(5) }, () => [pick(names), value(depth + 1)]));
}

const place = { root: "/p", cwd: "/p", home: "/home/u" };
const tables = builtInTables();
const settingsOf = (body: string) => ({
  scope: "user" as const,
  file: "/home/u/.claude/settings.json",
  text: body,
  trusted: true,
  repository: false,
  anchor: "/home/u/.claude",
  base: "/home/u/.claude",
});
const contexts = [{}, { permissions: { allow: ["Bash"], deny: ["Bash(rm *)", "Read(.env)"] } }].map(
  (settings) => prepare(buildPolicy([settingsOf(JSON.stringify(settings))], place, "x"), place, tables),
);

const kinds = {
  command: (): void => judgeOne("Bash", { command: text(SHELL, 24) }),
  call: (): void =>
    judgeOne(
      pick([
        "Bash",
        "Read",
        "Edit",
        "Write",
        "Glob",
        "Grep",
        "WebFetch",
        "Agent",
        "mcp__a__b",
        "toString",
        "",
      ]),
      value(0),
    ),
  rule: (): void => {
    const rule = text(RULE, 10);
    const effect = pick(["allow", "ask", "deny"] as const);
    const { readings } = readRuleText(rule, effect);
    if (effect !== "allow" && readings.length === 0) throw new Error("a deny or ask rule was lost");
  },
  settings: (): void => {
    const body = below(2) === 0 ? text(JSONISH, 30) : JSON.stringify(value(0));
    const { problems } = readSettings(settingsOf(body), place);
    for (const problem of problems) {
      if (problem.severity === "error" && (problem.line === undefined || problem.column === undefined))
        throw new Error(`a fault without a position: ${problem.message}`);
    }
    buildPolicy([settingsOf(body)], place, "x");
  },
  payload: (): void => void readPayload(below(2) === 0 ? text(JSONISH, 30) : JSON.stringify(value(0))),
} as const;

function judgeOne(tool: string, input: unknown): void {
  const call = { tool, input: input as never, ...place, mode: pick(MODES), sandboxed: below(2) === 0 };
  const { verdict } = judge(examine(pick(contexts), call), NO_FACTS);
  if (verdict !== "allow" && verdict !== "ask" && verdict !== "deny")
    throw new Error(`no verdict: ${String(verdict)}`);
}

const counts = new Map<string, number>();
let failures = 0;
let run = 0;
for (; run < most && performance.now() < deadline; run++) {
  const name = pick(Object.keys(kinds) as (keyof typeof kinds)[]);
  counts.set(name, (counts.get(name) ?? 0) + 1);
  try {
    kinds[name]();
  } catch (error) {
    failures++;
    console.error(
      `seed ${seed}, run ${run}, ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    if (failures > 20) break;
  }
  if (run % 50_000 === 49_999) console.error(`${run + 1} inputs, ${failures} failures`);
}
console.log(
  `${run} inputs with seed ${seed}: ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}; ${failures} failures`,
);
process.exit(failures === 0 ? 0 : 1);
