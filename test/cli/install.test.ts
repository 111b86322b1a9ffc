import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hookCommand,
  isHookCommand,
  isStartCommand,
  startCommand,
} from "../../src/agents/claude-code/hook-command.ts";
import { install, uninstall } from "../../src/cli/install.ts";
import { withHook, withoutHook } from "../../src/host/agents/claude-settings.ts";
import { unifiedDiff } from "../../src/host/settings/diff.ts";
import { isOnPath, launcherPath } from "../../src/host/agents/launcher.ts";
import { type Outcome, type Scene, runIn, scene } from "./scene.ts";

const LAUNCHER = join(process.cwd(), "cordon");
const COMMAND = hookCommand(LAUNCHER, true);
const ENTRY = { matcher: "*", hooks: [{ type: "command", command: COMMAND, timeout: 60 }] };
const HOOK = { event: "PreToolUse", command: COMMAND, timeout: 60, isOurs: isHookCommand } as const;
const START = { hooks: [{ type: "command", command: startCommand(LAUNCHER, true), timeout: 10 }] };
const START_HOOK = { event: "SessionStart", isOurs: isStartCommand } as const;
const BOTH = { PreToolUse: [ENTRY], SessionStart: [START] };

const put = async (at: Scene, ...options: readonly string[]): Promise<Outcome> =>
  runIn(at, install, ["claude-code", "--yes", ...options]);
const take = async (at: Scene, ...options: readonly string[]): Promise<Outcome> =>
  runIn(at, uninstall, ["claude-code", "--yes", ...options]);

const userFile = (at: Scene): string => join(at.home, ".claude/settings.json");
const ownFile = (at: Scene): string => join(at.home, ".config/cordon/settings.json");
const textOf = (file: string): string => readFileSync(file, "utf8");
const valueOf = (file: string): unknown => JSON.parse(textOf(file));

/** Everything below a directory, with its content, for "nothing changed". */
function snapshot(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted();
  return Object.fromEntries(
    names.map((name) => [
      name,
      statSync(join(directory, name)).isFile() ? readFileSync(join(directory, name), "base64") : "directory",
    ]),
  );
}

describe("cordon install claude-code", () => {
  it("puts the hook in front of every tool, for a person who has no settings yet", async () => {
    const at = scene();
    const { status, out, err } = await put(at);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(valueOf(userFile(at))).toEqual({ hooks: BOTH });
    expect(out).toContain(`--- /dev/null\n+++ ${userFile(at)}\n`);
    expect(out).toContain(`+            "command": ${JSON.stringify(COMMAND)},\n`);
    expect(existsSync(ownFile(at))).toBe(false);
  });
  it.each(["CLAUDECODE", "CORDON_SANDBOX", "CODEX_SANDBOX"])(
    "is a person's to run, as is taking it out: %s says there is an agent",
    async (name) => {
      const at = scene();
      const asAgent = { ...at, env: { ...at.env, [name]: "1" } };
      expect(await put(asAgent, "--auto-approve", "--sandbox")).toMatchObject({
        status: 126,
        out: "",
        err: `cordon install: not changed: ${name} is set, so this is an agent's session\n  hint: what stands in front of an agent is for a person to change; run it in a terminal of your own\n`,
      });
      expect(snapshot(at.home)).toEqual({ app: "directory" });
      await put(at);
      const before = snapshot(at.home);
      for (const options of [[], ["--project"], ["--dry-run"]])
        expect(await take(asAgent, ...options)).toMatchObject({ status: 126, out: "" });
      expect(snapshot(at.home)).toEqual(before);
    },
  );
  it("does it once", async () => {
    const at = scene();
    await put(at);
    const before = snapshot(at.home);
    expect(await put(at)).toMatchObject({ status: 0, out: "nothing to do: the hook is installed\n" });
    const { [before ? ".local/state/cordon/locks" : ""]: _locks, ...after } = snapshot(at.home);
    expect(Object.keys(before)).toEqual(expect.arrayContaining(Object.keys(after)));
    expect(textOf(userFile(at)).split("hook claude-code").length).toBe(3);
  });
  it("keeps everything that stands there", async () => {
    const at = scene();
    const mine = '{"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}';
    const text = `{\r\n\t"hooks": {\r\n\t\t"Stop": [],\r\n\t\t"PreToolUse": [\r\n\t\t\t${mine}\r\n\t\t]\r\n\t},\r\n\t"model":   "opus"}`;
    at.put("home/.claude/settings.json", text, 0o640);
    expect((await put(at)).status).toBe(0);
    const after = textOf(userFile(at));
    expect(after).toContain(`${mine}\r\n\t\t]\r\n\t},\r\n\t"model":   "opus"}`);
    expect(after.replaceAll("\r\n", "")).not.toContain("\n");
    expect(withoutHook("f", withoutHook("f", after, HOOK), START_HOOK)).toBe(text);
    expect(statSync(userFile(at)).mode & 0o777).toBe(0o640);
  });
  it.each([
    ['{\n  "a": 1, // mine\n  "b": 2\n}', ":2:11: the agent reads no comments"],
    ['{"a": [1, /* two */ 3]}', ":1:11: the agent reads no comments"],
    ['{"a": 1,}', ":1:9: the agent reads no comments and no trailing commas"],
    ['{"hooks": {"Stop": [{"hooks": "x"}]}}', "`hooks.Stop` has an entry that is none"],
    [
      '{"hooks": {"PreToolUse": [{"matcher": 3, "hooks": []}]}}',
      "`hooks.PreToolUse` has an entry that is none",
    ],
    [
      '{"hooks": {"PreToolUse": [{"hooks": [{"command": "x"}]}]}}',
      "`hooks.PreToolUse` has an entry that is none",
    ],
  ])("is not put where the agent would ignore it: %j", async (text, what) => {
    const at = scene();
    at.put("home/.claude/settings.json", text);
    const { status, err } = await put(at);
    expect(status).toBe(78);
    expect(err).toContain(what);
    expect(err).toContain("ignores the whole file");
    expect(textOf(userFile(at))).toBe(text);
  });
  it("replaces what an earlier cordon left, wherever it was", async () => {
    const at = scene();
    const other = { type: "command", command: "mine" };
    const old = { type: "command", command: hookCommand("/opt/old/cordon", false), timeout: 5 };
    at.put(
      "home/.claude/settings.json",
      JSON.stringify({
        hooks: {
          PreToolUse: [
            { matcher: "Bash", hooks: [old, other] },
            { matcher: "*", hooks: [old] },
          ],
        },
      }),
    );
    await put(at);
    expect(valueOf(userFile(at))).toEqual({
      hooks: { PreToolUse: [ENTRY, { matcher: "Bash", hooks: [other] }], SessionStart: [START] },
    });
  });
  it("leaves the start of a session alone where that is wanted, and takes an entry of its own out", async () => {
    const at = scene();
    const byHand = { type: "command", command: "cordon hook claude-code session-start", timeout: 10 };
    const other = { matcher: "resume", hooks: [{ type: "command", command: "mine" }] };
    at.put(
      "home/.claude/settings.json",
      JSON.stringify({ hooks: { SessionStart: [other, { hooks: [byHand] }] } }),
    );
    expect((await put(at)).status).toBe(0);
    expect(valueOf(userFile(at))).toEqual({ hooks: { ...BOTH, SessionStart: [START, other] } });
    const { status, out } = await put(at, "--no-session-start");
    expect(status).toBe(0);
    expect(out).toMatch(/^-.*session-start/m);
    expect(valueOf(userFile(at))).toEqual({ hooks: { PreToolUse: [ENTRY], SessionStart: [other] } });
    expect(await put(at, "--no-session-start")).toMatchObject({
      status: 0,
      out: "nothing to do: the hook is installed\n",
    });
    await put(at);
    writeFileSync(userFile(at), `${textOf(userFile(at))}\n`);
    expect((await take(at)).status).toBe(0);
    expect(valueOf(userFile(at))).toEqual({ hooks: { SessionStart: [other] } });
    expect((await take(at, "--no-session-start")).status).toBe(64);
  });
  it("puts an entry for the start of a session that says nothing and fails for nobody", async () => {
    const at = scene();
    await put(at);
    const [line = ""] = START.hooks.map(({ command }) => command);
    expect(textOf(userFile(at))).toContain(JSON.stringify(line));
    for (const command of [
      line,
      startCommand("/nowhere/cordon", true),
      startCommand("/nowhere/cordon", false),
    ]) {
      const { status, stdout } = spawnSync("sh", ["-c", command], {
        input: '{"hook_event_name":"SessionStart","source":"startup","session_id":"s"}',
        env: at.env,
        encoding: "utf8",
      });
      expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    }
  });
  it("goes into the project, or where CLAUDE_CONFIG_DIR says", async () => {
    const at = scene();
    expect((await put(at, "--project")).status).toBe(0);
    expect(valueOf(join(at.project, ".claude/settings.json"))).toEqual({ hooks: BOTH });
    expect(existsSync(userFile(at))).toBe(false);
    const env = { ...at.env, CLAUDE_CONFIG_DIR: join(at.top, "config") };
    expect((await runIn(at, install, ["claude-code", "--yes"], { env })).status).toBe(0);
    expect(existsSync(join(at.top, "config/settings.json"))).toBe(true);
    expect(existsSync(userFile(at))).toBe(false);
  });
  it("changes the file a person's link leads to, and none of a project's links", async () => {
    const at = scene();
    const real = at.put("dotfiles/claude.json", "{}\n");
    mkdirSync(dirname(userFile(at)));
    symlinkSync(real, userFile(at));
    expect((await put(at)).status).toBe(0);
    expect(valueOf(real)).toEqual({ hooks: BOTH });
    expect((await take(at)).status).toBe(0);
    expect(textOf(real)).toBe("{}\n");
    mkdirSync(join(at.project, ".claude"));
    symlinkSync(real, join(at.project, ".claude/settings.json"));
    expect((await put(at, "--project")).status).toBe(78);
    expect(textOf(real)).toBe("{}\n");
  });
  it("switches on what a person opts into, in cordon's own settings", async () => {
    const at = scene();
    at.put(
      "home/.config/cordon/settings.json",
      '{\n  // rules\n  "permissions": {"deny": ["Bash(rm *)"]},\n  "cordon": {"approvalTimeout": 5}\n}\n',
    );
    expect((await put(at, "--auto-approve")).status).toBe(0);
    expect(textOf(ownFile(at))).toContain("// rules");
    expect((await put(at, "--sandbox")).status).toBe(0);
    const value = JSON.parse(textOf(ownFile(at)).replace("// rules", "")) as unknown;
    expect(value).toEqual({
      permissions: { deny: ["Bash(rm *)"] },
      cordon: { approvalTimeout: 5, hook: { autoApprove: true, rewriteIntoSandbox: true } },
      sandbox: { autoAllowBashIfSandboxed: true },
    });
  });
  it("shows and changes nothing with --dry-run", async () => {
    const at = scene();
    const before = snapshot(at.top);
    const { status, out } = await runIn(at, install, ["claude-code", "--dry-run", "--auto-approve"]);
    expect(status).toBe(0);
    expect(out).toContain(`+++ ${userFile(at)}`);
    expect(out).toContain(`+++ ${ownFile(at)}`);
    expect(snapshot(at.top)).toEqual(before);
  });
  it("changes nothing that nobody agreed to", async () => {
    const at = scene();
    const { status, err } = await runIn(at, install, ["claude-code"]);
    expect(status).toBe(126);
    expect(err).toContain(
      "nothing was changed\n  hint: there is no terminal to ask on; look at the diff and add `--yes`",
    );
    expect(existsSync(userFile(at))).toBe(false);
    const bare = spawnSync("setsid", ["-w", LAUNCHER, "install", "claude-code"], {
      env: at.env,
      cwd: at.project,
      encoding: "utf8",
    });
    expect(bare.status).toBe(126);
    expect(existsSync(userFile(at))).toBe(false);
  });
  it("says so as JSON", async () => {
    const at = scene();
    const result = (outcome: Outcome): unknown => JSON.parse(outcome.out);
    const expected = {
      agent: "claude-code",
      action: "install",
      scope: "user",
      command: COMMAND,
      warnings: [],
    };
    expect(result(await runIn(at, install, ["claude-code", "--dry-run", "--json"]))).toMatchObject({
      ...expected,
      result: "planned",
    });
    expect(result(await runIn(at, install, ["claude-code", "--json"]))).toMatchObject({
      ...expected,
      result: "refused",
    });
    expect(result(await put(at, "--json"))).toMatchObject({
      ...expected,
      result: "done",
      files: [{ file: userFile(at), changed: true, diff: expect.stringContaining("+++ ") }],
    });
    expect(result(await put(at, "--json"))).toMatchObject({
      ...expected,
      result: "unchanged",
      files: [{ changed: false, diff: "" }],
    });
    expect(result(await take(at, "--json"))).toMatchObject({ action: "uninstall", result: "done" });
  });
  it("warns of settings that keep every hook from running", async () => {
    const at = scene();
    const file = at.put("home/app/.claude/settings.local.json", '{"disableAllHooks": true}');
    expect((await put(at)).err).toBe(
      `cordon install: ${file} sets \`disableAllHooks\`: no hook runs, and nothing is gated\n`,
    );
  });
  it("warns of settings for which the agent may ignore the file", async () => {
    const at = scene();
    const file = at.put("home/.claude/settings.json", '{"permissions": {"defaultMode": "yolo"}}');
    const { status, err } = await put(at);
    expect(status).toBe(0);
    expect(err).toContain(`cordon install: ${file}:1:`);
    expect(err).toContain("; the agent may ignore the whole file because of it\n");
  });

  it.each([
    ['{"hooks": ', ":1:11: is no JSON", 78],
    ["", ":1:1: is empty", 78],
    ["[]", ":1:1: the settings are no object", 78],
    ['{\n "hooks": {},\n "hooks": {}}', ":3:2: `hooks` stands twice", 78],
    ['{"hooks": {"PreToolUse": [], "PreToolUse": []}}', ":1:30: `PreToolUse` stands twice", 78],
    ['{"hooks": []}', ": `hooks` is no object", 78],
    ['{"hooks": {"PreToolUse": {}}}', ": `hooks.PreToolUse` is no list", 78],
  ])("does not touch the faulty settings %j", async (text, what, expected) => {
    const at = scene();
    at.put("home/.claude/settings.json", text);
    for (const work of [put, take]) {
      const { status, err } = await work(at);
      expect(status).toBe(expected);
      expect(err).toContain(what);
      expect(err).toContain("nothing was changed");
    }
    expect(textOf(userFile(at))).toBe(text);
  });
  it("does not touch a file that is no text, a directory, or cordon's own settings while they are faulty", async () => {
    const at = scene();
    at.put("home/.claude/settings.json", Uint8Array.of(0xff, 0xfe));
    expect(await put(at)).toMatchObject({ status: 78, err: expect.stringContaining("UTF-8") });
    const other = scene();
    mkdirSync(userFile(other), { recursive: true });
    expect(await put(other)).toMatchObject({ status: 78, err: expect.stringContaining("directory") });
    const third = scene();
    third.put("home/.config/cordon/settings.json", '{"cordon": ');
    expect(await put(third, "--auto-approve")).toMatchObject({ status: 78 });
    expect(existsSync(userFile(third))).toBe(false);
  });

  it.each([
    [[], "no agent is named"],
    [["codex"], "the agent `codex` is not built in yet"],
    [["claude-code", "codex"], "one agent at a time"],
    [["claude-code", "--user", "--project"], "not both"],
    [["claude-code", "--frob"], "unknown option"],
    [["\u001b[2J"], "\\u{1b}"],
  ])("does not understand %j", async (argv, what) => {
    for (const verb of [install, uninstall]) {
      const { status, err } = await runIn(scene(), verb, argv);
      expect(status).toBe(64);
      expect(err).toContain(what);
    }
  });
  it("has no choices to take back", async () => expect((await take(scene(), "--sandbox")).status).toBe(64));
});

describe("the question", () => {
  /** Runs the command on a terminal of its own, with these lines typed. */
  const typed = (
    at: Scene,
    lines: string,
    verb = "install",
  ): { readonly status: number | null; readonly out: string } => {
    const { status, stdout } = spawnSync(
      "script",
      ["-qec", `'${LAUNCHER}' ${verb} claude-code`, "/dev/null"],
      {
        input: lines,
        env: at.env,
        cwd: at.project,
        encoding: "utf8",
      },
    );
    return { status, out: stdout };
  };
  it.each(["y\n", "yes\n", "Y\n"])("takes %j for a yes", (lines) => {
    const at = scene();
    const { status, out } = typed(at, lines);
    expect(out.indexOf("+++ ")).toBeLessThan(out.indexOf("write this? [y/N]"));
    expect(status).toBe(0);
    expect(valueOf(userFile(at))).toEqual({ hooks: BOTH });
    expect(typed(at, lines, "uninstall").status).toBe(0);
    expect(existsSync(userFile(at))).toBe(false);
  });
  it.each(["\n", "n\n", "yeah\n", "\u0004", ""])("takes %j for a no", (lines) => {
    const at = scene();
    const { status, out } = typed(at, lines);
    expect(out).toContain("nothing was changed");
    expect(status).toBe(126);
    expect(existsSync(userFile(at))).toBe(false);
  });
});

describe("cordon uninstall claude-code", () => {
  it.each([
    "{}",
    "{}\n",
    '{"model": "opus"}',
    '\uFEFF{\r\n  "hooks": {\r\n    "PreToolUse": [ ]\r\n  }\r\n}',
    '{ "hooks" : {"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"mine"}]}]}}   \n\n',
  ])("puts %j back byte for byte", async (text) => {
    const at = scene();
    const file = at.put("home/.claude/settings.json", text);
    await put(at);
    expect(textOf(file)).not.toBe(text);
    await put(at, "--auto-approve");
    expect((await take(at)).status).toBe(0);
    expect(textOf(file)).toBe(text);
    expect(existsSync(ownFile(at))).toBe(false);
  });
  it("leaves nothing where nothing was, also of its directory", async () => {
    const at = scene();
    await put(at, "--auto-approve", "--sandbox");
    expect(existsSync(ownFile(at))).toBe(true);
    expect((await take(at)).status).toBe(0);
    expect(existsSync(dirname(userFile(at)))).toBe(false);
    expect(existsSync(dirname(ownFile(at)))).toBe(false);
    expect(readdirSync(join(at.home, ".local/state/cordon/installed"))).toEqual([]);
    expect(await take(at)).toMatchObject({ status: 0, out: "nothing to do: there is no hook of cordon's\n" });
  });
  it("takes only its own out of a file that was changed since", async () => {
    const at = scene();
    at.put("home/.claude/settings.json", '{"model": "opus"}');
    await put(at);
    const changed = textOf(userFile(at)).replace('"opus"', '"sonnet"');
    writeFileSync(userFile(at), changed);
    expect((await take(at)).status).toBe(0);
    expect(textOf(userFile(at)).replace(/\s/g, "")).toBe('{"model":"sonnet"}');
  });
  it("goes back to what a person made of the file between two installations", async () => {
    const at = scene();
    at.put("home/.claude/settings.json", "{}");
    await put(at);
    writeFileSync(userFile(at), '{"model": "sonnet"}');
    await put(at);
    await take(at);
    expect(textOf(userFile(at))).toBe('{"model": "sonnet"}');
  });
  it("takes its own out also where nothing was remembered", async () => {
    const at = scene();
    at.put(
      "home/.claude/settings.json",
      JSON.stringify({ a: 1, hooks: { PreToolUse: [ENTRY] } }, undefined, 2),
    );
    expect((await take(at)).status).toBe(0);
    expect(valueOf(userFile(at))).toEqual({ a: 1 });
  });
  it("keeps what a person had switched on before", async () => {
    const at = scene();
    at.settings({ cordon: { hook: { autoApprove: true } } });
    await put(at, "--auto-approve", "--sandbox");
    writeFileSync(ownFile(at), `${textOf(ownFile(at))}\n`);
    await take(at);
    expect(valueOf(ownFile(at))).toEqual({ cordon: { hook: { autoApprove: true } } });
  });
  it("leaves the choices while another installation needs them, and says where that is", async () => {
    const at = scene();
    await put(at, "--sandbox");
    await put(at, "--project");
    const { err } = await take(at);
    expect(err).toContain(`cordon stays installed in ${join(at.project, ".claude/settings.json")}`);
    expect(existsSync(userFile(at))).toBe(false);
    expect(existsSync(ownFile(at))).toBe(true);
    await take(at, "--project");
    expect(existsSync(ownFile(at))).toBe(false);
  });
  it("does not believe a record that somebody altered", async () => {
    const at = scene();
    at.put("home/.claude/settings.json", '{"a": 1}');
    await put(at);
    const directory = join(at.home, ".local/state/cordon/installed");
    for (const name of readdirSync(directory)) writeFileSync(join(directory, name), "{");
    expect((await take(at)).status).toBe(0);
    expect(valueOf(userFile(at))).toEqual({ a: 1 });
    expect(statSync(directory).mode & 0o077).toBe(0);
  });
});

describe("the self-test", () => {
  it("keeps a hook that does not work out of the settings", async () => {
    const at = scene();
    const bin = join(at.top, "bin");
    at.put("bin/node", "#!/bin/sh\nexit 1\n", 0o755);
    const env = { ...at.env, PATH: `${bin}:/usr/bin:/bin` };
    const { status, err } = await runIn(at, install, ["claude-code", "--yes"], { env });
    expect(status).toBe(126);
    expect(err).toContain(
      "the hook does not work here, and every call would be blocked: it ended with status 2: cordon: gate failed",
    );
    expect(existsSync(userFile(at))).toBe(false);
  });
  it("names what denies every call, where the hook itself works", async () => {
    const at = scene();
    const reason = "cordon: denied `git push`: nothing runs until the policy can be read: /etc/x.json:1";
    const answer = JSON.stringify({
      hookSpecificOutput: { permissionDecision: "deny", permissionDecisionReason: reason },
    });
    at.put("bin/node", `#!/bin/sh\ncat <<'END'\n${answer}\nEND\n`, 0o755);
    const env = { ...at.env, PATH: `${join(at.top, "bin")}:/usr/bin:/bin` };
    const { status, err } = await runIn(at, install, ["claude-code", "--yes"], { env });
    expect({ status, err }).toEqual({
      status: 126,
      err: `cordon install: every call would be blocked: ${reason}\n  hint: nothing was changed; mend that first\n`,
    });
    expect(existsSync(userFile(at))).toBe(false);
  });
  it("is no reason to keep silent about a settings file with a fault", async () => {
    const at = scene();
    at.put("home/.config/cordon/settings.json", '{\n  "permissions": {"deny": [}\n}\n');
    const { status, err } = await put(at);
    expect(status).toBe(0);
    expect(err).toContain(`cordon install: ${ownFile(at)}:2:`);
    expect(err).toContain("every call asks until it is mended\n");
    expect(err).not.toContain("ignore the whole file");
  });
});

describe("the edit of the settings", () => {
  const hooks = fc.record({ type: fc.constant("command"), command: fc.string() });
  const groups = fc.record({ matcher: fc.string(), hooks: fc.array(hooks, { maxLength: 3 }) });
  const settings = fc.record(
    {
      model: fc.string(),
      hooks: fc.record(
        { Stop: fc.array(groups, { maxLength: 2 }), PreToolUse: fc.array(groups, { maxLength: 3 }) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );
  it("adds one entry and changes no other, and takes it out again", () => {
    fc.assert(
      fc.property(settings, fc.constantFrom(undefined, 1, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const added = withHook("f", text, HOOK);
        expect(JSON.parse(added)).toEqual({
          ...value,
          hooks: { ...value.hooks, PreToolUse: [ENTRY, ...(value.hooks?.PreToolUse ?? [])] },
        });
        expect(withHook("f", added, HOOK)).toBe(added);
        const taken = JSON.parse(withoutHook("f", added, HOOK)) as typeof value;
        const { Stop, PreToolUse = [] } = value.hooks ?? {};
        const rest = {
          ...(Stop === undefined ? {} : { Stop }),
          ...(PreToolUse.length === 0 ? {} : { PreToolUse }),
        };
        expect(taken).toEqual({
          ...(value.model === undefined ? {} : { model: value.model }),
          ...(Object.keys(rest).length === 0 ? {} : { hooks: rest }),
        });
      }),
    );
  });
});

describe("the diff", () => {
  it("is empty where nothing changes", () => expect(unifiedDiff("f", "a\n", "a\n")).toBe(""));
  it("is one that patch(1) understands", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 });
    const text = fc
      .tuple(lines, fc.boolean())
      .map(([list, end]) => list.join("\n") + (end && list.length > 0 ? "\n" : ""));
    const at = scene();
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const file = join(at.top, "text");
        writeFileSync(file, before);
        const { status, stdout } = spawnSync("git", ["apply", "--unidiff-zero", "--whitespace=nowarn", "-"], {
          cwd: at.top,
          input: unifiedDiff("text", before, after)
            .replace("--- text", "--- a/text")
            .replace("+++ text", "+++ b/text"),
          encoding: "utf8",
          env: { ...at.env, GIT_CEILING_DIRECTORIES: dirname(at.top) },
        });
        expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
        expect(existsSync(file) ? readFileSync(file, "utf8") : "").toBe(after);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the launcher", () => {
  /** A package as npm lays it out, with its program linked into a directory of programs. */
  function packaged(at: Scene): { readonly module: string; readonly program: string; readonly link: string } {
    at.put("lib/cordon/package.json", "{}");
    const program = at.put("lib/cordon/dist/bin/cordon.cjs", "", 0o755);
    mkdirSync(join(at.top, "bin"));
    const link = join(at.top, "bin/cordon");
    symlinkSync(program, link);
    return { module: `file://${join(dirname(program), "install-x.mjs")}`, program, link };
  }
  it("is that of a checkout", () => {
    expect(launcherPath({ module: import.meta.url, script: "/somewhere/else" })).toBe(LAUNCHER);
  });
  it("is the name an installed package was started by, else its program", () => {
    const at = scene();
    const { module, program, link } = packaged(at);
    expect(launcherPath({ module, script: link })).toBe(link);
    for (const script of [undefined, "/usr/bin/env", "cordon", join(at.top, "bin/gone")])
      expect(launcherPath({ module, script })).toBe(program);
    chmodSync(program, 0o644);
    expect(() => launcherPath({ module, script: link })).toThrow("is a program");
  });
  it("looks for programs where the search path says", () => {
    const at = scene();
    at.put("bin/tool", "", 0o755);
    at.put("bin/text", "", 0o644);
    const path = `relative:${join(at.top, "bin")}`;
    expect([
      isOnPath("tool", path),
      isOnPath("text", path),
      isOnPath("tool", undefined),
      isOnPath("gone", path),
    ]).toEqual([true, false, false, false]);
  });
});
