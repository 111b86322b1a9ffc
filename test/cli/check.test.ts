import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/check.ts";
import { MODES } from "../../src/core/call/mode.ts";
import { cordon, program, quiet } from "./program.ts";
import { type Outcome, type Scene, runIn, scene } from "./scene.ts";

const check = (at: Scene, ...argv: readonly string[]): Promise<Outcome> => runIn(at, command, argv);

describe("cordon check", () => {
  it.each([
    ["Bash(ls)", 0, "allow", "cmd.read-only"],
    ["Bash(touch x)", 1, "ask", "cmd.file-modifying"],
    ["Bash(git push --force origin main)", 2, "deny", "git.force-push-protected"],
    ["Read(src/a.ts)", 0, "allow", "path.inside"],
    ["Edit(src/a.ts)", 1, "ask", "mode.default"],
  ])("%s exits %i and says %s", async (call, status, verdict, code) => {
    const { out, err, ...rest } = await check(scene(), call);
    expect(rest).toEqual({ status, writes: 1 });
    expect(err).toBe("");
    expect(out.split("\n")[0]).toBe(`${verdict.padEnd(5)}  ${code}`);
  });

  it("says where a call is judged in another mode than the one named", async () => {
    const at = scene();
    const { out, err } = await check(at, "Bash(ls)", "--mode", "auto", "--json");
    expect(JSON.parse(out)).toMatchObject({ mode: "default" });
    expect(err).toBe(
      "cordon: `auto` is judged as `default`: no classifier answers here instead of a person\n",
    );
    at.settings({ permissions: { disableBypassPermissionsMode: "disable" } });
    const locked = await check(at, "Bash(ls)", "--mode", "bypassPermissions");
    expect(locked.err).toBe(
      "cordon: settings lock the mode: judged as `default`, not as `bypassPermissions`\n",
    );
    for (const mode of ["plan", "manual", "default"])
      expect((await check(at, "Bash(ls)", "--mode", mode)).err).toBe("");
  });

  it("takes a tool with its input", async () => {
    const at = scene();
    const input = JSON.stringify({ file_path: "src/a.ts", old_string: "a", new_string: "b" });
    const { status, out } = await check(at, "--tool", "Edit", "--input", input, "--json");
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ decision: "ask", code: "mode.default" });
    expect((await check(at, "--tool", "Edit", "--input", input, "--mode", "acceptEdits")).status).toBe(0);
  });

  it("prints exactly the keys of its contract as JSON, and the mode", async () => {
    const at = scene();
    const file = at.settings({ permissions: { ask: ["Bash(make *)"] } });
    const { out } = await check(at, "Bash(touch x && make all)", "--json");
    expect(JSON.parse(out)).toStrictEqual({
      decision: "ask",
      code: "rule.ask",
      layer: "rules",
      why: expect.any(String),
      kind: "rule",
      rule: { text: "Bash(make *)", effect: "ask", scope: "user", file, line: 1 },
      parts: [
        { command: "touch x", decision: "ask", code: "cmd.file-modifying", why: expect.any(String) },
        { command: "make all", decision: "ask", code: "rule.ask", why: expect.any(String) },
      ],
      mode: "default",
    });
    expect(out.split("\n")).toHaveLength(2);
    const asked = JSON.parse((await check(at, "Bash(touch x)", "--json")).out);
    expect(asked.suggestions).toStrictEqual([{ rule: "Bash(touch x)", destination: "local" }]);
    const denied = JSON.parse((await check(at, "Bash(git push -f origin main)", "--json")).out);
    expect(Object.keys(denied)).toEqual(["decision", "code", "layer", "why", "hint", "parts", "mode"]);
  });

  it("explains the whole gauntlet as a table, whatever a layer said", async () => {
    const at = scene();
    const { out, status } = await check(at, "Bash(ls; rm -rf src)", "--explain");
    expect(status).toBe(1);
    expect(out.split("\n").filter((line) => line !== line.trimEnd())).toEqual([]);
    const table = out.split("\n").slice(out.split("\n").findIndex((line) => line.startsWith("layer ")));
    expect(table[0]).toMatch(/^layer +says +code +why$/);
    const layers = table.filter((line) => /^\d /.test(line)).map((line) => line.slice(0, 16).trim());
    expect(layers).toEqual([
      "1 availability",
      "2 managed",
      "3 hooks",
      "4 rules",
      "5 scope",
      "6 command",
      "7 mode",
    ]);
    expect(table.at(-2)).toMatch(/^verdict +ask$/);
    expect(out).toContain("[part 2]");
    const json = JSON.parse((await check(at, "Bash(ls; rm -rf src)", "--explain", "--json")).out);
    expect(json.opinions).toContainEqual(
      expect.objectContaining({ layer: "command", effect: "ask", code: "cmd.file-modifying", part: 1 }),
    );
  });

  it("judges by the mode that is named, and knows every mode", async () => {
    const at = scene();
    const verdicts = await Promise.all(
      MODES.map(async (mode) => (await check(at, "Bash(touch x)", "--mode", mode)).status),
    );
    expect(Object.fromEntries(MODES.map((mode, index) => [mode, verdicts[index]]))).toMatchObject({
      plan: 2,
      dontAsk: 2,
      default: 1,
      acceptEdits: 0,
      bypassPermissions: 0,
    });
  });

  it("reads settings from a file, from an argument, and none of the machine's where it must not", async () => {
    const at = scene();
    const file = at.put("team.json", '{"permissions": {"deny": ["Bash(ls)"]}}');
    expect((await check(at, "Bash(ls)", "--settings", file)).status).toBe(2);
    expect((await check(at, "Bash(ls)", "--settings", "../../team.json")).status).toBe(2);
    expect((await check(at, "Bash(ls)", "--settings", ' {"permissions": {"ask": ["Bash"]}}')).status).toBe(1);
    at.settings({ permissions: { deny: ["Bash(ls)"] } });
    expect((await check(at, "Bash(ls)")).status).toBe(2);
    expect((await check(at, "Bash(ls)", "--no-ambient")).status).toBe(0);
    const managed = '{"permissions": {"deny": ["Bash(ls)"]}}';
    expect((await check(at, "Bash(ls)", "--no-ambient", "--managed", managed)).status).toBe(2);
  });

  it("leaves nothing behind", async () => {
    const at = scene();
    cordon(["check", "Bash(touch x)", "--explain"], { cwd: at.project, env: at.env });
    const { out } = program(["find", at.top], { cwd: "/", env: at.env });
    expect(out.trim().split("\n").sort()).toEqual([at.top, at.home, at.project].sort());
  });

  it("prints nothing that an agent wrote unescaped", async () => {
    const { out } = await check(scene(), "Bash(touch a && touch \u001b[2J\u202E)", "--explain");
    for (const char of ["\u001b", "\u202E"]) expect(out).not.toContain(char);
    expect(out).toContain("\\u{1b}[2J\\u{202e}");
  });
});

describe("a command line that cannot be understood", () => {
  it.each<readonly [readonly string[], string]>([
    [[], "there is no call to check"],
    [["--frob"], "unknown option '--frob'"],
    [["-x"], "unknown option '-x'"],
    [["Bash(ls)", "--mode", "wild"], "there is no mode `wild`"],
    [["Bash(ls)", "--mode"], "argument missing"],
    [["Bash(ls)", "--settings"], "argument missing"],
    [["Bash(ls)", "--json=yes"], "does not take an argument"],
    [["Bash(ls)", "Bash(id)"], "`Bash(id)` is too many"],
    [["Bash(ls)", "--tool", "Bash"], "give a call or --tool, not both"],
    [["Bash(ls)", "--input", "{}"], "--input needs --tool"],
    [["--input", "{}"], "--input needs --tool"],
    [["--tool", "Edit", "--input", "{"], "--input is no JSON: "],
    [["--tool", "Edit", "--input", "[]"], "--input is no JSON object"],
    [["--tool", "Edit", "--input", '"x"'], "--input is no JSON object"],
    [["--tool", "Edit", "--input", ""], "--input is no JSON: "],
    [["--tool", "no tool"], "`no tool` is no tool name"],
    [["--tool", ""], "`` is no tool name"],
    [[""], "`` is no tool call"],
    [["Bash(ls"], "`Bash(ls` is no tool call"],
    [["mcp__db__query(x)"], "the argument of `mcp__db__query` cannot be told from its text"],
    [["Bash(ls)", "--cwd", ""], "--cwd is empty"],
    [["Bash(ls)", "--settings", ""], "--settings is empty"],
    [["Bash(ls)", "--managed", ""], "--managed is empty"],
    [["--batch", "Bash(ls)"], "--batch takes its calls from standard input"],
    [["--batch", "--tool", "Bash"], "--batch takes its calls from standard input"],
    [["--batch", "--input", "{}"], "--batch takes its calls from standard input"],
    [["\u001b[2J"], "`\\u{1b}[2J` is no tool call"],
  ])("%j", async (argv, what) => {
    const { status, out, err } = await check(scene(), ...argv);
    expect({ status, out }).toEqual({ status: 64, out: "" });
    expect(err).toMatch(/^cordon check: /);
    expect(err.split("\n")[0]).toContain(what);
    expect(err).toContain("\n  hint: ");
    quiet(err);
  });

  it("is the person's, not cordon's: commands, and nothing at all", () => {
    const at = scene();
    const around = { cwd: at.project, env: at.env };
    expect(cordon(["chekc"], around)).toEqual({
      status: 64,
      out: "",
      err: "cordon: there is no command `chekc`\n  hint: did you mean `cordon check`?\n",
    });
    expect(cordon(["frobnicate"], around).err).toBe(
      "cordon: there is no command `frobnicate`\n  hint: see `cordon --help`\n",
    );
    expect(cordon([], around)).toMatchObject({
      status: 64,
      out: "",
      err: expect.stringContaining("usage: cordon COMMAND"),
    });
  });

  it.each([["--help"], ["-h"], ["help"]])("%s helps", (flag) => {
    const at = scene();
    const around = { cwd: at.project, env: at.env };
    expect(cordon([flag], around)).toMatchObject({
      status: 0,
      err: "",
      out: expect.stringContaining("examples:"),
    });
    const own = flag === "help" ? ["help", "check"] : ["check", flag];
    expect(cordon(own, around)).toEqual({ status: 0, err: "", out: command.help });
  });

  it("names the version", () => {
    const at = scene();
    expect(cordon(["--version"], { cwd: at.project, env: at.env }).out).toMatch(/^cordon \d+\.\d+\.\d+\n$/);
  });
});
