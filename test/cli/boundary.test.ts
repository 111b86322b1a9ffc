import { existsSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { probeSandbox } from "../../src/host/sandbox/linux/probe.ts";
import { cordon, shell } from "./program.ts";
import { type Screen, type Step, onTerminal } from "./pty.ts";
import { type Scene, scene } from "./scene.ts";

const available = probeSandbox().kind === "available";
if (!available) console.warn("boundary: SKIPPED, there is no sandbox here");

const GATE = "  [a] allow once";
const BOUNDARY = "open what the sandbox refused?";
const ANSWER = "answer [d]: ";

/** The gate has no question in this mode; what the sandbox refused is asked about. */
const allowedThen = (...keys: readonly string[]): readonly Step[] => [
  { expect: BOUNDARY },
  ...keys.map((send): Step => ({ expect: ANSWER, send })),
];

const run = (at: Scene, text: string, steps: readonly Step[], mode = "bypassPermissions"): Promise<Screen> =>
  onTerminal(["run", "--session", "s", "--mode", mode, "--", text], steps, {
    cwd: at.project,
    env: at.env,
    columns: 160,
  });
const quiet = (at: Scene, text: string): ReturnType<typeof cordon> =>
  cordon(["run", "--session", "s", "--", text], { cwd: at.project, env: at.env });
const inHome = (at: Scene, name: string): string => readFileSync(join(at.home, name), "utf8");

function stage(): Scene {
  const at = scene();
  at.put("home/note", "old\n");
  at.put("home/other", "old\n");
  at.put("home/.bashrc", "# start\n");
  return at;
}

describe.skipIf(!available)("a refused write, at a terminal", () => {
  it("is asked about with command, path and reason, and runs again once", async () => {
    const at = stage();
    const { status, screen } = await run(at, "echo x >> ~/note", allowedThen("a\r"));
    const shown = screen.replaceAll(at.top, "").replaceAll("\r\n", "\n");
    expect(shown).toContain("note: Read-only file system");
    expect(shown.slice(shown.indexOf(BOUNDARY), shown.lastIndexOf(ANSWER))).toBe(
      [
        BOUNDARY,
        "  command  echo x >> ~/note",
        "  where    /home/app",
        "  write    ~/note",
        "  why      it lies outside the directories that commands may write to (sandbox.filesystem.allowWrite)",
        "  told by  what the command printed; it may not be true",
        "  [a] once: runs it again, with this opened and nothing else",
        "  [s]      for this session, and run it again: Edit(//home/note)",
        "  [A]      always in this project: saved in /home/app/.cordon/settings.local.json",
        "  [d] deny; a word for the agent may follow (`d write into the project`)",
        "  no answer within 300 seconds is a no",
        "",
      ].join("\n"),
    );
    expect({ status, note: inHome(at, "note") }).toEqual({ status: 0, note: "old\nx\n" });
    // Nothing was kept of it.
    expect(quiet(at, "echo y >> ~/note").status).toBe(126);
    expect(existsSync(join(at.project, ".cordon"))).toBe(false);
  });

  it("opens nothing else: what lies beside it stays closed", async () => {
    const at = stage();
    const { status, screen } = await run(at, "echo x | tee ~/note ~/other", [...allowedThen("a\r")]);
    // Both were named, and both are opened; a third one is not.
    expect({ status, asked: screen.split("  write    ").length }).toEqual({ status: 0, asked: 3 });
    expect([inHome(at, "note"), inHome(at, "other"), inHome(at, ".bashrc")]).toEqual([
      "x\n",
      "x\n",
      "# start\n",
    ]);
  });

  it("holds for the session, for that path alone", async () => {
    const at = stage();
    await run(at, "echo x >> ~/note", allowedThen("s\r"));
    expect(quiet(at, "echo y >> ~/note")).toMatchObject({ status: 0 });
    expect(inHome(at, "note")).toBe("old\nx\ny\n");
    expect(quiet(at, "echo y >> ~/other").status).toBe(126);
    const elsewhere = cordon(["run", "--session", "t", "--", "echo z >> ~/note"], {
      cwd: at.project,
      env: at.env,
    });
    expect({ status: elsewhere.status, note: inHome(at, "note") }).toEqual({
      status: 126,
      note: "old\nx\ny\n",
    });
  });

  it("is kept in the project after a second yes", async () => {
    const at = stage();
    const steps = [...allowedThen("A\r"), { expect: "save this? [y/N]: ", send: "y\r" }];
    const { status } = await run(at, "echo x >> ~/note", steps);
    const file = join(at.project, ".cordon/settings.local.json");
    expect(status).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      permissions: { allow: [`Edit(/${at.home}/note)`] },
    });
    const again = cordon(["run", "--session", "t", "--", "echo y >> ~/note"], {
      cwd: at.project,
      env: at.env,
    });
    expect({ status: again.status, note: inHome(at, "note") }).toEqual({ status: 0, note: "old\nx\ny\n" });
  });

  it.each([["d\r"], ["\r"], ["d write into the project\r"], ["q\rq\rq\r"]])(
    "is a no to %j, and the refusal is told",
    async (keys) => {
      const at = stage();
      const { status, screen } = await run(at, "echo x >> ~/note", allowedThen(...keys.split(/(?<=\r)/)));
      expect({ status, note: inHome(at, "note") }).toEqual({ status: 1, note: "old\n" });
      expect(screen).toContain("cordon: write to ~/note was refused by the sandbox: ");
      if (keys.includes("project")) expect(screen).toContain("the person said no: write into the project");
    },
  );

  it("is warned about where others obey the file, and is never kept in the project", async () => {
    const at = stage();
    const { status, screen } = await run(at, "echo x >> ~/.bashrc", allowedThen("A\r", "a\r"));
    expect(screen).toContain("obeyed OUTSIDE the sandbox");
    expect(screen).not.toContain("[A]      always");
    expect({ status, file: inHome(at, ".bashrc") }).toEqual({ status: 0, file: "# start\nx\n" });
  });

  it("makes a file that was not there, and leaves none behind that nobody wrote", async () => {
    const at = stage();
    await run(at, "echo x > ~/new", allowedThen("a\r"));
    expect(inHome(at, "new")).toBe("x\n");
    const { screen } = await run(at, "mkdir -p ~/made/below && false", [...allowedThen("a\r")]);
    expect(screen).toContain("  write    ~/made\r\n");
    expect(statSync(join(at.home, "made/below")).isDirectory()).toBe(true);
    await run(at, "cat ~/absent > ~/empty", allowedThen("a\r"));
    expect(existsSync(join(at.home, "empty"))).toBe(false);
  });

  it("is not run again where it is not known what it did before", async () => {
    const at = stage();
    at.put("home/app/work.sh", "echo once >> log; echo x >> ~/note\n");
    const { screen } = await run(at, "sh ./work.sh", allowedThen("a\r", "s\r"));
    expect(screen).toContain("so it is not run again by itself");
    expect(screen).toContain("what was refused is open now; run the command again");
    expect(readFileSync(join(at.project, "log"), "utf8")).toBe("once\n");
    expect(inHome(at, "note")).toBe("old\n");
    const { status } = await run(at, "sh ./work.sh", []);
    expect({ status, note: inHome(at, "note") }).toEqual({ status: 0, note: "old\nx\n" });
  });
});

describe.skipIf(!available)("a write outside that the gate asked about", () => {
  const yes: readonly Step[] = [{ expect: GATE }, { expect: ANSWER, send: "a\r" }];

  it("is open in the sandbox after the yes, without a second question, and nothing else is", async () => {
    const at = stage();
    const { status, screen } = await run(at, "echo x >> ~/note; echo x > ~/new", yes, "default");
    expect(screen).not.toContain(BOUNDARY);
    expect({ status, note: inHome(at, "note"), made: inHome(at, "new") }).toEqual({
      status: 0,
      note: "old\nx\n",
      made: "x\n",
    });
    at.put("home/app/more.sh", "echo x >> ~/other\n");
    await run(at, "echo y >> ~/note; sh ./more.sh || true", yes, "default");
    expect([inHome(at, "note"), inHome(at, "other")]).toEqual(["old\nx\ny\n", "old\n"]);
    // The yes was for once.
    expect(quiet(at, "echo z >> ~/note").status).toBe(126);
  });

  it("opens nothing through a link that stands in its place", async () => {
    const at = stage();
    symlinkSync(join(at.home, "other"), join(at.home, "lead"));
    const { screen } = await run(at, "echo x >> ~/lead || true", yes, "default");
    expect(screen).toContain("Read-only file system");
    expect(inHome(at, "other")).toBe("old\n");
  });
});

describe.skipIf(!available)("what a command prints", () => {
  it("asks for no credential store and no guard", async () => {
    const at = stage();
    at.put("home/.ssh/id_rsa", "secret");
    at.put(
      "home/app/look.sh",
      "cat ~/.ssh/id_rsa; mkdir -p .cordon; echo x > ~/.config/cordon/settings.json\n",
    );
    const { screen } = await run(at, "sh ./look.sh", []);
    expect(screen).not.toContain(BOUNDARY);
    expect(screen).toMatch(/cordon: read of ~\/\.ssh\/id_rsa was refused by the sandbox: .*credential store/);
    expect(screen).not.toContain("secret");
  });

  it("is never printed raw, and opens nothing that the plan does not close", async () => {
    const at = stage();
    const lie = String.raw`printf "touch: cannot touch '%s/a\033]0;pwned\007b': Read-only file system\n" ~ >&2; printf "cat: /etc/hosts: No such file or directory\n" >&2; exit 1`;
    at.put("home/app/lie.sh", `${lie}\n`);
    const { screen } = await run(at, "sh ./lie.sh", allowedThen("d\r"));
    expect(screen).not.toContain("\u001b]0;");
    expect(screen).not.toContain("\u0007");
    expect(screen).toContain(String.raw`~/a\u{1b}]0;pwned\u{7}b`);
    expect(screen).not.toContain("  read ");
  });
});

describe.skipIf(!available)("without a terminal", () => {
  it("a refusal is told in the same words, with how to ask for it, and recorded", () => {
    const at = stage();
    at.settings({ permissions: { allow: ["Bash(sh *)"] } });
    at.put("home/app/work.sh", "echo x >> ~/note; cat ~/.netrc\n");
    at.put("home/.netrc", "secret");
    const { status, err } = quiet(at, "sh ./work.sh");
    const told =
      "write to ~/note was refused by the sandbox: it lies outside the directories that commands may write to (sandbox.filesystem.allowWrite); ask for it with `cordon sandbox --write ~/note -- COMMAND`, or have the person add it to `sandbox.filesystem.allowWrite`";
    expect(status).toBe(1);
    expect(err).toContain(`cordon: ${told}\n`);
    const log = (...more: readonly string[]): string =>
      cordon(["audit", "tail", ...more], { cwd: at.project, env: at.env }).out;
    const runs = log("--json")
      .split("\n")
      .flatMap((line) => (line.includes('"type":"run"') ? [JSON.parse(line) as unknown] : []));
    expect(runs).toMatchObject([
      {
        result: {
          status: 1,
          sandbox: {
            refusals: [
              {
                kind: "write",
                subject: join(at.home, "note"),
                rule: "sandbox.filesystem.allowWrite",
                why: "it lies outside the directories that commands may write to",
                certain: false,
              },
              { kind: "read", subject: join(at.home, ".netrc"), rule: "the credential store `~/.netrc`" },
            ],
          },
        },
      },
    ]);
    expect(log()).toMatch(
      /sandbox {2}- +refused\/write +\S+\/home\/note {2}\[sandbox\.filesystem\.allowWrite\] {2}and 1 more\n$/,
    );
  });

  it("is seen wherever standard error goes: a pipe, the pipe of the output, a file", () => {
    const at = stage();
    at.put("home/app/work.sh", "echo before >&2; echo x >> ~/note\n");
    const line = `"$NODE" "$CORDON" sandbox -- 'sh ./work.sh'`;
    const told = "cordon: write to ~/note was refused by the sandbox";
    const around = { cwd: at.project, env: at.env };
    expect(shell(line, around).err).toContain(told);
    expect(shell(`${line} 2>&1 | cat`, around).out).toContain(told);
    shell(`echo earlier > log; ${line} >> log 2>&1`, around);
    const log = readFileSync(join(at.project, "log"), "utf8").split("\n");
    expect(log.slice(0, 2)).toEqual(["earlier", "before"]);
    expect(log.at(-2)).toContain(told);
  });

  it("opens for one command what the person names, and says what it does not open", () => {
    const at = stage();
    const sandbox = (...argv: readonly string[]): ReturnType<typeof cordon> =>
      cordon(["sandbox", ...argv], { cwd: at.project, env: at.env });
    expect(sandbox("--write", "~/note", "--", "echo x >> ~/note").status).toBe(0);
    expect(inHome(at, "note")).toBe("old\nx\n");
    expect(sandbox("--", "echo x >> ~/note").status).toBe(1);
    expect(sandbox("--write", "~/made/", "--", "echo x > ~/made/a").status).toBe(0);
    expect(inHome(at, "made/a")).toBe("x\n");
    at.put("home/.config/cordon/keep", "");
    const guard = sandbox("--write", "~/.config/cordon/settings.json", "--", "true");
    expect(guard.err).toMatch(/settings\.json was not opened: /);
    expect(existsSync(join(at.home, ".config/cordon/settings.json"))).toBe(false);
    const store = sandbox("--write", "~/.ssh/authorized_keys", "--", "echo x >> ~/.ssh/authorized_keys");
    expect(store.status).not.toBe(0);
    expect(existsSync(join(at.home, ".ssh"))).toBe(false);
  });

  it("is told and recorded for a command that the hook sent into the sandbox", () => {
    const at = stage();
    at.settings({
      cordon: { hook: { rewriteIntoSandbox: true } },
      sandbox: { autoAllowBashIfSandboxed: true },
    });
    at.put("home/app/work.sh", "echo x >> ~/note\n");
    const around = { cwd: at.project, env: at.env };
    const payload = {
      cwd: at.project,
      session_id: "s",
      tool_name: "Bash",
      tool_input: { command: "sh ./work.sh" },
    };
    const answer = cordon(["hook", "claude-code"], { ...around, input: JSON.stringify(payload) }).out;
    const line = /"command":"((?:[^"\\]|\\.)*)"/.exec(answer)?.[1] ?? "";
    const { err } = shell(JSON.parse(`"${line}"`) as string, around);
    expect(err).toContain("cordon: write to ~/note was refused by the sandbox: ");
    const records = cordon(["audit", "tail", "--json"], around)
      .out.split("\n")
      .flatMap((text) => (text === "" ? [] : [JSON.parse(text) as { id: string }]));
    expect(records).toMatchObject([
      { type: "decision", verdict: "allow", sandboxed: true },
      { type: "run", result: { sandbox: { refusals: [{ kind: "write", subject: join(at.home, "note") }] } } },
    ]);
    expect(records[0]?.id).toBe(records[1]?.id);
  });

  it("keeps the order of what goes to one place, and says nothing of a command that succeeds", () => {
    const at = stage();
    const script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; cat ~/absent; true";
    at.settings({ permissions: { allow: ["Bash"] } });
    at.put("home/app/both.sh", `${script}\n`);
    const { status, out } = cordon(["sandbox", "--", "sh ./both.sh 2>&1"], { cwd: at.project, env: at.env });
    expect({ status, lines: out.split("\n").slice(0, 4) }).toEqual({
      status: 0,
      lines: ["out 1", "err 1", "out 2", "err 2"],
    });
  });
});
