import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quote } from "../../../src/agents/claude-code/quote.ts";
import {
  type SandboxEntry,
  intoSandbox,
  outOfSandbox,
  requestIn,
} from "../../../src/agents/claude-code/rewrite.ts";

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
        expect(outOfSandbox(wrapped, ENTRY)).toEqual({ input: { command, x: 1 } });
        expect(intoSandbox(outOfSandbox(wrapped, ENTRY).input, ENTRY)).toEqual(wrapped);
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
    expect(outOfSandbox({ command }, ENTRY)).toEqual({ input: { command } });
  });

  it("leaves an input without a command alone", () =>
    expect(outOfSandbox({ x: 1 }, ENTRY)).toEqual({ input: { x: 1 } }));

  it("carries what is opened and the decision's id, and asks for what was opened again", () => {
    const opens = [
      { access: "write", path: "/h/it's" },
      { access: "read", path: "/tmp/d", directory: true },
    ] as const;
    const wrapped = intoSandbox({ command: "ls" }, ENTRY, { record: "1-2", opens }) ?? {};
    expect(wrapped["command"]).toBe(
      `${before.slice(0, -3)}--record '1-2' --write '/h/it'\\''s' --read '/tmp/d/' -- 'ls'`,
    );
    expect(outOfSandbox(wrapped, ENTRY)).toEqual({ input: { command: "ls" }, opens: { paths: opens } });
  });
});

describe("a request to open a path", () => {
  const asked = (command: string): unknown => requestIn({ command, x: 1 }, ENTRY, "/home/u");
  it.each([
    [`cordon sandbox --write ~/.bashrc -- 'echo x >> ~/.bashrc'`, "echo x >> ~/.bashrc"],
    [`cordon sandbox --write "/home/u/.bashrc" -- tee -a ~/.bashrc`, `'tee' '-a' '/home/u/.bashrc'`],
    [
      `/usr/bin/cordon sandbox  --write ../../home/u/.bashrc -- 'a
b'`,
      "a\nb",
    ],
  ])("is %s", (command, inner) => {
    expect(asked(command)).toEqual({
      input: { command: inner, x: 1 },
      opens: { paths: [{ access: "write", path: "/home/u/.bashrc" }] },
    });
  });
  it("has a reason, and several paths", () =>
    expect(asked(`cordon sandbox --write ~/a/ --read /tmp/b --reason 'it is needed' -- 'ls'`)).toMatchObject({
      opens: {
        paths: [
          { access: "write", path: "/home/u/a", directory: true },
          { access: "read", path: "/tmp/b" },
        ],
        reason: "it is needed",
      },
    }));
  it.each([
    ["cordon sandbox -- ls"],
    ["cordon sandbox --write ~/a -- ls; rm -rf ~"],
    ["cordon sandbox --write ~/a -- ls | sh"],
    ["cordon sandbox --write $HOME -- ls"],
    [`cordon sandbox --write "$HOME" -- ls`],
    ["cordon sandbox --write ~/a -- ls > x"],
    ["cordon sandbox --write ~/a -- `id`"],
    ["cordon sandbox --write ~/a -- ls *"],
    ["cordon sandbox --write ~/a\nrm -rf ~"],
    ["cordon sandbox --write ~/a -- ls\nrm -rf ~"],
    ["cordon sandbox --write ~/a --"],
    ["cordon sandbox --write '' -- ls"],
    ["cordon sandbox --settings x --write ~/a -- ls"],
    ["cordon sandbox --write ~/a --root / -- ls"],
    ["cordon sandbox --plan --write ~/a -- ls"],
    ["FOO=1 cordon sandbox --write ~/a -- ls"],
    ["sudo cordon sandbox --write ~/a -- ls"],
    ["notcordon sandbox --write ~/a -- ls"],
    ["cordon run --write ~/a -- ls"],
  ])("is not %s", (command) => expect(asked(command)).toBeUndefined());
});
