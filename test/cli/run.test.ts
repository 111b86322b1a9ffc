import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command as runCommand } from "../../src/cli/run.ts";
import { command as sandboxCommand } from "../../src/cli/sandbox.ts";
import { verifyAudit } from "../../src/host/audit/verify.ts";
import { type Ended, cordon, program, quiet, shell } from "./program.ts";
import { type Screen, type Step, onTerminal } from "./pty.ts";
import { type Scene, runIn, scene } from "./scene.ts";

const QUESTION = "answer [d]: ";
const answers = (...keys: readonly string[]): readonly Step[] =>
  keys.map((send) => ({ expect: QUESTION, send }));
const run = (at: Scene, argv: readonly string[], steps: readonly Step[], columns = 100): Promise<Screen> =>
  onTerminal(["run", ...argv], steps, { cwd: at.project, env: at.env, columns });
const without = (at: Scene, ...argv: readonly string[]): Ended =>
  cordon(["run", ...argv], { cwd: at.project, env: at.env });
const ran = (at: Scene, name = "ran"): boolean => existsSync(join(at.project, name));

describe("an answer on the terminal", () => {
  const cases: readonly (readonly [string, readonly Step[], number, string])[] = [
    ["a", answers("a\r"), 0, ""],
    // Not among the letters that are offered: a hand that says yes to everything says nothing here.
    ["yes, three times", answers("yes\r", "y\r", "yes\r"), 126, ""],
    ["s", answers("s\r"), 0, ""],
    ["an a behind garbage", answers("what?\r", "\u001b[A\r", "a\r"), 0, ""],
    ["Enter", answers("\r"), 126, "the person said no"],
    ["d", answers("d\r"), 126, "the person said no"],
    [
      "d and a word",
      answers("d use the \u001b[31mtest\r"),
      126,
      "the person said no: use the \\u{1b}[31mtest",
    ],
    ["garbage without end", answers("q\r", "A B\r", "aa\r"), 126, "the person said no"],
    ["an end of input", answers("\u0004"), 126, "no answer, so the answer is no"],
    ["an interrupt", answers("\u0003"), 126, "no answer, so the answer is no"],
    ["a signal to end", [{ expect: QUESTION, signal: "SIGTERM" }], 126, "no answer, so the answer is no"],
    [
      "always, and then no",
      [...answers("A\r"), { expect: "[y/N]: ", send: "\r" }, ...answers("d\r")],
      126,
      "said no",
    ],
    [
      "always, and then an end",
      [...answers("A\r"), { expect: "[y/N]: ", send: "\u0004" }],
      126,
      "nothing was saved",
    ],
  ];
  it.each(cases)("%s", async (_name, steps, status, said) => {
    const at = scene();
    const result = await run(at, ["--", "touch", "ran"], steps);
    expect(result.status).toBe(status);
    expect(result.screen).toContain(said);
    expect(ran(at)).toBe(status === 0);
    expect(existsSync(join(at.project, ".cordon"))).toBe(false);
    quiet(result.screen);
    expect(verifyAudit(join(at.home, ".local/state/cordon/audit")).damage).toEqual([]);
  });

  it("that is not there in time is a no", async () => {
    const at = scene();
    at.settings({ cordon: { approvalTimeout: 1 } });
    const { status, screen } = await run(at, ["--", "touch", "ran"], [{ expect: QUESTION }]);
    expect({ status, ran: ran(at) }).toEqual({ status: 126, ran: false });
    expect(screen).toContain("nobody answered within 1 seconds");
    expect(screen).toContain("or allow `Bash(touch ran)` in ");
  });

  it("never comes where the terminal has gone", async () => {
    const at = scene();
    const { status } = await run(at, ["--", "touch", "ran"], [{ expect: QUESTION, hangup: true }]);
    expect({ status, ran: ran(at) }).toEqual({ status: 129, ran: false });
  });

  it("for the session holds in it, and in no other", async () => {
    const at = scene();
    const first = ["--session", "one", "--", "touch", "ran"];
    expect((await run(at, first, answers("s\r"))).status).toBe(0);
    expect(without(at, ...first)).toMatchObject({ status: 0, err: "" });
    expect(without(at, "--session", "one", "--", "touch", "other").status).toBe(126);
    expect(without(at, "--session", "two", "--", "touch", "ran").status).toBe(126);
    expect(without(at, "--", "touch", "ran").status).toBe(126);
    const named = { cwd: at.project, env: { ...at.env, CORDON_SESSION: "one" } };
    expect(cordon(["run", "--", "touch", "ran"], named).status).toBe(0);
  });

  it("is read from the terminal, not from the command's input", async () => {
    const at = scene();
    const around = { cwd: at.project, env: at.env };
    expect(shell(`echo a | exec "$NODE" "$CORDON" run -- touch ran`, around).status).toBe(126);
    expect(ran(at)).toBe(false);
    const typed = shell(`printf 'a\\n' | script -qec '"$NODE" "$CORDON" run -- touch ran' /dev/null`, around);
    expect(typed.status).toBe(0);
    expect(ran(at)).toBe(true);
  });
});

describe("without a terminal", () => {
  it("an ask is a no, with the way to allow it", () => {
    const at = scene();
    expect(without(at, "--", "touch", "ran")).toEqual({
      status: 126,
      out: "",
      err:
        "cordon: refused (cmd.file-modifying): `touch` changes files; nobody is there to ask\n" +
        `  hint: run it from a terminal to be asked, or allow \`Bash(touch ran)\` in ${at.home}/.config/cordon/settings.json\n`,
    });
    expect(ran(at)).toBe(false);
    at.settings({ permissions: { allow: ["Bash(touch ran)"] } });
    expect(without(at, "--", "touch", "ran")).toEqual({ status: 0, out: "", err: "" });
    expect(ran(at)).toBe(true);
  });

  it("what no rule can allow says so", () => {
    const { status, err } = without(scene(), "--", "git", "reset", "--hard");
    expect(status).toBe(126);
    expect(err).toContain("  hint: run it from a terminal to be asked; no rule can allow it\n");
  });

  it("a settings file with a fault is to be mended: no rule and no answer does away with it", () => {
    const at = scene();
    const file = at.put("home/.config/cordon/settings.json", '{\n  "permissions": []\n}\n');
    for (let time = 0; time < 4; time++) {
      const { status, err } = without(at, "--", "ls");
      expect(status).toBe(126);
      expect(err).toContain(`(${file}:2 cannot be read: \`permissions\` must be an object`);
      expect(err).toContain(`  hint: mend ${file}; until then every call asks\n`);
      expect(err).not.toContain("no rule can allow it");
      expect(err).not.toContain("was denied");
    }
  });

  it("a denial is one, with its hint and no advice to ask", () => {
    const { status, out, err } = without(scene(), "--", "git", "push", "--force", "origin", "main");
    expect({ status, out }).toEqual({ status: 126, out: "" });
    expect(err).toBe(
      "cordon: refused (git.force-push-protected): overwrites `main` on the remote\n  hint: push to a branch of its own and open a pull request\n",
    );
  });
});

describe("the status", () => {
  it.each<readonly [readonly string[], number]>([
    [["true"], 0],
    [["exit 7"], 7],
    [["exit 255"], 255],
    [["no-such-program-here"], 127],
    [["no-such-program-here", "x"], 127],
    [["/etc/passwd", "x"], 126],
    [["kill -9 $$"], 137],
    [["kill -TERM $$"], 143],
  ])("of %j is %i, confined and not", (words, status) => {
    const at = scene();
    const free = '{"sandbox": {"enabled": false}}';
    for (const more of [[], ["--settings", free]]) {
      const result = without(at, "--mode", "bypassPermissions", ...more, "--", ...words);
      expect(result.status).toBe(status);
      expect(result.out).toBe("");
      expect(result.err).not.toContain("refused");
    }
  });

  it("and the output are the command's own", () => {
    const at = scene();
    expect(without(at, "--", "echo out; echo err >&2")).toEqual({ status: 0, out: "out\n", err: "err\n" });
    const around = { cwd: at.project, env: at.env };
    expect(shell(`echo word | "$NODE" "$CORDON" run -- cat`, around)).toEqual({
      status: 0,
      out: "word\n",
      err: "",
    });
  });

  const gone = (mark: string): void =>
    expect(program(["pgrep", "-f", `sleep ${mark}`], { cwd: "/", env: {} }).out).toBe("");
  it.each([
    ["an interrupt at the terminal", { send: "\u0003" }, 130],
    ["a signal to end", { signal: "SIGTERM" }, 143],
    ["a terminal that goes away", { hangup: true }, 129],
  ] as const)(
    "of what was ended by %s is the signal's, and nothing of it lives on",
    async (name, step, status) => {
      const at = scene();
      const mark = `41.${process.pid}${name.length}`;
      const words = [
        "--mode",
        "bypassPermissions",
        "--",
        `echo READY; sleep ${mark} & sleep ${mark}; touch ran`,
      ];
      expect((await run(at, words, [{ expect: "READY", ...step }])).status).toBe(status);
      gone(mark);
      expect(ran(at)).toBe(false);
    },
  );

  it("of the sandbox alone is the same", async () => {
    const at = scene();
    const around = { cwd: at.project, env: at.env };
    expect(cordon(["sandbox", "--", "exit 9"], around).status).toBe(9);
    expect(cordon(["sandbox", "--", "no-such-program-here", "x"], around).status).toBe(127);
    const mark = `41.${process.pid}99`;
    const steps: readonly Step[] = [{ expect: "READY", signal: "SIGTERM" }];
    expect((await onTerminal(["sandbox", "--", `echo READY; sleep ${mark}`], steps, around)).status).toBe(
      143,
    );
    gone(mark);
  });
});

describe("a command line that cannot be understood", () => {
  it.each<readonly [readonly string[], string]>([
    [[], "there is no command"],
    [["--"], "there is no command"],
    [["ls"], "unexpected argument 'ls'"],
    [["--frob", "--", "ls"], "unknown option '--frob'"],
    [["--cwd", "", "--", "ls"], "--cwd is empty"],
    [["--settings", "", "--", "ls"], "--settings is empty"],
    [["--settings"], "argument missing"],
  ])("%j", async (argv, what) => {
    for (const [name, one] of [
      ["run", runCommand],
      ["sandbox", sandboxCommand],
    ] as const) {
      const { status, out, err } = await runIn(scene(), one, argv);
      expect({ status, out }).toEqual({ status: 64, out: "" });
      expect(err).toMatch(new RegExp(`^cordon ${name}: `));
      expect(err.split("\n")[0]).toContain(what);
      expect(err).toContain("\n  hint: ");
    }
  });

  it("is told of the `--` only where there is none", async () => {
    for (const [name, one] of [
      ["run", runCommand],
      ["sandbox", sandboxCommand],
    ] as const) {
      const plain = await runIn(scene(), one, ["--bogus", "ls"]);
      expect(plain.err).toContain(`hint: put \`--\` before the command: \`cordon ${name} -- npm test\``);
      const behind = await runIn(scene(), one, ["--bogus", "--", "ls"]);
      expect(behind.err).toContain(`hint: see \`cordon ${name} --help\``);
    }
  });

  it("or names a mode or a session that is none", async () => {
    const mode = await runIn(scene(), runCommand, ["--mode", "wild", "--", "ls"]);
    expect(mode).toMatchObject({ status: 64, err: expect.stringContaining("there is no mode `wild`") });
    expect((await runIn(scene(), runCommand, ["--session", "", "--", "ls"])).status).toBe(64);
  });

  it("settings that are named and cannot be read: 78, and nothing runs", () => {
    const at = scene();
    for (const verb of ["run", "sandbox"])
      for (const settings of ["gone.json", "/", '{"permissions": {'])
        expect(
          cordon([verb, "--settings", settings, "--", "touch ran"], { cwd: at.project, env: at.env }),
        ).toMatchObject({ status: 78, out: "" });
    expect(ran(at)).toBe(false);
  });

  it("a directory that is not there, or none: 126, whether confined or not", () => {
    const at = scene();
    const file = at.put("home/app/file", "");
    for (const cwd of ["/nowhere/at/all", file])
      for (const more of [[], ["--settings", '{"sandbox": {"enabled": false}}']]) {
        const { status, out, err } = without(at, ...more, "--cwd", cwd, "--", "ls");
        expect({ status, out }).toEqual({ status: 126, out: "" });
        expect(err).toContain(`${cwd} is no directory; start in a directory that exists`);
        expect(err).not.toContain("cmd.read-only");
        quiet(err);
      }
  });
});

describe("the record", () => {
  it("tells who answered what, and what became of it", async () => {
    const at = scene();
    await run(at, ["--", "touch", "ran"], answers("a\r"));
    await run(at, ["--", "touch", "other"], answers("d use another\r"));
    without(at, "--", "touch", "third");
    const { out } = cordon(["audit", "tail", "--json"], { cwd: at.project, env: at.env });
    const records = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records).toMatchObject([
      {
        type: "decision",
        verdict: "ask",
        approval: { answer: "allowed", by: "terminal", scope: "once", shown: true },
      },
      {
        type: "run",
        result: { status: 0, sandbox: { kind: expect.stringMatching(/^(?:native|bubblewrap)$/) } },
      },
      { type: "decision", verdict: "ask", approval: { answer: "denied", note: "use another" } },
      { type: "decision", verdict: "ask", approval: { answer: "unavailable", by: "nobody", shown: false } },
    ]);
  });

  it("that is required and cannot be written keeps the command from running", async () => {
    const at = scene();
    at.settings({
      cordon: { audit: { path: "/dev/null/none", required: true } },
      permissions: { allow: ["Bash(touch *)"] },
    });
    const { status, err } = without(at, "--", "touch", "ran");
    expect({ status, ran: ran(at) }).toEqual({ status: 126, ran: false });
    expect(err).toContain("cordon: refused: the audit record is required and could not be written\n");
    mkdirSync(join(at.top, "log"));
    at.settings({
      cordon: { audit: { path: join(at.top, "log"), required: true } },
      permissions: { allow: ["Bash(touch *)"] },
    });
    expect(without(at, "--", "touch", "ran").status).toBe(0);
    expect(readFileSync(join(at.top, "log", readdirSync(join(at.top, "log"))[0] ?? ""), "utf8")).toContain(
      "touch ran",
    );
  });
});
