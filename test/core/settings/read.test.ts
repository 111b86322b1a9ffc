import { describe, expect, it } from "vitest";
import { readSettings } from "../../../src/core/settings/read.ts";
import { asksEverything, matched, PLACE, readingOf, rulesIn, said, source, unreadable } from "./sources.ts";

describe("texts that are faulty", () => {
  it.each([
    [
      '{\n  "permissions": {\n    "deny": ["Bash(rm *)"\n  }\n}',
      "error 4:3 the file is no JSON: a closing bracket is missing",
    ],
    [
      '{\n  "permissions": {\n    "deny": ["Bash(rm *)"]\n    "allow": []\n  }\n}',
      "error 4:5 the file is no JSON: a comma is missing",
    ],
    ["", "error 1:1 the file is empty"],
    ["null", "error 1:1 the settings must be an object"],
    ['["Bash"]', "error 1:1 the settings must be an object"],
    ['\n {"permissions": []}', "error 2:18 `permissions` must be an object"],
    ['{"permissions": null}', "error 1:17 `permissions` must be an object"],
    ['{"sandbox": true}', "error 1:13 `sandbox` must be an object"],
    ['{"sandbox": {"filesystem": []}}', "error 1:28 `sandbox.filesystem` must be an object"],
    ['{"cordon": "x"}', "error 1:12 `cordon` must be an object"],
    ['{"permissions": {"deny": {}}}', "error 1:26 `permissions.deny` must be a list of rules"],
    ['{"permissions": {"deny": null}}', "error 1:26 `permissions.deny` must be a list of rules"],
    ['{"permissions": {"ask": 7}}', "error 1:25 `permissions.ask` must be a list of rules"],
    ['{"permissions": {"deny": [7]}}', "error 1:27 `permissions.deny[0]` is no rule"],
    ['{"permissions": {"ask": ["Bash", [], null]}}', "error 1:34 `permissions.ask[1]` is no rule"],
    ['{"deniedTools": false}', "error 1:17 `deniedTools` must be a list of rules"],
    ['{"ignorePatterns": [{}]}', "error 1:21 `ignorePatterns[0]` is no rule"],
    [
      '{"sandbox": {"filesystem": {"denyRead": 1}}}',
      "error 1:41 `sandbox.filesystem.denyRead` must be a list of strings",
    ],
    [
      '{"sandbox": {"filesystem": {"denyRead": ["a", 1]}}}',
      "error 1:47 `sandbox.filesystem.denyRead[1]` must be a string that is not empty",
    ],
    [
      '{"sandbox": {"network": {"deniedDomains": ["https://x"]}}}',
      "error 1:44 `sandbox.network.deniedDomains[0]` must be a host",
    ],
    [
      '{"cordon": {"secretPaths": [""]}}',
      "error 1:29 `cordon.secretPaths[0]` must be a string that is not empty",
    ],
    ['{"disabledMcpjsonServers": {}}', "error 1:28 `disabledMcpjsonServers` must be a list of strings"],
  ])("%j", (text, message) => {
    const reading = readingOf("user", text);
    const found = said(reading.problems).find((line) => line.startsWith(message));
    expect(found, said(reading.problems).join("\n")).toBeDefined();
    expect(found).toContain("every call asks until it is mended");
    expect(asksEverything(reading)).toBe(true);
    expect(reading.rules.find(({ tool }) => tool === "*")?.text).toContain("/home/dev/.claude/settings.json");
    expect(reading.problems.every(({ file }) => file === "/home/dev/.claude/settings.json")).toBe(true);
    expect(said(readingOf("managed", text).problems).join("\n")).toContain(
      "every call is denied until it is mended",
    );
  });

  it("keep the deny and ask rules that can be made out, and no allow rule", () => {
    const text = '{"permissions": {"allow": ["Bash(ls)"], "deny": ["Read(.env)"], "ask": ["WebFetch"],, }';
    expect(rulesIn(readingOf("user", text))).toEqual([
      "deny Read(.env)",
      "ask WebFetch",
      "ask * (/home/dev/.claude/settings.json:1 cannot be read: it is no JSON: a key is missing)",
    ]);
  });

  it("say why a file could not be read", () => {
    const reading = readSettings(unreadable("user", "permission denied"), PLACE);
    expect(said(reading.problems)).toEqual([
      "error the settings cannot be read: permission denied; every call asks until it is mended",
    ]);
    expect(asksEverything(reading)).toBe(true);
    expect(rulesIn(reading)).toEqual([
      "ask * (/home/dev/.claude/settings.json cannot be read: permission denied)",
    ]);
  });

  it.each([
    [
      '\n{"permissions": []}',
      "/home/dev/.claude/settings.json:2 cannot be read: `permissions` must be an object",
    ],
    [
      '{"permissions": {"deny": 1}}',
      "/home/dev/.claude/settings.json:1 cannot be read: `permissions.deny` must be",
    ],
    ["", "/home/dev/.claude/settings.json:1 cannot be read: it is empty"],
  ])("name the place and the fault in the rule that asks: %s", (text, words) => {
    expect(rulesIn(readingOf("user", text)).join("\n")).toContain(words);
    expect(rulesIn(readingOf("user", text)).join("\n")).not.toContain("until it is mended");
  });
});

describe("values that are faulty", () => {
  it.each([
    [
      '{"permissions": {"defaultMode": "plann"}}',
      "error 1:33 `permissions.defaultMode` must be one of",
      'did you mean `"plan"`?',
    ],
    [
      '{"permissions": {"defaultMode": "supervised"}}',
      "error 1:33 `permissions.defaultMode` must be one of",
      undefined,
    ],
    ['{"cordon": {"defaultMode": "auto"}}', "error 1:28 `cordon.defaultMode` must be one of", undefined],
    [
      '{"sandbox": {"enabled": "no"}}',
      "error 1:25 `sandbox.enabled` must be `true` or `false`; `true` holds",
      "write `true` or `false` without quotes",
    ],
    [
      '{"permissions": {"disableBypassPermissionsMode": true}}',
      'error 1:50 `permissions.disableBypassPermissionsMode` must be `"disable"`; until it is mended it counts as set',
      undefined,
    ],
    [
      '{"permissions": {"blockReadsOutsideWorkingDirectories": 1}}',
      "error 1:57 `permissions.blockReadsOutsideWorkingDirectories` must be `true` or `false`; until",
      undefined,
    ],
    [
      '{"permissions": {"allow": "Bash"}}',
      "error 1:27 `permissions.allow` must be a list of rules; it approves nothing",
      undefined,
    ],
    [
      '{"permissions": {"allow": [1]}}',
      "error 1:28 `permissions.allow[0]` is no rule; it approves nothing",
      undefined,
    ],
    [
      '{"permissions": {"additionalDirectories": "x"}}',
      "error 1:43 `permissions.additionalDirectories` must be a list of strings; it opens nothing",
      undefined,
    ],
    [
      '{"cordon": {"approvalTimeout": 0}}',
      "error 1:32 `cordon.approvalTimeout` must be a whole number from 1 to 86400; it counts as not set",
      undefined,
    ],
    [
      '{"cordon": {"limits": {"memory": "lots"}}}',
      "error 1:34 `cordon.limits.memory` must be a whole number from 1 up or a size such as `512M`; the built-in limit holds",
      undefined,
    ],
    ['{"env": {"A": 1}}', "warning 1:15 `env.A` must be a string", undefined],
    [
      '{"hooks": []}',
      "error 1:11 `hooks` must be an object; the calls it is for ask until it is mended",
      undefined,
    ],
    [
      '{"allowedMcpServers": [{"serverName": "a", "x": 1}]}',
      "error 1:24 `allowedMcpServers[0]` must be",
      undefined,
    ],
  ])("%s", (text, message, hint) => {
    const reading = readingOf("user", text);
    const index = said(reading.problems).findIndex((line) => line.startsWith(message));
    expect(index, said(reading.problems).join("\n")).toBeGreaterThanOrEqual(0);
    if (hint !== undefined) expect(reading.problems[index]?.hint).toBe(hint);
    expect(asksEverything(reading)).toBe(false);
  });
});

describe("lists that are a string", () => {
  it.each([
    ['{"permissions": {"deny": "Bash(rm *)"}}', ["deny Bash(rm *)"]],
    ['{"permissions": {"ask": "WebFetch"}}', ["ask WebFetch"]],
    ['{"deniedTools": "WebFetch"}', ["deny WebFetch"]],
    ['{"ignorePatterns": "*.pem"}', ["deny Read(*.pem)"]],
  ])("%s is a list of one", (text, rules) => {
    const reading = readingOf("user", text);
    expect(matched(reading)).toEqual(rules);
    expect(said(reading.problems).join("\n")).toContain("the string is read as its only rule");
  });
  it("also where they tighten the sandbox", () => {
    const reading = readingOf("user", '{"sandbox": {"filesystem": {"denyRead": "~/secret"}}}');
    expect(reading.found("sandbox.filesystem.denyRead")[0]?.value).toEqual(["~/secret"]);
    expect(said(reading.problems)).toEqual([
      "warning 1:41 `sandbox.filesystem.denyRead` must be a list; the string is read as its only entry",
    ]);
  });
});

describe("keys that are not where they should be", () => {
  it.each([
    [
      '{"permissions": {"dney": ["Read(.env)"]}}',
      ["deny Read(.env)"],
      "error 1:18 unknown key `permissions.dney`; it is read as `permissions.deny`",
    ],
    [
      '{"permissions": {"Deny": "Read(.env)"}}',
      ["deny Read(.env)"],
      "error 1:18 unknown key `permissions.Deny`",
    ],
    [
      '{"permissions": {"asks": ["WebFetch"]}}',
      ["ask WebFetch"],
      "error 1:18 unknown key `permissions.asks`",
    ],
    ['{"permissions": {"allows": ["WebFetch"]}}', [], "warning 1:18 unknown key `permissions.allows`"],
    [
      '{"permissions": {"deniedTool": ["WebFetch"]}}',
      ["deny WebFetch"],
      "error 1:18 unknown key `permissions.deniedTool`",
    ],
    ['{"permissions": {"zzz": 1}}', [], "warning 1:18 unknown key `permissions.zzz`"],
    ['{"sandbox": {"enable": true}}', [], "warning 1:14 unknown key `sandbox.enable`"],
    [
      '{"sandbox": {"network": {"allowDomains": []}}}',
      [],
      "warning 1:26 unknown key `sandbox.network.allowDomains`",
    ],
    ['{"cordon": {"mode": "plan"}}', [], "warning 1:13 unknown key `cordon.mode`"],
    [
      '{"deny": ["Edit"]}',
      ["deny Edit"],
      "error 1:2 `deny` stands outside of `permissions`; its rules hold all the same",
    ],
    ['{"ask": ["Edit"]}', ["ask Edit"], "error 1:2 `ask` stands outside"],
    ['{"allow": ["Edit"]}', [], "warning 1:2 `allow` stands outside of `permissions` and approves nothing"],
    ['{"permissions.deny": ["Edit"]}', ["deny Edit"], "error 1:2 `permissions.deny` stands outside"],
    [
      '{"permissions.defaultMode": "plan"}',
      [],
      "warning 1:2 `permissions.defaultMode` is one key with a dot in it",
    ],
    ['{"sandbox.enabled": false}', [], "warning 1:2 `sandbox.enabled` is one key with a dot in it"],
    [
      '{"permission": {"deny": ["Edit"], "allow": ["Bash"]}}',
      ["deny Edit"],
      "error 1:2 unknown key `permission`; deny and ask rules in it hold",
    ],
    ['{"Permissions": {"ask": ["Edit"]}}', ["ask Edit"], "error 1:2 unknown key `Permissions`"],
  ])("%s", (text, rules, message) => {
    const reading = readingOf("user", text);
    expect(matched(reading)).toEqual(rules);
    expect(
      said(reading.problems).some((line) => line.startsWith(message)),
      said(reading.problems).join("\n"),
    ).toBe(true);
  });

  it.each([
    '{"colour": "x"}',
    '{"theme": {"deny": 1}}',
    '{"permissionless": true}',
    '{"statusLine": {}}',
    '{"__proto__": {"permissions": {"allow": ["Bash"]}}}',
    '{"toString": 1, "constructor": {}}',
    '{"a.b": 1}',
  ])("%s belongs to other programs and passes silently", (text) => {
    const reading = readingOf("user", text);
    expect(reading.problems).toEqual([]);
    expect(reading.rules).toEqual([]);
  });

  it("give the nearest key as a hint", () => {
    const hints = readingOf(
      "user",
      '{"sandbox": {"enabeld": true, "zzzzzzzz": 1}, "cordon": {"audit": {"pth": ""}}}',
    ).problems.map(({ hint }) => hint);
    expect(hints).toEqual(["did you mean `enabled`?", undefined, "did you mean `path`?"]);
  });

  it("are listed up to a number", () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`odd${index}`, 1]));
    const { problems } = readingOf("user", { permissions: many });
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.message).toBe("980 more unknown keys");
  });

  it("keys named like members of objects do not break loading", () => {
    const text =
      '{"permissions": {"__proto__": {"deny": ["Bash"]}, "toString": ["x"], "deny": ["__proto__", "toString(x)", "constructor"]}}';
    const reading = readingOf("user", text);
    expect(matched(reading).filter((rule) => rule.startsWith("deny"))).toEqual([
      "deny __proto__",
      "deny toString",
      "deny constructor",
    ]);
    expect(reading.problems.length).toBeGreaterThan(0);
  });
});

describe("keys that stand twice", () => {
  it.each([
    ['{"permissions": {"deny": ["A(x)"], "deny": ["WebFetch"]}}', ["deny A", "deny WebFetch"]],
    [
      '{"permissions": {"deny": ["WebSearch"]}, "permissions": {"allow": ["Edit"]}}',
      ["deny WebSearch", "allow Edit"],
    ],
    ['{"permissions": {"allow": ["WebSearch"]}, "permissions": {"deny": ["Edit"]}}', ["deny Edit"]],
    ['{"permissions": {"allow": ["WebSearch"], "allow": ["Edit"]}}', ["allow Edit"]],
    ['{"permissions": {"ask": ["WebSearch"], "ask": []}}', ["ask WebSearch"]],
    ['{"deniedTools": ["WebSearch"], "deniedTools": []}', ["deny WebSearch"]],
  ])("%s loses no deny", (text, rules) => {
    const reading = readingOf("user", text);
    expect(matched(reading)).toEqual(rules);
    expect(said(reading.problems).join("\n")).toContain("stands more than once");
  });
});

describe("other spellings", () => {
  it.each([
    ['{"allowedTools": ["Edit"]}', ["allow Edit"], "`allowedTools` is read as `permissions.allow`"],
    ['{"deniedTools": ["Edit"]}', ["deny Edit"], "`deniedTools` is read as `permissions.deny`"],
    [
      '{"permissions": {"allowedTools": ["Edit", "WebSearch"]}}',
      ["allow Edit", "allow WebSearch"],
      "`permissions.allowedTools` is read as `permissions.allow`",
    ],
    [
      '{"permissions": {"deniedTools": ["Edit"]}}',
      ["deny Edit"],
      "`permissions.deniedTools` is read as `permissions.deny`",
    ],
    [
      '{"ignorePatterns": ["*.pem", "secrets/**"]}',
      ["deny Read(*.pem)", "deny Read(secrets/**)"],
      "`ignorePatterns` is read as `permissions.deny`",
    ],
  ])("%s", (text, rules, message) => {
    const reading = readingOf("user", text);
    expect(matched(reading)).toEqual(rules);
    expect(reading.problems.map(({ severity, message: text_ }) => [severity, text_])).toEqual([
      ["note", message],
    ]);
  });
});

describe("large files", () => {
  const rules = (count: number): string =>
    JSON.stringify(
      { permissions: { deny: Array.from({ length: count }, (_, index) => `Bash(npm run job-${index} *)`) } },
      undefined,
      2,
    );

  it("of ten megabytes are read, with their lines", () => {
    const text = rules(285_000);
    expect(text.length).toBeGreaterThan(10_000_000);
    const reading = readSettings(source("user", text), PLACE);
    expect(reading.rules).toHaveLength(285_000);
    expect(reading.rules.at(-1)?.line).toBe(285_003);
    expect(reading.problems).toEqual([]);
  });

  it.each([
    ["blanks before a bracket", `${" ".repeat(100_000)}x(`],
    ["blanks in a name", `a${" ".repeat(100_000)}(`],
    ["blanks in brackets", `Bash(${" ".repeat(100_000)}`],
    ["a long name", "A".repeat(1_000_000)],
    ["many brackets", "(".repeat(1_000_000)],
    ["many closing brackets", `Bash(${")".repeat(9000)}x`],
    ["many pipes", `Bash(${"|".repeat(9000)})`],
    ["many colons", `Bash(${":*".repeat(4500)})`],
    ["many underscores", `mcp__${"_".repeat(190)}*`],
  ])("do not stall on %s", (_name, text) => {
    for (const list of ["allow", "ask", "deny"]) {
      // Backtracking would take hours here: the test's own limit of time is what fails it.
      const reading = readingOf("user", { permissions: { [list]: [text] } });
      expect(reading.rules.length).toBeGreaterThanOrEqual(list === "allow" ? 0 : 1);
    }
  });
});
