import { describe, expect, it } from "vitest";
import {
  limitText,
  neededGroups,
  plannedLimits,
  sizeText,
} from "../../../../src/core/layers/9-sandbox/limits.ts";

describe("sizes", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [1000, "1000 bytes"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [2 * 2 ** 30, "2 GiB"],
    [1.25 * 2 ** 30, "1.3 GiB"],
    [3 * 2 ** 40, "3 TiB"],
    [5000 * 2 ** 40, "5000 TiB"],
  ])("%d is %s", (bytes, text) => expect(sizeText(bytes)).toBe(text));
});

describe("what is said of a limit", () => {
  it.each([
    ["memory", 2 * 2 ** 30, true, "killed: 2 GiB memory limit"],
    ["fileSize", 2 ** 20, true, "killed: 1 MiB file size limit"],
    ["disk", 10 * 2 ** 30, true, "killed: 10 GiB disk limit"],
    ["output", 1000, true, "killed: 1000 bytes output limit"],
    ["time", 30, true, "killed: 30 s time limit"],
    ["cpuTime", 2, true, "killed: 2 s processor time limit"],
    ["processes", 1000, false, "reached: limit of processes (1000)"],
    ["openFiles", 64, false, "reached: limit of open files (64)"],
    ["temporary", 2 ** 30, false, "reached: limit of temporary files (1 GiB)"],
  ] as const)("%s", (limit, allowed, killed, text) =>
    expect(limitText({ limit, allowed, killed })).toBe(text),
  );
});

describe("the groups that limits need", () => {
  const parents = { pids: "/p", memory: "/m", cpu: "/c" };
  const facts = { hardLimits: {}, machine: { arch: "x64", groups: parents } };

  it("are those of what is limited, and none where the kernel holds it by itself", () => {
    expect(neededGroups(plannedLimits({}, facts, 0), parents)).toEqual({ pids: "/p", memory: "/m" });
    expect(neededGroups(plannedLimits({ cpuTime: 5 }, facts, 1000), parents)).toEqual({
      memory: "/m",
      cpu: "/c",
    });
    expect(
      neededGroups(plannedLimits({}, { ...facts, machine: { arch: "x64" } }, 1000), undefined),
    ).toBeUndefined();
    expect(
      neededGroups(plannedLimits({}, { ...facts, machine: { arch: "x64", groups: {} } }, 0), {}),
    ).toBeUndefined();
  });

  it("a group holds what the caller can have one for", () => {
    expect(plannedLimits({}, facts, 0)).toMatchObject({ memoryBy: "group", processesBy: "group" });
    expect(plannedLimits({}, facts, 1000)).toMatchObject({ memoryBy: "group", processesBy: "rlimit" });
    expect(plannedLimits({}, { hardLimits: {}, machine: { arch: "x64" } }, 0)).toMatchObject({
      memoryBy: "count",
      processesBy: "count",
    });
  });
});
