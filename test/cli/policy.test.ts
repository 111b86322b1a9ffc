import { chmodSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { policyWith } from "../../src/cli/policy.ts";
import { type Machine, isRoot, machine } from "../host/settings/machine.ts";
import { type Outcome, runIn } from "./scene.ts";

const NOW = 1_800_000_000_000;

async function status(at: Machine, ...argv: readonly string[]): Promise<Outcome> {
  const command = policyWith({ platform: "linux", top: at.top, now: () => NOW });
  return runIn({ home: at.home, project: at.root, env: {} }, command, argv.length === 0 ? ["status"] : argv);
}

const base = (at: Machine): string => join(at.top, "etc/cordon/managed-settings.json");

// The files have to belong to root.
describe.skipIf(!isRoot)("cordon policy status", () => {
  it("says that there is nothing, and where it looked", async () => {
    const { status: code, out } = await status(machine());
    expect(code).toBe(0);
    expect(out).toBe("no managed settings on this machine (looked in /etc/cordon and /etc/claude-code)\n");
  });

  it("shows each file with its age, each key with its line and what it does", async () => {
    const at = machine();
    at.put(
      base(at),
      '{\n  "blockNetworkTools": true,\n  "permissions": { "deny": ["Bash(rm *)", "Read(.env)"] },\n  "sandbox": {"network": {"httpProxyPort": 8080}}\n}\n',
    );
    at.put(
      join(at.top, "etc/claude-code/managed-settings.d/10-team.json"),
      '{"disableBypassPermissionsMode": "disable"}',
    );
    const written = new Date(NOW - 3 * 86_400_000);
    utimesSync(base(at), written, written);
    const { status: code, out } = await status(at);
    expect(code).toBe(0);
    expect(out).toContain(`${base(at)}: holds, 3 days old\n`);
    expect(out).toMatch(/line +2 {2}blockNetworkTools +true +locks\n/);
    expect(out).toMatch(/line +3 {2}permissions\.deny +2 entries {2}locks\n/);
    expect(out).toMatch(/sandbox\.network\.httpProxyPort .*passed on\n/);
    expect(out.indexOf("10-team.json")).toBeGreaterThan(out.indexOf("/etc/cordon/"));
    const json = JSON.parse((await status(at, "status", "--json")).out);
    expect(json.stopped).toBe(false);
    expect(json.files[0]).toMatchObject({ age: 3 * 86_400, stops: false });
    expect(json.files[0].keys[0]).toEqual({
      key: "blockNetworkTools",
      line: 2,
      value: true,
      effect: "locks",
    });
  });

  it("names what is not enforced yet, and what it denies", async () => {
    const at = machine();
    at.put(base(at), '{"strictKnownMarketplaces": [], "allowedMcpServers": ["a"]}');
    const { out } = await status(at);
    expect(out).toMatch(/strictKnownMarketplaces +0 entries {2}not enforced yet; denies mcp__plugin_\*\n/);
    expect(out).toMatch(/allowedMcpServers +1 entry +locks\n/);
  });

  it.each([
    ["is no JSON", (at: Machine) => at.put(base(at), '{"a": '), /managed-settings\.json:1:\d+ /],
    [
      "others may write",
      (at: Machine) => at.put(base(at), "{}", 0o666),
      /may be written by others than root/,
    ],
    [
      "lies in a directory others may write",
      (at: Machine) => {
        at.put(base(at), "{}");
        chmodSync(join(at.top, "etc/cordon"), 0o777);
      },
      /may be written by others than root/,
    ],
    [
      "is a link",
      (at: Machine) => {
        const real = at.put(join(at.top, "etc/real.json"), "{}");
        at.put(join(at.top, "etc/cordon/managed-settings.d/x.txt"), "");
        symlinkSync(real, base(at));
      },
      /is a link/,
    ],
  ])("says that a file stops the gate where it %s", async (_, make, message) => {
    const at = machine();
    make(at);
    const { status: code, out } = await status(at);
    expect(code).toBe(78);
    expect(out).toContain("STOPS THE GATE");
    expect(out).toMatch(message);
    expect(JSON.parse((await status(at, "status", "--json")).out).stopped).toBe(true);
  });

  it("stops also for a list that only the whole policy can judge", async () => {
    const at = machine();
    at.put(base(at), '{"sandbox": {"filesystem": {"denyRead": ["$NOWHERE/x"]}}}');
    const { status: code, out } = await status(at);
    expect(code).toBe(78);
    expect(out).toContain("STOPS THE GATE");
    expect(out).toContain("$NOWHERE/x");
  });

  it.each([
    [
      '{"policyHelper": {"path": "policy"}}',
      "DENIES EVERY CALL",
      "every call is DENIED: `policyHelper` cannot",
    ],
    ['{"policyHelper": "/x"}', "DENIES EVERY CALL", "every call is DENIED: `policyHelper` cannot be read"],
    [
      '{"forceRemoteSettingsRefresh": true}',
      "DENIES EVERY CALL",
      "every call is DENIED: `forceRemoteSettingsRefresh` is not enforced here",
    ],
    [
      '{"permissions": {"deny": ["Bash(rm"]}}',
      "holds, and DENIES ALL CALLS of Bash",
      "all calls of Bash are DENIED: the rule `Bash(rm` cannot be read",
    ],
  ])("says what a fault denies, and ends with 78: %s", async (text, state, sentence) => {
    const at = machine();
    at.put(base(at), text);
    const { status: code, out } = await status(at);
    expect(code).toBe(78);
    expect(out).toContain(`${base(at)}: ${state}, `);
    expect(out).toContain(`\n${sentence}`);
    expect(out.trimEnd()).toMatch(/managed-settings\.json:1\)$/);
    const json = JSON.parse((await status(at, "status", "--json")).out);
    expect(json).toMatchObject({ stopped: false, denied: [{ file: base(at), line: 1 }] });
  });

  it("lists each problem on lines of its own, with what to write", async () => {
    const at = machine();
    at.put(base(at), '{"blockNetworkTool": true, "blockedCommands": ["nc *"]}');
    const { status: code, out } = await status(at);
    expect(code).toBe(0);
    expect(out).toContain(`${base(at)}: holds, with a fault, `);
    expect(out).toContain(
      `  ${base(at)}:1:2 unknown key \`blockNetworkTool\`; it is read as \`blockNetworkTools\`\n    hint: did you mean \`blockNetworkTools\`?\n`,
    );
    expect(out).not.toContain("\\n");
  });

  it("shows what opens, what is off, which of two modes holds, in columns", async () => {
    const at = machine();
    at.put(
      base(at),
      '{"enforcePermissionMode": "default", "blockNetworkTools": false,\n"permissions": {"allow": ["Edit"]}}',
    );
    const strict = at.put(
      join(at.top, "etc/cordon/managed-settings.d/20.json"),
      '{"enforcePermissionMode": "plan"}',
    );
    const { status: code, out } = await status(at);
    expect(code).toBe(0);
    expect(out).toContain(
      [
        '  line   1  enforcePermissionMode  "default"  gives way to plan, which is stricter\n',
        "  line   1  blockNetworkTools      false      is off\n",
        "  line   2  permissions.allow      1 entry    opens\n",
      ].join(""),
    );
    expect(out).toContain('  line   1  enforcePermissionMode  "plan"  locks\n');
    expect(out).toContain(`\nmode: plan, and no laxer one may be chosen (${strict}:1)\n`);
    const json = JSON.parse((await status(at, "status", "--json")).out);
    expect(json.mode).toEqual({ value: "plan", enforced: true, file: strict, line: 1 });
  });

  it.each([0o666, 0o664])("says which command mends a file of mode %o", async (mode) => {
    const at = machine();
    at.put(base(at), "{}", mode);
    expect((await status(at)).out).toContain(`\n    hint: run \`chmod go-w ${base(at)}\`\n`);
  });

  it("says once what follows from a faulty answer of a helper, and how to look into it", async () => {
    const at = machine();
    at.put(base(at), '{"policyHelper": {"path": "/opt/policy"}}');
    const answer = (text: string): string =>
      at.put(join(at.top, "opt/policy"), `#!/bin/sh\n${text}\n`, 0o755);
    const helper = answer(`echo '{"managedSettings": {"permissions": []}}'`);
    const faulty = await status(at);
    expect(faulty.status).toBe(78);
    expect(faulty.out).not.toMatch(/until it is mended.*until it is mended/);
    expect(faulty.out).toContain(`hint: run ${helper} by hand and mend what it prints\n`);
    answer(`echo '{"managedSettings": {"blockNetworkTool": true}}'`);
    expect(await status(at)).toMatchObject({
      status: 78,
      out: expect.stringContaining("unknown key `blockNetworkTool`"),
    });
    answer("echo no network >&2; exit 3");
    const failed = (await status(at)).out;
    expect(failed).toContain("the policy helper ended with status 3: no network");
    expect(failed).toContain(`hint: run ${helper} by hand: it has to end with status 0\n`);
  });

  it("shows the answer of a policy helper, its age, and what is left of the file that names it", async () => {
    const at = machine();
    at.put(
      base(at),
      '{"policyHelper": {"path": "/opt/policy", "timeoutMs": 20000},\n"permissions": {"allow": ["Bash(ls)"], "deny": ["Bash(rm *)"]}}',
    );
    const helper = at.put(
      join(at.top, "opt/policy"),
      '#!/bin/sh\necho \'{"managedSettings": {"blockNetworkTools": true}}\'\n',
      0o755,
    );
    const now = Date.now() + 120_000;
    const command = policyWith({ platform: "linux", top: at.top, now: () => now });
    const place = { home: at.home, project: at.root, env: {} };
    const { status: code, out } = await runIn(place, command, ["status"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^managedSourcesBehavior: first-wins\n/);
    expect(out).toContain(`the answer of ${helper}: holds, `);
    expect(out).toMatch(/blockNetworkTools +true +locks\n/);
    expect(out).toContain(`${base(at)}: holds, `);
    expect(out).toContain(" old, but nothing it allows\n");
    expect(out).toMatch(/policyHelper .* {2}locks\n/);
    expect(out).toContain("what it allows does not count");
    const json = JSON.parse((await runIn(place, command, ["status", "--json"])).out);
    expect(json).toMatchObject({
      stopped: false,
      managedSourcesBehavior: "first-wins",
      files: [
        { file: helper, source: "helper", opens: true },
        { file: base(at), source: "files", opens: false },
      ],
    });
    expect(json.files[0].age).toBeGreaterThan(100);
    expect(json.files[0].age).toBeLessThanOrEqual(120);
    at.put(helper, "#!/bin/sh\nexit 4\n", 0o755);
    const failed = await runIn(place, command, ["status"]);
    expect(failed.status).toBe(78);
    expect(failed.out).toContain("the policy helper ended with status 4");
  });

  it("shows the policies of the operating system", async () => {
    const at = machine();
    at.put(join(at.top, "usr/bin/plutil"), '#!/bin/sh\nexec cat "$6"\n', 0o755);
    const list = at.put(
      join(at.top, "Library/Managed Preferences/cordon.plist"),
      '{"managedSourcesBehavior": "merge"}',
    );
    const file = at.put(
      join(at.top, "Library/Application Support/cordon/managed-settings.json"),
      '{"permissions": {"allow": ["Bash(ls)"]}}',
    );
    const command = policyWith({ platform: "darwin", top: at.top, now: () => Date.now() });
    const { out } = await runIn({ home: at.home, project: at.root, env: {} }, command, ["status", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      managedSourcesBehavior: "merge",
      files: [
        { file: list, source: "policy", opens: true },
        { file, source: "files", opens: true },
      ],
    });
  });

  it("shows no control character of a file", async () => {
    const at = machine();
    at.put(base(at), JSON.stringify({ permissions: { deny: ["Bash(x)"] }, apiKeyHelper: "\u001b[2Jx" }));
    expect((await status(at)).out).not.toContain("\u001b");
  });
});

it.each([
  [[] as string[], /the action is missing/],
  [["lock"], /no action `lock`/],
  [["status", "x"], /`x` is too many/],
  [["--frob"], /--frob/],
])("refuses %j", async (argv, message) => {
  const at = machine();
  const command = policyWith({ platform: "linux", top: at.top });
  const { status: code, err } = await runIn({ home: at.home, project: at.root, env: {} }, command, argv);
  expect(code).toBe(64);
  expect(err).toMatch(message);
});
