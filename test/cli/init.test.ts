import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { initWith } from "../../src/cli/init.ts";
import { TEMPLATES, proposeSettings } from "../../src/core/settings/proposal.ts";
import { readRule } from "../../src/core/settings/rule.ts";
import { createGate } from "../../src/host/gate.ts";
import { lookAt } from "../../src/host/init/look.ts";
import { type Scene, runIn, scene } from "./scene.ts";

const yes = initWith(async () => "yes");
const no = initWith(async () => "no");
const nobody = initWith(async () => "nobody");

const PACKAGE = JSON.stringify({
  name: "app",
  scripts: {
    test: "vitest",
    build: "tsc",
    lint: "eslint .",
    deploy: "sh deploy.sh",
    "release:major": "x",
    "evil; rm -rf ~": "x",
    start: "node .",
    postinstall: "curl x | sh",
  },
});

function repository(files: Readonly<Record<string, string>>): Scene {
  const at = scene();
  for (const [name, text] of Object.entries(files)) at.put(`home/app/${name}`, text);
  return at;
}

const shared = (at: Scene): string => join(at.project, ".cordon/settings.json");
const local = (at: Scene): string => join(at.project, ".cordon/settings.local.json");

describe("what is proposed", () => {
  const rulesFor = (files: Readonly<Record<string, string>>, template: "plain" | "strict" | "ci" = "plain") =>
    proposeSettings(lookAt(repository(files).project), template).rules.map(
      ({ effect, rule }) => `${effect} ${rule}`,
    );

  it.each([
    [{ "package.json": PACKAGE }, ["Bash(npm test)", "Bash(npm run build)", "Bash(npm run lint)"]],
    [
      { "package.json": PACKAGE, "pnpm-lock.yaml": "" },
      ["Bash(pnpm test)", "Bash(pnpm run build)", "Bash(pnpm run lint)"],
    ],
    [
      { "package.json": PACKAGE, "yarn.lock": "" },
      ["Bash(yarn test)", "Bash(yarn run build)", "Bash(yarn run lint)"],
    ],
    [
      { "package.json": PACKAGE, "bun.lock": "" },
      ["Bash(bun run test)", "Bash(bun run build)", "Bash(bun run lint)"],
    ],
    [
      { "Cargo.toml": "" },
      [
        "Bash(cargo check)",
        "Bash(cargo build)",
        "Bash(cargo test)",
        "Bash(cargo clippy)",
        "Bash(cargo fmt --check)",
      ],
    ],
    [{ "go.mod": "" }, ["Bash(go build ./...)", "Bash(go test ./...)", "Bash(go vet ./...)"]],
    [
      { "pyproject.toml": "[tool.pytest.ini_options]\n[tool.ruff]\n", "uv.lock": "" },
      ["Bash(uv run pytest)", "Bash(uv run ruff check)"],
    ],
    [{ "pyproject.toml": "[project]\ndependencies = ['pytest']\n" }, []],
    [{ "pom.xml": "" }, ["Bash(mvn compile)", "Bash(mvn test)", "Bash(mvn verify)"]],
    [
      { "build.gradle.kts": "", gradlew: "" },
      ["Bash(./gradlew build)", "Bash(./gradlew test)", "Bash(./gradlew check)"],
    ],
    [
      { Makefile: "test: x\n\techo\nFOO := 1\n.PHONY: test\nclean:\n\trm\nlint:\n" },
      ["Bash(make test)", "Bash(make lint)"],
    ],
    [{ justfile: "test arg='x':\n  echo\ndeploy:\n  x\n" }, ["Bash(just test)"]],
    [{ "README.md": "" }, []],
    [{ "package.json": "{ broken" }, []],
  ])("for %j", (files, allowed) => {
    const rules = rulesFor(files);
    expect(rules.filter((rule) => rule.startsWith("allow ")).map((rule) => rule.slice(6))).toEqual(allowed);
    expect(rules).toContain("ask Bash(git push *)");
  });

  it("asks before what goes out, and knows no script by an odd name", () => {
    const rules = rulesFor({ "package.json": PACKAGE });
    expect(rules).toContain("ask Bash(npm run deploy)");
    expect(rules).toContain("ask Bash(npm run release:major)");
    expect(rules).toContain("ask Bash(npm publish *)");
    expect(rules.join()).not.toMatch(/evil|start|postinstall/);
  });

  it("is exact: no rule stands for more than one allowed command, and every rule reads", () => {
    const look = lookAt(repository({ "package.json": PACKAGE, "Cargo.toml": "", "go.mod": "" }).project);
    for (const template of TEMPLATES)
      for (const { effect, rule } of proposeSettings(look, template).rules) {
        const { readings, faults } = readRule(rule, effect);
        expect({ rule, readings: readings.length, faults }).toEqual({ rule, readings: 1, faults: [] });
        if (effect === "allow") expect(rule).not.toContain("*");
      }
  });

  it("allows nothing in advance with `strict`, and follows no link", () => {
    expect(rulesFor({ "package.json": PACKAGE }, "strict").join()).not.toContain("allow ");
    const at = repository({ "real.json": PACKAGE });
    symlinkSync(join(at.project, "real.json"), join(at.project, "package.json"));
    expect(lookAt(at.project).scripts).toEqual([]);
  });
});

describe("cordon init", () => {
  it("shows, asks, writes, and what it wrote holds once it counts", async () => {
    const at = repository({ "package.json": PACKAGE });
    const { status, out, err } = await runIn(at, yes, ["--local"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("found: JavaScript with npm");
    expect(out).toContain('+      "Bash(npm test)"');
    // A person's own file stays out of commits.
    expect(readFileSync(join(at.project, ".cordon/.gitignore"), "utf8")).toBe("settings.local.json\n");
    const gate = createGate({ cwd: at.project, home: at.home, env: at.env });
    const verdict = (command: string): string => gate.decide({ tool: "Bash", input: { command } }).verdict;
    expect(gate.problems).toEqual([]);
    expect(verdict("npm test")).toBe("allow");
    for (const command of [
      "npm test; rm -rf src",
      "npm test -- --config=/tmp/x",
      "npm run deploy",
      "npm run start",
    ])
      expect(verdict(command), command).toBe("ask");
  });

  it("writes the project's file, whose allow rules wait for trust", async () => {
    const at = repository({ "package.json": PACKAGE });
    const { status, err } = await runIn(at, yes, []);
    expect(status).toBe(0);
    expect(err).toContain("cordon trust");
    expect(JSON.parse(readFileSync(shared(at), "utf8")).permissions.allow).toContain("Bash(npm test)");
    const gate = createGate({ cwd: at.project, home: at.home, env: at.env });
    expect(gate.decide({ tool: "Bash", input: { command: "npm test" } }).verdict).toBe("ask");
  });

  it("adds to a file what is missing, and leaves every byte that stands there", async () => {
    const at = repository({ "package.json": PACKAGE });
    const text =
      '{\r\n\t// ours\r\n\t"permissions": {\r\n\t\t"allow": ["Bash(npm test)"], // kept\r\n\t},\r\n}\r\n';
    at.put("home/app/.cordon/settings.json", text);
    expect((await runIn(at, yes, ["--template", "team"])).status).toBe(0);
    const after = readFileSync(shared(at), "utf8");
    for (const piece of ["// ours\r\n", "// kept\r\n", '"Bash(npm test)"']) expect(after).toContain(piece);
    expect(after).toContain('"Bash(npm run build)"');
    expect(after.match(/Bash\(npm test\)/g)).toHaveLength(1);
    const again = await runIn(at, yes, ["--template", "team"]);
    expect(again.out).toContain("nothing to do");
    expect(readFileSync(shared(at), "utf8")).toBe(after);
  });

  it("keeps a key that says something else, and says so", async () => {
    const at = repository({ "go.mod": "" });
    at.put("home/app/.cordon/settings.json", '{"permissions": {"defaultMode": "plan"}}');
    const { out } = await runIn(at, yes, ["--template", "ci"]);
    expect(out).toContain("permissions.defaultMode says something else than dontAsk; it stays");
    expect(JSON.parse(readFileSync(shared(at), "utf8")).permissions.defaultMode).toBe("plan");
  });

  it.each([
    ["nobody agrees", no, [], "nothing was changed"],
    ["there is no terminal", nobody, [], "add `--yes`"],
  ])("changes nothing where %s", async (_, command, argv, message) => {
    const at = repository({ "go.mod": "" });
    const { status, err } = await runIn(at, command, argv);
    expect(status).toBe(126);
    expect(err).toContain(message);
    expect(existsSync(join(at.project, ".cordon"))).toBe(false);
  });

  it("changes nothing with --dry-run, and nothing for an agent", async () => {
    const at = repository({ "go.mod": "" });
    expect((await runIn(at, nobody, ["--dry-run"])).status).toBe(0);
    const agent = await runIn({ ...at, env: { ...at.env, CLAUDECODE: "1" } }, yes, ["--yes"]);
    expect(agent.status).toBe(126);
    expect(agent.err).toContain("CLAUDECODE is set");
    expect(existsSync(join(at.project, ".cordon"))).toBe(false);
  });

  it("prints one JSON object", async () => {
    const at = repository({ "go.mod": "" });
    const { status, out, writes } = await runIn(at, nobody, ["--json", "--yes"]);
    expect({ status, writes }).toEqual({ status: 0, writes: 1 });
    expect(JSON.parse(out)).toMatchObject({
      template: "plain",
      found: ["Go"],
      result: "done",
      file: shared(at),
      kept: [],
    });
  });

  it.each([
    [["--template", "lax"], /no template `lax`/],
    [["a", "b"], /`b` is too many/],
    [[""], /the directory is empty/],
    [["--frob"], /--frob/],
    [["nowhere"], /empty or no directory/],
  ])("refuses %j", async (argv, message) => {
    const at = repository({ "go.mod": "" });
    const { status, err } = await runIn(at, yes, argv);
    expect(status).toBe(64);
    expect(err).toMatch(message);
  });

  it("asks for a directory where the one it would take lies in a checkout", async () => {
    const at = repository({ "go.mod": "", ".git/HEAD": "", "sub/go.mod": "" });
    const sub = { ...at, project: join(at.project, "sub") };
    const { status, err } = await runIn(sub, yes, []);
    expect(status).toBe(64);
    expect(err).toBe(
      `cordon init: ${sub.project} lies in a checkout, whose top is ${at.project}\n` +
        `  hint: \`cordon init ${at.project}\` for all of it, \`cordon init .\` for sessions that start here\n`,
    );
    expect(existsSync(shared(sub)) || existsSync(shared(at))).toBe(false);
    expect((await runIn(sub, yes, ["."])).status).toBe(0);
    expect(existsSync(shared(sub))).toBe(true);
    expect((await runIn(sub, yes, [".."])).status).toBe(0);
    expect(existsSync(shared(at))).toBe(true);
    expect((await runIn(at, yes, ["--dry-run"])).status).toBe(0);
  });

  it("touches no file it cannot read, no link, and no local file of somebody else's", async () => {
    const at = repository({ "go.mod": "" });
    at.put("home/app/.cordon/settings.json", '{"permissions": ');
    expect((await runIn(at, yes, [])).status).toBe(78);
    expect(readFileSync(shared(at), "utf8")).toBe('{"permissions": ');
    at.put("home/app/.cordon/settings.local.json", '{"permissions": {"allow": ["Bash"]}}');
    const foreign = await runIn(at, yes, ["--local"]);
    expect(foreign.status).toBe(78);
    expect(foreign.err).toContain("was not written by cordon");
    expect(readFileSync(local(at), "utf8")).toBe('{"permissions": {"allow": ["Bash"]}}');
    rmSync(join(at.project, ".cordon"), { recursive: true });
    mkdirSync(join(at.top, "elsewhere"));
    symlinkSync(join(at.top, "elsewhere"), join(at.project, ".cordon"));
    expect((await runIn(at, yes, [])).status).toBe(78);
    writeFileSync(join(at.top, "target.json"), "{}");
    rmSync(join(at.project, ".cordon"));
    mkdirSync(join(at.project, ".cordon"));
    symlinkSync(join(at.top, "target.json"), shared(at));
    expect((await runIn(at, yes, [])).status).toBe(78);
    expect(readFileSync(join(at.top, "target.json"), "utf8")).toBe("{}");
  });
});
