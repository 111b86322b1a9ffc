import { existsSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ownName } from "../../../src/host/audit/directory.ts";
import { enforceRetention } from "../../../src/host/audit/retention.ts";
import { openAudit } from "../../../src/host/audit/sink.ts";
import { ownWriter } from "../../../src/host/audit/writers.ts";
import { verifyAudit } from "../../../src/host/audit/verify.ts";
import { directories, filesIn, record } from "./temporary.ts";

const fresh = directories();
const DAY = 86_400_000;
const NOON = Date.UTC(2025, 0, 1, 12);
/** A process that has ended: no kernel gives out a number as large. */
const ENDED = 99_999_999;

/** Day `index` of the log: some records, written at noon. */
function write(directory: string, index: number, records: number = 2): void {
  const time = NOON + index * DAY;
  const log = openAudit({ directory, clock: () => time, writer: "shared" });
  for (let count = 0; count < records; count++) log.append(record(`${index}.${count}`));
  log.close();
  settle(directory, log.file, time);
}

function settle(directory: string, file: string, time: number): void {
  utimesSync(join(directory, file), time / 1_000, time / 1_000);
}

/** A file of one process that ended on that day. */
function writeOwn(directory: string, index: number, pid: number = ENDED, close: boolean = true): string {
  const time = NOON + index * DAY;
  const at = { directory, clock: () => time, pid, random: () => "0a1b2c3d", durable: false };
  const writer = ownWriter(at);
  writer.append(record(`own${index}`));
  if (close) writer.close();
  settle(directory, writer.file(), time);
  return writer.file();
}

const enforce = (directory: string, index: number, days: number): readonly string[] => {
  const time = NOON + index * DAY;
  const removed = enforceRetention({ directory, days, clock: () => time });
  for (const file of filesIn(directory))
    if (removed.length > 0 && file.startsWith(new Date(time).toISOString().slice(0, 10).replaceAll("-", "")))
      settle(directory, file, time);
  return removed;
};

describe("the retention", () => {
  it("removes what is older, and the log still verifies, day after day", () => {
    const directory = fresh();
    for (let index = 0; index < 40; index++) {
      write(directory, index);
      if (index % 5 === 2) writeOwn(directory, index);
      enforce(directory, index, 7);
      const { damage, files } = verifyAudit(directory);
      expect(damage, `day ${index}`).toEqual([]);
      expect(files.length).toBeLessThanOrEqual(13);
    }
    expect(filesIn(directory)[0]).toMatch(/^202502/);
    expect(verifyAudit(directory).notes.some(({ what }) => what.startsWith("removed by the retention"))).toBe(
      true,
    );
  });
  it("keeps what is not over, and never the newest file", () => {
    const directory = fresh();
    write(directory, 0);
    write(directory, 1);
    expect(enforce(directory, 1, 1)).toEqual([]);
    expect(enforce(directory, 2, 1)).toEqual(["20250101-shared.jsonl"]);
    const alone = fresh();
    write(alone, 0);
    expect(enforce(alone, 5_000, 1)).toEqual([]);
    expect(filesIn(alone)).toEqual(["20250101-shared.jsonl"]);
    expect(enforceRetention({ directory: join(alone, "none"), days: 1, clock: () => NOON })).toEqual([]);
  });
  it("keeps a file that was changed lately, one whose writer runs, and what is no log", () => {
    const directory = fresh();
    write(directory, 0);
    const live = writeOwn(directory, 0, process.pid, false);
    const ended = writeOwn(directory, 0, ENDED, false);
    write(directory, 30);
    writeFileSync(join(directory, "20240101-notes.txt"), "x");
    settle(directory, "20250101-shared.jsonl", NOON + 29 * DAY);
    expect(enforce(directory, 30, 7)).toEqual([ended]);
    expect(existsSync(join(directory, live))).toBe(true);
    expect(verifyAudit(directory).damage).toEqual([]);
    expect(ended).toBe(ownName(NOON, ENDED, "0a1b2c3d"));
  });
  it("removes nothing where the clock goes back, and the life of files ends earlier where it jumps ahead", () => {
    const directory = fresh();
    for (let index = 0; index < 12; index++) write(directory, index);
    for (const index of [11, 3, -400, 6]) expect(enforce(directory, index, 12)).toEqual([]);
    expect(enforce(directory, 900, 12)).toHaveLength(11);
    // The clock is right again: the line with the removal lies in a day to come, and counts.
    write(directory, 12);
    expect(enforce(directory, 13, 12)).toEqual([]);
    expect(verifyAudit(directory).damage).toEqual([]);
  });
  it("covers no other removal, and no cut of what stays", () => {
    const directory = fresh();
    for (let index = 0; index < 12; index++) write(directory, index);
    expect(enforce(directory, 12, 7)).toHaveLength(5);
    expect(verifyAudit(directory).damage).toEqual([]);
    for (const file of filesIn(directory).slice(0, -1)) {
      const path = join(directory, file);
      const bytes = readFileSync(path);
      rmSync(path);
      expect(verifyAudit(directory).damage, file).toMatchObject([
        { file, what: expect.stringContaining("is gone") },
      ]);
      const lines = bytes.toString().split("\n");
      writeFileSync(path, `${lines.slice(0, 2).join("\n")}\n`, { mode: 0o600 });
      expect(verifyAudit(directory).damage, file).toMatchObject([{ file }]);
      writeFileSync(path, bytes, { mode: 0o600 });
    }
    expect(verifyAudit(directory).damage).toEqual([]);
  });
  it("knows the heads that were saved before", () => {
    const directory = fresh();
    for (let index = 0; index < 12; index++) write(directory, index);
    const saved = verifyAudit(directory).files;
    enforce(directory, 12, 7);
    expect(verifyAudit(directory, saved).damage).toEqual([]);
    const forged = saved.map((head) => ({ ...head, hash: "f".repeat(64) }));
    expect(verifyAudit(directory, forged).damage.length).toBe(12);
  });
  it("removes nothing that it cannot write down", () => {
    const directory = fresh();
    for (let index = 0; index < 12; index++) write(directory, index);
    const before = filesIn(directory);
    const clock = (): number => NOON + 12 * DAY;
    expect(enforceRetention({ directory, days: 7, clock: () => Number.NaN })).toEqual([]);
    const today = join(directory, "20250113-shared.jsonl");
    symlinkSync(join(directory, "20250112-shared.jsonl"), today);
    expect(enforceRetention({ directory, days: 7, clock })).toEqual([]);
    rmSync(today);
    expect(filesIn(directory)).toEqual(before);
    expect(enforceRetention({ directory, days: 7, clock })).toHaveLength(5);
  });
  it("survives a crash between the line and the removal", () => {
    const directory = fresh();
    for (let index = 0; index < 12; index++) write(directory, index);
    const kept = new Map(filesIn(directory).map((file) => [file, readFileSync(join(directory, file))]));
    const removed = enforce(directory, 12, 7);
    for (const file of removed) {
      writeFileSync(join(directory, file), kept.get(file) ?? "", { mode: 0o600 });
      settle(directory, file, NOON);
    }
    expect(verifyAudit(directory).damage).toEqual([]);
    expect(enforce(directory, 12, 7)).toEqual(removed);
    expect(verifyAudit(directory).damage).toEqual([]);
  });
});
