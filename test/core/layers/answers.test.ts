import { describe, expect, it } from "vitest";
import type { HookFact } from "../../../src/core/call/facts.ts";
import { judgeBash, judgeIn } from "../cases/world.ts";

const YES: HookFact = { name: "own", decision: "allow", why: "" };
const URL_INPUT = { url: "https://example.com/a", prompt: "p" };

describe("who may answer", () => {
  it("a hook's allow answers the mode's question and nothing graver", () => {
    const facts = { hooks: [YES] };
    expect(judgeBash({ facts }, "npm test").verdict).toBe("allow");
    expect(judgeBash({ facts }, "git reset --hard").verdict).toBe("ask");
    expect(judgeIn({ facts }, "Read", { file_path: ".env" }).verdict).toBe("ask");
    expect(judgeIn({ facts }, "WebFetch", URL_INPUT).verdict).toBe("allow");
  });

  it("in plan mode a hook's allow opens nothing", () => {
    const setting = { facts: { hooks: [YES] }, mode: "plan" } as const;
    expect(judgeBash(setting, "npm test").verdict).toBe("deny");
    expect(judgeIn(setting, "WebFetch", URL_INPUT).verdict).toBe("deny");
    expect(judgeIn(setting, "mcp__a__b", {}).verdict).toBe("deny");
    expect(judgeIn(setting, "Agent", { subagent_type: "Explore" }).verdict).toBe("ask");
    const rule = { permissions: { allow: ["WebFetch(domain:example.com)", "mcp__a__b"] } };
    expect(judgeIn({ mode: "plan", settings: rule }, "WebFetch", URL_INPUT).verdict).toBe("allow");
    expect(judgeIn({ mode: "plan", settings: rule }, "mcp__a__b", {}).verdict).toBe("allow");
  });

  it("in plan mode a grant of the session is no rule", () => {
    const facts = { grants: [{ rule: "WebFetch(domain:example.com)" }] };
    expect(judgeIn({ mode: "plan", facts }, "WebFetch", URL_INPUT).verdict).toBe("deny");
    expect(judgeIn({ facts }, "WebFetch", URL_INPUT).verdict).toBe("allow");
  });

  it("bypass does not open a host that nothing opened", () => {
    const mode = "bypassPermissions";
    expect(judgeIn({ mode }, "WebFetch", URL_INPUT)).toMatchObject({
      verdict: "ask",
      code: "net.host",
      kind: "host",
    });
    const user = { permissions: { allow: ["WebFetch(domain:example.com)"] } };
    expect(judgeIn({ mode, user }, "WebFetch", URL_INPUT).verdict).toBe("allow");
    const facts = { grants: [{ rule: "WebFetch(domain:example.com)" }], hooks: [YES] };
    expect(judgeIn({ mode, facts }, "WebFetch", URL_INPUT).verdict).toBe("allow");
    expect(judgeIn({ mode, facts: { hooks: [YES] } }, "WebFetch", URL_INPUT).verdict).toBe("ask");
  });

  it("a link out of the project takes rules that cover its name and its target", () => {
    const read = (allow: string[]): string =>
      judgeIn({ settings: { permissions: { allow } } }, "Read", { file_path: "out/x" }).verdict;
    expect(read(["Read(/out/**)"])).toBe("ask");
    expect(read(["Read(//outside/**)"])).toBe("ask");
    expect(read(["Read(/out/**)", "Read(//outside/**)"])).toBe("allow");
    expect(read(["Read(//**)"])).toBe("allow");
  });

  it("a rule that spells a tool nobody knows allows that tool and no other", () => {
    const settings = { permissions: { allow: ["FrobTool"] } };
    expect(judgeIn({ settings }, "FrobTool", {}).verdict).toBe("allow");
    expect(judgeIn({ settings }, "FrobTools", {}).verdict).toBe("ask");
    expect(judgeIn({ settings, mode: "plan" }, "FrobTool", {}).verdict).toBe("deny");
  });

  it("a Cd rule is a list of the directories a person changes to", () => {
    const cd = (path: string, permissions: Record<string, string[]>): string =>
      judgeIn({ settings: { permissions } }, "Cd", { path }).verdict;
    expect(cd("src", {})).toBe("allow");
    expect(cd("/outside", {})).toBe("ask");
    expect(cd("/outside", { allow: ["Cd(//outside)"] })).toBe("allow");
    expect(cd("src", { allow: ["Cd(//outside)"] })).toBe("deny");
    expect(cd("out", { deny: ["Cd(//outside/**)"] })).toBe("deny");
    expect(cd("src", { ask: ["Cd(**/src)"] })).toBe("ask");
    expect(cd("src/a", { deny: ["Cd(**/src)"] })).toBe("allow");
  });
});
