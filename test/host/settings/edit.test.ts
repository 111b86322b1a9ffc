import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDocument, valueOf } from "../../../src/core/settings/document.ts";
import { withRule } from "../../../src/host/settings/edit.ts";

const RULE = "Bash(npm test *)";

describe("a rule more", () => {
  it.each<[string, string, string]>([
    ["an empty object", "{}", '{\n  "permissions": {\n    "allow": [\n      "R"\n    ]\n  }\n}'],
    ["one line", '{"permissions":{"allow":["A"]}}', '{"permissions":{"allow":["A", "R"]}}'],
    ["one line without permissions", '{"a":1}', '{"a":1, "permissions": {"allow": ["R"]}}'],
    ["an empty list", '{"permissions": {"allow": []}}', '{"permissions": {"allow": ["R"]}}'],
    [
      "a list over lines",
      '{\n  "permissions": {\n    "allow": [\n      "A"\n    ]\n  }\n}\n',
      '{\n  "permissions": {\n    "allow": [\n      "A",\n      "R"\n    ]\n  }\n}\n',
    ],
    ["tabs", '{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"permissions": {\n\t\t"allow": [\n\t\t\t"R"\n\t\t]\n\t}\n}'],
    [
      "four blanks",
      '{\n    "permissions": {\n        "deny": ["A"]\n    }\n}',
      '{\n    "permissions": {\n        "deny": ["A"],\n        "allow": [\n            "R"\n        ]\n    }\n}',
    ],
    [
      "carriage returns",
      '{\r\n  "permissions": {\r\n    "allow": [\r\n      "A"\r\n    ]\r\n  }\r\n}\r\n',
      '{\r\n  "permissions": {\r\n    "allow": [\r\n      "A",\r\n      "R"\r\n    ]\r\n  }\r\n}\r\n',
    ],
    [
      "a byte order mark",
      '\uFEFF{"permissions":{"allow":["A"]}}',
      '\uFEFF{"permissions":{"allow":["A", "R"]}}',
    ],
    [
      "a trailing comma",
      '{"permissions": {"allow": [\n  "A",\n]}}',
      '{"permissions": {"allow": [\n  "A",\n  "R",\n]}}',
    ],
    [
      "a comment behind the last rule",
      '{"permissions": {"allow": [\n  "A" // why\n]}}',
      '{"permissions": {"allow": [\n  "A", // why\n  "R"\n]}}',
    ],
    [
      "comments everywhere",
      '// 1\n{ /* 2 */ "permissions" /* 3 */ : {\n  "allow": [ // 4\n    "A", /* 5 */ // 6\n    // 7\n  ] // 8\n} } // 9',
      '// 1\n{ /* 2 */ "permissions" /* 3 */ : {\n  "allow": [ // 4\n    "A", /* 5 */ // 6\n    "R",\n    // 7\n  ] // 8\n} } // 9',
    ],
    [
      "a comment over lines",
      '{"permissions": {"allow": [\n  "A" /* x\n y */\n]}}',
      '{"permissions": {"allow": [\n  "A",\n  "R" /* x\n y */\n]}}',
    ],
    [
      "an empty list with a comment",
      '{"permissions": {"allow": [ // none\n]}}',
      '{"permissions": {"allow": [\n  "R" // none\n]}}',
    ],
    [
      "a list of objects",
      '{"permissions": {"allow": [{"tool": "Bash"}]}}',
      '{"permissions": {"allow": [{"tool": "Bash"}, "R"]}}',
    ],
  ])("in %s", (_name, before, after) => {
    const made = withRule(before, "allow", RULE);
    expect(made.text).toBe(after.replace('"R"', JSON.stringify(RULE)));
  });

  it("that is there already changes nothing", () => {
    const text = `{"permissions": {"allow": ["${RULE}"], }, }`;
    expect(withRule(text, "allow", RULE)).toEqual({ text, changed: false });
  });

  it.each<[string, string]>([
    ["", "the file is empty (line 1, column 1)"],
    ['{\n"a": 1\n"b": 2}', "a comma is missing (line 3, column 1)"],
    ["[]", "the settings are no object"],
    ['{"permissions": []}', "`permissions` is no object"],
    ['{"permissions": {"allow": "A"}}', "`permissions.allow` is no list"],
    ['{"permissions": {}, "permissions": {}}', "`permissions` stands twice"],
    ['{"permissions": {"allow": [], "allow": []}}', "`permissions.allow` stands twice"],
  ])("does not go into %j", (text, fault) => {
    expect(withRule(text, "allow", RULE).fault).toContain(fault);
  });

  it("leaves every byte that stood there, in its order, and every other value", () => {
    const counts = { added: 0, refused: 0 };
    fc.assert(
      fc.property(file(), fc.constantFrom("allow" as const, "ask" as const), (text, effect) => {
        const { text: after, fault } = withRule(text, effect, RULE);
        if (after === undefined) {
          counts.refused += 1;
          expect(fault).toMatch(/twice|no list|no object/);
          return;
        }
        counts.added += 1;
        // `text` is `after` with some characters taken out.
        let at = 0;
        for (const unit of after.split("")) if (at < text.length && unit === text[at]) at += 1;
        expect(at).toBe(text.length);
        const before = plain(text);
        const permissions = Object(before["permissions"] ?? {});
        expect(plain(after)).toEqual({
          ...before,
          permissions: { ...permissions, [effect]: [...(permissions[effect] ?? []), RULE] },
        });
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(counts.added, counts.refused)).toBeGreaterThan(100);
  });
});

function plain(text: string): Record<string, unknown> {
  const { root, fault } = readDocument(text);
  if (fault || !root) throw new Error(`${fault?.message} ${text}`);
  return { ...Object(valueOf(root)) };
}

/** Settings texts in every layout, with comments in every gap. */
function file(): fc.Arbitrary<string> {
  const space = fc.constantFrom("", " ", "\n", "\n  ", "\r\n\t", " // c\n", "/* d */", " /* e\n f */ ");
  const value = fc.constantFrom('"x"', "1", "null", "[]", '{"a": [1, {}]}', '"} ]"');
  const wrap = (open: string, close: string, items: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .tuple(fc.array(fc.tuple(space, items, space), { maxLength: 3 }), space, fc.boolean())
      .map(
        ([all, end, comma]) =>
          `${open}${all.map((each) => each.join("")).join(",")}${comma && all.length > 0 ? "," : ""}${end}${close}`,
      );
  const rules = wrap("[", "]", fc.constantFrom('"Bash(a)"', '{"tool": "B"}', '"C"'));
  const inner = wrap(
    "{",
    "}",
    fc.oneof(
      rules.map((list) => `"allow":${list}`),
      value.map((each) => `"deny": ${each}`),
    ),
  );
  return wrap(
    "{",
    "}",
    fc.oneof(
      inner.map((each) => `"permissions" : ${each}`),
      value.map((each) => `"other": ${each}`),
    ),
  );
}
