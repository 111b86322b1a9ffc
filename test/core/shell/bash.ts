import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs each text, read NUL by NUL and patterns left as they are, with `argv` as a function that prints its arguments; nothing else can run. */
const RUNNER = `
argv() { [ $# -eq 0 ] || printf '%s\\x01' "$@"; printf '\\x02'; }
while IFS= read -r -d '' text; do
  ( set -f; eval "$text" ) 2>/dev/null </dev/null
  printf '\\x03%s\\x04' "$?"
done
`;

/** What bash made of one text: the arguments of every call of \`argv\`, in order. */
export interface BashRun {
  readonly calls: readonly (readonly string[])[];
  readonly status: number;
}

/** Lets a real bash read texts, in an empty directory (shown as `/empty`) with HOME=/home/user and no programs in reach. */
export function runInBash(texts: readonly string[]): readonly BashRun[] {
  const directory = mkdtempSync(join(tmpdir(), "cordon-bash-"));
  try {
    const { stdout, status, error } = spawnSync("/bin/bash", ["--noprofile", "--norc", "-c", RUNNER], {
      cwd: directory,
      env: { HOME: "/home/user", PATH: "/nonexistent", LC_ALL: "C.UTF-8" },
      input: texts.map((text) => `${text}\0`).join(""),
      encoding: "utf8",
      maxBuffer: 1 << 28,
      timeout: 120_000,
    });
    if (error !== undefined || status !== 0) throw error ?? new Error(`bash ended with ${String(status)}`);
    return stdout
      .split("\u0004")
      .slice(0, -1)
      .map((record) => {
        const [out = "", code = ""] = record.split("\u0003");
        const calls = out
          .split("\u0002")
          .slice(0, -1)
          .map((call) => call.replaceAll(directory, "/empty").split("\u0001").slice(0, -1));
        return { calls, status: Number(code) };
      });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
