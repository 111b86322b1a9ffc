import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { managedFiles } from "../../../src/host/settings/managed.ts";
import { isRoot, type Machine, machine, nobodyOfTests } from "./machine.ts";

// What the systems themselves do was not seen: programs below the root of the test stand for
// theirs, and print what their documentation says.

const deny = (rule: string): string => JSON.stringify({ permissions: { deny: [rule] } });

/** `tier name: text` of what is found. */
function seen(here: Machine, platform: string): readonly string[] {
  return managedFiles({ platform, top: here.top, user: "dev" }).settings.map(({ tier, file, reading }) => {
    const said = reading.kind === "bytes" ? Buffer.from(reading.bytes).toString() : `! ${reading.why}`;
    return `${tier} ${file}: ${said}`.replaceAll(here.top, "").trimEnd();
  });
}

function policyAt(here: Machine, platform: string): Policy {
  const request = here.request({ platform });
  const { sources, fingerprint } = loadSources(request);
  return buildPolicy(sources, request, fingerprint);
}

const PREFERENCES = "Library/Managed Preferences";

/** A stand-in for `plutil -convert json -o - -- FILE`: a list of the test is its own JSON. */
function plutil(
  here: Machine,
  script = 'test "$1 $2 $3 $4 $5" = "-convert json -o - --" && exec cat "$6"',
): string {
  return here.put(join(here.top, "usr/bin/plutil"), `#!/bin/sh\n${script}\n`, 0o755);
}

describe.skipIf(!isRoot)("managed preferences of a Mac", () => {
  const list = (here: Machine, name: string, text: string): string =>
    here.put(join(here.top, PREFERENCES, name), text);

  it("are read, the person's before the machine's, cordon's first, all before the files", () => {
    const here = machine();
    plutil(here);
    const names = ["dev/cordon", "dev/com.anthropic.claudecode", "cordon", "com.anthropic.claudecode"];
    for (const name of names.toReversed()) list(here, `${name}.plist`, deny(name));
    here.put(join(here.top, "Library/Application Support/cordon/managed-settings.json"), deny("file"));
    list(here, "other/com.anthropic.claudecode.plist", deny("other"));
    expect(seen(here, "darwin")).toEqual([
      ...names.map((name) => `policy /${PREFERENCES}/${name}.plist: ${deny(name)}`),
      `files /Library/Application Support/cordon/managed-settings.json: ${deny("file")}`,
    ]);
  });

  it("are not looked for elsewhere, and no program runs where there are none", () => {
    const here = machine();
    list(here, "cordon.plist", deny("A"));
    expect(seen(here, "linux")).toEqual([]);
    expect(seen(machine(), "darwin")).toEqual([]);
  });

  it("stand among what was looked at", () => {
    const here = machine();
    const { looked } = managedFiles({ platform: "darwin", top: here.top, user: "dev" });
    expect(looked).toContain(join(here.top, PREFERENCES, "com.anthropic.claudecode.plist"));
    expect(looked).toContain(join(here.top, PREFERENCES, "dev/cordon.plist"));
  });

  it.each(["../x", "a/b", "", "..", "."])("of a person named %j are nobody's", (user) => {
    const here = machine();
    list(here, "../x/cordon.plist", deny("A"));
    list(here, "a/b/cordon.plist", deny("A"));
    plutil(here);
    expect(managedFiles({ platform: "darwin", top: here.top, user }).settings).toEqual([]);
  });

  it("go first: files allow nothing beside them, and forbid all the same", () => {
    const here = machine();
    plutil(here);
    list(here, "cordon.plist", '{"permissions": {"allow": ["Bash(ls)"]}}');
    here.put(
      join(here.top, "Library/Application Support/ClaudeCode/managed-settings.json"),
      '{"permissions": {"allow": ["Bash(pwd)"], "deny": ["Bash(rm *)"]}}',
    );
    const { rules, managed } = policyAt(here, "darwin");
    expect(rules.map(({ effect, text }) => `${effect} ${text}`)).toEqual([
      "allow Bash(ls)",
      "deny Bash(rm *)",
    ]);
    expect(managed.stopped).toBeUndefined();
  });

  it.each<[string, RegExp, (here: Machine, file: string) => void]>([
    ["without the program", /plutil is not there/, () => {}],
    [
      "with a program that fails",
      /plutil ended with status 1: no list/,
      (here) => plutil(here, "echo no list >&2; exit 1"),
    ],
    ["with a program that is ended", /was ended by SIGTERM/, (here) => plutil(here, "kill -TERM $$")],
    [
      "with a program that prints no JSON",
      /a\.plist|cordon\.plist/,
      (here) => plutil(here, "echo '<plist/>'"),
    ],
    ["with a program that prints nothing", /the file is empty/, (here) => plutil(here, "true")],
    [
      "with a program of somebody else",
      /does not belong to root/,
      (here) => chownSync(plutil(here), nobodyOfTests(), 0),
    ],
    ["with a program others may write", /may be written by others/, (here) => chmodSync(plutil(here), 0o757)],
    [
      "with a program that is a link",
      /is a link/,
      (here) => {
        const real = here.put(join(here.top, "usr/bin/real"), "#!/bin/sh\ncat\n", 0o755);
        symlinkSync(real, join(here.top, "usr/bin/plutil"));
      },
    ],
    ["with a program nobody may run", /cannot be run/, (here) => chmodSync(plutil(here), 0o644)],
    [
      "that others may write",
      /may be written by others/,
      (here, file) => (plutil(here), chmodSync(file, 0o666)),
    ],
    [
      "of somebody else",
      /does not belong to root/,
      (here, file) => (plutil(here), chownSync(file, nobodyOfTests(), 0)),
    ],
    [
      "in a directory others may write",
      /may be written by others/,
      (here, file) => (plutil(here), chmodSync(join(file, ".."), 0o777)),
    ],
    [
      "that are a link",
      /is a link/,
      (here, file) => {
        plutil(here);
        rmSync(file);
        symlinkSync(here.put(join(here.top, "x.plist"), "{}"), file);
      },
    ],
    [
      "that are a link to nowhere",
      /is a link/,
      (here, file) => {
        plutil(here);
        rmSync(file);
        symlinkSync("/nonexistent", file);
      },
    ],
    [
      "that are a directory",
      /ended with status|status/,
      (here, file) => {
        plutil(here);
        rmSync(file);
        mkdirSync(file);
      },
    ],
    ["that are a list where an object is due", /must be an object/, (here) => plutil(here, "echo '[]'")],
  ])("%s stop the gate", (_name, message, make) => {
    const here = machine();
    make(here, list(here, "cordon.plist", deny("A")));
    const { stopped } = policyAt(here, "darwin").managed;
    expect(`${stopped?.file} ${stopped?.message}`).toMatch(message);
  });

  it("get no variables of the caller", () => {
    const here = machine();
    plutil(here, 'printf \'{"x": "%s"}\' "$SECRET$HOME$LD_PRELOAD"');
    list(here, "cordon.plist", "");
    expect(seen(here, "darwin")).toEqual([`policy /${PREFERENCES}/cordon.plist: {"x": ""}`]);
  });
});

const HKLM = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies";
const HKCU = "HKEY_CURRENT_USER\\SOFTWARE\\Policies";

/**
 * A stand-in for `reg.exe`: `answers` by what stands behind `query`; the rest fails, as it does for
 * a key that is not there.
 */
function reg(here: Machine, answers: Readonly<Record<string, string>>): void {
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const cases = Object.entries(answers).map(
    ([query, output]) => `  ${quoted(query)}) printf '%s\\r\\n' ${quoted(output.replaceAll("\n", "\r\n"))};;`,
  );
  const script = `#!/bin/sh\ntest "$1" = query && shift\ncase "$*" in\n${cases.join("\n")}\n  *) echo 'FEHLER: nicht gefunden' >&2; exit 1;;\nesac\n`;
  here.put(join(here.top, "C:\\Windows\\System32\\reg.exe"), script, 0o755);
}

const key = (long: string, text: string): string => `\n${long}\n    Settings    REG_SZ    ${text}\n`;
const NONE = {
  "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\Microsoft\n`,
  "HKCU\\SOFTWARE\\Policies": `\n${HKCU}\\Microsoft\n`,
};

describe("policies in the registry of Windows", () => {
  const both = (hive: string, long: string, name: string, text: string): Record<string, string> => ({
    [`${hive}\\SOFTWARE\\Policies\\${name}`]: key(`${long}\\${name}`, text),
    [`${hive}\\SOFTWARE\\Policies\\${name} /v Settings`]: key(`${long}\\${name}`, text),
  });

  it("are read, the machine's before the files, the person's behind them", () => {
    const here = machine();
    reg(here, {
      "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\ClaudeCode\n${HKLM}\\cordon\n`,
      "HKCU\\SOFTWARE\\Policies": `\n${HKCU}\\ClaudeCode\n`,
      ...both("HKLM", HKLM, "ClaudeCode", deny("A")),
      ...both("HKLM", HKLM, "cordon", deny("B")),
      ...both("HKCU", HKCU, "ClaudeCode", deny("C")),
    });
    here.put(join(here.top, "C:\\Program Files\\ClaudeCode", "managed-settings.json"), "{}");
    expect(seen(here, "win32")).toEqual([
      `policy HKLM\\SOFTWARE\\Policies\\cordon\\Settings: ${deny("B")}`,
      `policy HKLM\\SOFTWARE\\Policies\\ClaudeCode\\Settings: ${deny("A")}`,
      "files /C:\\Program Files\\ClaudeCode/managed-settings.json: ! its owner cannot be asked about: C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe cannot be run: it is not there",
      `person HKCU\\SOFTWARE\\Policies\\ClaudeCode\\Settings: ${deny("C")}`,
    ]);
  });

  it("are none where the lists name none", () => {
    const here = machine();
    reg(here, NONE);
    expect(seen(here, "win32")).toEqual([]);
    expect(policyAt(here, "win32").managed.stopped).toBeUndefined();
  });

  it("are none in a key without the value", () => {
    const here = machine();
    reg(here, {
      ...NONE,
      "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\ClaudeCode\n`,
      "HKLM\\SOFTWARE\\Policies\\ClaudeCode": `\n${HKLM}\\ClaudeCode\n    Other    REG_SZ    x\n`,
    });
    expect(seen(here, "win32")).toEqual([]);
  });

  it("of a person without policies are none where the list above does not name them", () => {
    const here = machine();
    reg(here, {
      "HKLM\\SOFTWARE\\Policies": NONE["HKLM\\SOFTWARE\\Policies"],
      "HKCU\\SOFTWARE": "\nHKEY_CURRENT_USER\\SOFTWARE\\Microsoft\n",
    });
    expect(seen(here, "win32")).toEqual([]);
  });

  it.each<[string, RegExp, (here: Machine) => void]>([
    ["without reg.exe", /reg\.exe cannot be run: it is not there/, () => {}],
    ["whose list cannot be read", /reg\.exe ended with status 1: FEHLER/, (here) => reg(here, {})],
    [
      "whose list cannot be read though it is there",
      /status 1/,
      (here) => reg(here, { "HKLM\\SOFTWARE": `\n${HKLM}\n`, "HKCU\\SOFTWARE\\Policies": "\n" }),
    ],
    [
      "that are named and cannot be read",
      /status 1/,
      (here) => reg(here, { ...NONE, "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\ClaudeCode\n` }),
    ],
    [
      "whose value cannot be read",
      /status 1/,
      (here) =>
        reg(here, {
          ...NONE,
          "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\cordon\n`,
          "HKLM\\SOFTWARE\\Policies\\cordon": key(`${HKLM}\\cordon`, "{}"),
        }),
    ],
    [
      "that are no JSON",
      /Settings/,
      (here) =>
        reg(here, {
          ...NONE,
          "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\cordon\n`,
          ...both("HKLM", HKLM, "cordon", "{"),
        }),
    ],
    [
      "of the person that are no JSON",
      /HKCU.*Settings/,
      (here) =>
        reg(here, {
          ...NONE,
          "HKCU\\SOFTWARE\\Policies": `\n${HKCU}\\cordon\n`,
          ...both("HKCU", HKCU, "cordon", "{"),
        }),
    ],
    [
      "with a character that may be lost",
      /holds a `\?`/,
      (here) =>
        reg(here, {
          ...NONE,
          "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\cordon\n`,
          ...both("HKLM", HKLM, "cordon", '{"a": "?"}'),
        }),
    ],
  ])("%s stop the gate", (_name, message, make) => {
    const here = machine();
    make(here);
    const { stopped } = policyAt(here, "win32").managed;
    expect(`${stopped?.file} ${stopped?.message}`).toMatch(message);
  });

  it("of the person open nothing beside those of the machine, and forbid", () => {
    const here = machine();
    reg(here, {
      "HKLM\\SOFTWARE\\Policies": `\n${HKLM}\\cordon\n`,
      "HKCU\\SOFTWARE\\Policies": `\n${HKCU}\\cordon\n`,
      ...both("HKLM", HKLM, "cordon", '{"managedSourcesBehavior": "merge"}'),
      ...both("HKCU", HKCU, "cordon", '{"permissions": {"allow": ["Bash(ls)"], "deny": ["Bash(rm *)"]}}'),
    });
    expect(policyAt(here, "win32").rules.map(({ effect }) => effect)).toEqual(["deny"]);
  });
});
