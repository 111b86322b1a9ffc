import { describe, expect, it } from "vitest";
import {
  type RungState,
  allowedRungs,
  chooseRung,
  planAtRung,
  rungLosses,
} from "../../../../src/core/layers/9-sandbox/ladder.ts";
import { landlockListings } from "../../../../src/core/layers/9-sandbox/landlock-alone.ts";
import type { SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import type { Rung } from "../../../../src/core/settings/policy.ts";
import { PLACE, WORLD, factsOf, policyWith } from "./made.ts";

const W = PLACE.root;
const yes = (rung: Rung): RungState => ({ rung, works: true });
const no = (rung: Rung, why = `${rung} is broken`): RungState => ({
  rung,
  works: false,
  why,
  cure: `mend ${rung}`,
});

describe("the choice of a rung", () => {
  it("goes down to bubblewrap where nobody says otherwise", () => {
    expect(allowedRungs()).toEqual(["native", "bubblewrap"]);
    expect(allowedRungs("native")).toEqual(["native"]);
    expect(allowedRungs("landlock")).toEqual(["native", "bubblewrap", "landlock"]);
  });

  it("takes the best that works, and says what was passed", () => {
    expect(chooseRung([yes("native"), yes("bubblewrap")])).toEqual({
      kind: "rung",
      rung: "native",
      passed: [],
    });
    expect(chooseRung([no("native"), yes("bubblewrap")])).toEqual({
      kind: "rung",
      rung: "bubblewrap",
      passed: [no("native")],
    });
  });

  it("never goes below the lowest that is allowed, and says that one below would work", () => {
    expect(chooseRung([no("native"), no("bubblewrap"), yes("landlock")])).toEqual({
      kind: "none",
      why: "bubblewrap is broken",
      cure: "mend bubblewrap, or allow the rung `landlock` (cordon.sandbox.lowestRung) and what it loses",
    });
    expect(chooseRung([no("native"), no("bubblewrap"), yes("landlock")], "landlock")).toMatchObject({
      kind: "rung",
      rung: "landlock",
    });
    expect(chooseRung([no("native"), yes("bubblewrap")], "native")).toMatchObject({ kind: "none" });
  });

  it("does not believe in a rung that nobody tried", () => {
    expect(chooseRung([])).toMatchObject({ kind: "none" });
    expect(chooseRung([no("native")], "landlock")).toMatchObject({ kind: "none" });
  });
});

describe("a plan on a rung", () => {
  const policy = policyWith({});
  const world = {
    ...WORLD,
    [`${W}/.mcp.json`]: "file",
    [`${W}/.vscode`]: "directory",
  } as const;
  const made = (): SandboxPlan => {
    const planned = sandboxPlan(policy, PLACE, factsOf(policy, world));
    if (planned.kind === "refused") throw new Error(planned.why);
    return planned;
  };
  const ground = (plan: SandboxPlan, abi = 7) =>
    ({
      rung: "landlock",
      abi,
      listings: new Map(landlockListings(plan).map((path) => [path, []])),
      temporary: "/tmp/cordon-tmp-1",
      processes: 40,
      inside: [
        {
          path: `${W}/.vscode/tasks.json`,
          real: `${W}/.vscode/tasks.json`,
          type: "file",
          id: "9",
          stamp: "1",
        },
      ],
    }) as const;

  it("keeps everything and adds Landlock where there are namespaces", () => {
    const plan = made();
    for (const rung of ["native", "bubblewrap"] as const) {
      const at = planAtRung(plan, { rung, abi: 7 });
      expect(at).toMatchObject({ kind: "plan", rung, mounts: plan.mounts, namespaces: plan.namespaces });
      expect(at.kind === "plan" && at.landlock?.abi).toBe(7);
      expect(planAtRung(plan, { rung, abi: 0 })).toMatchObject({ rung, landlock: undefined });
    }
  });

  it("has no namespaces on the lowest, and names every class that is lost", () => {
    const plan = made();
    const at = planAtRung(plan, ground(plan));
    if (at.kind === "refused") throw new Error(at.why);
    expect(at.namespaces).toEqual([]);
    const lost = at.notes.map(({ loses }) => loses);
    for (const { loses } of rungLosses("landlock", 7)) expect(lost).toContain(loses);
    expect(lost).toContain("planting during the command");
    expect(lost).toContain("metadata");
    expect(lost).not.toContain("signals, pidfd");
    const old = planAtRung(plan, ground(plan, 4));
    expect(old.kind === "plan" && old.notes.map(({ loses }) => loses)).toContain("signals, pidfd");
  });

  it("gives it a temporary directory of its own, in every variable that led to the private one", () => {
    const plan = made();
    const at = planAtRung(
      { ...plan, environment: { ...plan.environment, HOME: "/tmp", X: "/tmpx" } },
      ground(plan),
    );
    if (at.kind === "refused") throw new Error(at.why);
    expect(at.environment).toMatchObject({ TMPDIR: "/tmp/cordon-tmp-1", HOME: "/tmp", X: "/tmpx" });
    expect(at.landlock?.rules).toContainEqual({ path: "/tmp/cordon-tmp-1", grant: "write" });
    for (const [name, value] of Object.entries(at.environment))
      if (name !== "HOME" && name !== "X") expect(value).not.toMatch(/^\/tmp(?:\/\.|$)/);
  });

  it("compares afterwards what no mount holds", () => {
    const plan = made();
    const at = planAtRung(plan, ground(plan));
    const watched = at.kind === "plan" ? at.inspection.watch.map(({ real }) => real) : [];
    for (const path of [`${W}/.mcp.json`, `${W}/.vscode`, `${W}/.vscode/tasks.json`])
      expect(watched).toContain(path);
  });

  it("counts the processes that the user has already", () => {
    const plan = made();
    const at = planAtRung(plan, ground(plan));
    expect(at.kind === "plan" && at.limits.processes).toBe(plan.limits.processes + 40);
    const grouped = { ...plan, limits: { ...plan.limits, processesBy: "group" } } as const;
    const held = planAtRung(grouped, ground(grouped));
    expect(held.kind === "plan" && held.limits.processes).toBe(plan.limits.processes);
  });

  it("is refused where there is no filter, which is half of the wall there", () => {
    const plan = { ...made(), filter: undefined };
    expect(planAtRung(plan, ground(plan))).toMatchObject({ kind: "refused" });
    expect(planAtRung(plan, { rung: "bubblewrap", abi: 7 })).toMatchObject({ kind: "plan" });
  });
});
