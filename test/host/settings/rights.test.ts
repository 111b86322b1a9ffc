import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { driver, isRoot, type Machine, machine, nobodyOfTests, runAs } from "./machine.ts";

const ALLOW = '{"permissions": {"allow": ["Bash"]}}';

/** A machine whose home belongs to somebody without rights, and the program that loads there as them. */
async function theirs(): Promise<{
  readonly here: Machine;
  readonly uid: number;
  readonly load: () => Record<string, unknown>;
}> {
  const here = machine();
  const uid = nobodyOfTests();
  for (const path of [here.home, here.root]) chownSync(path, uid, uid);
  const bundle = await driver(here.top);
  const load = (): Record<string, unknown> => {
    const policy: unknown = JSON.parse(runAs(uid, bundle, "load", here.top, here.home, here.root));
    if (typeof policy !== "object" || policy === null) throw new Error("no policy");
    return { ...policy };
  };
  return { here, uid, load };
}

describe.skipIf(!isRoot)("for somebody without rights", () => {
  it.each([
    ["home/dev/.claude/settings.json", false],
    ["home/dev/app/.claude/settings.json", false],
    ["home/dev/app/.cordon/settings.local.json", false],
    ["etc/cordon/managed-settings.json", true],
    ["etc/claude-code/managed-settings.d/a.json", true],
  ])("%s without the right to read it", async (name, stops) => {
    const { here, load } = await theirs();
    const file = here.put(join(here.top, name), ALLOW);
    chmodSync(file, 0o600);
    const policy = load();
    expect(policy["problems"]).toMatchObject([
      { severity: "error", file, message: expect.stringContaining("permission denied") },
    ]);
    expect(policy["rules"]).toMatchObject([{ effect: "ask", tool: "*", file }]);
    expect("stopped" in Object(policy["managed"])).toBe(stops);
  });

  it.each([
    ["home/dev/.claude/settings.json", false],
    ["home/dev/app/.claude/settings.json", false],
    ["etc/cordon/managed-settings.json", true],
  ])("%s in a directory without the right to search it", async (name, stops) => {
    const { here, load } = await theirs();
    const file = here.put(join(here.top, name), ALLOW);
    chmodSync(dirname(file), 0o700);
    const policy = load();
    expect(policy["rules"]).toContainEqual(expect.objectContaining({ effect: "ask", tool: "*", file }));
    expect("stopped" in Object(policy["managed"])).toBe(stops);
  });

  it("drop-ins that cannot be listed", async () => {
    const { here, load } = await theirs();
    here.put(join(here.top, "etc/cordon/managed-settings.d/a.json"), ALLOW);
    chmodSync(join(here.top, "etc/cordon/managed-settings.d"), 0o711);
    expect(load()["managed"]).toMatchObject({
      stopped: { message: expect.stringContaining("permission denied") },
    });
  });

  it("managed settings that can be read hold", async () => {
    const { here, load } = await theirs();
    here.put(join(here.top, "etc/cordon/managed-settings.json"), '{"blockNetworkTools": true}');
    expect(load()).toMatchObject({ problems: [], managed: { blockNetworkTools: { scope: "managed" } } });
  });

  const save = (here: Machine, uid: number): string =>
    runAs(
      uid,
      join(here.top, "driver.mjs"),
      "save",
      join(here.root, ".claude/settings.json"),
      here.state,
      "Bash(ls)",
    );

  it("a file of somebody else stays theirs and stays as it is", async () => {
    const { here, uid } = await theirs();
    const file = here.put(join(here.root, ".claude/settings.json"), ALLOW);
    chownSync(dirname(file), uid, uid);
    expect(save(here, uid)).toContain("cannot be written (permission denied)");
  });

  it("a directory that cannot be written", async () => {
    const { here, uid } = await theirs();
    mkdirSync(join(here.root, ".claude"));
    expect(save(here, uid)).toContain("cannot be written (permission denied)");
  });

  it("a state directory of somebody else is not used", async () => {
    const { here, uid } = await theirs();
    mkdirSync(here.state, { recursive: true });
    chmodSync(here.state, 0o777);
    expect(save(here, uid)).toContain("belongs to another user");
  });
});
