import { type Glob, anchoredGlobs, compileGlob } from "../call/glob.ts";
import type { RuleRef } from "../call/opinion.ts";
import { expandHome } from "../call/path.ts";
import type { Policy } from "../settings/policy.ts";
import type { Rule, RuleEffect } from "../settings/rule.ts";
import { type DomainPattern, compileDomain } from "./domains.ts";
import { filing } from "./filing.ts";
import { type Wildcard, compileWildcard, headOf } from "./wildcard.ts";

/** A rule about commands; more than one stage only where the rule spells a pipe. */
export interface CommandRule {
  readonly rule: Rule;
  readonly stages: readonly Wildcard[];
  readonly exact: boolean;
  /** No pattern: the whole tool. */
  readonly whole: boolean;
}

/** A Read or Edit rule. */
export interface PathRule {
  readonly rule: Rule;
  readonly family: "Read" | "Edit";
  /** It names no path. */
  readonly bare: boolean;
  /** Empty for a bare rule. */
  readonly globs: readonly Glob[];
}

/** A Cd rule: its pattern is about the whole path of a directory. */
export interface DirectoryRule {
  readonly rule: Rule;
  readonly globs: readonly Glob[];
}

export interface DomainRule {
  readonly rule: Rule;
  readonly domain: DomainPattern;
}

export interface ParameterRule {
  readonly rule: Rule;
  readonly tool: Wildcard;
  readonly name: string;
  readonly value: Wildcard;
}

/** A rule for a tool as a whole, or for the name an Agent or Skill call carries. */
export interface ToolRule {
  readonly rule: Rule;
  readonly tool: Wildcard;
  readonly name: Wildcard | undefined;
}

/** The rules of a policy, compiled once and filed so that a call looks at few of them. */
export interface RuleIndex {
  /** Command rules that can match a command whose first word is one of `heads`, by any of its spellings. */
  commands(heads: readonly string[]): Iterable<CommandRule>;
  readonly hasCommands: () => boolean;
  /** Every command rule; for commands whose first word is not known. */
  readonly allCommands: readonly CommandRule[];
  /** Path rules that can match a path with these segments. */
  paths(segments: readonly string[]): Iterable<PathRule>;
  readonly hasPaths: () => boolean;
  readonly allPaths: readonly PathRule[];
  /** Path rules that name no path: `Read`, `Edit`. */
  readonly barePaths: readonly PathRule[];
  readonly directories: readonly DirectoryRule[];
  readonly domains: readonly DomainRule[];
  /** Parameter rules that can match a tool of this name. */
  parameters(name: string): Iterable<ParameterRule>;
  tools(name: string): Iterable<ToolRule>;
  /** A deny or ask rule for commands exists. */
  readonly guardsCommands: boolean;
  /** A deny or ask rule for paths exists. */
  readonly guardsPaths: boolean;
  /** One that names a path. */
  readonly guardsSomePaths: boolean;
}

/**
 * Files a policy's rules; a pattern is compiled when a call first comes near it, for most are never
 * met. `root`, `cwd` and `home` resolve the anchors of path rules.
 */
export function indexRules(
  policy: Policy,
  place: { readonly root: string; readonly cwd: string; readonly home: string },
): RuleIndex {
  const commands = filing(literalHead, commandRule);
  const paths = filing(literalSegment, (rule) => pathRule(rule, place));
  const parameters = filing(({ tool }) => wholeName(mcpServer(tool)), parameterRule);
  const tools = filing(
    ({ tool, specifier }) => fileNameOf(specifier.kind === "name" ? tool : mcpServer(tool)),
    toolRule,
  );
  const directories: DirectoryRule[] = [];
  const domains: DomainRule[] = [];
  let guardsCommands = false;
  let guardsPaths = false;
  let guardsSomePaths = false;
  for (const rule of policy.rules) {
    const { specifier, tool } = rule;
    const restricts = rule.effect !== "allow";
    const isPath = tool === "Read" || tool === "Edit";
    switch (specifier.kind) {
      case "none":
        if (tool === "Bash") commands.add(rule);
        else if (isPath) paths.add(rule);
        guardsCommands ||= restricts && tool === "Bash";
        guardsPaths ||= restricts && isPath;
        tools.add(rule);
        break;
      case "command":
        if (tool !== "Bash") break;
        guardsCommands ||= restricts;
        commands.add(rule);
        break;
      case "path":
        if (isPath) {
          guardsPaths ||= restricts;
          guardsSomePaths ||= restricts;
          paths.add(rule);
        } else if (tool === "Cd") {
          directories.push({ rule, globs: directoryGlobs(specifier.pattern, rule.anchor, place) });
        }
        break;
      case "domain":
        domains.push({ rule, domain: compileDomain(specifier.pattern) });
        break;
      case "parameter":
        parameters.add(rule);
        break;
      case "name":
        tools.add(rule);
        break;
    }
  }
  return {
    commands: (heads) => commands.under(heads),
    hasCommands: commands.some,
    get allCommands() {
      return commands.all();
    },
    paths: (segments) => paths.under(segments),
    hasPaths: paths.some,
    get allPaths() {
      return paths.all();
    },
    get barePaths() {
      return paths.rest().filter(({ bare }) => bare);
    },
    directories,
    domains,
    parameters: (name) => parameters.under([name]),
    tools: (name) => tools.under([name, serverOf(name) ?? ""]),
    guardsCommands,
    guardsPaths,
    guardsSomePaths,
  };
}

/** The name of the only tool a pattern fits; undefined where there may be several. */
function wholeName(tool: string): string | undefined {
  return tool.includes("*") ? undefined : tool;
}

/** Where a rule about a tool is filed: under its name or its server; undefined = it may be about any. */
function fileNameOf(tool: string): string | undefined {
  return wholeName(tool) ?? serverOf(tool);
}

/** The tool pattern a rule means: `mcp__srv` is every tool of the server. */
export function mcpServer(tool: string): string {
  return /^mcp__(?:(?!__).)+$/.test(tool) && !tool.includes("*") ? `${tool}__*` : tool;
}

function serverOf(tool: string): string | undefined {
  return /^mcp__((?:(?!__)[^*])+)__/.exec(tool)?.[0];
}

/**
 * The absolute patterns of a path rule. A relative pattern of a deny or ask rule holds from the
 * project root and from the current directory; of an allow rule from the project root only.
 */
export function pathGlobs(
  pattern: string,
  effect: RuleEffect,
  anchor: string,
  place: { readonly root: string; readonly cwd: string; readonly home: string },
): readonly Glob[] {
  const wide = effect !== "allow";
  if (pattern.startsWith("//")) return anchoredGlobs(pattern.slice(1), "/", wide);
  if (pattern === "~" || pattern.startsWith("~/"))
    return anchoredGlobs(`/${pattern.slice(2)}`, place.home, wide);
  if (pattern.startsWith("/")) return anchoredGlobs(pattern, anchor, wide);
  const starts = wide ? new Set([place.root, place.cwd]) : [place.root];
  return [...starts].flatMap((start) => climbing(expandHome(pattern, place.home), start, wide));
}

/** A Cd pattern means whole paths: `*` is one segment, a last `/**` holds for its root too, a first `**` anywhere. */
function directoryGlobs(
  pattern: string,
  anchor: string,
  place: { readonly root: string; readonly home: string },
): readonly Glob[] {
  const full = pattern.startsWith("//")
    ? pattern.slice(1)
    : pattern.startsWith("/")
      ? `${anchor}${pattern}`
      : pattern.startsWith("**/")
        ? `/${pattern}`
        : /^~(?:\/|$)/.test(pattern)
          ? `${place.home}${pattern.slice(1)}`
          : `${place.root}/${pattern.replace(/^\.\//, "")}`;
  const body = full.replace(/\/+$/, "");
  return [body, ...(body.endsWith("/**") ? [body.slice(0, -3)] : [])].map(compileGlob);
}

/** `../x` leaves its anchor; everything else stays below it. */
function climbing(pattern: string, start: string, wide: boolean): readonly Glob[] {
  let body = pattern;
  let at = start;
  while (/^(?:\.\/)*\.\.(?:\/|$)/.test(body)) {
    body = body.replace(/^(?:\.\/)*\.\.\/?/, "");
    at = at.slice(0, Math.max(at.lastIndexOf("/"), 0)) || "/";
  }
  return body === pattern ? anchoredGlobs(pattern, start, wide) : anchoredGlobs(`/${body}`, at, wide);
}

function commandRule(rule: Rule): CommandRule {
  const patterns = rule.specifier.kind === "command" ? rule.specifier.stages : [];
  return {
    rule,
    stages: patterns.map(({ text }) => compileWildcard(text)),
    exact: patterns[0]?.exact === true,
    whole: rule.specifier.kind === "none",
  };
}

function pathRule(
  rule: Rule,
  place: { readonly root: string; readonly cwd: string; readonly home: string },
): PathRule {
  const { specifier, effect, anchor } = rule;
  const family = rule.tool === "Edit" ? "Edit" : "Read";
  if (specifier.kind !== "path") return { rule, family, bare: true, globs: [] };
  return { rule, family, bare: false, globs: pathGlobs(specifier.pattern, effect, anchor, place) };
}

function parameterRule(rule: Rule): ParameterRule {
  const { name, pattern } = rule.specifier.kind === "parameter" ? rule.specifier : { name: "", pattern: "*" };
  return { rule, tool: compileWildcard(mcpServer(rule.tool)), name, value: compileWildcard(pattern) };
}

function toolRule(rule: Rule): ToolRule {
  const { specifier } = rule;
  const name = specifier.kind === "name" ? compileWildcard(specifier.pattern) : undefined;
  return { rule, tool: compileWildcard(name === undefined ? mcpServer(rule.tool) : rule.tool), name };
}

/**
 * The first word of every spelling of a command the rule matches; undefined where there may be several.
 * That of a rule with verbs and flags and without a star is its first verb.
 */
function literalHead({ specifier }: Rule): string | undefined {
  if (specifier.kind !== "command" || specifier.stages.length !== 1) return undefined;
  const [stage] = specifier.stages;
  // A flag alone is met behind any program.
  return stage === undefined || stage.text.startsWith("-") ? undefined : headOf(stage.text);
}

const DOTS = /(?:^|\/)\.\.?(?:\/|$)/;
const SPECIAL = /[*?[\]\\!{}~]/;

/** A segment that every path the rule matches must have; undefined where there is none, or none is plain to see. */
function literalSegment({ specifier }: Rule): string | undefined {
  if (specifier.kind !== "path") return undefined;
  const { pattern } = specifier;
  if (pattern.includes(".") && DOTS.test(pattern)) return undefined;
  for (let end = pattern.length; end > 0;) {
    const cut = pattern.lastIndexOf("/", end - 1);
    const segment = pattern.slice(cut + 1, end);
    if (segment !== "" && !SPECIAL.test(segment)) return segment;
    end = cut;
  }
  return undefined;
}

/** A rule as opinions cite it. */
export function refOf(rule: Rule): RuleRef {
  return { text: rule.text, effect: rule.effect, scope: rule.scope, file: rule.file, line: rule.line };
}
