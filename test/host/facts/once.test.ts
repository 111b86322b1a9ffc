/** What a call rests on is looked up once, counted where the program meets the system. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "../../cli/program.ts";
import { type Faulty, type Seen, openFaulty } from "../faults/preload.ts";

describe.skipIf(process.platform !== "linux")("what a call rests on", () => {
  let top: string;
  let faulty: Faulty;
  beforeAll(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), "cordon-once-")));
    for (const name of ["a", "b", "c"].flatMap((each) => [`deep/er/${each}.ts`, `other/${each}.ts`])) {
      const file = join(top, "app", name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "x\n");
    }
    writeFileSync(join(top, "app/package.json"), "{}\n");
    symlinkSync("deep/er", join(top, "app/link"));
    mkdirSync(join(top, "app/.git"));
    writeFileSync(join(top, "app/.git/HEAD"), "ref: refs/heads/main\n");
    faulty = openFaulty({ program: PROGRAM, source: join(import.meta.dirname, "../faults/fault.c") });
  });
  afterAll(() => {
    faulty?.remove();
    rmSync(top, { recursive: true, force: true });
  });

  /** Every look below the project, without those for settings. */
  const looksOf = (tool: string, input: object): readonly Seen[] => {
    const settings = JSON.stringify({ permissions: { deny: ["Read(./deep/er/c.ts)"] } });
    const argv = [
      "check",
      "--no-ambient",
      "--settings",
      settings,
      "--tool",
      tool,
      "--input",
      JSON.stringify(input),
    ];
    const cwd = join(top, "app");
    const env = { HOME: top, PATH: process.env["PATH"] ?? "/usr/bin:/bin" };
    const { calls } = faulty.trace(argv, { under: [cwd], move: "", cwd, env });
    // What is opened is looked at before and after, and read up to its end.
    return calls.filter(
      ({ kind, path }) =>
        /^(?:stat|readlink|open|readdir)$/.test(kind) && !/^stat .*\.git/.test(`${kind} ${path}`),
    );
  };
  const repeated = (calls: readonly Seen[]): readonly string[] => {
    const names = calls.map(({ kind, path }) => `${kind} ${path}`);
    return names.filter((name, index) => names.indexOf(name) !== index);
  };

  it.each([
    ["Bash", { command: "cat deep/er/a.ts" }],
    ["Bash", { command: "cat deep/er/a.ts deep/er/a.ts ./deep/er/a.ts" }],
    ["Bash", { command: "cat deep/er/a.ts deep/er/b.ts other/a.ts && head other/b.ts other/none/at/all" }],
    ["Bash", { command: `cat ${Array.from({ length: 100 }, (_, at) => `deep/er/f${at}`).join(" ")}` }],
    ["Bash", { command: "cat deep/er/*.ts other/*.ts" }],
    ["Bash", { command: "git push origin; git push origin" }],
    ["Read", { file_path: "deep/er/a.ts" }],
    ["Grep", { pattern: "x", path: "deep" }],
  ])("is looked up once: %s %j", (tool, input) => {
    const calls = looksOf(tool, input);
    expect(calls.length).toBeGreaterThan(0);
    expect(repeated(calls)).toEqual([]);
  });

  it("is, where links are followed, looked up by name once, and then where the kernel comes to", () => {
    const calls = looksOf("Bash", { command: "cat link/a.ts link/b.ts link/a.ts" });
    const targets = calls.filter(({ kind }) => kind === "readlink");
    expect(targets.map(({ path }) => path)).toEqual([join(top, "app/link")]);
    // `stat` is both a look at the name and the kernel's own way to it.
    expect(repeated(calls).toSorted()).toEqual(
      ["a", "b"].map((name) => `stat ${join(top, `app/deep/er/${name}.ts`)}`),
    );
  });
});
