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
    expect(out).toMatch(/line +2 {2}blockNetworkTools +true {2}locks\n/);
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
    at.put(base(at), '{"allowManagedMcpServersOnly": true}');
    expect((await status(at)).out).toMatch(
      /allowManagedMcpServersOnly +true {2}not enforced yet; denies mcp__/,
    );
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
