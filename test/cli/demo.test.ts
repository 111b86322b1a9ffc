import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Ended, ROOT, cordon, quiet } from "./program.ts";
import { type Step, onTerminal } from "./pty.ts";
import { type Scene, scene } from "./scene.ts";

const GOLDEN = join(ROOT, "test/transcripts/demo.txt");

/** A scene whose temporary directory is its own, so that what is left there can be seen. */
const place = (): {
  readonly at: Scene;
  readonly env: Record<string, string>;
  readonly temporary: string;
} => {
  const at = scene();
  const temporary = join(at.top, "tmp");
  mkdirSync(temporary);
  return { at, temporary, env: { ...at.env, TMPDIR: temporary } };
};

/** Without what is not the same everywhere: names of commits, where bash lies, whether there is curl. */
const steady = (text: string): string =>
  text
    .replaceAll(/\b[0-9a-f]{7}\b/g, "0123abc")
    .replaceAll(/(?:\/usr)?\/bin\/bash: line/g, "bash: line")
    .replace("bash: line 1: curl: command not found", "curl: (6) Could not resolve host: get.example");

describe("cordon demo", () => {
  it("--yes plays what the transcript shows", () => {
    const { at, env, temporary } = place();
    const { status, out, err } = cordon(["demo", "--yes"], { cwd: at.project, env });
    expect({ status, err }).toEqual({ status: 0, err: "" });
    // The transcript is made by running this test with CORDON_TRANSCRIPTS=write.
    if (process.env["CORDON_TRANSCRIPTS"] === "write") writeFileSync(GOLDEN, steady(out));
    expect(steady(out)).toBe(readFileSync(GOLDEN, "utf8"));
    // Nothing is left, here or in the home directory.
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(at.home)).toEqual(["app"]);
    expect(readdirSync(at.project)).toEqual([]);
  });

  it("without a terminal takes every question for a no", () => {
    const { at, env, temporary } = place();
    const { status, out, err }: Ended = cordon(["demo"], { cwd: at.project, env });
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const golden = readFileSync(GOLDEN, "utf8").split("\n");
    // The same calls and the same verdicts; what asked is not done.
    const verdicts = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => /^( ?\d+ {2}| {4}(?:allow|ask {2}|deny ) by )/.test(line));
    expect(verdicts(out.split("\n"))).toEqual(verdicts(golden));
    expect(verdicts(golden)).toHaveLength(24);
    for (const answer of out.split(/^(?= ?\d+ {2})/m).filter((step) => / {4}ask {3}by /.test(step)))
      expect(answer).toMatch(/-> not (?:run|done): .*nobody is there to ask\n/);
    expect(out).toMatch(
      /\n4 ran, 8 did not, 6 asked\. The home directory is untouched\. The audit trail verifies\.\n$/,
    );
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("asks on a terminal, and does what is answered", async () => {
    const { at, env, temporary } = place();
    const answer = (send: string): Step => ({ expect: "answer [d]: ", send });
    const steps = ["a\r", "d\r", "\r", "a\r", "no\r", "d\r"].map(answer);
    const { status, screen } = await onTerminal(["demo"], steps, { cwd: at.project, env });
    expect(status).toBe(0);
    expect(screen).toContain("\r\n6 ran, 6 did not, 6 asked. ");
    expect(screen.split("cordon asks")).toHaveLength(7);
    expect(readdirSync(temporary)).toEqual([]);
    quiet(screen);
  });

  it("ends where it is interrupted, and leaves nothing", async () => {
    const { at, env, temporary } = place();
    const steps: readonly Step[] = [{ expect: "answer [d]: ", send: "\u0003" }];
    const { status, screen } = await onTerminal(["demo"], steps, { cwd: at.project, env });
    expect(status).toBe(130);
    expect(screen).not.toContain(" 8  Bash");
    expect(readdirSync(temporary)).toEqual([]);
    quiet(screen);
  });

  it("--keep says where the repository is, and a repository of the person's is none of its business", () => {
    const { at, env, temporary } = place();
    const variables = { GIT_DIR: join(at.project, ".git"), GIT_WORK_TREE: at.project };
    const { status, out } = cordon(["demo", "--yes", "--keep"], {
      cwd: at.project,
      env: { ...env, ...variables },
    });
    expect(status).toBe(0);
    const kept = /\nkept in (\S+)\n$/.exec(out)?.[1] ?? "";
    expect(kept.startsWith(temporary)).toBe(true);
    expect(existsSync(join(kept, "project/.git"))).toBe(true);
    expect(readdirSync(at.project)).toEqual([]);
    expect(readFileSync(join(kept, "outside.txt"), "utf8")).toBe("hello\n");
  });

  it("says what it lacks", () => {
    const { at, env } = place();
    const nowhere = cordon(["demo", "--yes"], {
      cwd: at.project,
      env: { ...env, TMPDIR: join(at.top, "none") },
    });
    expect(nowhere).toMatchObject({ status: 64, out: "" });
    expect(nowhere.err).toMatch(
      /^cordon demo: no temporary directory can be made in .*\n {2}hint: set TMPDIR /,
    );
    expect(cordon(["demo", "--frob"], { cwd: at.project, env })).toMatchObject({ status: 64, out: "" });
    expect(cordon(["demo", "now"], { cwd: at.project, env })).toMatchObject({ status: 64, out: "" });
  });
});
