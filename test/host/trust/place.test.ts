import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type TrustPlace, trustPlaceOf } from "../../../src/host/trust/place.ts";
import { ALLOW, type Grounds, SHARED, grounds } from "./grounds.ts";

const placeOf = (here: Grounds, directory: string): TrustPlace => trustPlaceOf(directory, here.home);

/** A repository with a worktree beside it. */
function withWorktree(here: Grounds): { readonly main: string; readonly tree: string; readonly git: string } {
  const main = here.repository("main");
  const tree = join(here.home, "tree");
  here.git(main, "worktree", "add", "-q", tree, "-b", "side");
  return { main, tree, git: join(main, ".git/worktrees/tree") };
}

describe("where trust belongs", () => {
  it("to the git root, from any directory below it", () => {
    const here = grounds();
    const root = here.repository("app");
    mkdirSync(join(root, "a/b"), { recursive: true });
    for (const directory of [root, join(root, "a/b")])
      expect(placeOf(here, directory)).toMatchObject({
        place: root,
        checkout: root,
        directory,
        kind: "repository",
        isHome: false,
      });
  });

  it("to the directory itself outside git", () => {
    const here = grounds();
    const root = join(here.home, "plain/deep");
    mkdirSync(root, { recursive: true });
    expect(placeOf(here, root)).toMatchObject({ place: root, checkout: root, kind: "directory" });
  });

  it("to where a link leads", () => {
    const here = grounds();
    const root = here.repository("app");
    symlinkSync(root, join(here.home, "link"));
    expect(placeOf(here, join(here.home, "link"))).toMatchObject({ place: root, directory: root });
  });

  it("to the main checkout of a worktree", () => {
    const here = grounds();
    const { main, tree } = withWorktree(here);
    expect(placeOf(here, tree)).toMatchObject({ place: main, checkout: tree, kind: "worktree" });
  });

  it("to the main checkout of a worktree made from a worktree", () => {
    const here = grounds();
    const { main, tree } = withWorktree(here);
    const second = join(here.home, "second");
    here.git(tree, "worktree", "add", "-q", second, "-b", "other");
    expect(placeOf(here, second)).toMatchObject({ place: main, checkout: second, kind: "worktree" });
  });

  it("to the main checkout of a worktree that lies in it", () => {
    const here = grounds();
    const main = here.repository("main");
    here.git(main, "worktree", "add", "-q", "inner", "-b", "side");
    expect(placeOf(here, join(main, "inner"))).toMatchObject({ place: main, kind: "worktree" });
  });

  it("to the main checkout where the worktree is named by relative paths", () => {
    const here = grounds();
    const { main, tree, git } = withWorktree(here);
    writeFileSync(join(tree, ".git"), "gitdir: ../main/.git/worktrees/tree\n");
    writeFileSync(join(git, "gitdir"), "../../../../tree/.git\n");
    expect(placeOf(here, tree)).toMatchObject({ place: main, kind: "worktree" });
  });

  it("to a nested repository itself", () => {
    const here = grounds();
    const outer = here.repository("outer");
    const inner = here.repository("outer/vendor/inner");
    expect(placeOf(here, inner)).toMatchObject({ place: inner, kind: "repository" });
    expect(placeOf(here, outer).place).toBe(outer);
  });

  it("to a submodule itself", () => {
    const here = grounds();
    const part = here.repository("part");
    const app = here.repository("app");
    here.git(app, "submodule", "add", "-q", part, "part");
    expect(placeOf(here, join(app, "part"))).toMatchObject({ place: join(app, "part"), kind: "repository" });
  });

  it("to a repository whose git directory lies elsewhere itself", () => {
    const here = grounds();
    mkdirSync(join(here.home, "app"));
    here.git(join(here.home, "app"), "init", "-q", "--separate-git-dir", join(here.home, "app.git"));
    expect(placeOf(here, join(here.home, "app"))).toMatchObject({
      place: join(here.home, "app"),
      kind: "repository",
    });
  });

  it("to a bare repository itself, also within another one", () => {
    const here = grounds();
    const outer = here.repository("outer");
    const bare = join(outer, "docs/bare");
    here.git(outer, "init", "-q", "--bare", bare);
    expect(placeOf(here, bare)).toMatchObject({ place: bare, kind: "repository" });
    expect(placeOf(here, join(bare, "objects")).place).toBe(bare);
  });

  it("to a worktree of a bare repository itself", () => {
    const here = grounds();
    const source = here.repository("source");
    const bare = join(here.home, "bare.git");
    here.git(here.home, "clone", "-q", "--bare", source, bare);
    const tree = join(here.home, "tree");
    here.git(bare, "worktree", "add", "-q", tree, "main");
    expect(placeOf(here, tree)).toMatchObject({ place: tree, kind: "repository" });
  });

  it("to whatever bears a .git, although git would not believe it", () => {
    const here = grounds();
    const outer = here.repository("outer");
    mkdirSync(join(outer, "empty/.git"), { recursive: true });
    mkdirSync(join(outer, "linked"));
    symlinkSync(join(outer, ".git"), join(outer, "linked/.git"));
    mkdirSync(join(outer, "pipe"));
    execFileSync("mkfifo", [join(outer, "pipe/.git")]);
    for (const name of ["empty", "linked", "pipe"])
      expect(placeOf(here, join(outer, name))).toMatchObject({
        place: join(outer, name),
        kind: "repository",
      });
  });

  it.each([
    ["the home directory", ""],
    ["what lies above it", ".."],
  ])("for the session only: %s", (_, way) => {
    const here = grounds();
    expect(placeOf(here, join(here.home, way)).isHome).toBe(true);
  });

  it("for the session only: a directory of a repository that is the home directory", () => {
    const here = grounds();
    here.repository("");
    mkdirSync(join(here.home, "notes"));
    expect(placeOf(here, join(here.home, "notes"))).toMatchObject({ place: here.home, isHome: true });
  });

  it("for the session only: the home directory by the name of a link", () => {
    const here = grounds();
    symlinkSync(here.home, join(here.top, "me"));
    expect(trustPlaceOf(here.home, join(here.top, "me")).isHome).toBe(true);
  });

  it("nowhere, where there is no directory", () => {
    const here = grounds();
    expect(() => placeOf(here, join(here.home, "none"))).toThrow("ENOENT");
  });
});

describe("a forged worktree stands for itself", () => {
  /** A directory that would like to be a worktree of the trusted repository. */
  const forger = (here: Grounds): string => {
    here.put("evil/.claude/settings.json", ALLOW);
    return join(here.home, "evil");
  };
  const forgeries: readonly (readonly [
    string,
    (made: {
      readonly main: string;
      readonly tree: string;
      readonly git: string;
      readonly evil: string;
    }) => void,
  ])[] = [
    ["by the name of a real one", ({ git, evil }) => writeFileSync(join(evil, ".git"), `gitdir: ${git}\n`)],
    [
      "by a link to a real one",
      ({ git, evil }) => {
        symlinkSync(git, join(evil, "g"));
        writeFileSync(join(evil, ".git"), "gitdir: g\n");
      },
    ],
    [
      "by the main repository's own directory",
      ({ main, evil }) => writeFileSync(join(evil, ".git"), `gitdir: ${main}/.git\n`),
    ],
    [
      "by a commondir of its own making",
      ({ main, evil }) => {
        const fake = join(evil, "x/.git/worktrees/evil");
        mkdirSync(fake, { recursive: true });
        writeFileSync(join(fake, "commondir"), `${main}/.git\n`);
        writeFileSync(join(fake, "gitdir"), `${evil}/.git\n`);
        writeFileSync(join(fake, "HEAD"), "ref: refs/heads/main\n");
        writeFileSync(join(evil, ".git"), `gitdir: ${fake}\n`);
      },
    ],
    [
      "by a folder worktrees that is a link",
      ({ main, evil }) => {
        const fake = join(evil, "w/evil");
        mkdirSync(fake, { recursive: true });
        mkdirSync(join(evil, "x/.git"), { recursive: true });
        symlinkSync(join(evil, "w"), join(evil, "x/.git/worktrees"));
        writeFileSync(join(fake, "commondir"), `${main}/.git\n`);
        writeFileSync(join(fake, "gitdir"), `${evil}/.git\n`);
        writeFileSync(join(evil, ".git"), "gitdir: x/.git/worktrees/evil\n");
      },
    ],
    [
      "by files without an end",
      ({ git, evil }) => writeFileSync(join(evil, ".git"), `gitdir: ${git}${"/".repeat(10_000)}\n`),
    ],
    ["by two lines", ({ git, evil }) => writeFileSync(join(evil, ".git"), `gitdir: ${git}\ngitdir: /x\n`)],
    ["by a zero byte", ({ git, evil }) => writeFileSync(join(evil, ".git"), `gitdir: ${git}\0x\n`)],
    ["by bytes that are no text", ({ evil }) => writeFileSync(join(evil, ".git"), Buffer.from([0xff, 0xfe]))],
    ["by nothing", ({ evil }) => writeFileSync(join(evil, ".git"), "")],
    ["by a copy of a real one", ({ tree, evil }) => cpSync(join(tree, ".git"), join(evil, ".git"))],
  ];
  it.each(forgeries)("%s", (_, forge) => {
    const here = grounds();
    const made = { ...withWorktree(here), evil: forger(here) };
    here.trust(made.main);
    forge(made);
    expect(placeOf(here, made.evil)).toMatchObject({
      place: made.evil,
      checkout: made.evil,
      kind: "repository",
    });
    expect(here.allowed(made.evil)).toEqual([]);
    // The real one is none the worse for it.
    expect(here.allowed(made.tree)).toEqual(["Bash(make *)"]);
  });

  it.each([
    ["commondir leads elsewhere", "commondir", "../../../../other/.git\n"],
    ["commondir is missing", "commondir", undefined],
    ["the way back leads elsewhere", "gitdir", "/somewhere/.git\n"],
    ["the way back is missing", "gitdir", undefined],
    ["the way back names another file", "gitdir", "../../../../tree/git\n"],
  ])("a real one of which %s", (_, name, text) => {
    const here = grounds();
    here.repository("other");
    const { main, tree, git } = withWorktree(here);
    here.trust(main);
    expect(here.allowed(tree)).toEqual(["Bash(make *)"]);
    rmSync(join(git, name));
    if (text !== undefined) writeFileSync(join(git, name), text);
    expect(placeOf(here, tree)).toMatchObject({ place: tree, kind: "repository" });
    expect(here.allowed(tree)).toEqual([]);
  });

  it("a way back that is a pipe or a link is not followed", () => {
    const here = grounds();
    const { tree, git } = withWorktree(here);
    const text = readFileSync(join(git, "gitdir"));
    rmSync(join(git, "gitdir"));
    execFileSync("mkfifo", [join(git, "gitdir")]);
    expect(placeOf(here, tree).place).toBe(tree);
    rmSync(join(git, "gitdir"));
    writeFileSync(join(git, "real"), text);
    symlinkSync("real", join(git, "gitdir"));
    expect(placeOf(here, tree).place).toBe(tree);
  });

  it("a worktree that was moved by hand", () => {
    const here = grounds();
    const { main, tree } = withWorktree(here);
    here.trust(main);
    renameSync(tree, `${tree}2`);
    expect(placeOf(here, `${tree}2`).kind).toBe("repository");
    expect(here.allowed(`${tree}2`)).toEqual([]);
  });

  it("a submodule that is called worktrees", () => {
    const here = grounds();
    const part = here.repository("part");
    const app = here.repository("app");
    here.git(app, "submodule", "add", "-q", "--name", "worktrees/x", part, "part");
    here.trust(app);
    const at = join(app, "part");
    const named = readFileSync(join(at, ".git"), "utf8");
    expect(named).toContain("modules/worktrees/x");
    expect(placeOf(here, at).place).toBe(at);
    expect(here.allowed(at)).toEqual([]);
    expect(readdirSync(dirname(realpathSync(at)))).toContain(SHARED.split("/")[0]);
  });
});
