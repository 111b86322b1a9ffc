import { describe, expect, it } from "vitest";
import { readOutput } from "../../../src/core/hooks/output.ts";
import { readUpdates } from "../../../src/core/hooks/permission-updates.ts";

const rule = { toolName: "Bash", ruleContent: "npm test" };
const add = { type: "addRules", rules: [rule], behavior: "allow", destination: "session" };

describe("what a hook wants to change about permissions", () => {
  it.each([
    [[], [], []],
    [[add], ["Bash(npm test)"], []],
    [[{ ...add, rules: [{ toolName: "mcp__s__t" }, rule] }], ["mcp__s__t", "Bash(npm test)"], []],
    [[{ ...add, behavior: "deny" }], [], ["`addRules` (deny, session): `Bash(npm test)`"]],
    [[{ ...add, behavior: "ask" }], [], ["`addRules` (ask, session): `Bash(npm test)`"]],
    [[{ ...add, destination: "userSettings" }], [], ["`addRules` (allow, userSettings): `Bash(npm test)`"]],
    [[{ ...add, type: "replaceRules" }], [], ["`replaceRules` (allow, session): `Bash(npm test)`"]],
    [[{ ...add, type: "removeRules" }], [], ["`removeRules` (allow, session): `Bash(npm test)`"]],
    [
      [{ type: "setMode", mode: "bypassPermissions", destination: "session" }],
      [],
      ["`setMode` (session): `bypassPermissions`"],
    ],
    [
      [
        { type: "addDirectories", directories: ["/"], destination: "session" },
        { type: "removeDirectories", directories: ["/"], destination: "session" },
      ],
      [],
      ["`addDirectories` (session)", "`removeDirectories` (session)"],
    ],
  ])("%j", (value, grants, others) => {
    expect(readUpdates(value)).toEqual({ grants, others });
  });

  it.each([
    [null, "no list"],
    [{}, "no list"],
    [["addRules"], "no object"],
    [[{ ...add, type: "addrules" }], "no known `type`"],
    [[{ ...add, type: undefined }], "no known `type`"],
    [[{ ...add, destination: undefined }], "no `destination`"],
    [[{ ...add, behavior: "Allow" }], "no `behavior`"],
    [[{ ...add, rules: rule }], "no list"],
    [[{ ...add, rules: ["Bash"] }], "no object"],
    [[{ ...add, rules: [{ ruleContent: "x" }] }], "no `toolName`"],
    [[{ ...add, rules: [{ toolName: "Bash(npm *)" }] }], "no `toolName`"],
    [[{ ...add, rules: [{ toolName: "Bash", ruleContent: 1 }] }], "no text"],
    [[{ type: "setMode", destination: "session" }], "no `mode`"],
    [Array.from({ length: 51 }, () => add), "more than 50"],
  ])("%j makes the whole answer a failure", (value, why) => {
    expect(readUpdates(value as never)).toContain(why);
    const decision = { behavior: "allow", updatedPermissions: value };
    const text = JSON.stringify({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision } });
    expect(readOutput("PermissionRequest", text)).toMatchObject({
      decision: "none",
      failure: expect.stringContaining(why),
    });
  });
});
