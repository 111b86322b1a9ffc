import { describe, expect, it } from "vitest";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import type { GitDir, SandboxFacts } from "../../../../src/core/layers/9-sandbox/facts.ts";
import type { Planned, SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import type { Policy } from "../../../../src/core/settings/policy.ts";
import { type Rule, readRule } from "../../../../src/core/settings/rule.ts";
import { PLACE, WORLD, type World, factsOf, policyWith } from "./made.ts";

const W = PLACE.root;

function rules(effect: "allow" | "deny", scope: Rule["scope"], ...texts: readonly string[]): readonly Rule[] {
  return texts.flatMap((text) =>
    readRule(text, effect).readings.map((reading) => ({ ...reading, text, scope, anchor: W })),
  );
}

function plan(
  change: Parameters<typeof policyWith>[0] = {},
  world: World = WORLD,
  facts: Partial<SandboxFacts> = {},
): Planned {
  const policy = policyWith(change);
  return sandboxPlan(policy, PLACE, factsOf(policy, world, facts));
}

function made(planned: Planned): SandboxPlan {
  if (planned.kind === "refused") throw new Error(planned.why);
  return planned;
}

const access = (planned: Planned, path: string): string => accessAt(made(planned).mounts, path);

describe("the plan", () => {
  it("is the same data for root and for a user, but for who holds the number of processes", () => {
    const policy = policyWith({});
    const user = made(sandboxPlan(policy, PLACE, factsOf(policy)));
    const place = { ...PLACE, user: { uid: 0, gid: 0 } };
    const root = made(
      sandboxPlan(policy, place, factsOf(policy, WORLD, { place, owner: { uid: 0, gid: 0, reaches: true } })),
    );
    expect(root.mounts).toEqual(user.mounts);
    expect([root.namespaces, root.capabilities, root.network, root.environment]).toEqual([
      user.namespaces,
      user.capabilities,
      user.network,
      user.environment,
    ]);
    expect([user.limits.processesBy, root.limits.processesBy]).toEqual(["rlimit", "count"]);
    expect(JSON.parse(JSON.stringify(user)).mounts).toEqual(user.mounts);
  });

  it("writes to the workspace and private places only", () => {
    const planned = plan();
    expect(access(planned, W)).toBe("writable");
    expect(access(planned, `${W}/src/a.ts`)).toBe("writable");
    expect(access(planned, "/home/u/other")).toBe("read-only");
    expect(access(planned, "/etc/passwd")).toBe("read-only");
    expect(
      ["/tmp/x", "/var/tmp/x", "/run/docker.sock", "/dev/shm/x"].map((path) => access(planned, path)),
    ).toEqual(["private", "private", "private", "private"]);
    expect(
      made(planned)
        .mounts.filter(({ kind }) => kind === "bind")
        .map(({ to }) => to),
    ).toEqual([W]);
    const seals = made(planned)
      .mounts.filter(({ kind }) => kind === "seal")
      .map(({ to }) => to);
    expect(seals).toEqual(["/home/u/.ssh", "/run", "/dev", "/proc"]);
  });

  it("hides credential stores, with their exceptions open", () => {
    const planned = plan();
    expect(access(planned, "/home/u/.ssh/id_rsa")).toBe("hidden");
    expect(access(planned, "/etc/shadow")).toBe("hidden");
    expect(access(planned, "/home/u/.ssh/known_hosts")).toBe("read-only");
  });

  it.each([
    ["user", "Read(~/.ssh/**)", "read-only"],
    ["managed", "Read(//home/u/.ssh)", "read-only"],
    ["command-line", "Read(~/.ssh/id_rsa)", "hidden"],
    ["user", "Read(~/.ssh/other)", "hidden"],
    ["project", "Read(~/.ssh/**)", "hidden"],
    ["local", "Read(~/.ssh/**)", "hidden"],
    ["user", "Read", "hidden"],
    ["user", "Read(~/**)", "hidden"],
    ["user", "Read(~/.*)", "hidden"],
    ["user", "Read(//**)", "hidden"],
    ["user", "Bash(cat *)", "hidden"],
  ] as const)("a %s rule %s leaves the store %s", (scope, text, expected) => {
    expect(access(plan({ rules: rules("allow", scope, text) }), "/home/u/.ssh/id_rsa")).toBe(expected);
  });

  it("no rule opens cordon's own state", () => {
    const world: World = { ...WORLD, "/home/u/.local/state/cordon": "directory" };
    expect(
      access(
        plan({ rules: rules("allow", "user", "Read(~/**)", "Read(~/.local/state/cordon/**)") }, world),
        `${PLACE.state}/audit`,
      ),
    ).toBe("hidden");
  });

  it("the audit log is hidden and kept from being planted, wherever settings put it", () => {
    const base = policyWith({
      sandbox: { allowRead: [`${W}/log`] },
      rules: rules("allow", "user", `Read(/${W}/log)`),
    });
    const policy: Policy = {
      ...base,
      cordon: { ...base.cordon, audit: { path: `${W}/log`, required: true } },
    };
    const there = sandboxPlan(policy, PLACE, factsOf(policy, { ...WORLD, [`${W}/log`]: "directory" }));
    expect(access(there, `${W}/log/a.jsonl`)).toBe("hidden");
    const absent = made(sandboxPlan(policy, PLACE, factsOf(policy)));
    expect(
      absent.inspection.needs.marks.some(({ role, text }) => role === "guard" && text === `${W}/log`),
    ).toBe(true);
  });

  it("allowRead opens what denyRead hides, never a credential store", () => {
    const world: World = { ...WORLD, [`${W}/h`]: "directory", [`${W}/h/ok`]: "file" };
    const planned = plan(
      { sandbox: { denyRead: [`${W}/h`], allowRead: [`${W}/h/ok`, "/home/u/.ssh/id_rsa"] } },
      world,
    );
    expect(access(planned, `${W}/h/no`)).toBe("hidden");
    expect(access(planned, `${W}/h/ok`)).toBe("read-only");
    expect(access(planned, "/home/u/.ssh/id_rsa")).toBe("hidden");
  });

  it("of a denial and a permission the more specific holds, and the denial where they meet", () => {
    const world: World = {
      ...WORLD,
      [`${W}/h`]: "directory",
      [`${W}/h/o`]: "directory",
      [`${W}/h/o/k`]: "file",
      [`${W}/h/o/l`]: "file",
    };
    const deep = plan({ sandbox: { denyRead: [`${W}/h`, `${W}/h/o/k`], allowRead: [`${W}/h/o`] } }, world);
    expect([access(deep, `${W}/h/x`), access(deep, `${W}/h/o/k`), access(deep, `${W}/h/o/l`)]).toEqual([
      "hidden",
      "hidden",
      "read-only",
    ]);
    const same = plan({ sandbox: { denyRead: [`${W}/h`], allowRead: [`${W}/h`] } }, world);
    expect(access(same, `${W}/h/o/l`)).toBe("hidden");
    const rule = plan(
      {
        sandbox: { denyRead: [`${W}/h`], allowRead: [`${W}/h/o`] },
        rules: rules("deny", "project", "Read(k)"),
      },
      world,
    );
    expect(access(rule, `${W}/h/o/k`)).toBe("hidden");
  });

  it("what a rule denies is unreachable, existing or not at the start", () => {
    const world: World = {
      ...WORLD,
      [`${W}/.env`]: "file",
      [`${W}/a/.env`]: "file",
      [`${W}/x.lock`]: "file",
    };
    const planned = plan(
      { rules: [...rules("deny", "project", "Read(.env)"), ...rules("deny", "project", "Edit(*.lock)")] },
      world,
    );
    expect(access(planned, `${W}/.env`)).toBe("hidden");
    expect(access(planned, `${W}/a/.env`)).toBe("hidden");
    expect(access(planned, `${W}/x.lock`)).toBe("read-only");
    expect(
      made(planned).inspection.needs.marks.some(
        ({ role, text }) => role === "denied-write" && text === "Edit(*.lock)",
      ),
    ).toBe(true);
    expect(made(planned).inspection.needs.skip).toEqual([]);
  });

  it("directories above a path that is denied by its place keep their names", () => {
    const world: World = {
      ...WORLD,
      [`${W}/a`]: "directory",
      [`${W}/a/b`]: "directory",
      [`${W}/a/b/k`]: "file",
      [`${W}/x/.env`]: "file",
    };
    const { mounts } = made(
      plan({ sandbox: { denyRead: [`${W}/a/b/k`] }, rules: rules("deny", "project", "Read(.env)") }, world),
    );
    expect(mounts.filter(({ kind }) => kind === "bind").map(({ to }) => to)).toEqual([
      W,
      `${W}/a`,
      `${W}/a/b`,
    ]);
  });

  it("protected names are read-only, their exceptions not, and a link is followed to what it means", () => {
    const world: World = {
      ...WORLD,
      [`${W}/.claude`]: "directory",
      [`${W}/.claude/plans`]: "directory",
      [`${W}/sub/.vscode`]: "directory",
      [`${W}/.mcp.json`]: { link: `${W}/conf/mcp.json`, type: "file" },
    };
    const planned = plan({}, world);
    expect(access(planned, `${W}/.claude/settings.json`)).toBe("read-only");
    expect(access(planned, `${W}/.claude/plans/x`)).toBe("writable");
    expect(access(planned, `${W}/sub/.vscode/tasks.json`)).toBe("read-only");
    expect(access(planned, `${W}/conf/mcp.json`)).toBe("read-only");
    expect(made(planned).protected.map(({ path }) => path)).toContain(`${W}/.claude`);
  });

  it("a repository stays writable but for what decides what git runs", () => {
    const dir = `${W}/.git`;
    const file = (name: string, type: "file" | "directory"): GitDir["files"][number] => ({
      name,
      path: `${dir}/${name}`,
      real: `${dir}/${name}`,
      type,
      id: name,
      stamp: "",
    });
    const gits: readonly GitDir[] = [
      {
        path: dir,
        id: "g",
        named: true,
        files: [file("config", "file"), file("hooks", "directory")],
        hooks: [],
      },
    ];
    const policy = policyWith({});
    const facts = factsOf(policy);
    const planned = sandboxPlan(policy, PLACE, { ...facts, survey: { ...facts.survey, gits } });
    expect(access(planned, `${dir}/objects/ab`)).toBe("writable");
    expect(access(planned, `${dir}/hooks/pre-commit`)).toBe("read-only");
    expect(access(planned, `${dir}/config`)).toBe("read-only");
    expect(
      made(planned).mounts.some(({ kind, to }) => kind === "bind" && to === dir),
      "pinned",
    ).toBe(true);
  });

  it("sockets of the machine are hidden where they would be reachable", () => {
    const planned = plan({}, WORLD, { sockets: [`${W}/s.sock`, "/run/docker.sock", "/home/u/a.sock"] });
    expect(
      made(planned)
        .mounts.filter(({ kind }) => kind === "mask-file")
        .map(({ to }) => to),
    ).toEqual(["/etc/shadow", "/home/u/a.sock", "/home/u/.ssh/id_rsa", `${W}/s.sock`]);
  });

  it("what is denied beside something open is there by name, so that it is refused and not missing", () => {
    const planned = plan({}, { ...WORLD, "/home/u/.ssh/config": "file" });
    for (const name of ["id_rsa", "config"])
      expect(made(planned).mounts).toContainEqual(
        expect.objectContaining({ kind: "mask-file", to: `/home/u/.ssh/${name}` }),
      );
    expect(access(planned, "/home/u/.ssh/known_hosts")).toBe("read-only");
  });

  it("denied writes beat allowed ones, and no setting makes the machine writable", () => {
    const world: World = {
      ...WORLD,
      "/data": "directory",
      "/data/a": "directory",
      "/proc": "directory",
      "/sys": "directory",
    };
    const planned = plan(
      {
        directories: ["/"],
        sandbox: { allowWrite: ["/data/a", "/proc", "/sys", "/dev", "/run", "/gone"], denyWrite: ["/data"] },
      },
      { ...world, "/": "directory" },
    );
    expect(
      made(planned)
        .mounts.filter(({ kind }) => kind === "bind")
        .map(({ to }) => to),
    ).toEqual([W]);
    expect(made(planned).notes.filter(({ what }) => what.includes("is not writable")).length).toBeGreaterThan(
      0,
    );
    expect(access(plan({ sandbox: { allowWrite: ["/data"] } }, world), "/data/x")).toBe("writable");
  });

  it("an allowed directory inside the workspace is not resolved through links", () => {
    const world: World = { ...WORLD, [`${W}/build`]: { link: "/home/u", type: "directory" } };
    const planned = plan({ sandbox: { allowWrite: [`${W}/build`] } }, world);
    expect(access(planned, "/home/u/.bashrc")).toBe("read-only");
  });

  it("a workspace below a private place is still there, and temporary files go elsewhere", () => {
    const place = { ...PLACE, root: "/tmp", cwd: "/tmp" };
    const policy = policyWith({});
    const planned = sandboxPlan(policy, place, factsOf(policy, WORLD, { place }));
    expect(access(planned, "/tmp/x")).toBe("writable");
    expect(made(planned).environment["TMPDIR"]).toBe("/var/tmp");
  });

  it("a checkout around a workspace is readable where a private place would hide it", () => {
    const around = (top: string, block = false): Planned => {
      const place = { ...PLACE, root: "/tmp/p/js", cwd: "/tmp/p/js", checkout: { top } };
      const world: World = { ...WORLD, "/tmp/p": "directory", "/tmp/p/js": "directory" };
      const policy = policyWith({ block });
      return sandboxPlan(policy, place, factsOf(policy, world, { place }));
    };
    const at = (planned: Planned): readonly string[] =>
      ["/tmp/p/js/x", "/tmp/p/x", "/tmp/x", "/home/u/x"].map((path) => access(planned, path));
    expect(at(around("/tmp/p"))).toEqual(["writable", "read-only", "private", "read-only"]);
    // The directory for temporary files stays one, and what blocks reads outside blocks these.
    expect(at(around("/tmp"))).toEqual(["writable", "private", "private", "read-only"]);
    expect(at(around("/tmp/p", true)).slice(0, 3)).toEqual(["writable", "private", "private"]);
    // What is readable anyway needs no mount.
    expect(made(around("/")).mounts).toEqual(made(around("/tmp")).mounts);
  });

  it.each([
    ["the whole file system", { root: "/" }, { "/": "directory" }, /cannot be confined/],
    ["a kernel directory", { root: "/proc/1" }, { "/proc/1": "directory" }, /cannot be confined/],
    ["a credential store", { root: "/home/u/.ssh" }, {}, /must not be read/],
    ["cordon's state", { root: PLACE.state }, { [PLACE.state]: "directory" }, /must not be read/],
    ["a file", { root: "/etc/shadow" }, {}, /is no directory/],
    ["nothing", { root: "/gone" }, {}, /is no directory/],
    ["a working directory that is gone", { cwd: "/gone" }, {}, /is gone/],
  ] as const)("is refused for %s", (_name, change, more, why) => {
    const root = "root" in change ? change.root : PLACE.root;
    const place = { ...PLACE, cwd: root, ...change };
    const policy = policyWith({});
    const planned = sandboxPlan(policy, place, factsOf(policy, { ...WORLD, ...more }, { place }));
    expect(planned).toMatchObject({ kind: "refused", why: expect.stringMatching(why) });
  });

  it("asks for prlimit only where nothing else sets the limits", () => {
    const on = (rung: string | undefined): string =>
      plan({}, WORLD, { machine: { arch: "x64", bash: "/usr/bin/bash", rung } }).kind;
    expect(["native", "landlock", "bubblewrap", "another", undefined].map(on)).toEqual([
      "plan",
      "plan",
      "refused",
      "refused",
      "refused",
    ]);
  });
  it("is refused outside the directories the organisation allows, without bash, and where all reads are denied", () => {
    expect(plan({ allowedDirectories: ["/srv/**"] })).toMatchObject({
      kind: "refused",
      why: expect.stringMatching(/organisation/),
    });
    expect(plan({ allowedDirectories: ["~/ws"] }).kind).toBe("plan");
    expect(plan({}, WORLD, { machine: { arch: "x64", prlimit: "/usr/bin/prlimit" } })).toMatchObject({
      kind: "refused",
      why: expect.stringMatching(/bash/),
    });
    expect(plan({ rules: rules("deny", "project", "Read(**)") })).toMatchObject({ kind: "refused" });
  });

  it("is refused where more has to be mounted than bubblewrap takes", () => {
    const keys = (count: number): World =>
      Object.fromEntries(
        Array.from({ length: count }, (_unused, index) => [`${W}/${index}.key`, "file" as const]),
      );
    const deny = rules("deny", "project", "Read(*.key)");
    expect(plan({ rules: deny }, { ...WORLD, ...keys(500) }).kind).toBe("plan");
    expect(plan({ rules: deny }, { ...WORLD, ...keys(3000) })).toMatchObject({
      kind: "refused",
      why: expect.stringMatching(/more than bubblewrap takes/),
    });
  });

  it("shows the system and the workspace only, where reads outside are blocked", () => {
    for (const planned of [plan({ block: true }), plan({ allowedDirectories: ["/home/u/**"] })]) {
      expect(access(planned, "/home/u/other")).toBe("hidden");
      expect(access(planned, "/usr/bin/ls")).toBe("read-only");
      expect(access(planned, `${W}/a`)).toBe("writable");
      expect(made(planned).mounts).toContainEqual(expect.objectContaining({ kind: "symlink", to: "/bin" }));
      expect(made(planned).mounts).toContainEqual(expect.objectContaining({ kind: "seal", to: "/" }));
    }
  });

  it("started as root it runs as the owner of the workspace who can reach it", () => {
    const policy = policyWith({});
    const place = { ...PLACE, user: { uid: 0, gid: 0 } };
    const as = (owner: SandboxFacts["owner"]): SandboxPlan =>
      made(sandboxPlan(policy, place, factsOf(policy, WORLD, { place, owner })));
    expect(as({ uid: 1000, gid: 1000, reaches: true })).toMatchObject({
      identity: { uid: 1000, gid: 1000 },
      limits: { processesBy: "rlimit" },
    });
    expect(as({ uid: 1000, gid: 1000, reaches: false }).identity).toBeUndefined();
    expect(as({ uid: 0, gid: 0, reaches: true }).identity).toBeUndefined();
  });

  it("is refused where the search below the roots did not reach its end", () => {
    const { survey } = factsOf(policyWith({}));
    const planned = plan({}, WORLD, { survey: { ...survey, complete: false, largest: "/home/u/ws/big" } });
    expect(planned).toMatchObject({
      kind: "refused",
      why: expect.stringMatching(/^\/home\/u\/ws\/big holds more files/),
    });
  });

  it("hides whole what cannot be looked into, and is refused where that is the workspace", () => {
    const { survey } = factsOf(policyWith({}));
    const shut = (path: string): Planned =>
      plan({}, WORLD, { survey: { ...survey, unread: [path], closed: [path] } });
    const planned = made(shut("/home/u/ws/sub"));
    expect(planned.mounts).toContainEqual(
      expect.objectContaining({ kind: "mask-dir", to: "/home/u/ws/sub" }),
    );
    expect(planned.notes.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^\/home\/u\/ws\/sub cannot be looked into.*chmod u\+rwx/),
    );
    expect(shut("/home/u/ws")).toMatchObject({ kind: "refused", hint: "chmod u+rwx /home/u/ws" });
  });

  it("names what is lost", () => {
    const text = (planned: Planned): string =>
      made(planned)
        .notes.map(({ what, loses }) => `${what}: ${loses}`)
        .join("\n");
    expect(text(plan())).toMatch(/planting/);
    expect(text(plan({}, WORLD, { machine: { arch: "riscv64", bash: "/b", prlimit: "/p" } }))).toMatch(
      /no system-call filter for the processor riscv64/,
    );
    const facts = factsOf(policyWith({}));
    expect(text(plan({}, WORLD, { survey: { ...facts.survey, short: ["/home/u/all"] } }))).toMatch(
      /search .* ended/,
    );
    expect(text(plan({ rules: rules("deny", "user", "Read(//**/.env)") }))).toMatch(
      /below the writable directories only/,
    );
  });
});
