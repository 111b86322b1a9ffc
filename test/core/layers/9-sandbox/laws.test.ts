import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import { PASSED_VARIABLES, sandboxEnvironment } from "../../../../src/core/layers/9-sandbox/environment.ts";
import { plannedLimits } from "../../../../src/core/layers/9-sandbox/limits.ts";
import { BUILT_IN_LIMITS } from "../../../../src/core/settings/limits.ts";
import type { Planned } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import type { Policy } from "../../../../src/core/settings/policy.ts";
import { PLACE, WORLD, type World, factsOf, policyWith } from "./made.ts";

const W = PLACE.root;

describe("laws of the plan", () => {
  const paths = fc.constantFrom(
    "/data",
    "/data/a",
    "/data/a/b",
    `${W}/x`,
    `${W}/x/y`,
    "/home/u",
    "/home/u/.ssh",
    "/etc",
    "/",
    W,
    "/tmp",
    "/tmp/t",
  );
  const world: World = {
    ...WORLD,
    "/": "directory",
    "/data": "directory",
    "/data/a": "directory",
    "/data/a/b": "directory",
    [`${W}/x`]: "directory",
    [`${W}/x/y`]: "directory",
    "/tmp/t": "directory",
  };
  const lists = fc.array(paths, { maxLength: 4 });
  const probes = [...Object.keys(world), `${W}/.mcp.json`, "/data/new", "/home/u/.bashrc"];
  const rank: Readonly<Record<string, number>> = { hidden: 0, private: 1, "read-only": 2, writable: 3 };
  const policyOf = (allow: readonly string[], deny: readonly string[], hide: readonly string[]): Policy =>
    policyWith({ sandbox: { allowWrite: allow, denyWrite: deny, denyRead: hide } });
  const planOf = (policy: Policy): Planned => sandboxPlan(policy, PLACE, factsOf(policy, world));

  it("denying more never opens anything", () => {
    fc.assert(
      fc.property(lists, lists, lists, paths, (allow, deny, hide, more) => {
        const before = planOf(policyOf(allow, deny, hide));
        for (const after of [
          planOf(policyOf(allow, [...deny, more], hide)),
          planOf(policyOf(allow, deny, [...hide, more])),
        ]) {
          if (after.kind === "refused") continue;
          if (before.kind === "refused") throw new Error("a denial made a refused plan possible");
          for (const path of probes) {
            const [a, b] = [accessAt(before.mounts, path), accessAt(after.mounts, path)];
            // A private place hides as much of the machine as a mask does.
            if (a === "private" || b === "private") continue;
            expect([path, (rank[b] ?? 9) <= (rank[a] ?? 9)]).toEqual([path, true]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it("what is denied is denied, whatever is allowed", () => {
    fc.assert(
      fc.property(lists, lists, lists, (allow, deny, hide) => {
        const planned = planOf(policyOf(allow, deny, hide));
        if (planned.kind === "refused") return;
        for (const path of deny.filter((each) => each !== "/"))
          expect([path, accessAt(planned.mounts, path)]).not.toEqual([path, "writable"]);
        for (const path of hide.filter((each) => each !== "/"))
          expect(["hidden", "private"]).toContain(accessAt(planned.mounts, path));
        expect(accessAt(planned.mounts, "/home/u/.ssh/id_rsa")).toBe("hidden");
        expect(accessAt(planned.mounts, "/etc/passwd") === "writable" && !allow.includes("/etc")).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it("every writable mount is a directory somebody asked for", () => {
    fc.assert(
      fc.property(lists, lists, (allow, deny) => {
        const planned = planOf(policyOf(allow, deny, []));
        if (planned.kind === "refused") return;
        for (const mount of planned.mounts)
          if (mount.kind === "bind")
            expect([W, ...allow].some((root) => mount.to === root || mount.to.startsWith(`${root}/`))).toBe(
              true,
            );
      }),
    );
  });
});

describe("environment and limits", () => {
  it("no variable passes that is not listed", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[A-Z_]{1,12}$/), fc.string()), (caller) => {
        const out = sandboxEnvironment(caller, "/h", "/tmp");
        const own = [
          "HOME",
          "PATH",
          "TMPDIR",
          "XDG_CACHE_HOME",
          "npm_config_cache",
          "npm_config_update_notifier",
          "CORDON_SANDBOX",
        ];
        for (const name of Object.keys(out))
          expect(own.includes(name) || PASSED_VARIABLES.includes(name) || /^LC_[A-Z]+$/.test(name)).toBe(
            true,
          );
      }),
    );
    for (const name of [
      "LD_PRELOAD",
      "NODE_OPTIONS",
      "BASH_ENV",
      "ENV",
      "PYTHONPATH",
      "PYTHONSTARTUP",
      "PERL5OPT",
      "RUBYOPT",
      "GIT_CONFIG_COUNT",
      "SSH_AUTH_SOCK",
      "GITHUB_TOKEN",
      "AWS_PROFILE",
    ])
      expect(PASSED_VARIABLES).not.toContain(name);
  });

  it("the search path has absolute entries only", () => {
    const path = (text: string): string | undefined =>
      sandboxEnvironment({ PATH: text }, "/h", "/tmp")["PATH"];
    expect(path(":.:bin:/usr/bin::/bin:/usr/bin")).toBe("/usr/bin:/bin");
    expect(path("")).toMatch(/^\/usr\/local\/sbin:/);
    expect(sandboxEnvironment({ LANG: "a\0b", TZ: "UTC" }, "/h", "/tmp")).not.toHaveProperty("LANG");
  });

  it("limits are what settings say, below the caller's own, and never absent", () => {
    const facts = { hardLimits: { nofile: 1024 }, machine: { arch: "x64" } };
    expect(plannedLimits({}, facts, 1000)).toMatchObject({
      ...BUILT_IN_LIMITS,
      openFiles: 1024,
      time: undefined,
      cpuTime: undefined,
      disk: undefined,
      processesBy: "rlimit",
    });
    expect(plannedLimits({ openFiles: 100, memory: 5 }, facts, 1000)).toMatchObject({
      openFiles: 100,
      memory: 5,
    });
    for (const bad of [0, -1, Number.NaN, 1.5, Infinity])
      expect(plannedLimits({ memory: bad, time: bad }, facts, 1000).memory).toBe(BUILT_IN_LIMITS.memory);
    expect(
      plannedLimits({}, { ...facts, machine: { arch: "x64", groups: { pids: "/g" } } }, 0).processesBy,
    ).toBe("group");
  });
});
