import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hookCommand, isHookCommand } from "../../../src/agents/claude-code/hook-command.ts";

const top = mkdtempSync(join(tmpdir(), "cordon-hook-command-"));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** A launcher below a directory with a name of its own. */
function launcher(directory: string, script: string): string {
  mkdirSync(join(top, directory), { recursive: true });
  const file = join(top, directory, "cordon");
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

function run(
  line: string,
  input = "payload",
): { readonly status: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", line], { input, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

const ECHO = 'printf "%s|" "$@"; cat';
const PLACES = [
  "plain",
  "with blanks",
  "it's",
  `"both" 'kinds'`,
  "$HOME `id` $(id)",
  "back\\slash",
  "new\nline",
  "ü\u{1F600}",
  "-dash",
  "a;b&c|d",
];

describe.each([[true], [false]])("the line the agent runs (timeout: %s)", (hasTimeout) => {
  it.each(PLACES)(
    "reaches a launcher in %j with its arguments and input, and hands its answer on",
    (place) => {
      expect(run(hookCommand(launcher(place, ECHO), hasTimeout))).toEqual({
        status: 0,
        out: "hook|claude-code|pre-tool-use|payload",
        err: "",
      });
    },
  );
  it.each([
    ["exit 1", 1],
    ["exit 2", 2],
    ["exit 70", 70],
    ["exit 126", 126],
    ["echo '{}'; exit 3", 3],
    ["kill -KILL $$", 137],
    ["kill -SEGV $$", 139],
  ])("blocks where the launcher does `%s`", (script) => {
    const { status, err } = run(hookCommand(launcher("broken", script), hasTimeout));
    expect(status).toBe(2);
    expect(err).toContain("cordon: gate failed");
  });
  it("blocks where the launcher is missing, no program, or a directory", () => {
    const file = launcher("no program", "exit 0");
    writeFileSync(join(top, "text"), "exit 0\n", { mode: 0o644 });
    for (const path of [`${file}.gone`, join(top, "text"), top]) {
      const { status, err } = run(hookCommand(path, hasTimeout));
      expect(status).toBe(2);
      expect(err).toContain("cordon: gate failed");
    }
  });
  it("is known again, wherever it leads", () => {
    for (const place of PLACES)
      expect(isHookCommand(hookCommand(join(top, place, "cordon"), hasTimeout))).toBe(true);
  });
});

it("ends a launcher that is stuck", () => {
  const line = hookCommand(launcher("stuck", "sleep 100"), true);
  expect(line).toContain("timeout -s KILL 55 ");
  const started = performance.now();
  expect(run(line.replace("KILL 55", "KILL 1"))).toMatchObject({ status: 2 });
  expect(performance.now() - started).toBeLessThan(20_000);
});

it.each([
  "cordon hook claude-code pre-tool-use",
  "sh -c 'echo hi'",
  `my-gate hook claude-code pre-tool-use || { echo "cordon: gate failed" >&2; exit 2; }'`,
  `sh -c 'x hook claude-code pre-tool-use || { echo "cordon: gate failed" >&2; exit 2; }'; true`,
])("does not take `%s` for its own", (line) => expect(isHookCommand(line)).toBe(false));
