import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldText } from "../../../src/host/prompts/terminal.ts";

/** Columns a terminal gives a text at most. */
const columns = (text: string): number =>
  Array.from(text).reduce((sum, char) => sum + (char > "~" ? 2 : 1), 0);

describe("folding to the width of the terminal", () => {
  it("breaks where the line is full and nowhere else", () => {
    expect(foldText("", 20)).toEqual([""]);
    expect(foldText("abcdef", 6)).toEqual(["abcdef"]);
    expect(foldText("abcdefg", 6)).toEqual(["abcdef", "g"]);
    expect(foldText("a漢字b", 3)).toEqual(["a漢", "字b"]);
  });

  it("loses nothing, and no line is wider than there is room", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 200 }),
        fc.integer({ min: 2, max: 90 }),
        (text, room) => {
          const lines = foldText(text, room);
          expect(lines.join("")).toBe(text);
          for (const line of lines) expect(columns(line)).toBeLessThanOrEqual(room);
        },
      ),
    );
  });
});
