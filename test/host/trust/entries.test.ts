import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type TrustEntry, entriesOf } from "../../../src/host/trust/entries.ts";
import { openQuestions } from "../../../src/host/trust/survey.ts";
import { ALLOW, LOCAL, SHARED, grounds } from "./grounds.ts";

type Kind = "settings" | "local" | "servers" | "code";

function of(text: string, kind: Kind = "settings", own = false): readonly TrustEntry[] {
  const path = "x.json";
  const subject = { file: "/p/x.json", path, kind, own, bytes: Buffer.from(text), text };
  const { entries, fault } = entriesOf(subject, "/home/bob");
  expect(fault).toBeUndefined();
  return entries;
}
const brief = (entries: readonly TrustEntry[]): readonly (readonly [string, string, boolean, boolean])[] =>
  entries.map(({ kind, text, runs, opens }) => [kind, text, runs, opens]);

describe("an allow rule that does nothing where it stands", () => {
  const notes = (...allow: readonly unknown[]): readonly (string | undefined)[] =>
    of(JSON.stringify({ permissions: { allow } })).map(({ note }) => note);
  it.each(["Read(~/.ssh/**)", "Read(~/.aws/credentials)", "Edit(//home/bob/.kube/*)"])(
    "is marked: %s is for the person's own settings",
    (rule) => {
      expect(notes(rule)).toEqual([
        expect.stringMatching(/^only a user or managed rule opens a credential store: /),
      ]);
    },
  );
  it("is marked where it cannot be read, or where nothing can match it", () => {
    expect(notes("Bash(", "WebFetch(domain:x:80)")).toEqual([
      "does not count: it cannot be read as a rule",
      expect.stringMatching(/^does not count: /),
    ]);
  });
  it("is none that opens something", () => {
    expect(
      notes("Bash(npm test)", "Read(~/notes/**)", "Read(~/**)", "Read(~/.ssh/known_hosts)", "Edit"),
    ).toEqual(Array.from({ length: 5 }, () => undefined));
  });
});

describe("what a settings file would add", () => {
  const rows: readonly (readonly [string, unknown, string, string, boolean])[] = [
    ["an allow rule", { permissions: { allow: ["Bash(x *)"] } }, "allow", "Bash(x *)", false],
    ["by its other name", { permissions: { allowedTools: ["Edit"] } }, "allow", "Edit", false],
    [
      "at the top",
      { allowedTools: [{ tool: "Bash", pattern: "x" }] },
      "allow",
      '{"tool":"Bash","pattern":"x"}',
      false,
    ],
    ["a rule that stands in no list", { permissions: { allow: "Bash(x *)" } }, "allow", "Bash(x *)", false],
    ["a directory", { permissions: { additionalDirectories: ["/"] } }, "directory", "/", false],
    [
      "a host",
      { sandbox: { network: { allowedDomains: ["a.b"] } } },
      "sandbox",
      'sandbox.network.allowedDomains "a.b"',
      false,
    ],
    ["a helper", { apiKeyHelper: "./k" }, "command", 'apiKeyHelper "./k"', true],
    ["a helper nobody knows", { fooHelper: "./k" }, "command", 'fooHelper "./k"', true],
    [
      "a status line",
      { statusLine: { type: "command", command: "x" } },
      "command",
      'statusLine {"type":"command","command":"x"}',
      true,
    ],
    [
      "a command deep in a key nobody knows",
      { a: [{ b: { command: "x" } }] },
      "command",
      'a [{"b":{"command":"x"}}]',
      true,
    ],
    ["a plug-in", { enabledPlugins: { "a@b": true } }, "plug-in", 'enabledPlugins {"a@b":true}', true],
    ["all servers", { enableAllProjectMcpServers: true }, "server", "enableAllProjectMcpServers true", true],
    ["some servers", { enabledMcpjsonServers: ["a"] }, "server", 'enabledMcpjsonServers ["a"]', true],
    ["a variable", { env: { LANG: "C" } }, "environment", "LANG=C", false],
    ["a variable that loads", { env: { LD_PRELOAD: "./x.so" } }, "environment", "LD_PRELOAD=./x.so", true],
    ["a variable that is a program", { env: { GIT_PAGER: "./x" } }, "environment", "GIT_PAGER=./x", true],
    ["a model", { model: "x" }, "other", 'model "x"', false],
    ["a key with dots", { "permissions.deny": ["x"] }, "other", 'permissions.deny ["x"]', false],
    ["a key in a group nobody knows", { permissions: { foo: 1 } }, "other", "permissions.foo 1", false],
  ];
  it.each(rows)("%s", (_, settings, kind, text, runs) => {
    expect(brief(of(JSON.stringify(settings)))).toEqual([[kind, text, runs, true]]);
  });

  it.each([
    [
      "deny and ask rules",
      { permissions: { deny: ["Bash"], ask: ["Edit"] }, deniedTools: ["x"], ignorePatterns: ["y"] },
    ],
    [
      "locks and closed lists",
      {
        permissions: { disableBypassPermissionsMode: "disable" },
        sandbox: { filesystem: { denyRead: ["/x"] } },
      },
    ],
    ["the schema", { $schema: "https://example.com/x.json" }],
    ["keys of the organisation", { allowManagedHooksOnly: true, claudeMd: "x" }],
  ])("nothing: %s", (_, settings) => {
    expect(of(JSON.stringify(settings))).toEqual([]);
  });

  it("each hook for itself, with all that stands around it, file and line", () => {
    const text = [
      "{",
      '  "hooks": {',
      '    "PreToolUse": [',
      '      {"matcher": "Bash", "hooks": [',
      '        {"type": "command", "command": "./a"},',
      '        {"type": "http", "url": "http://b"}]},',
      '      {"hooks": "rubbish"}],',
      '    "Stop": "rubbish"',
      "  }",
      "}",
    ].join("\n");
    expect(of(text).map(({ line, text: told, runs }) => [line, told, runs])).toEqual([
      [5, 'PreToolUse matcher="Bash" {"type":"command","command":"./a"}', true],
      [6, 'PreToolUse matcher="Bash" {"type":"http","url":"http://b"}', true],
      [7, 'PreToolUse {"hooks":"rubbish"}', true],
      [8, 'Stop "rubbish"', true],
    ]);
  });

  it("what stands twice is shown twice, and comments hide nothing", () => {
    const text = '{"env": {"A": "1"}, /* {"permissions": {} */ "env": {"A": "2", "B": "\\u0063"}}';
    expect(brief(of(text)).map(([, told]) => told)).toEqual(["A=1", "A=2", "B=c"]);
  });

  it("a mode counts only in a file that is one's own", () => {
    const text = '{"permissions": {"defaultMode": "acceptEdits"}}';
    expect(of(text, "settings")).toMatchObject([
      { kind: "mode", opens: false, note: "only where it is stricter" },
    ]);
    expect(of(text, "local", true)).toMatchObject([{ kind: "mode", opens: true }]);
  });

  it("nothing of a value is left out", () => {
    const value = `${"x".repeat(20_000)}; evil`;
    expect(of(JSON.stringify({ env: { A: value } }))[0]?.text).toBe(`A=${value}`);
    const deep = `${'{"a":'.repeat(300)}"evil"${"}".repeat(300)}`;
    expect(of(`{"foo": ${deep}}`)[0]?.text).toContain("evil");
  });

  it.each([
    ["no JSON", "{", "a closing brace is missing"],
    ["no object", "[]", "must be an object"],
    ["a list that is none", '{"permissions": {"deny": 1}}', "line 1:"],
  ])("a file that cannot be read in full adds nothing: %s", (_, text, why) => {
    const subject = { file: "/p/x.json", path: "x.json", own: false, bytes: Buffer.from(text), text };
    expect(entriesOf({ ...subject, kind: "settings" }, "/home/bob")).toMatchObject({
      entries: [],
      fault: expect.stringContaining(why),
    });
  });
});

describe("what .mcp.json would add", () => {
  it("each server; one that is only an address starts nothing", () => {
    const text = JSON.stringify({
      mcpServers: {
        a: { command: "npx", args: ["x"], env: { A: "1" } },
        b: { type: "http", url: "https://b" },
        c: { url: "https://c", headersHelper: "./h" },
        d: {},
      },
      more: 1,
    });
    expect(brief(of(text, "servers"))).toEqual([
      ["server", 'a {"command":"npx","args":["x"],"env":{"A":"1"}}', true, true],
      ["server", 'b {"type":"http","url":"https://b"}', false, true],
      ["server", 'c {"url":"https://c","headersHelper":"./h"}', true, true],
      ["server", "d {}", true, true],
      ["other", "more 1", false, true],
    ]);
  });

  it.each(["[]", "{", "", '"x"'])("a faulty one: %s", (text) => {
    const subject = { file: "/p/.mcp.json", path: ".mcp.json", own: false, bytes: Buffer.from(text), text };
    expect(entriesOf({ ...subject, kind: "servers" }, "/home/bob").fault).toMatch(/^the file /);
  });
});

describe("the files that are looked at", () => {
  it("settings, servers and the programs in the hook folders, of the root and the directory", () => {
    const here = grounds();
    const root = here.repository("app", { [SHARED]: ALLOW });
    here.put("app/.mcp.json", '{"mcpServers": {"a": {"command": "x"}}}');
    here.put("app/.claude/hooks/b.mjs", "export default 1;\n");
    here.put("app/.cordon/hooks/a.sh", "#!/bin/sh\n");
    here.put(`app/part/${LOCAL}`, ALLOW);
    here.put(`app/other/${SHARED}`, ALLOW);
    expect(here.survey(join(root, "part")).files.map(({ subject }) => [subject.path, subject.kind])).toEqual([
      [SHARED, "settings"],
      [".mcp.json", "servers"],
      [".cordon/hooks/a.sh", "code"],
      [".claude/hooks/b.mjs", "code"],
      [`part/${LOCAL}`, "local"],
    ]);
  });

  it.each<[string, (file: string) => void, string]>([
    ["a link", (file) => symlinkSync("/etc/hostname", file), "it is a link"],
    ["a pipe", (file) => execFileSync("mkfifo", [file]), "it is no regular file"],
    ["a directory", (file) => mkdirSync(file), "it is a directory, not a file"],
  ])("%s is named and does not count", (_, make, fault) => {
    const here = grounds();
    const root = here.repository("app", { "x.txt": "" });
    mkdirSync(join(root, ".claude"));
    make(join(root, SHARED));
    const survey = here.survey(root);
    expect(survey.files).toMatchObject([{ status: "fault", contribution: { entries: [], fault } }]);
    expect(openQuestions(survey)).toEqual([]);
    here.trust(root);
    expect(here.allowed(root)).toEqual([]);
  });

  it.each(["", "/hooks"])("a folder .claude%s that is a link", (part) => {
    const here = grounds();
    const root = here.repository("app", { "x.txt": "" });
    here.put("elsewhere/settings.json", ALLOW);
    if (part !== "") mkdirSync(join(root, ".claude"));
    symlinkSync(join(here.home, "elsewhere"), join(root, `.claude${part}`));
    const { files } = here.survey(root);
    expect(files).toMatchObject([{ status: "fault", contribution: { fault: "it lies behind a link" } }]);
  });

  it.each([
    ["too large", "x".repeat(1024 * 1024 + 1), "it is larger than 1 MB"],
    ["no text", Buffer.from([0x7b, 0xff, 0x7d]), "it is not written in UTF-8"],
  ])("a file that is %s", (_, content, fault) => {
    const here = grounds();
    const root = here.repository("app", {});
    here.put(`app/${SHARED}`, content);
    expect(here.survey(root).files).toMatchObject([{ status: "fault", contribution: { fault } }]);
  });

  it("too many hook files are not passed over", () => {
    const here = grounds();
    const root = here.repository("app", {});
    for (let at = 0; at < 65; at++) here.put(`app/.claude/hooks/${at}.js`, "1");
    expect(here.survey(root).files).toMatchObject([{ subject: { kind: "code" }, status: "fault" }]);
    rmSync(join(root, ".claude/hooks/0.js"));
    chmodSync(join(root, ".claude/hooks"), 0o755);
    expect(here.survey(root).files).toHaveLength(64);
  });
});
