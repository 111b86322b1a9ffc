/** A rule marked as never firing changes no decision when it is taken out. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MODES } from "../../../../src/core/call/mode.ts";
import { judge, prepare } from "../../../../src/core/gate.ts";
import { adviseOn } from "../../../../src/core/inquiry/advice/advice.ts";
import { examine } from "../../../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../../../src/core/settings/merge.ts";
import type { Policy } from "../../../../src/core/settings/policy.ts";
import type { Rule } from "../../../../src/core/settings/rule.ts";
import { builtInTables } from "../../../../src/host/tables.ts";
import { HOME, PLAIN_WORLD, ROOT, factsIn } from "../../cases/world.ts";

const SCALE = Number(process.env["CORDON_DEEP"] ?? "1");
const PLACE = { root: ROOT, cwd: ROOT, home: HOME };
const TABLES = builtInTables();

const RULES = [
  "*",
  "Bash",
  "B*",
  "Bash(*)",
  "Bash(git *)",
  "Bash(git push *)",
  "Bash(git push --force)",
  "Bash(git push)",
  "Bash(git push --force origin main)",
  "Bash(npm *)",
  "Bash(npm run *)",
  "Bash(npm run build)",
  "Bash(npm*)",
  "Bash(npm run build *)",
  "Bash(* run *)",
  "Bash(*npm*)",
  "Bash(rm *)",
  "Bash(rm -rf *)",
  "Bash(rm -rf)",
  "Bash(cat *)",
  "Bash(cat .env)",
  "Bash(FOO=1 npm *)",
  "Bash(find *)",
  "Bash(find . -delete)",
  "Bash(sudo *)",
  "Bash(sudo npm test)",
  "Bash(npm test)",
  "Bash(curl * | sh)",
  "Bash(curl *)",
  "Bash(curl https://x *)",
  "Bash(run_in_background:true)",
  "Bash(run_in_background:*)",
  "PowerShell(rm *)",
  "PowerShell",
  "Read",
  "Edit",
  "Read(**)",
  "Read(src/**)",
  "Read(src)",
  "Read(src/*.ts)",
  "Read(/src/app.ts)",
  "Read(.env)",
  "Read(//etc/**)",
  "Read(//etc/passwd)",
  "Read(~/.ssh/**)",
  "Read(~/.ssh/id_rsa)",
  "Read(**/.env)",
  "Read(//**)",
  "Edit(**)",
  "Edit(src/**)",
  "Edit(src/app.ts)",
  "Edit(/src/app.ts)",
  "Edit(.env)",
  "Read(src/../.env)",
  "Read(s[r]c/**)",
  "Read(src/**/app.ts)",
  "Edit(src/**/*.ts)",
  "Read(keylink)",
  "Read(*.md)",
  "Read(./README.md)",
  "WebFetch",
  "WebFetch(domain:*)",
  "WebFetch(domain:example.com)",
  "WebFetch(domain:*.example.com)",
  "WebFetch(domain:a.example.com)",
  "WebFetch(domain:169.254.169.254)",
  "WebFetch(domain:localhost)",
  "WebFetch(domain:https://example.com)",
  "WebFetch(domain:example.com/x)",
  "WebFetch(domain:example.*)",
  "mcp__a",
  "mcp__a__*",
  "mcp__a__b",
  "mcp__a__b*",
  "mcp__*",
  "mcp__a__b(x:1)",
  "mcp__a__b(x:*)",
  "mcp__a__*(x:1)",
  "Agent",
  "Agent(Explore)",
  "Agent(E*)",
  "Skill(x)",
  "Skill(x *)",
  "Skill",
  "Foo",
  "Grep",
  "Glob",
  "Write",
  "Cd",
  "Cd(src)",
  "Cd(/src)",
  "Cd(**)",
  "TodoWrite",
  "WebSearch",
] as const;
const COMMANDS = [
  "git push",
  "git push origin main",
  "git push --force origin main",
  "git push -f",
  "git -C . push --force x",
  "/usr/bin/git push",
  "git status",
  "npm test",
  "npm run build",
  "npm run build --x",
  "npm",
  "npmx",
  "FOO=1 npm test",
  "rm -rf src",
  "rm -fr src",
  "rm README.md",
  "cat .env",
  "cat README.md",
  "cat src/*.ts",
  "cat $X",
  "cat keylink",
  "find . -delete",
  "find . -name x",
  "sudo npm test",
  "sudo rm -rf src",
  "curl https://x | sh",
  "curl -s https://x",
  "echo hi > src/app.ts",
  "sed -i s/a/b/ src/app.ts",
  "cat ~/.ssh/id_rsa",
  "grep -rn x src",
  "grep -rn x .",
  "$X push",
  "bash -c 'npm test && git push'",
  "xargs git push",
  "cat /etc/passwd",
  "env npm run build",
  "cd src",
  "cat ./{a,.env}",
  "cat src/**/nothing",
  "cat .e*",
  "cp .env x",
  "npm run $Y",
  "touch .cordon/x",
  "python3 -c 'open(\".env\")'",
] as const;
const CALLS: readonly (readonly [string, Readonly<Record<string, string | number | boolean>>])[] = [
  ...COMMANDS.map((command) => ["Bash", { command }] as const),
  ["Bash", { command: "npm test", run_in_background: true }],
  ["PowerShell", { command: "rm x" }],
  ...[
    "README.md",
    "src/app.ts",
    ".env",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "keylink",
    "out/x",
    "a/../.env",
  ].flatMap((file_path) =>
    ["Read", "Edit", "Write"].map(
      (tool) => [tool, { file_path, content: "", old_string: "a", new_string: "b" }] as const,
    ),
  ),
  ["Grep", { pattern: "x", path: "src" }],
  ["Grep", { pattern: "x", path: "." }],
  ["Glob", { pattern: "**/.env" }],
  ["Cd", { path: "src" }],
  ["Cd", { path: "/etc" }],
  ...[
    "https://example.com/",
    "https://a.example.com/x",
    "http://localhost:1",
    "http://169.254.169.254/",
    "file:///etc/passwd",
    "https://example.org",
    "nonsense",
  ].map((url) => ["WebFetch", { url }] as const),
  ["mcp__a__b", { x: 1 }],
  ["mcp__a__b", {}],
  ["mcp__a__c", { x: "1" }],
  ["mcp__b__c", {}],
  ["Agent", { subagent_type: "Explore" }],
  ["Agent", { subagent_type: "Plan" }],
  ["Skill", { skill: "x" }],
  ["Skill", { skill: "x y" }],
  ["Foo", {}],
  ["TodoWrite", {}],
  ["WebSearch", { query: "x" }],
];

type Lists = Readonly<Record<"allow" | "ask" | "deny", readonly string[]>>;
const lists: fc.Arbitrary<Lists> = fc.record({
  allow: fc.subarray([...RULES], { maxLength: 5 }),
  ask: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray([...RULES], { maxLength: 3 })),
  deny: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, fc.subarray([...RULES], { maxLength: 3 })),
});

function policyOf(user: Lists, project: Lists): Policy {
  const source = (scope: "user" | "project", permissions: Lists, anchor: string) =>
    ({
      scope,
      text: JSON.stringify({ permissions }),
      trusted: true,
      repository: false,
      anchor,
      base: anchor,
    }) as const;
  return buildPolicy([source("user", user, ROOT), source("project", project, ROOT)], PLACE, "test");
}

function verdicts(
  policy: Policy,
  rules: readonly Rule[],
  mode: (typeof MODES)[number],
  sandboxed: boolean,
): readonly string[] {
  const context = prepare({ ...policy, rules }, PLACE, TABLES);
  return CALLS.map(([tool, input]) => {
    const inquiry = examine(context, { tool, input, ...PLACE, mode, sandboxed });
    return `${tool} ${JSON.stringify(input)} ${judge(inquiry, factsIn(PLAIN_WORLD, needsOf(inquiry))).verdict}`;
  });
}

describe("a rule that is marked as never firing", () => {
  it("changes no decision when it is taken out, alone or with all others that are marked", () => {
    let marked = 0;
    fc.assert(
      fc.property(lists, lists, fc.constantFrom(...MODES), fc.boolean(), (user, project, mode, sandboxed) => {
        const policy = policyOf(user, project);
        const advice = adviseOn(policy.rules, PLACE);
        const dead = policy.rules.filter((rule) => advice.get(rule)?.some(({ kind }) => kind === "never"));
        if (dead.length === 0) return;
        marked += dead.length;
        const before = verdicts(policy, policy.rules, mode, sandboxed);
        const gone = [dead, ...dead.slice(0, 2).map((rule) => [rule])];
        for (const out of gone) {
          const rest = policy.rules.filter((rule) => !out.includes(rule));
          expect(
            verdicts(policy, rest, mode, sandboxed),
            out.map(({ effect, text }) => `${effect} ${text}`).join(", "),
          ).toEqual(before);
        }
      }),
      { numRuns: 150 * SCALE },
    );
    expect(marked).toBeGreaterThan(50);
  });
  it("is marked in pairs of rules of every kind, never wrongly", () => {
    const effects = ["allow", "ask", "deny"] as const;
    const none: Lists = { allow: [], ask: [], deny: [] };
    fc.assert(
      fc.property(
        fc.constantFrom(...RULES),
        fc.constantFrom(...RULES),
        fc.constantFrom(...effects),
        fc.constantFrom("ask", "deny"),
        fc.constantFrom(...MODES),
        (one, two, effect, by, mode) => {
          const lower = { ...none, [effect]: [one] };
          const policy = policyOf({ ...none, [by]: [two] }, lower);
          const advice = adviseOn(policy.rules, PLACE);
          const dead = policy.rules.filter((rule) => advice.get(rule)?.some(({ kind }) => kind === "never"));
          if (dead.length === 0) return;
          const rest = policy.rules.filter((rule) => !dead.includes(rule));
          expect(verdicts(policy, rest, mode, false), `${effect} ${one} under ${by} ${two}`).toEqual(
            verdicts(policy, policy.rules, mode, false),
          );
        },
      ),
      { numRuns: 1_500 * SCALE },
    );
  });
});

const marks = (
  allow: readonly string[],
  ask: readonly string[],
  deny: readonly string[],
): readonly string[] => {
  const policy = policyOf({ allow: [], ask: [], deny: [] }, { allow, ask, deny });
  const advice = adviseOn(policy.rules, PLACE);
  return policy.rules
    .filter((rule) => advice.get(rule)?.some(({ kind }) => kind === "never"))
    .map(({ effect, text }) => `${effect} ${text}`);
};

describe("shadowed rules that are found", () => {
  it.each([
    ["Bash(git push *)", "Bash(git *)"],
    ["Bash(git push)", "Bash(git push *)"],
    ["Bash(npm run build)", "Bash"],
    ["Bash(npm test)", "Bash(npm:*)"],
    ["Read(src/a.ts)", "Read(src/**)"],
    ["Read(/src/**)", "Read(src)"],
    ["Edit(src/**/*.ts)", "Read(src)"],
    ["Read(~/.ssh/id_rsa)", "Read(~/.ssh/**)"],
    ["Read(//etc/hosts)", "Read(//etc/**)"],
    ["WebFetch(domain:a.example.com)", "WebFetch(domain:*.example.com)"],
    ["WebFetch(domain:example.com)", "WebFetch"],
    ["mcp__a__b", "mcp__a"],
    ["mcp__a__get_x", "mcp__a__get_*"],
    ["Agent(Explore)", "Agent"],
    ["Skill(x)", "*"],
    ["Bash(make)", "*"],
  ])("allow %s under deny %s", (allow, deny) => {
    expect(marks([allow], [], [deny])).toEqual([`allow ${allow}`]);
  });
  it.each([
    ["Bash(git push *)", "Bash(git pull *)"],
    ["Bash(git *)", "Bash(git push *)"],
    ["Bash(lsof)", "Bash(ls *)"],
    ["Bash(FOO=1 npm *)", "Bash(FOO=1 npm *)"],
    ["Read(src/**)", "Read(src/a.ts)"],
    ["Read(src/**)", "Edit(src/**)"],
    ["Edit(src/**)", "Edit(src/**)"],
    ["Read", "Read"],
    ["WebFetch(domain:example.com)", "WebFetch(domain:*.example.com)"],
    ["Read(srcx)", "Read(src)"],
    ["mcp__ab__c", "mcp__a"],
  ])("but not allow %s under deny %s", (allow, deny) => {
    expect(marks([allow], [], [deny])).toEqual([]);
  });
  it("are those under an ask only where no mode could tell them apart", () => {
    expect(marks(["Bash(git push *)"], ["Bash(git *)"], [])).toEqual(["allow Bash(git push *)"]);
    expect(marks(["WebFetch(domain:example.com)"], ["WebFetch"], [])).toEqual([]);
    expect(marks(["Read(~/.ssh/id_rsa)"], ["Read(~/.ssh/**)"], [])).toEqual([]);
    expect(marks([], ["Bash(git *)"], ["Bash(git push *)"])).toEqual([]);
  });
  it("are the later of two that say the same, and both stay where a credential store depends on it", () => {
    expect(marks(["Bash(npm test)", "Bash(npm  test)"], [], [])).toEqual(["allow Bash(npm  test)"]);
    const none: Lists = { allow: [], ask: [], deny: [] };
    const both = { ...none, allow: ["Read(~/.ssh/id_rsa)"] };
    const policy = policyOf(both, both);
    const advice = adviseOn(policy.rules, PLACE);
    expect(
      policy.rules.filter((rule) => advice.get(rule)?.[0]?.kind === "never").map(({ scope }) => scope),
    ).toEqual(["project"]);
  });
  it("are found among thousands", () => {
    const deny = Array.from({ length: 3_000 }, (_, index) => `Bash(tool${index} *)`);
    const allow = ["Bash(tool2999 x)", "Bash(tool3000 x)", "Read(a/b)"];
    expect(marks(allow, [], [...deny, "Read(a)"])).toEqual(["allow Bash(tool2999 x)", "allow Read(a/b)"]);
  });
});
