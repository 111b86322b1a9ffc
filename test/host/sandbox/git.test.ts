import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GitDir } from "../../../src/core/layers/9-sandbox/facts.ts";
import { type GitReader, type GitSearch, openGitReader } from "../../../src/host/sandbox/git.ts";
import { smallText } from "../../../src/host/sandbox/look.ts";

let base: string;
let root: string;
let home: string;
let reader: GitReader;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-git-")));
  root = join(base, "ws");
  home = join(base, "home");
  mkdirSync(home);
  makeGit(join(root, ".git"));
  reader = openGitReader();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function makeGit(path: string): void {
  for (const name of ["objects", "refs"]) mkdirSync(join(path, name), { recursive: true });
  writeFileSync(join(path, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(path, "config"), "[core]\n\tbare = false\n");
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function search(more: Partial<GitSearch> = {}): GitSearch {
  return { roots: [root], home, environment: {}, system: [], trusted: false, watch: undefined, ...more };
}

function found(more: Partial<GitSearch> = {}): readonly GitDir[] {
  reader.refresh(search(more));
  return reader.directories(join(root, ".git"), true, false);
}

function namesOf(git: GitDir | undefined): readonly string[] {
  return (git?.files ?? []).map(({ name }) => name);
}

function hooksIn(more: Partial<GitSearch> = {}): readonly string[] {
  return found(more).flatMap(({ files }) =>
    files.flatMap(({ name, path }) => (name === "core.hooksPath" ? [path] : [])),
  );
}

describe("links in git directories", () => {
  it.each(["modules", "worktrees"])("are told and not followed in %s", { timeout: 120_000 }, (place) => {
    mkdirSync(join(root, ".git", place));
    // A single one to the repository itself first: followed, it ends only with the kernel's patience.
    symlinkSync("..", join(root, ".git", place, "up"));
    expect(found()).toHaveLength(1);
    for (const name of ["a", "b"]) symlinkSync(".", join(root, ".git", place, name));
    const [git] = found();
    expect(namesOf(git).toSorted()).toEqual(
      expect.arrayContaining([`a link: ${place}/a`, `a link: ${place}/b`]),
    );
    expect(reader.watched().length).toBeLessThan(20);
    for (const name of ["c", "d", "e", "f"]) symlinkSync(".", join(root, ".git", place, name));
    for (const name of ["g", "h"]) symlinkSync("..", join(root, ".git", place, name));
    expect(found()).toHaveLength(1);
    expect(namesOf(found()[0]).filter((name) => name.startsWith("a link: "))).toHaveLength(9);
    expect(reader.unread()).toEqual([]);
  });

  it("are told where the directory itself is one", () => {
    symlinkSync(".", join(root, ".git/modules"));
    expect(namesOf(found()[0])).toContain("a link: modules");
  });

  it("hide no submodule beside them", () => {
    makeGit(join(root, ".git/modules/deep/er/one"));
    makeGit(join(root, ".git/modules/deep/er/one/modules/two"));
    symlinkSync(".", join(root, ".git/modules/again"));
    expect(found().map(({ path }) => path.slice(root.length + 1))).toEqual([
      ".git",
      ".git/modules/deep/er/one",
      ".git/modules/deep/er/one/modules/two",
    ]);
  });
});

describe("more directories than are searched", () => {
  it("are told, and the place is refused", { timeout: 120_000 }, () => {
    for (let count = 0; count < 2_001; count++)
      mkdirSync(join(root, ".git/modules", String(count)), { recursive: true });
    const [git] = found();
    expect(reader.unread()).toEqual([join(root, ".git/modules")]);
    expect(namesOf(git)).toContain("a link: modules");
  });

  it("are told for repositories too", { timeout: 120_000 }, () => {
    for (let count = 0; count < 2_001; count++)
      mkdirSync(join(root, ".git/worktrees", String(count)), { recursive: true });
    const [git] = found();
    expect(reader.unread()).toEqual([join(root, ".git/worktrees")]);
    expect(namesOf(git)).toContain("a link: worktrees");
    rmSync(join(root, ".git/worktrees"), { recursive: true });
    found();
    expect(reader.unread()).toEqual([]);
  });
});

describe("small texts", () => {
  it("are read through links", () => {
    writeFileSync(join(base, "text"), "grün\n");
    symlinkSync("text", join(base, "link"));
    expect(smallText(join(base, "link"))).toBe("grün\n");
    writeFileSync(join(base, "empty"), "");
    expect(smallText(join(base, "empty"))).toBe("");
  });

  it("have a length", () => {
    writeFileSync(join(base, "text"), "x".repeat(64 * 1024));
    expect(smallText(join(base, "text"))).toHaveLength(64 * 1024);
    writeFileSync(join(base, "text"), "x".repeat(64 * 1024 + 1));
    expect(smallText(join(base, "text"))).toBeUndefined();
  });

  it("are no pipe and no device", { timeout: 20_000 }, () => {
    execFileSync("mkfifo", [join(base, "pipe")]);
    expect(smallText(join(base, "pipe"))).toBeUndefined();
    expect(smallText("/dev/zero")).toBeUndefined();
  });

  it.runIf(process.platform === "linux")("are never what the kernel makes up", { timeout: 20_000 }, () => {
    const config = join(root, ".git/config");
    for (const target of [
      "/proc/self/status",
      "/proc/self/maps",
      "/sys/kernel/mm/transparent_hugepage/enabled",
    ]) {
      if (!existsSync(target)) continue;
      rmSync(config);
      symlinkSync(target, config);
      expect(smallText(config), target).toBeUndefined();
    }
    // Only now those that have no end, or wait for one.
    for (const target of ["/proc/self/pagemap", "/proc/kmsg"]) {
      rmSync(config);
      symlinkSync(target, config);
      const [git] = found();
      expect(git?.files.find(({ name }) => name === "config")?.text, target).toBeUndefined();
    }
  });
});

describe("the person's own hooks", () => {
  const hooks = (): string => join(root, ".hooks");
  const text = (): string => `[core]\n\thooksPath = ${hooks()}\n`;
  beforeEach(() => mkdirSync(hooks()));

  it("are found nowhere without configuration", () => expect(hooksIn()).toEqual([]));

  it("are found where XDG_CONFIG_HOME leads", () => {
    write(join(base, "xdg/git/config"), text());
    expect(hooksIn({ environment: { XDG_CONFIG_HOME: join(base, "xdg") } })).toEqual([hooks()]);
  });

  it("are found in the configuration of the machine", () => {
    write(join(base, "etc/gitconfig"), text());
    expect(hooksIn({ system: [join(base, "etc/gitconfig")] })).toEqual([hooks()]);
  });

  it("are found in what is included, whatever the condition", () => {
    write(join(home, ".gitconfig"), '[includeIf "onbranch:never"]\n\tpath = more/one\n');
    write(join(home, "more/one"), "[include] path = ~/more/two\n");
    write(join(home, "more/two"), `${text()}[include] path = one\n`);
    expect(hooksIn()).toEqual([hooks()]);
  });

  it.each([
    ["continued", (path: string) => `[core]\n\thooksPath = ${path.slice(0, -2)}\\\n${path.slice(-2)}\n`],
    [
      "continued in quotes",
      (path: string) => `[core]\n\thooksPath = "${path.slice(0, -2)}\\\n${path.slice(-2)}"\n`,
    ],
    ["after a comment", (path: string) => `[core]\n# no \\\n\thooksPath = ${path} ; yes \\\n`],
  ])("are found on a line that is %s", (_, written) => {
    write(join(home, ".gitconfig"), written(hooks()));
    expect(hooksIn()).toEqual([hooks()]);
  });

  it("are found below home and through links", () => {
    symlinkSync(root, join(home, "project"));
    write(join(home, ".gitconfig"), "[core]\n\thooksPath = ~/project/.hooks\n");
    expect(hooksIn()).toEqual([hooks()]);
  });

  it("are found in what the repository's own configuration includes", () => {
    write(join(root, ".git/config"), "[include]\n\tpath = ../.gitconfig\n");
    write(join(root, ".gitconfig"), "[core]\n\thooksPath = .hooks\n");
    expect(hooksIn()).toEqual([hooks()]);
  });

  it("are looked for again when an included file changes", async () => {
    write(join(home, ".gitconfig"), "[include]\n\tpath = more\n");
    write(join(home, "more"), "[user]\n\tname = T\n");
    await pause(100);
    expect(hooksIn()).toEqual([]);
    expect(hooksIn()).toEqual([]);
    write(join(home, "more"), text());
    utimesSync(join(home, "more"), 1, 1);
    expect(reader.isCurrent(search())).toBe(false);
    expect(hooksIn()).toEqual([hooks()]);
  });
});
