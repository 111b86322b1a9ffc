import { describe, expect, it } from "vitest";
import type { HookFact } from "../../../src/core/call/facts.ts";
import { type RanHook, combine } from "../../../src/core/hooks/combine.ts";
import { type HookAnswer, NO_ANSWER, failed } from "../../../src/core/hooks/output.ts";
import type { Hook } from "../../../src/core/settings/hooks.ts";

const hook = (more: Partial<Hook> = {}): Hook => ({
  event: "PreToolUse",
  matcher: { kind: "all" },
  conditions: undefined,
  name: "h",
  origin: { scope: "user", file: "/s.json", line: 3 },
  timeout: 1,
  onFailure: "block",
  decides: true,
  repository: false,
  action: { kind: "command", command: "h" },
  ...more,
});
const ran = (answer: Partial<HookAnswer>, more: Partial<Hook> = {}): RanHook => ({
  hook: hook(more),
  answer: { ...NO_ANSWER, ...answer },
  duration: 1,
});

/** Every kind of end, and what it comes to alone. */
const ENDS: Readonly<Record<string, readonly [RanHook, HookFact["decision"]]>> = {
  nothing: [ran({}), "none"],
  allow: [ran({ decision: "allow" }), "allow"],
  ask: [ran({ decision: "ask" }), "ask"],
  deny: [ran({ decision: "deny" }), "deny"],
  stop: [ran({ decision: "allow", stop: "s" }), "deny"],
  "stop without a word": [ran({ stop: "" }), "deny"],
  failure: [ran(failed("f")), "deny"],
  "failure that may be": [ran(failed("f"), { onFailure: "continue" }), "none"],
  "failure of the organisation's": [
    ran(failed("f"), { onFailure: "continue", origin: { scope: "managed" } }),
    "deny",
  ],
  unsupported: [ran(failed("f"), { action: { kind: "none", why: "w" } }), "ask"],
  "unsupported, of the organisation": [
    ran(failed("f"), { action: { kind: "none", why: "w" }, origin: { scope: "managed" } }),
    "deny",
  ],
  "async deny": [ran({ decision: "deny" }, { decides: false }), "none"],
};
const STRICT: readonly HookFact["decision"][] = ["none", "allow", "ask", "deny"];
const strictest = (facts: readonly HookFact[]): HookFact["decision"] =>
  STRICT.findLast((each) => facts.some(({ decision }) => decision === each)) ?? "none";

describe("what hooks come to", () => {
  const names = Object.keys(ENDS);
  it.each(names)("%s alone", (name) => {
    const [end, decision] = ENDS[name] ?? [ran({}), "none"];
    expect(strictest(combine([end], {}, true).facts)).toBe(decision);
  });

  it("is the strictest of all, in any order", () => {
    for (const a of Object.values(ENDS)) {
      for (const b of Object.values(ENDS)) {
        for (const c of Object.values(ENDS)) {
          const wanted = STRICT.findLast((each) => [a, b, c].some(([, decision]) => decision === each));
          expect(strictest(combine([a[0], b[0], c[0]], {}, true).facts)).toBe(wanted);
        }
      }
    }
  });

  it("before a question a failure decides nothing, and what cannot be run neither", () => {
    for (const name of ["failure", "failure of the organisation's", "unsupported"]) {
      const [end] = ENDS[name] ?? [ran({})];
      expect(strictest(combine([end], {}, false).facts)).toBe("none");
    }
  });
});

describe("inputs that hooks want", () => {
  const input = { command: "a", timeout: 1 };
  const wanting = (command: string, more: Partial<HookAnswer> = {}, of: Partial<Hook> = {}): RanHook =>
    ran({ input: { command }, ...more }, of);
  it.each<readonly [string, readonly RanHook[], object | undefined]>([
    ["none", [ran({})], undefined],
    ["the same, in another order", [ran({ input: { timeout: 1, command: "a" } })], undefined],
    ["one", [wanting("b"), ran({})], { command: "b" }],
    ["equal ones", [wanting("b"), wanting("b")], { command: "b" }],
    ["one beside one that is the call's", [wanting("b"), ran({ input })], { command: "b" }],
    ["one beside a deny", [wanting("b"), ran({ decision: "deny" })], undefined],
    ["one beside a failure", [wanting("b"), ran(failed("f"))], undefined],
    ["differing ones", [wanting("b"), wanting("c")], undefined],
    ["of an async hook", [wanting("b", {}, { decides: false })], undefined],
  ])("%s", (_, hooks, wanted) => expect(combine(hooks, input, true).input).toEqual(wanted));

  it("that differ deny, and name both", () => {
    const { facts } = combine(
      [wanting("b", {}, { name: "x" }), wanting("c", {}, { name: "y" })],
      input,
      true,
    );
    expect(facts).toEqual([
      { name: "x", source: "/s.json:3", decision: "deny", because: "conflict", why: "`y` (/s.json:3)" },
    ]);
  });

  it("carry every question, and an allow only of who gave them", () => {
    const { carried } = combine(
      [
        wanting("b", { decision: "allow" }, { name: "x" }),
        ran({ decision: "allow" }),
        ran({ decision: "ask" }),
      ],
      input,
      true,
    );
    expect(carried.map(({ name, decision }) => `${name} ${decision}`)).toEqual(["h ask", "x allow"]);
  });
});
