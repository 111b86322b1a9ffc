import { describe, expect, it } from "vitest";
import { denialPattern } from "../../../../src/core/layers/8-approval/denials.ts";
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
