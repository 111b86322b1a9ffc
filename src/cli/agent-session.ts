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
