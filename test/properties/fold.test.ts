import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANSWERS, ANSWERERS, ASK_KINDS } from "../../src/core/call/ask.ts";
import { EFFECTS } from "../../src/core/call/effect.ts";
import { answers, fold } from "../../src/core/call/fold.ts";
import type { Opinion } from "../../src/core/call/opinion.ts";
import { naiveFold } from "../oracle/naive.ts";
import { anyOpinion } from "./arbitrary.ts";

const opinions = fc.array(anyOpinion, { maxLength: 12 });
const rank = (effect: string): number => EFFECTS.findIndex((each) => each === effect);

describe("the fold", () => {
  it("does not depend on the order of opinions", () => {
    fc.assert(
      fc.property(
        opinions.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([list, shuffled]) => {
          expect(fold(shuffled)).toEqual(fold(list));
        },
      ),
    );
  });
  it("is never relaxed by one more ask or deny", () => {
    fc.assert(
      fc.property(
        opinions,
        anyOpinion.filter(({ effect }) => effect === "ask" || effect === "deny"),
        (list, more) => {
          // No opinion at all is an ask; an ask that is answered by nothing there stays one.
          const before = list.length === 0 ? rank("pass") : rank(fold(list).verdict);
          expect(rank(fold([...list, more]).verdict)).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });
  it("is never tightened by one more allow", () => {
    fc.assert(
      fc.property(
        opinions,
        anyOpinion.filter(({ effect }) => effect === "allow"),
        (list, more) => {
          expect(rank(fold([...list, more]).verdict)).toBeLessThanOrEqual(rank(fold(list).verdict));
        },
      ),
    );
  });
  it("denies whenever anybody denies", () => {
    fc.assert(
      fc.property(
        opinions,
        (list) => list.some(({ effect }) => effect === "deny") === false || fold(list).verdict === "deny",
      ),
    );
  });
  it("allows only what somebody allowed", () => {
    fc.assert(
      fc.property(
        opinions,
        (list) => fold(list).verdict !== "allow" || list.some(({ effect }) => effect === "allow"),
      ),
    );
    expect(fold([]).verdict).toBe("ask");
  });
  it("agrees with a second implementation", () => {
    fc.assert(
      fc.property(opinions, (list) => fold(list).verdict === naiveFold(list)),
      { numRuns: 3000 },
    );
  });
});

describe("the table of asks", () => {
  const ask = (kind: (typeof ASK_KINDS)[number]): Opinion => ({
    layer: "mode",
    effect: "ask",
    kind,
    code: "mode.default",
    why: "x",
  });
  const allow = (by: (typeof ANSWERERS)[number]): Opinion => ({
    layer: "mode",
    effect: "allow",
    answers: by,
    code: "mode.bypass",
    why: "x",
  });

  it.each(ASK_KINDS)("%s is answered by what is listed and by nothing else", (kind) => {
    const answered = ANSWERERS.filter((by) => fold([ask(kind), allow(by)]).verdict === "allow");
    expect(answered).toEqual(ANSWERERS.filter((by) => ANSWERS[kind].includes(by)));
  });
  it("says in words what the design says", () => {
    const rows = ASK_KINDS.map(
      (kind) => `${kind}: ${ANSWERERS.filter((by) => ANSWERS[kind].includes(by)).join(" ")}`,
    );
    expect(rows).toMatchInlineSnapshot(`
      [
        "unmatched: built-in rule edit-rule path-rule hook grant acceptEdits autoAllow bypass bypass-sandboxed",
        "path.outside: path-rule grant bypass-sandboxed",
        "path.protected: bypass bypass-sandboxed",
        "path.link: path-rule bypass bypass-sandboxed",
        "path.runs-later: edit-rule path-rule bypass bypass-sandboxed",
        "path.secret: path-rule",
        "unknown: autoAllow bypass bypass-sandboxed",
        "unknown.guarded: ",
        "rule: ",
        "managed: ",
        "hook: ",
        "destructive: ",
        "critical: ",
        "interaction: ",
        "sandbox: ",
        "agent-config: ",
        "network: ",
        "host: rule grant",
        "plan: rule",
        "supervised: ",
      ]
    `);
  });
  it("lets an allow for one path answer only an ask about that path", () => {
    const about = (subject: string): Opinion => ({ ...ask("path.outside"), subject });
    const names = (subject: string): Opinion => ({ ...allow("path-rule"), subject });
    expect(answers(names("/a"), about("/a"))).toBe(true);
    expect(answers(names("/b"), about("/a"))).toBe(false);
  });
  it("lets a rule for a command not answer for the target of its redirect", () => {
    const redirect: Opinion = { ...ask("unmatched"), part: 0, subject: "/p/out" };
    expect(answers({ ...allow("rule"), part: 0 }, redirect)).toBe(false);
    expect(answers({ ...allow("path-rule"), subject: "/p/out" }, redirect)).toBe(true);
  });
});
