import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anchoredGlobs, matchGlob } from "../../../../src/core/call/glob.ts";
import { isIncluded, languageOf } from "../../../../src/core/inquiry/advice/included.ts";
import { compileWildcard, surelyMatches } from "../../../../src/core/inquiry/wildcard.ts";

const SCALE = Number(process.env["CORDON_DEEP"] ?? "1");

describe("the comparison of patterns", () => {
  const piece = fc.constantFrom("a", "b", "ab", "*", " ", " *", "**");
  const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
  const text = fc
    .array(fc.constantFrom("a", "b", " ", "c", "/"), { maxLength: 7 })
    .map((letters) => letters.join(""));
  it("of commands holds for every text", () => {
    fc.assert(
      fc.property(pattern, pattern, fc.array(text, { minLength: 20, maxLength: 20 }), (one, two, texts) => {
        const [inner, outer] = [compileWildcard(one), compileWildcard(two)];
        if (!isIncluded(languageOf(inner), languageOf(outer), false)) return;
        for (const each of texts)
          if (surelyMatches(inner, each))
            expect(surelyMatches(outer, each), `${one} in ${two}: ${each}`).toBe(true);
      }),
      { numRuns: 3_000 * SCALE },
    );
  });
  const line = fc
    .array(fc.constantFrom("a", "b", "*", "**", "a*", "?", "a[bc]"), { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join("/"));
  const path = fc
    .array(fc.constantFrom("a", "b", "ab", "c", "ac"), { maxLength: 4 })
    .map((segments) => `/p/${segments.join("/")}`);
  it("of paths holds for every path, and says so of a pattern and itself", () => {
    fc.assert(
      fc.property(
        line,
        line,
        fc.array(path, { minLength: 20, maxLength: 20 }),
        fc.boolean(),
        (one, two, paths, wide) => {
          const [inner, outer] = [anchoredGlobs(one, "/p", wide), anchoredGlobs(two, "/p", wide)];
          const [narrow, broad] = [inner, outer].map((globs) => globs.map(({ tokens }) => tokens));
          if (one === two && !one.includes("["))
            expect(isIncluded(narrow ?? [], broad ?? [], false)).toBe(true);
          if (!isIncluded(narrow ?? [], broad ?? [], false)) return;
          for (const each of paths)
            if (inner.some((glob) => matchGlob(glob, each)))
              expect(
                outer.some((glob) => matchGlob(glob, each)),
                `${one} in ${two}: ${each}`,
              ).toBe(true);
        },
      ),
      { numRuns: 3_000 * SCALE },
    );
  });
});
