import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Terminal } from "../../src/cli/command.ts";
import { command as hook } from "../../src/cli/hook.ts";
import { listPermissions } from "../../src/cli/permissions-rows.ts";
import { permissionsWith } from "../../src/cli/permissions.ts";
import { createGate } from "../../src/host/gate.ts";
import { openSession, runtimeDirectory } from "../../src/host/session/session.ts";
import { judgeBash } from "../core/cases/world.ts";
import { isRoot, machine } from "../host/settings/machine.ts";
import { type Scene, runIn, scene } from "./scene.ts";

const ask = (answer: "yes" | "no" | "nobody") => permissionsWith(async () => answer);
const permissions = ask("nobody");
const run = (here: Scene, ...argv: readonly string[]) => runIn(here, permissions, argv);

interface Shown {
  readonly rules: readonly {
    readonly effect: string;
    readonly rule: string;
    readonly scope: string;
    readonly file?: string;
    readonly line?: number;
    readonly trusted: boolean;
    readonly counts: boolean;
    readonly why?: string;
    readonly hits: number;
    readonly lastUsed?: string;
    readonly advice: readonly { readonly kind: string; readonly why: string; readonly fix: string }[];
  }[];
  readonly session: { readonly name: string; readonly grants: readonly string[] };
  readonly usage: { readonly decisions: number; readonly since?: string; readonly complete: boolean };
}
const shown = async (here: Scene, ...argv: readonly string[]): Promise<Shown> => {
  const { out, err, status } = await run(here, ...argv, "--json");
  expect([0, 1], err).toContain(status);
  return JSON.parse(out) as Shown;
};

function furnished(): Scene {
  const here = scene();
  here.put(
    "home/.config/cordon/settings.json",
    '{\n  "permissions": {\n    "allow": ["Bash(npm *)", "Bash(git push *)", "Bsh(x)"],\n    "ask": ["WebFetch"]\n  }\n}\n',
  );
  here.put(
    "home/app/.claude/settings.json",
    '{\n  "permissions": {\n    "allow": ["Bash(make *)"],\n    "deny": [\n      "Bash(git push *)",\n      "Read(/etc/passwd)"\n    ]\n  }\n}\n',
  );
  return here;
}

describe("the list", () => {
  it("has every rule with its place, whether it counts, and remarks", async () => {
    const here = furnished();
    const { rules } = await shown(here);
    const rows = rules.map(({ effect, rule, scope, line, counts, advice }) => [
      effect,
      rule,
      scope,
      line,
      counts,
      advice[0]?.kind,
    ]);
    expect(rows).toEqual([
      ["allow", "Bash(make *)", "project", 3, false, "broad"],
      ["deny", "Bash(git push *)", "project", 5, true, undefined],
      ["deny", "Read(/etc/passwd)", "project", 6, true, "unlikely"],
      ["allow", "Bash(npm *)", "user", 3, true, "broad"],
      ["allow", "Bash(git push *)", "user", 3, true, "never"],
      ["allow", "Bsh(x)", "user", 3, false, "never"],
      ["ask", "WebFetch", "user", 4, true, undefined],
    ]);
    expect(rules[0]).toMatchObject({
      trusted: false,
      why: expect.stringContaining("not trusted"),
      file: join(here.project, ".claude/settings.json"),
    });
    expect(rules[4]?.advice[0]?.why).toContain(
      `at ${join(here.project, ".claude/settings.json")}:5 denies every call`,
    );
  });
  it("filters, and ends with 1 where --problems found some", async () => {
    const here = furnished();
    expect((await shown(here, "--effect", "ask")).rules.map(({ rule }) => rule)).toEqual(["WebFetch"]);
    expect((await shown(here, "--tool", "Read")).rules.map(({ rule }) => rule)).toEqual([
      "Read(/etc/passwd)",
    ]);
    const marked = await run(here, "--problems");
    expect(marked.status).toBe(1);
    expect(marked.out).toContain("broader than it looks");
    expect(marked.out).toContain("fix: write `Read(//etc/passwd)`");
    expect(marked.out).not.toContain("WebFetch");
    const clean = scene();
    clean.settings({ permissions: { allow: ["Bash(npm test)"] } });
    expect(await run(clean, "--problems")).toMatchObject({
      status: 0,
      out: expect.stringContaining("no rules"),
    });
  });
  it("counts what the audit log knows of each rule, and says how far back", async () => {
    const here = furnished();
    const call = (text: string): string =>
      JSON.stringify({
        cwd: here.project,
        session_id: "s",
        tool_name: "Bash",
        tool_input: { command: text },
        hook_event_name: "PreToolUse",
      });
    for (const text of ["npm test", "npm run x", "git push origin x"])
      await runIn(here, hook, ["claude-code"], { input: call(text) });
    const { rules, usage } = await shown(here);
    const hits = rules.map(({ rule, scope, hits: count }) => `${scope} ${rule} ${count}`);
    expect(hits).toContain("user Bash(npm *) 2");
    expect(hits).toContain("project Bash(git push *) 1");
    expect(hits).toContain("user Bash(git push *) 1");
    expect(hits).toContain("project Bash(make *) 0");
    expect(usage).toMatchObject({ decisions: 3, complete: true, since: expect.stringMatching(/^20/) });
    expect((await run(here)).out).toMatch(/Bash\(npm \*\) .* 2 hits, last 20/);
  });
  it("shows the grants of the session, and of no other", async () => {
    const here = scene();
    openSession("one", runtimeDirectory(here.env, here.home)).grant("Bash(npm test)");
    expect((await shown(here, "--session", "one")).session).toEqual({
      name: "one",
      grants: ["Bash(npm test)"],
    });
    expect((await shown(here, "--session", "two")).session.grants).toEqual([]);
    expect((await run(here, "--session", "one")).out).toContain("allow  Bash(npm test)");
  });
  it("lists faulty and locked settings, lets no text act on the terminal", async () => {
    const here = scene();
    here.put(
      "home/app/.claude/settings.json",
      '{"permissions":{"deny":["Read(\\u001b[2Jx)", "Bash(", {"tool":"Edit","pattern":"y"}],"allow":"x"}}',
    );
    here.put("home/app/.cordon/settings.json", "{");
    const { out, status } = await run(here);
    expect(status).toBe(0);
    expect(out).toContain("\\u{1b}[2Jx");
    expect(out).not.toContain("\u001b");
    expect(out).toContain("Edit(y)");
    expect(out).toContain("cannot be read");
  });
  it("marks a rule that stands under a misspelt key and holds all the same", async () => {
    const here = scene();
    here.settings({ permisions: { deny: ["Bash(ls)"] } });
    const { out, status } = await run(here, "--problems");
    expect(status).toBe(1);
    expect(out).toMatch(/^deny {3}Bash\(ls\) +user .*settings\.json:1 /);
    expect(out).toContain("read otherwise: unknown key `permisions`");
    expect(out).toContain("fix: did you mean `permissions`?");
  });
  it("says of a file that cannot be read what holds meanwhile, in columns", async () => {
    const here = scene();
    const file = here.put("home/.config/cordon/settings.json", "{");
    here.put("home/app/.claude/settings.json", '{"permissions":{"deny":["Bash(git push *)"]}}');
    const { out } = await run(here);
    expect(out).toContain("deny   Bash(git push *)  project .claude/settings.json:1  no hits\n");
    expect(out).toContain(
      `ask    *                 user ${file}:1  no hits\n       the file cannot be read: every call asks until it is mended\n`,
    );
  });
  it("says of a managed file that cannot be read that every call is denied", () => {
    const { home, project, env, put } = scene();
    const managed = put("managed.json", "{");
    const gate = createGate({ cwd: project, home, env, managed, ambient: false });
    expect(listPermissions(gate, []).rows).toMatchObject([
      {
        effect: "deny",
        scope: "managed",
        note: "the file cannot be read: every call is denied until it is mended",
      },
    ]);
  });
  it.each([
    [["--effect", "maybe"]],
    [["nonsense"]],
    [["--session", ""]],
    [["--frob"]],
    [["revoke"]],
    [["revoke", "--all", "Bash(x)"]],
    [["add"]],
    [["add", "maybe", "Bash(x)"]],
    [["add", "allow"]],
    [["add", "allow", "Bash(a)", "Bash(b)"]],
    [["remove", "allow", "Bash(a)", "--user", "--local"]],
  ])("does not understand %j", async (argv) => {
    const { status, err, out } = await run(scene(), ...argv);
    expect([status, out]).toEqual([64, ""]);
    expect(err).toContain("hint:");
  });
});

describe("adding a rule", () => {
  it("shows the change, asks, and writes; a second time there is nothing to do", async () => {
    const here = scene();
    const file = join(here.project, ".cordon/settings.local.json");
    const refused = await runIn(here, ask("no"), ["add", "allow", "Bash(npm test)"]);
    expect(refused.status).toBe(126);
    expect(existsSync(file)).toBe(false);
    const done = await runIn(here, ask("yes"), ["add", "allow", "Bash(npm test)"]);
    expect(done.status).toBe(0);
    expect(done.out).toContain('+      "Bash(npm test)"');
    expect(done.out.endsWith(`saved in ${file}\n`)).toBe(true);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ permissions: { allow: ["Bash(npm test)"] } });
    expect((await shown(here)).rules).toMatchObject([
      { rule: "Bash(npm test)", scope: "local", counts: true },
    ]);
    expect((await run(here, "add", "allow", "Bash(npm test)")).out).toContain("nothing to do");
  });
  it("asks nobody where it tightens, and is refused where nobody can be asked", async () => {
    const here = scene();
    expect(await run(here, "add", "deny", "Read(.env)", "--project")).toMatchObject({ status: 0 });
    expect(JSON.parse(readFileSync(join(here.project, ".cordon/settings.json"), "utf8"))).toEqual({
      permissions: { deny: ["Read(.env)"] },
    });
    const nobody = await run(here, "add", "allow", "Bash(npm test)", "--user");
    expect(nobody).toMatchObject({ status: 126, err: expect.stringContaining("--yes") });
    expect(await run(here, "add", "allow", "Bash(npm test)", "--user", "--yes")).toMatchObject({ status: 0 });
    expect(existsSync(join(here.home, ".config/cordon/settings.json"))).toBe(true);
  });
  it("writes nothing with --dry-run, and says it, as JSON too", async () => {
    const here = scene();
    const words = await run(here, "add", "deny", "Bash(npm *)", "--dry-run");
    expect(words.out.endsWith("nothing is written (--dry-run)\n")).toBe(true);
    const { out, status } = await run(here, "add", "allow", "Bash(npm *)", "--dry-run", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      verb: "add",
      effect: "allow",
      rule: "Bash(npm *)",
      changed: false,
      dryRun: true,
      files: [{ diff: expect.stringContaining("Bash(npm *)") }],
      advice: [{ kind: "broad" }],
    });
    expect(existsSync(join(here.project, ".cordon"))).toBe(false);
  });
  it.each([
    ["allow", "Bash(npm test", "cannot be read and approves nothing"],
    ["allow", "Write(src/**)", "never consulted"],
    ["deny", "Bsh(rm *)", "did you mean `Bash(rm *)`?"],
    ["allow", "Bash(a && b)", "one rule for each command"],
    ["deny", "Bash()", "empty parentheses"],
  ])("refuses %s %s as the reader of settings does", async (effect, rule, why) => {
    const here = scene();
    const { status, err } = await run(here, "add", effect, rule, "--yes");
    expect(status).toBe(64);
    expect(err).toContain(why);
    expect(existsSync(join(here.project, ".cordon"))).toBe(false);
  });
  it("says what the rule does not do beside the others", async () => {
    const here = scene();
    here.settings({ permissions: { deny: ["Bash(git *)"] } });
    const { err } = await run(here, "add", "allow", "Bash(git push)", "--dry-run");
    expect(err).toContain("the deny rule `Bash(git *)`");
  });
  it("touches no file that is faulty, and none that came with the repository as a personal one", async () => {
    const here = scene();
    const text = '{"permissions":{"allow":["Bash(x)"}';
    const file = here.put("home/app/.cordon/settings.json", text);
    expect(await run(here, "add", "deny", "Read(a)", "--project")).toMatchObject({ status: 78 });
    expect(readFileSync(file, "utf8")).toBe(text);
    here.put("home/app/.cordon/settings.local.json", '{"permissions":{"allow":["Bash(evil)"]}}');
    const local = await run(here, "add", "allow", "Bash(y)", "--yes");
    expect(local).toMatchObject({ status: 78, err: expect.stringContaining("was not written by cordon") });
  });
});

// The file has to belong to root.
describe.skipIf(!isRoot)("adding a rule under `allowManagedPermissionRulesOnly`", () => {
  const locked = (text: string) => {
    const at = machine();
    const lock = at.put(join(at.top, "etc/cordon/managed-settings.json"), text);
    const command = permissionsWith(async () => "yes", { platform: "linux", top: at.top });
    const add = (...argv: readonly string[]) =>
      runIn({ home: at.home, project: at.root, env: {} }, command, ["add", ...argv]);
    return { add, lock, file: join(at.root, ".cordon/settings.local.json") };
  };

  it("says that an allow rule would not count, and saves it only on an explicit word", async () => {
    const { add, lock, file } = locked('{\n"allowManagedPermissionRulesOnly": true}');
    const refused = await add("allow", "Bash(x)", "--yes");
    expect(refused.status).toBe(126);
    expect(refused.err).toContain(
      `the rule would not count: managed settings let only their own allow rules count (\`allowManagedPermissionRulesOnly\`, ${lock}:2)`,
    );
    expect(refused.err).toContain("not saved\n  hint: leave it, or say --anyway");
    expect(existsSync(file)).toBe(false);
    expect(await add("allow", "Bash(x)", "--dry-run")).toMatchObject({
      status: 0,
      err: expect.stringContaining("would not count"),
    });
    const saved = await add("allow", "Bash(x)", "--yes", "--anyway");
    expect(saved.status).toBe(0);
    expect(saved.err).toContain("would not count");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ permissions: { allow: ["Bash(x)"] } });
  });

  it("saves deny and ask rules, and all rules without the lock", async () => {
    const { add } = locked('{"allowManagedPermissionRulesOnly": true}');
    expect(await add("deny", "Bash(x)")).toMatchObject({ status: 0, err: "" });
    const open = locked('{"sandbox": {"network": {"allowManagedDomainsOnly": true}}}');
    expect(await open.add("allow", "Bash(x)", "--yes")).toMatchObject({ status: 0 });
    expect(await open.add("allow", "WebFetch(domain:a.example)", "--yes")).toMatchObject({
      status: 126,
      err: expect.stringContaining("allowManagedDomainsOnly"),
    });
  });
});

describe("removing a rule", () => {
  it("finds its file, also one of the agent's, and asks where that loosens", async () => {
    const here = furnished();
    const file = join(here.project, ".claude/settings.json");
    expect(await run(here, "remove", "deny", "Read(/etc/passwd)")).toMatchObject({ status: 126 });
    const { status, out } = await runIn(here, ask("yes"), ["remove", "deny", "Read(/etc/passwd)"]);
    expect(status).toBe(0);
    expect(out).toContain('-      "Read(/etc/passwd)"');
    expect(readFileSync(file, "utf8")).toBe(
      '{\n  "permissions": {\n    "allow": ["Bash(make *)"],\n    "deny": [\n      "Bash(git push *)"\n    ]\n  }\n}\n',
    );
    expect(await run(here, "remove", "allow", "Bash(make *)")).toMatchObject({ status: 0 });
    expect(await run(here, "remove", "allow", "Bash(make *)")).toMatchObject({
      status: 0,
      out: expect.stringContaining("no file has"),
    });
  });
  it("never says that no file has a rule while one cannot be read", async () => {
    const here = scene();
    mkdirSync(join(here.project, ".cordon/settings.json"), { recursive: true });
    const found = await run(here, "remove", "allow", "Bash(a)");
    expect(found).toMatchObject({ status: 78, err: expect.stringContaining(".cordon/settings.json") });
  });
  it("wants to know which, where the rule stands in several", async () => {
    const here = scene();
    here.settings({ permissions: { allow: ["Bash(a)"] } });
    here.put("home/app/.cordon/settings.json", '{"permissions":{"allow":["Bash(a)"]}}');
    expect(await run(here, "remove", "allow", "Bash(a)")).toMatchObject({
      status: 64,
      err: expect.stringContaining("--user, --project or --local"),
    });
    expect(await run(here, "remove", "allow", "Bash(a)", "--user")).toMatchObject({ status: 0 });
    expect(readFileSync(join(here.project, ".cordon/settings.json"), "utf8")).toContain("Bash(a)");
  });
});

describe("from a directory further down in a checkout", () => {
  const below = (): { readonly here: Scene; readonly down: Partial<Terminal> } => {
    const here = furnished();
    here.put("home/app/.git/HEAD", "ref: refs/heads/main\n");
    here.put("home/app/packages/a/x.ts", "");
    return { here, down: { cwd: () => join(here.project, "packages/a") } };
  };
  const file = (here: Scene, name: string): string => join(here.project, name);

  it("takes rules out of the files at its top", async () => {
    const { here, down } = below();
    const argv = ["remove", "deny", "Bash(git push *)"];
    expect((await runIn(here, permissions, argv, down)).status).toBe(126);
    const done = await runIn(here, ask("yes"), argv, down);
    expect(done).toMatchObject({ status: 0 });
    expect(done.out).toContain(`removed from ${file(here, ".claude/settings.json")}\n`);
    expect(readFileSync(file(here, ".claude/settings.json"), "utf8")).not.toContain("git push");
    expect((await runIn(here, permissions, argv, down)).out).toContain("no file has that rule");
  });

  it.each([
    ["--project", ".cordon/settings.json"],
    ["--local", ".cordon/settings.local.json"],
  ])("puts %s rules there, unless the directory has files of its own", async (scope, name) => {
    const { here, down } = below();
    const argv = ["add", "deny", "Bash(nc *)", scope];
    expect(await runIn(here, permissions, argv, down)).toMatchObject({ status: 0 });
    expect(readFileSync(file(here, name), "utf8")).toContain("nc *");
    expect((await runIn(here, permissions, argv, down)).out).toContain("stands there already");
    expect(existsSync(file(here, "packages/a/.cordon"))).toBe(false);

    here.put("home/app/packages/a/.claude/settings.json", "{}\n");
    expect(await runIn(here, permissions, argv, down)).toMatchObject({ status: 0 });
    expect(readFileSync(file(here, `packages/a/${name}`), "utf8")).toContain("nc *");
    const twice = await runIn(here, permissions, ["remove", "deny", "Bash(nc *)"], down);
    expect(twice.status).toBe(64);
    expect(twice.err).toContain(file(here, name));
    expect(twice.err).toContain(file(here, `packages/a/${name}`));
  });

  it("is about the directory alone where it lies in no checkout", async () => {
    const here = scene();
    here.put("home/app/down/x", "");
    const down = { cwd: () => join(here.project, "down") };
    expect(await runIn(here, permissions, ["add", "deny", "Bash(nc *)"], down)).toMatchObject({ status: 0 });
    expect(existsSync(file(here, "down/.cordon/settings.local.json"))).toBe(true);
  });
});

describe("an agent", () => {
  it.each(["CLAUDECODE", "CORDON_SANDBOX", "GEMINI_CLI", "CURSOR_AGENT"])(
    "is refused where %s says that it is one",
    async (name) => {
      const here = furnished();
      for (const argv of [
        ["add", "allow", "Bash(x)", "--yes"],
        ["remove", "deny", "Bash(git push *)", "--yes"],
      ]) {
        const { status, err } = await runIn({ ...here, env: { ...here.env, [name]: "1" } }, ask("yes"), argv);
        expect(status).toBe(126);
        expect(err).toContain("an agent's session");
      }
      expect(existsSync(join(here.project, ".cordon"))).toBe(false);
    },
  );
  it.each(["add allow 'Bash(*)' --yes", "remove deny 'Read(.env)' --yes", "revoke --all"])(
    "is denied `cordon permissions %s` in every mode",
    (rest) => {
      for (const command of [
        `cordon permissions ${rest}`,
        `npx cordon permissions ${rest}`,
        `sh -c "cordon permissions ${rest}"`,
      ])
        expect(judgeBash({ mode: "bypassPermissions" }, command)).toMatchObject({
          verdict: "deny",
          code: "cmd.guard",
        });
    },
  );
});

describe("revoking", () => {
  it("takes back a grant of one session, or all", async () => {
    const here = scene();
    const directory = runtimeDirectory(here.env, here.home);
    const session = openSession("one", directory);
    for (const rule of ["Bash(a)", "Bash(b)", "Bash(c)"]) session.grant(rule);
    expect(await run(here, "revoke", "Bash(a)", "--session", "two")).toMatchObject({
      status: 0,
      out: expect.stringContaining("nothing to revoke"),
    });
    expect(await run(here, "revoke", "Bash(a)", "--session", "one")).toMatchObject({
      status: 0,
      out: "revoked Bash(a)\n",
    });
    const { out } = await run(here, "revoke", "--all", "--session", "one", "--json");
    expect(JSON.parse(out)).toEqual({ session: "one", revoked: ["Bash(b)", "Bash(c)"] });
    expect(session.grants()).toEqual([]);
  });
});
