import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import { type LoadRequest, loadSources } from "../../../src/host/settings/load.ts";
import { helperMemory } from "../../../src/host/settings/policy-helper.ts";
import { driver, isRoot, type Machine, machine, nobodyOfTests, runAs } from "./machine.ts";

const HELPER = "/opt/corp/policy";
const base = (here: Machine): string => join(here.top, "etc/cordon/managed-settings.json");

/** A managed file that names the helper, besides other keys. */
function names(here: Machine, more: object = {}, options: object = {}): void {
  here.put(
    base(here),
    JSON.stringify({ ...more, policyHelper: { path: HELPER, timeoutMs: 20_000, ...options } }),
  );
}

/** The helper: a shell script, which notes each time it runs. */
function helper(here: Machine, script: string): string {
  const log = join(here.top, "runs");
  return here.put(join(here.top, HELPER), `#!/bin/sh\necho x >> '${log}'\n${script}\n`, 0o755);
}

const answer = (settings: unknown): string =>
  `cat <<'END'\n${JSON.stringify({ managedSettings: settings })}\nEND`;

const runs = (here: Machine): number => {
  const log = join(here.top, "runs");
  return existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0;
};

function policyAt(here: Machine, more?: Partial<LoadRequest>): Policy {
  const request = here.request(more);
  const { sources, fingerprint } = loadSources(request);
  return buildPolicy(sources, request, fingerprint);
}

const rulesOf = ({ rules }: Policy): readonly string[] =>
  rules.map(({ effect, text }) => `${effect} ${text}`);

describe.skipIf(!isRoot)("the answer of a policy helper", () => {
  it("is managed settings, and goes before the file that names it", () => {
    const here = machine();
    names(here, {
      permissions: { allow: ["Bash(pwd)"], deny: ["Bash(rm *)"] },
      enforcePermissionMode: "acceptEdits",
    });
    const file = helper(here, answer({ permissions: { allow: ["Bash(ls)"] }, blockNetworkTools: true }));
    const { sources, answered, looked } = loadSources(here.request());
    expect(sources.map(({ scope, tier, file: of, trusted }) => [scope, tier, of, trusted])).toEqual([
      ["managed", "helper", file, true],
      ["managed", "files", base(here), true],
    ]);
    expect([...answered.keys()]).toEqual([file]);
    expect(looked).toContain(base(here));
    const policy = policyAt(here);
    expect(policy.managed.stopped).toBeUndefined();
    expect(policy.managed.notEnforced).toEqual([]);
    expect(policy.managed.blockNetworkTools?.file).toBe(file);
    // Nothing the file locks is relaxed, nothing it allows is left.
    expect(rulesOf(policy)).toEqual(["allow Bash(ls)", "deny Bash(rm *)"]);
    expect(policy.mode.enforced?.mode).toBe("default");
  });

  it("relaxes nothing", () => {
    const here = machine();
    names(here, {
      blockNetworkTools: true,
      permissions: { deny: ["Bash(rm *)"], disableBypassPermissionsMode: "disable" },
      allowedDirectories: ["/srv"],
      sandbox: { failIfUnavailable: true },
    });
    helper(
      here,
      answer({
        blockNetworkTools: false,
        permissions: { deny: [], allow: ["Bash"], defaultMode: "bypassPermissions" },
        allowedDirectories: ["/"],
        sandbox: { failIfUnavailable: false, enabled: false },
      }),
    );
    const policy = policyAt(here);
    expect(policy.managed.blockNetworkTools).toBeDefined();
    expect(policy.managed.allowedDirectories?.globs).toEqual(["/srv"]);
    expect(policy.mode.value).toBe("default");
    expect(policy.sandbox.failIfUnavailable).toBe(true);
    expect(rulesOf(policy)).toContain("deny Bash(rm *)");
  });

  it("is asked for however the key is spelled, and of a path that is written out only", () => {
    const here = machine();
    helper(here, `printf '\\357\\273\\277'; ${answer({ blockNetworkTools: true })}`);
    here.put(base(here), `{"policy\\u0048elper": {"path": "${HELPER}"}}`);
    expect(policyAt(here).managed.blockNetworkTools).toBeDefined();
    here.put(base(here), JSON.stringify({ policyHelper: { path: "/opt/corp/../corp/policy" } }));
    expect(policyAt(here).managed.stopped?.message).toContain("its path holds `.` or `..`");
    expect(runs(here)).toBe(1);
  });

  it("of nothing allows nothing", () => {
    const here = machine();
    names(here, { permissions: { allow: ["Bash(pwd)"] } });
    helper(here, answer({}));
    expect(rulesOf(policyAt(here))).toEqual([]);
  });

  it("keeps the lines of what was printed", () => {
    const here = machine();
    names(here);
    helper(here, `cat <<'END'\n{\n  "managedSettings": {\n    "blockNetworkTools": true\n  }\n}\nEND`);
    expect(policyAt(here).managed.blockNetworkTools?.line).toBe(3);
  });

  it.each<[string, RegExp, string]>([
    ["ends with another status", /ended with status 3: no network/, "echo no network >&2; exit 3"],
    ["ends with another status after an answer", /ended with status 1/, `${answer({})}\nexit 1`],
    ["is ended", /was ended by SIGKILL/, "kill -KILL $$"],
    ["prints nothing", /does not answer in JSON/, "true"],
    ["prints something else", /does not answer in JSON/, "echo ok"],
    ["prints two answers", /does not answer in JSON/, `${answer({})}\n${answer({})}`],
    ["prints no object", /does not answer `\{"managedSettings"/, "echo '[]'"],
    [
      "prints settings without their name",
      /does not answer `\{"managedSettings"/,
      `echo '{"blockNetworkTools": true}'`,
    ],
    [
      "prints more than settings",
      /does not answer `\{"managedSettings"/,
      `echo '{"managedSettings": {}, "x": 1}'`,
    ],
    [
      "prints settings twice",
      /does not answer `\{"managedSettings"/,
      `echo '{"managedSettings": {}, "managedSettings": {}}'`,
    ],
    [
      "prints settings that are no object",
      /does not answer `\{"managedSettings"/,
      `echo '{"managedSettings": []}'`,
    ],
    [
      "prints a rule list that is none",
      /`permissions.deny` must be a list/,
      answer({ permissions: { deny: 7 } }),
    ],
    ["prints a lock that is none", /`blockNetworkTools` must be/, answer({ blockNetworkTools: "yes" })],
    ["names another helper", /another `policyHelper`/, answer({ policyHelper: { path: "/opt/x" } })],
    ["prints no UTF-8", /something else than UTF-8/, String.raw`printf '{"managedSettings": {"a": "\377"}}'`],
    ["prints more than 1 MB", /wrote more than 1048576 bytes/, "head -c 1100000 /dev/zero | tr '\\0' ' '"],
    [
      "complains for more than 1 MB",
      /wrote more than 1048576 bytes/,
      `head -c 1100000 /dev/zero >&2; ${answer({})}`,
    ],
  ])("that %s stops the gate", (_name, message, script) => {
    const here = machine();
    names(here);
    const file = helper(here, script);
    const { stopped } = policyAt(here).managed;
    expect(stopped?.file).toBe(file);
    expect(stopped?.message).toMatch(message);
    expect(runs(here)).toBe(1);
  });

  it("that does not come in time stops the gate", () => {
    const here = machine();
    names(here, {}, { timeoutMs: 1_000 });
    helper(here, `sleep 20 & ${answer({})}; exec sleep 20`);
    expect(policyAt(here).managed.stopped?.message).toContain("did not come to an end within 1000 ms");
  });

  it("that something left running holds up stops the gate", () => {
    const here = machine();
    names(here, {}, { timeoutMs: 1_000 });
    helper(here, `sleep 20 & ${answer({})}`);
    expect(policyAt(here).managed.stopped?.message).toContain("did not come to an end");
  });

  it("is given without the caller's variables, input and directory", () => {
    const here = machine();
    names(here);
    helper(
      here,
      `printf '{"managedSettings": {"claudeMd": "%s %s %s %s"}}' "$SECRET" "$HOME" "$(pwd)" "$(cat)"`,
    );
    const [source] = loadSources(
      here.request({ env: { SECRET: "s", LD_PRELOAD: "/x", PATH: "/x" } }),
    ).sources;
    expect(JSON.parse(source?.text ?? "")).toEqual({ claudeMd: ` ${here.home} / ` });
  });

  it("from several, each asked once, is what all of them say together", () => {
    const here = machine();
    names(here);
    const second = "/opt/corp/second";
    const drop = join(here.top, "etc/claude-code/managed-settings.d/a.json");
    here.put(drop, JSON.stringify({ policyHelper: { path: second, timeoutMs: 20_000 } }));
    here.put(join(here.top, "etc/cordon/managed-settings.d/b.json"), readFileSync(base(here)));
    helper(here, answer({ permissions: { deny: ["Bash(a)"] } }));
    here.put(join(here.top, second), `#!/bin/sh\n${answer({ permissions: { deny: ["Bash(b)"] } })}\n`, 0o755);
    expect(rulesOf(policyAt(here)).toSorted()).toEqual(["deny Bash(a)", "deny Bash(b)"]);
    expect(runs(here)).toBe(1);
    here.put(join(here.top, second), "#!/bin/sh\nexit 1\n", 0o755);
    expect(policyAt(here).managed.stopped?.file).toBe(join(here.top, second));
  });
});

describe.skipIf(!isRoot)("a policy helper that is not the administrator's alone", () => {
  it.each<[string, RegExp, (here: Machine, file: string) => void]>([
    ["is not there", /is not there/, (here) => names(here, {}, { path: "/opt/none" })],
    [
      "belongs to somebody else",
      /does not belong to root/,
      (_here, file) => chownSync(file, nobodyOfTests(), 0),
    ],
    ["others may write", /may be written by others/, (_here, file) => chmodSync(file, 0o775)],
    [
      "lies in a directory of somebody else",
      /does not belong to root/,
      (here) => chownSync(join(here.top, "opt/corp"), nobodyOfTests(), 0),
    ],
    [
      "lies below a directory others may write",
      /may be written by others/,
      (here) => chmodSync(join(here.top, "opt"), 0o777),
    ],
    [
      "is a link",
      /is a link/,
      (here) => {
        symlinkSync(join(here.top, HELPER), join(here.top, "opt/link"));
        names(here, {}, { path: "/opt/link" });
      },
    ],
    [
      "lies behind a link",
      /is a link/,
      (here) => {
        symlinkSync(join(here.top, "opt/corp"), join(here.top, "opt/link"));
        names(here, {}, { path: "/opt/link/policy" });
      },
    ],
    [
      "is a directory",
      /is no regular file/,
      (here) => {
        mkdirSync(join(here.top, "opt/directory"));
        names(here, {}, { path: "/opt/directory" });
      },
    ],
    ["nobody may run", /cannot be run/, (_here, file) => chmodSync(file, 0o644)],
    ["is no program", /the policy helper/, (_here, file) => writeFileSync(file, "\0\0")],
  ])("stops the gate and is not run where it %s", (_name, message, make) => {
    const here = machine();
    names(here);
    make(here, helper(here, answer({})));
    expect(policyAt(here).managed.stopped?.message).toMatch(message);
    expect(runs(here)).toBe(0);
  });

  it("is not asked on Windows, where owners are not known", () => {
    const here = machine();
    names(here);
    helper(here, answer({}));
    expect(policyAt(here, { platform: "win32" }).managed.stopped).toBeDefined();
    expect(runs(here)).toBe(0);
  });
});

describe.skipIf(!isRoot)("a policy helper is not asked", () => {
  it.each<[string, (here: Machine) => Partial<LoadRequest>]>([
    ["for a file that stops the gate", (here) => (chmodSync(base(here), 0o666), {})],
    [
      "where another file cannot be read",
      (here) => {
        symlinkSync(
          "/nonexistent",
          here.put(join(here.top, "etc/claude-code/x"), "") &&
            join(here.top, "etc/claude-code/managed-settings.json"),
        );
        return {};
      },
    ],
    ["by itself", () => ({ env: { CORDON_POLICY_HELPER: "1" } })],
  ])("%s", (_name, make) => {
    const here = machine();
    names(here);
    helper(here, answer({}));
    expect(policyAt(here, make(here)).managed.stopped).toBeDefined();
    expect(runs(here)).toBe(0);
  });

  it.each<[string, (here: Machine) => Partial<LoadRequest>]>([
    [
      "for the file of a person",
      (here) => {
        here.put(join(here.home, ".claude/settings.json"), readFileSync(base(here)));
        writeFileSync(base(here), "{}");
        return {};
      },
    ],
    ["without the settings of the machine", () => ({ ambient: false })],
    [
      "for settings on the command line",
      (here) => ({ ambient: false, managedArg: readFileSync(base(here), "utf8") }),
    ],
  ])("%s", (_name, make) => {
    const here = machine();
    names(here);
    helper(here, answer({}));
    const more = make(here);
    const { managed } = policyAt(here, more);
    expect(managed.stopped).toBeUndefined();
    // Where it is managed all the same, the key denies what it governs.
    expect(managed.notEnforced.map(({ tool }) => tool)).toEqual(more.managedArg === undefined ? [] : ["*"]);
    expect(runs(here)).toBe(0);
  });
});

describe.skipIf(!isRoot)("what a helper answered", () => {
  /** A memory with clocks the test sets, and how often the helper runs for loads at given times. */
  function at(here: Machine): (wall: number, steady?: number) => number {
    const clock = { wall: 0, steady: 0 };
    const helpers = helperMemory(
      () => clock.wall,
      () => clock.steady,
    );
    return (wall, steady = wall) => {
      clock.wall = wall;
      clock.steady = steady;
      const { managed } = policyAt(here, { helpers });
      expect(managed.stopped).toBeUndefined();
      return runs(here);
    };
  }

  it.each<[number | undefined, readonly number[], number]>([
    [undefined, [0, 1, 59_999, 60_000], 1],
    [undefined, [0, 60_001, 60_002], 2],
    [0, [0, 60_000, 60_001], 2],
    [60_000, [0, 60_001], 2],
    [600_000, [0, 60_001, 599_999], 1],
    [600_000, [0, 600_001], 2],
  ])("with refreshIntervalMs %s, asked at %j, was asked %i times", (refreshIntervalMs, times, count) => {
    const here = machine();
    names(here, {}, { refreshIntervalMs });
    helper(here, answer({}));
    const load = at(here);
    expect(times.map((time) => load(time)).at(-1)).toBe(count);
  });

  it("is not older than either clock says", () => {
    const here = machine();
    names(here);
    helper(here, answer({}));
    const load = at(here);
    load(1_000_000, 0);
    expect(load(1_000_001, 70_000)).toBe(2);
    expect(load(1_100_000, 70_001)).toBe(3);
    expect(load(900_000, 70_002)).toBe(4);
  });

  it("holds for the program as it was", () => {
    const here = machine();
    names(here);
    helper(here, answer({}));
    const load = at(here);
    load(0);
    helper(here, answer({ blockNetworkTools: true }));
    expect(load(1)).toBe(2);
    expect(policyAt(here).managed.blockNetworkTools).toBeDefined();
  });

  it("does not stand in for an answer that fails", () => {
    const here = machine();
    const helpers = helperMemory(
      () => 0,
      () => 0,
    );
    names(here);
    helper(here, answer({}));
    expect(policyAt(here, { helpers }).managed.stopped).toBeUndefined();
    helper(here, "exit 1");
    expect(policyAt(here, { helpers }).managed.stopped).toBeDefined();
  });

  it("is kept nowhere but in the process", () => {
    const here = machine();
    names(here);
    helper(here, answer({}));
    policyAt(here);
    policyAt(here);
    expect(runs(here)).toBe(2);
    expect(existsSync(here.state)).toBe(false);
  });
});

describe.skipIf(!isRoot)("for somebody without rights", () => {
  it("a helper is asked as them, and what it may not run stops the gate", async () => {
    const here = machine();
    const uid = nobodyOfTests();
    names(here);
    const file = here.put(
      join(here.top, HELPER),
      `#!/bin/sh\nprintf '{"managedSettings": {"claudeMd": "%s", "blockNetworkTools": true}}' "$(id -u)"\n`,
      0o755,
    );
    const bundle = await driver(here.top);
    const load = (): string => runAs(uid, bundle, "load", here.top, here.home, here.root);
    expect(JSON.parse(load())).toMatchObject({ problems: [], managed: { blockNetworkTools: { file } } });
    chmodSync(file, 0o700);
    expect(JSON.parse(load())).toMatchObject({
      managed: { stopped: { file, message: expect.stringContaining("permission denied") } },
    });
  });

  it("without a helper nothing is loaded that starts processes", async () => {
    const here = machine();
    const uid = nobodyOfTests();
    here.put(base(here), '{"blockNetworkTools": true}');
    const bundle = await driver(here.top);
    const text = `${readFileSync(bundle, "utf8")}\nconsole.log(process.moduleLoadList.includes("NativeModule child_process"));\n`;
    writeFileSync(bundle, text);
    const loaded = (): string | undefined =>
      runAs(uid, bundle, "load", here.top, here.home, here.root).trim().split("\n").at(-1);
    expect(loaded()).toBe("false");
    names(here);
    helper(here, answer({}));
    expect(loaded()).toBe("true");
  });
});
