import { describe, expect, it } from "vitest";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import {
  type Grant,
  openedPlan,
  openingsOfRules,
  openingsOfSession,
  widenedPolicy,
} from "../../../../src/core/layers/9-sandbox/opened.ts";
import type { SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import {
  type Place,
  claimedPaths,
  claimsOf,
  confirmedRefusals,
  refusalText,
} from "../../../../src/core/layers/9-sandbox/refusals.ts";
import type { Refusal } from "../../../../src/core/layers/9-sandbox/result.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import { readRule } from "../../../../src/core/settings/rule.ts";
import { PLACE, WORLD, type World, factsOf, policyWith } from "./made.ts";

const W = PLACE.root;
const THERE: World = {
  ...WORLD,
  "/home/u/note": "file",
  "/home/u/private": "file",
  [`${W}/.mcp.json`]: "file",
  [`${W}/.cordon`]: "directory",
  [`${W}/locked`]: "file",
  "/tmp/shared": "file",
};

function planOf(change: Parameters<typeof policyWith>[0] = {}): SandboxPlan {
  const policy = policyWith(change);
  const planned = sandboxPlan(policy, PLACE, factsOf(policy, THERE));
  if (planned.kind === "refused") throw new Error(planned.why);
  return planned;
}

/** What a host with these files would find out. */
function told(text: string, plan: SandboxPlan = planOf(), status = 1): readonly Refusal[] {
  const claims = claimsOf(text, status);
  const places = new Map(
    claimedPaths(claims, plan).map((path): [string, Place] => {
      const there = THERE[path];
      if (there === undefined) return [path, { real: path, type: "absent" }];
      return [
        path,
        typeof there === "string" ? { real: path, type: there } : { real: there.link, type: there.type },
      ];
    }),
  );
  return confirmedRefusals(claims, plan, places);
}

describe("a refusal is told", () => {
  it("where a path lies outside what may be written, with what to ask for", () => {
    const [refusal] = told("touch: cannot touch '/home/u/note': Read-only file system");
    expect(refusal).toMatchObject({
      class: "write",
      path: "/home/u/note",
      rule: "sandbox.filesystem.allowWrite",
      opens: "ask",
      certain: false,
    });
    expect(refusal === undefined ? "" : refusalText(refusal, PLACE.home)).toBe(
      "write to ~/note was refused by the sandbox: it lies outside the directories that commands may write to (sandbox.filesystem.allowWrite); ask for it with `cordon sandbox --write ~/note -- COMMAND`, or have the person add it to `sandbox.filesystem.allowWrite`",
    );
  });
  it("with what an absent path was to become", () => {
    expect(told("bash: line 1: /home/u/new: Read-only file system")).toMatchObject([{ make: "file" }]);
    expect(told("mkdir: cannot create directory '/home/u/new': Read-only file system")).toMatchObject([
      { make: "directory", hint: expect.stringContaining("--write ~/new/ --") },
    ]);
  });
  it("with a warning where others obey the file", () =>
    expect(told("bash: line 1: .mcp.json: Read-only file system")).toMatchObject([
      { path: `${W}/.mcp.json`, rule: "the protected name `.mcp.json`", why: "servers", opens: "warn" },
    ]));
  it("for a credential store, which nobody is asked to open", () =>
    expect(
      told("cat: /home/u/.ssh/id_rsa: Permission denied\ncat: /etc/shadow: Permission denied"),
    ).toMatchObject([
      { class: "read", rule: "the credential store `~/.ssh/`", opens: "never" },
      { class: "read", rule: "the credential store `/etc/shadow`", opens: "never" },
    ]));
  it("also where a mask makes a denied file look absent", () =>
    expect(told("cat: /home/u/.ssh/id_rsa: No such file or directory")).toMatchObject([{ class: "read" }]));
  it("for cordon's guard, which nothing opens", () =>
    expect(told("bash: line 1: .cordon/settings.json: Read-only file system")).toMatchObject([
      { rule: "cordon's guard (`.cordon/`)", opens: "never" },
    ]));
  it("with the rule or setting that denies", () => {
    const rules = ["Edit(//home/u/ws/locked)", "Read(//home/u/private)"].flatMap((text) =>
      readRule(text, "deny").readings.map((reading) => ({
        ...reading,
        text,
        scope: "project" as const,
        anchor: W,
      })),
    );
    const plan = planOf({ rules });
    expect(told("bash: line 1: locked: Read-only file system", plan)).toMatchObject([
      { class: "write", rule: "the deny rule `Edit(//home/u/ws/locked)`", opens: "never" },
    ]);
    expect(told("cat: /home/u/private: Permission denied", plan)).toMatchObject([
      { class: "read", rule: "the deny rule `Read(//home/u/private)`", opens: "never" },
    ]);
  });
  it("for a file of the machine's own temporary directory, and for a socket", () => {
    expect(told("cat: /tmp/shared: No such file or directory")).toMatchObject([
      { class: "read", rule: "private temporary files", opens: "ask" },
    ]);
  });
  it("for hosts, namespaces and rights", () =>
    expect(
      told("Error: getaddrinfo EAI_AGAIN example.com\nunshare: unshare failed: Operation not permitted").map(
        ({ class: kind, host, opens }) => [kind, host, opens],
      ),
    ).toEqual([
      ["connect", "example.com", "never"],
      ["namespace", undefined, "never"],
    ]));
});

describe("a claim is not believed", () => {
  it.each([
    ["of a path that can be written", "touch: cannot touch 'a.txt': Read-only file system"],
    ["of a file that is not there", "cat: /home/u/nothing: No such file or directory"],
    ["of a file that mode bits close", "cat: /home/u/note: Permission denied"],
    ["of a temporary file that was never there", "cat: /tmp/nothing: No such file or directory"],
  ])("%s", (_what, text) => expect(told(text)).toEqual([]));
  it("of a command that succeeded", () =>
    expect(told("cat: /etc/shadow: Permission denied", planOf(), 0)).toEqual([]));
  it("more than six times", () =>
    expect(
      told(
        Array.from({ length: 30 }, (_, at) => `touch: cannot touch '/x${at}': Read-only file system`).join(
          "\n",
        ),
      ),
    ).toHaveLength(6));
});

describe("what a person opens", () => {
  const grant = (path: string, change: Partial<Grant> = {}): Grant => ({
    access: "write",
    path,
    type: "file",
    person: true,
    ...change,
  });
  const writable = (plan: SandboxPlan): readonly string[] =>
    [
      "/home/u/note",
      "/home/u/note2",
      "/home/u",
      "/home/u/.ssh/id_rsa",
      `${W}/.mcp.json`,
      `${W}/.cordon/x`,
    ].filter((path) => accessAt(plan.mounts, path) === "writable");

  it("is that file alone", () => {
    const { plan, unopened } = openedPlan(planOf(), [grant("/home/u/note")]);
    expect(unopened).toEqual([]);
    expect(writable(plan)).toEqual(["/home/u/note"]);
    expect({ ...plan, mounts: planOf().mounts }).toEqual(planOf());
  });
  it("may be a protected file, but not by a rule", () => {
    const file = `${W}/.mcp.json`;
    const opened = openedPlan(planOf(), [grant(file)]);
    expect(writable(opened.plan)).toEqual([file]);
    expect(opened.plan.protected.map(({ path }) => path)).not.toContain(file);
    const ruled = openedPlan(planOf(), [grant(file, { person: false })]);
    expect(ruled.plan).toEqual(planOf());
    expect(ruled.unopened).toMatchObject([{ why: expect.stringContaining("only a person") }]);
  });
  it.each([
    ["a credential store", "/home/u/.ssh/id_rsa", {}],
    ["cordon's guard", `${W}/.cordon/settings.json`, {}],
    ["the kernel's files", "/proc/sys/kernel/core_pattern", {}],
    ["a directory by a mount of its own", "/home/u/dir", { type: "directory" }],
    ["what is not there", "/home/u/gone", { type: "absent" }],
  ] as const)("is never %s", (_what, path, change) => {
    const { plan, unopened } = openedPlan(planOf(), [grant(path, change)]);
    expect(plan).toEqual(planOf());
    expect(unopened).toHaveLength(1);
  });
  it("does not lift what a rule or a setting denies", () => {
    const plan = planOf({ sandbox: { denyWrite: ["/home/u/note"], denyRead: ["/home/u/private"] } });
    const opened = openedPlan(plan, [grant("/home/u/note"), grant("/home/u/private", { access: "read" })]);
    expect(opened.plan).toEqual(plan);
    expect(opened.unopened).toHaveLength(2);
  });
  it("uncovers nothing that a mask hides", () => {
    const { plan } = openedPlan(planOf(), [grant("/home/u/note")]);
    expect(accessAt(plan.mounts, "/home/u/.ssh/id_rsa")).toBe("hidden");
    const at = plan.mounts.findIndex(({ why }) => why === "opened for this command");
    expect(plan.mounts.slice(0, at).some(({ kind }) => kind === "mask-dir" || kind === "seal")).toBe(false);
  });
  it("opens a directory by the policy, so that what lies in it is held, and no protected one", () => {
    const policy = policyWith({});
    const { marks } = factsOf(policy).needs;
    const dir = (path: string): Grant => grant(path, { type: "directory" });
    const wide = widenedPolicy(
      policy,
      [dir("/home/u/notes"), dir("/home/u/.ssh"), dir("/home/u/p/.vscode"), dir("/")],
      marks,
    );
    expect(wide).toEqual({ ...policy, sandbox: { ...policy.sandbox, allowWrite: ["/home/u/notes"] } });
    expect(widenedPolicy(policy, [grant("/home/u/note")], marks)).toBe(policy);
  });
});

describe("rules that open", () => {
  it("are Edit rules that spell a place", () => {
    const texts = [
      "Edit(~/notes/**)",
      "Edit(//srv/x)",
      "Edit",
      "Edit(*.md)",
      "Edit(~/*/x)",
      "Read(~/r)",
      "Bash",
      "Edit(//**)",
    ];
    const rules = texts.flatMap((text) =>
      readRule(text, "allow").readings.map((reading) => ({
        ...reading,
        text,
        scope: "user" as const,
        anchor: W,
      })),
    );
    expect(openingsOfRules(policyWith({ rules }), PLACE.home)).toEqual([
      { access: "write", path: "/home/u/notes" },
      { access: "write", path: "/srv/x" },
    ]);
  });
  it("are grants of a session, written from the root or home", () =>
    expect(
      openingsOfSession(
        [
          "Edit(//home/u/.bashrc)",
          "Read(//tmp/shared)",
          "Edit(src/**)",
          "Edit(/x)",
          "Bash(ls)",
          "Edit(//)",
          "Edit",
        ].map((rule) => ({ rule })),
        PLACE.home,
      ),
    ).toEqual([
      { access: "write", path: "/home/u/.bashrc" },
      { access: "read", path: "/tmp/shared" },
    ]));
});
