import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  appendFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { auditDirectory, sharedName } from "../../../src/host/audit/directory.ts";
import { AuditError, type AuditFault } from "../../../src/host/audit/error.ts";
import { open } from "../../../src/host/audit/line.ts";
import { verifyAudit } from "../../../src/host/audit/verify.ts";
import { directories, filesIn, linesIn, openAt, record, ticking } from "./temporary.ts";

const fresh = directories();
const isRoot = process.getuid?.() === 0;

function faultOf(action: () => unknown): AuditFault | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof AuditError) {
      expect(error.hint).not.toBe("");
      return error.fault;
    }
    throw error;
  }
  return undefined;
}

describe("auditDirectory", () => {
  it("takes the setting, then the state directory, then the one in the home", () => {
    expect(auditDirectory("/var/log/x", { XDG_STATE_HOME: "/s" }, "/h")).toBe("/var/log/x");
    expect(auditDirectory(undefined, { XDG_STATE_HOME: "/s" }, "/h")).toBe("/s/cordon/audit");
    expect(auditDirectory(undefined, {}, "/h")).toBe("/h/.local/state/cordon/audit");
    expect(auditDirectory(undefined, { XDG_STATE_HOME: "relative" }, "/h")).toBe(
      "/h/.local/state/cordon/audit",
    );
  });
});

describe("a file of one writer", () => {
  it("has a first and a last line and a chain between them", () => {
    const directory = fresh();
    const log = openAt(directory, { random: () => "0a1b2c3d", program: "test" });
    log.append(record("1"));
    log.append(record("2", "\u2028 \ud800 \u{1F600}"));
    log.close();
    log.close();
    const file = `20250131T120001000Z-${process.pid}-0a1b2c3d.jsonl`;
    expect(filesIn(directory)).toEqual([file]);
    expect(log.file).toBe(file);
    const lines = linesIn(directory, file).map(open);
    expect(lines).toMatchObject([
      {
        seq: 0,
        prev: "0".repeat(64),
        record: { type: "start", file, writer: "own", links: [], program: "test" },
      },
      { seq: 1, record: { type: "decision", id: "1" } },
      { seq: 2, record: { type: "decision", id: "2" } },
      { seq: 3, record: { type: "close", records: 2 } },
    ]);
    for (const [i, line] of lines.slice(1).entries()) {
      const before = lines[i];
      expect(typeof line === "object" && typeof before === "object" && line.prev === before.hash).toBe(true);
    }
    expect(verifyAudit(directory)).toMatchObject({
      damage: [],
      notes: [],
      files: [{ records: 2, closed: true }],
    });
  });

  it("is readable by its owner alone", () => {
    const directory = fresh();
    openAt(directory).close();
    openAt(directory, { writer: "shared" }).append(record("1"));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const file of filesIn(directory)) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    chmodSync(directory, 0o777);
    for (const file of filesIn(directory)) chmodSync(join(directory, file), 0o666);
    openAt(directory, { writer: "shared" }).append(record("2"));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, sharedName(ticking()()))).mode & 0o777).toBe(0o600);
  });

  it.runIf(isRoot)("keeps other users out of the directory and of the files", () => {
    const directory = fresh();
    chmodSync(join(directory, ".."), 0o755);
    const log = openAt(directory);
    log.append(record("1"));
    const name = "cordon-audit-t";
    execFileSync("useradd", ["--system", "--no-create-home", name]);
    try {
      const as = ["--reuid", name, "--regid", name, "--clear-groups"];
      chmodSync(directory, 0o755);
      const path = join(directory, log.file);
      expect(() => execFileSync("setpriv", [...as, "cat", path], { stdio: "pipe" })).toThrow(
        /Permission denied/,
      );
      chmodSync(directory, 0o700);
      expect(() => execFileSync("setpriv", [...as, "ls", directory], { stdio: "pipe" })).toThrow(
        /Permission denied/,
      );
    } finally {
      execFileSync("userdel", [name]);
    }
  });

  it("survives a clock that goes back", () => {
    const directory = fresh();
    const times = [5000, 4000, 3000, 86_400_000, 1000];
    let look = 0;
    const log = openAt(directory, { clock: () => times[(look += 1) % times.length] ?? 0 });
    for (let i = 0; i < 10; i += 1) log.append(record(String(i)));
    log.close();
    expect(verifyAudit(directory)).toMatchObject({ damage: [], notes: [] });
  });

  it("waits for the disk when it is asked to", () => {
    const directory = fresh();
    const log = openAt(directory, { durable: true });
    log.append(record("1"));
    log.close();
    expect(verifyAudit(directory)).toMatchObject({ damage: [], files: [{ records: 1 }] });
  });
});

describe("the shared file of a day", () => {
  it("continues the chain of whoever wrote before", () => {
    const directory = fresh();
    for (let i = 0; i < 5; i += 1) {
      const log = openAt(directory, { writer: "shared" });
      log.append(record(String(i)));
      log.close();
    }
    expect(filesIn(directory)).toEqual(["20250131-shared.jsonl"]);
    const lines = linesIn(directory, "20250131-shared.jsonl").map(open);
    expect(lines.map((line) => (typeof line === "object" ? line.seq : line))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(verifyAudit(directory)).toMatchObject({ damage: [], notes: [], files: [{ records: 5 }] });
  });

  it("goes to the file of the next day at midnight, and links the last", () => {
    const directory = fresh();
    const log = openAt(directory, { writer: "shared", clock: ticking(Date.UTC(2025, 0, 31, 23, 59, 56)) });
    for (let i = 0; i < 4; i += 1) log.append(record(String(i)));
    expect(filesIn(directory)).toEqual(["20250131-shared.jsonl", "20250201-shared.jsonl"]);
    const first = linesIn(directory, "20250201-shared.jsonl").map(open)[0];
    const before = linesIn(directory, "20250131-shared.jsonl");
    const last = open(before.at(-1) ?? "");
    const hash = typeof last === "object" ? last.hash : "";
    expect(first).toMatchObject({
      record: { type: "start", links: [{ file: "20250131-shared.jsonl", lines: before.length, hash }] },
    });
    expect(verifyAudit(directory).damage).toEqual([]);
  });

  it("survives a clock that goes back over midnight and on again", () => {
    const directory = fresh();
    const midnight = Date.UTC(2025, 1, 1);
    let now = midnight;
    const logs = [0, 1].map(() => openAt(directory, { writer: "shared", clock: () => now }));
    // Two handles, each of which meets every jump with the other's lines already there.
    for (let i = 0; i < 24; i += 1) {
      now = midnight + ([5000, -5000, -90_000_000, 90_000_000][i % 4] ?? 0) + i;
      for (const [at, log] of logs.entries()) log.append(record(`${i}-${at}`));
    }
    expect(filesIn(directory)).toHaveLength(4);
    const { damage, notes, files } = verifyAudit(directory);
    expect({ damage, notes }).toEqual({ damage: [], notes: [] });
    expect(files.reduce((sum, file) => sum + file.records, 0)).toBe(48);
  });

  it("writes two handles into one chain, also where neither saw the other's line", () => {
    const directory = fresh();
    const a = openAt(directory, { writer: "shared" });
    const b = openAt(directory, { writer: "shared" });
    for (let i = 0; i < 20; i += 1) (i % 3 === 0 ? a : b).append(record(String(i)));
    expect(verifyAudit(directory)).toMatchObject({ damage: [], notes: [], files: [{ records: 20 }] });
  });

  it("is not swallowed by the half line of a killed writer", () => {
    const directory = fresh();
    const path = join(directory, "20250131-shared.jsonl");
    openAt(directory, { writer: "shared" }).append(record("1"));
    appendFileSync(path, '{"at":12,"type":"deci');
    openAt(directory, { writer: "shared" }).append(record("2"));
    appendFileSync(path, '{"half');
    const log = openAt(directory, { writer: "shared" });
    log.append(record("3"));
    appendFileSync(path, "x".repeat(70_000));
    log.append(record("4"));
    expect(verifyAudit(directory).notes.at(-1)?.what).toBe("unreadable, and no later record covers it");
    log.append(record("5"));
    const report = verifyAudit(directory);
    expect(report).toMatchObject({ damage: [], files: [{ records: 5 }] });
    expect(report.notes.map((note) => note.what)).toEqual(
      Array(3).fill("unfinished: its writer was killed while writing it"),
    );
  });

  it("writes a line again that was glued to a half line in the moment of writing", () => {
    const directory = fresh();
    const path = join(directory, "20250131-shared.jsonl");
    const tick = ticking();
    let looks = 0;
    const clock = (): number => {
      looks += 1;
      // The sixth look stamps the second record: after the end was read, before the line is written.
      if (looks === 6) appendFileSync(path, '{"half":');
      return tick();
    };
    const log = openAt(directory, { writer: "shared", clock });
    log.append(record("1"));
    log.append(record("2"));
    expect(looks).toBe(7);
    log.append(record("3"));
    const report = verifyAudit(directory);
    expect(report).toMatchObject({ damage: [], files: [{ records: 3 }] });
    expect(report.notes).toHaveLength(1);
  });

  it("starts a file that begins with a half line", () => {
    const directory = fresh();
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, "20250131-shared.jsonl"), '{"at":0,"fi');
    openAt(directory, { writer: "shared" }).append(record("1"));
    openAt(directory, { writer: "shared" }).append(record("2"));
    expect(verifyAudit(directory)).toMatchObject({ damage: [], files: [{ records: 2 }] });
  });

  it("finds the end of a large file from records of any size", () => {
    const directory = fresh();
    const log = openAt(directory, { writer: "shared" });
    for (let i = 0; i < 40; i += 1) log.append(record(String(i), "x".repeat(i * 1000)));
    openAt(directory, { writer: "shared" }).append(record("last"));
    const lines = linesIn(directory, log.file);
    expect(open(lines.at(-1) ?? "")).toMatchObject({ seq: lines.length - 1 });
  });
});

describe("faults", () => {
  it("refuses links, foreign files and what is no file", () => {
    const directory = fresh();
    mkdirSync(directory, { mode: 0o700 });
    const shared = join(directory, "20250131-shared.jsonl");
    const elsewhere = join(directory, "..", "elsewhere");
    symlinkSync(elsewhere, shared);
    expect(faultOf(() => openAt(directory, { writer: "shared" }))).toBe("file");
    expect(existsSync(elsewhere)).toBe(false);
    rmSync(shared);
    writeFileSync(elsewhere, "");
    linkSync(elsewhere, shared);
    expect(faultOf(() => openAt(directory, { writer: "shared" }))).toBe("file");
    rmSync(shared);
    mkdirSync(shared);
    expect(faultOf(() => openAt(directory, { writer: "shared" }))).toBe("file");
    rmSync(shared, { recursive: true });
    execFileSync("mkfifo", [shared]);
    expect(faultOf(() => openAt(directory, { writer: "shared" }))).toBe("file");
    rmSync(shared);
    expect(faultOf(() => openAt(directory, { writer: "shared" }))).toBeUndefined();
  });

  it.runIf(isRoot)("refuses what belongs to another user", () => {
    const directory = fresh();
    openAt(directory, { writer: "shared" }).append(record("1"));
    chownSync(join(directory, "20250131-shared.jsonl"), 12345, 12345);
    expect(faultOf(() => openAt(directory, { writer: "shared" }))).toBe("file");
    chownSync(directory, 12345, 12345);
    expect(faultOf(() => openAt(directory))).toBe("directory");
  });

  it("refuses a directory that is a link, a file, relative or cannot be made", () => {
    const directory = fresh();
    const other = join(directory, "..", "other");
    mkdirSync(other, { mode: 0o700 });
    symlinkSync(other, directory);
    expect(faultOf(() => openAt(directory))).toBe("directory");
    rmSync(directory);
    writeFileSync(directory, "");
    expect(faultOf(() => openAt(directory))).toBe("directory");
    expect(faultOf(() => openAt(join(directory, "below")))).toBe("directory");
    expect(faultOf(() => openAt("relative"))).toBe("directory");
  });

  it.each(["own", "shared"] as const)("notices a file that is gone, replaced or cut (%s)", (writer) => {
    const directory = fresh();
    const open1 = (): ReturnType<typeof openAt> => {
      const log = openAt(directory, { writer });
      log.append(record("1"));
      return log;
    };
    const gone = open1();
    rmSync(join(directory, gone.file));
    expect(faultOf(() => gone.append(record("2")))).toBe("gone");
    const replaced = open1();
    renameSync(join(directory, replaced.file), join(directory, "away"));
    writeFileSync(join(directory, replaced.file), "");
    expect(faultOf(() => replaced.append(record("2")))).toBe("gone");
    rmSync(join(directory, replaced.file));
    const cut = open1();
    truncateSync(join(directory, cut.file), 10);
    expect(faultOf(() => cut.append(record("2")))).toBe("changed");
    rmSync(join(directory, cut.file));
    const whole = open1();
    rmSync(directory, { recursive: true });
    expect(faultOf(() => whole.append(record("2")))).toBe("gone");
  });

  it("refuses records after it was closed", () => {
    const log = openAt(fresh());
    log.close();
    expect(faultOf(() => log.append(record("1")))).toBe("closed");
  });

  it("notices a stranger's line in a file of its own", () => {
    const directory = fresh();
    const log = openAt(directory);
    appendFileSync(join(directory, log.file), "x\n");
    expect(faultOf(() => log.append(record("1")))).toBe("changed");
  });
});
