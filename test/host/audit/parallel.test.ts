import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kindOfFile, logFiles } from "../../../src/host/audit/directory.ts";
import { open } from "../../../src/host/audit/line.ts";
import { verifyAudit } from "../../../src/host/audit/verify.ts";
import { directories, linesIn } from "./temporary.ts";

const fresh = directories();
let built = "";
const script = (): string => join(built, "writer.mjs");

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), "cordon-writer-"));
  const bundle = await rolldown({ input: "test/host/audit/writer.ts", platform: "node" });
  await bundle.write({ file: script(), format: "esm" });
  await bundle.close();
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  /** What was acknowledged, when the process has ended. */
  readonly ended: Promise<readonly string[]>;
}

function start(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [script(), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout?.on("data", (data: Buffer) => (out += data.toString()));
  const ended = new Promise<readonly string[]>((resolve) => {
    // Only whole lines count as acknowledged.
    child.on("close", () => resolve(out.split("\n").slice(0, -1)));
  });
  return { child, ended };
}

/** How often each id stands in the log. */
function idsIn(directory: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const file of logFiles(directory)) {
    for (const line of linesIn(directory, file)) {
      const read = open(line);
      const id = typeof read === "object" ? read.record["id"] : undefined;
      if (typeof id === "string") counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe("parallel writers", () => {
  it.each([
    ["own", "one"],
    ["shared", "one"],
    ["shared", "many"],
  ])("50 processes lose nothing and keep every chain whole (%s, %s handle)", async (kind, handles) => {
    const directory = fresh();
    const runs = Array.from({ length: 50 }, () => start(directory, kind, "8", "3000", handles));
    const acknowledged = (await Promise.all(runs.map((run) => run.ended))).flat();
    expect(acknowledged).toHaveLength(400);
    const ids = idsIn(directory);
    for (const id of acknowledged) expect(ids.get(id)).toBe(1);
    const report = verifyAudit(directory);
    expect(report).toMatchObject({ damage: [], notes: [] });
    expect(report.files.reduce((sum, file) => sum + file.records, 0)).toBe(400);
  });

  it.each([
    ["own", "one", "200000"],
    ["shared", "one", "200000"],
    ["shared", "many", "5000"],
  ])(
    "20 processes killed at any moment lose nothing they acknowledged (%s, %s handle)",
    async (kind, handles, size) => {
      const directory = fresh();
      const runs = Array.from({ length: 20 }, () => start(directory, kind, "0", size, handles));
      for (const [i, run] of runs.entries()) {
        // Killed one by one while the others go on, at moments that no clock of the writers knows.
        await pause(i === 0 ? 1500 : 20 + Math.random() * 60);
        run.child.kill("SIGKILL");
      }
      const acknowledged = (await Promise.all(runs.map((run) => run.ended))).flat();
      expect(acknowledged.length).toBeGreaterThan(20);
      // Whoever writes next finds its way past what the killed left.
      const next = await start(directory, kind, "2", "10", handles).ended;
      const ids = idsIn(directory);
      const lost = [...acknowledged, ...next].filter((id) => ids.get(id) !== 1);
      expect(lost).toEqual([]);
      const report = verifyAudit(directory);
      expect(report.damage).toEqual([]);
      expect(report.files.every((file) => kindOfFile(file.file) === kind)).toBe(true);
    },
  );
});

describe("a full disk", () => {
  // Bubblewrap gives a file system of a fixed size without touching the machine.
  const inSmallDisk = (
    command: string,
  ): { readonly status: number | null; readonly out: string; readonly err: string } => {
    const bind = ["/usr", "/bin", "/lib", "/lib64", built, process.execPath].flatMap((path) => [
      "--ro-bind-try",
      path,
      path,
    ]);
    const box = [
      "--unshare-user",
      ...bind,
      "--proc",
      "/proc",
      "--dev",
      "/dev",
      "--size",
      "65536",
      "--tmpfs",
      "/small",
    ];
    const env = { PATH: process.env["PATH"] };
    const result = spawnSync("bwrap", [...box, "sh", "-c", command], { encoding: "utf8", env });
    return { status: result.status, out: result.stdout, err: result.stderr };
  };

  it.each(["own", "shared"])("is told, and what was acknowledged stays (%s)", (kind) => {
    const write = `${process.execPath} ${script()} /small/audit ${kind}`;
    const { out, err } = inSmallDisk(`${write} 0 3000; echo status $?; cat /small/audit/*`);
    expect(err).toMatch(/^write .*(?:ENOSPC|of \d+ bytes)/);
    expect(out).toContain("status 3\n");
    const acknowledged = out.split("\n").filter((line) => /^\d+-\d+$/.test(line));
    expect(acknowledged.length).toBeGreaterThan(5);
    const kept = out.split("\n").map(open);
    const ids = kept.map((read) => (typeof read === "object" ? read.record["id"] : undefined));
    for (const id of acknowledged) expect(ids).toContain(id);
    // A file of one writer ends with a whole line; in a shared one half a line may stay.
    const halves = out.split("\n").filter((line) => line.startsWith("{") && open(line) === "torn");
    if (kind === "own") expect(halves).toEqual([]);
  });
});
