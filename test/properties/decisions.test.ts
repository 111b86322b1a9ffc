/** The laws of design.md, section 3, on whole decisions. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EFFECTS } from "../../src/core/call/effect.ts";
import type { Facts } from "../../src/core/call/facts.ts";
import { MODES } from "../../src/core/call/mode.ts";
import { type Setting, judgeBash, judgeIn } from "../core/cases/world.ts";

/** More runs for the deep tests. */
const SCALE = Number(process.env["CORDON_DEEP"] ?? "1");
const rank = (verdict: string): number => EFFECTS.findIndex((each) => each === verdict);
const COMMANDS = [
  "ls -la",
  "cat README.md",
  "cat .env",
  "cat /etc/passwd",
  "cat ~/.ssh/id_rsa",
  "grep -rn foo src",
  "git status",
  "git log --oneline -5",
  "git push --force origin main",
  "git push origin feature",
  "git reset --hard",
  "rm -rf /",
  "rm -rf src",
  "rm nt",
  "cat .env",
  "cat .e*",
  "echo x >> .env",
  "rm .env",
  "cp .env src",
  "cat < .env > .env",
  "cat /outside/x",
  "rm /outside/x",
  "echo x > /outside/x",
  "touch x",
  "npm test",
  "npm run build",
  "wget x",
  "curl https://example.com",
  "echo hi",
  "echo x > out.txt",
  "sed -i s/a/b/ src/app.ts",
  "find . -name x",
  "find . -delete",
  "python3 -c 'print(1)'",
  "frobnicate --all",
] as const;
const RULES = [
  "Bash(npm *)",
  "Bash(git *)",
  "Bash(rm *)",
  "Bash(wget *)",
  "Bash",
  "Bash(*)",
  "Read(.env)",
  "Read(src/**)",
  "Read(//outside/**)",
  "Edit(//outside/**)",
  "Edit(src/**)",
  "Edit",
  "Read",
  "Bash(echo:*)",
];

const command = fc.constantFrom(...COMMANDS);
const mode = fc.constantFrom(...MODES);
const rules = fc.subarray(RULES, { maxLength: 4 });
const setting: fc.Arbitrary<Setting> = fc
  .record({
    allow: rules,
    ask: fc.subarray(RULES, { maxLength: 1 }),
    deny: fc.subarray(RULES, { maxLength: 1 }),
    mode,
    sandboxed: fc.boolean(),
    auto: fc.boolean(),
  })
  .map(({ allow, ask, deny, mode: named, sandboxed, auto }) => ({
    settings: { permissions: { allow, ask, deny }, sandbox: { autoAllowBashIfSandboxed: auto } },
    mode: named,
    sandboxed,
  }));

/** The same command in another spelling: bash runs the same program with the same arguments. */
const SPELLINGS: readonly ((text: string) => string)[] = [
  (text) => text.replace(/^(\S)(\S*)/, "$1''$2"),
  (text) => text.replace(/^(\S+)/, '"$1"'),
  (text) => `\\${text}`,
  (text) => `  ${text}  `,
  (text) => text.replaceAll(" ", "\t "),
  (text) => `${text} # comment`,
  (text) => `\n${text}\n`,
];
/** Forms that run the command and maybe more. */
const WRAPPINGS: readonly ((text: string) => string)[] = [
  (text) => `( ${text} )`,
  (text) => `{ ${text}; }`,
  (text) => `! ${text}`,
  (text) => `if true; then ${text}; fi`,
  (text) => `for i in 1 2; do ${text}; done`,
  (text) => `true && ${text}`,
  (text) => `${text} | cat`,
  (text) => `echo $(${text})`,
  (text) => `sh -c '${text.replaceAll("'", `'\\''`)}'`,
  (text) => `eval '${text.replaceAll("'", `'\\''`)}'`,
  (text) => `env A=1 ${text}`,
  (text) => `sudo ${text}`,
  (text) => `timeout 5 ${text}`,
  (text) => `f() { ${text}; }; f`,
];

describe("decisions", () => {
  it("are not relaxed by quoting, blanks or comments", () => {
    fc.assert(
      fc.property(setting, command, fc.constantFrom(...SPELLINGS), (here, text, spell) => {
        const before = judgeBash(here, text);
        const after = judgeBash(here, spell(text));
        expect(rank(after.verdict), `${spell(text)}: ${after.why}`).toBeGreaterThanOrEqual(
          rank(before.verdict),
        );
      }),
      { numRuns: 400 * SCALE },
    );
  });
  it("are not relaxed by wrapping, except where a rule covers the wrapper", () => {
    const bare = setting.map((here): Setting => ({
      ...here,
      settings: { ...here.settings, permissions: { deny: ["Bash(wget *)"], ask: ["Bash(npm *)"] } },
    }));
    fc.assert(
      fc.property(bare, command, fc.constantFrom(...WRAPPINGS), (here, text, wrap) => {
        const before = judgeBash(here, text);
        const after = judgeBash(here, wrap(text));
        expect(rank(after.verdict), `${wrap(text)}: ${after.why}`).toBeGreaterThanOrEqual(
          rank(before.verdict),
        );
      }),
      { numRuns: 600 * SCALE },
    );
  });
  it("on a compound are never laxer than on its strictest part", () => {
    fc.assert(
      fc.property(
        setting,
        command,
        command,
        fc.constantFrom("; ", " && ", " || ", " | ", "\n", " & "),
        (here, a, b, operator) => {
          const both = judgeBash(here, a + operator + b);
          const strictest = Math.max(rank(judgeBash(here, a).verdict), rank(judgeBash(here, b).verdict));
          expect(rank(both.verdict), `${a}${operator}${b}: ${both.why}`).toBeGreaterThanOrEqual(strictest);
        },
      ),
      { numRuns: 600 * SCALE },
    );
  });
  it("are not relaxed by one more deny or ask rule", () => {
    fc.assert(
      fc.property(
        setting,
        command,
        fc.constantFrom(...RULES),
        fc.constantFrom("deny", "ask"),
        (here, text, rule, effect) => {
          const permissions = here.settings?.["permissions"] as Record<string, readonly string[]>;
          const more: Setting = {
            ...here,
            settings: {
              ...here.settings,
              permissions: { ...permissions, [effect]: [...(permissions[effect] ?? []), rule] },
            },
          };
          expect(rank(judgeBash(more, text).verdict)).toBeGreaterThanOrEqual(
            rank(judgeBash(here, text).verdict),
          );
        },
      ),
      { numRuns: 400 * SCALE },
    );
  });
  it("are not relaxed by a missing fact", () => {
    const none: Partial<Facts> = {
      paths: new Map(),
      globs: new Map(),
      branches: new Map(),
      trees: new Map(),
      below: new Map(),
      texts: new Map(),
      urls: new Map(),
    };
    const calls = fc.oneof(
      command.map((text) => ["Bash", { command: text }] as const),
      fc
        .constantFrom("README.md", ".env", "/etc/passwd", "keylink", "out/x", "package.json")
        .chain((file) =>
          fc
            .constantFrom("Read", "Edit", "Write", "Grep")
            .map((tool) => [tool, { file_path: file, path: file }] as const),
        ),
      fc
        .constantFrom("https://example.com", "http://localhost", "http://169.254.169.254/")
        .map((url) => ["WebFetch", { url }] as const),
    );
    fc.assert(
      fc.property(setting, calls, fc.constantFrom(...Object.keys(none)), (here, [tool, input], key) => {
        const full = judgeIn(here, tool, input);
        const blind = judgeIn({ ...here, facts: { [key]: none[key as keyof Facts] } }, tool, input);
        const blinder = judgeIn({ ...here, facts: none }, tool, input);
        expect(
          rank(blind.verdict),
          `${tool} ${JSON.stringify(input)} without ${key}: ${blind.why}`,
        ).toBeGreaterThanOrEqual(rank(full.verdict));
        expect(rank(blinder.verdict)).toBeGreaterThanOrEqual(rank(full.verdict));
      }),
      { numRuns: 600 * SCALE },
    );
  });
  it("are total: any text, any input, any mode", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 60 }),
        mode,
        (text, named) => void judgeBash({ mode: named }, text),
      ),
      { numRuns: 600 * SCALE },
    );
    fc.assert(
      fc.property(
        fc.string({ maxLength: 12 }),
        fc.dictionary(
          fc.constantFrom("command", "file_path", "path", "url", "pattern", "__proto__", "toString"),
          fc.jsonValue(),
        ),
        mode,
        (tool, input, named) => {
          const decision = judgeIn({ mode: named }, tool, input);
          expect(["allow", "ask", "deny"]).toContain(decision.verdict);
        },
      ),
      { numRuns: 400 * SCALE },
    );
  });
  it("name a rule whenever a rule denies, and that rule alone denies too", () => {
    fc.assert(
      fc.property(setting, command, (here, text) => {
        const decision = judgeBash(here, text);
        if (decision.code !== "rule.deny") return;
        expect(decision.rule).toBeDefined();
        const alone: Setting = { settings: { permissions: { deny: [decision.rule?.text ?? ""] } } };
        expect(judgeBash(alone, text).verdict).toBe("deny");
      }),
      { numRuns: 400 * SCALE },
    );
  });
});
