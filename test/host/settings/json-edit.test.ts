import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDocument, valueOf } from "../../../src/core/settings/document.ts";
import { putFirst, readAt, removeAt, setAt } from "../../../src/host/settings/json-edit.ts";

const LIST = ["hooks", "PreToolUse"];

describe("an entry in front of a list", () => {
  it.each([
    ['{"hooks":{"PreToolUse":[1]}}', '{"hooks":{"PreToolUse":[{"a":2}, 1]}}'],
    ["{}", '{\n  "hooks": {\n    "PreToolUse": [\n      {\n        "a": 2\n      }\n    ]\n  }\n}'],
    ["{}\n", '{\n  "hooks": {\n    "PreToolUse": [\n      {\n        "a": 2\n      }\n    ]\n  }\n}\n'],
    ['{"b": 1}', '{"hooks": {"PreToolUse":[{"a":2}]}, "b": 1}'],
    [
      '{\n\t// mine\n\t"b": 1, // one\n}',
      '{\n\t// mine\n\t"hooks": {\n\t\t"PreToolUse": [\n\t\t\t{\n\t\t\t\t"a": 2\n\t\t\t}\n\t\t]\n\t},\n\t"b": 1, // one\n}',
    ],
    [
      '{\r\n    "hooks": {\r\n        "PreToolUse": [\r\n            1 // one\r\n        ],\r\n    }\r\n}',
      '{\r\n    "hooks": {\r\n        "PreToolUse": [\r\n            {\r\n                "a": 2\r\n            },\r\n            1 // one\r\n        ],\r\n    }\r\n}',
    ],
    [
      '{"hooks": {"PreToolUse": [ // none\n]}}',
      '{"hooks": {"PreToolUse": [\n  {\n    "a": 2\n  } // none\n]}}',
    ],
    ['\uFEFF{"hooks":{"PreToolUse":[1]}}', '\uFEFF{"hooks":{"PreToolUse":[{"a":2}, 1]}}'],
  ])("is written into %j", (text, expected) => {
    expect(putFirst("f", text, LIST, { a: 2 })).toBe(expected);
    expect(readAt("f", expected, [...LIST, 0])).toEqual({ a: 2 });
  });

  const entries = fc.constantFrom("1", '"x, ]"', "[2,3]", '{"a": 1}', "{ }", "null");
  const blanks = fc.constantFrom("", " ", "\n  ", "\r\n\t", " /* , ] */ ", " // ] ,\n ");
  it("leaves no trace when it is taken out again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(blanks, entries, blanks), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        blanks,
        (list, trailing, end) => {
          const body = list.map((parts) => parts.join("")).join(",") + (trailing ? "," : "");
          const text = `{"b": 1,${end}"hooks": {"PreToolUse": [${body}${end}]}${end}}`;
          const added = putFirst("f", text, LIST, { a: 2 });
          expect(readAt("f", added, LIST)).toEqual([
            { a: 2 },
            ...list.map(([, entry]) => JSON.parse(entry) as unknown),
          ]);
          expect(removeAt("f", added, [...LIST, 0])).toBe(text);
        },
      ),
    );
  });
  it("can be any of a list when it is taken out", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(blanks, entries, blanks), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.nat(),
        (list, trailing, nth) => {
          const at = nth % list.length;
          const text = `{"l": [${list.map((parts) => parts.join("")).join(",")}${trailing ? "," : ""}\n]}`;
          const values = list.map(([, entry]) => JSON.parse(entry) as unknown);
          expect(readAt("f", removeAt("f", text, ["l", at]), ["l"])).toEqual(values.toSpliced(at, 1));
        },
      ),
    );
  });
});

describe("a value at a path", () => {
  it.each([
    ['{"a": {"b": false /* no */}}', '{"a": {"b": true /* no */}}'],
    ['{"a": {"b": [1,\n2]}, "c": 1}', '{"a": {"b": true}, "c": 1}'],
    ['{"a": {"c": 1}}', '{"a": {"b": true, "c": 1}}'],
    ['{"c": 1}', '{"a": {"b":true}, "c": 1}'],
  ])("is written into %j", (text, expected) => expect(setAt("f", text, ["a", "b"], true)).toBe(expected));
  it("changes no other value", () => {
    const key = fc.constantFrom("a", "b", "c", "d");
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, fc.constantFrom(1, "x", null, true), fc.dictionary(key, tie("node"))),
    })).node;
    fc.assert(
      fc.property(
        fc.dictionary(key, tree),
        fc.array(key, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(undefined, 2, "\t"),
        (value, path, indent) => {
          const text = JSON.stringify(value, undefined, indent);
          const expected = structuredClone(value);
          let here: Record<string, unknown> = expected;
          for (const step of path.slice(0, -1)) {
            const next = Object.hasOwn(here, step) ? here[step] : (here[step] = {});
            if (typeof next !== "object" || next === null) {
              expect(() => setAt("f", text, path, true)).toThrow("is no object");
              return;
            }
            here = next as Record<string, unknown>;
          }
          here[path.at(-1) ?? ""] = true;
          const { root, fault } = readDocument(setAt("f", text, path, true));
          expect(fault).toBeUndefined();
          expect(root && valueOf(root)).toEqual(expected);
        },
      ),
    );
  });
});

it.each([
  ["", ":1:1: is empty"],
  ["[1]", ":1:1: the settings are no object"],
  ['{"hooks": {}\n"x": 1}', ":2:1: is no JSON: a comma is missing"],
  ['{"hooks": 1, "hooks": 2}', ":1:14: `hooks` stands twice"],
  ['{"hooks": {"PreToolUse": 1}}', "`hooks.PreToolUse` is no list"],
  ['{"hooks": 1}', "`hooks` is no object"],
])("%j is refused", (text, what) => {
  expect(() => putFirst("f", text, LIST, 1)).toThrow(what);
  expect(() => putFirst("f", text, LIST, 1)).toThrow("nothing was changed");
});
