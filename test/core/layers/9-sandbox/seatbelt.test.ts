import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import type { GitDir, Place } from "../../../../src/core/layers/9-sandbox/facts.ts";
import type { SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import {
  type SeatbeltProfile,
  seatbeltEnvironment,
  seatbeltProfile,
} from "../../../../src/core/layers/9-sandbox/seatbelt.ts";
import { PLACE, WORLD, type World, factsOf, policyWith, surveyOf } from "./made.ts";
import { check, read, verdict } from "./seatbelt/grammar.ts";

const W = PLACE.root;
const TEMPORARY = "/private/var/folders/zz/T/cordon-x";

function planOf(
  change: Parameters<typeof policyWith>[0] = {},
  world: World = WORLD,
  place: Place = PLACE,
  gits: readonly GitDir[] = [],
): SandboxPlan {
  const policy = policyWith(change);
  const facts = factsOf(policy, world, { place });
  const plan = sandboxPlan(policy, place, { ...facts, survey: surveyOf(world, facts.needs, gits) });
  if (plan.kind !== "plan") throw new Error(plan.why);
  return plan;
}

const profileOf = (plan: SandboxPlan): SeatbeltProfile => seatbeltProfile(plan, { temporary: TEMPORARY });

function asker(plan: SandboxPlan): (operation: string, path: string) => "allow" | "deny" {
  const { text, parameters } = profileOf(plan);
  const values = new Map(parameters);
  const rules = check(text, values);
  return (operation, path) => verdict(rules, values, operation, path);
}

const GIT: GitDir = {
  path: `${W}/.git`,
  id: "g",
  named: true,
  files: [
    { name: "config", path: `${W}/.git/config`, real: `${W}/.git/config`, type: "file", id: "c", stamp: "1" },
  ],
  hooks: [],
};

const ODD = `/Users/o'dd "(name)"\n\\ü ;#"x`;
const ODD_PLACE: Place = {
  root: `${ODD}/ws`,
  cwd: `${ODD}/ws`,
  home: ODD,
  state: `${ODD}/.local/state/cordon`,
  user: { uid: 501, gid: 20 },
};
const ODD_WORLD: World = {
  "/private/tmp": "directory",
  "/tmp": { link: "/private/tmp", type: "directory" },
  "/usr": "directory",
  [ODD]: "directory",
  [`${ODD}/.ssh`]: "directory",
  [`${ODD}/ws`]: "directory",
};

const PLANS: Readonly<Record<string, () => SandboxPlan>> = {
  plain: () => planOf({}, WORLD, PLACE, [GIT]),
  existing: () =>
    planOf(
      {},
      {
        ...WORLD,
        [`${W}/.vscode`]: "directory",
        [`${W}/a/.mcp.json`]: "file",
        [`${W}/.claude`]: "directory",
        [`${W}/.claude/plans`]: "directory",
      },
    ),
  closed: () => planOf({ block: true }),
  settings: () =>
    planOf(
      {
        directories: ["/home/u/other"],
        sandbox: {
          allowWrite: ["/home/u/cache"],
          denyWrite: [`${W}/dist/keep`],
          denyRead: ["/home/u/private", "/etc/secret"],
          allowRead: ["/home/u/private/notes"],
        },
      },
      {
        ...WORLD,
        "/home/u/other": "directory",
        "/home/u/cache": "directory",
        "/home/u/private": "directory",
        "/home/u/private/notes": "directory",
      },
    ),
  odd: () => planOf({ sandbox: { denyWrite: [`${ODD}/ws/a "b" (c)`] } }, ODD_WORLD, ODD_PLACE),
};

describe("profiles as they were read and found good", () => {
  it.each(Object.keys(PLANS))("%s", async (name) => {
    const plan = PLANS[name]?.();
    if (plan === undefined) throw new Error(name);
    const { text, parameters } = profileOf(plan);
    expect(check(text, new Map(parameters)).length).toBeGreaterThan(20);
    const values = parameters.map(([key, value]) => `; ${key} = ${JSON.stringify(value)}\n`).join("");
    await expect(`${text}\n${values}`).toMatchFileSnapshot(`./seatbelt/${name}.sb`);
  });
});

describe("a profile", () => {
  it("holds no text of a path, a rule or a setting", () => {
    const plan = planOf({ sandbox: { denyRead: [`${ODD}/") (allow default) ("`] } }, ODD_WORLD, ODD_PLACE);
    const { text, parameters } = profileOf(plan);
    for (const part of ["Users", "o'dd", "allow default", ".mcp.json", "mcp", "ws"])
      expect(text).not.toContain(part);
    expect(parameters.some(([, value]) => value.includes("allow default"))).toBe(true);
    expect(read(text)).toHaveLength(check(text, new Map(parameters)).length + 1);
  });

  it("names no address: there is no network but sockets by path", () => {
    const { text } = profileOf(planOf());
    expect(text).not.toMatch(/remote (?:ip|tcp|udp)|local (?:ip|tcp|udp)|network\*|network-inbound/);
  });

  it("is the same for every order in which nothing differs", () => {
    expect(profileOf(planOf())).toEqual(profileOf(planOf()));
  });
});

describe("what a profile lets a command do", () => {
  const ask = asker(planOf({}, { ...WORLD, [`${W}/src`]: "directory" }, PLACE, [GIT]));
  const writes = (path: string): boolean => ask("file-write-data", path) === "allow";
  const reads = (path: string): boolean => ask("file-read-data", path) === "allow";

  it("writes in the project and its own temporary directory, nowhere else", () => {
    expect(writes(`${W}/src/a.ts`)).toBe(true);
    expect(writes(`${TEMPORARY}/x`)).toBe(true);
    for (const path of [
      "/etc/hosts",
      "/home/u/.bashrc",
      "/tmp/x",
      "/home/u/wsx/y",
      "/home/u",
      "/dev/disk0",
      "/dev/ttys001",
    ])
      expect(writes(path), path).toBe(false);
    expect(writes("/dev/null")).toBe(true);
  });

  it("reads everything but what is hidden, and other people's temporary files", () => {
    for (const path of ["/etc/hosts", "/home/u/notes", "/home/u/.ssh/known_hosts"])
      expect(reads(path), path).toBe(true);
    for (const path of [
      "/home/u/.ssh/id_rsa",
      "/home/u/.ssh/new",
      "/home/u/.netrc",
      "/etc/shadow",
      "/tmp/x",
      "/dev/disk0",
    ])
      expect(reads(path), path).toBe(false);
  });

  it("plants no protected name, at no depth, in no case, also where it does not exist yet", () => {
    for (const name of [
      ".vscode/tasks.json",
      ".vscode",
      ".VSCode/x",
      ".mcp.json",
      ".MCP.json",
      ".cordon/settings.json",
    ])
      for (const directory of ["", "/src", "/new/deep\n/er"])
        expect(writes(`${W}${directory}/${name}`), name).toBe(false);
    for (const name of [".vscodex", "x.mcp.json", ".mcp.json5", "vscode/x"])
      expect(writes(`${W}/new/${name}`), name).toBe(true);
    expect(writes("/home/u/.vscode/x")).toBe(false);
  });

  it("keeps the exceptions of a protected directory writable, but not its name", () => {
    expect(writes(`${W}/.claude/plans/a.md`)).toBe(true);
    expect(writes(`${W}/a/.claude/plans/a.md`)).toBe(true);
    expect(writes(`${W}/.claude/plans/.vscode/x`)).toBe(false);
    expect(writes(`${W}/.claude/settings.json`)).toBe(false);
    expect(writes(`${W}/.claude`)).toBe(false);
  });

  it("cannot rename what holds something by its place, and commits", () => {
    for (const path of [W, `${W}/.git`, `${W}/.git/hooks`])
      expect(ask("file-write-unlink", path), path).toBe("deny");
    for (const name of ["objects/aa/bb", "index", "HEAD", "logs/HEAD"])
      expect(writes(`${W}/.git/${name}`), name).toBe(true);
    for (const name of ["hooks/pre-commit", "config", "config.worktree", "info/attributes", "commondir"])
      expect(writes(`${W}/.git/${name}`), name).toBe(false);
    expect(writes(`${W}/new/.git/config`)).toBe(true);
    expect(ask("file-write-unlink", `${W}/src`)).toBe("allow");
  });

  it("makes no second name of a file outside", () => {
    expect(ask("file-link", "/home/u/.bashrc")).toBe("deny");
    expect(ask("file-link", `${W}/src/a.ts`)).toBe("allow");
    expect(ask("file-link", `${W}/.git/config`)).toBe("deny");
  });

  it("reaches sockets in the project, and none of the machine", () => {
    expect(ask("network-outbound", `${W}/s`)).toBe("allow");
    expect(ask("network-outbound", "/var/run/docker.sock")).toBe("deny");
    const policy = policyWith({});
    const facts = factsOf(policy, WORLD, { sockets: [`${W}/host.sock`] });
    const plan = sandboxPlan(policy, PLACE, facts);
    if (plan.kind !== "plan") throw new Error(plan.why);
    expect(asker(plan)("network-outbound", `${W}/host.sock`)).toBe("deny");
  });
});

describe("a credential", () => {
  it("that a rule of the person's own names is readable, also where it is made later", () => {
    const named = { text: "Read(~/.netrc)", pattern: "~/.netrc" };
    const rule = {
      effect: "allow",
      tool: "Read",
      text: named.text,
      specifier: { kind: "path", pattern: named.pattern },
      scope: "user",
      anchor: "/home/u",
    } as const;
    const policy = policyWith({});
    const withRule = { ...policy, rules: [{ ...rule, index: 0 }] };
    const plan = sandboxPlan(withRule, PLACE, factsOf(withRule));
    if (plan.kind !== "plan") throw new Error(plan.why);
    expect(asker(plan)("file-read-data", "/home/u/.netrc")).toBe("allow");
    expect(asker(planOf())("file-read-data", "/home/u/.netrc")).toBe("deny");
  });

  it("below a link of the system is hidden by its real path too", () => {
    const ask = asker(planOf({ sandbox: { denyRead: [] } }));
    expect(ask("file-read-data", "/etc/shadow")).toBe("deny");
  });
});

describe("profile and mounts", () => {
  const names = fc.constantFrom(
    "a",
    "src",
    ".ssh",
    ".vscode",
    "keep",
    "dist",
    "id_rsa",
    "x.pub",
    ".mcp.json",
    "notes",
    "private",
  );
  const bases = fc.constantFrom(
    W,
    "/home/u",
    "/home/u/other",
    "/home/u/cache",
    "/etc",
    "/usr/lib",
    "/",
    "/home/u/private",
  );
  const paths = fc
    .tuple(bases, fc.array(names, { minLength: 1, maxLength: 4 }))
    .map(([base, segments]) => `${base === "/" ? "" : base}/${segments.join("/")}`);

  it.each(["plain", "existing", "settings", "closed"])("never permit where the mounts forbid: %s", (name) => {
    const plan = PLANS[name]?.();
    if (plan === undefined) throw new Error(name);
    const ask = asker(plan);
    const protectedPaths = plan.inspection.needs.marks;
    fc.assert(
      fc.property(paths, (path) => {
        const access = accessAt(plan.mounts, path);
        const writes = ask("file-write-data", path) === "allow";
        const reads = ask("file-read-data", path) === "allow";
        if (access !== "writable") expect(writes, path).toBe(false);
        if (access === "hidden" || access === "private") expect(reads && name !== "closed", path).toBe(false);
        // The other way round only a protected name may stand between.
        const bare = !path.split("/").some((part) => /^\.|^id_|\.pub$|^keep$|^private$/.test(part));
        if (bare && access === "writable") expect(writes, path).toBe(true);
        if (bare && access !== "hidden") expect(reads || access === "private", path).toBe(true);
        expect(protectedPaths.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000, seed: 7 },
    );
  });
});

it("the environment follows the temporary directory, and leaves the caller's variables alone", () => {
  const plan = planOf();
  const place = { temporary: TEMPORARY };
  expect(plan.environment["TMPDIR"]).toBe("/tmp");
  const environment = seatbeltEnvironment(
    { ...plan, environment: { ...plan.environment, HOME: "/tmp/home", PATH: "/tmp/bin:/usr/bin" } },
    place,
  );
  expect(environment).toMatchObject({ TMPDIR: TEMPORARY, HOME: "/tmp/home", PATH: "/tmp/bin:/usr/bin" });
  expect(environment["npm_config_cache"]).toMatch(`${TEMPORARY}/.`);
});

describe("the checker refuses", () => {
  const good = "(version 1)\n(deny default)\n";
  it.each([
    ["a missing bracket", `${good}(allow file-read*`],
    ["a bracket too many", `${good}(allow file-read*))`],
    ["an open string", `${good}(allow file-read* (literal "/a))`],
    ["an unknown operation", `${good}(allow file-reed*)`],
    ["an unknown filter", `${good}(allow file-read* (path "/a"))`],
    ["a relative path", `${good}(allow file-read* (literal "a"))`],
    ["a parameter nobody defines", `${good}(allow file-read* (literal (param "Z")))`],
    ["a regular expression that is none", `${good}(allow file-read* (regex #"^(a"))`],
    ["one beyond the system's", `${good}(allow file-read* (regex #"^a(?=b)"))`],
    ["everything", "(version 1)\n(allow default)\n"],
    ["a network address", `${good}(allow network-outbound (remote ip "*:*"))`],
  ])("%s", (_what, text) => expect(() => check(text, new Map())).toThrow());

  it("a parameter that is not used", () => {
    expect(() => check(good, new Map([["P0", "/a"]]))).toThrow(/never used/);
  });
});
