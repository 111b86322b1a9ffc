import { describe, expect, it } from "vitest";
import { parentsFrom } from "../../../src/host/sandbox/linux/group.ts";

const FIRST = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`;
const SECOND = `29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate`;

const all = (): boolean => true;
const nothing = (): string => "";

describe("where groups can be made", () => {
  it("with version 1 every controller has its own place, below the caller's", () => {
    const own = "8:pids:/a\n4:memory:/b/c\n2:cpu,cpuacct:/\n0::/";
    expect(parentsFrom(FIRST, own, nothing, all)).toEqual({
      pids: "/sys/fs/cgroup/pids/a",
      memory: "/sys/fs/cgroup/memory/b/c",
      cpu: "/sys/fs/cgroup/cpu,cpuacct/",
    });
  });

  it("is nowhere where the caller cannot write", () => {
    const own = "8:pids:/a\n4:memory:/b/c\n2:cpu,cpuacct:/\n0::/";
    const usable = (path: string): boolean => path.includes("/memory/");
    expect(parentsFrom(FIRST, own, nothing, usable)).toEqual({
      pids: undefined,
      memory: "/sys/fs/cgroup/memory/b/c",
      cpu: undefined,
    });
    expect(parentsFrom(FIRST, own, nothing, () => false)).toEqual({});
  });

  it("with version 2 it is the nearest directory above that hands the controller down", () => {
    const own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope";
    const user = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
    const handed: Readonly<Record<string, string>> = {
      "/sys/fs/cgroup": "cpu memory pids",
      "/sys/fs/cgroup/user.slice": "cpu memory pids",
      "/sys/fs/cgroup/user.slice/user-1000.slice": "memory pids",
      [user]: "memory pids",
      [`${user}/app.slice`]: "pids",
    };
    const delegated = (path: string): boolean => path.startsWith(user);
    const read = (path: string): string => handed[path] ?? "";
    expect(parentsFrom(SECOND, own, read, delegated)).toEqual({
      pids: `${user}/app.slice`,
      memory: user,
      cpu: user,
    });
    // Not above what the caller was given.
    expect(parentsFrom(SECOND, own, read, () => false)).toEqual({});
    const above = "0::/user.slice/user-1000.slice/session-1.scope";
    expect(parentsFrom(SECOND, above, read, delegated)).toEqual({});
  });

  it("is nowhere without control groups", () => {
    expect(parentsFrom("", "", nothing, all)).toEqual({});
  });
});
