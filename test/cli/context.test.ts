import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/context.ts";
import { command as hook } from "../../src/cli/hook.ts";
import { readFrontMatter } from "../../src/host/session/front-matter.ts";
import { type Scene, runIn, scene } from "./scene.ts";

const context = async (here: Scene, ...argv: readonly string[]) => {
  const { status, out, err } = await runIn(here, command, [...argv, "--json"]);
  expect(status, err).toBe(0);
  return JSON.parse(out) as {
    readonly denials: readonly { readonly tool: string; readonly pattern: string; readonly count: number }[];
    readonly instructions: readonly { readonly file: string; readonly text: string; readonly cut: boolean }[];
    readonly left: number;
  };
};
const ask = async (here: Scene, session: string, text: string): Promise<string> => {
  const payload = {
    cwd: here.project,
    session_id: session,
    tool_name: "Bash",
    tool_input: { command: text },
    hook_event_name: "PreToolUse",
  };
  const { out } = await runIn(here, hook, ["claude-code"], { input: JSON.stringify(payload) });
  if (out === "") return "";
  const answer = JSON.parse(out) as {
    readonly hookSpecificOutput: { readonly permissionDecisionReason: string };
  };
  return answer.hookSpecificOutput.permissionDecisionReason;
};

describe("what was denied", () => {
  it("is told by kind, of this session alone; from the third time on the agent is told to stop", async () => {
    const here = scene();
    here.settings({ permissions: { deny: ["Bash(wget *)"] } });
    const said: string[] = [];
    for (const text of ["wget a", "wget -q b", "true && wget c", "wget d"])
      said.push(await ask(here, "s", text));
    expect(said.map((reason) => reason.includes("stop and ask the person"))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(said[3]).toContain("denied 4 times");
    expect(await ask(here, "t", "wget a")).not.toContain("stop and ask");
    await ask(here, "s", "ls");
    expect((await context(here, "--session", "s")).denials).toMatchObject([
      { tool: "Bash", pattern: "Bash(wget *)", count: 4 },
    ]);
    expect((await context(here, "--session", "u")).denials).toEqual([]);
    const { out } = await runIn(here, command, ["--session", "s"]);
    expect(out).toContain("4x  Bash  Bash(wget *)  rule.deny");
    here.settings({ permissions: { deny: ["Bash(wget *)", "Bash(nc *)"] } });
    for (let time = 0; time < 10; time++) await ask(here, "s", "nc a");
    const rows = (await runIn(here, command, ["--session", "s"])).out.split("\n").slice(1, 3);
    expect(rows.map((row) => row.replace(/last .*/, "last"))).toEqual([
      "   4x  Bash  Bash(wget *)  rule.deny  last",
      "  10x  Bash  Bash(nc *)    rule.deny  last",
    ]);
  });
  it("is no fault of a hook or of a settings file: that is not the agent's to stop for", async () => {
    const here = scene();
    const file = here.put("home/.config/cordon/settings.json", '{\n  "permissions": {"ask": 1}\n}');
    for (let time = 0; time < 4; time++) {
      const reason = await ask(here, "s", "wget a");
      expect(reason).toContain(`${file}:2 cannot be read: \`permissions.ask\` must be`);
      expect(reason).not.toContain("stop and ask the person");
    }
    expect((await context(here, "--session", "s")).denials).toEqual([]);
    here.settings({ permissions: { deny: ["Bash(wget *)"] } });
    for (let time = 1; time < 4; time++)
      expect((await ask(here, "s", "wget a")).includes("denied 3 times")).toBe(time === 3);
  });
  it("is still denied where the store cannot be used, and the reason keeps its length", async () => {
    const here = scene();
    here.settings({ permissions: { deny: ["Bash(wget *)"] } });
    here.put("home/.local/state/cordon/run", "a file in its place");
    for (let index = 0; index < 4; index++)
      expect(await ask(here, "s", "wget x")).toContain("denied `wget x`");
    expect((await context(here, "--session", "s")).denials).toEqual([]);
    const other = scene();
    other.settings({ permissions: { deny: ["Bash(wget *)"] } });
    let reason = "";
    for (let index = 0; index < 3; index++) reason = await ask(other, "s", `wget ${"x".repeat(3_000)}`);
    expect(reason.length).toBeLessThanOrEqual(1_200);
    expect(reason).toContain("stop and ask the person");
  });
});

describe("the instructions", () => {
  const rule = (paths: string, body: string): string => `---\npaths: ${paths}\n---\n${body}\n`;
  it("are those whose paths match one of the files", async () => {
    const here = scene();
    here.put("home/app/.claude/rules/ts.md", rule('"src/**/*.{ts,tsx}"', "use types"));
    here.put("home/app/.claude/rules/deep/api.md", rule("[src/api/**, 'docs/*.md']", "use REST"));
    here.put(
      "home/app/.cordon/rules/sql.md",
      "---\npaths:\n  - db/**\n  - '*.sql' # here\nother: x\n---\nno DROP",
    );
    here.put("home/app/.claude/rules/all.md", "for everything");
    here.put("home/app/.claude/rules/other.txt", rule("'**'", "no"));
    const files = async (...argv: readonly string[]): Promise<readonly string[]> =>
      (await context(here, ...argv)).instructions.map(({ text }) => text.trim());
    expect(await files()).toEqual([]);
    expect(await files("src/a.ts")).toEqual(["use types"]);
    expect(await files("src/api/x.tsx", "x.sql")).toEqual(["use REST", "use types", "no DROP"]);
    expect(await files("./src/../docs/a.md")).toEqual(["use REST"]);
    expect(await files("a/x.sql", "docs/x/a.md", "srcs/a.ts", "../../src/a.ts", "/src/a.ts")).toEqual([]);
    expect(await files(join(here.project, "db/x/y"))).toEqual(["no DROP"]);
  });
  it("are bounded, stay in the project, and act on no terminal", async () => {
    const here = scene();
    here.put("home/outside/x.md", rule("'**'", "from outside"));
    here.put("home/app/.claude/rules/long.md", rule("'**'", "y".repeat(100_000)));
    here.put("home/app/.claude/rules/esc.md", rule("'**'", "a\u001b[2J\u202eb\n\tc"));
    symlinkSync(join(here.home, "outside/x.md"), join(here.project, ".claude/rules/link.md"));
    mkdirSync(join(here.project, ".cordon"));
    symlinkSync(join(here.home, "outside"), join(here.project, ".cordon/rules"));
    symlinkSync("/dev/zero", join(here.project, ".claude/rules/zero.md"));
    mkdirSync(join(here.project, ".claude/rules/dir.md"));
    const { instructions } = await context(here, "src/a.ts");
    expect(instructions.map(({ file, cut }) => [file, cut])).toEqual([
      [".claude/rules/esc.md", false],
      [".claude/rules/long.md", true],
    ]);
    const { out } = await runIn(here, command, ["src/a.ts"]);
    expect(out).toContain("a\\u{1b}[2J\\u{202e}b\n    c");
    expect(out).not.toContain("from outside");
    for (let index = 0; index < 10; index++)
      here.put(`home/app/.claude/rules/n${index}.md`, rule("'**'", "z".repeat(30_000)));
    const many = await context(here, "src/a.ts");
    expect(many.left).toBeGreaterThan(0);
    expect(JSON.stringify(many.instructions).length).toBeLessThan(140 * 1024);
  });
  it.each([
    ["paths: a", ["a"]],
    ["paths: a, b", ["a", "b"]],
    ["paths: [a, 'b,c', \"d\"]", ["a", "b,c", "d"]],
    ["paths: a/{b,c}/{d,e}", ["a/b/d", "a/b/e", "a/c/d", "a/c/e"]],
    ["paths:\n- a\n- b\nx: y", ["a", "b"]],
    ["x: y\npaths:\n\n  # c\n  - a", ["a"]],
    ["paths:", undefined],
    ["paths: []", undefined],
    ["path: a", undefined],
  ])("read the front matter %j", (head, paths) => {
    expect(readFrontMatter(`---\n${head}\n---\nbody`)?.paths).toEqual(paths);
    expect(readFrontMatter(`---\r\n${head.replaceAll("\n", "\r\n")}\r\n---\r\nbody`)?.paths).toEqual(paths);
    expect(readFrontMatter(`\n---\n${head}\n---\n`)).toBeUndefined();
  });
  it("take no pattern apart without end", () => {
    const paths = readFrontMatter(`---\npaths: ${"{a,b}".repeat(40)}\n---\n`)?.paths ?? [];
    expect(paths.length).toBeLessThanOrEqual(100);
  });
});

describe("cordon context", () => {
  it.each([[["--frob"]], [["--session", ""]], [["--cwd", ""]]])("does not understand %j", async (argv) => {
    expect(await runIn(scene(), command, argv)).toMatchObject({ status: 64, out: "" });
  });
});
