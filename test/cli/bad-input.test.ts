import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/check.ts";
import { isRoot } from "../host/settings/machine.ts";
import { PROGRAM, ROOT, cordon, program, quiet, shell } from "./program.ts";
import { type Outcome, type Scene, runIn, scene } from "./scene.ts";

const check = (at: Scene, ...argv: readonly string[]): Promise<Outcome> => runIn(at, command, argv);

describe("settings that cannot be read", () => {
  const JSON_FAULT = ":1:18 the file is no JSON: a closing brace is missing";
  const UNREADABLE = " the settings cannot be read: ";
  const link = (at: Scene, to: string): string => {
    symlinkSync(to, join(at.top, "link"));
    return join(at.top, "link");
  };
  /** What is named, and what is said behind its name. */
  const cases: readonly (readonly [string, (at: Scene) => string, string])[] = [
    ["a directory", ({ home }) => home, `${UNREADABLE}is a directory, not a file`],
    ["a device", () => "/dev/zero", `${UNREADABLE}is no regular file`],
    ["broken JSON", (at) => at.put("b.json", '{"permissions": {'), JSON_FAULT],
    ["an empty file", (at) => at.put("e.json", ""), ":1:1 the file is empty"],
    ["a list", (at) => at.put("l.json", "[]"), ":1:1 the settings must be an object"],
    [
      "10 MB of one string",
      (at) => at.put("s.json", `{"model": "${"x".repeat(1e7)}`),
      ":1:11 the file is no JSON",
    ],
    ["10 MB of brackets", (at) => at.put("d.json", "[".repeat(1e7)), ":1:1 the file is nested too deeply"],
    ["10 MB of zero bytes", (at) => at.put("z.json", "\0".repeat(1e7)), ":1:1 the file is no JSON"],
    ["21 MB", (at) => at.put("h.json", " ".repeat(21e6)), `${UNREADABLE}is larger than 20 MB`],
    ["no text", (at) => at.put("u.json", Uint8Array.of(0x7b, 0xff)), "is not written in UTF-8"],
    ["a link in a circle", (at) => link(at, "link"), `${UNREADABLE}its links run in a circle`],
    ["a link to nowhere", (at) => link(at, "nowhere"), `${UNREADABLE}is a link that leads nowhere`],
  ];
  const named: typeof cases = [
    ["a file that is not there", ({ top }) => join(top, "gone.json"), `${UNREADABLE}there is no such file`],
    ["broken JSON as an argument", () => '{"permissions": {', JSON_FAULT],
  ];

  it.each([...cases, ...named])("%s, named: 78 and no verdict", async (_name, make, what) => {
    const at = scene();
    const settings = make(at);
    for (const more of [[], ["--json"], ["--batch"]]) {
      const call = more[0] === "--batch" ? [] : ["Bash(ls)"];
      const { status, out, err } = await runIn(at, command, [...call, "--settings", settings, ...more], {
        input: '{"id": 1, "tool": "Bash", "input": {"command": "ls"}}\n',
      });
      expect({ status, out }).toEqual({ status: 78, out: "" });
      expect(err).toContain(`cordon: ${settings.startsWith("{") ? "--settings" : settings}`);
      expect(err).toContain(what);
      quiet(err);
    }
  });

  it.each(cases)("%s, the person's own: asks, and says so on standard error", async (_name, make, what) => {
    const at = scene();
    mkdirSync(join(at.home, ".config/cordon"), { recursive: true });
    const own = join(at.home, ".config/cordon/settings.json");
    symlinkSync(make(at), own);
    const { status, out, err } = await check(at, "Bash(ls)");
    expect(status).toBe(1);
    expect(out).toContain("ask    rule.ask");
    expect(err).toContain(`cordon: ${own}`);
    expect(err).toContain(what);
    quiet(err);
  });

  it("10 MB of rules are read, and a key that is wrong is named with its line", async () => {
    const at = scene();
    const rules = Array.from({ length: 300_000 }, (_, index) => `    "Bash(tool-${index} run *)"`).join(
      ",\n",
    );
    const file = at.put(
      "team.json",
      `{\n  "permissions": {\n    "deny": [\n${rules}\n    ],\n    "allow": 3\n  }\n}\n`,
    );
    const { status, out, err } = await check(at, "Bash(tool-299999 run all)", "--settings", file);
    expect(status).toBe(2);
    expect(out).toContain(`rule Bash(tool-299999 run *) (deny, command-line) ${file}:300003`);
    expect(err).toContain(`${file}:300005:14 \`permissions.allow\` must be a list of rules`);
  });
});

describe("a place that is not what it should be", () => {
  it("a path whose links run in a circle is asked about, not followed", async () => {
    const at = scene();
    symlinkSync("b", join(at.project, "a"));
    symlinkSync("a", join(at.project, "b"));
    symlinkSync(".", join(at.project, "self"));
    expect((await check(at, "Read(a/x)")).status).toBe(1);
    expect((await check(at, "Edit(a)", "--mode", "acceptEdits")).status).toBe(1);
    expect((await check(at, "Bash(cat a/b/c)")).status).toBe(1);
    const around = "self/".repeat(30);
    expect((await check(at, `Read(${around}x.txt)`)).status).toBe(0);
    expect((await check(at, `Read(${around}../../secret.txt)`)).status).toBe(1);
    for (const cwd of ["a", "self"])
      expect([0, 1]).toContain((await check(at, "Bash(ls)", "--cwd", cwd)).status);
  });

  it("a --cwd that is not there, or a file, is only advice about a place", async () => {
    const at = scene();
    const file = at.put("home/app/file", "");
    for (const cwd of ["/nowhere/at/all", file]) {
      const { status, err } = await check(at, "Bash(git push)", "--cwd", cwd);
      expect({ status, err }).toEqual({ status: 1, err: "" });
    }
  });

  it("a current directory that was removed is missed only where it is needed", () => {
    const at = scene();
    const around = { cwd: at.project, env: at.env };
    const from = (line: string): ReturnType<typeof shell> => {
      const gone = mkdtempSync(join(at.top, "gone-"));
      return shell(`cd ${gone} && rmdir ${gone} && ${line}`, around);
    };
    for (const line of ["check 'Bash(ls)'", "check 'Bash(ls)' --cwd sub", "run -- ls", "sandbox -- ls"]) {
      const { status, out, err } = from(`exec "$NODE" "$CORDON" ${line}`);
      expect({ status, out }).toEqual({ status: 64, out: "" });
      expect(err).toMatch(/^cordon \w+: the current directory is gone\n {2}hint: .* --cwd\n$/);
    }
    expect(from(`exec "$NODE" "$CORDON" check 'Bash(ls)' --cwd ${at.project}`)).toMatchObject({
      status: 0,
      err: "",
    });
    const call = { tool: "Bash", input: { command: "ls" } };
    const lines = [JSON.stringify({ id: 1, ...call }), JSON.stringify({ id: 2, ...call, cwd: at.project })];
    const batch = from(`printf '%s\\n' '${lines.join("' '")}' | "$NODE" "$CORDON" check --batch`);
    expect(batch.status).toBe(65);
    expect(
      batch.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { id: 1, error: { code: "cwd", line: 1 } },
      { id: 2, decision: "allow" },
    ]);
  });

  it("without HOME the system's word counts; an empty or relative one is none", () => {
    const at = scene();
    const { HOME: _home, ...env } = at.env;
    mkdirSync(join(at.project, ".claude"));
    // With the project as the home directory this would be the person's own rule.
    at.put("home/app/.claude/settings.json", '{"permissions": {"allow": ["Bash(frobnicate *)"]}}');
    for (const home of [undefined, "", "."]) {
      const around = { cwd: at.project, env: home === undefined ? env : { ...env, HOME: home } };
      const { status, err } = cordon(["check", "Bash(frobnicate all)", "--mode", "default"], around);
      quiet(err);
      expect(status).not.toBe(0);
    }
  });

  it.skipIf(!isRoot)("without HOME, for a user the system does not know", () => {
    const at = scene();
    const env = { PATH: at.env["PATH"] ?? "" };
    // Where everybody can read it: the repository may lie in somebody's home.
    cpSync(join(ROOT, "dist"), join(at.top, "dist"), { recursive: true });
    cpSync(join(ROOT, "package.json"), join(at.top, "package.json"));
    program(["chmod", "-R", "a+rX", at.top], { cwd: "/", env });
    const copy = join(at.top, PROGRAM.slice(ROOT.length));
    const as = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"];
    const run = (...argv: readonly string[]): ReturnType<typeof program> =>
      program([...as, process.execPath, copy, ...argv], { cwd: at.top, env });
    expect(run("check", "Bash(ls)")).toEqual({
      status: 64,
      out: "",
      err: "cordon check: there is no home directory: HOME names none and the system knows none for this user\n  hint: set HOME to a directory of your own\n",
    });
    expect(run("--version").status).toBe(0);
  });
});

describe("streams that are not what they should be", () => {
  const LINE = '{"id": 1, "tool": "Bash", "input": {"command": "ls"}}';
  const run = (line: string): ReturnType<typeof shell> => {
    const at = scene();
    writeFileSync(join(at.project, "calls.jsonl"), `${LINE}\n`.repeat(20_000));
    return shell(line, { cwd: at.project, env: at.env });
  };

  it("a reader that has seen enough ends it without a word", () => {
    const { out, err } = run(
      `set -o pipefail; "$NODE" "$CORDON" check --batch < calls.jsonl | head -1; echo "$?"`,
    );
    expect(err).toBe("");
    const [first, status, ...more] = out.split("\n");
    expect(JSON.parse(first ?? "")).toMatchObject({ id: 1, decision: "allow" });
    expect([status, ...more]).toEqual(["70", ""]);
  });

  it("a full disk is said", () => {
    const { status, err } = run(`exec "$NODE" "$CORDON" check 'Bash(ls)' > /dev/full`);
    expect(status).toBe(70);
    expect(err).toMatch(/^cordon: the result cannot be written: .*ENOSPC.*\n$/);
  });

  it("closed ones change no verdict", () => {
    const at = scene();
    at.put("home/app/.claude/settings.json", '{"permissions": {"allow": 3}}');
    const around = { cwd: at.project, env: at.env };
    expect(shell(`exec "$NODE" "$CORDON" check 'Bash(touch x)' >&-`, around).status).toBe(1);
    expect(shell(`exec "$NODE" "$CORDON" check 'Bash(touch x)' 2>&-`, around).status).toBe(1);
    expect(shell(`exec "$NODE" "$CORDON" check 'Bash(touch x)' 2> >(exec 0<&-; true)`, around).status).toBe(
      1,
    );
    expect(shell(`exec "$NODE" "$CORDON" check 'Bash(touch x)' 2> /dev/full`, around).status).toBe(1);
    expect(shell(`exec "$NODE" "$CORDON" check --batch <&-`, around)).toMatchObject({ status: 0, out: "" });
  });

  it("a directory as standard input is no empty one", () => {
    expect(run(`exec "$NODE" "$CORDON" check --batch < /`)).toEqual({
      status: 64,
      out: "",
      err: "cordon check: standard input is a directory\n  hint: give it a file or a pipe\n",
    });
  });

  it("an interrupt ends a batch that waits for its next line", () => {
    const { status } = run(
      `mkfifo calls; ( exec 9> calls; sleep 30 ) & "$NODE" "$CORDON" check --batch < calls & ` +
        `until grep -q SigCgt /proc/$!/status && [ -n "$(ls -l /proc/$!/fd 2>/dev/null | grep eventpoll)" ]; do sleep 0.05; done; ` +
        `sleep 0.3; kill -TERM $!; wait $!; status=$?; kill %1; exit $status`,
    );
    expect(status).toBe(143);
  });
});
