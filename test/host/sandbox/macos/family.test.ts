import { describe, expect, it } from "vitest";
import { type Relative, familyOf, markedIn, relativesIn } from "../../../../src/host/sandbox/macos/family.ts";

const of = (pid: number, parent: number, group: number, started = "then"): Relative => ({
  pid,
  parent,
  group,
  started,
});
const pids = (family: readonly Relative[]): readonly number[] => family.map(({ pid }) => pid);

describe("the family of a process", () => {
  const others = [of(0, 0, 0), of(1, 0, 1), of(50, 1, 50), of(51, 50, 50)];

  it("is its descendants and whoever shares a group with one", () => {
    const all = [
      ...others,
      of(100, 50, 100),
      of(101, 100, 100),
      of(102, 101, 102),
      of(103, 1, 102),
      of(104, 1, 104),
    ];
    expect(pids(familyOf(all, 100, []))).toEqual([100, 101, 102, 103]);
  });

  it("keeps those who left it after they were seen", () => {
    const known = [of(104, 100, 100), of(105, 104, 105)];
    const all = [...others, of(104, 1, 104), of(105, 1, 105), of(106, 105, 106)];
    expect(pids(familyOf(all, 100, known))).toEqual([104, 105, 106]);
  });

  it("is not a later process of the same number", () => {
    expect(familyOf([...others, of(104, 1, 104, "later")], 100, [of(104, 100, 100)])).toEqual([]);
  });

  it("is never the system's, nor the launcher's", () => {
    expect(pids(familyOf([...others, of(100, 50, 50)], 100, []))).toEqual([100]);
    expect(pids(familyOf(others, 100, []))).toEqual([]);
  });
});

it("is read from what ps writes", () => {
  const text =
    "    1     0     1 Sat Nov 21 09:00:00 2026\n  731   730   731 Sat Nov 21 09:01:02 2026    \nrubbish\n\n";
  expect(relativesIn(text)).toEqual([
    of(1, 0, 1, "Sat Nov 21 09:00:00 2026"),
    of(731, 730, 731, "Sat Nov 21 09:01:02 2026"),
  ]);
});

it("is told by its environment too", () => {
  const lines = ` 12 node a.js TMPDIR=/t/cordon-a HOME=/h\n 13 sleep 5 XTMPDIR=/t/cordon-a\n 14 node b.js\n ${process.pid} cordon TMPDIR=/t/cordon-a\n`;
  expect(markedIn(lines, "TMPDIR=/t/cordon-a")).toEqual([12]);
});
