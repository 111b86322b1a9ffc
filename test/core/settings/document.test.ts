import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { readDocument, valueOf } from "../../../src/core/settings/document.ts";

describe("positions", () => {
  it.each([
    ["", 0, 1, 1],
    ["abc", 2, 1, 3],
    ["a\nb", 2, 2, 1],
    ["a\r\nb", 3, 2, 1],
    ["a\rb", 2, 2, 1],
    ["a\n\n\nb", 4, 4, 1],
    ["\u{1F600}x", 2, 1, 3],
    ["a\u2028b", 2, 1, 3],
    ["a", 99, 1, 100],
  ])("%j at %i is line %i, column %i", (text, offset, line, column) => {
    expect(readDocument(text).positionOf(offset)).toEqual({ line, column });
  });

  it("agree with counting for every offset", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "\n", "\r", "\r\n", '"')), (parts) => {
        const text = parts.join("");
        const { positionOf } = readDocument(text);
        for (let offset = 0; offset <= text.length; offset++) {
          // Between \r and \n is still the line that they end.
          const before = text.slice(0, offset).replace(/\r$/, (cr) => (text[offset] === "\n" ? "x" : cr));
          const lines = before.split(/\r\n|\n|\r/);
          expect(positionOf(offset)).toEqual({ line: lines.length, column: (lines.at(-1) ?? "").length + 1 });
        }
      }),
    );
  });
});

describe("what is read", () => {
  it.each([
    ['{"a": 1}', { a: 1 }],
    ['\uFEFF{"a": 1}', { a: 1 }],
    ['{"a": [1, 2,],}', { a: [1, 2] }],
    ['// x\n{"a": /* y */ 1}\n// z', { a: 1 }],
    ['{"a": 1, "a": 2}', { a: 2 }],
    ['{"a": "\\u0041\\n"}', { a: "A\n" }],
    ["[]", []],
    ["null", null],
  ])("%j", (text, value) => {
    const { root, fault } = readDocument(text);
    expect(fault).toBeUndefined();
    expect(root && valueOf(root)).toEqual(value);
  });

  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value, undefined, 1);
        const { root, fault } = readDocument(text);
        expect(fault).toBeUndefined();
        expect(root && valueOf(root)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("keeps keys that mean something to JavaScript", () => {
    const text = '{"__proto__": {"x": 1}, "toString": 2, "constructor": 3}';
    const { root } = readDocument(text);
    const value = root && valueOf(root);
    expect(Object.keys(value ?? {})).toEqual(["__proto__", "toString", "constructor"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});

describe("what is no JSON", () => {
  it.each([
    ["", 0, "is empty"],
    ["  \n", 0, "is empty"],
    ['{"a" 1}', 5, "a colon is missing"],
    ['{"a": 1', 7, "a closing brace is missing"],
    ['{"a": [1}', 8, "a closing bracket is missing"],
    ['{"a": 1 "b": 2}', 8, "a comma is missing"],
    ['{"a": 1}{', 8, "something follows the settings"],
    ["{a: 1}", 1, "a word that means nothing"],
    ["{'a': 1}", 1, "a word that means nothing"],
    ['{"a": "x', 6, "a string is not closed"],
    ['{"a": "\\x"}', 6, "a backslash before a character that takes none"],
    ['{"a": 1} /*', 9, "a comment is not closed"],
    ['{"a": 01}', 7, "a comma is missing"],
    ['{"a": "\u0001"}', 6, "invalid character"],
    ['{"a": NaN}', 6, "a word that means nothing"],
    ['{"a":1,,}', 7, "a key is missing"],
    ["\u0000", 0, "a word that means nothing"],
  ])("%j", (text, offset, message) => {
    const { fault } = readDocument(text);
    expect(fault?.message).toContain(message);
    expect(fault?.offset).toBe(offset);
  });

  it.each(['{"a":', "[", '{"a":[', "[[{}],"])(
    "%s a hundred thousand times is too deep and no crash",
    (unit) => {
      const { fault } = readDocument(unit.repeat(100_000));
      expect(fault).toBeDefined();
    },
  );

  it("never throws", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      '"a"',
      "1",
      "-",
      "/*",
      "*/",
      "//",
      "\n",
      "\\",
      "\uFEFF",
      "true",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(pieces).map((all) => all.join("")),
        ),
        (text) => {
          const { root } = readDocument(text);
          if (root) valueOf(root);
        },
      ),
    );
  });
});
