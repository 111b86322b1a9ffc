import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quote } from "../../../src/agents/claude-code/quote.ts";
import { type SandboxEntry, intoSandbox, outOfSandbox } from "../../../src/agents/claude-code/rewrite.ts";

const ENTRY: SandboxEntry = { cordon: "/opt/it's here/cordon", root: "/p", cwd: "/p/sub dir" };

const NASTY: readonly string[] = [
  "",
  " ",
  "'",
  "''",
  "'\\''",
  "'a'b'",
  '"',
  "\\",
  "\\\\'\\",
  "$HOME `id` $(id) ${x:?}",
  "a\nb\r\n\tc",
  "\n",
  "-rf",
  "--",
  "-c; id",
  "!ls",
  "ünïcödé \u{1F600}",
  "\u0001\u007f\u009b",
  "a;b&c|d>e<f(g){h}",
  "~ * ? [a] {a,b} #x",
];

/** What each shell makes of a text of words: its arguments, each ended by the byte that no argument can hold. */
function wordsOf(shell: string, words: string): readonly string[] {
  const { stdout, status } = spawnSync(shell, ["-c", `printf '%s\\0' ${words}`], { encoding: "utf8" });
  expect(status).toBe(0);
  return stdout.split("\0").slice(0, -1);
}

const texts = fc.oneof(
  fc.string({
    unit: fc.constantFrom("'", "\\", '"', " ", "\n", "$", "`", "a", "-", "!", ";", "ü", "\u{1F600}"),
    maxLength: 24,
  }),
  fc
    .string({ unit: "binary", maxLength: 40 })
    .filter((text) => !text.includes("\0") && Buffer.from(text).toString() === text),
);

describe("quoting", () => {
  it.each(["sh", "bash"])("gives %s the very text back", (shell) => {
    expect(wordsOf(shell, NASTY.map(quote).join(" "))).toEqual(NASTY);
    fc.assert(
      fc.property(fc.array(texts, { minLength: 20, maxLength: 40 }), (list) => {
        expect(wordsOf(shell, list.map(quote).join(" "))).toEqual(list);
      }),
      { numRuns: 40 },
    );
  });
});

describe("a command for the sandbox", () => {
  it("has a form of its own, with everything else of the input kept", () => {
    expect(intoSandbox({ command: "echo 'hi'", description: "d", timeout: 3, later: [1] }, ENTRY)).toEqual({
      command: `'/opt/it'\\''s here/cordon' sandbox --root '/p' --cwd '/p/sub dir' -- 'echo '\\''hi'\\'''`,
      description: "d",
      timeout: 3,
      later: [1],
    });
  });

  it("is one word for the program inside, whatever it is", () => {
    for (const command of NASTY) {
      const line = intoSandbox({ command }, { ...ENTRY, cordon: "printf" })?.["command"];
      if (typeof line !== "string") throw new Error("there is no command");
      const { stdout } = spawnSync("bash", ["-c", line.replace("'printf' sandbox", "printf '%s\\0'")], {
        encoding: "utf8",
      });
      expect(stdout.split("\0").slice(0, -1)).toEqual(["--root", "/p", "--cwd", "/p/sub dir", "--", command]);
    }
  });

  it("cannot be made of no command, or of one that no shell can carry", () => {
    expect(intoSandbox({}, ENTRY)).toBeUndefined();
    expect(intoSandbox({ command: 3 }, ENTRY)).toBeUndefined();
    expect(intoSandbox({ command: "a\0b" }, ENTRY)).toBeUndefined();
  });

  it("comes back as it was, and is not wrapped twice", () => {
    fc.assert(
      fc.property(texts, (command) => {
        const wrapped = intoSandbox({ command, x: 1 }, ENTRY) ?? {};
        expect(outOfSandbox(wrapped, ENTRY)).toEqual({ command, x: 1 });
        expect(intoSandbox(outOfSandbox(wrapped, ENTRY), ENTRY)).toEqual(wrapped);
      }),
    );
  });

  const before = "'/opt/it'\\''s here/cordon' sandbox --root '/p' --cwd '/p/sub dir' -- ";
  it.each([
    ["ls"],
    [`${before}ls`],
    [`${before}'ls`],
    [`${before}'`],
    [`${before}'ls'; rm -rf /`],
    [`${before}'ls' 'more'`],
    [`${before}'ls''more'`],
    [`${before}'a'; rm -rf / '\\''b'`],
    [`${before}"ls"`],
    [` ${before}'ls'`],
    [`${before.replace("/p'", "/'")}'ls'`],
    [`${before.replace("sandbox", "sandbox --settings x")}'ls'`],
    ["cordon sandbox -- 'ls'"],
  ])("is not taken for our own: %s", (command) => {
    expect(outOfSandbox({ command }, ENTRY)).toEqual({ command });
  });

  it("leaves an input without a command alone", () =>
    expect(outOfSandbox({ x: 1 }, ENTRY)).toEqual({ x: 1 }));
});
