import type { Scope } from "../call/opinion.ts";
import { BASH_PARAMETERS, TOOLS, canonicalTool, nearestTool, toolClass } from "./tools.ts";

export type RuleEffect = "allow" | "ask" | "deny";

/** What becomes of a tool's calls while a deny or ask rule about it cannot be read. */
export type Held = "asks" | "is denied";

/** What stands between the parentheses of a rule. */
export type Specifier =
  /** The whole tool. */
  | { readonly kind: "none" }
  /** Bash: one pattern per pipe stage; a single one unless the rule spells a pipe. */
  | { readonly kind: "command"; readonly stages: readonly CommandPattern[] }
  /** Read and Edit: a gitignore pattern, still with its anchor (`//`, `~/`, `/`, none). */
  | { readonly kind: "path"; readonly pattern: string }
  | { readonly kind: "domain"; readonly pattern: string }
  /** One top-level scalar input field; deny and ask only. */
  | { readonly kind: "parameter"; readonly name: string; readonly pattern: string }
  /** Agent and Skill: the name, with `*`. */
  | { readonly kind: "name"; readonly pattern: string };

/**
 * A command pattern. `*` stands for any characters; a last ` *` is a word boundary and, when it
 * is the only star, covers the bare command too.
 */
export interface CommandPattern {
  readonly text: string;
  /** Exact match of a deny or ask rule also covers the same words with more operands. */
  readonly exact: boolean;
}

/** One rule as it will be matched. */
export interface Rule {
  readonly effect: RuleEffect;
  /** As written. */
  readonly text: string;
  readonly scope: Scope;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** Canonical tool name, `*` allowed as semantics permit. */
  readonly tool: string;
  readonly specifier: Specifier;
  /** Absolute directory that a leading `/` of a path pattern stands for. */
  readonly anchor: string;
}

/** A slip in a rule; `severity` as in `Problem`. */
export interface RuleFault {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint?: string | undefined;
}

/**
 * How a rule text reads.
 *
 * INVARIANT: a deny or ask text always yields at least one reading; one that cannot be read
 * exactly yields the strictest reading and a fault. An allow text that cannot be read exactly
 * yields none.
 */
export interface RuleReading {
  readonly effect: RuleEffect;
  readonly tool: string;
  readonly specifier: Specifier;
}

const READ_TOOLS: readonly string[] = ["Read", "Glob", "Grep", "LS", "LSP"];
const WHOLE: Specifier = { kind: "none" };

/**
 * Reads one rule string of an allow, ask or deny list. Never throws. `held` is what the faults say of
 * calls meanwhile; it changes no reading.
 */
export function readRule(
  text: string,
  effect: RuleEffect,
  held: Held = "asks",
): { readonly readings: readonly RuleReading[]; readonly faults: readonly RuleFault[] } {
  const faults: RuleFault[] = [];
  const readings: RuleReading[] = [];
  const trimmed = text.trim();
  const open = trimmed.indexOf("(");
  const named = canonicalTool(trimmed.slice(0, open === -1 ? undefined : open).trim());
  const closed = open === -1 ? !trimmed.includes(")") : trimmed.endsWith(")");
  const body = open === -1 ? undefined : trimmed.slice(open + 1, -1);

  if (!closed || named === "" || /\s/.test(named)) {
    faults.push({
      severity: "error",
      message:
        effect === "allow"
          ? `the allow rule \`${text}\` cannot be read and approves nothing`
          : `the ${effect} rule \`${text}\` cannot be read; ${named === "" ? "every" : `every ${named}`} call ${held} until it is mended`,
      hint: "write `Tool` or `Tool(specifier)`, for example `Bash(npm test *)`",
    });
    if (effect !== "allow") {
      readings.push({ effect: "ask", tool: /^[\w*-]+$/.test(named) ? named : "*", specifier: WHOLE });
    }
    return { readings, faults };
  }

  const nameFault = faultOfName(named, text, effect, held);
  if (nameFault) {
    faults.push(nameFault.fault);
    if (nameFault.void === true) return { readings, faults };
    if (nameFault.stands !== undefined)
      readings.push({ effect: "ask", tool: nameFault.stands, specifier: WHOLE });
  }

  // Of a name that is a slip, what its specifier would mean says nothing more.
  const said = nameFault?.stands === undefined ? faults : [];
  const reading = readSpecifier(named, body, effect, text, said, held);
  if (reading) readings.push(...reading);
  return { readings, faults };
}

/** Names that match no known tool. `stands` is the tool that asks meanwhile; `void`: the rule says nothing. */
function faultOfName(
  tool: string,
  text: string,
  effect: RuleEffect,
  held: Held,
): { readonly fault: RuleFault; readonly stands?: string; readonly void?: true } | undefined {
  if (
    effect === "allow" &&
    tool.includes("*") &&
    !/^mcp__[^*]+__[^*]*\*[^*]*$/.test(tool) &&
    !/^mcp__[^*]+__/.test(tool)
  ) {
    return {
      fault: {
        severity: "warning",
        message: `the allow rule \`${text}\` approves nothing: a star in a tool name needs a literal \`mcp__<server>__\` before it`,
        hint: "name the tools one by one",
      },
      void: true,
    };
  }
  if (TOOLS.has(tool) || /[_*]/.test(tool) || tool === "PowerShell" || tool === "Monitor") return undefined;
  const near = nearestTool(tool);
  const hint = near === undefined ? undefined : `did you mean \`${text.replace(/^\s*[^(\s]+/, near)}\`?`;
  if (effect === "allow" || near === undefined) {
    return {
      fault: {
        severity: "warning",
        message: `unknown tool \`${tool}\` in the ${effect} rule \`${text}\``,
        hint,
      },
    };
  }
  return {
    fault: {
      severity: "error",
      message: `unknown tool \`${tool}\` in the ${effect} rule \`${text}\`; every ${canonicalTool(near)} call ${held} until it is mended`,
      hint,
    },
    stands: canonicalTool(near),
  };
}

function readSpecifier(
  tool: string,
  body: string | undefined,
  effect: RuleEffect,
  text: string,
  faults: RuleFault[],
  held: Held,
): readonly RuleReading[] | undefined {
  const wholly =
    held === "asks" ? `it holds for every ${tool} call` : `every ${tool} call is denied until it is mended`;
  const one = (specifier: Specifier, as: string = tool): readonly RuleReading[] => [
    { effect, tool: as, specifier },
  ];
  const spec = body?.trim();
  if (spec === undefined || spec === "*") return one(WHOLE);
  if (spec === "") {
    faults.push({
      severity: "error",
      message: `the ${effect} rule \`${text}\` has empty parentheses${effect === "allow" ? " and approves nothing" : `; ${wholly}`}`,
      hint: `write \`${tool}\` for the whole tool`,
    });
    return effect === "allow" ? undefined : one(WHOLE);
  }

  const parameter = readParameter(tool, spec, effect, text, faults);
  if (parameter !== "none")
    return parameter === undefined ? undefined : parameter.map((r) => ({ ...r, effect }));

  if (tool === "Cd") return one({ kind: "path", pattern: spec });
  switch (toolClass(tool)) {
    case "shell":
      return readCommand(spec, effect, text, faults)?.map((specifier) => ({ effect, tool, specifier }));
    case "read":
    case "edit": {
      const as = READ_TOOLS.includes(tool) ? "Read" : "Edit";
      if (tool !== as) {
        faults.push({
          severity: "warning",
          message:
            effect === "allow"
              ? `the allow rule \`${text}\` is never consulted: paths stand in Read and Edit rules only`
              : `the ${effect} rule \`${text}\` is read as \`${as}(${spec})\`: paths stand in Read and Edit rules only`,
          hint: `write \`${as}(${spec})\``,
        });
        if (effect === "allow") return undefined;
      }
      return one({ kind: "path", pattern: spec }, as);
    }
    case "web-fetch":
      break;
    case "agent":
    case "skill":
      return one({ kind: "name", pattern: spec.replace(/:\*$/, " *") });
    case "web-search":
    case "internal":
    case "interaction":
    case "mcp":
    case "unknown":
      // Only what bash runs is read; a rule about another shell's commands cannot be told from one about all.
      if (tool === "PowerShell" || tool === "Monitor") {
        faults.push({
          severity: "warning",
          message:
            effect === "allow"
              ? `the allow rule \`${text}\` approves nothing: commands are read for Bash only`
              : `the ${effect} rule \`${text}\` holds for every ${tool} call: commands are read for Bash only`,
          hint: `write \`${tool}\` for the whole tool`,
        });
        return effect === "allow" ? undefined : one(WHOLE);
      }
      break;
  }
  faults.push({
    severity: "error",
    message: `\`${spec}\` means nothing for ${tool} in the ${effect} rule \`${text}\`${effect === "allow" ? "; it approves nothing" : `; ${wholly}`}`,
    hint:
      tool === "WebFetch"
        ? "write `WebFetch(domain:example.com)`"
        : `write \`${tool}\`, or \`${tool}(parameter:value)\` in deny and ask`,
  });
  return effect === "allow" ? undefined : one(WHOLE);
}

/** `Tool(name:value)`; `"none"` when the specifier is no parameter rule. */
function readParameter(
  tool: string,
  spec: string,
  effect: RuleEffect,
  text: string,
  faults: RuleFault[],
): readonly Omit<RuleReading, "effect">[] | "none" | undefined {
  // Most rules have no colon: the look at one character comes before the look at the shape.
  const match = spec.includes(":") ? /^([A-Za-z_][\w-]*)\s*:\s*([\s\S]+)$/.exec(spec) : null;
  if (match === null) return "none";
  const [, name = "", value = ""] = match;
  const kind = toolClass(tool);
  if (tool === "WebFetch" && name === "domain")
    return [{ tool, specifier: { kind: "domain", pattern: value.trim() } }];
  const primary = TOOLS.get(tool)?.primary ?? [];
  const isPrimary = primary.includes(name);
  if (kind === "shell" && !BASH_PARAMETERS.includes(name) && !isPrimary) return "none";
  if (kind === "skill" && value === "*") return "none";
  if (effect === "allow") {
    faults.push({
      severity: "error",
      message: `the allow rule \`${text}\` approves nothing: parameters can be named in deny and ask only`,
    });
    return undefined;
  }
  if (isPrimary) {
    faults.push({
      severity: "warning",
      message: `\`${name}\` is the main field of ${tool}; the ${effect} rule \`${text}\` is read as \`${tool}(${value})\``,
      hint: `write \`${tool}(${value})\``,
    });
    const inner = readRule(`${tool}(${value})`, effect);
    return inner.readings.map(({ tool: as, specifier }) => ({ tool: as, specifier }));
  }
  return [{ tool, specifier: { kind: "parameter", name, pattern: value.trim() } }];
}

/** Bash specifiers: `x`, `x *`, `x:*`, stars anywhere; pipes in deny and ask. */
function readCommand(
  spec: string,
  effect: RuleEffect,
  text: string,
  faults: RuleFault[],
): readonly Specifier[] | undefined {
  if (!/[|&;\n:]/.test(spec)) return [{ kind: "command", stages: [commandPattern(spec)] }];
  const stages = spec
    .split(/\s*\|&?\s*(?!\|)/)
    .filter((stage, _index, all) => stage !== "" || all.length === 1);
  if (/\|\||&&|;|\n/.test(spec) || (stages.length > 1 && effect === "allow")) {
    faults.push({
      severity: "error",
      message: `the ${effect} rule \`${text}\` spells an operator, but rules are matched against one command at a time${effect === "allow" ? "; it approves nothing" : "; it is matched against each command it names"}`,
      hint: "write one rule for each command",
    });
    if (effect === "allow") return undefined;
    const commands = spec.split(/\s*(?:\|\||&&|;|\n|\|&?)\s*/).filter((part) => part !== "" && part !== "*");
    return commands.map((part) => ({ kind: "command", stages: [commandPattern(part)] }));
  }
  const specifiers: Specifier[] = [{ kind: "command", stages: stages.map(commandPattern) }];
  if (/:\*./.test(spec)) {
    faults.push({
      severity: "warning",
      message: `the \`:*\` in the ${effect} rule \`${text}\` is not at the end, where alone it means anything${effect === "allow" ? "; the rule matches only a literal colon" : `; it is read as \` *\` too`}`,
      hint: `write \`${text.replace(/:\*/g, " *")}\``,
    });
    if (effect !== "allow") {
      specifiers.push({
        kind: "command",
        stages: stages.map((stage) => commandPattern(stage.replaceAll(":*", " *"))),
      });
    }
  }
  return specifiers;
}

function commandPattern(text: string): CommandPattern {
  const trimmed = text.trim();
  const single = /\t| {2}/.test(trimmed) ? trimmed.replace(/[ \t]+/g, " ") : trimmed;
  const folded = single.endsWith(":*") ? `${single.slice(0, -2)} *` : single;
  return { text: folded, exact: !folded.includes("*") };
}
