import { describe, expect, it } from "vitest";
import { type Kind, matched, PLACE, readingOf, rulesIn, said } from "./sources.ts";

function list(effect: "allow" | "ask" | "deny", entry: unknown, kind: Kind = "project-trusted") {
  return readingOf(kind, { permissions: { [effect]: [entry] } });
}

describe("rule objects", () => {
  it.each([
    [{ tool: "Bash" }, "Bash"],
    [{ tool: "Bash", pattern: "npm test*" }, "Bash(npm test*)"],
    [{ tool: "Bash", pattern: "*" }, "Bash"],
    [{ tool: "Bash", pattern: "git push", scope: "project" }, "Bash(git push)"],
    [{ tool: "Bash", pattern: "f(x) *" }, "Bash(f(x) *)"],
    [{ tool: "Read", pattern: ".env" }, "Read(/**/.env)"],
    [{ tool: "Read", pattern: "build/" }, "Read(/**/build/)"],
    [{ tool: "Edit", pattern: "src/**" }, "Edit(/src/**)"],
    [{ tool: "Edit", pattern: "./src/a.ts" }, "Edit(/src/a.ts)"],
    [{ tool: "Edit", pattern: "./a.ts" }, "Edit(/a.ts)"],
    [{ tool: "Read", pattern: "~/notes/**", scope: "global" }, "Read(~/notes/**)"],
    [{ tool: "Read", pattern: "//etc/hosts" }, "Read(//etc/hosts)"],
    [{ tool: "WebFetch", pattern: "domain:example.com" }, "WebFetch(domain)"],
    [{ tool: "mcp__srv__tool" }, "mcp__srv__tool"],
    [{ tool: "mcp:srv:tool" }, "mcp__srv__tool"],
  ])("%j", (entry, expected) => {
    for (const effect of ["allow", "ask", "deny"] as const) {
      const reading = list(effect, entry);
      const rule = expected === "WebFetch(domain)" ? "WebFetch(example.com)" : expected;
      expect(matched(reading)).toEqual([`${effect} ${rule}`]);
      expect(reading.problems).toEqual([]);
    }
  });

  it("are anchored at the project root, whatever file they stand in", () => {
    for (const kind of ["user", "project", "command-line", "managed"] as const) {
      for (const { anchor } of list("deny", { tool: "Edit", pattern: "src/**" }, kind).rules)
        expect(anchor).toBe(PLACE.root);
    }
  });

  it("with a leading slash: the project root, and in deny and ask the file system too", () => {
    const entry = { tool: "Read", pattern: "/etc/hosts" };
    expect(matched(list("allow", entry))).toEqual(["allow Read(/etc/hosts)"]);
    expect(matched(list("deny", entry))).toEqual(["deny Read(/etc/hosts)", "deny Read(//etc/hosts)"]);
    expect(matched(list("ask", entry))).toEqual(["ask Read(/etc/hosts)", "ask Read(//etc/hosts)"]);
  });

  it("show as Tool(pattern)", () => {
    expect(rulesIn(list("deny", { tool: "Edit", pattern: "src/**" }))).toEqual(["deny Edit(src/**)"]);
  });
});

describe("rule objects that cannot be read", () => {
  it.each<[unknown, string, readonly string[]]>([
    [{ tool: "Bash", patern: "rm *" }, "`patern` in the", ["deny Bash", "ask Bash"]],
    [{ tool: "Bash", pattern: "rm *", when: "night" }, "`when` in the", ["deny Bash(rm *)", "ask Bash"]],
    [{ tool: "Bash", pattern: 7 }, "`pattern` in the", ["deny Bash", "ask Bash"]],
    [{ tool: "Bash", pattern: "" }, "`pattern` in the", ["deny Bash", "ask Bash"]],
    [{ tool: "Bash", scope: "planet" }, "`scope` in the", ["deny Bash", "ask Bash"]],
    [{ tool: "Bash", pattern: ["rm *"] }, "`pattern` in the", ["deny Bash", "ask Bash"]],
    [{ pattern: "rm *" }, "names no tool", ["ask *"]],
    [{ tool: 1, pattern: "rm *" }, "names no tool", ["ask *"]],
    [{ tool: "", pattern: "rm *" }, "names no tool", ["ask *"]],
    [{ tool: "Bash(rm *)" }, "names no tool", ["ask Bash"]],
    [{ tool: "Bash(rm *)", pattern: "x" }, "names no tool", ["ask Bash"]],
    [{ tool: "ba sh", pattern: "x" }, "names no tool", ["ask ba"]],
    [{}, "names no tool", ["ask *"]],
    [{ tool: "Bash", toString: 1 }, "`toString` in the", ["deny Bash", "ask Bash"]],
  ])("%j", (entry, message, denied) => {
    expect(matched(list("deny", entry))).toEqual(denied);
    expect(matched(list("ask", entry))).toEqual(denied.map((rule) => rule.replace("deny", "ask")));
    expect(matched(list("allow", entry))).toEqual([]);
    for (const effect of ["allow", "ask", "deny"] as const) {
      const line = said(list(effect, entry).problems).find((text) => text.includes(message));
      expect(line).toMatch(/^error 1:/);
      expect(line).toContain(effect === "allow" ? "approves nothing" : "until it is mended");
    }
    // A managed rule that cannot be read blocks the tool.
    expect(matched(list("deny", entry, "managed"))).toContain(denied.at(-1)?.replace("ask", "deny"));
  });

  it("a key that stands twice is one that cannot be read", () => {
    const twice = readingOf(
      "project-trusted",
      '{"permissions": {"deny": [{"tool": "Read", "tool": "Bash"}], "allow": [{"tool": "Read", "tool": "Bash"}]}}',
    );
    expect(matched(twice)).toEqual(["deny Bash", "ask Bash"]);
  });
});

describe("scope project", () => {
  const entry = { tool: "Bash", pattern: "make", scope: "project" };
  it.each<[Kind, boolean]>([
    ["project-trusted", true],
    ["local", true],
    ["command-line", true],
    ["user", false],
    ["managed", false],
  ])("in a %s file binds: %s", (kind, binds) => {
    expect(matched(list("allow", entry, kind))).toEqual(binds ? ["allow Bash(make)"] : []);
    expect(matched(list("deny", entry, kind))).toEqual(["deny Bash(make)"]);
    expect(said(list("allow", entry, kind).problems).length).toBe(binds ? 0 : 1);
  });
});

describe("rule strings", () => {
  it.each<[string, readonly string[]]>([
    ["Bsh(rm *)", ["ask Bash", "deny Bsh"]],
    ["Bash(", ["ask Bash"]],
    ["", ["ask *"]],
    ["Bash()", ["deny Bash"]],
    ["Bash(|)", ["ask Bash"]],
    ["Bash(* && *)", ["ask Bash"]],
    ["Write(/x)", ["deny Edit(/x)"]],
    ["  Read( .env ) ", ["deny Read(.env)"]],
  ])("%j", (text, rules) => {
    expect(matched(list("deny", text))).toEqual(rules);
    expect(matched(list("deny", text, "managed")).filter((rule) => rule.startsWith("ask"))).toEqual([]);
  });

  it("have the line they stand on", () => {
    const reading = readingOf("user", '{\n"permissions": {\n"deny": [\n"Bash(a)",\n\n"Bash(b)"]}}');
    expect(reading.rules.map(({ line }) => line)).toEqual([4, 6]);
  });

  it("of managed files: a leading slash is the project root, and in deny and ask the file system too", () => {
    const anchors = (effect: "allow" | "ask" | "deny", text: string) =>
      list(effect, text, "managed").rules.map(({ anchor }) => anchor);
    expect(anchors("allow", "Read(/etc/x)")).toEqual([PLACE.root]);
    expect(anchors("deny", "Read(/etc/x)")).toEqual([PLACE.root, "/"]);
    expect(anchors("ask", "Edit(/etc/x)")).toEqual([PLACE.root, "/"]);
    expect(anchors("deny", "Read(//etc/x)")).toEqual([PLACE.root]);
    expect(anchors("deny", "Read(x)")).toEqual([PLACE.root]);
    expect(anchors("deny", "Bash(/bin/x)")).toEqual([PLACE.root]);
  });
});
