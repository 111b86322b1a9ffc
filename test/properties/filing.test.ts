/**
 * Which rules are looked at is a matter of time alone: looking through all of them decides the same. But
 * for programs with a blank in their name, which a rule about the word before it does not mean.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_FACTS } from "../../src/core/call/facts.ts";
import { judge, prepare } from "../../src/core/gate.ts";
import { examine } from "../../src/core/inquiry/inquiry.ts";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import { builtInTables } from "../../src/host/tables.ts";

const DEEP = Number(process.env["CORDON_DEEP"] ?? "1");
const place = { root: "/p", cwd: "/p", home: "/home/u" };
const tables = builtInTables();

const word = fc.constantFrom(
  ..."git push npm run test --force -f origin main x ./x.sh /usr/bin/git bin/git A=1 A=$B NODE_ENV=x sudo env".split(
    " ",
  ),
  ..."timeout 5 xargs bash -c FOO=$(y) $X g?t * -C /q --".split(" "),
  "\\git",
  "g''it",
  "-x",
  "|",
  "&&",
  ";",
);
const command = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(" "));
const pattern = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 4 }), fc.constantFrom("", " *", ":*", "*"))
  .map(([words, tail]) => `Bash(${words.join(" ")}${tail})`);

describe("rules filed by their first word", () => {
  it("decide as all of them do", () => {
    let told = 0;
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 4 }),
        fc.array(pattern, { maxLength: 4 }),
        command,
        fc.constantFrom("deny", "ask"),
        (allow, restrict, text, effect) => {
          // A rule that is meant for the call is among them.
          const lists = { allow: [...allow, `Bash(${text})`], [effect]: restrict };
          const settings = JSON.stringify({ permissions: lists });
          const layer = {
            scope: "user",
            trusted: true,
            repository: false,
            anchor: "/p",
            base: "/p",
          } as const;
          const context = prepare(buildPolicy([{ ...layer, text: settings }], place, ""), place, tables);
          const rules = { ...context.rules, commands: () => context.rules.allCommands };
          const call = { tool: "Bash", input: { command: text }, ...place };
          const filed = judge(examine(context, call), NO_FACTS);
          const whole = judge(examine({ ...context, rules }, call), NO_FACTS);
          const told1 = filed.opinions.map((each) => JSON.stringify(each)).toSorted();
          expect(told1).toEqual(whole.opinions.map((each) => JSON.stringify(each)).toSorted());
          expect(filed.verdict).toBe(whole.verdict);
          if (filed.opinions.some(({ layer: from }) => from === "rules")) told += 1;
        },
      ),
      { numRuns: 800 * DEEP },
    );
    expect(told).toBeGreaterThan(200);
  });
});
