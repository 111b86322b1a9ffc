import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HookAnswer, answerFor, refusal, renderAnswer } from "../../../src/agents/claude-code/answer.ts";
import type { HookCall } from "../../../src/agents/claude-code/payload.ts";
import type { Decision } from "../../../src/core/call/decision.ts";
import { ANSWERS, ASK_KINDS, type AskKind } from "../../../src/core/call/ask.ts";
import { MODES, type Mode } from "../../../src/core/call/mode.ts";

const CALL: HookCall = {
  tool: "Bash",
  input: { command: "make" },
  cwd: "/p",
  mode: "default",
  agent: "claude-code",
};
const SANDBOXED = { command: "cordon sandbox -- 'make'", description: "builds" };

function decided(
  verdict: Decision["verdict"],
  mode: Mode = "default",
  more: Partial<Decision> = {},
): Decision {
  return {
    verdict,
    code: "cmd.runs-code",
    layer: "command",
    why: "`make` runs a recipe",
    mode,
    parts: [{ command: "make", decision: verdict, code: "cmd.runs-code", why: "`make` runs a recipe" }],
    part: 0,
    opinions: [],
    suggestions: [],
    offers: [],
    ...more,
  };
}

const plain = { autoApprove: false } as const;

describe("the answer", () => {
  it("to a deny is a deny, whatever is set up", () => {
    for (const style of [plain, { autoApprove: true }, { autoApprove: true, sandboxed: SANDBOXED }]) {
      const answer = answerFor(CALL, decided("deny"), style);
      expect(answer).toEqual({
        decision: "deny",
        reason:
          "cordon: denied `make`: `make` runs a recipe (cmd.runs-code). If it is needed, ask the person.",
      });
    }
  });
  it("to an ask is an ask, in the sandbox where it was judged for it", () => {
    expect(answerFor(CALL, decided("ask"), { autoApprove: true })).toMatchObject({
      decision: "ask",
      updatedInput: undefined,
    });
    expect(answerFor(CALL, decided("ask"), { autoApprove: false, sandboxed: SANDBOXED })).toMatchObject({
      decision: "ask",
      updatedInput: SANDBOXED,
    });
  });
  it("to an allow is silence", () => {
    expect(answerFor(CALL, decided("allow"), plain)).toEqual({ decision: "silence" });
  });
  it("to an allow that rests on the sandbox puts the call there, also without auto-approve and in plan mode", () => {
    for (const mode of MODES) {
      expect(
        answerFor(CALL, decided("allow", mode), { autoApprove: false, sandboxed: SANDBOXED }),
      ).toMatchObject({
        decision: "allow",
        updatedInput: SANDBOXED,
      });
    }
  });
  it("approves where a person opted into it, but not in plan mode", () => {
    const approve = { autoApprove: true } as const;
    expect(answerFor(CALL, decided("allow"), approve)).toEqual({
      decision: "allow",
      reason: "cordon: `make` runs a recipe (cmd.runs-code)",
    });
    expect(answerFor(CALL, decided("allow", "plan"), approve)).toEqual({ decision: "silence" });
    expect(answerFor({ ...CALL, mode: "plan" }, decided("allow"), approve)).toEqual({ decision: "silence" });
  });
  it.each(["ExitPlanMode", "AskUserQuestion", "TodoWrite", "KillShell"])(
    "never approves %s, which is for the person or nobody",
    (tool) => {
      expect(answerFor({ ...CALL, tool }, decided("allow"), { autoApprove: true })).toEqual({
        decision: "silence",
      });
    },
  );
});

describe("a question", () => {
  const asks = (kinds: readonly AskKind[]): Partial<Decision> => ({
    opinions: kinds.map((kind) => ({
      layer: "command",
      effect: "ask",
      code: "cmd.runs-code",
      why: "x",
      kind,
      part: 0,
    })),
  });
  const decision = (mode: Pick<HookCall, "mode" | "unknownMode">, kinds: readonly AskKind[]): string =>
    answerFor({ ...CALL, ...mode }, decided("ask", "default", asks(kinds)), { autoApprove: true }).decision;

  it("is never put where permissions are skipped, whatever it is about", () => {
    for (const kind of ASK_KINDS) expect(decision({ mode: "bypassPermissions" }, [kind])).toBe("deny");
    expect(decision({ mode: "bypassPermissions" }, [])).toBe("deny");
  });
  it.each<Mode>(["supervised", "plan", "dontAsk", "default", "acceptEdits"])("is put in %s", (mode) => {
    for (const kind of ASK_KINDS) expect(decision({ mode }, [kind])).toBe("ask");
  });
  it.each([{ mode: "auto" as const }, { mode: undefined, unknownMode: "yolo" }])(
    "is put in %j only where every part of it could be skipped as well",
    (mode) => {
      const skippable = ASK_KINDS.filter((kind) => ANSWERS[kind].includes("bypass"));
      expect(skippable).toEqual(["unmatched", "path.protected", "path.link", "path.runs-later", "unknown"]);
      for (const kind of ASK_KINDS) {
        expect(decision(mode, [kind])).toBe(skippable.includes(kind) ? "ask" : "deny");
        expect(decision(mode, ["unmatched", kind, "unknown"])).toBe(
          skippable.includes(kind) ? "ask" : "deny",
        );
      }
    },
  );
});

const answers: fc.Arbitrary<HookAnswer> = fc.oneof(
  fc.constant<HookAnswer>({ decision: "silence" }),
  fc.record(
    {
      decision: fc.constantFrom("allow", "ask", "deny"),
      reason: fc.string({ unit: "binary", minLength: 1 }),
      updatedInput: fc.constant({ command: "x" }),
    },
    { requiredKeys: ["decision", "reason"] },
  ),
);

describe("what is printed", () => {
  it("is nothing for silence", () => expect(renderAnswer({ decision: "silence" })).toBe(""));

  it("has the keys of the schema and no other, on one line", () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const text = renderAnswer(answer);
        if (answer.decision === "silence") {
          expect(text).toBe("");
          return;
        }
        expect(text.indexOf("\n")).toBe(text.length - 1);
        const changed = answer.updatedInput !== undefined && answer.decision !== "deny";
        expect(JSON.parse(text)).toStrictEqual({
          hookSpecificOutput: {
            hookEventName: "PreToolUse",
            permissionDecision: answer.decision,
            permissionDecisionReason: answer.reason,
            ...(changed ? { updatedInput: { command: "x" } } : {}),
          },
        });
      }),
    );
  });

  it("refuses with a reason", () => {
    expect(renderAnswer(refusal("it broke"))).toBe(
      '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"cordon could not judge this call: it broke"}}\n',
    );
  });
});

describe("the reason", () => {
  const reason = (
    call: Partial<HookCall>,
    more: Partial<Decision>,
    verdict: Decision["verdict"] = "deny",
  ): string => {
    const answer = answerFor({ ...CALL, ...call }, decided(verdict, "default", more), plain);
    return answer.decision === "silence" ? "" : answer.reason;
  };
  const whole = { parts: [], part: undefined } as const;

  it("names the part that decided, the rule with its place, and the hint", () => {
    expect(
      reason(
        { input: { command: "ls && git push -f origin main" } },
        {
          part: 1,
          parts: [
            { command: "ls", decision: "allow", code: "cmd.read-only", why: "`ls` only reads" },
            { command: "git push -f origin main", decision: "deny", code: "rule.deny", why: "x" },
          ],
          code: "rule.deny",
          why: "the deny rule `Bash(git push*)` forbids `git push -f origin main`",
          rule: {
            text: "Bash(git push*)",
            effect: "deny",
            scope: "project",
            file: ".claude/settings.json",
            line: 7,
          },
          hint: "push to a branch of its own",
        },
      ),
    ).toBe(
      "cordon: denied `git push -f origin main`: the deny rule `Bash(git push*)` forbids `git push -f origin main` " +
        "(rule.deny, .claude/settings.json:7). Push to a branch of its own.",
    );
  });
  it.each<readonly [Partial<HookCall>, string]>([
    [{ tool: "Edit", input: { file_path: "/p/a.ts" } }, "`Edit /p/a.ts`"],
    [{ tool: "NotebookEdit", input: { notebook_path: "/p/a.ipynb" } }, "`NotebookEdit /p/a.ipynb`"],
    [{ tool: "WebFetch", input: { url: "http://x/", prompt: "p" } }, "`WebFetch http://x/`"],
    [{ tool: "Task", input: { subagent_type: "Explore" } }, "`Task Explore`"],
    [{ tool: "mcp__a__b", input: { path: "x" } }, "`mcp__a__b`"],
    [{ tool: "Edit", input: {} }, "`Edit`"],
    [{ input: { command: "one\ntwo" } }, "`one …`"],
    [{ input: {} }, "`Bash`"],
  ])("names the call %j", (call, named) => expect(reason(call, whole)).toContain(`denied ${named}: `));

  it("names the part in a question only where the reason does not", () => {
    const parts = [
      { command: "ls", decision: "allow", code: "cmd.read-only", why: "" },
      { command: "make x", decision: "ask", code: "cmd.runs-code", why: "" },
    ] as const;
    expect(reason({}, { part: 1, parts }, "ask")).toBe(
      "cordon: `make x`: `make` runs a recipe (cmd.runs-code)",
    );
    expect(reason({}, { part: 1, parts, why: "`make x` runs a recipe" }, "ask")).toBe(
      "cordon: `make x` runs a recipe (cmd.runs-code)",
    );
  });
  it("is never longer than a model should read at every refusal", () => {
    const long = "\u{1F600}".repeat(5_000);
    const text = reason({ tool: "Edit", input: { file_path: long } }, { ...whole, why: long, hint: long });
    expect(text.length).toBeLessThanOrEqual(1_200);
    expect(Buffer.from(text).toString()).toBe(text);
  });
});
