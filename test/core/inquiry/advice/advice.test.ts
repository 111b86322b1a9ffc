/** What a person is told about a rule, as a table: effect, scope, rule, kind of remark, words of the reason, the fix. */
import { describe, expect, it } from "vitest";
import { adviseOn, adviseOnFaults, adviseOnRule } from "../../../../src/core/inquiry/advice/advice.ts";
import type { Advice } from "../../../../src/core/inquiry/advice/remark.ts";
import { listRules } from "../../../../src/core/settings/listed.ts";
import { buildPolicy } from "../../../../src/core/settings/merge.ts";
import { readSettings } from "../../../../src/core/settings/read.ts";
import type { SettingsSource } from "../../../../src/core/settings/source.ts";
import { HOME, ROOT } from "../../cases/world.ts";

const PLACE = { root: ROOT, cwd: ROOT, home: HOME };

function sourceOf(scope: "project" | "user", effect: string, rules: readonly unknown[]): SettingsSource {
  const anchor = scope === "user" ? `${HOME}/.config/cordon` : ROOT;
  const text = JSON.stringify({ permissions: { [effect]: rules } });
  return { scope, text, trusted: true, repository: false, anchor, base: anchor };
}

function adviceFor(scope: "project" | "user", effect: string, rule: unknown): readonly Advice[] {
  const source = sourceOf(scope, effect, [rule]);
  const [entry] = listRules(source);
  const { rules } = readSettings(source, PLACE);
  return [
    ...(entry === undefined ? [] : adviseOnFaults(entry.text, entry.faults, entry.reads)),
    ...rules.flatMap((each) => adviseOnRule(each, PLACE)),
  ];
}

type Row = readonly [
  effect: "allow" | "ask" | "deny",
  rule: string,
  why: string,
  fix?: string,
  scope?: "user" | "project",
];

const NEVER: readonly Row[] = [
  ["allow", "Read(C:\\Users\\me\\x)", "drive letters", "Read(//Users/me/x)"],
  ["allow", "Edit(C:/x)", "drive letters", "Edit(//x)"],
  ["allow", "Foo(bar)", "unknown tool `Foo`"],
  ["allow", "Write(src/**)", "never consulted", "Edit(src/**)"],
  ["allow", "Glob(src/**)", "never consulted", "Read(src/**)"],
  ["allow", "MultiEdit(a)", "never consulted", "Edit(a)"],
  ["allow", "NotebookEdit(a.ipynb)", "never consulted", "Edit(a.ipynb)"],
  ["allow", "Bash(npm test && npm run lint)", "spells an operator", "one rule for each command"],
  ["allow", "Bash(cat x | sort)", "spells an operator"],
  ["allow", "Bash()", "empty parentheses", "Bash"],
  ["allow", "Bash(npm test", "cannot be read"],
  ["allow", "mcp__*", "literal `mcp__<server>__`"],
  ["allow", "*", "literal `mcp__<server>__`"],
  ["allow", "B*", "literal `mcp__<server>__`"],
  ["allow", "Bash(run_in_background:true)", "deny and ask only"],
  ["allow", "Agent(model:opus)", "deny and ask only"],
  ["allow", "WebFetch(https://example.com/x)", "an address as it is typed", "WebFetch(domain:example.com)"],
  ["allow", "WebFetch(example.com)", "means nothing for WebFetch", "WebFetch(domain:example.com)"],
  ["allow", "WebSearch(cats)", "means nothing for WebSearch"],
  ["allow", "mcp__a__b(x)", "means nothing for mcp__a__b"],
  [
    "allow",
    "WebFetch(domain:https://example.com)",
    "no protocol, port, user or path",
    "WebFetch(domain:example.com)",
  ],
  [
    "allow",
    "WebFetch(domain:example.com/docs)",
    "no protocol, port, user or path",
    "WebFetch(domain:example.com)",
  ],
  [
    "deny",
    "WebFetch(domain:example.com:8080)",
    "no protocol, port, user or path",
    "WebFetch(domain:example.com)",
  ],
  [
    "deny",
    "WebFetch(domain:a@example.com)",
    "no protocol, port, user or path",
    "WebFetch(domain:example.com)",
  ],
  ["deny", "WebFetch(domain:bücher.de)", "xn--"],
  ["allow", "Read(src/../.env.example)", "`..`"],
  ["allow", "Edit(./src/./a.ts)", "`.`, `..`", "src/a.ts"],
  ["allow", "Read(src//a.ts)", "empty names", "src/a.ts"],
];

const UNLIKELY: readonly Row[] = [
  ["deny", "Read(C:\\Users\\me\\x)", "drive letters", "Read(//Users/me/x)"],
  ["deny", "Edit(src\\app.ts)", "a backslash makes", "Edit(src/app.ts)"],
  ["allow", "Bsh", "unknown tool `Bsh`", "Bash"],
  ["allow", "bash", "unknown tool", "Bash"],
  ["deny", "Reed", "unknown tool", "Read"],
  ["deny", "Frobnicate", "unknown tool"],
  ["allow", "Bash(~/notes)", "names a path", "Read(~/notes)"],
  ["deny", "Bash(/etc/*)", "names a path", "Read(//etc/*)"],
  ["deny", "Bash(src/**)", "names a path", "Read(src/**)"],
  ["allow", "Bash(~/bin/tool --x)", "no directory in the name of a program"],
  ["allow", "Bash(npm run test:*)", "not `npm run test:x`", "Bash(npm run test:x)"],
  ["allow", "Bash(git )", "blank at the end is dropped", "Bash(git *)"],
  ["allow", "Bash(^npm .*$)", "regular expression"],
  ["deny", "Bash(rm .*)", "regular expression"],
  ["allow", "Bash(echo hi > out.txt)", "redirects", "Edit rule"],
  ["allow", 'Bash(git commit -m "*")', "quotes are taken off", "Bash(git commit -m *)"],
  ["allow", "Bash(cat $HOME/x)", "variable"],
  ["allow", "Bash(echo $(date))", "substitution"],
  ["allow", "Bash(cd src)", "judged by its paths", "remove it"],
  ["allow", "Bash(sudo *)", "runs any other command", "without a star"],
  ["allow", "Bash(env *)", "runs any other command"],
  ["deny", "Read(C:/secret)", "drive letters", "Read(//secret)"],
  ["deny", "Read(\\\\server\\share)", "a backslash makes", "Read(//server/share)"],
  ["deny", 'Read(".env")', "quotes are part", "Read(.env)"],
  ["deny", "Read($HOME/.ssh)", "variables are not expanded", "Read(~/.ssh)"],
  [
    "allow",
    "Read(~/.ssh/**)",
    "only a user or managed rule opens a credential store",
    "remove it",
    "project",
  ],
  [
    "allow",
    "Edit(~/.kube/*)",
    "only a user or managed rule opens a credential store",
    "remove it",
    "project",
  ],
  ["deny", "Read(${HOME}/.ssh)", "variables are not expanded", "Read(~/.ssh)"],
  ["deny", "Read($XDG_DATA_HOME/x)", "variables are not expanded"],
  ["deny", "Read(~bob/.ssh)", "this person"],
  ["allow", "Read(!src)", "no exceptions"],
  ["deny", "Read(src/{a,b}.ts)", "braces stand for themselves"],
  ["deny", "Read(file:///etc/passwd)", "an address", "Read(//etc/passwd)"],
  ["deny", "Read(https://example.com)", "an address", "WebFetch"],
  ["deny", "Read(a.ts, b.ts)", "comma"],
  ["deny", "Read(/etc/passwd)", "one slash stands for", "Read(//etc/passwd)"],
  ["allow", "Edit(/tmp/**)", "one slash stands for", "Edit(//tmp/**)"],
  ["deny", `Read(${HOME}/.ssh/**)`, "one slash stands for", "Read(~/.ssh/**)"],
  ["deny", "Read(/src/secret.ts)", "directory of the settings file", "Read(src/secret.ts)", "user"],
  ["deny", "Read(////etc/passwd)", "two slashes", "Read(//etc/passwd)"],
  ["allow", "Edit(.cordon/settings.json)", "cordon's own settings"],
];

const BROAD: readonly Row[] = [
  ["allow", "Bash", "every command"],
  ["allow", "Bash(*)", "every command"],
  ["allow", "Bash(npm *)", "scripts of package.json", "Bash(npm run build)"],
  ["allow", "Bash(npm:*)", "scripts of package.json"],
  ["allow", "Bash(npm run *)", "runs anything that the project"],
  ["allow", "Bash(npx *)", "any package"],
  ["allow", "Bash(python *)", "any code"],
  ["allow", "Bash(python3 -c *)", "runs anything"],
  ["allow", "Bash(node:*)", "any code"],
  ["allow", "Bash(bash *)", "any command"],
  ["allow", "Bash(sh -c *)", "runs anything"],
  ["allow", "Bash(make *)", "build file", "Bash(make test)"],
  ["allow", "Bash(cargo *)", "builds packages"],
  ["allow", "Bash(go run *)", "runs anything"],
  ["allow", "Bash(docker *)", "containers"],
  ["allow", "Bash(docker exec *)", "runs anything"],
  ["allow", "Bash(ssh *)", "other machines"],
  ["allow", "Read(~/.ssh/**)", "keys that open other machines", "leave it out", "user"],
  ["allow", "Read(~/.aws/credentials)", "cloud credentials", "leave it out", "user"],
  ["allow", "Edit(~/.kube/*)", "cluster credentials", "leave it out", "user"],
  ["allow", "Bash(curl *)", "any address"],
  ["allow", "Bash(rm *)", "any file"],
  ["allow", "Bash(aws *)", "outside this machine"],
  ["allow", "Bash(git *)", "some of its options"],
  ["allow", "Bash(/usr/bin/python3 *)", "any code"],
  ["allow", "Bash(ls*)", "`lsof` too", "Bash(ls *)"],
  ["allow", "Bash(npm*)", "begins with `npm`", "Bash(npm *)"],
  ["allow", "Bash(npm test*)", "`npm testx` too", "Bash(npm test *)"],
  ["allow", "Bash(* --version)", "any program"],
  ["allow", "Bash(*--help)", "any program"],
  ["allow", "Bash(git * main)", "star in the middle"],
  ["allow", "Bash(python)", "piped into it"],
  ["allow", "Read", "every reading tool"],
  ["allow", "Read(**)", "secrets such as `.env`"],
  ["allow", "Read(/**)", "secrets such as `.env`"],
  ["allow", "Read(//**)", "every file of the machine"],
  ["allow", "Read(~/**)", "home directory"],
  ["allow", "Read(//etc/**)", "whole part of the system"],
  ["allow", "Read(.env)", "secrets in it"],
  ["allow", "Edit", "run later"],
  ["allow", "Write", "run later"],
  ["allow", "Edit(**)", "run later", "Edit(src/**)"],
  ["allow", "Edit(*.ts)", "any depth", "Edit(src/**/*.ts)"],
  ["allow", "Edit(package.json)", "runs later"],
  ["allow", "Edit(.github/workflows/**)", "runs later"],
  ["allow", "WebFetch", "every address"],
  ["allow", "WebFetch(domain:*)", "every address"],
  ["allow", "WebFetch(domain:*.com)", "below `com`"],
  ["allow", "WebFetch(domain:*.co.uk)", "below `co.uk`"],
  ["allow", "WebFetch(domain:*.github.io)", "anybody can publish", "NAME.github.io"],
  ["allow", "WebFetch(domain:example.*)", "anybody may own"],
  ["allow", "mcp__github", "every tool of the server `github`", "mcp__github__TOOL"],
  ["allow", "mcp__github__*", "every tool of the server `github`"],
  ["allow", "mcp__db__*_all", "name ends so"],
  ["allow", "Agent", "every agent"],
  ["allow", "Task", "every agent"],
  ["allow", "Skill", "every skill"],
  ["allow", "WebSearch", "words of the project"],
];

const MISREAD: readonly Row[] = [
  ["deny", "Write(src/**)", "read as `Edit(src/**)`", "Edit(src/**)"],
  ["ask", "Grep(secrets)", "read as `Read(secrets)`", "Read(secrets)"],
  ["deny", "Bash(git:* push)", "not at the end"],
  ["deny", "Bash(rm -rf x && ls)", "spells an operator"],
  ["deny", "Read(file_path:.env)", "main field"],
];

const SOUND: readonly (readonly [string, string])[] = [
  "Bash(npm test)",
  "Bash(npm run build)",
  "Bash(git status *)",
  "Bash(git commit -m *)",
  "Bash(./build.sh)",
  "Bash(ls *)",
  "Bash(make test)",
  "Bash(npm test -- *)",
  "Bash(python scripts/report.py *)",
  "Read(//etc/hosts)",
  "Read(docs/**)",
  "Edit(src/**)",
  "Edit(/src/a.ts)",
  "Edit(docs/*.md)",
  "Read(~/notes/**)",
  "WebFetch(domain:docs.example.com)",
  "WebFetch(domain:*.example.com)",
  "mcp__github__get_issue",
  "mcp__github__get_*",
  "Agent(Explore)",
  "Skill(commit)",
].map((rule) => ["allow", rule] as const);
const SOUND_DENY: readonly (readonly [string, string])[] = [
  "Bash",
  "Bash(rm *)",
  "Bash(*curl*)",
  "Bash(git push --force *)",
  "Read(.env)",
  "Read(**/*.pem)",
  "Read(//etc/**)",
  "Edit(.github/**)",
  "WebFetch",
  "mcp__*",
  "*",
  "Agent(model:opus)",
  "Bash(run_in_background:true)",
  "Read(~/.ssh/**)",
].map((rule) => ["deny", rule] as const);

describe.each([
  ["never", NEVER],
  ["unlikely", UNLIKELY],
  ["broad", BROAD],
  ["misread", MISREAD],
] as const)("rules marked %s", (kind, rows) => {
  it.each(rows.map((row) => [row] as const))("%j", ([effect, rule, why, fix, scope]) => {
    const [first] = adviceFor(scope ?? "project", effect, rule);
    expect(first).toMatchObject({ kind, why: expect.stringContaining(why) });
    expect(first?.fix).toContain(fix ?? "");
    expect(first?.fix).not.toBe("");
  });
});

describe("rules that are as they look", () => {
  it.each([...SOUND, ...SOUND_DENY])("%s %s", (effect, rule) => {
    expect(adviceFor("project", effect, rule)).toEqual([]);
  });
  it("are judged beside the others too", () => {
    const policy = buildPolicy(
      [sourceOf("project", "deny", ["Bash(npm *)"]), sourceOf("user", "allow", ["Bash(npm test)"])],
      PLACE,
      "x",
    );
    const advice = adviseOn(policy.rules, PLACE);
    expect([...advice].map(([{ text }, [first]]) => [text, first?.kind, first?.fix])).toEqual([
      [
        "Bash(npm test)",
        "never",
        "remove it, or narrow that rule: deny beats allow, however narrow the allow is",
      ],
    ]);
  });
});

describe("the fix", () => {
  const rows: readonly Row[] = [...NEVER, ...UNLIKELY, ...BROAD, ...MISREAD];
  const written = rows.flatMap(([effect, rule, , , scope]) =>
    adviceFor(scope ?? "project", effect, rule)
      .slice(0, 1)
      .flatMap(({ fix }) => [...fix.matchAll(/`((?:Bash|Read|Edit|WebFetch)(?:\([^`]*\))?)`/g)])
      .map(([, text = ""]) => [effect, rule, text] as const),
  );
  it.each(written.filter(([, , text]) => !/DIRECTORY|NAME|:x\)|\.\.\./.test(text)))(
    "for %s %s is a rule that reads: %s",
    (effect, _rule, text) => {
      const [entry] = listRules(sourceOf("project", effect, [text]));
      expect(entry?.faults).toEqual([]);
    },
  );
});
