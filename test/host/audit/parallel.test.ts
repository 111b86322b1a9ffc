import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringAt } from "../../../src/core/call/json.ts";
import { open } from "../../../src/host/audit/line.ts";
import { enforceRetention } from "../../../src/host/audit/retention.ts";
import { openAudit } from "../../../src/host/audit/sink.ts";
import { queryAudit } from "../../../src/host/audit/query.ts";
import { tailAudit } from "../../../src/host/audit/tail.ts";
import { verifyAudit } from "../../../src/host/audit/verify.ts";
import { type WriterPlan, buildWriter, examineLog, killPlan, runWriters } from "./kills.ts";
import { directories, filesIn, linesIn, record } from "./temporary.ts";

const fresh = directories();
const DAY = 86_400_000;
let built = "";
const script = (): string => join(built, "writer.mjs");

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), "cordon-writer-"));
  await buildWriter(script());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

const KINDS = [
  { kind: "own", handles: "one" },
  { kind: "shared", handles: "one" },
  { kind: "shared", handles: "many" },
] as const;

/** Writers of every kind in turn that end by themselves. */
function writers(count: number, records: number, size: number): readonly WriterPlan[] {
  return Array.from({ length: count }, (_, i) => ({ ...(KINDS[i % 3] ?? KINDS[0]), records, size }));
}

describe("parallel writers", () => {
  it("50 processes lose nothing and keep every chain whole", async () => {
    const directory = fresh();
    const written = await runWriters(script(), directory, writers(50, 6, 3_000));
    expect(written.flatMap((one) => one.acknowledged)).toHaveLength(300);
    expect(examineLog(directory, written)).toEqual({ faults: [], records: 300, halves: 0 });
    expect(verifyAudit(directory)).toMatchObject({ damage: [], notes: [] });
    expect(verifyAudit(directory).files).toHaveLength(18);
  });

  // The whole measure is 200 runs of 50 writers: scripts/audit-kills.ts.
  it.each([1, 2, 4])(
    "processes killed at any moment lose nothing they acknowledged (seed %i)",
    async (seed) => {
      const directory = fresh();
      const written = await runWriters(script(), directory, killPlan(seed, 10));
      expect(written.every(({ signal }) => signal === "SIGKILL")).toBe(true);
      expect(written.flatMap((one) => one.acknowledged).length).toBeGreaterThan(10);
      expect(examineLog(directory, written).faults).toEqual([]);
      // Whoever writes next finds its way past what the killed left.
      const next = await runWriters(script(), directory, writers(3, 2, 10));
      expect(next.map(({ acknowledged }) => acknowledged.length)).toEqual([2, 2, 2]);
      expect(examineLog(directory, [...written, ...next]).faults).toEqual([]);
    },
  );

  it("the look at the log finds what is lost, altered or not named", async () => {
    const directory = fresh();
    const written = await runWriters(script(), directory, [{ ...KINDS[1], records: 4, size: 10 }]);
    const [file = ""] = filesIn(directory);
    const lines = linesIn(directory, file);
    const faultsAfter = (changed: readonly string[], end = "\n"): string => {
      writeFileSync(join(directory, file), changed.join("\n") + end);
      return examineLog(directory, written).faults.join("\n");
    };
    expect(faultsAfter(lines)).toBe("");
    const { pid } = written[0] ?? { pid: 0 };
    // A last line that no later one covers is found only because it was acknowledged.
    expect(faultsAfter(lines.slice(0, -1))).toBe(`acknowledged ${pid}-3 is there 0 times`);
    expect(faultsAfter(lines.toSpliced(2, 1))).toContain(`acknowledged ${pid}-1 is there 0 times`);
    expect(faultsAfter(lines.toSpliced(2, 1))).toContain("something before its last record is missing");
    expect(faultsAfter(lines.toSpliced(2, 1))).toContain(`damage ${file}:3 does not follow`);
    expect(faultsAfter(lines, "")).toContain(`acknowledged ${pid}-3 is there 0 times`);
    expect(faultsAfter(lines.map((line) => line.replace('"ls"', '"rm"').replace("xxx", "yyy")))).toContain(
      "is altered",
    );
    expect(faultsAfter([...lines, lines.at(-1) ?? ""])).toContain(`acknowledged ${pid}-3 is there 2 times`);
  });
});

describe("the retention beside writers", () => {
  it("takes old files from under them, and nothing that was acknowledged today", async () => {
    const directory = fresh();
    const old = oldDays(directory, 10);
    expect(old).toHaveLength(10);
    let [busy, removed] = [true, 0];
    const work = runWriters(script(), directory, [
      ...writers(6, 20, 3_000),
      ...killPlan(5, 3).map((plan) => ({ ...plan, size: 3_000 })),
    ]).finally(() => (busy = false));
    // Each look ends the life of two days more, while others write, start files and look.
    for (let days = 19; busy || days >= 9; days -= 2) {
      removed += enforceRetention({ directory, days: Math.max(days, 10), clock: Date.now }).length;
      expect(verifyAudit(directory).damage).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    const written = await work;
    expect(removed).toBe(10);
    expect(filesIn(directory).filter((file) => old.includes(file))).toEqual([]);
    expect(examineLog(directory, written).faults).toEqual([]);
    expect(
      verifyAudit(directory).notes.filter(({ what }) => what.startsWith("removed by the retention")),
    ).toHaveLength(10);
  });

  it("is no damage to whoever reads at that moment", async () => {
    const directory = fresh();
    const old = oldDays(directory, 100).map((file) => join(directory, file));
    const kept = old.map((path) => readFileSync(path));
    const today = openAudit({ directory, clock: Date.now, writer: "shared" });
    today.append(record("today"));
    today.close();
    expect(enforceRetention({ directory, days: 10, clock: Date.now })).toHaveLength(100);
    for (const [i, path] of old.entries()) writeFileSync(path, kept[i] ?? "", { mode: 0o600 });
    // The removal again, slowly, the newest first: a reader that lists files meets some that are gone.
    const child = spawn("sh", ["-c", 'for file do rm "$file"; done', "sh", ...old.toReversed()]);
    const ended = new Promise((resolve) => child.on("close", resolve));
    while (existsSync(old[0] ?? "")) {
      expect(verifyAudit(directory).damage).toEqual([]);
      expect(tailAudit(directory, 5, () => true).failed).toEqual([]);
      expect(queryAudit(directory, () => true, 5).failed).toEqual([]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    expect(filesIn(directory)).toHaveLength(1);
    expect(verifyAudit(directory).damage).toEqual([]);
  });
});

/** Old files in which one record each stands, one a day. */
function oldDays(directory: string, days: number): readonly string[] {
  const now = Date.now();
  for (let day = 10 + days; day > 10; day -= 1) {
    const time = now - day * DAY;
    const log = openAudit({ directory, clock: () => time, writer: "shared" });
    log.append(record(`old${day}`));
    log.close();
    utimesSync(join(directory, log.file), time / 1_000, time / 1_000);
  }
  return filesIn(directory);
}

interface Boxed {
  readonly out: string;
  readonly err: string;
  /** The records that were acknowledged. */
  readonly acknowledged: readonly string[];
  /** The lines of the log, printed behind a line `log`. */
  readonly log: readonly string[];
}

function boxed([file = "", ...argv]: readonly string[]): Boxed {
  const { stdout, stderr, error } = spawnSync(file, argv, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  if (error !== undefined) throw error;
  const [said = "", log = ""] = stdout.split("\nlog\n");
  const acknowledged = said.split("\n").filter((line) => /^\d+-\d+$/.test(line));
  return { out: said, err: stderr, acknowledged, log: log.split("\n") };
}

/** A file system of 64 kB, without touching the machine. */
function onSmallDisk(command: string): Boxed {
  const bind = ["/usr", "/bin", "/lib", "/lib64", built, process.execPath].flatMap((path) => [
    "--ro-bind-try",
    path,
    path,
  ]);
  const small = ["--size", "65536", "--tmpfs", "/small"];
  const box = ["bwrap", "--unshare-user", ...bind, "--proc", "/proc", "--dev", "/dev", ...small];
  return boxed([...box, "sh", "-c", command]);
}

/** The ids of the decisions, sorted. */
function idsOf(lines: readonly string[]): readonly string[] {
  const ids = lines.flatMap((line) => {
    const read = open(line);
    if (typeof read !== "object" || read.record["type"] !== "decision") return [];
    return stringAt(read.record, "id") ?? [];
  });
  return ids.toSorted();
}

describe("a full disk", () => {
  it.each(["own", "shared"])("is told, and what was acknowledged stays (%s)", (kind) => {
    const write = `${process.execPath} ${script()} /small/audit ${kind}`;
    const { out, err, acknowledged, log } = onSmallDisk(
      `${write} 0 3000; echo status $?; echo log; cat /small/audit/*`,
    );
    expect(err).toMatch(/^write .*(?:ENOSPC|of \d+ bytes)/);
    expect(out).toContain("status 3");
    expect(acknowledged.length).toBeGreaterThan(5);
    for (const id of acknowledged) expect(idsOf(log)).toContain(id);
    // A file of one writer ends with a whole line; in a shared one half a line may stay.
    const halves = log.filter((line) => line.startsWith("{") && open(line) === "torn");
    if (kind === "own") expect(halves).toEqual([]);
  });

  it.each(["own", "shared"])("that has room again is written to, behind what stayed (%s)", (kind) => {
    const write = `${process.execPath} ${script()} /small/audit`;
    const { out, acknowledged, log } = onSmallDisk(
      `head -c 30000 /dev/zero > /small/filler; ${write} ${kind} 0 3000; echo status $?; rm /small/filler; ` +
        `${write} shared 2 3000; echo status $?; ${write} own 2 3000; echo status $?; echo log; cat /small/audit/*`,
    );
    expect(out.match(/status \d/g)).toEqual(["status 3", "status 0", "status 0"]);
    expect(idsOf(log)).toEqual(acknowledged.toSorted());
    expect(acknowledged.length).toBeGreaterThan(6);
  });

  it.each([
    ["own", 7_000],
    ["own", 40_960],
    ["shared", 7_000],
    ["shared", 40_960],
  ])("or a limit on the size of files, is told, and the log verifies (%s, %i bytes)", async (kind, limit) => {
    const directory = fresh();
    const { err, acknowledged } = boxed(
      [
        ["prlimit", `--fsize=${limit}`, process.execPath, script(), directory],
        [kind, "0", "3000"],
      ].flat(),
    );
    expect(err).toMatch(/^write .*(?:EFBIG|of \d+ bytes)/);
    expect(acknowledged.length).toBeGreaterThan(0);
    const next = await runWriters(script(), directory, writers(3, 2, 10));
    expect(next.map((one) => one.acknowledged.length)).toEqual([2, 2, 2]);
    const ids = idsOf(filesIn(directory).flatMap((file) => linesIn(directory, file)));
    expect(ids).toEqual([...acknowledged, ...next.flatMap((one) => one.acknowledged)].toSorted());
    expect(verifyAudit(directory).damage).toEqual([]);
  });
});
