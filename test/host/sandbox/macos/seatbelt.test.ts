import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planForSeatbelt } from "../../../../src/core/layers/9-sandbox/seatbelt-plan.ts";
import type { SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import type { Start } from "../../../../src/host/sandbox/backend.ts";
import { runConfined } from "../../../../src/host/sandbox/linux/run.ts";
import { findSeatbelt, seatbeltFault } from "../../../../src/host/sandbox/macos/probe.ts";
import {
  seatbeltArguments,
  seatbeltBackend,
  shellLine,
} from "../../../../src/host/sandbox/macos/seatbelt.ts";
import { factsOf, policyWith, WORLD } from "../../../core/layers/9-sandbox/made.ts";

// There is no Mac here. What is said to `sandbox-exec`, and what is made of its answers, is tried with
// a stand-in that takes the same arguments and confines nothing.

let base: string;
let standIn: string;
let broken: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "cordon-seatbelt-"));
  chmodSync(base, 0o755);
  mkdirSync(join(base, "ws"));
  standIn = join(base, "sandbox-exec");
  writeFileSync(
    standIn,
    `#!/bin/bash
while :; do case $1 in -D) echo "$2" >> "$(dirname "$0")/parameters"; shift 2;; -p) printf %s "$2" > "$(dirname "$0")/profile"; shift 2;; *) break;; esac; done
exec "$@"
`,
    { mode: 0o755 },
  );
  broken = join(base, "broken");
  writeFileSync(broken, `#!/bin/bash\necho "sandbox-exec: profile: syntax error" >&2\nexit 65\n`, {
    mode: 0o755,
  });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function planOf(limits: Parameters<typeof policyWith>[0]["limits"] = {}): SandboxPlan {
  const policy = policyWith({ limits });
  const place = {
    root: `${base}/ws`,
    cwd: `${base}/ws`,
    home: "/home/u",
    state: "/home/u/s",
    user: { uid: 1, gid: 1 },
  };
  const world = { ...WORLD, [`${base}/ws`]: "directory" as const };
  const facts = factsOf(policy, world, {
    place,
    machine: { arch: "arm64", bash: "/bin/bash", rung: "seatbelt" },
  });
  const plan = sandboxPlan(policy, place, facts);
  if (plan.kind !== "plan") throw new Error(plan.why);
  return planForSeatbelt(plan);
}

const run = (
  argv: readonly string[],
  options: Partial<Start> & { readonly timeLimit?: number } = {},
  program: string = standIn,
): ReturnType<typeof runConfined> =>
  runConfined(
    seatbeltBackend(program),
    planOf(),
    argv,
    { output: "collect", stdin: "ignore", ...options },
    () => undefined,
  );

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("utf8");

describe("a command through sandbox-exec", () => {
  it("gets its words, its directory and its environment as they are", async () => {
    const odd = `a "b" 'c' $d (e)\n;\u00fc`;
    const { result } = await run([
      "/bin/bash",
      "-c",
      'printf "%s|" "$@"; pwd; echo "$TMPDIR"; test -w "$TMPDIR"',
      "x",
      odd,
      "",
    ]);
    const [words, , temporary = ""] = text(result.stdout).split(/\|(?=\/)|\n(?=\/)/);
    expect(words).toBe(`${odd}|`);
    expect(temporary.trim()).toMatch(/\/cordon-\w+$/);
    expect(existsSync(temporary.trim()), "it is gone with the command").toBe(false);
    expect(result).toMatchObject({ status: 0, ended: "exited" });
    expect(readFileSync(join(base, "profile"), "utf8")).toMatch(/^\(version 1\)\n\(deny default\)/);
    expect(readFileSync(join(base, "parameters"), "utf8")).toContain(`=${base}/ws\n`);
  });

  it("keeps its status and its signal", async () => {
    expect((await run(["/bin/bash", "-c", "exit 42"])).result.status).toBe(42);
    expect((await run(["no-such-program"])).result.status).toBe(127);
    expect((await run(["/bin/bash", "-c", "kill -TERM $$"])).result.status).toBe(143);
  });

  it("has not run where sandbox-exec does not take the profile", async () => {
    await expect(run(["touch", join(base, "ran")], {}, broken)).rejects.toMatchObject({
      fault: "setup",
      message: expect.stringContaining("syntax error"),
    });
    expect(existsSync(join(base, "ran"))).toBe(false);
    await expect(run(["true"], {}, join(base, "absent"))).rejects.toMatchObject({ fault: "unavailable" });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("cordon-trial-"))).toEqual([]);
  });

  it("ends with everything it started, in its group or not", async () => {
    const mark = `33.${process.pid}`;
    const alive = (seconds: string): readonly string[] =>
      spawnSync("ps", ["-axo", "pid=,args="], { encoding: "utf8" })
        .stdout.split("\n")
        .flatMap((line) => (line.endsWith(` sleep ${seconds}`) ? [line.trim().split(" ")[0] ?? ""] : []));
    const { result } = await run([
      "/bin/bash",
      "-c",
      `sleep ${mark} & setsid sleep ${mark} & sleep 1.6; exit 3`,
    ]);
    expect(result.status).toBe(3);
    expect(alive(mark)).toEqual([]);
    // One that got away at once is not waited for.
    const gone = await run(["/bin/bash", "-c", `(setsid sleep 60.${process.pid} &); sleep 0.2; echo out`]);
    expect(text(gone.result.stdout)).toBe("out\n");
    for (const pid of alive(`60.${process.pid}`)) process.kill(Number(pid), "SIGKILL");
    const timed = await run(["/bin/bash", "-c", `sleep ${mark}`], { timeLimit: 1 });
    expect(timed.result).toMatchObject({
      status: 137,
      ended: "limit",
      limits: [{ limit: "time", killed: true }],
    });
  });
});

describe("the shell in front of the command", () => {
  const shell = (limits: Parameters<typeof planOf>[0], command: string): readonly string[] => {
    const [file = "", ...args] = shellLine(planOf(limits), ["/bin/bash", "-c", command]);
    const { stdout, status, output } = spawnSync(file, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    expect(status).toBe(0);
    return [stdout.trim(), String(output[3])];
  };

  it("says that it begins, and leaves nothing open", () => {
    expect(shell({}, "for n in 3 4 5; do (: >&$n) 2>/dev/null && echo open $n; done; true")).toEqual([
      "",
      "begun\n",
    ]);
  });

  it("sets the limits, never above the caller's own", () => {
    const limits = { openFiles: 77, fileSize: 1 << 20, cpuTime: 30 };
    expect(shell(limits, "ulimit -Hn; ulimit -Hf; ulimit -St; ulimit -Ht; ulimit -c")[0]).toBe(
      "77\n1024\n30\n31\n0",
    );
    const above = spawnSync(
      "bash",
      [
        "-c",
        'ulimit -n 50; exec "$@"',
        "bash",
        ...shellLine(planOf({ openFiles: 1000 }), ["bash", "-c", "ulimit -n"]),
      ],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe", "pipe"],
      },
    );
    expect(above.stdout).toBe(process.getuid?.() === 0 ? above.stdout : "50\n");
    expect(above.status).toBe(0);
  });

  it("is given after the profile and its parameters", () => {
    expect(seatbeltArguments({ text: "(version 1)", parameters: [["P0", "/a b=c"]] })).toEqual([
      "-D",
      "P0=/a b=c",
      "-p",
      "(version 1)",
    ]);
  });
});

describe("the trial before the first command", () => {
  it("does not believe a sandbox-exec that confines nothing", () => {
    if (process.getuid?.() !== 0) return;
    const fault = seatbeltFault(standIn);
    for (const what of [
      "files outside can be written",
      "protected names can be made",
      "hidden files can be read",
      "connections are not refused",
    ])
      expect(fault?.why).toContain(what);
  });

  it("nor one that runs nothing, is absent, or belongs to somebody else", () => {
    expect(seatbeltFault(join(base, "absent"))?.why).toContain("does not exist");
    chmodSync(broken, 0o777);
    expect(seatbeltFault(broken)?.why).toContain("changed by others");
    chmodSync(broken, 0o755);
    if (process.getuid?.() === 0) expect(seatbeltFault(broken)?.why).toContain("syntax error");
  });

  it("leaves nothing behind, and the ladder's answer follows it", () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("cordon-trial-"))).toEqual([]);
    expect(findSeatbelt(undefined, join(base, "absent"))).toMatchObject({ kind: "unavailable" });
    expect(findSeatbelt("native", standIn)).toMatchObject({
      kind: "unavailable",
      why: expect.stringContaining("native"),
    });
  });
});
