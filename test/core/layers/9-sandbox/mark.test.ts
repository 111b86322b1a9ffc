import { describe, expect, it } from "vitest";
import {
  covers,
  exactPath,
  isExcept,
  markOfEntry,
  markOfPath,
  marksOfRule,
  matcherOf,
} from "../../../../src/core/layers/9-sandbox/mark.ts";
import { readRule } from "../../../../src/core/settings/rule.ts";

const HOME = "/home/u";
const CWD = "/home/u/ws";

function marks(text: string): ReturnType<typeof marksOfRule> {
  return readRule(text, "deny").readings.flatMap((reading) =>
    marksOfRule({ ...reading, text, scope: "project", anchor: CWD }, "denied-read", HOME, [CWD]),
  );
}

/** True when the rule's marks mean the path, as an entry or by a directory above it. */
function means(text: string, path: string): boolean {
  return marks(text).some((mark) => covers(mark, path));
}

describe("a path rule as marks", () => {
  it.each([
    ["Read(.env)", `${CWD}/.env`],
    ["Read(./.env)", `${CWD}/.env`],
    ["Read(.env)", `${CWD}/a/b/.env`],
    ["Read(secrets/**)", `${CWD}/secrets`],
    ["Read(secrets/**)", `${CWD}/secrets/a/b`],
    ["Read(secrets/**)", `${CWD}/deep/secrets/k`],
    ["Read(a/b)", `${CWD}/a/b/c`],
    ["Read(/src/*.key)", `${CWD}/src/x.key`],
    ["Read(~/notes/**)", `${HOME}/notes/x`],
    ["Read(//etc/passwd)", "/etc/passwd"],
    ["Read(//srv/**/k)", "/srv/a/b/k"],
    ["Read(//srv/**/k)", "/srv/k"],
    ["Read(*.pem)", `${CWD}/x/y.pem`],
    ["Read(f?o)", `${CWD}/fxo`],
    ["Read([a-c].txt)", `${CWD}/b.txt`],
    ["Read([!a].txt)", `${CWD}/b.txt`],
    ["Read(\\[x\\].txt)", `${CWD}/[x].txt`],
    ["Read(**)", CWD],
    ["Read(/**)", `${CWD}/any`],
    ["Read(~)", `${HOME}/x`],
    ["Read([z-a].txt)", `${CWD}/q.txt`],
    ["Read([[:alpha:]].txt)", `${CWD}/q.txt`],
    ["Read([\\]a].txt)", `${CWD}/].txt`],
    ["Read(?.txt)", `${CWD}/\u{1F511}.txt`],
    ["Read(../*.txt)", `${HOME}/a.txt`],
    ["Read(./../ws)", `${CWD}/a.txt`],
    ["Read(secrets/)", `${CWD}/a/secrets`],
  ])("%s means %s", (rule, path) => {
    expect(means(rule, path)).toBe(true);
  });

  it.each([
    ["Read(.env)", `${CWD}/.envx`],
    ["Read(.env)", `${HOME}/.env`],
    ["Read(a/b)", `${CWD}/x/a/b`],
    ["Read(/src/*.key)", `${CWD}/src/a/x.key`],
    ["Read(*.pem)", `${CWD}/xpem`],
    ["Read(f?o)", `${CWD}/f/o`],
    ["Read([!a].txt)", `${CWD}/a.txt`],
    ["Read([!a].txt)", `${CWD}/a/.txt`],
    ["Read(\\[x\\].txt)", `${CWD}/x.txt`],
    ["Read(a.c)", `${CWD}/abc`],
    ["Read(../x)", `${CWD}/x`],
    ["Read(//etc/passwd)", `${CWD}/etc/passwd`],
  ])("%s does not mean %s", (rule, path) => {
    expect(means(rule, path)).toBe(false);
  });

  it("asks the search for nothing where it names one path", () => {
    expect(marks("Read(//etc/passwd)").map(exactPath)).toEqual(["/etc/passwd"]);
    expect(marks("Read(**)").map(exactPath)).toEqual([CWD]);
    expect(marks("Read(.env)").map(exactPath)).toEqual([undefined]);
  });
});

describe("marks of lists", () => {
  it("take exceptions relative to the directory", () => {
    const mark = markOfEntry({ pattern: ".claude/", except: [".claude/plans/"], why: "" }, "protected", HOME);
    expect([isExcept(mark, "plans"), isExcept(mark, "plan"), isExcept(mark, "settings.json")]).toEqual([
      true,
      false,
      false,
    ]);
    const ssh = markOfEntry(
      { pattern: "~/.ssh/", except: ["known_hosts", "*.pub"], why: "" },
      "credential",
      HOME,
    );
    expect(exactPath(ssh)).toBe("/home/u/.ssh");
    expect([isExcept(ssh, "id.pub"), isExcept(ssh, "id_rsa"), isExcept(ssh, "known_hosts")]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("take the characters of a path for themselves", () => {
    const odd = "/a/[x]*?\\y";
    expect(exactPath(markOfPath(odd, "denied-read", odd, ""))).toBe(odd);
    expect(covers(markOfPath("/a/[x]", "denied-read", "", ""), "/a/x")).toBe(false);
  });

  it("are found by name at any depth, whatever bears it", () => {
    const list = [".vscode/", ".mcp.json", ".config/git/"].map((pattern) =>
      markOfEntry({ pattern, why: "" }, "protected", HOME),
    );
    const match = matcherOf(list);
    expect(match("/w/a", ".vscode")).toEqual([0]);
    expect(match("/", ".mcp.json")).toEqual([1]);
    expect(match("/w/.config", "git")).toEqual([2]);
    expect(match("/w/config", "git")).toEqual([]);
    expect(match("/w", "x.mcp.json")).toEqual([]);
  });
});
