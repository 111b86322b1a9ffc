/** The tools a rule can name, and what cordon knows about each without asking anybody. */

export type ToolClass =
  | "shell"
  | "read"
  | "edit"
  | "web-fetch"
  | "web-search"
  | "agent"
  | "skill"
  /** Bookkeeping inside the agent: nothing on the machine changes. */
  | "internal"
  /** Must reach the person every time: questions, leaving plan mode. */
  | "interaction"
  | "mcp"
  | "unknown";

interface ToolFacts {
  readonly class: ToolClass;
  /** Input fields that hold a path, in order of preference. */
  readonly paths?: readonly string[];
  /** The field a parameter rule may not name, because rules of the tool's own form match it. */
  readonly primary?: readonly string[];
  /** Other spellings of the same tool. */
  readonly aliases?: readonly string[];
}

export const TOOLS: ReadonlyMap<string, ToolFacts> = new Map<string, ToolFacts>([
  ["Bash", { class: "shell", primary: ["command"] }],
  ["Read", { class: "read", paths: ["file_path", "path", "notebook_path"], primary: ["file_path"] }],
  ["Grep", { class: "read", paths: ["path"], primary: ["path", "pattern"] }],
  ["Glob", { class: "read", paths: ["path"], primary: ["path", "pattern"] }],
  ["LS", { class: "read", paths: ["path"], primary: ["path"] }],
  ["Cd", { class: "read", paths: ["path"], primary: ["path"] }],
  ["LSP", { class: "read", paths: ["file_path", "filePath", "path"], primary: ["file_path"] }],
  ["Edit", { class: "edit", paths: ["file_path", "path"], primary: ["file_path"] }],
  ["MultiEdit", { class: "edit", paths: ["file_path", "path"], primary: ["file_path"] }],
  ["Write", { class: "edit", paths: ["file_path", "path"], primary: ["file_path"] }],
  [
    "NotebookEdit",
    { class: "edit", paths: ["notebook_path", "file_path", "path"], primary: ["notebook_path"] },
  ],
  ["WebFetch", { class: "web-fetch", primary: ["url"] }],
  ["WebSearch", { class: "web-search" }],
  ["Agent", { class: "agent", aliases: ["Task"] }],
  ["Skill", { class: "skill" }],
  ["TodoWrite", { class: "internal" }],
  ["TodoRead", { class: "internal" }],
  ["TaskCreate", { class: "internal" }],
  ["TaskUpdate", { class: "internal" }],
  ["TaskList", { class: "internal" }],
  ["TaskGet", { class: "internal" }],
  ["TaskOutput", { class: "internal", aliases: ["BashOutput", "AgentOutputTool"] }],
  ["TaskStop", { class: "internal", aliases: ["KillShell", "KillBash"] }],
  ["ToolSearch", { class: "internal" }],
  ["EnterPlanMode", { class: "internal" }],
  ["ExitPlanMode", { class: "internal" }],
  ["AskUserQuestion", { class: "internal" }],
  ["StructuredOutput", { class: "internal" }],
]);

const ALIASES: ReadonlyMap<string, string> = new Map(
  [...TOOLS].flatMap(([name, facts]) =>
    (facts.aliases ?? []).map((alias): [string, string] => [alias, name]),
  ),
);

/** The name rules are matched against: `Task` is `Agent`, `mcp:s:t` is `mcp__s__t`. */
export function canonicalTool(name: string): string {
  const colons = name.startsWith("mcp:") ? /^mcp:([^:]+)(?::(.+))?$/.exec(name) : null;
  if (colons !== null) return `mcp__${colons[1]}__${colons[2] ?? "*"}`;
  return ALIASES.get(name) ?? name;
}

export function toolClass(name: string): ToolClass {
  const known = TOOLS.get(canonicalTool(name));
  if (known) return known.class;
  return name.startsWith("mcp__") ? "mcp" : "unknown";
}

/** Input fields of Bash besides the command, the only ones a Bash parameter rule can name. */
export const BASH_PARAMETERS: readonly string[] = [
  "run_in_background",
  "dangerouslyDisableSandbox",
  "timeout",
  "description",
];

/** The known tool whose name is one or two slips away from `name`, for a hint. */
export function nearestTool(name: string): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const known of [...TOOLS.keys(), ...ALIASES.keys()]) {
    const away = slips(name.toLowerCase(), known.toLowerCase());
    if (away < least && away * 2 < known.length) {
      least = away;
      best = known;
    }
  }
  return best;
}

/** Levenshtein distance. */
function slips(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
