import {
  type Command,
  EXIT,
  Interruption,
  type Terminal,
  UsageError,
  printable,
  usageError,
} from "./command.ts";

interface Listed {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every command, loaded only when it is run: start-up is on the path of each hook call. */
const COMMANDS: readonly Listed[] = [
  {
    name: "check",
    summary: "say what the gate decides about a tool call",
    load: async () => (await import("./check.ts")).command,
  },
  {
    name: "run",
    summary: "gate a command, ask, run it in the sandbox, record it",
    load: async () => (await import("./run.ts")).command,
  },
  {
    name: "sandbox",
    summary: "run a command in the sandbox, no questions",
    load: async () => (await import("./sandbox.ts")).command,
  },
  {
    name: "audit",
    summary: "verify and show the audit trail",
    load: async () => (await import("./audit.ts")).command,
  },
  {
    name: "hook",
    summary: "answer a hook of a coding agent",
    load: async () => (await import("./hook.ts")).command,
  },
  {
    name: "install",
    summary: "put cordon in front of a coding agent",
    load: async () => (await import("./install.ts")).install,
  },
  {
    name: "uninstall",
    summary: "take cordon out again",
    load: async () => (await import("./install.ts")).uninstall,
  },
  {
    name: "trust",
    summary: "let the settings of a project count",
    load: async () => (await import("./trust.ts")).command,
  },
  {
    name: "permissions",
    summary: "show rules and what is wrong with them; add, remove, revoke",
    load: async () => (await import("./permissions.ts")).command,
  },
  {
    name: "policy",
    summary: "show what managed settings lock",
    load: async () => (await import("./policy.ts")).command,
  },
  {
    name: "init",
    summary: "propose settings for a repository",
    load: async () => (await import("./init.ts")).command,
  },
  {
    name: "context",
    summary: "show what was denied lately, and the instructions for given files",
    load: async () => (await import("./context.ts")).command,
  },
  {
    name: "demo",
    summary: "show the gauntlet on a real temporary repository",
    load: async () => (await import("./demo.ts")).command,
  },
];

/** Runs one command line and returns its exit status. Throws only for faults of cordon itself. */
export async function main(argv: readonly string[], io: Terminal, version: string): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    io.stderr(help());
    return EXIT.usage;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const about = rest[0] === undefined ? undefined : find(rest[0]);
    io.stdout(about === undefined ? help() : (await about.load()).help);
    return EXIT.ok;
  }
  if (name === "--version" || name === "-V") {
    io.stdout(`cordon ${version}\n`);
    return EXIT.ok;
  }
  const listed = find(name);
  if (listed === undefined) {
    const { commandHint } = await import("./nearest-command.ts");
    const names = COMMANDS.map((each) => each.name);
    const hint = commandHint(name, names);
    io.stderr(`cordon: there is no command \`${printable(name)}\`\n  hint: ${hint}\n`);
    return EXIT.usage;
  }
  const command = await listed.load();
  const own = rest.slice(0, rest.indexOf("--") === -1 ? rest.length : rest.indexOf("--"));
  if (own.includes("--help") || own.includes("-h")) {
    const below = Object.hasOwn(command.below ?? {}, own[0] ?? "")
      ? command.below?.[own[0] ?? ""]
      : undefined;
    io.stdout((await below?.())?.help ?? command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (error instanceof UsageError) return usageError(io, name, error.message, error.hint);
    if (error instanceof Interruption) return error.status;
    throw error;
  }
}

function find(name: string): Listed | undefined {
  return COMMANDS.find((listed) => listed.name === name);
}

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  return `cordon stands between an AI coding agent and the machine.

usage: cordon COMMAND [ARGUMENTS]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join("\n")}

examples:
  cordon check 'Bash(git push --force origin main)'
  cordon check 'Bash(npm test)' --explain
  cordon run -- npm test
  cordon install claude-code

\`cordon COMMAND --help\` tells more.
`;
}
