import { appendFileSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/audit.ts";
import { parseFault, printable, printableJson, type Terminal } from "../../src/cli/command.ts";
import type { Approval } from "../../src/core/layers/11-audit/record.ts";
import { enforceRetention } from "../../src/host/audit/retention.ts";
import { verifyAudit } from "../../src/host/audit/verify.ts";
import { directories, linesIn, openAt, record } from "../host/audit/temporary.ts";

const fresh = directories();

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], parts: Partial<Terminal> = {}): Promise<Outcome> {
  let [out, err] = ["", ""];
  const io: Terminal = {
    stdout: (text) => (out += text),
    stderr: (text) => (err += text),
    stdin: (async function* () {})(),
    env: {},
    cwd: () => "/",
    home: "/nowhere",
    isTerminal: false,
    interrupted: new AbortController().signal,
    ...parts,
  };
  const status = await command.run(argv, io);
  return { status, out, err };
}

/** A directory with one closed file of three decisions; and the name of the file. */
function filled(commandText = "ls"): { readonly directory: string; readonly file: string } {
  const directory = fresh();
  const log = openAt(directory);
  for (let i = 0; i < 3; i += 1)
    log.append({
      ...record(String(i), commandText),
      rule: { text: "Bash(ls)", effect: "allow", scope: "user" },
    });
  log.append({
    type: "run",
    id: "2",
    tool: "Bash",
    result: { status: 0, sandbox: { kind: "none", violations: [] } },
    duration: 1,
  });
  log.close();
  return { directory, file: log.file };
}

describe("cordon audit", () => {
  it.each([
    [[], "what to do is missing"],
    [["check"], "unknown command `check`"],
    [["verify", "--frob"], "unknown option '--frob'"],
    [["verify", "a", "b"], "more than one directory"],
    [["verify", "--against", "/nowhere/x"], "cannot be read (ENOENT)"],
    [["verify", "--against"], "argument missing"],
    [["tail", "-n", "many"], "`many` is not a number of lines"],
    [["tail", "-n", "-1"], "argument is ambiguous"],
    [["tail", "a", "b"], "more than one directory"],
    [["\u001b[2J"], "\\u{1b}[2J"],
  ])("does not understand %j", async (argv, what) => {
    const { status, out, err } = await run(argv);
    expect(status).toBe(64);
    expect(out).toBe("");
    expect(err).toContain(what);
    expect(err).toContain("\n  hint: ");
  });

  it.each([["--help"], ["verify", "--help"], ["tail", "-h"]])("helps with %s %s", async (...argv) => {
    const { status, out, err } = await run(argv);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("examples:\n");
  });

  it("says where it looked when there is no log", async () => {
    for (const verb of ["verify", "tail"]) {
      expect(await run([verb], { home: "/nowhere" })).toEqual({
        status: 1,
        out: "",
        err: "cordon audit: no log in /nowhere/.local/state/cordon/audit (ENOENT)\n  hint: nothing was recorded here yet, or the log lies where `cordon.audit.path` says\n",
      });
      expect((await run([verb, "/dev/null"])).status).toBe(1);
    }
  });
});

describe("cordon audit verify", () => {
  it("is content with a log nobody touched, named or found", async () => {
    const { directory } = filled();
    const expected = { status: 0, out: `ok: 1 files, 4 records in ${directory}\n`, err: "" };
    expect(await run(["verify", directory])).toEqual(expected);
    expect(await run(["verify", "audit"], { cwd: () => join(directory, "..") })).toEqual(expected);
    const state = join(directory, "..", "state");
    mkdirSync(join(state, "cordon", "audit"), { recursive: true });
    expect((await run(["verify"], { env: { XDG_STATE_HOME: state } })).out).toContain("ok: 0 files");
  });

  it("names file and line of the damage", async () => {
    const { directory, file } = filled();
    const path = join(directory, file);
    const lines = linesIn(directory, file).map((line, i) => (i === 2 ? line.replace('"ls"', '"id"') : line));
    writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
    const { status, out } = await run(["verify", directory]);
    expect(status).toBe(1);
    expect(out).toBe(
      `${file}:3 altered: its hash is not that of its text\nDAMAGED: 1 files, 1 records in ${directory}\n`,
    );
    const json = await run(["verify", directory, "--json"]);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ directory, damage: [{ file, line: 3 }] });
  });

  it("says on stderr what is no damage", async () => {
    const { directory, file } = filled();
    appendFileSync(join(directory, file), "{");
    const { status, err } = await run(["verify", directory]);
    expect(status).toBe(0);
    expect(err).toBe(
      `note: ${file}:7 unfinished: its writer was killed while writing it, or is writing now\n`,
    );
  });

  it("compares with saved heads", async () => {
    const { directory, file } = filled();
    const saved = join(directory, "..", "heads.json");
    writeFileSync(saved, (await run(["verify", directory, "--json"])).out);
    expect((await run(["verify", directory, "--against", saved])).status).toBe(0);
    rmSync(join(directory, file));
    const { status, out } = await run(["verify", directory, "--against", saved]);
    expect(status).toBe(1);
    expect(out).toContain(`${file} is gone; a head that was saved knew it with 6 lines`);
    for (const wrong of ["[]", "{}", '{"files":[1]}', '{"files":[{"file":"../x","lines":1,"hash":""}]}']) {
      writeFileSync(saved, wrong);
      expect((await run(["verify", directory, "--against", saved])).status).toBe(64);
    }
  });
});

describe("cordon audit tail", () => {
  it("prints a table of decisions", async () => {
    const { directory } = filled();
    const { status, out, err } = await run(["tail", "-n", "2", directory]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toBe(
      "time (UTC)            verdict  answer          layer/code                        command\n" +
        "2025-01-31 12:00:04   allow    -               command/cmd.read-only             ls  [Bash(ls)]\n" +
        "2025-01-31 12:00:05   allow    -               command/cmd.read-only             ls  [Bash(ls)]\n",
    );
  });

  it("shows how a question ended, and by whom", async () => {
    const directory = fresh();
    const log = openAt(directory);
    const waited = { shown: true, waited: 5 };
    const ends: readonly (readonly [string, Approval | undefined])[] = [
      ["allow/terminal", { answer: "allowed", by: "terminal", scope: "once", ...waited }],
      ["deny/remote", { answer: "denied", by: "remote", ...waited }],
      ["timeout", { answer: "timeout", by: "nobody", ...waited }],
      ["nobody", { answer: "unavailable", by: "nobody", ...waited }],
      ["to agent", undefined],
    ];
    for (const [i, [, approval]] of ends.entries())
      log.append({ ...record(String(i)), verdict: "ask", approval });
    for (const verb of ["tail", "query"]) {
      const { out } = await run([verb, directory]);
      const shown = out.split("\n").slice(1, -1);
      expect(shown.map((row) => row.slice(22, 45).trimEnd())).toEqual(
        ends.map(([text]) => `ask      ${text}`),
      );
    }
  });

  it("shortens the command and not the rule on a terminal", async () => {
    const { directory } = filled("echo ".repeat(50));
    const { out } = await run(["tail", "-n", "1", directory], { isTerminal: true, columns: 120 });
    const row = out.split("\n")[1] ?? "";
    expect(row).toHaveLength(120);
    expect(row.endsWith("...  [Bash(ls)]")).toBe(true);
  });

  it("lets no character of a command act on the terminal", async () => {
    const { directory } = filled("\u001b]0;x\u0007 a\nb \u202e \u200b \u009b31m");
    const { out } = await run(["tail", directory]);
    expect(out).toContain("\\u{1b}]0;x\\u{7} a\\nb \\u{202e} \\u{200b} \\u{9b}31m");
    const json = await run(["tail", directory, "--json"]);
    for (const char of "\u001b\u202e\u200b\u009b") expect(json.out).not.toContain(char);
    expect(JSON.parse(json.out.split("\n")[0] ?? "").input.command).toBe(
      "\u001b]0;x\u0007 a\nb \u202e \u200b \u009b31m",
    );
  });

  it("prints decisions and runs as JSON", async () => {
    const { directory } = filled();
    const { out } = await run(["tail", "--json", "-n", "2", directory]);
    const rows = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([
      { type: "decision", id: "2" },
      { type: "run", id: "2" },
    ]);
  });

  it("points to verify when lines cannot be read", async () => {
    const { directory, file } = filled();
    appendFileSync(join(directory, file), "garbage\n");
    expect((await run(["tail", directory])).err).toBe(
      "cordon audit: 1 lines are no records; run `cordon audit verify`\n",
    );
  });

  it("follows until it is interrupted, also before there is a log", async () => {
    const directory = fresh();
    const stop = new AbortController();
    let printed = "";
    const done = run(["tail", "--follow", directory], {
      interrupted: stop.signal,
      stdout: (text) => {
        printed += text;
        if (text.includes("touch a")) stop.abort();
      },
    });
    openAt(directory, { writer: "shared" }).append(record("1", "touch a"));
    expect((await done).status).toBe(0);
    expect(printed).toContain("touch a");
  });

  it("follows into the file of the next day, and past the removal of the last", async () => {
    const directory = fresh();
    const stop = new AbortController();
    const midnight = Date.UTC(2025, 1, 1);
    let now = midnight - 1;
    const log = openAt(directory, { writer: "shared", clock: () => now });
    log.append(record("0", "touch before"));
    const removed: string[] = [];
    let printed = "";
    const done = run(["tail", "--follow", "-n", "1", directory], {
      interrupted: stop.signal,
      stdout: (text) => {
        printed += text;
        if (text.includes("touch before")) log.append(record("1", "touch in-time"));
        if (text.includes("touch in-time")) {
          now = midnight;
          log.append(record("2", "touch next-day"));
        }
        if (text.includes("touch next-day")) {
          const old = join(directory, "20250131-shared.jsonl");
          utimesSync(old, midnight / 1_000, midnight / 1_000);
          now = midnight + 3 * 86_400_000;
          removed.push(...enforceRetention({ directory, days: 2, clock: () => now }));
          log.append(record("3", "touch late"));
        }
        if (text.includes("touch late")) stop.abort();
      },
    });
    const { status, err } = await done;
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(removed).toEqual(["20250131-shared.jsonl"]);
    expect(printed.match(/touch [\w-]+/g)).toEqual([
      "touch before",
      "touch in-time",
      "touch next-day",
      "touch late",
    ]);
    expect(verifyAudit(directory).damage).toEqual([]);
  });
});

describe("printable", () => {
  it("escapes what acts and keeps what is written", () => {
    expect(printable("a\tb\\n \u{1F600} e\u0301 \u05D0")).toBe("a\\tb\\n \u{1F600} e\u0301 \u05D0");
    expect(printable("\u{e0041}\ud800\u00ad\u2028\ufeff")).toBe(
      "\\u{e0041}\\u{d800}\\u{ad}\\u{2028}\\u{feff}",
    );
    expect(printableJson('{"a":"\u{e0041}\u007f"}\n')).toBe('{"a":"\\udb40\\udc41\\u007f"}\n');
  });

  it("knows errors of the command line from others", () => {
    expect(parseFault(new TypeError("x"))).toBeUndefined();
    expect(parseFault("x")).toBeUndefined();
  });
});
