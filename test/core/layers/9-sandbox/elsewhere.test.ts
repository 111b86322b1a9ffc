import { describe, expect, it } from "vitest";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import { sandboxNeeds } from "../../../../src/core/layers/9-sandbox/needs.ts";
import type { Planned } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import { readRule } from "../../../../src/core/settings/rule.ts";
import { LISTS, PLACE, WORLD, type World, factsOf, policyWith, surveyOf } from "./made.ts";

const W = PLACE.root;

function access(planned: Planned, path: string): string {
  if (planned.kind === "refused") throw new Error(planned.why);
  return accessAt(planned.mounts, path);
}

describe("the plan, outside the workspace", () => {
  it("takes the stores of other people's homes for stores, and their guards for guards", () => {
    const world: World = {
      ...WORLD,
      "/home/other": "directory",
      "/home/other/.ssh": "directory",
      "/home/other/.ssh/id_rsa": "file",
      "/home/other/.config/cordon": "directory",
    };
    const place = { ...PLACE, otherHomes: ["/root", "/home/other"] };
    const policy = policyWith({ sandbox: { allowWrite: ["/home/other"] } });
    const lists = { ...LISTS, guard: [...LISTS.guard, { pattern: "~/.config/cordon/", why: "the guard" }] };
    const needs = sandboxNeeds(policy, place, lists);
    const facts = { ...factsOf(policy, world, { place }), needs, survey: surveyOf(world, needs) };
    const planned = sandboxPlan(policy, place, facts);
    expect(access(planned, "/home/other/.ssh/id_rsa")).toBe("hidden");
    expect(access(planned, "/home/other/.config/cordon")).toBe("read-only");
    expect(access(planned, "/home/other/x")).toBe("writable");
  });

  it("leaves the repository behind a working tree alone where a rule, a lock or a setting denies it", () => {
    const link = {
      path: `${W}/.git`,
      real: `${W}/.git`,
      type: "file",
      id: "l",
      stamp: "1",
      target: "/srv/repo/worktrees/w",
      common: "/srv/repo",
      backlinked: true,
    } as const;
    const world: World = { ...WORLD, [`${W}/.git`]: "file", "/srv": "directory", "/srv/repo": "directory" };
    const rules = readRule("Edit(//srv/**)", "deny").readings.map((reading) => ({
      ...reading,
      text: "Edit(//srv/**)",
      scope: "user" as const,
      anchor: W,
    }));
    const at = (change: Parameters<typeof policyWith>[0]): string => {
      const policy = policyWith(change);
      const facts = factsOf(policy, world);
      return access(
        sandboxPlan(policy, PLACE, { ...facts, survey: { ...facts.survey, gitLinks: [link] } }),
        "/srv/repo",
      );
    };
    expect(at({})).toBe("writable");
    expect(at({ rules })).toBe("read-only");
    expect(at({ sandbox: { denyWrite: ["/srv"] } })).toBe("read-only");
    expect(at({ block: true })).toBe("hidden");
    expect(at({ allowedDirectories: [W] })).toBe("hidden");
  });
});
