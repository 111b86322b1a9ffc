import { type Glob, anchoredGlobs, compileGlob } from "../call/glob.ts";
import type { RuleRef } from "../call/opinion.ts";
import { expandHome } from "../call/path.ts";
import type { Policy } from "../settings/policy.ts";
import type { CommandPattern, Rule, RuleEffect } from "../settings/rule.ts";
import { type DomainPattern, compileDomain } from "./domains.ts";
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
  /** Command rules that can match a command whose first word is `head`. */
  commands(head: string): Iterable<CommandRule>;
  /** Every command rule; for commands whose first word is not known. */
  readonly allCommands: readonly CommandRule[];
  /** Path rules that can match a path with these segments. */
  paths(segments: readonly string[]): Iterable<PathRule>;
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

/** Compiles a policy's rules. `root`, `cwd` and `home` resolve the anchors of path rules. */
export function indexRules(
  policy: Policy,
  place: { readonly root: string; readonly cwd: string; readonly home: string },
): RuleIndex {
  const commands: CommandRule[] = [];
  const paths: PathRule[] = [];
  const directories: DirectoryRule[] = [];
  const domains: DomainRule[] = [];
  const parameters: ParameterRule[] = [];
  const tools: ToolRule[] = [];
  for (const rule of policy.rules) {
    const { specifier } = rule;
    switch (specifier.kind) {
      case "none":
        if (rule.tool === "Bash") commands.push({ rule, stages: [], exact: false, whole: true });
        else if (rule.tool === "Read" || rule.tool === "Edit")
          paths.push({ rule, family: rule.tool, bare: true, globs: [] });
        tools.push({ rule, tool: compileWildcard(mcpServer(rule.tool)), name: undefined });
        break;
      case "command": {
        if (rule.tool === "Bash") commands.push(commandRule(rule, specifier.stages));
        break;
      }
      case "path":
        if (rule.tool === "Read" || rule.tool === "Edit") {
          paths.push(pathRule(rule, rule.tool, specifier.pattern, place));
        } else if (rule.tool === "Cd") {
          directories.push({ rule, globs: directoryGlobs(specifier.pattern, rule.anchor, place) });
        }
        break;
      case "domain":
        domains.push({ rule, domain: compileDomain(specifier.pattern) });
        break;
      case "parameter": {
        const tool = compileWildcard(mcpServer(rule.tool));
        parameters.push({ rule, tool, name: specifier.name, value: compileWildcard(specifier.pattern) });
        break;
      }
      case "name":
        tools.push({ rule, tool: compileWildcard(rule.tool), name: compileWildcard(specifier.pattern) });
        break;
    }
  }
  const restricts = (effect: RuleEffect): boolean => effect !== "allow";
  const byHead = fileBy(commands, literalHead);
  const bySegment = fileBy(paths, literalSegment);
  const byParameterTool = fileBy(parameters, ({ tool }) =>
    tool.pieces.length === 1 ? tool.text : undefined,
  );
  const byTool = fileBy(tools, (rule) =>
    rule.tool.pieces.length === 1 ? rule.tool.text : serverOf(rule.tool.text),
  );
  return {
    commands: (head) => chain(byHead.filed.get(head), byHead.rest),
    allCommands: commands,
    paths: (segments) =>
      chainAll(
        segments.map((segment) => bySegment.filed.get(segment)),
        bySegment.rest,
      ),
    allPaths: paths,
    barePaths: paths.filter(({ bare }) => bare),
    directories,
    domains,
    parameters: (name) => chain(byParameterTool.filed.get(name), byParameterTool.rest),
    tools: (name) => chainAll([byTool.filed.get(name), byTool.filed.get(serverOf(name) ?? "")], byTool.rest),
    guardsCommands: commands.some(({ rule }) => restricts(rule.effect)),
    guardsPaths: paths.some(({ rule }) => restricts(rule.effect)),
    guardsSomePaths: paths.some(({ rule, bare }) => restricts(rule.effect) && !bare),
  };
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

/** A command rule whose patterns are compiled when a call first comes near it: most are never met. */
function commandRule(rule: Rule, patterns: readonly CommandPattern[]): CommandRule {
  let stages: readonly Wildcard[] | undefined;
  return {
    rule,
    exact: patterns[0]?.exact === true,
    whole: false,
    get stages() {
      return (stages ??= patterns.map(({ text }) => compileWildcard(text)));
    },
  };
}

/** The first word of every command the rule matches; undefined where there may be several. */
function literalHead({ rule: { specifier }, exact }: CommandRule): string | undefined {
  if (exact || specifier.kind !== "command" || specifier.stages.length !== 1) return undefined;
  return headOf(specifier.stages[0]?.text ?? "");
}

/** A path rule whose patterns are compiled when a call first comes near it: most are never met. */
function pathRule(
  rule: Rule,
  family: PathRule["family"],
  pattern: string,
  place: { readonly root: string; readonly cwd: string; readonly home: string },
): PathRule {
  let globs: readonly Glob[] | undefined;
  return {
    rule,
    family,
    bare: false,
    get globs() {
      return (globs ??= pathGlobs(pattern, rule.effect, rule.anchor, place));
    },
  };
}

/** A segment that every path the rule matches must have; undefined where there is none, or none is plain to see. */
function literalSegment({ rule: { specifier } }: PathRule): string | undefined {
  if (specifier.kind !== "path") return undefined;
  const segments = specifier.pattern.split("/");
  if (segments.includes(".") || segments.includes("..")) return undefined;
  return segments.findLast((segment) => segment !== "" && !/[*?[\]\\!{}~]/.test(segment));
}

interface Filed<T> {
  readonly filed: ReadonlyMap<string, readonly T[]>;
  readonly rest: readonly T[];
}

function fileBy<T>(items: readonly T[], key: (item: T) => string | undefined): Filed<T> {
  const filed = new Map<string, T[]>();
  const rest: T[] = [];
  for (const item of items) {
    const under = key(item);
    if (under === undefined) rest.push(item);
    else {
      const list = filed.get(under);
      if (list === undefined) filed.set(under, [item]);
      else list.push(item);
    }
  }
  return { filed, rest };
}

function* chain<T>(first: readonly T[] | undefined, second: readonly T[]): Iterable<T> {
  if (first !== undefined) yield* first;
  yield* second;
}

function* chainAll<T>(lists: readonly (readonly T[] | undefined)[], rest: readonly T[]): Iterable<T> {
  const seen = new Set<readonly T[]>();
  for (const list of lists) {
    if (list === undefined || seen.has(list)) continue;
    seen.add(list);
    yield* list;
  }
  yield* rest;
}

/** A rule as opinions cite it. */
export function refOf(rule: Rule): RuleRef {
  return { text: rule.text, effect: rule.effect, scope: rule.scope, file: rule.file, line: rule.line };
}
