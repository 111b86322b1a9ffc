import { describe, expect, it } from "vitest";
import type { GitDir, SandboxFacts } from "../../../../src/core/layers/9-sandbox/facts.ts";
import { mountLimits } from "../../../../src/core/layers/9-sandbox/mounts.ts";
import type { Planned, SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import { readRule } from "../../../../src/core/settings/rule.ts";
import { PLACE, WORLD, type World, factsOf, policyWith, surveyOf } from "./made.ts";

const W = PLACE.root;

/** Small repositories as a command may make them, and they stay. */
function repositories(count: number): readonly GitDir[] {
  return Array.from({ length: count }, (_, index): GitDir => {
    const path = `${W}/a${index}/.git`;
    const at = (name: string) => ({ path: `${path}/${name}`, real: `${path}/${name}`, id: name, stamp: "1" });
    return {
      path,
      id: path,
      named: true,
      files: [
        { ...at("config"), name: "config", type: "file" },
        { ...at("hooks"), name: "hooks", type: "directory" },
      ],
      hooks: [{ ...at("hooks/pre-commit"), type: "file" }],
    };
  });
}

function plan(world: World, gits: readonly GitDir[] = [], ...denied: readonly string[]): Planned {
  const rules = denied.flatMap((text) =>
    readRule(text, "deny").readings.map((reading) => ({
      ...reading,
      text,
      scope: "user" as const,
      anchor: W,
    })),
  );
  const policy = policyWith({ rules });
  const facts: SandboxFacts = factsOf(policy, world);
  return sandboxPlan(policy, PLACE, { ...facts, survey: surveyOf(world, facts.needs, gits) });
}

function made(planned: Planned): SandboxPlan {
  if (planned.kind === "refused") throw new Error(planned.why);
  return planned;
}

/** What keeps its name below the workspace though it is writable. */
function pins(planned: Planned): readonly string[] {
  return made(planned).mounts.flatMap(({ kind, to }) =>
    kind === "bind" && to !== W ? [to.slice(W.length + 1)] : [],
  );
}

describe("where there are more paths to hold than mounts", () => {
  const most = mountLimits(undefined).protectedMounts;
  const world: World = {
    ...WORLD,
    [`${W}/packages/deep/in/it/.vscode`]: "directory",
    [`${W}/packages/deep/in/it/.mcp.json`]: "file",
  };

  it("named ones are held before those of repositories", () => {
    const { mounts, notes } = made(plan(world, repositories(most)));
    for (const name of [".vscode", ".mcp.json"])
      expect(mounts).toContainEqual(
        expect.objectContaining({ kind: "ro-bind", to: `${W}/packages/deep/in/it/${name}` }),
      );
    expect(notes.map(({ what }) => what).join("\n")).toMatch(/beyond the first/);
  });

  it("no directory is compared by its own stamp: its files are, or it is held all the same", () => {
    const many: World = Object.fromEntries(
      Array.from({ length: most + 50 }, (_, index) => [`${W}/p${index}/.vscode`, "directory"] as const),
    );
    const { mounts, inspection } = made(plan({ ...world, ...many }, repositories(most)));
    for (const path of Object.keys(many))
      expect(mounts).toContainEqual(expect.objectContaining({ kind: "ro-bind", to: path }));
    expect(inspection.watch.filter(({ type }) => type === "directory")).toEqual([]);
    const watched = new Set(inspection.watch.map(({ real }) => real));
    const held = new Set(mounts.map(({ to }) => to));
    for (const { files, hooks } of inspection.before.gits)
      for (const { real } of [...files.filter(({ type }) => type === "file"), ...hooks])
        expect([real, watched.has(real) || held.has(real) || held.has(real.replace(/\/[^/]*$/, ""))]).toEqual(
          [real, true],
        );
  });

  it("the plan is refused where directories are too many for the rung", () => {
    const many: World = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`${W}/p${index}/.vscode`, "directory"] as const),
    );
    expect(plan({ ...WORLD, ...many })).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("paths have to be mounted"),
    });
  });
});

describe("directories keep their names", () => {
  const world: World = {
    ...WORLD,
    [`${W}/x/config/prod.key`]: "file",
    [`${W}/.env`]: { link: "cfg/a/prod.env", real: `${W}/cfg/a/prod.env`, type: "file" },
  };

  it("where a pattern spells them, and no more of them", () => {
    expect(pins(plan(world, [], "Read(**/config/prod.key)"))).toEqual(["x/config"]);
    expect(pins(plan(world, [], "Edit(**/config/prod.key)"))).toEqual(["x/config"]);
    expect(pins(plan(world, [], "Read(**/prod.key)"))).toEqual([]);
    expect(pins(plan(world, [], "Read(x/**/prod.key)"))).toEqual(["x", "x/config"]);
    expect(pins(plan(world, [], `Read(/${W}/x/config/**/prod.key)`))).toEqual(["x", "x/config"]);
  });

  it("above what a link leads to, denied or protected", () => {
    expect(pins(plan(world, [], "Read(**/.env)"))).toEqual(["cfg", "cfg/a"]);
    const tool = { link: "tools/code", real: `${W}/tools/code`, type: "directory" } as const;
    expect(pins(plan({ ...WORLD, [`${W}/.vscode`]: tool }))).toEqual(["tools"]);
    // What leads nowhere has nothing above it.
    expect(pins(plan({ ...WORLD, [`${W}/.vscode`]: { ...tool, type: "absent" } }))).toEqual([]);
  });
});
