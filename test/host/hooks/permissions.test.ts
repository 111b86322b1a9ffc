import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { trustWith } from "../../../src/cli/trust.ts";
import { createGate } from "../../../src/host/gate.ts";
import { runCall } from "../../../src/host/run/run-call.ts";
import { type Session, openSession } from "../../../src/host/session/session.ts";
import { type Scene, runIn, scene } from "../../cli/scene.ts";
import { gateWith, hooking, printing } from "./world.ts";

const answering = (decision: object): string =>
  printing({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision } });
const update = (rule: string, more: object = {}): object => {
  const [toolName = "", ruleContent] = rule.replace(/\)$/, "").split("(");
  const rules = [{ toolName, ...(ruleContent === undefined ? {} : { ruleContent }) }];
  return { type: "addRules", rules, behavior: "allow", destination: "session", ...more };
};
const allowing = (...updatedPermissions: readonly object[]): string =>
  answering({ behavior: "allow", updatedPermissions });

interface Ran {
  readonly kind: string;
  readonly grants: readonly string[];
  readonly told: string;
}

async function ran(
  command: string,
  hooks: readonly (string | object)[],
  { at = scene(), settings = {}, session }: { at?: Scene; settings?: object; session?: Session } = {},
): Promise<Ran> {
  const told: string[] = [];
  const opened = session ?? openSession("s", join(at.top, "run"));
  const gate = gateWith({
    settings: { sandbox: { enabled: false }, ...hooking(hooks, "PermissionRequest"), ...settings },
    at,
  });
  const { kind } = await runCall(
    gate,
    { tool: "Bash", input: { command } },
    {
      ask: async () => "nobody",
      session: opened,
      notify: (text) => told.push(text),
      stdio: { output: "collect", stdin: "ignore" },
    },
  );
  return { kind, grants: opened.grants().map((each) => each.rule), told: told.join("\n") };
}

describe("permissions that a PermissionRequest hook wants for the session", () => {
  it("are kept where a person would be offered them, and hold from the next call on", async () => {
    const at = scene();
    const session = openSession("s", join(at.top, "run"));
    const first = await ran("touch a", [allowing(update("Bash(touch a)"))], { at, session });
    expect(first).toMatchObject({ kind: "ran", grants: ["Bash(touch a)"] });
    expect(first.told).toContain("a hook allows `Bash(touch a)` for this session");
    expect((await ran("touch a", [], { at, session })).kind).toBe("ran");
    expect((await ran("touch b", [], { at, session })).kind).toBe("refused");
    const other = openSession("t", join(at.top, "run"));
    expect((await ran("touch a", [], { at, session: other })).kind).toBe("refused");
  });

  it.each([
    ["broader than the offer", "touch a", "Bash(touch:*)"],
    ["the whole tool", "touch a", "Bash"],
    ["about another command", "touch a", "Bash(curl x)"],
    ["about another tool", "touch a", "Edit(/**)"],
  ])("are not kept where they are %s, and the person is told", async (_, command, rule) => {
    const { kind, grants, told } = await ran(command, [allowing(update(rule))]);
    expect([kind, grants]).toEqual(["ran", []]);
    expect(told).toContain(`wanted \`${rule}\` to be allowed for the session, which was not done`);
  });

  it("are not kept for what a hook's allow does not answer", async () => {
    for (const command of ["git reset --hard", "rm -rf /", "git push -f origin main"]) {
      const { kind, grants } = await ran(command, [allowing(update(`Bash(${command})`))]);
      expect([kind, grants], command).toEqual(["refused", []]);
    }
  });

  it.each([
    update("Bash(touch a)", { behavior: "deny" }),
    update("Bash(touch a)", { behavior: "ask" }),
    update("Bash(touch a)", { destination: "localSettings" }),
    { type: "setMode", mode: "bypassPermissions", destination: "session" },
    { type: "addDirectories", directories: ["/"], destination: "session" },
  ])("of another kind are named as not done: %j", async (wanted) => {
    const { kind, grants, told } = await ran("touch a", [allowing(wanted)]);
    expect([kind, grants]).toEqual(["ran", []]);
    expect(told).toMatch(/wanted `(?:addRules|setMode|addDirectories)` .*, which was not done/);
  });

  it("are not kept where another hook denies, the hook itself denies, or the input changes", async () => {
    const wants = allowing(update("Bash(touch a)"));
    const denies = answering({ behavior: "deny", message: "no" });
    const own = answering({ behavior: "deny", updatedPermissions: [update("Bash(touch a)")] });
    const changes = answering({
      behavior: "allow",
      updatedInput: { command: "touch b" },
      updatedPermissions: [update("Bash(touch a)")],
    });
    for (const hooks of [[wants, denies], [own], [changes]]) {
      const { grants, told } = await ran("touch a", hooks);
      expect(grants).toEqual([]);
      expect(told).toContain("which was not done");
    }
  });

  it("are not kept for a hook that comes with a repository", async () => {
    const at = scene();
    const shared = hooking([allowing(update("Bash(touch a)"))], "PermissionRequest");
    at.put("home/app/.claude/settings.json", JSON.stringify(shared));

    at.settings({ sandbox: { enabled: false } });
    const agreed = await runIn(
      at,
      trustWith(async () => "yes"),
      [],
    );
    expect(agreed.status).toBe(0);
    const told: string[] = [];
    const session = openSession("s", join(at.top, "run"));
    const { kind } = await runCall(
      createGate({ cwd: at.project, home: at.home, env: at.env }),
      { tool: "Bash", input: { command: "touch a" } },
      {
        ask: async () => "nobody",
        session,
        notify: (text) => told.push(text),
        stdio: { output: "collect", stdin: "ignore" },
      },
    );
    expect([kind, session.grants()]).toEqual(["ran", []]);
    expect(told.join()).toContain("a hook of a repository allows nothing for a session");
  });
});
