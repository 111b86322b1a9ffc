import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { command, hookWith } from "../../src/cli/hook.ts";
import type { Terminal } from "../../src/cli/command.ts";
import { createGate } from "../../src/host/gate.ts";
import { probeSandbox } from "../../src/host/sandbox/linux/probe.ts";
import { openSession, runtimeDirectory } from "../../src/host/session/session.ts";
import { fixturesOf, haveFixtures } from "../agents/fixtures.ts";
import { type Outcome, type Scene, runIn, scene } from "./scene.ts";

const EVENT = ["claude-code", "pre-tool-use"];

interface Told {
  readonly permissionDecision: string;
  readonly permissionDecisionReason: string;
  readonly updatedInput?: { readonly command: string } & Readonly<Record<string, unknown>>;
}

/** What was printed, checked for the schema: exactly its keys, in one write, with a reason, or nothing at all. */
function told({ status, out, err, writes }: Outcome): Told | undefined {
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(writes).toBe(out === "" ? 0 : 1);
  if (out === "") return undefined;
  const value: unknown = JSON.parse(out);
  expect(value).toStrictEqual({
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision: expect.stringMatching(/^(?:allow|ask|deny)$/),
      permissionDecisionReason: expect.stringMatching(/^cordon[: ]./s),
      ...(out.includes('"updatedInput"') ? { updatedInput: expect.any(Object) } : {}),
      // Never behind an answer that opens something: see hook-context.test.ts.
      ...(/"permissionDecision":"deny".*"additionalContext"/s.test(out)
        ? { additionalContext: expect.stringContaining("cordon: denied in this session") }
        : {}),
    },
  });
  return (value as { readonly hookSpecificOutput: Told }).hookSpecificOutput;
}

/** Lets the hook judge a call made in the scene's project. */
async function ask(
  at: Scene,
  call: object,
  env: Readonly<Record<string, string>> = {},
): Promise<Told | undefined> {
  const payload = { cwd: at.project, permission_mode: "default", hook_event_name: "PreToolUse", ...call };
  return told(
    await runIn(at, command, EVENT, { input: JSON.stringify(payload), env: { ...at.env, ...env } }),
  );
}

const bash = (text: string, more: object = {}): object => ({
  tool_name: "Bash",
  tool_input: { command: text, ...more },
});

describe.skipIf(!haveFixtures())("captured payloads", () => {
  const GOLDEN: Readonly<Record<string, Told | undefined>> = {
    "PreToolUse.Bash.json": {
      permissionDecision: "ask",
      permissionDecisionReason: "cordon: `touch /proj/RAN`: `touch` changes files (cmd.file-modifying)",
    },
    "PreToolUse.Edit.json": {
      permissionDecision: "ask",
      permissionDecisionReason: "cordon: nothing allows changing `/proj/README.md` (mode.default)",
    },
    "PreToolUse.Read.json": undefined,
    "PreToolUse.WebFetch.json": {
      permissionDecision: "ask",
      permissionDecisionReason: "cordon: `127.0.0.1` is this machine or its own network (net.private)",
    },
    "PreToolUse.Write.json": {
      permissionDecision: "ask",
      permissionDecisionReason: "cordon: nothing allows changing `/proj/RAN` (mode.default)",
    },
  };
  const fixtures = fixturesOf("claude-code");
  it.each(fixtures.filter(({ event }) => event === "PreToolUse"))(
    "answers $name",
    async ({ name, stdin, env }) => {
      const at = scene();
      const outcome = await runIn(at, command, EVENT, {
        input: JSON.stringify(stdin),
        env: { ...at.env, ...env },
      });
      expect(Object.keys(GOLDEN)).toContain(name);
      expect(told(outcome)).toEqual(
        GOLDEN[name] === undefined ? undefined : { hookEventName: "PreToolUse", ...GOLDEN[name] },
      );
    },
  );
  it.each(fixtures.filter(({ event }) => event !== "PreToolUse"))(
    "has nothing to say to $name",
    async ({ event, stdin }) => {
      const at = scene();
      const input = JSON.stringify(stdin);
      const quiet = { status: 0, out: "", err: "", writes: 0 };
      expect(await runIn(at, command, ["claude-code", event], { input })).toEqual(quiet);
      const kebab = event.replace(/(?!^)[A-Z]/g, "-$&").toLowerCase();
      expect(await runIn(at, command, ["claude-code", kebab], { input })).toEqual(quiet);
    },
  );
});

describe("the command line", () => {
  it.each([
    [[], "no agent is named"],
    [["codex"], "there is no agent `codex`"],
    [["claude-code", "pre-tool-usee"], "there is no event `pre-tool-usee`"],
    [["claude-code", "pre-tool-use", "x"], "`x` is too many"],
    [["\u001b[2J"], "\\u{1b}[2J"],
  ])("blocks where it cannot be understood: %j", async (argv, why) => {
    const { status, out, err } = await runIn(scene(), command, argv, { input: "{}" });
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain(why);
  });
  it("takes pre-tool-use for granted", async () => {
    expect((await runIn(scene(), command, ["claude-code"], { input: "" })).out).toContain('"deny"');
  });
});

describe("a call", () => {
  it("that is allowed is not mentioned", async () =>
    expect(await ask(scene(), bash("ls -la"))).toBeUndefined());
  it("that is denied is told to the model with the way out", async () => {
    expect(await ask(scene(), bash("git push --force origin main"))).toMatchObject({
      permissionDecision: "deny",
      permissionDecisionReason:
        "cordon: denied `git push --force origin main`: overwrites `main` on the remote (git.force-push-protected). Push to a branch of its own and open a pull request.",
    });
  });
  it("that asks is a question for the person", async () => {
    expect(await ask(scene(), bash("ls && npm publish"))).toMatchObject({ permissionDecision: "ask" });
  });
  it("of a tool that nobody knows asks", async () => {
    expect(await ask(scene(), { tool_name: "Frobnicate", tool_input: { x: { y: 1 } } })).toMatchObject({
      permissionDecision: "ask",
    });
  });
  it("cannot smuggle control characters into the reason", async () => {
    const reason =
      (await ask(scene(), bash("rm -rf ~ \u001b[2J\u202e\u0007")))?.permissionDecisionReason ?? "";
    expect(reason).not.toBe("");
    // oxlint-disable-next-line no-control-regex
    expect(reason).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
  it("is judged by the settings of the project the agent was started in, wherever it is by now", async () => {
    const at = scene();
    mkdirSync(join(at.project, "sub"));
    at.put("home/app/.claude/settings.json", JSON.stringify({ permissions: { deny: ["Bash(ls*)"] } }));
    const call = { ...bash("ls"), cwd: join(at.project, "sub") };
    expect(await ask(at, call, { CLAUDE_PROJECT_DIR: at.project })).toMatchObject({
      permissionDecision: "deny",
    });
    for (const CLAUDE_PROJECT_DIR of [
      "",
      "app",
      "/nowhere/at/all",
      join(at.project, ".claude/settings.json"),
    ])
      expect(await ask(at, call, { CLAUDE_PROJECT_DIR })).toBeUndefined();
  });
});

describe("the mode", () => {
  const edit = { tool_name: "Write", tool_input: { file_path: "a.txt", content: "x" } };
  it.each([
    ["default", "ask"],
    ["acceptEdits", undefined],
    ["plan", "deny"],
    ["dontAsk", "deny"],
    ["bypassPermissions", undefined],
    ["auto", "ask"],
    ["yolo", "ask"],
    [7, "ask"],
    [undefined, "ask"],
  ])("%s makes of a write: %s", async (permission_mode, decision) => {
    expect((await ask(scene(), { ...edit, permission_mode }))?.permissionDecision).toBe(decision);
  });
  it("that is not known stands in the audit log", async () => {
    const at = scene();
    await ask(at, { ...edit, permission_mode: "yolo" });
    expect(auditOf(at)).toMatchObject([
      { mode: "default", agent: "claude-code (its mode `yolo` is not known here)" },
    ]);
  });
  it.each(["yolo", undefined])("%s is the settings' own where that is stricter", async (permission_mode) => {
    const at = scene();
    at.settings({ permissions: { defaultMode: "plan" } });
    expect(await ask(at, { ...edit, permission_mode })).toMatchObject({ permissionDecision: "deny" });
    at.settings({ permissions: { defaultMode: "bypassPermissions" } });
    expect(await ask(at, { ...edit, permission_mode })).toMatchObject({ permissionDecision: "ask" });
  });
  it("is not loosened by the agent: bypass opens no guard", async () => {
    for (const text of [
      "git push -f origin main",
      "cordon uninstall claude-code --yes",
      "sh -c 'cordon uninstall claude-code'",
    ])
      expect(await ask(scene(), { ...bash(text), permission_mode: "bypassPermissions" })).toMatchObject({
        permissionDecision: "deny",
      });
  });
});

describe("a question that the agent's mode would not put to a person", () => {
  it.each([
    ["default", "ask"],
    ["acceptEdits", "ask"],
    ["auto", "deny"],
    ["bypassPermissions", "deny"],
    ["yolo", "deny"],
  ])("is, in %s: %s", async (permission_mode, permissionDecision) => {
    const at = scene();
    const answer = await ask(at, { ...bash("git reset --hard"), permission_mode });
    expect(answer).toMatchObject({ permissionDecision });
    expect(answer?.permissionDecisionReason).toContain("cmd.destructive");
    const unavailable = { answer: "unavailable", by: "nobody" };
    expect(auditOf(at)).toMatchObject([
      { verdict: "ask", ...(permissionDecision === "deny" ? { approval: unavailable } : {}) },
    ]);
    expect(auditOf(at)[0]?.["approval"] === undefined).toBe(permissionDecision === "ask");
  });
  it("is denied with what a person can do about it", async () => {
    const answer = await ask(scene(), { ...bash("git reset --hard"), permission_mode: "bypassPermissions" });
    expect(answer?.permissionDecisionReason).toMatch(
      /^cordon: denied `git reset --hard`: .* \(cmd\.destructive\)\. .*; the agent's mode `bypassPermissions` may drop this question, so the person has to run it, or to choose another mode\.$/,
    );
  });
  it("is still asked in auto where the mode could as well skip it", async () => {
    expect(await ask(scene(), { ...bash("npm test"), permission_mode: "auto" })).toMatchObject({
      permissionDecision: "ask",
    });
    expect(
      await ask(scene(), { ...bash("npm test; cat /etc/hosts"), permission_mode: "auto" }),
    ).toMatchObject({ permissionDecision: "deny" });
  });
});

describe("the guard of the agent", () => {
  const modes = ["default", "acceptEdits", "auto", "bypassPermissions"];
  it.each(modes)(
    "is not written unasked in %s, and not at all where the question could get lost",
    async (permission_mode) => {
      const expected = permission_mode === "auto" || permission_mode === "bypassPermissions" ? "deny" : "ask";
      const at = scene();
      const link = join(at.project, "innocent.txt");
      symlinkSync(at.put("home/app/.claude/settings.json", "{}"), link);
      for (const file of [
        ".claude/settings.json",
        ".claude/settings.local.json",
        join(at.home, ".claude/settings.json"),
        link,
      ]) {
        for (const [tool_name, input] of [
          ["Write", { content: "{}" }],
          ["Edit", { old_string: "a", new_string: "b" }],
          ["MultiEdit", { edits: [] }],
        ] as const)
          expect(
            (await ask(at, { tool_name, tool_input: { file_path: file, ...input }, permission_mode }))
              ?.permissionDecision,
          ).toBe(expected);
      }
      for (const text of [
        "echo '{}' > .claude/settings.json",
        "rm -rf .claude/settings.json",
        "cp /dev/null .claude/settings.local.json",
        "sed -i s/a/b/ innocent.txt",
      ])
        expect((await ask(at, { ...bash(text), permission_mode }))?.permissionDecision).toBe(expected);
    },
  );
  it.each([...modes, "plan", "dontAsk"])(
    "is denied in %s where it is cordon's own",
    async (permission_mode) => {
      const at = scene();
      for (const file of [
        join(at.home, ".config/cordon/settings.json"),
        ".cordon/settings.json",
        join(at.home, ".local/state/cordon/installed/x.json"),
      ])
        expect(
          await ask(at, {
            tool_name: "Write",
            tool_input: { file_path: file, content: "{}" },
            permission_mode,
          }),
        ).toMatchObject({ permissionDecision: "deny" });
      expect(
        await ask(at, { ...bash("echo > ~/.config/cordon/settings.json"), permission_mode }),
      ).toMatchObject({ permissionDecision: "deny" });
    },
  );
});

describe("auto-approve", () => {
  const on = { cordon: { hook: { autoApprove: true } }, permissions: { allow: ["Bash(make *)"] } };
  it("approves what is allowed, and nothing else", async () => {
    const at = scene();
    at.settings(on);
    expect(await ask(at, bash("make all"))).toMatchObject({ permissionDecision: "allow" });
    expect(await ask(at, bash("ls"))).toMatchObject({ permissionDecision: "allow" });
    expect(await ask(at, bash("make all; npm publish"))).toMatchObject({ permissionDecision: "ask" });
    expect(await ask(at, bash("make all; git push -f origin main"))).toMatchObject({
      permissionDecision: "deny",
    });
    expect(await ask(at, { ...bash("ls"), permission_mode: "plan" })).toBeUndefined();
    expect(
      await ask(at, { tool_name: "ExitPlanMode", tool_input: {}, permission_mode: "default" }),
    ).toBeUndefined();
  });
  it("cannot be switched on by a repository", async () => {
    const at = scene();
    for (const file of [
      ".claude/settings.json",
      ".claude/settings.local.json",
      ".cordon/settings.json",
      ".cordon/settings.local.json",
    ])
      at.put(`home/app/${file}`, JSON.stringify(on));
    expect(await ask(at, bash("ls"))).toBeUndefined();
    expect(await ask(at, bash("make all"))).toMatchObject({ permissionDecision: "ask" });
  });
});

const available = probeSandbox().kind === "available";

describe("rewriting into the sandbox", () => {
  const on = { cordon: { hook: { rewriteIntoSandbox: true } }, sandbox: { autoAllowBashIfSandboxed: true } };
  const without = hookWith(async () => ({
    kind: "unavailable",
    why: "bubblewrap is missing",
    cure: "install it",
  }));
  const launcher = join(process.cwd(), "cordon");

  it.skipIf(!available)("puts a command there that nothing else asks about", async () => {
    const at = scene();
    at.settings(on);
    const input = { description: "d", timeout: 5, run_in_background: true };
    const answer = await ask(at, bash("npm test && echo 'it''s'", input));
    expect(answer).toMatchObject({ permissionDecision: "allow" });
    const [record] = auditOf(at);
    expect(record).toMatchObject({ sandboxed: true, input: { command: "npm test && echo 'it''s'" } });
    const line = (id: unknown): string =>
      `'${launcher}' sandbox --root '${at.project}' --cwd '${at.project}' --record '${String(id)}' -- 'npm test && echo '\\''it'\\'''\\''s'\\'''`;
    expect(answer?.updatedInput).toStrictEqual({ command: line(record?.["id"]), ...input });
    // What was judged is what runs, and what an agent copies from it is judged by what is inside.
    const again = await ask(at, bash(answer?.updatedInput?.command ?? "", input));
    expect(again?.updatedInput).toStrictEqual({ command: line(auditOf(at)[1]?.["id"]), ...input });
  });
  it.skipIf(!available)("also runs there what a person has to say yes to", async () => {
    const at = scene();
    at.settings({ ...on, permissions: { ask: ["Bash(make *)"] } });
    const answer = await ask(at, bash("make all"));
    expect(answer).toMatchObject({ permissionDecision: "ask" });
    expect(answer?.updatedInput?.command).toContain(" -- 'make all'");
  });
  it.skipIf(!available)(
    "changes nothing about what is denied, in whatever form an agent writes it",
    async () => {
      const at = scene();
      at.settings(on);
      const wrapped = `'${launcher}' sandbox --root '${at.project}' --cwd '${at.project}' -- 'git push -f origin main'`;
      for (const text of ["git push -f origin main", wrapped]) {
        const answer = await ask(at, bash(text));
        expect(answer).toMatchObject({ permissionDecision: "deny" });
        expect(answer).not.toHaveProperty("updatedInput");
      }
    },
  );
  it.skipIf(!available)("takes no other `cordon sandbox` for its own", async () => {
    const at = scene();
    at.settings(on);
    const text = `'${launcher}' sandbox --root / --cwd '${at.project}' -- 'rm -rf x'`;
    expect((await ask(at, bash(text)))?.updatedInput?.command ?? "").not.toMatch(/-- 'rm -rf x'$/);
  });
  it.skipIf(!available)(
    "leaves other tools alone, and is nothing to the settings of a repository",
    async () => {
      const at = scene();
      at.put("home/app/.claude/settings.json", JSON.stringify(on));
      expect((await ask(at, bash("npm test")))?.updatedInput).toBeUndefined();
      at.settings(on);
      expect(await ask(at, { tool_name: "Read", tool_input: { file_path: "a.txt" } })).toBeUndefined();
    },
  );
  it.skipIf(!available)("asks about a path that is to be opened there, and about nothing else", async () => {
    const at = scene();
    at.settings({ ...on, permissions: { allow: ["Bash", "Bash(cordon *)", "Edit"] } });
    const text = "cordon sandbox --write ~/notes.txt --reason 'to keep it' -- 'echo x >> ~/notes.txt'";
    const answer = await ask(at, bash(text));
    expect(answer).toMatchObject({
      permissionDecision: "ask",
      permissionDecisionReason: expect.stringMatching(
        /asks to write `.*\/notes\.txt`.*its reason: `to keep it` \(sandbox\.opening\)/,
      ),
    });
    expect(answer?.updatedInput?.command).toMatch(
      / --write '[^']*\/home\/notes\.txt' -- 'echo x >> ~\/notes\.txt'$/,
    );
    for (const mode of ["bypassPermissions", "auto"])
      expect(await ask(at, { ...bash(text), permission_mode: mode })).toMatchObject({
        permissionDecision: "deny",
      });
  });
  it.skipIf(!available).each([
    ["a credential store", "~/.ssh/authorized_keys"],
    ["cordon's guard", "~/.config/cordon/settings.json"],
    ["what the person denies", "~/private/x"],
  ])("opens no path that is %s", async (_name, path) => {
    const at = scene();
    at.settings({ ...on, permissions: { deny: ["Edit(~/private/**)"] } });
    const answer = await ask(at, bash(`cordon sandbox --write ${path} -- 'true'`));
    expect(answer).toMatchObject({ permissionDecision: "deny" });
  });
  it.skipIf(!available)("opens for the session what the person said so of, without a request", async () => {
    const at = scene();
    at.settings(on);
    const directory = runtimeDirectory(at.env, at.home);
    openSession("s-9", directory).grant(`Edit(/${at.home}/.bashrc)`);
    const answer = await ask(at, { ...bash("npm test"), session_id: "s-9" });
    expect(answer).toMatchObject({ permissionDecision: "allow" });
    expect(answer?.updatedInput?.command).toContain(` --write '${at.home}/.bashrc' -- 'npm test'`);
    const other = await ask(at, { ...bash("npm test"), session_id: "s-8" });
    expect(other?.updatedInput?.command).not.toContain("--write");
  });
  it.skipIf(!available).each<readonly [string, object, object, Readonly<Record<string, string>>]>([
    ["excludedCommands", { sandbox: { ...on.sandbox, excludedCommands: ["npm *", "npm test"] } }, {}, {}],
    ["a repository's settings", {}, { sandbox: { enabled: false, excludedCommands: ["npm *"] } }, {}],
    ["a repository that trusts itself", {}, { cordon: { hook: { rewriteIntoSandbox: false } } }, {}],
    ["variables", {}, {}, { CORDON_SANDBOX: "1", CORDON_SESSION: "x", CLAUDE_CODE_DISABLE_SANDBOX: "1" }],
  ])("is not left by %s", async (_name, user, project, env) => {
    const at = scene();
    at.settings({ ...on, ...user });
    for (const file of [".claude/settings.json", ".claude/settings.local.json"])
      at.put(`home/app/${file}`, JSON.stringify(project));
    const input = JSON.stringify({ cwd: at.project, permission_mode: "default", ...bash("npm test") });
    const answer = told(await runIn(at, command, EVENT, { input, env: { ...at.env, ...env } }));
    expect(answer?.updatedInput?.command).toContain(" -- 'npm test'");
  });
  it("asks about a command that is to leave the sandbox, and keeps it in where leaving is forbidden", async () => {
    const at = scene();
    at.settings(on);
    const leave = bash("npm test", { dangerouslyDisableSandbox: true, description: "needs docker" });
    for (const [permission_mode, permissionDecision] of [
      ["acceptEdits", "ask"],
      ["bypassPermissions", "deny"],
    ]) {
      const answer = await ask(at, { ...leave, permission_mode });
      expect(answer).toMatchObject({
        permissionDecision,
        permissionDecisionReason: expect.stringMatching(
          /its reason: `needs docker` \(sandbox\.escape\).*cordon sandbox --write PATH/,
        ),
      });
      expect(answer).not.toHaveProperty("updatedInput");
    }
    at.settings({ ...on, sandbox: { ...on.sandbox, allowUnsandboxedCommands: false } });
    if (available) expect((await ask(at, leave))?.updatedInput?.command).toContain(" -- 'npm test'");
    // Without cordon's sandbox around it the agent's own would be switched off.
    at.settings({ sandbox: { ...on.sandbox, allowUnsandboxedCommands: false } });
    expect(await ask(at, leave)).toMatchObject({
      permissionDecision: "deny",
      permissionDecisionReason: expect.stringContaining("sandbox.escape-refused"),
    });
  });
  it("asks in every mode where there is no sandbox, or refuses where the settings say so", async () => {
    const at = scene();
    const askWithout = async (permission_mode: string): Promise<Told | undefined> => {
      const input = JSON.stringify({ cwd: at.project, permission_mode, ...bash("ls") });
      return told(await runIn(at, without, EVENT, { input }));
    };
    at.settings(on);
    for (const [mode, permissionDecision] of [
      ["default", "ask"],
      ["bypassPermissions", "deny"],
    ] as const) {
      const answer = await askWithout(mode);
      expect(answer).toMatchObject({
        permissionDecision,
        permissionDecisionReason: expect.stringContaining(
          "bubblewrap is missing (cure: install it) (sandbox.unavailable)",
        ),
      });
      expect(answer).not.toHaveProperty("updatedInput");
    }
    at.settings({ ...on, sandbox: { ...on.sandbox, failIfUnavailable: true } });
    expect(await askWithout("default")).toMatchObject({ permissionDecision: "deny" });
    at.settings({ ...on, sandbox: { ...on.sandbox, enabled: false } });
    expect(await askWithout("default")).toBeUndefined();
  });
  it("asks about a command that no shell can carry", async () => {
    const at = scene();
    at.settings(on);
    expect((await ask(at, bash("ls\0-la")))?.permissionDecision).toMatch(/ask|deny/);
  });
});

describe("the audit log", () => {
  it("has a record of every call", async () => {
    const at = scene();
    await ask(at, { ...bash("ls"), session_id: "s-1", agent_type: "Explore" });
    await ask(at, bash("git push -f origin main"));
    expect(auditOf(at)).toMatchObject([
      { verdict: "allow", session: "s-1", agent: "claude-code/Explore", tool: "Bash", root: at.project },
      { verdict: "deny", code: "git.force-push-protected" },
    ]);
  });
  it("that cannot be written stops calls where it is required, and only there", async () => {
    const at = scene();
    const path = at.put("home/audit", "a file");
    at.settings({ cordon: { audit: { path } } });
    expect(await ask(at, bash("ls"))).toBeUndefined();
    at.settings({ cordon: { audit: { path, required: true }, hook: { autoApprove: true } } });
    expect(await ask(at, bash("ls"))).toMatchObject({
      permissionDecision: "deny",
      permissionDecisionReason:
        "cordon could not judge this call: the audit record is required and could not be written",
    });
    expect((await ask(at, bash("git push -f origin main")))?.permissionDecisionReason).toContain(
      "git.force-push-protected",
    );
  });
});

/** What was recorded in a scene, read by cordon's own command. */
function auditOf(at: Scene): readonly Record<string, unknown>[] {
  const { stdout } = spawnSync("sh", ["cordon", "audit", "tail", "--json"], {
    env: at.env,
    encoding: "utf8",
  });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("whatever fails", () => {
  it.each<readonly [string, string | Uint8Array]>([
    ["nothing", ""],
    ["no JSON", "tool_name=Bash"],
    ["an array", "[1]"],
    ["half an object", '{"cwd":"/"'],
    ["bytes that are no UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d)],
    ["UTF-16", Buffer.from('{"cwd":"/"}', "utf16le")],
    ["an object of nothing", "{}"],
  ])("is a denial: %s", async (_name, input) => {
    const answer = told(await runIn(scene(), command, EVENT, { input }));
    expect(answer?.permissionDecision).toBe("deny");
  });
  it("is no approval: an input nested deeper than anything can be printed", async () => {
    const at = scene();
    at.settings({
      cordon: { hook: { rewriteIntoSandbox: true } },
      sandbox: { autoAllowBashIfSandboxed: true },
    });
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const input = `{"cwd":"/","tool_name":"Bash","tool_input":{"command":"ls","a":${deep}}}`;
    const found = hookWith(async () => ({ kind: "available", bubblewrap: "/usr/bin/bwrap", version: "1" }));
    expect(await runIn(at, found, EVENT, { input })).toMatchObject({ status: 2, out: "" });
  });
  it("is a denial: standard input that breaks off", async () => {
    const stdin = (async function* () {
      yield Buffer.from('{"cwd":');
      throw new Error("gone");
    })();
    expect(told(await runIn(scene(), command, EVENT, { stdin }))?.permissionDecisionReason).toBe(
      "cordon could not judge this call: gone",
    );
  });
  it("is a denial: standard input that does not end, in good time before the agent gives up", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const at = scene();
    let started = false;
    const stdin = (async function* () {
      yield Buffer.from("{");
      started = true;
      await new Promise(() => undefined);
    })();
    const outcome = runIn(at, command, EVENT, { stdin });
    await vi.advanceTimersByTimeAsync(47_999);
    expect(started).toBe(true);
    const settled = vi.fn();
    void outcome.then(settled);
    await vi.advanceTimersByTimeAsync(0);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(told(await outcome)?.permissionDecisionReason).toBe(
      "cordon could not judge this call: it took too long",
    );
  });
  it("is a denial: more than 64 MB", async () => {
    const stdin = (async function* () {
      for (let i = 0; i < 65; i++) yield Buffer.alloc(1024 * 1024, 0x20);
    })();
    expect(told(await runIn(scene(), command, EVENT, { stdin }))?.permissionDecisionReason).toContain(
      "64 MB",
    );
  });
  it("blocks by the status where not even that can be printed", async () => {
    const broken: Partial<Terminal> = {
      stdout: () => {
        throw new Error("EPIPE");
      },
    };
    const { status, err } = await runIn(scene(), command, EVENT, { input: "{}", ...broken });
    expect(status).toBe(2);
    expect(err).toBe("cordon: the answer could not be given: EPIPE\n");
  });
  it("makes the settings stricter: faulty ones ask or deny", async () => {
    const at = scene();
    at.put("home/.config/cordon/settings.json", '{"permissions": {"deny": [');
    expect(
      (await ask(at, { ...bash("ls"), permission_mode: "bypassPermissions" }))?.permissionDecision,
    ).toMatch(/ask|deny/);
  });
  it("never lets arbitrary payloads pass as approved", async () => {
    const at = scene();
    at.settings({ permissions: {} });
    const names = fc.constantFrom(
      "cwd",
      "tool_name",
      "tool_input",
      "permission_mode",
      "hook_event_name",
      "command",
      "file_path",
    );
    const values = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(at.project, "Bash", "Read", "PreToolUse", "default", "plan"),
    );
    const payloads = fc.oneof(
      fc.json(),
      fc.dictionary(names, values).map((value) => JSON.stringify(value)),
      fc
        .tuple(
          fc.constantFrom("Bash", "Read", "Edit", "WebFetch", "Task", "X"),
          fc.dictionary(names, fc.jsonValue()),
          fc.string({ unit: "binary" }),
        )
        .map(([tool_name, rest, text]) =>
          JSON.stringify({
            cwd: at.project,
            tool_name,
            tool_input: { ...rest, command: text, file_path: text, url: text },
          }),
        ),
      fc.uint8Array(),
    );
    await fc.assert(
      fc.asyncProperty(payloads, async (input) => {
        const outcome = await runIn(at, command, EVENT, { input });
        expect(told(outcome)?.permissionDecision).not.toBe("allow");
      }),
      { numRuns: 400 },
    );
  });
  it("approves exactly what the gate allows, also where everything allowed is approved", async () => {
    const at = scene();
    at.settings({
      cordon: { hook: { autoApprove: true } },
      permissions: { allow: ["Bash(make *)"], deny: ["Bash(rm *)"] },
    });
    const word = fc.constantFrom(
      "ls",
      "make all",
      "rm x",
      "cat a",
      "curl x",
      "$(make x)",
      "> y",
      "'",
      "&&",
      ";",
      "|",
      "git push -f",
      "\\",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        const input = { command: words.join(" ") };
        const { verdict } = createGate({ cwd: at.project, home: at.home, env: at.env }).decide({
          tool: "Bash",
          input,
          mode: "default",
        });
        expect((await ask(at, { tool_name: "Bash", tool_input: input }))?.permissionDecision).toBe(verdict);
      }),
      { numRuns: 150 },
    );
  });
});

describe("the process", () => {
  const run = (
    at: Scene,
    input: string | Uint8Array,
    argv: readonly string[] = EVENT,
  ): ReturnType<typeof spawnSync> =>
    spawnSync(join(process.cwd(), "cordon"), ["hook", ...argv], {
      input,
      env: at.env,
      cwd: at.project,
      encoding: "utf8",
    });

  it("answers with status 0, and blocks with 2", () => {
    const at = scene();
    const payload = JSON.stringify({ cwd: at.project, ...bash("git push -f origin main") });
    expect(run(at, payload)).toMatchObject({
      status: 0,
      stderr: "",
      stdout: expect.stringContaining("git.force-push-protected"),
    });
    expect(run(at, JSON.stringify({ cwd: at.project, ...bash("ls") }))).toMatchObject({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(run(at, "garbage")).toMatchObject({
      status: 0,
      stderr: "",
      stdout: expect.stringContaining('"deny"'),
    });
    expect(run(at, payload, ["claude-code", "post-tool-use"])).toMatchObject({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(run(at, payload, ["nobody"])).toMatchObject({ status: 2, stdout: "" });
  });
  it("answers large payloads whole, to a reader that takes its time", () => {
    const at = scene();
    at.settings({ cordon: { hook: { rewriteIntoSandbox: true } }, permissions: { ask: ["Bash(echo *)"] } });
    const payload = JSON.stringify({
      cwd: at.project,
      ...bash(`echo ${"x".repeat(200)}`, { note: "y".repeat(1_000_000) }),
    });
    writeFileSync(join(at.top, "payload"), payload);
    const { stdout } = spawnSync(
      "sh",
      ["-c", `'${process.cwd()}/cordon' hook claude-code < payload | { sleep 1; cat; }`],
      {
        env: at.env,
        cwd: at.top,
        encoding: "utf8",
        maxBuffer: 1 << 24,
      },
    );
    expect(JSON.parse(stdout)).toMatchObject({ hookSpecificOutput: { permissionDecision: "ask" } });
    if (available) expect(stdout.length).toBeGreaterThan(1_000_000);
  });
});
