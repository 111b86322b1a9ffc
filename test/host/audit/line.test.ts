import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical, chain, GENESIS, open, openBytes, seal, sha256 } from "../../../src/host/audit/line.ts";

const SEAL = { seq: 0, at: 0, prev: GENESIS, time: "2025-01-31T12:00:00.000Z" };

describe("canonical", () => {
  it("sorts keys at every level and drops what has no value", () => {
    expect(canonical({ b: 1, a: { d: [1, { z: null, y: undefined }], c: "x" } })).toBe(
      '{"a":{"c":"x","d":[1,{"z":null}]},"b":1}',
    );
  });

  it("is JSON that means the same", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("seal and open", () => {
  it("hashes the line before and the canonical record without its hash", () => {
    const { line, hash } = seal({ type: "x", zeta: 1 }, SEAL);
    const bare = `{"at":0,"prev":"${GENESIS}","seq":0,"time":"2025-01-31T12:00:00.000Z","type":"x","zeta":1}`;
    expect(hash).toBe(createHash("sha256").update(GENESIS).update(bare).digest("hex"));
    expect(line).toBe(bare.replace('"prev"', `"hash":"${hash}","prev"`));
    expect(open(line)).toMatchObject({ hash, seq: 0, record: { type: "x" } });
  });

  it("opens what it sealed, and nothing that differs in a byte", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (record, place, flip) => {
          const { line, hash } = seal(JSON.parse(JSON.stringify({ x: record })), SEAL);
          expect(open(line)).toMatchObject({ hash });
          const bytes = Buffer.from(line);
          const at = place % bytes.length;
          bytes[at] = (bytes[at] ?? 0) ^ flip;
          expect(typeof openBytes(bytes)).toBe("string");
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("tells an unfinished line from an altered one", () => {
    const { line } = seal({ type: "x" }, SEAL);
    for (let length = 0; length < line.length; length += 1) expect(open(line.slice(0, length))).toBe("torn");
    expect(open(line.replace('"x"', '"y"'))).toBe("altered");
    expect(open(`${line} `)).toBe("altered");
    expect(open(line.replace('{"at"', '{"at":1,"at"'))).toBe("altered");
    for (const other of [
      "1",
      "[]",
      "{}",
      '{"seq":-1}',
      "null",
      `{"seq":0,"at":0,"prev":"x","time":"t","hash":"h"}`,
    ]) {
      expect(open(other)).toBe("altered");
    }
    const deep = line.replace('"x"', `${"[".repeat(200_000)}${"]".repeat(200_000)}`);
    expect(open(deep)).toBe("altered");
  });
});

describe("chain", () => {
  it("passes on the hash of a line that follows, and folds every other line in by its bytes", () => {
    const { line, hash } = seal({ type: "x" }, SEAL);
    const raw = Buffer.from(line);
    expect(chain(GENESIS, 0, raw, open(line))).toBe(hash);
    expect(chain(GENESIS, 1, raw, open(line))).toBe(sha256(GENESIS, raw));
    expect(chain(hash, 0, raw, open(line))).toBe(sha256(hash, raw));
    expect(chain(hash, 1, Buffer.from("torn"), "torn")).toBe(sha256(hash, "torn"));
  });
});
