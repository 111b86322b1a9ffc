import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { sandboxPlan } from "../../../src/core/layers/9-sandbox/sandbox.ts";
import type { SandboxPlan } from "../../../src/core/layers/9-sandbox/plan.ts";
import { notePlaceholders } from "../../../src/host/sandbox/placeholders.ts";
import { PLACE, factsOf, policyWith } from "../../core/layers/9-sandbox/made.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-placeholders-")));
afterAll(() => rmSync(base, { recursive: true, force: true }));

function planHiding(files: readonly string[], directories: readonly string[]): SandboxPlan {
  const plan = sandboxPlan(policyWith({}), PLACE, factsOf(policyWith({})));
  if (plan.kind === "refused") throw new Error(plan.why);
  const mounts = [
    ...files.map((to) => ({ kind: "mask-file" as const, to, why: "hidden" })),
    ...directories.map((to) => ({ kind: "mask-dir" as const, to, open: false, why: "hidden" })),
  ];
  return { ...plan, mounts, inspection: { ...plan.inspection, writable: [join(base, "ws")] } };
}

it("what is made in the place of a hidden path that is gone is removed, and nothing else", () => {
  mkdirSync(join(base, "ws"));
  const at = (name: string): string => join(base, "ws", name);
  for (const name of ["gone", "stays", "empty", "saved"])
    writeFileSync(at(name), name === "empty" ? "" : name);
  for (const name of ["dir", "full"]) mkdirSync(at(name));
  writeFileSync(join(base, "outside"), "");
  const files = [...["gone", "stays", "empty", "saved"].map(at), join(base, "outside")];
  const tidy = notePlaceholders(planHiding(files, ["dir", "full"].map(at)));
  for (const name of ["gone", "dir", "full"]) renameSync(at(name), join(base, name));
  // As bubblewrap makes them; and as an editor saves a file, and a person makes a directory.
  writeFileSync(at("gone"), "");
  mkdirSync(at("dir"));
  mkdirSync(at("full/work"), { recursive: true });
  writeFileSync(at("saved.new"), "new");
  renameSync(at("saved.new"), at("saved"));
  rmSync(join(base, "outside"));
  writeFileSync(join(base, "outside"), "");
  tidy();
  const there = ["gone", "stays", "empty", "saved", "dir", "full/work"].filter((name) =>
    existsSync(at(name)),
  );
  expect(there).toEqual(["stays", "empty", "saved", "full/work"]);
  expect(existsSync(join(base, "outside"))).toBe(true);
});
