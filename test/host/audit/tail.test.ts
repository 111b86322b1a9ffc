import { appendFileSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tailAudit, type Entry } from "../../../src/host/audit/tail.ts";
import { directories, openAt, record, ticking } from "./temporary.ts";

const fresh = directories();
const isDecision = (entry: Entry): boolean => entry.sealed.record["type"] === "decision";
const idsOf = (entries: readonly Entry[]): readonly unknown[] =>
  entries.map((entry) => entry.sealed.record["id"]);

describe("tailAudit", () => {
  it("gives the last records of all files by time", () => {
    const directory = fresh();
    const clock = ticking();
    const own = openAt(directory, { clock });
    const shared = openAt(directory, { clock, writer: "shared" });
    for (let i = 0; i < 10; i += 1) (i % 2 === 0 ? own : shared).append(record(String(i)));
    own.close();
    expect(idsOf(tailAudit(directory, 4, isDecision).entries)).toEqual(["6", "7", "8", "9"]);
    expect(idsOf(tailAudit(directory, 100, isDecision).entries)).toHaveLength(10);
    expect(tailAudit(directory, 0, isDecision).entries).toEqual([]);
  });

  it("keeps the order of a file whose clock went back", () => {
    const directory = fresh();
    const times = [9000, 8000, 7000, 6000, 5000, 4000];
    const log = openAt(directory, { clock: () => times.shift() ?? 0 });
    for (let i = 0; i < 4; i += 1) log.append(record(String(i)));
    expect(idsOf(tailAudit(directory, 3, isDecision).entries)).toEqual(["1", "2", "3"]);
  });

  it("looks back far enough for large records", () => {
    const directory = fresh();
    const log = openAt(directory);
    for (let i = 0; i < 30; i += 1) log.append(record(String(i), "x".repeat(20_000)));
    expect(idsOf(tailAudit(directory, 20, isDecision).entries)[0]).toBe("10");
  });

  it("counts what is no record, and names files it cannot read", () => {
    const directory = fresh();
    const log = openAt(directory, { writer: "shared" });
    log.append(record("1"));
    appendFileSync(join(directory, log.file), "garbage\n");
    symlinkSync("nowhere", join(directory, "20200101-shared.jsonl"));
    const tail = tailAudit(directory, 5, isDecision);
    expect(tail.unreadable).toBe(1);
    expect(tail.failed).toMatchObject([expect.stringMatching(/is a link/)]);
    expect(idsOf(tail.entries)).toEqual(["1"]);
  });

  it("is empty where there is no log", () => {
    expect(tailAudit(fresh(), 5, isDecision)).toMatchObject({ entries: [], unreadable: 0, failed: [] });
  });

  it("follows what is written afterwards, in files old and new, until it is told to stop", async () => {
    const directory = fresh();
    const old = openAt(directory);
    old.append(record("before"));
    const stop = new AbortController();
    const { follow } = tailAudit(directory, 5, isDecision);
    old.append(record("1"));
    const seen: unknown[] = [];
    for await (const entry of follow(stop.signal)) {
      seen.push(entry.sealed.record["id"]);
      if (seen.length === 1) openAt(directory, { writer: "shared" }).append(record("2"));
      if (seen.length === 2) old.append(record("3"));
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual(["1", "2", "3"]);
  });
  it("follows past the half line of a killed writer, and prints a line when it is whole", async () => {
    const directory = fresh();
    const log = openAt(directory, { writer: "shared" });
    log.append(record("before"));
    const path = join(directory, log.file);
    const stop = new AbortController();
    const { follow } = tailAudit(directory, 5, isDecision);
    appendFileSync(path, '{"at":12,"type":"deci');
    setTimeout(() => log.append(record("1")), 400);
    const seen: unknown[] = [];
    for await (const entry of follow(stop.signal)) {
      seen.push(entry.sealed.record["id"]);
      if (seen.length === 1) {
        // A line that another writer is just writing: its end comes later.
        const text = readFileSync(path);
        log.append(record("2"));
        const whole = readFileSync(path);
        truncateSync(path, text.length + 100);
        setTimeout(() => writeFileSync(path, whole), 400);
      }
      if (seen.length === 2) stop.abort();
    }
    expect(seen).toEqual(["1", "2"]);
  });
});
