/** What is read the quick way reads as it does the general way. */
import fc from "fast-check";
import { type Node as JsonNode, type ParseError, parseTree } from "jsonc-parser";
import { describe, expect, it } from "vitest";
import { type Node, plainTree } from "../../../src/core/settings/plain-document.ts";
import { readSettings } from "../../../src/core/settings/read.ts";
import type { SettingsSource } from "../../../src/core/settings/source.ts";

const DEEP = Number(process.env["CORDON_DEEP"] ?? "1");

/** A node with the children that are made when asked for; of a parent only whether it is the right one. */
function bare(node: Node | JsonNode, parent?: Node | JsonNode): unknown {
  const { type, value, offset, length, colonOffset } = node;
  const children = node.children?.map((child) => bare(child, node));
  return { type, value, offset, length, colonOffset, children, placed: node.parent === parent };
}

function expectSame(text: string): boolean {
  const plain = plainTree(text);
  if (plain === undefined) return false;
  const errors: ParseError[] = [];
  const general = parseTree(text, errors, { allowTrailingComma: false, disallowComments: true });
  expect(errors).toEqual([]);
  expect(bare(plain)).toEqual(general && bare(general));
  return true;
}

const piece = fc.constantFrom(
  ...'{}[]:,"\\/ \n\t\r0123456789.-+eEtrufalsn'.split(""),
  '"a"',
  '["a","b"]',
  '"\\n"',
  "\\u0041",
  "//",
  "/*",
  "\u2028",
  "\u00a0",
  "true",
);

describe("a text that is read quickly", () => {
  it.each([
    "{}",
    "[]",
    ' { "a" : [ "x" , "y" ] , "b" : [ ] , "a" : [1, "x", null, true, -1.5e3, {"c": ["d"]}] } \n',
    '{"a": ["\\"", "\\\\", "\\u00e4\\/", "[\\"x\\"]"]}',
    '{"x[": "]", "y": ["]"]}',
    '"x"',
    "12",
    '{"__proto__": ["a"], "": [""]}',
    `{"a": [${'"x",'.repeat(50_000)}"y"]}`,
  ])("%j is, to the same tree", (text) => {
    expect(expectSame(text)).toBe(true);
  });

  it.each([
    "",
    " ",
    "{",
    "}",
    "{} x",
    "{},",
    '{"a" 1}',
    '{"a": 1,}',
    '["a",]',
    '["a" "b"]',
    '["a",,"b"]',
    '{"a": "\\x"}',
    '{"a": "b\nc"}',
    "{'a': 1}",
    '{"a": 01}',
    '{"a": 1.}',
    '{"a": truex}',
    '{"a": 1} // x',
    '{/* x */"a": 1}',
    '{"a": [\u00a0"x"]}',
    `${"[".repeat(100)}${"]".repeat(100)}`,
    `["${"x".repeat(4_000_000)}"]`,
  ])("%.40j is not", (text) => {
    expect(plainTree(text)).toBeUndefined();
  });

  it("is the same whatever stands in it", () => {
    let read = 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        expect(expectSame(JSON.stringify(value, undefined, indent))).toBe(true);
      }),
      { numRuns: 300 * DEEP },
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom("Bash(a *)", "\u2028", "\\", "\ud800")), {
          minLength: 1,
        }),
        fc.array(fc.tuple(fc.nat(), fc.nat(2), piece), { maxLength: 2 }),
        (list, changes) => {
          let text = JSON.stringify({ permissions: { deny: list, x: [list, 1] } });
          for (const [at, cut, put] of changes) {
            const place = at % text.length;
            text = `${text.slice(0, place)}${put}${text.slice(place + cut)}`;
          }
          if (expectSame(text)) read += 1;
        },
      ),
      { numRuns: 2_000 * DEEP },
    );
    expect(read).toBeGreaterThan(200);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (parts) => void expectSame(parts.join(""))),
      { numRuns: 5_000 * DEEP },
    );
  });
});

describe("rules of a list that is read quickly", () => {
  const word = fc.constantFrom(
    "npm",
    "a",
    "--x=1",
    "run_in_background",
    "timeout",
    "command",
    "file_path",
    "./x",
    "@a/b",
    "A=b",
    "*",
    "a*",
    ":*",
    "a:b",
    "|",
    "&&",
    ";",
    "~/x",
    "!x",
    "[a]",
    "\t",
    "ä",
    "",
  );
  const inside = fc
    .array(word, { maxLength: 4 })
    .chain((words) =>
      fc.constantFrom(words.join(" "), words.join(""), words.join("/"), `/${words.join("/")}`),
    );
  const tail = fc.constantFrom("", " *", ":*", "*", "/**", " ", "  *");
  const tool = fc.constantFrom(
    "Bash",
    "Read",
    "Edit",
    "Write",
    "Grep",
    "Cd",
    "Agent",
    "Bsh",
    "WebFetch",
    " Bash",
    "bash",
  );
  const rule = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(tool, inside, tail).map(([name, text, end]) => `${name}(${text}${end})`),
    },
    fc.constantFrom(
      "Bash",
      "Read",
      "*",
      "Bash()",
      "Bash(*)",
      "Read(*)",
      "Read(**)",
      "Bash(a",
      "Bash(a))",
      "mcp:s:t",
    ),
    fc
      .tuple(
        fc.constantFrom("s", "a-b", "a_b", "S", "*", ""),
        fc.constantFrom("__t", "__*", "__t*", "__", "", "__a*b", "*"),
      )
      .map(([server, name]) => `mcp__${server}${name}`),
    fc.string(),
  );
  const source = (text: string, scope: "managed" | "project" | "user"): SettingsSource => ({
    scope,
    text,
    trusted: true,
    repository: false,
    file: "/f.json",
    anchor: "/a",
    base: "/b",
  });
  const place = { root: "/r", cwd: "/c", home: "/h" };

  it("are those that are read one by one, and so is what is said of them", () => {
    let plain = 0;
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 8 }),
        fc.constantFrom("allow", "ask", "deny"),
        fc.constantFrom("managed", "project", "user"),
        fc.constantFrom(undefined, 2),
        (rules, effect, scope, indent) => {
          const text = JSON.stringify(
            { permissions: { [effect]: rules }, allowedTools: rules },
            undefined,
            indent,
          );
          const quick = readSettings(source(text, scope), place);
          // A comment is for the general reader.
          const slow = readSettings(source(`${text} // x`, scope), place);
          expect(plainTree(text)).toBeDefined();
          expect(quick.rules).toEqual(slow.rules);
          expect(quick.problems).toEqual(slow.problems);
          plain += quick.rules.length;
        },
      ),
      { numRuns: 1_500 * DEEP },
    );
    expect(plain).toBeGreaterThan(2_000);
  });

  it.each(["allow", "ask", "deny"])("are, where a form is near a plain one: %s", (effect) => {
    const words = [
      "timeout",
      "description",
      "run_in_background",
      "dangerouslyDisableSandbox",
      "command",
      "npm",
    ];
    const rules = [
      ...words.flatMap((each) => [
        `Bash(${each}:*)`,
        `Bash(${each} *)`,
        `Bash(${each} x:*)`,
        `Bash(${each})`,
      ]),
      ...["*", "**", "/", "/x", "//x", "x", "../x", "/*"].flatMap((each) => [
        `Read(${each})`,
        `Edit(${each})`,
      ]),
      "mcp__a__b",
      "mcp__a__*",
      "mcp__a__b*",
      "mcp__a",
      "mcp__a__",
      "mcp____x",
      "mcp__a_b__c",
      "mcp__a__*b",
      "Bash(a  b)",
      "Bash( a)",
      "Bash(a )",
      "Bash(a\t*)",
      "Bash(*)",
      "Bash( *)",
      "Bash(a**)",
      "Bash(a * b)",
      "Bash(a;b)",
      "Bash(a|b *)",
      "Bash(a&)",
      "Bash(a:*b)",
      " Bash(a)",
      "Bash (a)",
      "Bash(a) ",
      'Bash("a" *)',
    ];
    for (const scope of ["managed", "user"] as const) {
      const text = JSON.stringify({ permissions: { [effect]: rules } });
      const quick = readSettings(source(text, scope), place);
      const slow = readSettings(source(`${text} // x`, scope), place);
      expect(quick.rules).toEqual(slow.rules);
      expect(quick.problems).toEqual(slow.problems);
    }
  });

  it("stand in the lines they stand in, with every sort of line end", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = `{"permissions": {"deny": [${end}"Bash(a *)",${end}${end}"Bash(b",${end}"Read(x/y)"]}}`;
      const { rules } = readSettings(source(text, "user"), place);
      expect(rules.map(({ text: written, line }) => [written, line])).toEqual([
        ["Bash(a *)", 2],
        ["Bash(b", 4],
        ["Read(x/y)", 5],
      ]);
    }
  });
});
