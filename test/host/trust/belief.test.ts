import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { recordedTrust } from "../../../src/host/trust/belief.ts";
import { recordConsent, surveyAt } from "../../../src/host/trust/survey.ts";
import { driver, isRoot, nobodyOfTests, runAs } from "../settings/machine.ts";
import { ALLOW, type Grounds, LOCAL, SHARED, grounds } from "./grounds.ts";

const RULE = ["Bash(make *)"];
const OTHER = '{"permissions": {"allow": ["Bash(ninja *)"]}}';

describe("what counts after a yes", () => {
  it("exactly the bytes that were shown, and the deny rules in any case", () => {
    const here = grounds();
    const both = '{"permissions": {"allow": ["Bash(make *)"], "deny": ["Bash(make install)"]}}';
    const root = here.repository("app", { [SHARED]: both });
    expect(here.allowed(root)).toEqual([]);
    expect(here.policy(root)).toMatchObject({ ignored: { rules: 1 }, rules: [{ effect: "deny" }] });
    here.trust(root);
    expect(here.allowed(root)).toEqual(RULE);
    expect(here.policy(root).ignored).toMatchObject({ rules: 0, files: [] });
    here.put(`app/${SHARED}`, `${both} `);
    expect(here.allowed(root)).toEqual([]);
    expect(here.policy(root).rules).toMatchObject([{ effect: "deny" }]);
    here.put(`app/${SHARED}`, both);
    expect(here.allowed(root)).toEqual(RULE);
  });

  it("the directories, too", () => {
    const here = grounds();
    const root = here.repository("app", {
      [SHARED]: '{"permissions": {"additionalDirectories": ["../lib"]}}',
    });
    expect(here.policy(root).directories).toEqual([]);
    here.trust(root);
    expect(here.policy(root).directories).toEqual([join(here.home, "lib")]);
  });

  it("never a laxer mode or a wider sandbox of the repository", () => {
    const here = grounds();
    const wish = {
      permissions: { allow: ["Bash(make *)"], defaultMode: "acceptEdits" },
      cordon: { defaultMode: "bypassPermissions", hook: { autoApprove: true }, limits: { processes: 9_999 } },
      sandbox: { enabled: false, autoAllowBashIfSandboxed: true },
    };
    const text = JSON.stringify(wish);
    // Both files are tracked by git: neither is anybody's own.
    const root = here.repository("app", { [SHARED]: text, [LOCAL]: text });
    const { mode, sandbox, cordon } = here.policy(root);
    here.trust(root);
    expect(here.allowed(root)).toEqual([...RULE, ...RULE]);
    expect(here.policy(root)).toMatchObject({ mode, sandbox, cordon });
    expect(here.policy(root).mode.value).toBe("default");
  });

  it("the mode of a local file that git does not track, but not bypassPermissions", () => {
    const here = grounds();
    const root = here.repository("app");
    here.put(`app/${LOCAL}`, '{"permissions": {"defaultMode": "acceptEdits"}}');
    here.trust(root);
    expect(here.policy(root).mode.value).toBe("acceptEdits");
    here.put(`app/${LOCAL}`, '{"permissions": {"defaultMode": "bypassPermissions"}}');
    here.trust(root);
    expect(here.policy(root).mode.value).toBe("default");
  });

  it.each([
    ["git tracks it", (here: Grounds, root: string) => void here.git(root, "add", "-f", LOCAL)],
    ["there is no repository", (_: Grounds, root: string) => rmSync(join(root, ".git"), { recursive: true })],
    ["the index is gone", (_: Grounds, root: string) => rmSync(join(root, ".git/index"))],
    [
      "the index is of another form",
      (here: Grounds, root: string) => void here.git(root, "update-index", "--index-version", "4"),
    ],
    [
      "the index lies in two files",
      (here: Grounds, root: string) => void here.git(root, "update-index", "--split-index"),
    ],
    [
      "the repository has other hashes",
      (here: Grounds, root: string) => {
        rmSync(join(root, ".git"), { recursive: true });
        here.git(root, "init", "-q", "--object-format", "sha256");
        here.git(root, "add", SHARED);
      },
    ],
    [
      "the index is rubbish",
      (_: Grounds, root: string) => writeFileSync(join(root, ".git/index"), "rubbish, really"),
    ],
  ])("a local file is the repository's where %s", (_, make) => {
    const here = grounds();
    const root = here.repository("app");
    here.put(`app/${LOCAL}`, '{"permissions": {"allow": ["Bash(make *)"], "defaultMode": "acceptEdits"}}');
    make(here, root);
    here.trust(root);
    const policy = here.policy(root);
    expect(policy.mode.value).toBe("default");
    expect(policy.rules.map(({ scope }) => scope)).toContain("local");
  });

  it("a directory below the root has files of its own", () => {
    const here = grounds();
    const root = here.repository("app", { [SHARED]: ALLOW, [`part/${SHARED}`]: OTHER });
    const part = join(root, "part");
    here.trust(root);
    // What was agreed to for the whole checkout holds in its parts; the part's own file does not yet.
    expect(here.allowed(part)).toEqual(RULE);
    here.trust(part);
    expect(here.allowed(part)).toEqual(["Bash(ninja *)", ...RULE]);
    here.put(`app/${SHARED}`, OTHER);
    here.trust(root);
    // What was agreed to for the part was not taken back with that.
    expect([here.allowed(root), new Set(here.allowed(part))]).toEqual([
      ["Bash(ninja *)"],
      new Set(["Bash(ninja *)"]),
    ]);
  });

  it("by any name of the directory", () => {
    const here = grounds();
    const root = here.repository("app");
    symlinkSync(root, join(here.home, "link"));
    here.trust(join(here.home, "link"));
    expect([here.allowed(root), here.allowed(join(here.home, "link"))]).toEqual([RULE, RULE]);
  });

  it("not the same bytes elsewhere: a clone, a nested repository, a submodule, another name", () => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    here.git(here.home, "clone", "-q", root, "clone");
    here.repository("app/vendor/inner");
    here.git(root, "submodule", "add", "-q", join(here.home, "clone"), "sub");
    here.put(`app/a/${SHARED}`, ALLOW);
    here.put("app/.cordon/settings.json", ALLOW);
    for (const name of ["clone", "app/vendor/inner", "app/sub"])
      expect({ name, allowed: here.allowed(join(here.home, name)) }).toEqual({ name, allowed: [] });
    expect(here.allowed(root)).toEqual(RULE);
  });

  it("not what another directory, or another repository in the same one, bears", () => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    renameSync(root, `${root}-old`);
    expect(here.allowed(`${root}-old`)).toEqual([]);
    cpSync(`${root}-old`, root, { recursive: true });
    expect(here.allowed(root)).toEqual([]);
    expect(here.survey(root).replaced).toBe(true);
    rmSync(root, { recursive: true });
    renameSync(`${root}-old`, root);
    expect(here.allowed(root)).toEqual(RULE);
    renameSync(join(root, ".git"), join(root, "old"));
    expect(here.allowed(root)).toEqual([]);
    here.git(root, "init", "-q");
    expect(here.allowed(root)).toEqual([]);
  });

  it("is asked once a load, with the bytes that will be used", () => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    const trusted = recordedTrust({ root, home: here.home, env: here.env });
    const file = join(root, SHARED);
    rmSync(file);
    expect(trusted(file, Buffer.from(ALLOW))).toBe("repository");
    expect(trusted(file, Buffer.from(OTHER))).toBe(false);
    expect(trusted(join(root, "..", SHARED), Buffer.from(ALLOW))).toBe(false);
    expect(trusted(join(root, SHARED.toUpperCase()), Buffer.from(ALLOW))).toBe(false);
  });

  it("costs no look at the machine where no file is asked about", () => {
    const env = {
      get XDG_STATE_HOME(): string {
        throw new Error("looked");
      },
    };
    const trusted = recordedTrust({ root: "/nowhere", home: "/nowhere", env });
    expect(trusted("/nowhere/x", Buffer.from(""))).toBe(false);
    const spy = vi.fn(() => "/none");
    recordedTrust({
      root: "/",
      get home() {
        return spy();
      },
      env: {},
    });
    expect(spy).not.toHaveBeenCalled();
  });
});

describe("worktrees", () => {
  it("share what the main checkout is trusted with, and are asked about what they have otherwise", () => {
    const here = grounds();
    const main = here.repository("main");
    const tree = join(here.home, "tree");
    here.git(main, "worktree", "add", "-q", tree, "-b", "side");
    here.trust(main);
    expect(here.allowed(tree)).toEqual(RULE);
    here.put(`tree/${SHARED}`, OTHER);
    expect(here.allowed(tree)).toEqual([]);
    expect(here.survey(tree).files).toMatchObject([{ status: "changed", before: ALLOW }]);
    here.trust(tree);
    expect([here.allowed(tree), here.allowed(main)]).toEqual([["Bash(ninja *)"], RULE]);
    // And the other way round nothing is inherited.
    here.put(`main/${SHARED}`, OTHER);
    expect(here.allowed(main)).toEqual([]);
  });

  it("one made anew under the name of another is not trusted with what that one had", () => {
    const here = grounds();
    const main = here.repository("main");
    const tree = join(here.home, "tree");
    const make = (): void => {
      here.git(main, "worktree", "add", "-q", "-f", tree, "main");
      here.put(`tree/${SHARED}`, OTHER);
    };
    here.git(main, "checkout", "-q", "--detach");
    make();
    here.trust(main);
    here.trust(tree);
    expect(here.allowed(tree)).toEqual(["Bash(ninja *)"]);
    here.git(main, "worktree", "remove", "--force", tree);
    make();
    expect(here.allowed(tree)).toEqual([]);
    // Agreed to once more, the old consent does not stay beside the new one.
    here.trust(tree);
    const store = join(here.state, "trust");
    const name = readdirSync(store).find((each) => each.endsWith(".json")) ?? "";
    const record: { readonly checkouts: readonly unknown[] } = JSON.parse(
      readFileSync(join(store, name), "utf8"),
    );
    expect(record.checkouts).toHaveLength(2);
  });

  it("a local file that is one's own in the main checkout may come with the branch of a worktree", () => {
    const here = grounds();
    const main = here.repository("main", {});
    const mode = '{"permissions": {"defaultMode": "acceptEdits"}}';
    here.put(`main/${LOCAL}`, mode);
    here.trust(main);
    expect(here.policy(main).mode.value).toBe("acceptEdits");
    const tree = join(here.home, "tree");
    here.git(main, "worktree", "add", "-q", tree, "-b", "side");
    here.put(`tree/${LOCAL}`, mode);
    expect(here.policy(tree).mode.value).toBe("default");
  });
});

describe("the home directory", () => {
  it.each([
    ["is trusted for the session", "one", RULE],
    ["is not trusted in another one", "two", []],
  ])("%s", (_, session, rules) => {
    const here = grounds();
    here.put(".cordon/settings.json", ALLOW);
    here.trust(here.home);
    const env = { ...here.env, CORDON_SESSION: session };
    const trusted = recordedTrust({ root: here.home, home: here.home, env });
    const believed = trusted(join(here.home, ".cordon/settings.json"), Buffer.from(ALLOW));
    expect(believed).toBe(rules.length > 0 ? "repository" : false);
    expect(existsSync(join(here.state, "trust"))).toBe(false);
  });

  it("does not ask about the person's own settings", () => {
    const here = grounds();
    here.put(SHARED, ALLOW);
    expect(here.survey(here.home).files).toEqual([]);
  });
});

describe("a store that cannot be relied on says nothing", () => {
  const record = (here: Grounds): string => {
    const store = join(here.state, "trust");
    const name = readdirSync(store).find((each) => each.endsWith(".json"));
    return join(store, name ?? "none");
  };
  const faults: readonly (readonly [string, (here: Grounds, file: string) => void])[] = [
    ["a directory open to others", (here) => chmodSync(join(here.state, "trust"), 0o770)],
    ["a state directory open to others", (here) => chmodSync(here.state, 0o755)],
    [
      "a directory that is a link",
      (here) => {
        renameSync(join(here.state, "trust"), join(here.home, "planted"));
        symlinkSync(join(here.home, "planted"), join(here.state, "trust"));
      },
    ],
    [
      "a record that is a link",
      (here, file) => {
        renameSync(file, join(here.home, "planted"));
        symlinkSync(join(here.home, "planted"), file);
      },
    ],
    ["a record with another name", (here, file) => linkSync(file, join(here.home, "planted"))],
    ["a record open to others", (_, file) => chmodSync(file, 0o640)],
    [
      "a record that is a pipe",
      (_, file) => {
        rmSync(file);
        execFileSync("mkfifo", ["-m", "600", file]);
      },
    ],
    [
      "a record of another place",
      (_, file) => writeFileSync(file, readFileSync(file, "utf8").replaceAll("/app", "/apq")),
    ],
    ["half a record", (_, file) => writeFileSync(file, readFileSync(file, "utf8").slice(0, -9))],
    [
      "a record of a later version",
      (_, file) => writeFileSync(file, readFileSync(file, "utf8").replace('"version":1', '"version":2')),
    ],
    [
      "a record with a hash that is none",
      (_, file) =>
        writeFileSync(file, readFileSync(file, "utf8").replace(/"sha256":"[0-9a-f]+"/, '"sha256":7')),
    ],
    ["an empty record", (_, file) => writeFileSync(file, "")],
    ...(isRoot
      ? [
          [
            "a record of another user",
            (_: Grounds, file: string) => chownSync(file, nobodyOfTests(), 0),
          ] as const,
        ]
      : []),
  ];
  it.each(faults)("%s", (_, make) => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    expect(here.allowed(root)).toEqual(RULE);
    make(here, record(here));
    expect(here.allowed(root)).toEqual([]);
    expect(here.survey(root).files).toMatchObject([{ status: "new" }]);
  });

  it.each([
    ["a directory open to others", (here: Grounds) => chmodSync(join(here.state, "trust"), 0o777)],
    [
      "a directory that is a link",
      (here: Grounds) => {
        rmSync(join(here.state, "trust"), { recursive: true });
        mkdirSync(join(here.home, "planted"), { mode: 0o700 });
        symlinkSync(join(here.home, "planted"), join(here.state, "trust"));
      },
    ],
    ["a record open to others", (here: Grounds) => chmodSync(record(here), 0o666)],
    [
      "a directory that is a file",
      (here: Grounds) => {
        rmSync(join(here.state, "trust"), { recursive: true });
        writeFileSync(join(here.state, "trust"), "");
      },
    ],
  ])("and nothing is written to it: %s", (_, make) => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    make(here);
    expect(() => here.trust(root)).toThrow(/is a link, open to others or not your own/);
    if (existsSync(join(here.home, "planted"))) expect(readdirSync(join(here.home, "planted"))).toEqual([]);
  });

  it("lies in the project itself: a project does not trust itself", () => {
    const here = grounds();
    const root = here.repository("app");
    const env = { ...here.env, XDG_STATE_HOME: join(root, ".state") };
    const survey = surveyAt(root, { env, home: here.home });
    expect(survey.store).toBeUndefined();
    // One that was planted there, complete and correct.
    here.trust(root);
    cpSync(here.state, join(root, ".state/cordon"), { recursive: true });
    for (const name of ["", "trust"]) chmodSync(join(root, ".state/cordon", name), 0o700);
    const trusted = recordedTrust({ root, home: here.home, env });
    expect(trusted(join(root, SHARED), Buffer.from(ALLOW))).toBe(false);
    mkdirSync(join(root, "far"));
    symlinkSync(join(root, ".state"), join(here.home, "elsewhere"));
    const linked = { ...env, XDG_STATE_HOME: join(here.home, "elsewhere") };
    expect(
      recordedTrust({ root, home: here.home, env: linked })(join(root, SHARED), Buffer.from(ALLOW)),
    ).toBe(false);
  });

  it("is private, whatever the rights of new files", () => {
    const here = grounds();
    const before = process.umask(0);
    try {
      here.trust(here.repository("app"));
    } finally {
      process.umask(before);
    }
    const modes = (path: string): readonly string[] => [
      (statSync(path).mode & 0o777).toString(8),
      ...(statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => modes(join(path, name))) : []),
    ];
    expect(new Set(modes(here.state))).toEqual(new Set(["700", "600"]));
    expect(readdirSync(join(here.state, "trust"))).toHaveLength(2);
  });
});

describe.skipIf(!isRoot)("for somebody without rights", () => {
  it("their own record counts, that of root does not, and one they cannot read neither", async () => {
    const here = grounds();
    const uid = nobodyOfTests();
    const root = here.repository("app");
    here.trust(root);
    const bundle = await driver(here.top);
    const allowed = (): unknown => {
      const policy: { readonly rules: readonly { readonly text: string }[] } = JSON.parse(
        runAs(uid, bundle, "load", here.top, here.home, root),
      );
      return policy.rules.map(({ text }) => text);
    };
    // A store that belongs to root is not theirs.
    expect(allowed()).toEqual([]);
    execFileSync("chown", ["-R", `${uid}:${uid}`, here.home]);
    expect(allowed()).toEqual(RULE);
    const store = join(here.state, "trust");
    const file = join(store, readdirSync(store).find((name) => name.endsWith(".json")) ?? "");
    chownSync(file, 0, 0);
    chmodSync(file, 0o644);
    expect(allowed()).toEqual([]);
    chmodSync(file, 0o600);
    expect(allowed()).toEqual([]);
    chownSync(file, uid, uid);
    expect(allowed()).toEqual(RULE);
    // A repository of which they may not look into the parts.
    chownSync(join(root, ".git"), 0, 0);
    expect(allowed()).toEqual(RULE);
    chownSync(root, 0, 0);
    chmodSync(root, 0o711);
    expect(allowed()).toEqual(RULE);
  });
});

describe("consent", () => {
  it("is to what was shown, not to what the file has become since", () => {
    const here = grounds();
    const root = here.repository("app");
    const seen = here.survey(root);
    here.put(`app/${SHARED}`, OTHER);
    if (seen.store === undefined) throw new Error("no store");
    recordConsent(seen, seen.store, "");
    expect(here.allowed(root)).toEqual([]);
    here.put(`app/${SHARED}`, ALLOW);
    expect(here.allowed(root)).toEqual(RULE);
  });

  it("to a later version takes back that to the earlier one", () => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    here.put(`app/${SHARED}`, OTHER);
    here.trust(root);
    here.put(`app/${SHARED}`, ALLOW);
    expect(here.allowed(root)).toEqual([]);
  });

  it("to a file that is gone is forgotten with the next one", () => {
    const here = grounds();
    const root = here.repository("app", { [SHARED]: ALLOW, ".cordon/settings.json": OTHER });
    here.trust(root);
    rmSync(join(root, ".cordon/settings.json"));
    here.trust(root);
    here.put("app/.cordon/settings.json", OTHER);
    expect(here.allowed(root)).toEqual(RULE);
  });

  it("outlives a crash between contents and record", () => {
    const here = grounds();
    const root = here.repository("app");
    here.trust(root);
    const store = join(here.state, "trust");
    const contents = readdirSync(store).find((name) => name.endsWith(".contents")) ?? "";
    writeFileSync(join(store, contents), "half");
    here.put(`app/${SHARED}`, OTHER);
    expect(here.survey(root).files).toMatchObject([{ status: "changed", before: undefined }]);
    here.trust(root);
    appendFileSync(join(root, SHARED), "\n");
    expect(here.survey(root).files).toMatchObject([{ status: "changed", before: OTHER }]);
  });
});
