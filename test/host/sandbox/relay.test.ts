import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { relay } from "../../../src/host/sandbox/tail.ts";

const all = (data: Uint8Array): Uint8Array => data;

/** A reader that takes one piece when it is told to. */
function slow(isTTY = false): {
  readonly to: Writable & { readonly isTTY: boolean };
  readonly got: string[];
  readonly step: () => void;
} {
  const got: string[] = [];
  const waiting: (() => void)[] = [];
  const to = new Writable({
    highWaterMark: 4,
    write: (data: Buffer, _encoding, done) => {
      got.push(data.toString("latin1"));
      waiting.push(done);
    },
  });
  return { to: Object.assign(to, { isTTY }), got, step: () => waiting.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("output that is passed on", () => {
  it("waits for a slow reader, so that nothing piles up", async () => {
    const from = new PassThrough({ highWaterMark: 4 });
    const { to, got, step } = slow();
    relay(from, to, all);
    for (const piece of ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff"]) from.write(piece);
    await turn();
    expect(got).toEqual(["aaaa"]);
    expect(to.writableLength).toBeLessThanOrEqual(8);
    step();
    await turn();
    expect(got.length).toBeLessThan(4);
  });

  it("is taken in when the command has ended, and told when it is written", async () => {
    const from = new PassThrough({ highWaterMark: 4 });
    const { to, got, step } = slow();
    const { flushed, release } = relay(from, to, all);
    let told = false;
    void flushed.then(() => (told = true));
    for (const piece of ["aaaa", "bbbb", "cccc", "dddd"]) from.write(piece);
    from.end();
    await turn();
    release();
    await turn();
    expect(told).toBe(false);
    for (let left = 10; left > 0; left -= 1) {
      step();
      await turn();
    }
    expect(got.join("")).toBe("aaaabbbbccccdddd");
    expect(told).toBe(true);
    expect(to.listenerCount("error") + to.listenerCount("drain")).toBe(0);
  });

  it("ends where nobody reads any more", async () => {
    const from = new PassThrough();
    const to = new Writable({ write: (_data, _encoding, done) => done(new Error("EPIPE")) });
    const { flushed } = relay(from, to, all);
    from.write("a");
    await flushed;
    expect(from.destroyed).toBe(true);
  });

  it("is cut where it is too much, filtered for a terminal, and ended without a colour", async () => {
    const from = new PassThrough();
    const got: Buffer[] = [];
    const to = new Writable({
      write: (data: Buffer, _encoding, done) => {
        got.push(data);
        done();
      },
    });
    const { flushed } = relay(from, Object.assign(to, { isTTY: true }), (data) => data.subarray(0, 12));
    from.end("\u001b[31mred\u001b]0;title\u0007 and more");
    await flushed;
    expect(Buffer.concat(got).toString()).toBe("\u001b[31mred^[]0;\u001b[0m");
  });
});
