import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SandboxNeeds } from "../../../src/core/layers/9-sandbox/facts.ts";
import { sandboxNeeds } from "../../../src/core/layers/9-sandbox/needs.ts";
import { openUp } from "../../../src/host/sandbox/listing.ts";
import { openSurveyor } from "../../../src/host/sandbox/survey.ts";
import { LISTS, PLACE, policyWith } from "../../core/layers/9-sandbox/made.ts";

let base: string;
let root: string;
let needs: SandboxNeeds;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-limits-")));
  root = join(base, "ws");
  mkdirSync(root);
  const lists = { ...LISTS, credential: [] };
  needs = sandboxNeeds(policyWith({}), { ...PLACE, root, cwd: root, home: join(base, "home") }, lists);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

describe("a search that is too long", () => {
  it("judges the directory in which the budget runs out, and names it", () => {
    for (let left = 60; left > 0; left--) writeFileSync(join(root, `f${left}`), "");
    writeFileSync(join(root, ".mcp.json"), "{}");
    mkdirSync(join(root, ".git/objects"), { recursive: true });
    mkdirSync(join(root, ".git/refs"));
    writeFileSync(join(root, ".git/HEAD"), "ref: refs/heads/main\n");
    const found = openSurveyor().survey({ ...needs, budget: 50 }, "plan");
    expect(found.complete).toBe(false);
    expect(found.largest).toBe(root);
    expect(found.sightings.map(({ path }) => path)).toContain(join(root, ".mcp.json"));
    expect(found.gits.map(({ path }) => path)).toEqual([join(root, ".git")]);
  });

  it("names the directory right in the root that holds the most", () => {
    mkdirSync(join(root, "small"));
    for (let left = 20; left > 0; left--) mkdirSync(join(root, `big/of/d${left}`), { recursive: true });
    expect(openSurveyor().survey({ ...needs, budget: 100 }, "plan").largest).toBe(join(root, "big"));
  });

  it("reaches its end where there are a hundred thousand plain names", () => {
    for (let left = 100_100; left > 0; left--) writeFileSync(join(root, `f${left}`), "");
    writeFileSync(join(root, ".mcp.json"), "{}");
    const found = openSurveyor().survey(needs, "plan");
    expect(found.complete).toBe(true);
    expect(found.sightings).toHaveLength(1);
  });
});

describe("a directory that is shut", () => {
  it.each([0o400, 0o300, 0])("is told by a plan, which leaves mode %o as it is", (mode) => {
    mkdirSync(join(root, "sub"));
    writeFileSync(join(root, "sub/.mcp.json"), "{}");
    chmodSync(join(root, "sub"), mode);
    const surveyor = openSurveyor();
    const found = surveyor.survey(needs, "plan");
    expect([found.unread, found.closed]).toEqual([[join(root, "sub")], [join(root, "sub")]]);
    expect(modeOf(join(root, "sub"))).toBe(mode);
    // Nobody could work in it, so it stays as it is.
    surveyor.survey(needs, "inspect", false, found.closed);
    expect(modeOf(join(root, "sub"))).toBe(mode);
    const after = surveyor.survey(needs, "inspect");
    expect(modeOf(join(root, "sub"))).toBe(mode | 0o700);
    expect(after.sightings.map(({ path }) => path)).toEqual([join(root, "sub/.mcp.json")]);
  });

  it("is told also where it is a repository", () => {
    mkdirSync(join(root, ".git"));
    chmodSync(join(root, ".git"), 0o400);
    const surveyor = openSurveyor();
    expect(surveyor.survey(needs, "plan").closed).toEqual([join(root, ".git")]);
    surveyor.survey(needs, "inspect");
    expect(modeOf(join(root, ".git"))).toBe(0o700);
  });

  it("is opened only where it is what was seen, and by no link", () => {
    const seen = (path: string): { readonly dev: bigint; readonly ino: bigint } =>
      lstatSync(path, { bigint: true });
    mkdirSync(join(base, "outside/in"), { recursive: true, mode: 0o755 });
    chmodSync(join(base, "outside/in"), 0o077);
    writeFileSync(join(base, "outside/key"), "");
    chmodSync(join(base, "outside/key"), 0o600);
    mkdirSync(join(root, "a"));
    chmodSync(join(root, "a"), 0o077);
    const first = seen(join(root, "a"));
    renameSync(join(root, "a"), join(root, "b"));
    // Exchanged for a link to a file, a link to a directory, another directory.
    symlinkSync(join(base, "outside/key"), join(root, "a"));
    openUp(join(root, "a"), first);
    expect(modeOf(join(base, "outside/key"))).toBe(0o600);
    rmSync(join(root, "a"));
    symlinkSync(join(base, "outside/in"), join(root, "a"));
    openUp(join(root, "a"), seen(join(base, "outside/in")));
    openUp(join(root, "b"), seen(join(base, "outside/in")));
    expect([modeOf(join(base, "outside/in")), modeOf(join(root, "b"))]).toEqual([0o077, 0o077]);
    // The way to it leads through a link.
    symlinkSync(join(base, "outside"), join(root, "way"));
    openUp(join(root, "way/in"), seen(join(base, "outside/in")));
    expect(modeOf(join(base, "outside/in"))).toBe(0o077);
    openUp(join(root, "b"), first);
    expect(modeOf(join(root, "b"))).toBe(0o777);
  });
});
