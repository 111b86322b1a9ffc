import type { Document, Node } from "./document.ts";
import { addPlainRules, isRooted } from "./plain-rules.ts";
import { type Finding, consequence, heldIn } from "./reading.ts";
import { type EntryReading, readRuleObject, readRuleText } from "./rule-entry.ts";
import type { Rule, RuleEffect } from "./rule.ts";
import type { Place, SettingsSource } from "./source.ts";
import { strayKey } from "./stray.ts";
import type { Walk } from "./walk.ts";

interface RuleList {
  readonly key: string;
  readonly effect: RuleEffect;
  readonly node: Node;
  readonly live: boolean;
}

/** Which effect the entries of a rule key have, and the canonical spelling where it is another. */
const LISTS: ReadonlyMap<string, { readonly effect: RuleEffect; readonly canonical?: string }> = new Map([
  ["permissions.allow", { effect: "allow" }],
  ["permissions.ask", { effect: "ask" }],
  ["permissions.deny", { effect: "deny" }],
  ["permissions.allowedTools", { effect: "allow", canonical: "permissions.allow" }],
  ["permissions.deniedTools", { effect: "deny", canonical: "permissions.deny" }],
  ["allowedTools", { effect: "allow", canonical: "permissions.allow" }],
  ["deniedTools", { effect: "deny", canonical: "permissions.deny" }],
  ["ignorePatterns", { effect: "deny", canonical: "permissions.deny" }],
] as const);

/**
 * Reads every rule of a source.
 *
 * INVARIANT: no deny or ask entry is lost: one that cannot be read makes its tool ask, a list that
 * cannot be read makes the file faulty, and of a key that stands twice both count.
 */
export function readRuleLists(
  source: SettingsSource,
  place: Place,
  walked: Walk,
  document: Document,
  findings: Finding[],
): readonly Rule[] {
  const lists = [
    ...walked.entries.flatMap(({ path, node, live }): readonly RuleList[] => {
      const list = LISTS.get(path);
      return list ? [{ key: path, effect: list.effect, node, live }] : [];
    }),
    ...walked.unknown.flatMap((unknown) =>
      (strayKey(unknown, source.scope === "managed")?.lists ?? []).map((list): RuleList => ({
        ...list,
        live: true,
      })),
    ),
  ];
  const rules: Rule[] = [];
  for (const list of lists) {
    const canonical = LISTS.get(list.key)?.canonical;
    if (canonical !== undefined) {
      const hint = list.key === "ignorePatterns" ? "write `Read(...)` rules" : undefined;
      const message = `\`${list.key}\` is read as \`${canonical}\``;
      findings.push({ severity: "note", key: list.key, message, hint, offset: list.node.offset });
    }
    const dead = list.effect === "allow" && !list.live;
    const add = (node: Node, index: number): void => {
      const key = (): string => (node === list.node ? list.key : `${list.key}[${index}]`);
      const entry = readEntry(source, list, node, key, findings);
      if (entry === undefined) return;
      for (const fault of entry.faults) findings.push({ ...fault, key: key(), offset: node.offset });
      if (!dead) addRules(rules, source, place, entry, document.positionOf(node.offset).line);
    };
    if (list.node.texts === undefined || list.key === "ignorePatterns") {
      entriesOf(source, list, findings).forEach(add);
      continue;
    }
    // What a later list of the same name overrides is read all the same: its faults are reported.
    const into: Rule[] = dead ? [] : rules;
    addPlainRules(list.node.texts, list.node, { ...list, source, lineOf: document.lineOf }, into, add);
  }
  return rules;
}

function entriesOf(
  source: SettingsSource,
  { key, effect, node }: RuleList,
  findings: Finding[],
): readonly Node[] {
  if (node.type === "array") return node.children ?? [];
  const message = `\`${key}\` must be a list of rules`;
  if (effect === "allow") {
    findings.push({
      severity: "error",
      key,
      message: `${message}; it approves nothing`,
      hint: 'write `["Tool(specifier)"]`',
      offset: node.offset,
    });
    return [];
  }
  if (node.type === "string") {
    const hint = `write [${JSON.stringify(node.value)}]`;
    findings.push({
      severity: "warning",
      key,
      message: `${message}; the string is read as its only rule`,
      hint,
      offset: node.offset,
    });
    return [node];
  }
  findings.push({
    severity: "error",
    key,
    message: `${message}; ${consequence(source)}`,
    hint: 'write `["Tool(specifier)"]`',
    offset: node.offset,
    stops: true,
  });
  return [];
}

function readEntry(
  source: SettingsSource,
  { effect, key: list }: RuleList,
  node: Node,
  key: () => string,
  findings: Finding[],
): EntryReading | undefined {
  if (node.type === "string") {
    const text = String(node.value);
    return readRuleText(list === "ignorePatterns" ? `Read(${text})` : text, effect, heldIn(source));
  }
  const inProject = source.scope !== "user" && source.scope !== "managed";
  if (node.type === "object" && list !== "ignorePatterns")
    return readRuleObject(node, effect, inProject, heldIn(source));
  findings.push({
    severity: "error",
    key: key(),
    message: `\`${key()}\` is no rule; ${effect === "allow" ? "it approves nothing" : consequence(source)}`,
    hint: 'write `"Tool(specifier)"`',
    offset: node.offset,
    stops: effect !== "allow",
  });
  return undefined;
}

function addRules(
  rules: Rule[],
  source: SettingsSource,
  place: Place,
  { text, readings, faults, anchored }: EntryReading,
  line: number,
): void {
  const managed = source.scope === "managed";
  const faulty = faults.some(({ severity }) => severity === "error");
  for (const { effect, tool, specifier } of readings) {
    const rule: Rule = {
      // A managed rule that cannot be read blocks the tool it names; elsewhere the tool asks.
      effect: managed && faulty && effect === "ask" && specifier.kind === "none" ? "deny" : effect,
      text,
      scope: source.scope,
      file: source.file,
      line,
      tool,
      specifier,
      anchor: anchored === "project" ? place.root : source.anchor,
    };
    rules.push(rule);
    // In a managed file a leading slash may mean the project root or the file system: both count.
    const both = managed && effect !== "allow" && anchored === "source" && specifier.kind === "path";
    if (both && isRooted(specifier.pattern)) rules.push({ ...rule, anchor: "/" });
  }
}
