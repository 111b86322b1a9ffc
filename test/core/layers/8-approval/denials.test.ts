import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/core/call/json.ts";
import type { Mode } from "../../../../src/core/call/mode.ts";
import { countsAsDenial, denialPattern } from "../../../../src/core/layers/8-approval/denials.ts";
import { ROOT, judgeIn } from "../../cases/world.ts";

const patternOf = (
  tool: string,
  input: Readonly<Record<string, string>>,
  deny: readonly string[] = [],
): string =>
  denialPattern(
    { tool, input, cwd: ROOT },
    judgeIn({ mode: "dontAsk", settings: { permissions: { deny } } }, tool, input),
  );

describe("what was denied, without its variable parts", () => {
  it.each([
    ["Bash", { command: "git push --force origin main" }, "Bash(git push *)"],
    ["Bash", { command: "git push -f origin master" }, "Bash(git push *)"],
    ["Bash", { command: "TOKEN=abc /usr/bin/curl -H 'X: secret' https://x" }, "Bash(curl *)"],
    ["Bash", { command: "ls && rm -rf /" }, "Bash(rm *)"],
    ["Bash", { command: "cat ~/.ssh/id_rsa" }, "Bash(cat *)"],
    ["Bash", { command: "ls; make; ls" }, "Bash(make *)"],
    ["Bash", { command: "" }, "Bash( *)"],
    ["Write", { file_path: "a/../x.ts", content: "" }, "Write(/code/project/x.ts)"],
    ["Read", { file_path: "/home/user/.ssh/id_rsa" }, "Read(/home/user/.ssh/id_rsa)"],
    ["WebFetch", { url: "https://bob:pw@Example.com:8080/x?y" }, "WebFetch(domain:example.com)"],
    ["WebFetch", { url: "nonsense" }, "WebFetch"],
    ["Task", { subagent_type: "Explore", prompt: "x" }, "Agent(Explore)"],
    ["Skill", { skill: "commit" }, "Skill(commit)"],
    ["mcp__a__b", { x: "1" }, "mcp__a__b"],
  ])("%s %j is %s", (tool, input, pattern) => {
    expect(patternOf(tool, input)).toBe(pattern);
  });
  it("is the rule that forbade it, however it was tried", () => {
    const deny = ["Read(.env)"];
    for (const command of ["cat .env", "head -n 1 ./.env", "grep x .env"])
      expect(patternOf("Bash", { command }, deny)).toBe("Read(.env)");
  });
});

describe("what counts as a denial of the call", () => {
  const judged = (mode: Mode, settings: JsonObject, command = "make all"): ReturnType<typeof judgeIn> =>
    judgeIn({ mode, settings }, "Bash", { command });
  it("is a rule, a mode, a danger", () => {
    expect(countsAsDenial(judged("default", { permissions: { deny: ["Bash(make *)"] } }))).toBe(true);
    expect(countsAsDenial(judged("dontAsk", {}))).toBe(true);
    expect(countsAsDenial(judged("default", {}, "git push -f origin main"))).toBe(true);
  });
  it.each(["default", "dontAsk", "bypassPermissions"] as const)(
    "is no settings file with a fault, in mode %s",
    (mode) => {
      const decision = judged(mode, { permissions: { ask: 1 } });
      expect(decision.verdict).not.toBe("allow");
      expect(countsAsDenial(decision)).toBe(false);
      const forbidden = judged(mode, { permissions: { ask: 1, deny: ["Bash(make *)"] } });
      expect([forbidden.verdict, countsAsDenial(forbidden)]).toEqual(["deny", true]);
    },
  );
  it.each(["hook.failed", "hook.unsupported", "managed.stopped", "sandbox.unavailable"] as const)(
    "is no %s, also where the mode denies for it",
    (code) => {
      const decision = judged("dontAsk", {});
      expect(countsAsDenial({ ...decision, code })).toBe(false);
      const opinion = { layer: "hooks", effect: "ask", kind: "unmatched", code, why: "x" } as const;
      expect(countsAsDenial({ ...decision, opinions: [...decision.opinions, opinion] })).toBe(false);
    },
  );
  it("names the programs of a command of which no part is to blame", () => {
    const decision = judged("default", {}, "ls; git push x; ls -l");
    const whole = { ...decision, part: undefined, rule: undefined };
    expect(denialPattern({ tool: "Bash", input: {}, cwd: ROOT }, whole)).toBe("Bash(ls *; git push *)");
  });
});
