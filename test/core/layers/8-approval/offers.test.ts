import { describe, expect, it } from "vitest";
import { judgeBash, judgeIn } from "../../cases/world.ts";

const ASKED = [
  "npm test",
  "npm run build",
  "npm test -- --watch",
  "FOO=1 npm test",
  "git commit -m 'fix it'",
  "git commit -am x",
  "git -C . commit -m x",
  "git add src/app.ts",
  "mkdir -p a/b",
  "touch a b",
  "cp README.md b",
  "npm run lint && npm test",
  "git add README.md && git commit -m x && npm test",
  "timeout 5 npm test",
  "npx prettier --write src/app.ts",
  "pip install -r requirements.txt",
  "curl -s https://example.com",
  "rm -rf build",
  "sed -i s/a/b/ README.md",
  "cargo build --release",
  "make -j4 all",
  "frobnicate --all x",
];

describe("what is offered to be remembered", () => {
  it.each(ASKED)("lets this very call pass: %s", (command) => {
    const { verdict, offers } = judgeBash({}, command);
    expect(verdict).toBe("ask");
    expect(offers.length).toBeGreaterThan(0);
    for (const offer of offers) {
      const settings = { permissions: { allow: offer.map(({ rule }) => rule) } };
      expect(judgeBash({ settings }, command).verdict, JSON.stringify(offer)).toBe("allow");
    }
  });

  it.each([
    ["git reset --hard", "destroys"],
    ["rm -rf /", "critical"],
    ["npm test &", "goes on in the background"],
    ["npm test > out.txt", "writes by a redirect"],
    ["echo $(date) | sh", "is not known"],
    ["cat .env", "is a secret"],
    ["git push --force origin feature", "is a forced push"],
    ["npm test -- '*'", "holds a star"],
  ])("is nothing for %s, which %s", (command) => {
    const { verdict, offers } = judgeBash({}, command);
    expect(verdict).toBe("ask");
    expect(offers).toEqual([]);
  });

  it.each([
    ["git commit -m x", "Bash(git commit -m *)"],
    ["mkdir -p a", "Bash(mkdir -p *)"],
  ])("leaves the operands of %s free", (command, rule) => {
    expect(judgeBash({}, command).offers[1]).toMatchObject([{ rule }]);
  });

  it("leaves further operands free of what runs code only where it was given none", () => {
    expect(judgeBash({}, "npm test").offers[1]).toMatchObject([{ rule: "Bash(npm test *)" }]);
  });

  it.each([
    "rm -rf build",
    "git -C sub commit -m x",
    "cargo build x --release",
    "mv a b",
    "npm run build",
    "make -j4 all",
    "go run x.go",
    "cargo run --bin x",
    "git stash",
  ])("never leaves the operands of %s free", (command) =>
    expect(
      judgeBash({}, command)
        .suggestions.map(({ rule }) => rule)
        .join(),
    ).not.toContain("*"),
  );

  it("names the file, its pattern characters taken literally", () => {
    const { offers } = judgeIn({}, "Write", { file_path: "a[1]*.md", content: "" });
    expect(offers).toEqual([[{ rule: "Edit(/a\\[1\\]\\*.md)", destination: "local" }]]);
    const settings = { permissions: { allow: ["Edit(/a\\[1\\]\\*.md)"] } };
    expect(judgeIn({ settings }, "Write", { file_path: "a[1]*.md", content: "" }).verdict).toBe("allow");
    expect(judgeIn({ settings }, "Write", { file_path: "a1b.md", content: "" }).verdict).toBe("ask");
  });

  it("is nothing where only the organisation's rules count", () => {
    const managed = { allowManagedPermissionRulesOnly: true };
    expect(judgeBash({ managed }, "npm test").offers).toEqual([]);
  });
});
