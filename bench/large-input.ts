/**
 * Decision time for the largest commands that are read in full, 16 kB each, of shapes that take long.
 * Prints the processor time of the first and of the best of five decisions.
 * Usage: node scripts/run.mjs bench/large-input.ts
 */
import { type Facts, NO_FACTS } from "../src/core/call/facts.ts";
import { judge, prepare } from "../src/core/gate.ts";
import { examine } from "../src/core/inquiry/inquiry.ts";
import { buildPolicy } from "../src/core/settings/merge.ts";
import { builtInTables } from "../src/host/tables.ts";

const SIZE = 16_000;
const place = { root: "/home/user/app", cwd: "/home/user/app", home: "/home/user" };
const policy = buildPolicy(
  [
    {
      scope: "user",
      text: '{"permissions": {"deny": ["Bash(rm *)", "Read(.env)"], "allow": ["Bash(npm *)"]}}',
      trusted: true,
      repository: false,
      anchor: place.home,
      base: place.home,
    },
  ],
  place,
  "bench",
);
const context = prepare(policy, place, builtInTables());

const filled = (unit: string, size: number = SIZE): string => unit.repeat(Math.floor(size / unit.length));
const nested = (depth: number, body: string): string =>
  `${"for x in 1; do ".repeat(depth)}${body} :${"; done".repeat(depth)}`;

const INPUTS: Readonly<Record<string, string>> = {
  "simple commands": filled("echo hello world; "),
  pipelines: filled("cat a | grep b | sort | uniq; "),
  "40 nested loops": nested(40, filled("rm -rf $x; ", 15_000)),
  "loops around xargs": nested(40, filled("echo $x | xargs -n1 sh -c 'rm $0'; ", 15_000)),
  substitutions: filled("echo $(echo a); "),
  "open substitutions": filled("$("),
  backquotes: filled("`a`"),
  "quotes of all kinds": filled("'a'\"b\"\\c"),
  variables: filled("A=1; B=$A; C=$B; echo $C; "),
  "a variable that doubles": `${filled("A=$A$A; ")}$A`,
  "nested shells": filled("sh -c 'sh -c \"rm x\"'; "),
  eval: filled("eval 'rm -rf x'; "),
  functions: `f() { rm $1; }; ${filled("f a; ")}`,
  aliases: filled("alias r='rm -rf'; r x; "),
  "decoded text": filled("echo cm0gLXJmIC8= | base64 -d | sh; "),
  braces: filled("echo {a,b,c,d}; "),
  "options of git": `git ${filled("-c a=b ")}`,
  heredoc: `cat <<E\n${filled("line $x\n")}E`,
};

function decide(command: string, facts: Facts): number {
  const start = process.cpuUsage();
  const call = { tool: "Bash", input: { command }, ...place, mode: "bypassPermissions" } as const;
  judge(examine(context, call), facts);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

for (const [name, command] of Object.entries(INPUTS)) {
  const times = Array.from({ length: 5 }, () => decide(command, NO_FACTS));
  const [first = 0] = times;
  console.log(
    `${name.padEnd(26)} first ${first.toFixed(0).padStart(5)} ms   best ${Math.min(...times)
      .toFixed(0)
      .padStart(5)} ms`,
  );
}
