import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command as check } from "../../src/cli/check.ts";
import { command as hook } from "../../src/cli/hook.ts";
import { install } from "../../src/cli/install.ts";
import { command as run } from "../../src/cli/run.ts";
import { type Ask, command as trust, trustWith } from "../../src/cli/trust.ts";
import { createGate } from "../../src/host/gate.ts";
import { isRoot, nobodyOfTests } from "../host/settings/machine.ts";
import { type Ended, PROGRAM, cordon, program, quiet, shell } from "./program.ts";
import { type Step, onTerminal, shellOnTerminal } from "./pty.ts";
import { type Outcome, type Scene, runIn, scene } from "./scene.ts";

const SHARED = "home/app/.claude/settings.json";
const RULES = {
  permissions: { allow: ["Bash(make *)", "Edit(src/**)"], deny: ["Bash(make install)"] },
  hooks: { PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command: "./guard.sh" }] }] },
  env: { NODE_OPTIONS: "--require ./x.js" },
};
const TEXT = JSON.stringify(RULES, undefined, 2);
const QUESTION = "trust this? [y/N]: ";

const git = (cwd: string, ...argv: readonly string[]): void => {
  execFileSync("git", [...argv], {
    cwd,
    stdio: "ignore",
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd },
  });
};

/** A repository whose settings would add something. */
function project(text = TEXT): Scene {
  const at = scene();
  git(at.project, "init", "-q");
  at.put(SHARED, text);
  return at;
}

/** Answers, and what was read before each. */
function person(...answers: readonly ("yes" | "no" | "nobody")[]): {
  readonly ask: Ask;
  readonly read: readonly string[];
} {
  const read: string[] = [];
  const ask: Ask = async (text) => {
    read.push(text);
    return answers[read.length - 1] ?? "no";
  };
  return { ask, read };
}
const agree = async (at: Scene, ...argv: readonly string[]): Promise<Outcome> =>
  runIn(at, trustWith(person("yes").ask), argv);
const verdict = (at: Scene, call = "Bash(make all)"): string => {
  const gate = createGate({ cwd: at.project, home: at.home, env: at.env });
  return gate.decide({ tool: "Bash", input: { command: call.replace(/^Bash\(|\)$/g, "") } }).verdict;
};
const stored = (at: Scene): readonly string[] => {
  const store = join(at.home, ".local/state/cordon/trust");
  return existsSync(store) ? readdirSync(store) : [];
};

describe("cordon trust", () => {
  it("shows everything the settings would add, asks, and lets it count", async () => {
    const at = project();
    expect(verdict(at)).toBe("ask");
    const { ask, read } = person("yes");
    const { status, out, err } = await runIn(at, trustWith(ask), []);
    expect({ status, out, err }).toEqual({ status: 0, out: `trusted: ${at.project} (1 file)\n`, err: "" });
    expect(read).toEqual([
      [
        `The repository ${at.project}`,
        "",
        "Its settings would add:",
        "",
        "! runs  .claude/settings.json:16  hook",
        '          PreToolUse matcher="Bash" {"type":"command","command":"./guard.sh"}',
        "! runs  .claude/settings.json:25  variable",
        "          NODE_OPTIONS=--require ./x.js",
        "        .claude/settings.json:4  allow rule",
        "          Bash(make *)",
        "        .claude/settings.json:5  allow rule",
        "          Edit(src/**)",
        "",
        "4 entries, 2 of which run or may run programs. Deny and ask rules count in any case.",
        "",
        QUESTION,
      ].join("\n"),
    ]);
    expect(verdict(at)).toBe("allow");
    expect(verdict(at, "make install")).toBe("deny");
  });

  it("asks no second time", async () => {
    const at = project();
    await agree(at);
    const { ask, read } = person("yes");
    const { status, out } = await runIn(at, trustWith(ask), []);
    expect({ status, out, read }).toEqual({
      status: 0,
      out: `nothing to do: ${at.project} is trusted as it is\n`,
      read: [],
    });
  });

  it.each([
    ["no", "", []],
    ["nobody", "there is no terminal to ask on", ["The repository"]],
  ] as const)("lets nothing count where the answer is %s", async (answer, hint, shown) => {
    const at = project();
    const { status, out, err } = await runIn(at, trustWith(person(answer).ask), []);
    expect(status).toBe(126);
    expect(err).toContain("nothing is trusted that was not before");
    expect(err).toContain(hint);
    if (shown.length > 0) expect(out).toContain(shown[0]);
    else expect(out).toBe("");
    expect([stored(at), verdict(at)]).toEqual([[], "ask"]);
  });

  it("has nothing to ask where the settings only tighten, or there are none", async () => {
    const at = project('{"permissions": {"deny": ["Bash"], "defaultMode": "plan"}}');
    const { ask, read } = person();
    expect(await runIn(at, trustWith(ask), [])).toMatchObject({
      status: 0,
      out: expect.stringContaining("nothing to trust"),
    });
    rmSync(join(at.top, SHARED));
    expect(await runIn(at, trustWith(ask), [])).toMatchObject({
      status: 0,
      out: expect.stringContaining("nothing to trust"),
    });
    expect([read, stored(at)]).toEqual([[], []]);
  });

  it("asks again about a file that changed, shows the difference, and what is new in it", async () => {
    const at = project();
    await agree(at);
    at.put(SHARED, TEXT.replace('"Bash(make *)"', '"Bash(make *)",\n      "Bash(curl *)"'));
    expect(verdict(at)).toBe("ask");
    const { ask, read } = person("yes");
    expect((await runIn(at, trustWith(ask), [])).status).toBe(0);
    expect(read[0]).toContain(".claude/settings.json:5  allow rule, new\n          Bash(curl *)\n");
    expect(read[0]).toContain(".claude/settings.json:4  allow rule\n          Bash(make *)\n");
    expect(read[0]).toContain("Changed since it was trusted: .claude/settings.json\n");
    expect(read[0]).toContain('\n        +      "Bash(curl *)",\n');
    expect([verdict(at), verdict(at, "curl x")]).toEqual(["allow", "allow"]);
  });

  it("shows only what is not trusted yet", async () => {
    const at = project();
    await agree(at);
    at.put("home/app/.mcp.json", '{"mcpServers": {"db": {"command": "npx", "args": ["db"]}}}');
    const { ask, read } = person("yes");
    await runIn(at, trustWith(ask), []);
    expect(read[0]).toContain(
      '! runs  .mcp.json:1  MCP server\n          db {"command":"npx","args":["db"]}\n',
    );
    expect(read[0]).toContain("\nTrusted already: .claude/settings.json\n");
    expect(read[0]).not.toContain("make");
  });

  it("asks again where a file changes while the person reads, and only the last version counts", async () => {
    const at = project();
    const read: string[] = [];
    const ask: Ask = async (text) => {
      read.push(text);
      if (read.length < 3) at.put(SHARED, `${TEXT}${" ".repeat(read.length)}`);
      return "yes";
    };
    const { status, err } = await runIn(at, trustWith(ask), []);
    expect({ status, asked: read.length }).toEqual({ status: 0, asked: 3 });
    expect(err.split("changed while you were reading")).toHaveLength(3);
    expect(verdict(at)).toBe("allow");
    at.put(SHARED, TEXT);
    expect(verdict(at)).toBe("ask");
  });

  it("gives up where the files never come to rest", async () => {
    const at = project();
    let asked = 0;
    const ask: Ask = async () => {
      appendFileSync(join(at.top, SHARED), " ");
      asked++;
      return "yes";
    };
    expect((await runIn(at, trustWith(ask), [])).status).toBe(126);
    expect([asked, stored(at)]).toEqual([5, []]);
  });

  it("asks again where another repository took the place while the person read", async () => {
    const at = project();
    let asked = 0;
    const ask: Ask = async () => {
      if (asked++ === 0) {
        rmSync(join(at.project, ".git"), { recursive: true });
        git(at.project, "init", "-q");
      }
      return "yes";
    };
    await runIn(at, trustWith(ask), []);
    expect([asked, verdict(at)]).toEqual([2, "allow"]);
  });

  it("does not let the text of a file look like cordon's own", async () => {
    const evil = "Bash(x)\u001b[2K\r\n\n0 entries, none of which runs anything." + " ".repeat(70) + QUESTION;
    const at = project(JSON.stringify({ permissions: { allow: [evil] } }));
    const { ask, read } = person("no");
    await runIn(at, trustWith(ask), []);
    expect(read[0]).not.toContain("\u001b");
    // Nothing of the file stands at the beginning of a line.
    const lines = (read[0] ?? "").split("\n");
    expect(lines.filter((line) => line.startsWith("trust this?"))).toEqual([QUESTION]);
    expect(
      lines.filter((line) => line.includes("0 entries")).every((line) => line.startsWith("        ")),
    ).toBe(true);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
  });

  it("names what does not count whatever the answer, and trusts the rest", async () => {
    const at = project();
    at.put("home/app/.cordon/settings.json", '{"permissions": {"allow": ["Bash(x)"]');
    symlinkSync("/etc/hostname", join(at.project, ".mcp.json"));
    const { ask, read } = person("yes");
    expect((await runIn(at, trustWith(ask), [])).status).toBe(0);
    expect(read[0]).toContain("Does not count: .mcp.json: it is a link\n");
    expect(read[0]).toContain("Does not count: .cordon/settings.json: line 1: the file is no JSON");
    expect(verdict(at)).toBe("ask");
  });

  it("a pipe in place of the settings keeps nobody waiting", async () => {
    const at = project();
    rmSync(join(at.top, SHARED));
    execFileSync("mkfifo", [join(at.top, SHARED)]);
    const { status, err } = await runIn(at, trust, []);
    expect({ status, err }).toEqual({
      status: 0,
      err: "cordon trust: .claude/settings.json does not count: it is no regular file\n",
    });
  });

  it("of a directory that is named, also below the root and by a link", async () => {
    const at = project();
    mkdirSync(join(at.project, "part"));
    symlinkSync(at.project, join(at.home, "link"));
    expect(await agree(at, "part")).toMatchObject({ status: 0, out: `trusted: ${at.project} (1 file)\n` });
    expect(await runIn(at, trust, [join(at.home, "link")])).toMatchObject({
      status: 0,
      out: expect.stringContaining("is trusted as it is"),
    });
  });

  it("in the home directory for the session only", async () => {
    const at = scene();
    at.put("home/.cordon/settings.json", '{"permissions": {"allow": ["Bash(make *)"]}}');
    const { ask, read } = person("yes");
    const there = { ...at, project: at.home };
    const parts = { env: { ...at.env, CORDON_SESSION: "one" } };
    const { status, out } = await runIn(there, trustWith(ask), [], parts);
    expect({ status, out }).toEqual({ status: 0, out: `trusted: ${at.home} (1 file, for this session)\n` });
    expect(read[0]).toContain("trust lasts for this session");
    const verdicts = ["one", "two"].map(
      (session) =>
        createGate({ cwd: at.home, home: at.home, env: { ...at.env, CORDON_SESSION: session } }).decide({
          tool: "Bash",
          input: { command: "make all" },
        }).verdict,
    );
    expect(verdicts).toEqual(["allow", "ask"]);
    expect((await runIn(there, trust, ["--list"], parts)).out).toContain(`${at.home} since`);
    expect((await runIn(there, trust, ["--revoke"], parts)).out).toBe(`no longer trusted: ${at.home}\n`);
  });

  it("as JSON", async () => {
    const at = project();
    const refused = await runIn(at, trustWith(person("nobody").ask), ["--json"]);
    expect(refused.status).toBe(126);
    expect(JSON.parse(refused.out)).toMatchObject({
      place: at.project,
      directory: at.project,
      kind: "repository",
      lasts: "always",
      result: "refused",
      replaced: false,
      files: [
        { path: ".claude/settings.json", status: "new", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
    });
    const { status, out } = await agree(at, "--json");
    expect({ status, ...JSON.parse(out) }).toMatchObject({
      status: 0,
      result: "trusted",
      files: [
        {
          status: "trusted",
          entries: [
            { kind: "allow", line: 4, text: "Bash(make *)", runs: false, opens: true },
            { kind: "allow", line: 5, text: "Edit(src/**)" },
            { kind: "hook", line: 16, runs: true },
            { kind: "environment", line: 25, text: "NODE_OPTIONS=--require ./x.js", runs: true },
          ],
        },
      ],
    });
    at.put(SHARED, TEXT.replace("make *", "make -j *"));
    const changed: unknown = JSON.parse((await runIn(at, trustWith(person("no").ask), ["--json"])).out);
    expect(changed).toMatchObject({
      files: [{ status: "changed", diff: expect.stringContaining('\n+      "Bash(make -j *)",\n') }],
    });
  });

  it.each([
    [["a", "b"], "one directory at a time; `b` is too many"],
    [["--yes"], "unknown option '--yes'"],
    [[""], "the directory is empty"],
    [["none"], "cannot be looked at"],
    [["file"], "is no directory"],
    [["--list", "--revoke"], "--list or --revoke, not both"],
    [["--list", "a"], "--list takes no directory"],
  ])("cannot be used so: %j", async (argv, why) => {
    const at = project();
    at.put("home/app/file", "");
    const { status, out, err } = await runIn(at, trust, argv);
    expect({ status, out }).toEqual({ status: 64, out: "" });
    expect(err.toLowerCase()).toContain(why);
  });

  it("does not write to a store that cannot be relied on", async () => {
    const at = project();
    mkdirSync(join(at.home, ".local/state/cordon"), { recursive: true, mode: 0o700 });
    mkdirSync(join(at.home, ".local/state/cordon/trust"));
    chmodSync(join(at.home, ".local/state/cordon/trust"), 0o777);
    const { status, err } = await agree(at);
    expect({ status, err }).toMatchObject({
      status: 78,
      err: expect.stringContaining("remove it and trust again"),
    });
    expect(verdict(at)).toBe("ask");
    expect(await runIn(at, trust, ["--list"])).toMatchObject({
      status: 78,
      err: expect.stringContaining("nothing counts as trusted"),
    });
  });

  it("refuses a state directory in the project", async () => {
    const at = project();
    const env = { ...at.env, XDG_STATE_HOME: join(at.project, ".state") };
    const { ask, read } = person("yes");
    const { status, err } = await runIn(at, trustWith(ask), [], { env });
    expect({ status, read }).toEqual({ status: 78, read: [] });
    expect(err).toContain("lies in this project, which could then trust itself");
  });
});

describe("cordon trust --list and --revoke", () => {
  it("tell what is trusted and what has become of it", async () => {
    const at = project();
    expect(await runIn(at, trust, ["--list"])).toMatchObject({ status: 0, out: "nothing is trusted\n" });
    expect((await runIn(at, trust, ["--list", "--json"])).out).toBe("[]\n");
    at.put("home/app/.cordon/settings.json", TEXT);
    await agree(at);
    const since = new Date().toISOString().slice(0, 10);
    rmSync(join(at.project, ".cordon"), { recursive: true });
    at.put(SHARED, "{}");
    expect((await runIn(at, trust, ["--list"])).out).toBe(
      [
        `${at.project} since ${since}`,
        `  gone    ${at.project}/.cordon/settings.json`,
        `  changed ${at.project}/.claude/settings.json`,
        "",
      ].join("\n"),
    );
    at.put(SHARED, TEXT);
    expect(JSON.parse((await runIn(at, trust, ["--list", "--json"])).out)).toMatchObject([
      {
        place: at.project,
        lasts: "always",
        stands: "here",
        files: [{ state: "gone" }, { state: "trusted" }],
      },
    ]);
    rmSync(join(at.project, ".git"), { recursive: true });
    expect((await runIn(at, trust, ["--list"])).out).toContain(
      `${at.project} since ${since}: another directory now, not trusted\n`,
    );
    rmSync(at.project, { recursive: true });
    expect((await runIn({ ...at, project: at.home }, trust, ["--list"])).out).toContain(": gone\n");
  });

  it("leave it to a person to forget a place", async () => {
    const at = project();
    await agree(at);
    const asAgent = { ...at, env: { ...at.env, CLAUDECODE: "1" } };
    const { status, out, err } = await runIn(asAgent, trust, ["--revoke"]);
    expect({ status, out }).toEqual({ status: 126, out: "" });
    expect(err).toContain("cordon trust: not changed: CLAUDECODE is set, so this is an agent's session\n");
    expect([verdict(at), stored(at).length]).toEqual(["allow", 2]);
    expect(await runIn(asAgent, trust, ["--list"])).toMatchObject({ status: 0 });
  });

  it("forget a place, also one that is gone", async () => {
    const at = project();
    await agree(at);
    expect(await runIn(at, trust, ["--revoke"])).toMatchObject({
      status: 0,
      out: `no longer trusted: ${at.project}\n`,
    });
    expect([verdict(at), stored(at)]).toEqual(["ask", []]);
    expect((await runIn(at, trust, ["--revoke", "--json"])).out).toBe('{"result":"nothing","places":[]}\n');
    await agree(at);
    rmSync(at.project, { recursive: true });
    const { out } = await runIn({ ...at, project: at.home }, trust, ["--revoke", "app", "--json"]);
    expect(JSON.parse(out)).toEqual({ result: "revoked", places: [at.project] });
    expect(stored(at)).toEqual([]);
  });

  it("need no terminal, and make nothing where there is nothing", async () => {
    const at = project();
    const { status, out } = await runIn(at, trust, ["--revoke"]);
    expect({ status, out }).toEqual({ status: 0, out: `nothing to do: ${at.project} is not trusted\n` });
    expect(existsSync(join(at.home, ".local"))).toBe(false);
  });
});

describe("every kind of run", () => {
  it("says once that something does not count, and obeys the trust", async () => {
    const at = project();
    const notice = "cordon: 2 allow rules of .claude/settings.json do not count: run `cordon trust`\n";
    const checked = await runIn(at, check, ["Bash(make all)", "--explain"]);
    expect(checked).toMatchObject({ status: 1, err: notice });
    expect((await runIn(at, run, ["--preview", "--", "make", "all"])).err).toBe(notice);
    expect((await runIn(at, install, ["claude-code", "--dry-run"])).err).toContain(
      notice.slice("cordon: ".length),
    );
    await agree(at);
    expect(await runIn(at, check, ["Bash(make all)", "--explain"])).toMatchObject({ status: 0, err: "" });
    expect((await runIn(at, run, ["--preview", "--", "make", "all"])).out).toMatch(/^allow /);
    expect((await runIn(at, install, ["claude-code", "--dry-run"])).err).toBe("");
  });

  it("says so of directories alone", async () => {
    const at = project('{"permissions": {"additionalDirectories": ["/srv"]}}');
    expect((await runIn(at, check, ["Bash(ls)"])).err).toBe(
      "cordon: settings of .claude/settings.json do not count: run `cordon trust`\n",
    );
  });

  it("sandbox", async () => {
    const at = project('{"sandbox": {"filesystem": {"allowWrite": ["../built"]}, "enabled": false}}');
    const built = join(at.home, "built");
    mkdirSync(built);
    const line = ["sandbox", "--", "touch", join(built, "x")];
    const around = { cwd: at.project, env: at.env };
    expect(cordon(line, around).err).toContain("settings of .claude/settings.json do not count");
    expect(existsSync(join(built, "x"))).toBe(false);
    const { ask, read } = person("yes");
    await runIn(at, trustWith(ask), []);
    expect(read[0]).toContain("setting (widens the sandbox)");
    expect(cordon(line, around)).toMatchObject({ status: 0, err: "" });
    expect(existsSync(join(built, "x"))).toBe(true);
    // Trusted or not, it does not switch the sandbox off.
    expect(cordon(["sandbox", "--", "touch", join(at.home, "y")], around).status).not.toBe(0);
    expect(existsSync(join(at.home, "y"))).toBe(false);
  });

  it("check --batch", async () => {
    const at = project();
    const input = `${JSON.stringify({ id: 1, tool: "Bash", input: { command: "make all" } })}\n`;
    const decision = async (...more: readonly string[]): Promise<unknown> =>
      JSON.parse((await runIn(at, check, ["--batch", ...more], { input })).out);
    expect(await decision()).toMatchObject({ decision: "ask" });
    await agree(at);
    expect(await decision()).toMatchObject({
      decision: "allow",
      rule: { text: "Bash(make *)", scope: "project" },
    });
    expect(await decision("--no-ambient")).toMatchObject({ decision: "ask" });
  });

  it("hook, which says nothing about it", async () => {
    const at = project('{"permissions": {"allow": ["Bash(make *)"]}}');
    at.settings({ cordon: { hook: { autoApprove: true } } });
    const input = JSON.stringify({
      cwd: at.project,
      hook_event_name: "PreToolUse",
      tool_name: "Bash",
      tool_input: { command: "make all" },
      permission_mode: "default",
      session_id: "s",
    });
    const answer = async (): Promise<Outcome> => runIn(at, hook, ["claude-code", "pre-tool-use"], { input });
    const before = await answer();
    expect(before).toMatchObject({ status: 0, err: "" });
    expect(before.out).not.toContain('"allow"');
    await agree(at);
    const after = await answer();
    expect(after).toMatchObject({
      status: 0,
      err: "",
      out: expect.stringContaining('"permissionDecision":"allow"'),
    });
  });
});

describe("the guard", () => {
  it.each([
    "cordon trust",
    "./cordon trust .",
    "npx cordon trust --json",
    "node dist/bin/cordon.cjs trust",
    "timeout -k 1 -s KILL 5 cordon trust",
    "sh -c 'cordon trust'",
    "yes | cordon trust",
    "cordon --json trust",
    "script -qc 'cordon trust' /dev/null",
  ])("denies an agent `%s`", (command) => {
    const at = project();
    const gate = createGate({ cwd: at.project, home: at.home, env: at.env, mode: "bypassPermissions" });
    const decision = gate.decide({ tool: "Bash", input: { command } });
    expect(decision).toMatchObject({ verdict: "deny", code: "cmd.guard" });
  });

  it("closes the store to every tool in every mode", async () => {
    const at = project();
    await agree(at);
    const file = join(at.home, ".local/state/cordon/trust", stored(at)[0] ?? "");
    const gate = createGate({ cwd: at.project, home: at.home, env: at.env, mode: "bypassPermissions" });
    const calls = [
      { tool: "Read", input: { file_path: file } },
      { tool: "Write", input: { file_path: file, content: "{}" } },
      { tool: "Edit", input: { file_path: file, old_string: "a", new_string: "b" } },
      { tool: "Bash", input: { command: `cp x ${file}` } },
      { tool: "Bash", input: { command: `rm -rf ${at.home}/.local/state/cordon/trust` } },
      { tool: "Write", input: { file_path: `${at.home}/.local/state/cordon/trust/new.json`, content: "{}" } },
    ];
    for (const call of calls)
      expect({ call, verdict: gate.decide(call).verdict }).toEqual({ call, verdict: "deny" });
  });
});

describe("the program", () => {
  const steps = (...keys: readonly string[]): readonly Step[] =>
    keys.map((send) => ({ expect: QUESTION, send }));

  it("asks on the terminal", async () => {
    const at = project();
    const { status, screen } = await onTerminal(["trust"], steps("y\r"), { cwd: at.project, env: at.env });
    expect({ status, allowed: verdict(at) }).toEqual({ status: 0, allowed: "allow" });
    expect(screen).toContain("! runs  .claude/settings.json:16  hook\r\n");
    expect(screen).toContain(`trusted: ${at.project} (1 file)\r\n`);
  });

  it.each([
    ["Enter", "\r", 126],
    ["the end of input", "\u0004", 126],
    ["^C", "\u0003", 130],
    ["another word", "sure\r", 126],
  ])("takes %s for a no", async (_, key, expected) => {
    const at = project();
    const { status } = await onTerminal(["trust"], steps(key), { cwd: at.project, env: at.env });
    expect({ status, stored: stored(at) }).toEqual({ status: expected, stored: [] });
  });

  it("shows on the terminal what it asks about, wherever the result goes", async () => {
    const at = project();
    const line = `yes | "$NODE" "$CORDON" trust --json > result.json 2> errors`;
    const { screen } = await shellOnTerminal(line, steps("y\r"), { cwd: at.project, env: at.env });
    expect(screen).toContain("! runs  .claude/settings.json:16  hook\r\n");
    expect(JSON.parse(readFileSync(join(at.project, "result.json"), "utf8"))).toMatchObject({
      result: "trusted",
    });
  });

  it("asks again on the terminal where the file changed meanwhile", async () => {
    const at = project();
    const line = `"$NODE" "$CORDON" trust & sleep 2; printf ' ' >> .claude/settings.json; echo changed; fg >/dev/null 2>&1; wait`;
    const all: readonly Step[] = [
      { expect: QUESTION },
      { expect: "changed\r\n", send: "y\r" },
      { expect: QUESTION, send: "n\r" },
    ];
    const { screen } = await shellOnTerminal(`set +m; ${line}`, all, { cwd: at.project, env: at.env });
    expect(screen).toContain("the files changed while you were reading");
    expect(stored(at)).toEqual([]);
  });

  it("without a terminal it refuses and says what to do, whatever stands on its input", () => {
    const at = project();
    const { status, out, err } = cordon(["trust"], { cwd: at.project, env: at.env, input: "y\ny\n" });
    expect(status).toBe(126);
    expect(out).toContain("! runs  .claude/settings.json:16  hook\n");
    expect(err).toContain("run `cordon trust` in a terminal of your own");
    quiet(err);
    expect(verdict(at)).toBe("ask");
  });

  it("two at once leave one whole record", async () => {
    const at = project();
    at.put("home/app/part/.claude/settings.json", TEXT);
    const line = `"$NODE" "$CORDON" trust & "$NODE" "$CORDON" trust part & wait`;
    // What one of them settles before the other looks is not asked about twice.
    const always: Step = { expect: QUESTION, send: "y\r", every: true };
    await shellOnTerminal(line, [always], { cwd: at.project, env: at.env });
    const gate = createGate({ cwd: join(at.project, "part"), home: at.home, env: at.env });
    expect(gate.decide({ tool: "Bash", input: { command: "make all" } }).verdict).toBe("allow");
    expect(verdict(at)).toBe("allow");
    expect(stored(at)).toHaveLength(2);
  });

  it("many at once lose nothing", async () => {
    const at = project();
    const parts = Array.from({ length: 12 }, (_, index) => `part${index}`);
    for (const part of parts) at.put(`home/app/${part}/.claude/settings.json`, TEXT);
    await Promise.all(parts.map((part) => agree(at, join(at.project, part))));
    const listed: readonly { readonly files: readonly unknown[] }[] = JSON.parse(
      (await runIn(at, trust, ["--list", "--json"])).out,
    );
    expect(listed).toMatchObject([{ place: at.project }]);
    expect(listed[0]?.files).toHaveLength(13);
  });

  it.skipIf(!isRoot)("an empty HOME is none: the directory's settings do not become the person's", () => {
    const at = project();
    const uid = `${nobodyOfTests()}`;
    const env = {
      ...at.env,
      HOME: "",
      XDG_STATE_HOME: join(at.top, "state"),
      XDG_RUNTIME_DIR: join(at.top, "run"),
    };
    execFileSync("chown", ["-R", uid, at.top]);
    const theirs = (...argv: readonly string[]): Ended =>
      program(
        [
          "setsid",
          "--wait",
          "setpriv",
          "--reuid",
          uid,
          "--regid",
          uid,
          "--clear-groups",
          process.execPath,
          PROGRAM,
          ...argv,
        ],
        { cwd: at.project, env },
      );
    expect(theirs("trust", "--list", "--json")).toEqual({ status: 0, out: "[]\n", err: "" });
    expect(theirs("check", "Bash(make all)")).toMatchObject({
      status: 1,
      err: expect.stringContaining("do not count: run `cordon trust`"),
    });
    // And with nobody to ask, nothing is trusted for them either.
    expect(theirs("trust").status).toBe(126);
    expect(existsSync(join(at.top, "state"))).toBe(false);
  });

  it("is listed and tells about itself", () => {
    const at = scene();
    expect(cordon(["--help"], { cwd: at.project, env: at.env }).out).toMatch(/^ {2}trust +let the settings/m);
    const { status, out } = shell(`"$NODE" "$CORDON" trust --help`, { cwd: at.project, env: at.env });
    expect({ status, out }).toEqual({ status: 0, out: trust.help });
  });
});
