import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDocument, valueOf } from "../../../src/core/settings/document.ts";
import { withRule } from "../../../src/host/settings/edit.ts";
import { SettingsFileError } from "../../../src/host/settings/error.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { removeRule, withoutRule } from "../../../src/host/settings/remove.ts";
import { saveRule } from "../../../src/host/settings/save.ts";
import { scene } from "../../cli/scene.ts";

const out = (text: string, rule = "b"): string => {
  const edited = withoutRule(text, "allow", rule);
  return edited.fault ?? edited.text;
};

describe("a text without a rule", () => {
  it.each([
    ['{"permissions":{"allow":["a","b"]}}', '{"permissions":{"allow":["a"]}}'],
    ['{"permissions":{"allow":["b","a"]}}', '{"permissions":{"allow":["a"]}}'],
    ['{"permissions":{"allow":["b"]}}', '{"permissions":{"allow":[]}}'],
    ['{"permissions": {"allow": ["a", "b", "c"]}}', '{"permissions": {"allow": ["a", "c"]}}'],
    ['{"permissions": {"allow": ["a", "b"]}}', '{"permissions": {"allow": ["a"]}}'],
    ['{"permissions": {"allow": ["b", "a", "b"]}}', '{"permissions": {"allow": ["a"]}}'],
    [
      '{\n  "permissions": {\n    "allow": [\n      "a",\n      "b",\n      "c"\n    ]\n  }\n}\n',
      '{\n  "permissions": {\n    "allow": [\n      "a",\n      "c"\n    ]\n  }\n}\n',
    ],
    [
      '{\n  "permissions": {\n    "allow": [\n      "a",\n      "b"\n    ]\n  }\n}\n',
      '{\n  "permissions": {\n    "allow": [\n      "a"\n    ]\n  }\n}\n',
    ],
    [
      '{"permissions": {\r\n "allow": [\r\n  // why a\r\n  "a", // here\r\n  "b", // there\r\n  /* c */ "c",\r\n ],},}\r\n',
      '{"permissions": {\r\n "allow": [\r\n  // why a\r\n  "a", // here\r\n  // there\r\n  /* c */ "c",\r\n ],},}\r\n',
    ],
    ['\uFEFF{"permissions":{"allow":["b"],"deny":["b"]}}', '\uFEFF{"permissions":{"allow":[],"deny":["b"]}}'],
    ['{"permissions":{"allow":["a"]}}', '{"permissions":{"allow":["a"]}}'],
    ["{}", "{}"],
  ])("%j", (before, after) => {
    expect(out(before)).toBe(after);
  });
  it.each([
    ['{"permissions":{"allow":["b"],"allow":["b"]}}', "stands twice"],
    ['{"permissions":{},"permissions":{"allow":["b"]}}', "stands twice"],
    ['{"permissions":{"allow":"b"}}', "is no list"],
    ['{"permissions":[]}', "is no object"],
    ["[]", "no object"],
    ['{"permissions":{"allow":["b"}', "no JSON"],
    ["", "is empty"],
  ])("is not made of %j, which %s", (text, why) => {
    expect(out(text)).toContain(why);
  });
  it("holds what a list without it holds, in any layout; putting in and taking out is nothing", () => {
    const blank = fc.constantFrom("", " ", "\n", "\n  ", " // x\n", "/* y */", "\r\n\t");
    const list = fc.tuple(
      fc.array(fc.tuple(blank, fc.constantFrom("a", "b", "c,]//", "d"), blank), { maxLength: 5 }),
      blank,
      fc.boolean(),
    );
    fc.assert(
      fc.property(list, ([items, end, trailing]) => {
        const body = items
          .map(([before, rule, after]) => `${before}${JSON.stringify(rule)}${after}`)
          .join(",");
        const text = `{"permissions": {"allow": [${body}${trailing && items.length > 0 ? "," : ""}${end}]}, "x": 1}`;
        const edited = withoutRule(text, "allow", "b");
        const { root } = readDocument(edited.text ?? "");
        expect(root && valueOf(root), text).toEqual({
          permissions: { allow: items.map(([, rule]) => rule).filter((rule) => rule !== "b") },
          x: 1,
        });
        for (const comment of ["// x", "/* y */"])
          expect(edited.text?.split(comment).length).toBe(text.split(comment).length);
        if (items.some(([, rule]) => rule === "d")) return;
        const added = withRule(text, "allow", "d");
        if (added.text !== undefined) {
          const back = readDocument(withoutRule(added.text, "allow", "d").text ?? "").root;
          const whole = readDocument(text).root;
          expect(back && valueOf(back)).toEqual(whole && valueOf(whole));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("taking a rule out of a file", () => {
  const at = () => {
    const here = scene();
    const state = join(here.home, ".local/state/cordon");
    const file = join(here.project, ".cordon/settings.local.json");
    const take = (rule: string): boolean => removeRule({ file, effect: "allow", rule, state });
    const trusted = (): boolean | undefined =>
      loadSources({
        root: here.project,
        cwd: here.project,
        home: here.home,
        env: {},
        ambient: true,
      }).sources.find((source) => source.file === file)?.trusted;
    return { ...here, state, file, take, trusted };
  };
  it("keeps a file of cordon's own trusted, and does not make another one so", () => {
    const { file, state, take, trusted, put } = at();
    for (const rule of ["Bash(a)", "Bash(b)"]) saveRule({ file, effect: "allow", rule, state });
    expect(trusted()).toBe(true);
    expect(take("Bash(a)")).toBe(true);
    expect(trusted()).toBe(true);
    expect(readFileSync(file, "utf8")).not.toContain("Bash(a)");
    expect(take("Bash(a)")).toBe(false);
    put("home/app/.cordon/settings.local.json", '{"permissions":{"allow":["Bash(evil)","Bash(b)"]}}');
    expect(take("Bash(b)")).toBe(true);
    expect(trusted()).toBe(false);
  });
  it("touches nothing it cannot read, and makes no file", () => {
    const { file, take, put } = at();
    expect(take("Bash(a)")).toBe(false);
    expect(existsSync(file)).toBe(false);
    put("home/app/.cordon/settings.local.json", '{"permissions":{"allow":["Bash(a)"}');
    expect(() => take("Bash(a)")).toThrow(SettingsFileError);
    expect(readFileSync(file, "utf8")).toBe('{"permissions":{"allow":["Bash(a)"}');
  });
  it("follows no link", () => {
    const { file, take, project, put } = at();
    const real = put("home/real.json", '{"permissions":{"allow":["Bash(a)"]}}');
    mkdirSync(join(project, ".cordon"));
    symlinkSync(real, file);
    expect(() => take("Bash(a)")).toThrow("is a link");
    writeFileSync(real, '{"permissions":{"allow":["Bash(a)"]}}');
    expect(readFileSync(real, "utf8")).toContain("Bash(a)");
  });
});
