import { type Node, readDocument } from "./document.ts";
import { readRuleObject, readRuleText } from "./rule-entry.ts";
import type { RuleEffect, RuleFault } from "./rule.ts";
import { KEYS } from "./settings.gen.ts";
import type { SettingsSource } from "./source.ts";
import { walk } from "./walk.ts";

/** A rule as somebody wrote it, whether it counts or not. */
export interface ListedRule {
  readonly effect: RuleEffect;
  /** As written; of an object `Tool(pattern)`. */
  readonly text: string;
  /** One-based. */
  readonly line: number;
  /** The key it stands under: `permissions.allow`. */
  readonly key: string;
  /** What the settings reader says about it. */
  readonly faults: readonly RuleFault[];
  /** False: nothing came of it, so it approves nothing. */
  readonly reads: boolean;
  /** False: a later list of the same name overrides it; an allow rule then does not count. */
  readonly live: boolean;
}

/**
 * Every rule that stands in the rule lists of a source, those that cannot be read and those that
 * do not count among them, in the order of the text.
 *
 * A source that cannot be read at all lists none. What other keys come to is not listed here.
 */
export function listRules(source: SettingsSource): readonly ListedRule[] {
  if (source.fault !== undefined) return [];
  const document = readDocument(source.text);
  if (document.root === undefined) return [];
  const inProject = source.scope !== "user" && source.scope !== "managed";
  return walk(document.root).entries.flatMap(({ path, node, live }): readonly ListedRule[] => {
    const effect = effectOf(path);
    if (effect === undefined) return [];
    const items = node.type === "array" ? (node.children ?? []) : effect === "allow" ? [] : [node];
    return items.flatMap((item): readonly ListedRule[] => {
      const read = entryOf(item, path, effect, inProject);
      if (read === undefined) return [];
      const { line } = document.positionOf(item.offset);
      const { text, faults, readings } = read;
      return [{ effect, text, line, key: path, faults, reads: readings.length > 0, live }];
    });
  });
}

/** The effect of the rules under a key; undefined for keys that hold none. */
function effectOf(key: string): RuleEffect | undefined {
  if (KEYS.get(key)?.merge !== "rules") return undefined;
  if (/allow/i.test(key)) return "allow";
  return key.endsWith(".ask") ? "ask" : "deny";
}

function entryOf(
  item: Node,
  key: string,
  effect: RuleEffect,
  inProject: boolean,
): ReturnType<typeof readRuleText> | undefined {
  if (item.type === "string") {
    const text = String(item.value);
    return readRuleText(key === "ignorePatterns" ? `Read(${text})` : text, effect);
  }
  return item.type === "object" && key !== "ignorePatterns"
    ? readRuleObject(item, effect, inProject)
    : undefined;
}
