import { type Node, propertiesOf } from "./document.ts";
import { type Held, type RuleEffect, type RuleFault, type RuleReading, readRule } from "./rule.ts";
import { toolClass } from "./tools.ts";

/** One entry of a rule list as it reads. */
export interface EntryReading {
  /** The rule as text: the string itself, or `Tool(pattern)` for an object. */
  readonly text: string;
  readonly readings: readonly RuleReading[];
  /** What a leading `/` of a path pattern stands for: the anchor of the file, or the project root. */
  readonly anchored: "source" | "project";
  readonly faults: readonly RuleFault[];
}

/** Longer texts and names are no rules; reading them could take very long. */
const LONGEST_RULE = 10_000;
const LONGEST_NAME = 200;

/** Reads one rule string. As `readRule`, but in time proportional to the text, whatever it holds. */
export function readRuleText(text: string, effect: RuleEffect, held: Held = "asks"): EntryReading {
  const trimmed = text.trim();
  const open = trimmed.indexOf("(");
  const name = open === -1 ? trimmed : trimmed.slice(0, open);
  if (trimmed.length <= LONGEST_RULE && name.length <= LONGEST_NAME && !/\s{64}/.test(trimmed)) {
    const { readings, faults } = readRule(trimmed, effect, held);
    if (!readings.some(namesSomething) && effect !== "allow")
      return unreadable(text, effect, nameOr(name), "names nothing", held);
    return { text, readings, anchored: "source", faults };
  }
  const shown = `${trimmed.slice(0, 60)}...`;
  return unreadable(shown, effect, nameOr(name), "is too long or holds too many blanks in a row", held);
}

/** False for a command pattern of which nothing is left but operators. */
function namesSomething({ specifier }: RuleReading): boolean {
  return specifier.kind !== "command" || specifier.stages.some(({ text }) => text !== "");
}

/** The tool a faulty rule names, or every tool. */
function nameOr(name: string): string {
  return /^[A-Za-z]\w{0,60}$/.test(name) ? name : "*";
}

function unreadable(text: string, effect: RuleEffect, tool: string, why: string, held: Held): EntryReading {
  const fault: RuleFault = {
    severity: "error",
    message:
      effect === "allow"
        ? `the allow rule \`${text}\` ${why}; it approves nothing`
        : `the ${effect} rule \`${text}\` ${why}; every ${tool === "*" ? "" : `${tool} `}call ${held} until it is mended`,
    hint: "write `Tool` or `Tool(specifier)`, for example `Bash(npm test *)`",
  };
  return { text, readings: effect === "allow" ? [] : [stopGap(tool)], anchored: "source", faults: [fault] };
}

function stopGap(tool: string): RuleReading {
  return { effect: "ask", tool, specifier: { kind: "none" } };
}

/**
 * Reads a rule object `{tool, pattern, scope}`.
 *
 * A deny or ask with fields cordon does not know holds as far as it can be read, and every call of
 * its tool asks besides, because the field may have meant more. An allow with such a field
 * approves nothing. `inProject` is false in files that belong to no project, where
 * `scope: "project"` binds to nothing.
 */
export function readRuleObject(
  node: Node,
  effect: RuleEffect,
  inProject: boolean,
  held: Held = "asks",
): EntryReading {
  const properties = propertiesOf(node);
  const text = (name: string): string | undefined => {
    const found = properties.findLast((property) => property.name === name);
    return found?.value.type === "string" && found.value.value !== "" ? String(found.value.value) : undefined;
  };
  const tool = text("tool");
  if (tool === undefined || !/^[\w*:-]{1,200}$/.test(tool)) {
    const [, named] = /^([A-Za-z]\w{0,60})[(\s]/.exec(tool ?? "") ?? [];
    return unreadable(
      `{"tool": ${JSON.stringify(tool?.slice(0, 60))}}`,
      effect,
      named ?? "*",
      "names no tool in `tool`",
      held,
    );
  }
  const pattern = text("pattern");
  const odd = properties.filter(
    ({ name, value }, index) =>
      !["tool", "pattern", "scope"].includes(name) ||
      properties.findIndex((property) => property.name === name) !== index ||
      (name === "pattern" && pattern === undefined) ||
      (name === "scope" && value.value !== "project" && value.value !== "global"),
  );
  const patterns = pattern === undefined ? [undefined] : anchoredPatterns(tool, pattern, effect);
  const whole = pattern === undefined ? tool : `${tool}(${pattern})`;
  if (odd.length > 0) {
    const names = odd.map(({ name }) => `\`${name.slice(0, 60)}\``).join(", ");
    const fault: RuleFault = {
      severity: "error",
      message: `${names} in the ${effect} rule for \`${whole}\` cannot be read; ${effect === "allow" ? "it approves nothing" : `every ${tool} call ${held} until it is mended`}`,
      hint: 'write `{"tool": "Bash", "pattern": "npm test*", "scope": "project"}`, or the rule as a string',
    };
    if (effect === "allow") return { text: whole, readings: [], anchored: "project", faults: [fault] };
    const inner = combine(whole, tool, patterns, effect, held);
    return { ...inner, readings: [...inner.readings, stopGap(tool)], faults: [...inner.faults, fault] };
  }
  if (text("scope") === "project" && !inProject) {
    const fault: RuleFault = {
      severity: "warning",
      message: `the ${effect} rule for \`${whole}\` is bound to a project, but this file belongs to none; ${effect === "allow" ? "it approves nothing" : "it holds everywhere"}`,
      hint: "write it in the settings of the project, or leave `scope` out",
    };
    if (effect === "allow") return { text: whole, readings: [], anchored: "project", faults: [fault] };
    const inner = combine(whole, tool, patterns, effect, held);
    return { ...inner, faults: [...inner.faults, fault] };
  }
  return combine(whole, tool, patterns, effect, held);
}

function combine(
  whole: string,
  tool: string,
  patterns: readonly (string | undefined)[],
  effect: RuleEffect,
  held: Held,
): EntryReading {
  const read = patterns.map((pattern) =>
    readRuleText(pattern === undefined ? tool : `${tool}(${pattern})`, effect, held),
  );
  return {
    text: whole,
    readings: read.flatMap(({ readings }) => readings),
    anchored: "project",
    faults: read[0]?.faults ?? [],
  };
}

/**
 * The pattern of a file rule, anchored at the project root. A leading slash of a deny or ask rule
 * may mean the project root or the file system: both count.
 */
function anchoredPatterns(tool: string, pattern: string, effect: RuleEffect): readonly string[] {
  const kind = toolClass(tool);
  if (kind !== "read" && kind !== "edit") return [pattern];
  if (pattern.startsWith("//") || pattern.startsWith("~")) return [pattern];
  if (pattern.startsWith("/")) return effect === "allow" ? [pattern] : [pattern, `/${pattern}`];
  const bare = pattern.startsWith("./") ? pattern.slice(1) : `/${pattern}`;
  return pattern.slice(0, -1).includes("/") ? [bare] : [`/**${bare}`];
}
