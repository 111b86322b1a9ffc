/** The indexed matcher against the plain one, on random policies and calls. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchGlob } from "../../src/core/call/glob.ts";
import { compileWildcard, possiblyMatches, surelyMatches } from "../../src/core/inquiry/wildcard.ts";
import { indexRules, pathGlobs } from "../../src/core/inquiry/rule-index.ts";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import { HOLE } from "../../src/core/call/word.ts";
import { naiveCommandPattern, naivePathPattern } from "../oracle/naive.ts";

const word = fc.constantFrom("npm", "run", "git", "push", "a", "b", "--force", "x.y", "*", "a*", "*b");
const pattern = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" "));
const plainWord = fc.constantFrom("npm", "run", "git", "push", "a", "b", "ab", "--force", "x.y", "xzy");
const command = fc.array(plainWord, { minLength: 1, maxLength: 5 }).map((words) => words.join(" "));

describe("command patterns", () => {
  it("match as the plain regular expression does", () => {
    fc.assert(
      fc.property(pattern, command, (rule, text) => {
        expect(surelyMatches(compileWildcard(rule), text)).toBe(naiveCommandPattern(rule).test(text));
      }),
      { numRuns: 5000 },
    );
  });
  it("match a text with a hole for certain only where every filling matches, and possibly where any does", () => {
    const filling = fc.constantFrom("", "a", "x.y", " --force", "run b");
    fc.assert(
      fc.property(pattern, command, fc.nat(), filling, (rule, text, place, fill) => {
        const at = place % (text.length + 1);
        const wildcard = compileWildcard(rule);
        const holed = text.slice(0, at) + HOLE + text.slice(at);
        const filled = text.slice(0, at) + fill + text.slice(at);
        if (surelyMatches(wildcard, holed)) expect(surelyMatches(wildcard, filled)).toBe(true);
        if (surelyMatches(wildcard, filled)) expect(possiblyMatches(wildcard, holed)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

const segment = fc.constantFrom("src", "a", ".env", "*.ts", "**", "b?", "x.ts", "a*");
const line = fc
  .tuple(
    fc.constantFrom("", "./", "/"),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("", "/", "/**"),
  )
  .map(([head, segments, tail]) => head + segments.join("/") + tail)
  .filter(
    (text) => !text.includes("**/**") && text !== "**" && !text.endsWith("**/") && !text.endsWith("**/**"),
  );
const path = fc
  .array(fc.constantFrom("src", "a", ".env", "x.ts", "y.ts", "bc", "ab"), { minLength: 1, maxLength: 4 })
  .map((segments) => `/p/${segments.join("/")}`);

describe("path patterns", () => {
  it("match as the plain regular expression does", () => {
    const place = { root: "/p", cwd: "/p", home: "/home/u" };
    fc.assert(
      fc.property(line, path, fc.constantFrom("allow" as const, "deny" as const), (text, file, effect) => {
        const globs = pathGlobs(text, effect, "/p", place);
        expect(
          globs.some((glob) => matchGlob(glob, file)),
          `${effect} ${text} ${file}`,
        ).toBe(naivePathPattern(text, "/p", effect === "deny").test(file));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("the rule index", () => {
  const place = { root: "/p", cwd: "/p", home: "/home/u" };
  const rules = fc.array(
    fc.oneof(
      pattern.map((text) => `Bash(${text})`),
      line.map((text) => `Read(${text})`),
      fc.constantFrom("mcp__a__*", "mcp__a", "mcp__b__c", "Bash", "*"),
    ),
    { maxLength: 30 },
  );
  const policyOf = (deny: readonly string[]) =>
    buildPolicy(
      [
        {
          scope: "project",
          text: JSON.stringify({ permissions: { deny } }),
          trusted: true,
          repository: false,
          anchor: "/p",
          base: "/p",
        },
      ],
      place,
      "x",
    );

  it("finds every command rule that a look through all rules finds", () => {
    fc.assert(
      fc.property(rules, command, (list, text) => {
        const index = indexRules(policyOf(list), place);
        const hits = (candidates: Iterable<(typeof index.allCommands)[number]>): readonly string[] =>
          [...candidates]
            .filter(({ stages, whole }) => whole || stages.some((stage) => surelyMatches(stage, text)))
            .map(({ rule }) => rule.text)
            .sort();
        expect(hits(index.commands([text.split(" ")[0] ?? ""]))).toEqual(hits(index.allCommands));
      }),
      { numRuns: 2000 },
    );
  });
  it("finds every path rule that a look through all rules finds", () => {
    fc.assert(
      fc.property(rules, path, (list, file) => {
        const index = indexRules(policyOf(list), place);
        const hits = (candidates: Iterable<(typeof index.allPaths)[number]>): readonly string[] =>
          [...candidates]
            .filter(({ globs }) => globs.some((glob) => matchGlob(glob, file)))
            .map(({ rule }) => rule.text)
            .sort();
        expect(hits(index.paths(file.split("/").slice(1)))).toEqual(hits(index.allPaths));
      }),
      { numRuns: 2000 },
    );
  });
  it("finds tool rules by name and by server", () => {
    const index = indexRules(policyOf(["mcp__a", "mcp__b__c", "mcp__c__get_*", "Agent(Explore)"]), place);
    const found = (tool: string): readonly string[] =>
      [...index.tools(tool)]
        .filter(({ tool: wildcard }) => surelyMatches(wildcard, tool))
        .map(({ rule }) => rule.text);
    expect(found("mcp__a__x")).toEqual(["mcp__a"]);
    expect(found("mcp__b__c")).toEqual(["mcp__b__c"]);
    expect(found("mcp__b__d")).toEqual([]);
    expect(found("mcp__c__get_x")).toEqual(["mcp__c__get_*"]);
    expect(found("mcp__c__set_x")).toEqual([]);
  });
});
