import type { Code } from "../../call/codes.ts";
import type { Decision } from "../../call/decision.ts";
import { type JsonObject, stringAt } from "../../call/json.ts";
import { absolute, baseOf, normalise } from "../../call/path.ts";
import { TOOLS, canonicalTool, toolClass } from "../../settings/tools.ts";

/** From this denial of the same thing on the agent is told to stop. */
export const STOP_AFTER = 3;

/** Programs of a command that a pattern names, where no part of it is to blame. */
const MOST_PROGRAMS = 4;

/** What the agent is told then. */
export function stopText(count: number): string {
  return `This was denied ${count} times in this session: do not try it in another way, stop and ask the person.`;
}

/** Refusals that say nothing about the call: a fault of cordon, of a hook or of a file. */
const FAULTS: ReadonlySet<Code> = new Set<Code>([
  "hook.failed",
  "hook.unsupported",
  "hook.conflict",
  "hook.loop",
  "managed.stopped",
  "sandbox.unavailable",
]);

/** The rule is the one that holds for a settings file that cannot be taken at its word. */
export function isFaultyFile(rule: Decision["rule"]): boolean {
  return rule !== undefined && rule.effect === "ask" && /^\* \(.* cannot be read: /s.test(rule.text);
}

/**
 * Whether a refusal is one of this call, so that repeating it is stubborn. A fault of cordon itself,
 * of a hook or of a settings file is not: whatever is tried is refused then, and none of it was bad.
 */
export function countsAsDenial({
  code,
  rule,
  opinions,
}: Pick<Decision, "code" | "rule" | "opinions">): boolean {
  if (FAULTS.has(code) || isFaultyFile(rule)) return false;
  // The mode refuses what would ask, and a fault asks about everything.
  const unasked = code === "mode.dont-ask" || code === "mode.deny-instead";
  return !(unasked && opinions.some((each) => FAULTS.has(each.code) || isFaultyFile(each.rule)));
}

/**
 * What a denied call tried, without its variable parts, so that another spelling of it counts as
 * the same: the rule that forbade it, else the program with its subcommand, the path, the host, the
 * agent. Holds no argument of a command, so no secret of one.
 */
export function denialPattern(
  call: { readonly tool: string; readonly input: JsonObject; readonly cwd: string },
  decision: Pick<Decision, "rule" | "part" | "parts">,
): string {
  if (decision.rule !== undefined) return decision.rule.text;
  const tool = canonicalTool(call.tool);
  switch (toolClass(tool)) {
    case "shell": {
      const parts =
        decision.part === undefined ? decision.parts : decision.parts.slice(decision.part, decision.part + 1);
      const programs = [...new Set(parts.map(({ command }) => programOf(command)))];
      const named = programs.slice(0, MOST_PROGRAMS).map((program) => `${program} *`);
      const more = programs.length > MOST_PROGRAMS ? "; …" : "";
      return `${tool}(${programs.length === 0 ? " *" : `${named.join("; ")}${more}`})`;
    }
    case "read":
    case "edit": {
      const fields = TOOLS.get(tool)?.paths ?? [];
      const path = fields.map((field) => stringAt(call.input, field)).find((text) => text !== undefined);
      return path === undefined ? tool : `${tool}(${normalise(absolute(call.cwd, path))})`;
    }
    case "web-fetch": {
      const host = /^\w+:\/\/(?:[^/?#@]*@)?([^/?#:]+)/.exec(stringAt(call.input, "url") ?? "")?.[1];
      return host === undefined ? tool : `${tool}(domain:${host.toLowerCase()})`;
    }
    case "agent": {
      const name = stringAt(call.input, "subagent_type");
      return name === undefined ? tool : `${tool}(${name})`;
    }
    case "skill": {
      const name = stringAt(call.input, "skill") ?? stringAt(call.input, "command");
      return name === undefined ? tool : `${tool}(${name})`;
    }
    case "web-search":
    case "internal":
    case "interaction":
    case "mcp":
    case "unknown":
      return tool;
  }
}

/** `git push`, `npm`, `rm`: the program and what looks like its subcommand. */
function programOf(command: string): string {
  const [first = "", second = ""] = command.split(" ").filter((word) => !/^\w+=/.test(word));
  const name = baseOf(first);
  return /^[a-z][a-z-]{1,20}$/.test(second) ? `${name} ${second}` : name;
}
