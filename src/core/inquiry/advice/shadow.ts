import type { Rule } from "../../settings/rule.ts";
import { canonicalHost } from "../hosts.ts";
import { mcpServer, pathGlobs } from "../rule-index.ts";
import { type Wildcard, compileWildcard, surelyMatches } from "../wildcard.ts";
import type { Advice, Place } from "./remark.ts";
import { type Language, isIncluded, languageOf } from "./included.ts";

/** Pairs of rules that are compared; of more, only equal ones are found. */
const MOST_PAIRS = 30_000;

/** A rule with what it matches. */
interface Item {
  readonly rule: Rule;
  /** The same text for rules that match the same and answer the same. */
  readonly same: string;
  readonly tool: Wildcard;
  readonly stages: readonly Wildcard[];
  readonly exact: boolean;
  readonly paths: Language;
  /** Literal beginnings of the paths. */
  readonly prefixes: readonly string[];
  readonly value: Wildcard | undefined;
}

/**
 * Which rules another one keeps from ever deciding: a broader deny, a broader ask, or the same
 * rule again. Of equal rules the first stays.
 *
 * INVARIANT: going through the rules from last to first, each marked one is covered by one that is
 * still there, so all of them can go at once. Of very many rules that begin alike, some that are
 * covered are not found.
 */
export function shadows(rules: readonly Rule[], place: Place): ReadonlyMap<Rule, Advice> {
  const found = new Map<Rule, Advice>();
  const items = rules.map((rule) => itemOf(rule, place));
  const index = new Map<string, Item[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const list = index.get(key);
      if (list === undefined) index.set(key, [item]);
      else list.push(item);
    }
  }
  const whole = items.filter(({ rule }) => rule.effect !== "allow" && rule.specifier.kind === "none");
  const shells = whole.filter(({ tool }) => surelyMatches(tool, "Bash"));
  const alls = whole.filter(({ tool }) => /^\*+$/.test(tool.text));
  let pairs = 0;
  for (const item of items.toReversed()) {
    const covering = (other: Item): boolean => {
      if (other === item || found.has(other.rule)) return false;
      if (isSame(other, item)) return true;
      pairs += 1;
      return pairs <= MOST_PAIRS && covers(other, item);
    };
    const by =
      (isShell(item.rule) ? shells : alls).find(covering) ??
      lookUps(item)
        .flatMap((key) => index.get(key) ?? [])
        .find(covering);
    if (by !== undefined) found.set(item.rule, said(by, item));
  }
  return found;
}

function itemOf(rule: Rule, place: Place): Item {
  const { specifier, effect, tool, anchor } = rule;
  const globs =
    specifier.kind === "path" && tool !== "Cd" ? pathGlobs(specifier.pattern, effect, anchor, place) : [];
  const stands = specifier.kind === "path" && /^\/(?!\/)/.test(specifier.pattern) ? anchor : "";
  return {
    rule,
    same: JSON.stringify([effect, tool, specifier, stands]),
    tool: compileWildcard(mcpServer(tool)),
    stages:
      specifier.kind === "command" && tool === "Bash"
        ? specifier.stages.map(({ text }) => compileWildcard(text))
        : [],
    exact: specifier.kind === "command" && specifier.stages[0]?.exact === true,
    paths: globs.map(({ tokens }) => tokens),
    prefixes: globs.map(({ prefix }) => prefix),
    value:
      specifier.kind === "name" || specifier.kind === "parameter"
        ? compileWildcard(specifier.pattern)
        : undefined,
  };
}

/** The words under which a rule is found by those it may cover: what all texts it matches begin with. */
function keysOf({ rule, prefixes, stages, tool }: Item): readonly string[] {
  const { specifier } = rule;
  switch (specifier.kind) {
    case "none":
      return [`none ${startOf(tool)}`];
    case "command":
      return [`command ${startOf(stages[0])}`];
    case "path":
      return rule.tool === "Cd"
        ? [`Cd ${specifier.pattern}`]
        : [...new Set(prefixes)].map((prefix) => `path ${prefix}`);
    case "domain":
      return [`domain ${canonicalHost(specifier.pattern)}`];
    case "parameter":
      return [`parameter ${rule.tool} ${specifier.name}`];
    case "name":
      return [`name ${rule.tool}`];
  }
}

/** The words under which every rule stands that may cover this one. */
function lookUps(item: Item): readonly string[] {
  const { rule, prefixes, stages, tool } = item;
  const { specifier } = rule;
  const tools = beginnings("none", tool.text);
  switch (specifier.kind) {
    case "none":
      return tools;
    case "command":
      return beginnings("command", stages[0]?.pieces[0] ?? "");
    case "path":
      return rule.tool === "Cd" ? [...tools, ...keysOf(item)] : beginnings("path", prefixes[0] ?? "");
    case "domain": {
      const host = canonicalHost(specifier.pattern);
      const labels = host.split(".");
      return [
        ...tools,
        "domain *",
        `domain ${host}`,
        ...labels.map((_, at) => `domain *.${labels.slice(at).join(".")}`),
      ];
    }
    case "parameter":
    case "name":
      return [...tools, ...keysOf(item)];
  }
}

function startOf(wildcard: Wildcard | undefined): string {
  return wildcard?.bare ?? wildcard?.pieces[0] ?? "";
}

function beginnings(kind: string, text: string): readonly string[] {
  return Array.from({ length: text.length + 1 }, (_, length) => `${kind} ${text.slice(0, length)}`);
}

/** A user or managed rule opens what one of a project does not. */
function strength(rule: Rule): number {
  return rule.scope === "user" || rule.scope === "managed" ? 1 : 0;
}

function isSame(by: Item, item: Item): boolean {
  return by.same === item.same && (by.rule.effect !== "allow" || strength(by.rule) >= strength(item.rule));
}

/** Wherever `item` says something, `by` says something at least as strict that nothing answers. */
function covers(by: Item, item: Item): boolean {
  const { effect } = item.rule;
  if (by.rule.effect === "allow" || (by.rule.effect === "ask" && effect === "deny")) return false;
  const shell = item.rule.tool === "Bash" && isShell(item.rule);
  // Elsewhere an allow answers what would otherwise end as a denial: plan mode, credentials, addresses.
  if (by.rule.effect === "ask" && effect === "allow" && !shell) return false;
  switch (by.rule.specifier.kind) {
    case "none":
      return coversTool(by, item, shell);
    case "command":
      return coversCommand(by, item);
    case "path":
      return coversPath(by, item);
    case "domain":
      return (
        item.rule.specifier.kind === "domain" &&
        holdsHosts(by.rule.specifier.pattern, item.rule.specifier.pattern)
      );
    case "parameter":
      return (
        item.rule.specifier.kind === "parameter" &&
        item.rule.tool === by.rule.tool &&
        item.rule.specifier.name === by.rule.specifier.name &&
        holds(by.value, item.value)
      );
    case "name":
      return (
        item.rule.specifier.kind === "name" && item.rule.tool === by.rule.tool && holds(by.value, item.value)
      );
  }
}

function isShell({ specifier }: Rule): boolean {
  return specifier.kind === "none" || specifier.kind === "command";
}

function coversTool(by: Item, { rule, tool }: Item, shell: boolean): boolean {
  if (/^\*+$/.test(by.tool.text)) return true;
  if (shell) return surelyMatches(by.tool, "Bash");
  switch (rule.specifier.kind) {
    case "none":
      // Rules for Read and Edit are about every tool and command that touches a path.
      return rule.tool !== "Read" && rule.tool !== "Edit" && holds(by.tool, tool);
    case "name":
      return holds(by.tool, tool);
    case "parameter":
    case "domain":
      return !rule.tool.includes("*") && surelyMatches(by.tool, rule.tool);
    case "path":
      return rule.tool === "Cd" && surelyMatches(by.tool, "Cd");
    case "command":
      return false;
  }
}

function coversCommand(by: Item, item: Item): boolean {
  const [outer] = by.stages;
  const [inner] = item.stages;
  if (outer === undefined || inner === undefined || by.stages.length > 1) return false;
  if (item.rule.effect === "allow") {
    // A star in the first word may stand for an assignment, which deny and ask rules do not see.
    if (inner.head === undefined || inner.head.includes("=") || item.stages.length > 1) return false;
  } else if (item.exact && /(?:^| )-/.test(inner.text)) {
    // It also means the same words with others between them.
    const first = inner.text.split(" ")[0] ?? "";
    if (first.startsWith("-")) return false;
    return outer.text === `${first} *` || (by.exact && outer.text === inner.text);
  }
  return holds(outer, inner);
}

function coversPath(by: Item, item: Item): boolean {
  if (by.paths.length === 0 || item.paths.length === 0) return false;
  const { tool, effect } = item.rule;
  if (by.rule.tool === "Edit" ? tool !== "Edit" || effect === "allow" : by.rule.tool !== "Read") return false;
  if (!item.prefixes.every((prefix) => by.prefixes.some((other) => prefix.startsWith(other)))) return false;
  if (!isIncluded(item.paths, by.paths, false)) return false;
  return effect === "allow" || isIncluded(item.paths, by.paths, true);
}

function holds(outer: Wildcard | undefined, inner: Wildcard | undefined): boolean {
  if (outer === undefined || inner === undefined) return false;
  const [start = ""] = outer.pieces;
  const [head = ""] = inner.pieces;
  if (!head.startsWith(start) && outer.bare === undefined) return false;
  // One text that the inner one matches spares most comparisons.
  if (!surelyMatches(outer, inner.pieces.join("\uE0FF"))) return false;
  return isIncluded(languageOf(inner), languageOf(outer), false);
}

/** Every host that `inner` matches is matched by `outer`; simple forms only. */
function holdsHosts(outer: string, inner: string): boolean {
  const [wide, narrow] = [canonicalHost(outer), canonicalHost(inner)];
  if (wide === "*" || wide === narrow) return true;
  const tail = wide.slice(1);
  return wide.startsWith("*.") && !tail.includes("*") && narrow.endsWith(tail) && narrow.length > tail.length;
}

function said(by: Item, item: Item): Advice {
  const place = by.rule.file === undefined ? "" : ` at ${by.rule.file}:${by.rule.line ?? 1}`;
  if (isSame(by, item))
    return { kind: "never", why: `says the same as \`${by.rule.text}\`${place}`, fix: "remove it" };
  const verb = by.rule.effect === "deny" ? "denies" : "asks about";
  return {
    kind: "never",
    why: `the ${by.rule.effect} rule \`${by.rule.text}\`${place} ${verb} every call that it covers`,
    fix:
      item.rule.effect === "allow"
        ? `remove it, or narrow that rule: ${by.rule.effect} beats allow, however narrow the allow is`
        : "remove it",
  };
}
