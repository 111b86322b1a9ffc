import { expect, it } from "vitest";
import { mendHint } from "../../../src/core/settings/mend.ts";

const FILE = "/etc/cordon/managed-settings.json";
const file = {
  scope: "managed",
  file: FILE,
  trusted: true,
  repository: false,
  anchor: "/",
  base: "/",
} as const;

it.each([
  [`${FILE} may be written by others than root`, `run \`chmod go-w ${FILE}\``],
  ["/etc/cordon may be written by others than root", "run `chmod go-w /etc/cordon`"],
  ["/a b may be written by others than root", "run `chmod go-w '/a b'`"],
  ["/it's does not belong to root", String.raw`run \`chown root '/it'\''s'\``.replaceAll("\\`", "`")],
  [`${FILE} does not belong to root`, `run \`chown root ${FILE}\``],
  ["/etc is a link", "put the file or directory itself at /etc: links do not count here"],
  ["is a link", `put the file itself at ${FILE}: links do not count here`],
  ["is a directory, not a file", "remove the directory, or put a file in its place"],
  ["permission denied", `run \`chmod a+r ${FILE}\`, and \`chmod a+x\` for each directory above it`],
  ["managed-settings.json is not written in UTF-8", "save it as UTF-8"],
  ["something new", "make it a readable file, or remove it"],
])("%s", (fault, hint) => {
  expect(mendHint(fault, file)).toBe(hint);
});

it("knows the registry and property lists", () => {
  const value = {
    ...file,
    tier: "policy",
    file: String.raw`HKLM\SOFTWARE\Policies\cordon\Settings`,
  } as const;
  expect(mendHint("is a REG_DWORD value, not REG_SZ", value)).toMatch(/^write it as a REG_SZ value/);
  expect(mendHint("/usr/bin/plutil ended with status 1", { ...file, tier: "policy" })).toContain(
    "plutil -convert",
  );
});

it.each([
  ["ended with status 3: no network", /^run \/opt\/policy by hand: it has to end with status 0$/],
  ["was ended by SIGSEGV", /^run \/opt\/policy by hand/],
  [
    "cannot be asked: /opt/policy is not there",
    /^put the program at \/opt\/policy, or remove `policyHelper`$/,
  ],
  ["cannot be asked: /opt/policy does not belong to root", /^run `chown root \/opt\/policy`$/],
  ["cannot be run: permission denied", /^run `chmod a\+rx \/opt\/policy`$/],
  ["did not come to an end within 1000 ms", /by hand.*`timeoutMs`/],
  ["does not answer in JSON", /by hand: it has to print `\{"managedSettings": \{\.\.\.\}\}`/],
  ["answers with a fault: /opt/policy:1:2 x", /by hand and mend what it prints$/],
])("a helper that %s", (why, hint) => {
  expect(mendHint(`the policy helper ${why}`, { ...file, tier: "helper", file: "/opt/policy" })).toMatch(
    hint,
  );
});
