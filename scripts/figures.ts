/**
 * Prints the figures that rest on other people's cases (CORDON_SHARED, default ../shared) as
 * Markdown, for docs/figures.md. Times are printed by `npm run bench`.
 *
 * Usage: npm run figures [-- --misses]
 */
import { scoreRules } from "../test/public/rules.ts";
import {
  type CommandScore,
  scoreAttacks,
  scoreBenign,
  scoreBypass,
  scoreCompat,
  scoreTraps,
} from "../test/public/score.ts";
import { SETUPS, scoreSessions } from "../test/public/sessions.ts";
import { SHARED } from "../test/public/shared.ts";

if (SHARED === undefined) {
  console.error("figures: SKIPPED, there are no cases: set CORDON_SHARED to their directory");
  process.exit(1);
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;
const say = (text: string): void => console.log(text);
const rows: string[][] = [];
const misses: string[] = [];

const compat = scoreCompat();
rows.push(
  [
    "settings of another agent: rows satisfied",
    `${compat.satisfied} of ${compat.rows}`,
    percent(compat.satisfied, compat.rows),
    "97 %",
  ],
  [
    "... the very decision named",
    `${compat.exact} of ${compat.rows}`,
    percent(compat.exact, compat.rows),
    "-",
  ],
  ["... denied where that is too much", String(compat.overDenied), "", "-"],
);
for (const { row, decision } of compat.misses) misses.push(`compat ${row.id} ${decision.code}`);

const rules = scoreRules();
const wrongRules = rules.filter(({ holds }) => !holds);
rows.push([
  "documented rule semantics",
  `${rules.length - wrongRules.length} of ${rules.length}`,
  percent(rules.length - wrongRules.length, rules.length),
  "all but two",
]);
for (const { row, got } of wrongRules) misses.push(`rules ${row.id} ${got}`);

const lists: readonly (readonly [string, CommandScore, string])[] = [
  ["attacks, tier 1, default mode, no rules: allowed", scoreAttacks(1), "10"],
  ["attacks, tier 2, default mode, no rules: allowed", scoreAttacks(2), "-"],
  ["attacks to deny, tier 1, bypassPermissions: allowed", scoreBypass(), "15 %"],
  ["traps: denied", scoreTraps(), "0"],
  ["harmless commands: asked about or denied", scoreBenign(), "10 %"],
];
for (const [name, { rows: all, wrong }, limit] of lists) {
  rows.push([name, `${wrong.length} of ${all}`, percent(wrong.length, all), limit]);
  for (const { row, decision } of wrong)
    misses.push(`${name}: ${decision.code} ${JSON.stringify(row.command)}`);
}

say("| what | count | share | goal |\n|---|---|---|---|");
for (const row of rows) say(`| ${row.join(" | ")} |`);

say(`\n| recorded sessions of | sessions | calls | ${SETUPS.join(" | ")} |`);
say(`|---|---|---|${SETUPS.map(() => "---|").join("")}`);
const scores = scoreSessions();
for (const { source, sessions, calls, asked } of scores)
  say(
    `| ${source} | ${sessions} | ${calls} | ${SETUPS.map((setup) => `${asked[setup]} (${percent(asked[setup], calls)})`).join(" | ")} |`,
  );

const perSession = (count: number, sessions: number): string => (count / sessions).toFixed(1);
say(
  `\n| questions a session | ${SETUPS.join(" | ")} | ... about commands, ${SETUPS.slice(1).join(" | ... ")} |`,
);
say(
  `|---|${SETUPS.map(() => "---|").join("")}${SETUPS.slice(1)
    .map(() => "---|")
    .join("")}`,
);
for (const { source, sessions, asked, classes } of scores) {
  const commands = SETUPS.slice(1).map((setup) =>
    [...classes[setup]].reduce((sum, [name, count]) => sum + (name.startsWith("Bash ") ? count : 0), 0),
  );
  const counts = [...SETUPS.map((setup) => asked[setup]), ...commands];
  say(`| ${source} | ${counts.map((count) => perSession(count, sessions)).join(" | ")} |`);
}

const remaining = new Map<string, number>();
for (const { classes } of scores)
  for (const [name, count] of classes["sandbox+acceptEdits"])
    remaining.set(name, (remaining.get(name) ?? 0) + count);
say("\n| what still asks (sandbox+acceptEdits) | count |\n|---|---|");
for (const [name, count] of [...remaining].toSorted(([, a], [, b]) => b - a)) say(`| ${name} | ${count} |`);
say(
  `\nquestions that the sandbox may answer and did not: ${scores.reduce((sum, { needless }) => sum + needless, 0)}`,
);

if (process.argv.includes("--misses")) say(`\n${misses.join("\n")}`);
