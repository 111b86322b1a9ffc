import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ToolCall } from "../../../../src/core/call/call.ts";
import type { Decision } from "../../../../src/core/call/decision.ts";
import type { JsonObject } from "../../../../src/core/call/json.ts";
import type { Opinion } from "../../../../src/core/call/opinion.ts";
import { clip, LIMITS, normaliseInput } from "../../../../src/core/layers/11-audit/normalise.ts";
import { decisionRecord, runRecord } from "../../../../src/core/layers/11-audit/record.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

function call(tool: string, input: JsonObject): ToolCall {
  return { tool, input, cwd: "/p", root: "/p", home: "/h" };
}

const input = (tool: string, value: JsonObject): JsonObject =>
  normaliseInput(call(tool, value), digest).input;

function decision(parts: Partial<Decision> = {}): Decision {
  return {
    verdict: "ask",
    code: "mode.default",
    layer: "mode",
    why: "nothing allows the call",
    mode: "default",
    parts: [],
    opinions: [],
    suggestions: [{ rule: "Bash(make *)", destination: "local" }],
    offers: [],
    ...parts,
  };
}

const GROUNDS = { policy: "p".repeat(64), tables: "t".repeat(64) };
const base = { id: "01", grounds: GROUNDS, duration: 1.5, digest };

describe("normaliseInput", () => {
  it("keeps length and hash of file contents, never the contents", () => {
    const text = "PASSWORD=swordfish\n".repeat(3);
    const expected = { length: text.length, sha256: digest(text).slice(0, 16) };
    expect(input("Write", { file_path: "/p/.env", content: text })).toEqual({
      file_path: "/p/.env",
      content: expected,
    });
    expect(
      input("Edit", { file_path: "/p/a", old_string: text, new_string: text, replace_all: true }),
    ).toEqual({
      file_path: "/p/a",
      old_string: expected,
      new_string: expected,
      replace_all: true,
    });
    expect(input("MultiEdit", { edits: [{ old_string: text, new_string: "" }] })).toEqual({
      edits: [{ old_string: expected, new_string: { length: 0, sha256: digest("").slice(0, 16) } }],
    });
    expect(input("NotebookEdit", { new_source: text })).toEqual({ new_source: expected });
    expect(input("mcp__fs__write", { content: [{ type: "text", text }] })).toEqual({
      content: [{ type: { length: 4, sha256: digest("text").slice(0, 16) }, text: expected }],
    });
  });

  it("keeps names of the environment only", () => {
    const value = { command: "make", env: { HOME: "/h", X: "y" }, environment: { A: "b" } };
    expect(input("Bash", value)).toEqual({ command: "make", env: ["HOME", "X"], environment: ["A"] });
  });

  it("redacts values by their keys", () => {
    const value = {
      password: "swordfish",
      auth: { token: "x", nested: { deep: "kept" } },
      credentials: { user: "bob", list: ["a", "b"], n: 12345678 },
      max_tokens: 4096,
      token_type: "Bearer",
      api_key: "abc",
      note: "use ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
      on: true,
      nothing: null,
    };
    expect(input("mcp__x__y", value)).toEqual({
      password: "[redacted:secret]",
      auth: { token: "[redacted:secret]", nested: { deep: "kept" } },
      credentials: {
        user: "[redacted:secret]",
        list: ["[redacted:secret]", "[redacted:secret]"],
        n: "[redacted:secret]",
      },
      max_tokens: 4096,
      token_type: "Bearer",
      api_key: "[redacted:secret]",
      note: "use [redacted:github-token]",
      on: true,
      nothing: null,
    });
  });

  it("redacts paths and addresses", () => {
    const token = "glpat-" + "a1B2c3D4e5F6g7H8i9J0";
    expect(input("Read", { file_path: `/p/${token}/x` })).toEqual({
      file_path: "/p/[redacted:gitlab-token]/x",
    });
    expect(input("WebFetch", { url: "https://u:pw1@h.example/?token=abc&x=1", prompt: "sum up" })).toEqual({
      url: "https://u:[redacted:url-password]@h.example/?token=[redacted:secret]&x=1",
      prompt: "sum up",
    });
  });

  it("keeps a key that is called __proto__ as a key", () => {
    const value = JSON.parse('{"__proto__":{"token":"x"},"a":1}');
    expect(JSON.stringify(input("x", value))).toBe('{"__proto__":{"token":"[redacted:secret]"},"a":1}');
  });

  it("is bounded for every input", () => {
    let deep: JsonObject = { leaf: 1 };
    for (let i = 0; i < 20_000; i += 1) deep = { a: deep };
    expect(JSON.stringify(input("x", deep)).length).toBeLessThan(200);
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, "v".repeat(5000)]));
    expect(JSON.stringify(input("x", wide)).length).toBeLessThan(LIMITS.items * (LIMITS.text + 200));
    expect(JSON.stringify(input("x", { list: Array.from({ length: 5000 }, () => "v") })).length).toBeLessThan(
      1000,
    );
    expect(JSON.stringify(input("Bash", { command: "x ".repeat(100_000) })).length).toBeLessThan(
      LIMITS.command + 100,
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        JSON.stringify(input("x", JSON.parse(JSON.stringify(value))));
      }),
    );
  });

  it("cuts no character in half", () => {
    expect(clip("ab\u{1F600}cd", 3)).toBe("ab[cut: 4 characters]");
    expect(clip("ab\u{1F600}", 4)).toBe("ab\u{1F600}");
  });
});

describe("decisionRecord", () => {
  const secret = "hun ter2";
  const bash = call("Bash", { command: `mysql -uroot -p'${secret}' db && ls` });

  it("holds the call, the verdict, every opinion that says something, and the grounds", () => {
    const rule = { text: "Bash(mysql *)", effect: "ask", scope: "user", file: "/h/s.json", line: 3 } as const;
    const opinions: readonly Opinion[] = [
      { layer: "availability", effect: "pass", code: "tool.internal", why: "said nothing" },
      {
        layer: "rules",
        effect: "ask",
        code: "rule.ask",
        why: "an ask rule matches",
        kind: "rule",
        rule,
        part: 0,
      },
      {
        layer: "command",
        effect: "allow",
        code: "cmd.read-only",
        why: "only reads",
        answers: "built-in",
        part: 1,
      },
    ];
    const record = decisionRecord({
      ...base,
      call: { ...bash, session: "s1", agent: "claude", mode: "default", sandboxed: true },
      decision: decision({
        code: "rule.ask",
        layer: "rules",
        kind: "rule",
        rule,
        part: 0,
        opinions,
        parts: [
          { command: `mysql -uroot -p${secret} db`, decision: "ask", code: "rule.ask", why: "x" },
          { command: "ls", decision: "allow", code: "cmd.read-only", why: "only reads" },
        ],
      }),
      approval: { answer: "allowed", by: "terminal", scope: "once", shown: true, waited: 1200 },
    });
    expect(record).toEqual({
      type: "decision",
      id: "01",
      session: "s1",
      agent: "claude",
      tool: "Bash",
      input: { command: "mysql -uroot -p'[redacted:password]' db && ls" },
      cwd: "/p",
      root: "/p",
      sandboxed: true,
      mode: "default",
      verdict: "ask",
      code: "rule.ask",
      layer: "rules",
      why: "nothing allows the call",
      kind: "rule",
      rule,
      part: 0,
      parts: [
        { part: 0, command: "mysql -uroot -p[redacted:repeated] db", decision: "ask", code: "rule.ask" },
        { part: 1, command: "ls", decision: "allow", code: "cmd.read-only" },
      ],
      opinions: [
        {
          layer: "rules",
          effect: "ask",
          code: "rule.ask",
          why: "an ask rule matches",
          kind: "rule",
          rule,
          part: 0,
        },
        {
          layer: "command",
          effect: "allow",
          code: "cmd.read-only",
          why: "only reads",
          answers: "built-in",
          part: 1,
        },
      ],
      approval: {
        answer: "allowed",
        by: "terminal",
        scope: "once",
        shown: true,
        waited: 1200,
        note: undefined,
      },
      grounds: GROUNDS,
      duration: 1.5,
    });
  });

  it("lets no secret of the call through any other text", () => {
    const record = decisionRecord({
      ...base,
      call: { ...bash, session: `x-${secret}`, cwd: `/p/${secret}` },
      decision: decision({
        why: `\`${secret}\` is not known`,
        hint: secret,
        rule: {
          text: `Bash(mysql -p${secret})`,
          effect: "deny",
          scope: "project",
          file: `/p/${secret}.json`,
        },
        parts: [{ command: `mysql '-p${secret}'`, decision: "deny", code: "rule.deny", why: secret }],
        opinions: [
          {
            layer: "scope",
            effect: "ask",
            code: "path.outside",
            why: `\`${secret}\``,
            subject: `/tmp/${secret}`,
            hint: secret,
          },
        ],
        suggestions: [{ rule: `Bash(mysql -p${secret})`, destination: "local" }],
      }),
      approval: { answer: "denied", by: "agent", shown: true, waited: 1, note: `no ${secret}` },
    });
    expect(JSON.stringify(record)).not.toContain("hun");
    expect(JSON.stringify(record)).not.toContain("ter2");
  });

  it("says how much it left out, and leaves out the laxest first", () => {
    const many = (effect: "allow" | "ask" | "deny", n: number): Opinion[] =>
      Array.from({ length: n }, (_, i) => ({
        layer: "command",
        effect,
        code: "cmd.read-only",
        why: `${effect} ${i}`,
      }));
    const parts = Array.from({ length: 200 }, (_, i) => ({
      command: `c${i}`,
      decision: "allow" as const,
      code: "cmd.read-only" as const,
      why: "x",
    }));
    const record = decisionRecord({
      ...base,
      call: bash,
      decision: decision({
        opinions: [...many("allow", 100), ...many("ask", 10), ...many("deny", 5)],
        parts,
        part: 150,
      }),
    });
    expect(record.omitted).toEqual({ opinions: 115 - LIMITS.items, parts: 200 - LIMITS.items - 1 });
    expect(record.opinions.filter((opinion) => opinion.effect === "deny")).toHaveLength(5);
    expect(record.opinions.filter((opinion) => opinion.effect === "ask")).toHaveLength(10);
    expect(record.parts.at(-1)).toMatchObject({ part: 150, command: "c150" });
  });
});

describe("runRecord", () => {
  it("holds the result and what the sandbox refused, without output and secrets", () => {
    const record = runRecord({
      id: "01",
      call: call("Bash", { command: "TOKEN=abc123def ./run" }),
      result: {
        status: 1,
        sandbox: {
          kind: "bubblewrap",
          plan: "ab",
          violations: [{ kind: "write", subject: "/etc/abc123def" }],
        },
      },
      duration: 12,
      digest,
    });
    expect(record).toEqual({
      type: "run",
      id: "01",
      tool: "Bash",
      result: {
        status: 1,
        sandbox: {
          kind: "bubblewrap",
          plan: "ab",
          violations: [{ kind: "write", subject: "/etc/[redacted:repeated]", rule: undefined }],
        },
      },
      duration: 12,
    });
  });
});
