import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { needKey } from "../../../src/core/call/facts.ts";
import { currentBranch } from "../../../src/host/facts/branch.ts";
import { expandGlob, listTree } from "../../../src/host/facts/expand.ts";
import { gatherFacts } from "../../../src/host/facts/gather.ts";
import { resolvePath } from "../../../src/host/facts/resolve.ts";
import { scene } from "../../cli/scene.ts";

describe("where a path leads", () => {
  it("is where the kernel goes, for every name that is there", () => {
    const at = scene();
    at.put("home/app/a/b/file", "");
    at.put("home/app/c/file", "");
    symlinkSync("../../c", join(at.project, "a/b/up"));
    symlinkSync(join(at.project, "a"), join(at.project, "absolute"));
    symlinkSync("absolute/b/up", join(at.project, "chain"));
    symlinkSync(".", join(at.project, "self"));
    symlinkSync("loop", join(at.project, "loop"));
    symlinkSync("nowhere/at/all", join(at.project, "dangling"));
    const segment = fc.constantFrom(
      "a",
      "b",
      "c",
      "up",
      "absolute",
      "chain",
      "self",
      "loop",
      "dangling",
      "file",
      "..",
      ".",
      "",
      "none",
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        const path = `${at.project}/${segments.join("/")}`;
        const fact = resolvePath(path);
        let real: string | undefined;
        try {
          real = realpathSync.native(path);
        } catch {
          real = undefined;
        }
        if (real !== undefined) expect(fact).toMatchObject({ kind: "path", real });
        // What the kernel does not find is absent, or cannot be reached; `file/..` is laxer than the kernel.
        else if (fact?.kind === "path" && !/file\/+\.*/.test(path)) {
          const { status } = spawnSync("test", ["-e", fact.real]);
          if (fact.type !== "absent") expect({ path, status }).toEqual({ path, status: 0 });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is known to be nowhere, or unreachable, and the two are not the same", () => {
    const at = scene();
    at.put("home/app/file", "");
    symlinkSync("loop", join(at.project, "loop"));
    symlinkSync("/nowhere/at/all", join(at.project, "dangling"));
    const of = (name: string): unknown => resolvePath(join(at.project, name));
    expect(of("none/x")).toEqual({
      kind: "path",
      real: join(at.project, "none/x"),
      hops: [],
      type: "absent",
    });
    expect(of("dangling")).toMatchObject({ kind: "path", real: "/nowhere/at/all", type: "absent" });
    expect(of("loop")).toEqual({ kind: "failed", why: "too many links" });
    expect(of("loop/x")).toEqual({ kind: "failed", why: "too many links" });
    expect(of("file/x")).toMatchObject({ kind: "failed" });
    expect(of("x".repeat(300))).toMatchObject({ kind: "failed", why: "ENAMETOOLONG" });
    expect(of("a\0b")).toMatchObject({ kind: "failed" });
    expect(resolvePath("/dev/null")).toMatchObject({ type: "other" });
  });

  it("tells every link on the way but the first", () => {
    const at = scene();
    symlinkSync("two", join(at.project, "one"));
    symlinkSync("three", join(at.project, "two"));
    at.put("home/app/three", "");
    expect(resolvePath(join(at.project, "one"))).toEqual({
      kind: "path",
      real: join(at.project, "three"),
      hops: [join(at.project, "two")],
      type: "file",
    });
  });
});

describe("a pathname pattern", () => {
  it("has every match that bash finds", () => {
    const at = scene();
    const name = fc.constantFrom("a", "b", ".c", "d1", "d2");
    const glob = fc.constantFrom("*", "a", "?", "[ab]*", ".*", "d[12]", "d?", "*1", ".c", "..", ".");
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }), {
          maxLength: 6,
          selector: (path) => path.join("/"),
        }),
        fc.array(glob, { minLength: 1, maxLength: 3 }),
        (files, globs) => {
          fc.pre(/[*?[]/.test(globs.join("")));
          rmSync(at.project, { recursive: true });
          mkdirSync(at.project);
          for (const path of files) mkdirSync(join(at.project, ...path), { recursive: true });
          const pattern = `${at.project}/${globs.join("/")}`;
          const found = execFileSync("bash", ["-c", `shopt -s nullglob; printf '%s\\n' ${pattern}`], {
            encoding: "utf8",
          });
          // Before bash 5.2 a pattern also found the directory itself and the one above it.
          const wanted = found.split("\n").filter((path) => path !== "" && !/\/\.{1,2}$/.test(path));
          const fact = expandGlob(pattern);
          expect(fact.complete).toBe(true);
          expect(fact.matches).toEqual(expect.arrayContaining(wanted));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("with more matches than can be looked at is known not to be complete", () => {
    const at = scene();
    for (let index = 0; index < 2_001; index++) writeFileSync(join(at.project, `${index}`), "");
    expect(expandGlob(`${at.project}/*`).complete).toBe(false);
    expect(expandGlob(`${at.project}/1?`)).toMatchObject({ complete: true });
    expect(expandGlob(`${at.project}/none*`)).toEqual({ kind: "glob", matches: [], complete: true });
  });
});

describe("what else is looked up", () => {
  it("is the branch, as git itself names it", () => {
    const at = scene();
    const git = (...args: readonly string[]): string =>
      execFileSync("git", ["-C", at.project, ...args], {
        encoding: "utf8",
        env: { ...at.env, GIT_CONFIG_NOSYSTEM: "1" },
      });
    const branch = (directory: string): string | undefined => currentBranch(directory).branch;
    expect(branch(at.project)).toBeUndefined();
    git("init", "-q", "-b", "trunk/one");
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x");
    mkdirSync(join(at.project, "deep/er"), { recursive: true });
    expect(branch(at.project)).toBe("trunk/one");
    expect(branch(join(at.project, "deep/er"))).toBe("trunk/one");
    git("worktree", "add", "-q", join(at.top, "tree"), "-b", "other");
    expect(branch(join(at.top, "tree"))).toBe("other");
    git("checkout", "-q", "--detach");
    expect(branch(at.project)).toBeUndefined();
    expect(branch("/nowhere/at/all")).toBeUndefined();
  });

  it("is the files below a directory, links not followed", () => {
    const at = scene();
    at.put("home/app/a/one", "");
    at.put("home/app/.git/config", "");
    symlinkSync("..", join(at.project, "a/up"));
    expect([...listTree(at.project).files].sort()).toEqual([
      join(at.project, "a/one"),
      join(at.project, "a/up"),
    ]);
  });

  it("is left out where it cannot be found out, and never thrown", () => {
    const at = scene();
    const big = at.put("home/app/big", Buffer.alloc(2_000_001));
    const small = at.put("home/app/small", "text");
    const text = (path: string): unknown =>
      gatherFacts([{ kind: "text", path }]).texts.get(needKey({ kind: "text", path }));
    expect(text(small)).toMatchObject({ exists: true, text: readFileSync(small, "utf8") });
    expect(text(big)).toMatchObject({ exists: true, text: undefined });
    expect(text(at.project)).toMatchObject({ exists: true, text: undefined });
    expect(text("/nowhere")).toMatchObject({ exists: false });
    expect(text("/no\0where")).toMatchObject({ exists: true, text: undefined });
    for (const url of ["not a url", "http://", "http://[::"])
      expect(gatherFacts([{ kind: "url", url }]).urls.size).toBe(0);
    const fact = gatherFacts([{ kind: "url", url: "HTTPS://BÜCHER.example:8/x" }])
      .urls.values()
      .next().value;
    expect(fact).toEqual({ kind: "url", protocol: "https:", host: "xn--bcher-kva.example" });
  });
});
