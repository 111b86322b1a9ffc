import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/check.ts";
import { type Outcome, type Scene, runIn, scene } from "./scene.ts";

describe("cordon check --batch", () => {
  const batch = (
    at: Scene,
    lines: readonly (string | object)[],
    ...argv: readonly string[]
  ): Promise<Outcome> =>
    runIn(at, command, ["--batch", ...argv], {
      input: lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
    });
  const parsed = ({ out }: Outcome): readonly Readonly<Record<string, unknown>>[] =>
    out === ""
      ? []
      : out
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line));
  const bash = (id: unknown, text: string, more: object = {}): object => ({
    id,
    tool: "Bash",
    input: { command: text },
    ...more,
  });

  it("answers in the order of the lines, each by what stands in it", async () => {
    const at = scene();
    const outcome = await batch(at, [
      bash("one", "ls"),
      bash(2, "touch x", { mode: "acceptEdits" }),
      bash(null, "touch x"),
      bash("ruled", "make all", { user: { permissions: { allow: ["Bash(make *)"] } } }),
      bash("boxed", "touch x", { sandboxed: true, user: { sandbox: { autoAllowBashIfSandboxed: true } } }),
      { tool: "Read", input: { file_path: "/etc/hostname" }, cwd: "/etc" },
    ]);
    expect(outcome).toMatchObject({ status: 0, err: "" });
    expect(parsed(outcome).map(({ id, decision }) => [id, decision])).toEqual([
      ["one", "allow"],
      [2, "allow"],
      [null, "ask"],
      ["ruled", "allow"],
      ["boxed", "allow"],
      [undefined, "allow"],
    ]);
    expect(parsed(outcome)[2]).toStrictEqual({
      id: null,
      decision: "ask",
      code: "cmd.file-modifying",
      layer: "command",
      why: expect.any(String),
      kind: "unmatched",
      parts: [{ command: "touch x", decision: "ask", code: "cmd.file-modifying", why: expect.any(String) }],
      suggestions: [{ rule: "Bash(touch x)", destination: "local" }],
    });
  });

  const faults: readonly (readonly [string, string | object, string])[] = [
    ["broken JSON", '{"id": 7, "tool": ', "json"],
    ["no object", "[1]", "shape"],
    ["no tool", { id: 7, input: {} }, "tool"],
    ["an empty tool", { id: 7, tool: "", input: {} }, "tool"],
    ["no input", { id: 7, tool: "Bash" }, "input"],
    ["an input that is a text", { id: 7, tool: "Bash", input: "ls" }, "input"],
    ["a relative cwd", bash(7, "ls", { cwd: "src" }), "cwd"],
    ["a cwd with a zero byte", bash(7, "ls", { cwd: "/a\0b" }), "cwd"],
    ["a relative home", bash(7, "ls", { home: "~" }), "home"],
    ["an unknown mode", bash(7, "ls", { mode: "wild" }), "mode"],
    ["a mode that is a number", bash(7, "ls", { mode: 1 }), "mode"],
    ["sandboxed that is a text", bash(7, "ls", { sandboxed: "yes" }), "sandboxed"],
    ["settings that are a list", bash(7, "ls", { settings: [] }), "settings"],
    [
      "nesting without an end",
      `{"id": ${"[".repeat(200_000)}${"]".repeat(200_000)}, "tool": "Bash", "input": {}}`,
      "depth",
    ],
  ];
  it.each(faults)("%s is the fault of its line alone", async (_name, line, code) => {
    const outcome = await batch(scene(), [bash(1, "ls"), line, "", bash(3, "ls")]);
    expect(outcome.status).toBe(65);
    expect(outcome.err).toBe("cordon: 1 of 3 lines could not be read; each has an `error` in the output\n");
    const [first, fault, last, ...more] = parsed(outcome);
    expect([first?.["decision"], last?.["decision"], more]).toEqual(["allow", "allow", []]);
    expect(fault?.["error"]).toStrictEqual({ code, message: expect.any(String), line: 2 });
    expect(Object.keys(fault ?? {})).toEqual(
      ["json", "shape", "depth"].includes(code) ? ["error"] : ["id", "error"],
    );
  });

  it("holds what it cannot follow for no call at all", async () => {
    const deep = `{"id": 1, "tool": "mcp__a__b", "input": ${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`;
    const [first] = parsed(await batch(scene(), [deep]));
    expect(["ask", undefined]).toContain(first?.["decision"]);
  });

  it("tells what is wrong with the settings of the person once, not once a line", async () => {
    const at = scene();
    const file = at.put("home/.config/cordon/settings.json", '{"permissions": {"allow": 3}}');
    const { status, err } = await batch(at, [bash(1, "ls"), bash(2, "id", { cwd: "/" }), bash(3, "ls")]);
    expect(status).toBe(0);
    expect(err.split("must be a list of rules")).toHaveLength(2);
    expect(err).toContain(`${file}:1:27 `);
  });

  it("prints what every layer said where it is asked for it", async () => {
    const [line] = parsed(await batch(scene(), [bash(1, "touch x")], "--explain"));
    expect(line?.["opinions"]).toContainEqual(
      expect.objectContaining({ layer: "mode", code: "mode.default" }),
    );
  });

  it("answers nothing with nothing", async () => {
    expect(await batch(scene(), [])).toMatchObject({ status: 0, out: "", err: "" });
    expect(await batch(scene(), ["", "  ", ""])).toMatchObject({ status: 0, out: "", err: "" });
  });
});
