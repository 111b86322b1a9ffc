import { describe, expect, it } from "vitest";
import { aftermath, uninspected } from "../../../../src/core/layers/9-sandbox/aftermath.ts";
import type { GitDir, GitFile, Seen, Survey } from "../../../../src/core/layers/9-sandbox/facts.ts";
import type { Inspection } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { PLACE, WORLD, type World, factsOf, policyWith, seen, surveyOf } from "./made.ts";

const { needs } = factsOf(policyWith({}));
const W = PLACE.root;

function inspection(world: World, gits: readonly GitDir[] = [], watch: readonly Seen[] = []): Inspection {
  return { needs, writable: [W], before: surveyOf(world, needs, gits), watch, quarantine: "/q" };
}

/** Paths and kinds of the remedies between two worlds. */
function between(before: World, after: World): readonly (readonly [string, string])[] {
  return aftermath(inspection(before), surveyOf(after, needs), []).map(({ path, kind }) => [
    path.slice(W.length + 1),
    kind,
  ]);
}

const git = (
  path: string,
  files: readonly Partial<GitFile>[] = [],
  hooks: readonly string[] = [],
): GitDir => ({
  path,
  id: path,
  named: true,
  files: files.map((file): GitFile => ({
    name: "config",
    path: `${path}/${file.name ?? "config"}`,
    real: `${path}/${file.name ?? "config"}`,
    type: "file",
    id: `${path}/${file.name ?? "config"}`,
    stamp: "1",
    ...file,
  })),
  hooks: hooks.map((name) => ({
    path: `${path}/hooks/${name}`,
    real: `${path}/hooks/${name}`,
    type: "file",
    id: name,
    stamp: "1",
  })),
});

describe("what a command left", () => {
  it("is nothing where nothing changed", () => {
    const world: World = {
      ...WORLD,
      [`${W}/.vscode`]: "directory",
      [`${W}/.mcp.json`]: "file",
      [`${W}/.claude`]: "directory",
      [`${W}/.claude/plans`]: "directory",
    };
    expect(between(world, world)).toEqual([]);
    expect(between(WORLD, { ...WORLD, [`${W}/src`]: "directory", [`${W}/src/a.ts`]: "file" })).toEqual([]);
  });

  it("is moved where it bears a protected name, whole", () => {
    const after: World = {
      ...WORLD,
      [`${W}/a/.vscode`]: "directory",
      [`${W}/a/.vscode/tasks.json`]: "file",
      [`${W}/.mcp.json`]: { link: "/x", type: "absent" },
      [`${W}/.cordon`]: "directory",
    };
    expect(between(WORLD, after)).toEqual([
      [".cordon", "planted"],
      [".mcp.json", "planted"],
      ["a/.vscode", "planted"],
    ]);
  });

  it("keeps the exceptions of a protected directory", () => {
    const after: World = {
      ...WORLD,
      [`${W}/.claude`]: "directory",
      [`${W}/.claude/plans`]: "directory",
      [`${W}/.claude/settings.json`]: "file",
    };
    expect(between(WORLD, after)).toEqual([[".claude/settings.json", "planted"]]);
  });

  it("a link that was exchanged or removed comes back", () => {
    const before: World = { ...WORLD, [`${W}/.vscode`]: { link: "/home/u/code", type: "directory" } };
    const other: World = { ...WORLD, [`${W}/.vscode`]: { link: "/tmp/evil", type: "directory" } };
    expect(aftermath(inspection(before), surveyOf(other, needs), [])).toMatchObject([
      { kind: "replaced", relink: "/home/u/code" },
    ]);
    expect(aftermath(inspection(before), surveyOf(WORLD, needs), [])).toMatchObject([
      { kind: "replaced", relink: "/home/u/code" },
    ]);
  });

  describe("a link with its old text", () => {
    const path = `${W}/.mcp.json`;
    const target = `${W}/cfg/real.json`;
    const linked = (to: Partial<Exclude<World[string], string>> = {}): World => ({
      ...WORLD,
      [path]: { link: "cfg/real.json", real: target, type: "file", targetId: "1", ...to },
    });
    const found = (before: World, after: World) =>
      aftermath(inspection(before), surveyOf(after, needs), []).map((each) => [
        each.path.slice(W.length + 1),
        each.kind,
        each.id,
        each.relink,
      ]);

    it("is as before where it leads to the same, to nothing, or could not be touched", () => {
      const outside = { real: "/opt/x.json", link: "/opt/x.json" };
      expect(found(linked(), linked())).toEqual([]);
      expect(found(linked(), linked({ type: "absent", real: path, targetId: undefined }))).toEqual([]);
      expect(found(linked(outside), linked({ ...outside, targetId: "2" }))).toEqual([]);
    });

    it("has its target moved away where that is new", () => {
      const nowhere = linked({ type: "absent", real: path, targetId: undefined });
      expect(found(nowhere, linked())).toEqual([["cfg/real.json", "planted", "1", undefined]]);
      expect(found(linked(), linked({ targetId: "2" }))).toEqual([
        ["cfg/real.json", "replaced", "2", undefined],
      ]);
    });

    it("is moved away itself where further links lead it elsewhere", () => {
      const other = linked({ real: `${W}/package.json`, targetId: "9" });
      expect(found(linked(), other)).toEqual([[".mcp.json", "replaced", path, undefined]]);
    });

    it("is planted where it was moved and leads elsewhere from there", () => {
      const moved = (targetId: string): Survey => ({
        ...surveyOf(WORLD, needs),
        sightings: surveyOf(
          { [`${W}/s/.mcp.json`]: { link: "cfg/real.json", type: "file", targetId } },
          needs,
        ).sightings.map((each) => ({ ...each, id: path })),
      });
      const kinds = (targetId: string) =>
        aftermath(inspection(linked()), moved(targetId), []).map((each) => each.path.slice(W.length + 1));
      expect(kinds("1")).toEqual([]);
      expect(kinds("2")).toEqual(["s/.mcp.json"]);
    });

    it("beside another command is let be only where that one knew where it leads", () => {
      const others = (world: World) => [{ before: surveyOf(world, needs), writable: [W] }];
      const judged = (knew: World) =>
        aftermath(inspection(linked()), surveyOf(linked({ targetId: "2" }), needs), [], others(knew));
      expect(judged(linked({ targetId: "2" }))).toEqual([]);
      expect(judged(linked({ targetId: "3" }))).toHaveLength(1);
    });
  });

  it("new git directories may bring a harmless configuration and nothing that runs", () => {
    const fresh = "[core]\n\tbare = false\n";
    const made = [
      git(`${W}/good/.git`, [
        { name: "config", text: fresh },
        { name: "hooks", type: "directory" },
      ]),
      git(`${W}/bad/.git`, [{ name: "config", text: `${fresh}[core]\n fsmonitor = x\n` }], ["pre-commit"]),
      git(`${W}/odd/.git`, [
        { name: "config", text: undefined },
        { name: "info/attributes" },
        { name: "hooks", link: "../evil", type: "directory" },
      ]),
    ];
    const remedies = aftermath(inspection(WORLD), surveyOf(WORLD, needs, made), []);
    expect(remedies.map(({ path }) => path.slice(W.length + 1))).toEqual([
      "bad/.git/config",
      "bad/.git/hooks/pre-commit",
      "odd/.git/config",
      "odd/.git/hooks",
      "odd/.git/info/attributes",
    ]);
  });

  it("git directories that were there before keep what they had, wherever they moved", () => {
    const evil = "[core]\n fsmonitor = mine\n";
    const old = git(`${W}/a/.git`, [{ name: "config", text: evil }], ["pre-commit"]);
    const moved: GitDir = { ...old, path: `${W}/b/.git` };
    expect(aftermath(inspection(WORLD, [old]), surveyOf(WORLD, needs, [moved]), [])).toEqual([]);
    const more: GitDir = { ...old, hooks: [...old.hooks, ...git(old.path, [], ["post-commit"]).hooks] };
    expect(aftermath(inspection(WORLD, [old]), surveyOf(WORLD, needs, [more]), [])).toMatchObject([
      { kind: "planted", path: `${W}/a/.git/hooks/post-commit` },
    ]);
    const changed: GitDir = { ...old, files: old.files.map((file) => ({ ...file, stamp: "2" })) };
    expect(aftermath(inspection(WORLD, [old]), surveyOf(WORLD, needs, [changed]), [])).toMatchObject([
      { kind: "changed" },
    ]);
  });

  it("a commondir is genuine only where git itself puts it", () => {
    const main = git(`${W}/.git`);
    const at = (path: string, text: string): GitDir => git(path, [{ name: "commondir", text }]);
    const found = (dir: GitDir): number =>
      aftermath(inspection(WORLD, [main]), surveyOf(WORLD, needs, [main, dir]), []).length;
    expect(found(at(`${W}/.git/worktrees/x`, "../..\n"))).toBe(0);
    expect(found(at(`${W}/.git/worktrees/x`, "../../../evil\n"))).toBe(1);
    expect(found(at(`${W}/evil`, ".git\n"))).toBe(1);
    expect(found(at(`${W}/.git/worktrees/x`, "../..\nmore\n"))).toBe(1);
  });

  it("a .git file has to lead to a git directory that was looked at", () => {
    const link = (target: string | undefined): Survey => ({
      ...surveyOf(WORLD, needs, [git(`${W}/.git/worktrees/x`)]),
      gitLinks: [
        { ...seen({ [`${W}/wt/.git`]: "file" }, `${W}/wt/.git`), target, common: target, backlinked: false },
      ],
    });
    expect(aftermath(inspection(WORLD), link(`${W}/.git/worktrees/x`), [])).toEqual([]);
    expect(aftermath(inspection(WORLD), link(`${W}/evil`), [])).toHaveLength(1);
    expect(aftermath(inspection(WORLD), link(undefined), [])).toHaveLength(1);
  });

  it("watched files are put back, unless git itself removed them", () => {
    const world: World = { [`${W}/.mcp.json`]: "file", [`${W}/.git/worktrees/x/commondir`]: "file" };
    const watch = Object.keys(world).map((path) => seen(world, path));
    const changed = watch.map((each) => ({ ...each, stamp: "2" }));
    const gone = watch.map(({ path }) => seen({}, path));
    expect(aftermath(inspection(WORLD, [], watch), surveyOf(WORLD, needs), changed)).toMatchObject([
      { rewrite: true },
      { rewrite: true },
    ]);
    expect(
      aftermath(inspection(WORLD, [], watch), surveyOf(WORLD, needs), gone).map(({ path }) => path),
    ).toEqual([`${W}/.mcp.json`]);
    expect(aftermath(inspection(WORLD, [], watch), surveyOf(WORLD, needs), watch)).toEqual([]);
  });

  it("a commondir that was just being written is let be where it leads home", () => {
    const at = `${W}/.git/worktrees/x`;
    const world: World = { ...WORLD, [`${at}/commondir`]: "file" };
    const watch = [seen(world, `${at}/commondir`)];
    const changed = watch.map((each) => ({ ...each, stamp: "2" }));
    const found = (text: string): number =>
      aftermath(
        inspection(world, [git(`${W}/.git`), git(at, [{ name: "commondir", text: "" }])], watch),
        surveyOf(world, needs, [git(`${W}/.git`), git(at, [{ name: "commondir", text }])]),
        changed,
      ).length;
    expect(found("../..\n")).toBe(0);
    expect(found("../../../evil\n")).toBe(1);
    expect(found("")).toBe(1);
  });

  it("a watched file with its old content is left alone, whoever wrote it, and whatever else says of it", () => {
    const world: World = { ...WORLD, [`${W}/.mcp.json`]: "file" };
    const watch = [seen(world, `${W}/.mcp.json`)];
    const after: Survey = {
      ...surveyOf(world, needs),
      sightings: surveyOf(world, needs).sightings.map((each) => ({ ...each, id: "another" })),
    };
    const now = { ...seen(world, `${W}/.mcp.json`), id: "another" };
    const before = inspection(world, [], watch);
    expect(aftermath(before, after, [{ ...now, same: false }])).toMatchObject([{ rewrite: true }]);
    expect(aftermath(before, after, [{ ...now, same: true }])).toEqual([]);
  });

  describe("beside another command", () => {
    const path = `${W}/.vscode`;
    const linked = (to: string, id: string): Survey => {
      const survey = surveyOf({ ...WORLD, [path]: { link: to, type: "directory" } }, needs);
      return {
        ...survey,
        sightings: survey.sightings.map((each) => (each.path === path ? { ...each, id } : each)),
      };
    };
    const older = (before: Survey, writable = [W]) => [{ before, writable }];

    it("what that one may have planted is not put back when it goes", () => {
      const before = { ...inspection(WORLD), before: linked("evil", "planted") };
      const gone = surveyOf(WORLD, needs);
      expect(aftermath(before, gone, [])).toMatchObject([{ path, relink: "evil" }]);
      expect(aftermath(before, gone, [], older(surveyOf(WORLD, needs)))).toEqual([]);
      // It knew the link, or could not have made it.
      expect(aftermath(before, gone, [], older(linked("evil", "planted")))).toHaveLength(1);
      expect(aftermath(before, gone, [], older(surveyOf(WORLD, needs), ["/elsewhere"]))).toHaveLength(1);
    });

    it("what that one has put back is not taken away", () => {
      const before = { ...inspection(WORLD), before: linked("evil", "planted") };
      const back = linked("tools", "made anew");
      expect(aftermath(before, back, [])).toMatchObject([{ path, kind: "replaced" }]);
      expect(aftermath(before, back, [], older(linked("tools", "first")))).toEqual([]);
      expect(aftermath(before, linked("other", "x"), [], older(linked("tools", "first")))).toMatchObject([
        { path, relink: undefined },
      ]);
    });

    it("a link that says what it said before is the same", () => {
      const before = { ...inspection(WORLD), before: linked("tools", "first") };
      expect(aftermath(before, linked("tools", "second"), [])).toEqual([]);
    });
  });

  it("leaves what lies in a directory that the command could not see into", () => {
    const before = { ...surveyOf(WORLD, needs), unread: [`${W}/sub`], closed: [`${W}/sub`] };
    const after = surveyOf({ ...WORLD, [`${W}/sub`]: "directory", [`${W}/sub/.mcp.json`]: "file" }, needs);
    expect(aftermath({ ...inspection(WORLD), before }, after, [])).toEqual([]);
    expect(aftermath(inspection(WORLD), after, [])).toMatchObject([{ path: `${W}/sub/.mcp.json` }]);
  });

  it("tells what could not be looked into", () => {
    const after: Survey = { ...surveyOf(WORLD, needs), unread: [`${W}/d`], complete: false };
    expect(uninspected(inspection(WORLD), after, W)).toEqual([`${W}/d`, W]);
    // What was not searched before either may hold anything all the same.
    expect(uninspected({ ...inspection(WORLD), before: after }, after, W)).toEqual([W]);
    expect(uninspected(inspection(WORLD), { ...after, largest: `${W}/big` }, W)).toContain(`${W}/big`);
    expect(uninspected({ ...inspection(WORLD), before: after }, { ...after, complete: true }, W)).toEqual([]);
  });
});
