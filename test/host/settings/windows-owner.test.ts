/** Whose managed files on Windows are, told by a stand-in for the program of the system that is asked. */
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { managedFiles } from "../../../src/host/settings/managed.ts";
import { sddlFault } from "../../../src/host/settings/sddl.ts";
import { type Machine, machine } from "./machine.ts";

const INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
/** As Windows sets them: the root of a drive, the directory of programs, what an administrator puts into it. */
const DRIVE = `O:${INSTALLER}G:${INSTALLER}D:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)(A;CIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)`;
const PROGRAMS = `O:${INSTALLER}G:${INSTALLER}D:PAI(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;FA;;;${INSTALLER})(A;CIIO;GA;;;${INSTALLER})(A;;0x1200a9;;;AC)(A;OICIIO;GXGR;;;S-1-15-2-2)`;
const OWN = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;ID;0x1200a9;;;AC)";

describe("a security descriptor", () => {
  it.each([
    ["of a file an administrator put there", OWN],
    ["of the directory of programs", PROGRAMS],
    ["of SYSTEM, by number", "O:S-1-5-18G:SYD:(A;;FA;;;S-1-5-18)(A;;FR;;;WD)"],
    ["of Administrators, by number, without a group", "O:S-1-5-32-544D:PAI(A;;GRGX;;;BU)"],
    ["in which others may read", "O:SYD:(A;;FRFX;;;WD)(A;;0x1200a9;;;AU)(A;;RCLOSWWPCC;;;BU)(A;;GR;;;IU)"],
    ["that denies others, whatever it is", "O:SYD:(D;;FA;;;WD)(D;OICI;0xdeadbeef;;;BG)(A;;FA;;;BA)"],
    ["that lets others change only what will be made inside", "O:SYD:(A;OICIIO;FA;;;BU)(A;CIIO;GA;;;CO)"],
    ["that lets the owner", "O:SYD:(A;;FA;;;OW)"],
    ["that lets nobody", "O:SYD:P"],
  ])("%s is the administrators'", (_name, sddl) => {
    expect(sddlFault(sddl)).toBeUndefined();
  });

  it.each([
    ["of a person", OWN.replace("O:BA", "O:S-1-5-21-1-2-3-1001"), "belongs to S-1-5-21-1-2-3-1001"],
    ["of the local administrator's own account", OWN.replace("O:BA", "O:LA"), "belongs to LA"],
    ["of administrators of the domain", OWN.replace("O:BA", "O:DA"), "belongs to DA"],
    ["of a service that only looks like the installer", `O:${INSTALLER}1D:(A;;FA;;;SY)`, "belongs to"],
    ["of nobody", "G:SYD:(A;;FA;;;SY)", "cannot be read"],
    ["without a list", "O:SYG:SY", "cannot be read"],
    ["with a list that lets everybody", "O:SYD:NO_ACCESS_CONTROL", "cannot be read"],
    ["with other flags", "O:SYD:PX(A;;FA;;;SY)", "everybody may change it"],
    ["with a list for the log behind it", "O:SYD:(A;;FA;;;SY)S:(AU;SA;FA;;;WD)", "cannot be read"],
    ["with half an entry", "O:SYD:(A;;FA;;;SY)(A;;FA", "cannot be read"],
    ["with something else behind it", "O:SYD:(A;;FA;;;SY)x", "cannot be read"],
    ["that is empty", "", "cannot be read"],
    ["with an entry of an object", "O:SYD:(OA;;FA;;;WD)", "an entry in its access list"],
    ["with an entry under a condition", 'O:SYD:(XA;;FA;;;WD;(@User.a=="b"))', "cannot be read"],
    ["with rights that are unknown", "O:SYD:(A;;FZ;;;BU)", "an entry in its access list"],
    ["with half a right", "O:SYD:(A;;FRG;;;BU)", "an entry in its access list"],
    ["with flags that are unknown", "O:SYD:(A;QQ;FR;;;BU)", "an entry in its access list"],
    ["for nobody", "O:SYD:(A;;FR;;;)", "an entry in its access list"],
    ["with a field too many", "O:SYD:(A;;FR;;;BU;x)", "an entry in its access list"],
  ])("%s is not", (_name, sddl, why) => {
    expect(sddlFault(sddl)).toContain(why);
  });

  it.each([
    "FA",
    "FW",
    "GA",
    "GW",
    "DC",
    "LC",
    "DT",
    "SD",
    "WD",
    "WO",
    "RP",
    "CR",
    "0x2",
    "0x1301bf",
    "0x40000000",
    "65536",
    "0x10000000",
    "FRSD",
    "0x80000040",
  ])("in which others have %s is not", (rights) => {
    for (const who of ["BU", "AU", "WD", "S-1-5-21-1-2-3-1001", "CO", "DA", "PU"])
      expect(sddlFault(`O:SYD:(A;;FA;;;SY)(A;OICI;${rights};;;${who})`)).toContain(
        `may be changed by ${who}`,
      );
  });

  it("of a drive may let others make directories, and no more", () => {
    expect(sddlFault(DRIVE, "drive")).toBeUndefined();
    expect(sddlFault(DRIVE)).toContain("may be changed by AU");
    for (const right of ["DC", "DT", "SD", "WD", "WO", "GW", "LCDC"])
      expect(sddlFault(DRIVE.replace("(A;;LC;;;AU)", `(A;;${right};;;AU)`), "drive")).toContain(
        "changed by AU",
      );
  });
});

const PROGRAM = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
const DIRECTORY = "C:\\Program Files\\cordon";
const USUAL: Readonly<Record<string, string>> = {
  "C:\\": `22 ${DRIVE}`,
  "C:\\Program Files": `17 ${PROGRAMS}`,
  "C:\\Program Files\\cordon": `16 ${PROGRAMS}`,
  "C:\\Program Files\\ClaudeCode": `16 ${PROGRAMS}`,
};

/** A machine with Windows' programs that answer: a line for each path, `OWN` for those not named. */
function windows(lines: Readonly<Record<string, string>> = {}, end = ""): Machine {
  const here = machine();
  const quoted = (text: string): string => `'${text}'`;
  const cases = Object.entries({ ...USUAL, ...lines }).map(
    ([path, line]) => `    ${quoted(path)}) printf '%s\\r\\n' ${quoted(line)};;`,
  );
  here.put(
    join(here.top, PROGRAM),
    `#!/bin/bash
printf '%s\\n' "$*" >> ${quoted(join(here.top, "asked"))}
IFS='|'
for path in $CORDON_PATHS; do
  case "$path" in
${cases.join("\n")}
    *) printf '%s\\r\\n' '32 ${OWN}';;
  esac
done
${end}
`,
    0o755,
  );
  const none = (long: string): string => `printf '%s\\r\\n' '' '${long}\\SOFTWARE\\Policies\\Microsoft'`;
  here.put(
    join(here.top, "C:\\Windows\\System32\\reg.exe"),
    `#!/bin/sh\ncase "$2" in HKLM*) ${none("HKEY_LOCAL_MACHINE")};; *) ${none("HKEY_CURRENT_USER")};; esac\n`,
    0o755,
  );
  return here;
}
const DENY = '{"permissions": {"deny": ["Bash(nc *)"], "allow": ["Bash(make *)"]}}';
const put = (here: Machine, name: string, text = DENY): string =>
  here.put(join(here.top, DIRECTORY, name), text);
const stoppedAt = (here: Machine): string | undefined => {
  const request = here.request({ platform: "win32" });
  const { sources, fingerprint } = loadSources(request);
  const { rules, managed } = buildPolicy(sources, request, fingerprint);
  if (managed.stopped === undefined) {
    expect(rules.map(({ effect, text }) => `${effect} ${text}`)).toContain("deny Bash(nc *)");
    return undefined;
  }
  return `${managed.stopped.message}; ${managed.stopped.hint}`;
};

describe("a managed file on Windows", () => {
  it("counts where it and all above it are the administrators'; one program is asked once", () => {
    const here = windows();
    put(here, "managed-settings.json");
    put(here, "managed-settings.d/10.json", '{"permissions": {"deny": ["Bash(dd *)"]}}');
    put(here, "managed-settings.d/20.json", "{}");
    here.put(join(here.top, "C:\\Program Files\\ClaudeCode", "managed-settings.json"), "{}");
    expect(stoppedAt(here)).toBeUndefined();
    const asked = readFileSync(join(here.top, "asked"), "utf8");
    expect(asked.match(/-NoProfile/g)?.length).toBe(1);
    // No path is a part of the text that is run.
    expect(asked).not.toContain("Program Files");
  });

  it("is none where nothing is there, and then nobody is asked", () => {
    const here = windows();
    expect(managedFiles({ platform: "win32", top: here.top }).settings).toEqual([]);
    expect(existsSync(join(here.top, "asked"))).toBe(false);
  });

  const person = OWN.replace("O:BA", "O:S-1-5-21-1-2-3-1001");
  const open = OWN.replace("0x1200a9;;;BU", "0x1301bf;;;BU");
  it.each([
    [
      "that is a person's",
      { [`${DIRECTORY}\\managed-settings.json`]: `32 ${person}` },
      "managed-settings.json belongs to S-1-5-21",
    ],
    [
      "that users may change",
      { [`${DIRECTORY}\\managed-settings.json`]: `32 ${open}` },
      "may be changed by BU",
    ],
    [
      "below a directory users may change",
      { [DIRECTORY]: `16 ${open}` },
      `${DIRECTORY} may be changed by BU`,
    ],
    ["below a drive users may change", { "C:\\": `22 ${open}` }, "C:\\ may be changed by BU"],
    ["that is a link", { [`${DIRECTORY}\\managed-settings.json`]: `1056 ${OWN}` }, "is a link or a junction"],
    [
      "behind a junction",
      { "C:\\Program Files": `1041 ${PROGRAMS}` },
      "C:\\Program Files is a link or a junction",
    ],
    [
      "with an answer that is none",
      { [DIRECTORY]: "Zugriff verweigert" },
      "has an owner that cannot be read",
    ],
    ["with attributes alone", { [DIRECTORY]: "16 " }, "has an owner that cannot be read"],
  ])("%s stops the gate", (_name, lines, why) => {
    const here = windows(lines);
    put(here, "managed-settings.json");
    const stopped = stoppedAt(here);
    expect(stopped).toContain(why);
    expect(stopped).toMatch(/icacls "C:\\.*"`: only SYSTEM, Administrators and TrustedInstaller/);
  });

  it("stops the gate where a drop-in, or their directory, is somebody's", () => {
    for (const name of ["managed-settings.d", "managed-settings.d\\10.json"]) {
      const here = windows({ [`${DIRECTORY}\\${name}`]: `16 ${open}` });
      put(here, "managed-settings.json");
      put(here, "managed-settings.d/10.json", "{}");
      expect(stoppedAt(here)).toContain(`${name} may be changed by BU`);
    }
  });

  it.each([
    ["ends with a status", "exit 1", "ended with status 1"],
    ["says too much", "echo more", "said 5 lines for 4 paths"],
  ])("stops the gate where the program %s", (_name, end, why) => {
    const here = windows({}, end);
    put(here, "managed-settings.json");
    expect(stoppedAt(here)).toContain(why);
  });

  it("stops the gate where the program is not there or prints nothing", () => {
    const here = windows();
    put(here, "managed-settings.json");
    here.put(join(here.top, PROGRAM), "#!/bin/sh\nexit 0\n", 0o755);
    expect(stoppedAt(here)).toContain("said 1 lines for 4 paths");
    here.put(join(here.top, PROGRAM), "", 0o644);
    expect(stoppedAt(here)).toContain("its owner cannot be asked about");
  });

  it("that is a link to elsewhere is refused, whatever the answer", () => {
    const here = windows();
    put(here, ".keep", "");
    symlinkSync(
      here.put(join(here.top, "else.json"), DENY),
      join(here.top, DIRECTORY, "managed-settings.json"),
    );
    expect(stoppedAt(here)).toContain("is a link");
  });
});
