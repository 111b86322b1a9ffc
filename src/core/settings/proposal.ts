import type { RuleEffect } from "./rule.ts";

/** What stands in a repository, as far as settings can be proposed from it. */
export interface RepositoryLook {
  /** Names in the top directory. */
  readonly names: ReadonlySet<string>;
  /** Names of the scripts in package.json. */
  readonly scripts: readonly string[];
  /** Targets of the Makefile, recipes of the justfile. */
  readonly targets: readonly string[];
  readonly recipes: readonly string[];
  /** Tools that pyproject.toml or its fellows configure. */
  readonly pythonTools: readonly string[];
}

/** One entry of the proposed settings, and why it is there. */
export interface ProposedRule {
  readonly effect: RuleEffect;
  readonly rule: string;
  readonly why: string;
}

export interface ProposedKey {
  readonly path: readonly string[];
  readonly value: boolean | string;
  readonly why: string;
}

export interface Proposal {
  /** What was recognised, in words. */
  readonly found: readonly string[];
  readonly rules: readonly ProposedRule[];
  readonly keys: readonly ProposedKey[];
}

/** Which settings a repository gets: what most want, or a shape for a purpose. */
export const TEMPLATES = ["plain", "strict", "team", "ci"] as const;
export type Template = (typeof TEMPLATES)[number];

/** Names of scripts and targets that test, check or build, and do it in the checkout. */
const HARMLESS =
  /^(?:test|tests|unit|check|checks|lint|typecheck|type-check|types|tsc|build|compile|verify|format:check|fmt:check|prettier:check|lint:check|test:unit|vet|clippy)$/;
/** Names that bring something out into the world. */
const OUTBOUND = /(?:^|[:_-])(?:deploy|publish|release|ship|upload|promote)(?:$|[:_-])/;

/**
 * Settings of least privilege for a repository: exact commands that test, check and build may run;
 * what leaves the machine asks. Nothing that is not in the repository is allowed, and no pattern
 * that stands for more than one command.
 */
export function proposeSettings(look: RepositoryLook, template: Template): Proposal {
  const tools = toolchains(look);
  const commands = tools.flatMap(({ commands: list }) => list);
  const outbound = tools.flatMap(({ outbound: list }) => list);
  const allow = commands.map(({ command, why }): ProposedRule => ({
    effect: "allow",
    rule: `Bash(${command})`,
    why,
  }));
  const ask = [
    { effect: "ask", rule: "Bash(git push *)", why: "what is pushed is out in the world" } as const,
    ...outbound.map(({ command, why }): ProposedRule => ({ effect: "ask", rule: `Bash(${command})`, why })),
  ];
  const secrets = [
    { effect: "deny", rule: "Read(.env)", why: "secrets of this environment" },
    { effect: "deny", rule: "Read(.env.*)", why: "secrets of other environments" },
    { effect: "deny", rule: "Read(*.pem)", why: "private keys" },
  ] as const;
  const noBypass: ProposedKey = {
    path: ["permissions", "disableBypassPermissionsMode"],
    value: "disable",
    why: "nobody works here with permissions skipped",
  };
  const confined: ProposedKey = {
    path: ["sandbox", "failIfUnavailable"],
    value: true,
    why: "without a working sandbox `cordon run` runs nothing",
  };
  const inside: ProposedKey = {
    path: ["sandbox", "allowUnsandboxedCommands"],
    value: false,
    why: "no command may ask to leave the sandbox",
  };
  const found = tools.map(({ name }) => name);
  switch (template) {
    case "plain":
      return { found, rules: [...allow, ...ask], keys: [] };
    case "team":
      return { found, rules: [...allow, ...ask, ...secrets], keys: [noBypass] };
    case "strict":
      return { found, rules: [...ask, ...secrets], keys: [noBypass, confined, inside] };
    case "ci":
      return {
        found,
        rules: [...allow, ...secrets],
        keys: [
          {
            path: ["permissions", "defaultMode"],
            value: "dontAsk",
            why: "nobody is there to answer: what is not allowed is denied",
          },
          noBypass,
          confined,
          inside,
        ],
      };
  }
}

interface Command {
  readonly command: string;
  readonly why: string;
}

interface Toolchain {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly outbound: readonly Command[];
}

function toolchains(look: RepositoryLook): readonly Toolchain[] {
  const { names } = look;
  const list: Toolchain[] = [];
  if (names.has("package.json")) list.push(node(look));
  if (names.has("Cargo.toml"))
    list.push({
      name: "Rust with cargo",
      commands: each("cargo check", "cargo build", "cargo test", "cargo clippy", "cargo fmt --check"),
      outbound: [{ command: "cargo publish *", why: "publishes a crate" }],
    });
  if (names.has("go.mod"))
    list.push({
      name: "Go",
      commands: each("go build ./...", "go test ./...", "go vet ./..."),
      outbound: [],
    });
  if (look.pythonTools.length > 0 || names.has("pyproject.toml") || names.has("requirements.txt"))
    list.push(python(look));
  if (names.has("pom.xml"))
    list.push({
      name: "Java with Maven",
      commands: each("mvn compile", "mvn test", "mvn verify"),
      outbound: [{ command: "mvn deploy *", why: "publishes what was built" }],
    });
  if (names.has("build.gradle") || names.has("build.gradle.kts")) {
    const gradle = names.has("gradlew") ? "./gradlew" : "gradle";
    list.push({
      name: "Gradle",
      commands: each(`${gradle} build`, `${gradle} test`, `${gradle} check`),
      outbound: [{ command: `${gradle} publish *`, why: "publishes what was built" }],
    });
  }
  if (look.targets.length > 0) list.push(runner("make", "a Makefile", "its target", look.targets));
  if (look.recipes.length > 0) list.push(runner("just", "a justfile", "its recipe", look.recipes));
  return list;
}

function each(...commands: readonly string[]): readonly Command[] {
  return commands.map((command) => ({ command, why: "builds or checks in the checkout" }));
}

function node({ names, scripts }: RepositoryLook): Toolchain {
  const manager = names.has("pnpm-lock.yaml")
    ? "pnpm"
    : names.has("yarn.lock")
      ? "yarn"
      : names.has("bun.lock") || names.has("bun.lockb")
        ? "bun"
        : "npm";
  const run = (script: string): string =>
    script === "test" && manager !== "bun" ? `${manager} test` : `${manager} run ${script}`;
  return {
    name: `JavaScript with ${manager}`,
    commands: scripts
      .filter((script) => HARMLESS.test(script))
      .map((script) => ({ command: run(script), why: `the script \`${script}\` of package.json` })),
    outbound: [
      ...scripts
        .filter((script) => OUTBOUND.test(script) && isPlain(script))
        .map((script) => ({ command: run(script), why: `the script \`${script}\` of package.json` })),
      { command: `${manager} publish *`, why: "publishes a package" },
    ],
  };
}

function python({ names, pythonTools }: RepositoryLook): Toolchain {
  const start = names.has("uv.lock") ? "uv run " : names.has("poetry.lock") ? "poetry run " : "";
  const calls: Readonly<Record<string, string>> = {
    pytest: "pytest",
    ruff: "ruff check",
    mypy: "mypy .",
    tox: "tox",
    nox: "nox",
  };
  return {
    name: start === "" ? "Python" : `Python with ${start.split(" ")[0] ?? ""}`,
    commands: pythonTools.flatMap((tool) => {
      const call = calls[tool];
      return call === undefined ? [] : [{ command: `${start}${call}`, why: `${tool} is set up here` }];
    }),
    outbound: [{ command: "twine upload *", why: "publishes a package" }],
  };
}

function runner(program: string, name: string, part: string, parts: readonly string[]): Toolchain {
  const line = (target: string): Command => ({
    command: `${program} ${target}`,
    why: `${part} \`${target}\``,
  });
  return {
    name,
    commands: parts.filter((target) => HARMLESS.test(target)).map(line),
    outbound: parts.filter((target) => OUTBOUND.test(target) && isPlain(target)).map(line),
  };
}

/** A name that stands for itself in a rule and on a command line. */
function isPlain(name: string): boolean {
  return /^[\w:.-]+$/.test(name);
}
