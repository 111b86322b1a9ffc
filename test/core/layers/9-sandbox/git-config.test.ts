import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  configuredWorkTree,
  gitConfigPaths,
  gitPointer,
  isHarmlessGitConfig,
  readGitConfig,
} from "../../../../src/core/layers/9-sandbox/git-config.ts";

const DIR = "/w/r/.git";
const harmless = (text: string): boolean => isHarmlessGitConfig(text, DIR, ["/w"]);

const FRESH = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	logallrefupdates = true
[remote "origin"]
	url = https://example.org/a.git
	fetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
	remote = origin
	merge = refs/heads/main
`;

describe("a git configuration", () => {
  it.each([
    ["what init and clone write", FRESH],
    ["nothing", ""],
    ["comments", "# a\n; b\n[user] # c\n name = x ; y\n"],
    ["a boolean without a value", "[core]\n bare\n"],
    ["quotes and escapes", '[user]\n name = "a # \\"b\\""\n'],
    ["the worktree of a submodule", "[core]\n worktree = ../../r2\n"],
  ])("is harmless: %s", (_name, text) => {
    expect(harmless(text)).toBe(true);
  });

  it.each([
    ["fsmonitor", `${FRESH}[core]\n fsmonitor = touch x\n`],
    ["fsmonitor on the section's line", "[core] fsmonitor = x\n"],
    ["any case", "[CORE]\n FsMonitor = x\n"],
    ["hooksPath", "[core]\n hooksPath = evil\n"],
    ["alias", "[alias]\n st = !x\n"],
    ["include", "[include]\n path = x\n"],
    ["includeIf", '[includeIf "gitdir:/"]\n path = x\n'],
    ["filter", '[filter "x"]\n clean = y\n'],
    ["pager, editor, ssh", "[core]\n pager = x\n"],
    ["diff driver", '[diff "x"]\n command = y\n'],
    ["submodule update", '[submodule "x"]\n update = !y\n'],
    ["a remote program", '[remote "x"]\n url = ext::sh -c y\n'],
    ["option as address", '[remote "x"]\n url = --upload-pack=y\n'],
    ["uploadpack", '[remote "x"]\n uploadpack = y\n'],
    ["a worktree elsewhere", "[core]\n worktree = /home\n"],
    ["continued lines", "[user]\n name = a\\\nb\n"],
    ["an open quote", '[user]\n name = "a\n'],
    ["a setting before any section", "bare = true\n"],
    ["the old subsection form", "[core.x]\n fsmonitor = y\n"],
    ["something else", "[core]\n ???\n"],
    ["gpg program", "[gpg]\n program = x\n"],
  ])("is not harmless: %s", (_name, text) => {
    expect(harmless(text)).toBe(false);
  });

  it("stays harmful whatever harmless lines surround it", () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(3), (before, after) => {
        expect(harmless(`${FRESH.repeat(before)}[core]\n\tfsmonitor = x\n${FRESH.repeat(after)}`)).toBe(
          false,
        );
      }),
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        readGitConfig(text);
        harmless(text);
        gitConfigPaths(text, DIR, "/w/r");
      }),
    );
  });

  it("tells what git would run or load from elsewhere", () => {
    const text =
      '[core]\n\thooksPath = .githooks\n[include]\n\tpath = ../extra.inc\n[includeIf "x"] path = /etc/g\n[core] hookspath = "q/r"\n';
    expect(gitConfigPaths(text, DIR, "/w/r")).toEqual([
      { name: "core.hooksPath", path: "/w/r/.githooks" },
      { name: "include.path", path: "/w/r/extra.inc" },
      { name: "include.path", path: "/etc/g" },
      { name: "core.hooksPath", path: "/w/r/q/r" },
    ]);
    expect(configuredWorkTree("[core]\n worktree = ../../sub\n", "/w/.git/modules")).toBe("/w/sub");
  });

  it("reads pointers as git writes them, and nothing else", () => {
    expect(gitPointer("gitdir: ../x/.git/worktrees/w\n", "/w/r/.git", "gitdir")).toBe(
      "/w/x/.git/worktrees/w",
    );
    expect(gitPointer("../..\n", "/w/.git/worktrees/a/commondir", "commondir")).toBe("/w/.git");
    expect(gitPointer("gitdir: a\nb\n", "/w/r/.git", "gitdir")).toBeUndefined();
    expect(gitPointer("x", "/w/r/.git", "gitdir")).toBeUndefined();
  });
});
