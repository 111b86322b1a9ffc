import { EXIT, type Terminal } from "./command.ts";

/** Variables that coding agents set for the commands they run. */
const AGENT_VARIABLES = [
  "CLAUDECODE",
  "CLAUDE_CODE_ENTRYPOINT",
  "CURSOR_AGENT",
  "GEMINI_CLI",
  "CODEX_SANDBOX",
  "OPENCODE",
  "CORDON_SANDBOX",
] as const;

/**
 * The variable that shows that an agent started this process; undefined where none does. No
 * boundary: whoever can set variables can unset them. What stops an agent is the gate, which denies
 * cordon's own commands.
 */
export function agentVariable(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return AGENT_VARIABLES.find((name) => (env[name] ?? "") !== "");
}

/**
 * Refuses a command that changes what an agent may do where an agent started this process: says so
 * and returns the exit status. Undefined where no variable shows one.
 */
export function refusedToAgent(io: Terminal, command: string, what: string): number | undefined {
  const agent = agentVariable(io.env);
  if (agent === undefined) return undefined;
  io.stderr(`cordon ${command}: not changed: ${agent} is set, so this is an agent's session\n`);
  io.stderr(`  hint: ${what} for a person to change; run it in a terminal of your own\n`);
  return EXIT.refused;
}
