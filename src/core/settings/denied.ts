import type { Policy } from "./policy.ts";
import type { Origin } from "./origin.ts";
import type { Problem } from "./problem.ts";
import { TOOLS } from "./tools.ts";

/** A tool of which every call is denied, though no administrator wrote that. */
export interface DeniedTool {
  /** A tool name or pattern; `*` = every call. */
  readonly tool: string;
  /** One lower-case sentence without a full stop. */
  readonly why: string;
  readonly origin: Origin;
}

/**
 * The tools that managed settings deny altogether because something in them is faulty or not
 * enforced yet. A source that stops the gate is not among them.
 *
 * Not listed is what cannot be used only in part, and what an administrator denied in so many words.
 */
export function deniedByFault(policy: Policy): readonly DeniedTool[] {
  const { managed, rules, servers = [], problems } = policy;
  const errors = problems.filter(({ severity }) => severity === "error");
  const faultOf = (key: string, { file, line }: Origin): Problem | undefined =>
    errors.find(
      (problem) =>
        problem.file === file &&
        (problem.key === key
          ? problem.line === line
          : problem.key?.startsWith(`${key}.`) === true || problem.key?.startsWith(`${key}[`) === true),
    );
  const unenforced = managed.notEnforced.flatMap(({ tool, key, origin }): readonly DeniedTool[] => {
    const fault = faultOf(key, origin);
    if (fault === undefined && tool !== "*" && tool !== "mcp__*" && !TOOLS.has(tool)) return [];
    return [{ tool, why: `\`${key}\` ${fault === undefined ? NOT_ENFORCED : UNREADABLE}`, origin }];
  });
  const faultyLock = (
    key: string,
    origin: Origin | undefined,
    tools: readonly string[],
  ): readonly DeniedTool[] =>
    origin === undefined || faultOf(key, origin) === undefined
      ? []
      : tools.map((tool) => ({ tool, why: `\`${key}\` ${UNREADABLE}`, origin }));
  const directories = managed.allowedDirectories;
  return [
    ...unenforced,
    ...(directories?.globs.length === 0
      ? [
          {
            tool: "*",
            why: "`allowedDirectories` names no directory that all managed files allow",
            origin: directories.origin,
          },
        ]
      : []),
    ...faultyLock("blockNetworkTools", managed.blockNetworkTools, ["WebFetch", "WebSearch"]),
    ...servers
      .filter(({ names, origin }) => names.length === 0 && origin.scope === "managed")
      .flatMap(({ key, origin }) => faultyLock(key, origin, ["mcp__*"])),
    ...rules.flatMap(({ effect, scope, specifier, tool, text, file, line }): readonly DeniedTool[] => {
      if (scope !== "managed" || effect !== "deny" || specifier.kind !== "none") return [];
      const faulty = errors.some(
        (problem) =>
          problem.file === file && problem.line === line && problem.message.includes(`\`${text}\``),
      );
      // Beside the tool that was meant, the name that is none says nothing.
      const meant = rules.some(
        (rule) =>
          rule.text === text &&
          rule.file === file &&
          rule.line === line &&
          rule.tool !== tool &&
          TOOLS.has(rule.tool),
      );
      return faulty && (TOOLS.has(tool) || !meant)
        ? [{ tool, why: `the rule \`${text}\` cannot be read`, origin: { scope, file, line } }]
        : [];
    }),
  ];
}

const NOT_ENFORCED = "is not enforced here, so that what it governs is denied";
const UNREADABLE = "cannot be read";
