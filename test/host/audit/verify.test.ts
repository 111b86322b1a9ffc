import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seal, sha256 } from "../../../src/host/audit/line.ts";
import { verifyAudit } from "../../../src/host/audit/verify.ts";
import { directories, filesIn, linesIn, openAt, record } from "./temporary.ts";

const fresh = directories();
const SHARED = "20250131-shared.jsonl";

/** A closed file of `count` records; its name. */
function ownFile(directory: string, count: number): string {
  const log = openAt(directory);
  for (let i = 0; i < count; i += 1) log.append(record(`own${i}`));
  log.close();
  return log.file;
}

function sharedFile(directory: string, count: number): string {
  const log = openAt(directory, { writer: "shared" });
  for (let i = 0; i < count; i += 1) log.append(record(`shared${i}`));
  log.close();
  return log.file;
}

function rewrite(directory: string, file: string, change: (lines: string[]) => readonly string[]): void {
  const lines = change([...linesIn(directory, file)]);
  writeFileSync(join(directory, file), lines.map((line) => `${line}\n`).join(""));
}

/** The line again, with another command and a hash that fits it. */
function forge(line: string): string {
  const { hash: _, ...rest } = JSON.parse(line);
  return seal({ ...rest, input: { command: "innocent" } }, rest).line;
}

describe.each([
  ["own", ownFile],
  ["shared", sharedFile],
] as const)("a chain of a %s file", (kind, make) => {
  const damageAfter = (
    change: (lines: string[]) => readonly string[],
  ): ReturnType<typeof verifyAudit>["damage"] => {
    const directory = fresh();
    const file = make(directory, 6);
    rewrite(directory, file, change);
    return verifyAudit(directory).damage;
  };

  it("is whole when nobody touched it", () => {
    expect(damageAfter((lines) => lines)).toEqual([]);
  });

  it("names the line whose text was altered", () => {
    const damage = damageAfter((lines) =>
      lines.map((line, i) => (i === 3 ? line.replace('"ls"', '"rm"') : line)),
    );
    expect(damage).toMatchObject([{ line: 4, what: "altered: its hash is not that of its text" }]);
  });

  it("names the line that does not follow when a line before got a hash that fits", () => {
    const damage = damageAfter((lines) => lines.map((line, i) => (i === 3 ? forge(line) : line)));
    expect(damage).toMatchObject([{ line: 5 }]);
    expect(damage[0]?.what).toMatch(/does not follow/);
  });

  it.each([0, 1, 4])("notices that line %i is missing", (gone) => {
    const damage = damageAfter((lines) => lines.filter((_, i) => i !== gone));
    expect(damage).toMatchObject([{ line: gone + 1 }]);
  });

  it("notices lines that changed places", () => {
    const damage = damageAfter((lines) => [
      ...lines.slice(0, 2),
      ...lines.slice(2, 4).reverse(),
      ...lines.slice(4),
    ]);
    expect(damage).toHaveLength(1);
  });

  it("notices a line that was written twice in the middle", () => {
    const damage = damageAfter((lines) => [...lines.slice(0, 4), ...lines.slice(3)]);
    expect(damage).toHaveLength(1);
  });

  it("notices garbage in the middle and tells it from a line that was not finished", () => {
    const damage = damageAfter((lines) => [...lines.slice(0, 3), "garbage", ...lines.slice(3)]);
    expect(damage).toMatchObject([{ line: 4 }]);
    expect(
      damageAfter((lines) => lines.map((line, i) => (i === 3 ? line.slice(0, 20) : line))),
    ).toMatchObject([{ line: 4 }]);
  });

  it("takes an unfinished last line for what a killed writer leaves", () => {
    const directory = fresh();
    const file = make(directory, 3);
    const path = join(directory, file);
    truncateSync(path, readFileSync(path).length - 10);
    const { damage, notes } = verifyAudit(directory);
    expect(damage).toEqual([]);
    expect(notes[0]).toMatchObject({ file, what: expect.stringMatching(/^unfinished/) });
  });

  it("notices every change of any byte that is not at the very end", () => {
    const directory = fresh();
    const file = make(directory, 4);
    const path = join(directory, file);
    const whole = readFileSync(path);
    // Nothing covers the last line, and with its line end the one before it would be part of it.
    const last = whole.lastIndexOf(10, whole.length - 2) + 1;
    fc.assert(
      fc.property(fc.nat(last - 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ flip;
        writeFileSync(path, changed);
        expect(verifyAudit(directory).damage).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
    writeFileSync(path, whole);
    expect(verifyAudit(directory).damage).toEqual([]);
  });

  it("notices a renamed file", () => {
    const directory = fresh();
    const file = make(directory, 2);
    renameSync(
      join(directory, file),
      join(
        directory,
        kind === "own" ? `${file.slice(0, 8)}T000000000Z-1-00000000.jsonl` : "20240101-shared.jsonl",
      ),
    );
    expect(verifyAudit(directory).damage).toMatchObject([
      { line: 1, what: expect.stringMatching(/renamed/) },
    ]);
  });
});

describe("an own file", () => {
  it("ends with its closing line", () => {
    const directory = fresh();
    const file = ownFile(directory, 2);
    const lines = linesIn(directory, file);
    const last = JSON.parse(lines.at(-1) ?? "");
    const at = readFileSync(join(directory, file)).length;
    const { line } = seal({ type: "decision" }, { seq: lines.length, at, prev: last.hash, time: last.time });
    appendFileSync(join(directory, file), `${line}\n`);
    expect(verifyAudit(directory).damage).toMatchObject([
      { line: lines.length + 1, what: "follows the closing line" },
    ]);
  });

  it("is noted, not blamed, when its writer did not close it", () => {
    const directory = fresh();
    openAt(directory).append(record("1"));
    expect(verifyAudit(directory)).toMatchObject({
      damage: [],
      notes: [{ what: expect.stringMatching(/not closed/) }],
    });
  });
});

describe("a shared file", () => {
  it("covers what was written at the same time by others", () => {
    const directory = fresh();
    sharedFile(directory, 1);
    const path = join(directory, SHARED);
    const lines = linesIn(directory, SHARED);
    const size = readFileSync(path).length;
    const last = JSON.parse(lines.at(-1) ?? "");
    // Two writers that had read the same end.
    const twins = ["a", "b"].map(
      (id) => seal(record(id), { seq: lines.length, at: size, prev: last.hash, time: last.time }).line,
    );
    appendFileSync(path, twins.map((line) => `${line}\n`).join(""));
    sharedFile(directory, 1);
    expect(verifyAudit(directory)).toMatchObject({ damage: [], files: [{ records: 4 }] });
    const after = JSON.parse(linesIn(directory, SHARED).at(-1) ?? "");
    expect(after.prev).toBe(sha256(JSON.parse(twins[0] ?? "").hash, twins[1] ?? ""));
    // Either twin is missed.
    for (const twin of twins) {
      const whole = readFileSync(path);
      rewrite(directory, SHARED, (all) => all.filter((line) => line !== twin));
      expect(verifyAudit(directory).damage).toHaveLength(1);
      writeFileSync(path, whole);
    }
  });

  it("notices a half line that was altered after a later record covered it", () => {
    const directory = fresh();
    sharedFile(directory, 1);
    appendFileSync(join(directory, SHARED), '{"half');
    sharedFile(directory, 2);
    expect(verifyAudit(directory).damage).toEqual([]);
    rewrite(directory, SHARED, (lines) => lines.map((line) => (line === '{"half' ? '{"HALF' : line)));
    expect(verifyAudit(directory).damage).toMatchObject([
      { line: 3, what: "altered after line 5 had covered it" },
    ]);
  });
});

describe("links between files", () => {
  it("miss a file that is gone, and name who knew it", () => {
    const directory = fresh();
    const first = ownFile(directory, 3);
    const second = ownFile(directory, 1);
    const names = filesIn(directory);
    expect(names).toHaveLength(2);
    rmSync(join(directory, first));
    expect(verifyAudit(directory).damage).toEqual([
      { file: first, what: `is gone; ${second}:1 knew it with 5 lines` },
    ]);
  });

  it.each(["own", "shared"] as const)("miss lines that were cut off the end (%s)", (kind) => {
    const directory = fresh();
    const first = kind === "own" ? ownFile(directory, 3) : sharedFile(directory, 3);
    const second = ownFile(directory, 1);
    rewrite(directory, first, (lines) => lines.slice(0, -2));
    const { damage } = verifyAudit(directory);
    expect(damage).toMatchObject([{ file: first }]);
    expect(damage[0]?.what).toContain(`${second}:1 knew`);
  });

  it("notice a file that was written anew with chains that fit", () => {
    const directory = fresh();
    const first = sharedFile(directory, 3);
    ownFile(directory, 1);
    rmSync(join(directory, first));
    sharedFile(directory, 3);
    rewrite(directory, first, (lines) => lines);
    expect(verifyAudit(directory).damage).toMatchObject([
      { file: first, what: expect.stringMatching(/are not those/) },
    ]);
  });

  it("are made at the start and at the close", () => {
    const directory = fresh();
    const log = openAt(directory);
    sharedFile(directory, 2);
    log.close();
    rewrite(directory, SHARED, (lines) => lines.slice(0, -1));
    const [damage] = verifyAudit(directory).damage;
    expect(damage).toMatchObject({
      file: SHARED,
      what: `has 2 lines, but ${log.file}:2 knew 3: its end was cut off`,
    });
  });

  it("name only what nobody else knows, and still miss every file", () => {
    const directory = fresh();
    const files = Array.from({ length: 6 }, () => ownFile(directory, 1));
    const counts = files.map((file) => JSON.parse(linesIn(directory, file)[0] ?? "").links.length);
    expect(counts).toEqual([0, 1, 1, 1, 1, 1]);
    for (const file of files.slice(0, -1)) {
      const text = readFileSync(join(directory, file));
      rmSync(join(directory, file));
      expect(verifyAudit(directory).damage).toMatchObject([
        { file, what: expect.stringMatching(/^is gone/) },
      ]);
      writeFileSync(join(directory, file), text);
    }
    for (const file of files.slice(0, -1)) rmSync(join(directory, file));
    expect(verifyAudit(directory).damage).toMatchObject([{ file: files[4] }]);
  });

  it("leave alone what was written after them", () => {
    const directory = fresh();
    const log = openAt(directory);
    sharedFile(directory, 2);
    ownFile(directory, 2);
    log.append(record("1"));
    sharedFile(directory, 2);
    log.close();
    expect(verifyAudit(directory)).toMatchObject({ damage: [], notes: [] });
  });

  it("reach back to heads that were saved elsewhere", () => {
    const directory = fresh();
    const file = ownFile(directory, 3);
    const saved = verifyAudit(directory).files;
    expect(verifyAudit(directory, saved).damage).toEqual([]);
    rewrite(directory, file, (lines) => lines.slice(0, -1));
    expect(verifyAudit(directory).damage).toEqual([]);
    expect(verifyAudit(directory, saved).damage).toMatchObject([
      { what: "has 4 lines, but a head that was saved knew 5: its end was cut off" },
    ]);
    rmSync(join(directory, file));
    expect(verifyAudit(directory, saved).damage).toMatchObject([
      { what: "is gone; a head that was saved knew it with 5 lines" },
    ]);
  });

  it("take a file that became a link for damage, and go on", () => {
    const directory = fresh();
    const file = ownFile(directory, 1);
    renameSync(join(directory, file), join(directory, "moved"));
    symlinkSync("moved", join(directory, file));
    expect(verifyAudit(directory).damage).toEqual([{ file, what: "is a link" }]);
    expect(openAt(directory).file).not.toBe(file);
  });
});
