import { describe, expect, it } from "vitest";
import { namesKey, readKey } from "../../../src/host/settings/registry.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll("\n", "\r\n"), "latin1");
const KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\ClaudeCode";
const value = (name: string, type: string, text: string): string =>
  `\n${KEY}\n    ${name}    ${type}    ${text}\n\n`;
const text = (output: string): string => {
  const reading = readKey(bytes(output), "Settings");
  switch (reading.kind) {
    case "absent":
      return "absent";
    case "bytes":
      return Buffer.from(reading.bytes).toString();
    case "fault":
      return `! ${reading.why}`;
  }
};

describe("a value in the output of reg.exe", () => {
  it.each<[string, string, string]>([
    ["as it stands", value("Settings", "REG_SZ", '{"a": 1}'), '{"a": 1}'],
    ["in another case", value("settings", "REG_SZ", "{}"), "{}"],
    ["over several lines", value("Settings", "REG_SZ", '{\n  "a": 1\n}'), '{\n  "a": 1\n}'],
    ["with four spaces in it", value("Settings", "REG_SZ", '{"a": "x    y"}'), '{"a": "x    y"}'],
    ["that is empty", value("Settings", "REG_SZ", ""), ""],
    ["that is empty, without the blanks", `\n${KEY}\n    Settings    REG_SZ\n\n`, ""],
    ["behind others", `\n${KEY}\n    (Default)    REG_SZ    x\n    Settings    REG_SZ    {}\n\n`, "{}"],
    ["with escapes", value("Settings", "REG_SZ", String.raw`{"a": "\u00e4"}`), String.raw`{"a": "\u00e4"}`],
    ["that is not there", value("Setting", "REG_SZ", "{}"), "absent"],
    ["whose name only begins like it", value("Settings2", "REG_SZ", "{}"), "absent"],
    ["in the text of another", value("Other", "REG_SZ", "Settings    REG_SZ    {}"), "absent"],
    ["of a key without values", "\n", "absent"],
    ["of another type", value("Settings", "REG_DWORD", "0x1"), "! is a REG_DWORD value, not REG_SZ"],
    [
      "of several strings",
      value("Settings", "REG_MULTI_SZ", "{}\\0"),
      "! is a REG_MULTI_SZ value, not REG_SZ",
    ],
    ["in a code page", value("Settings", "REG_SZ", '{"a": "\u0084"}'), "! holds characters beyond ASCII"],
    ["in UTF-8", value("Settings", "REG_SZ", '{"a": "Ã¤"}'), "! holds characters beyond ASCII"],
    [
      "in which a character may be lost",
      value("Settings", "REG_SZ", '{"deny": ["Read(/???/x)"]}'),
      "! holds a `?`",
    ],
    ["with a null byte", value("Settings", "REG_SZ", "{}\0"), "! holds characters beyond ASCII"],
  ])("%s", (_name, output, expected) => {
    if (expected.startsWith("!")) expect(text(output)).toContain(expected);
    else expect(text(output)).toBe(expected);
  });
});

describe("a key in the output of reg.exe", () => {
  const parent = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies";
  it.each<[string, string, boolean]>([
    ["that is listed", `\n${parent}\\Adobe\n${KEY}\n`, true],
    ["in another case", `\n${KEY.toUpperCase()}\n`, true],
    ["that is not", `\n${parent}\\Adobe\n${parent}\\Microsoft\n`, false],
    ["whose name only begins like it", `\n${KEY}2\n${KEY}\\Sub\n`, false],
    ["of a list that is empty", "\n", false],
    ["of no list at all has to be asked for", "something else\n", true],
  ])("%s", (_name, output, named) => {
    expect(namesKey(bytes(output), KEY)).toBe(named);
  });
});
