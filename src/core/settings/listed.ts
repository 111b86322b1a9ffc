import { type Node, readDocument } from "./document.ts";
import { heldIn } from "./reading.ts";
import { readRuleObject, readRuleText } from "./rule-entry.ts";
import type { Held, RuleEffect, RuleFault } from "./rule.ts";
import { KEYS } from "./settings.gen.ts";
import type { SettingsSource } from "./source.ts";
import { strayKey } from "./stray.ts";
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
  const held = heldIn(source);
  const walked = walk(document.root);
  const lists = [
    ...walked.entries.flatMap(({ path, node, live }): readonly List[] => {
      const effect = effectOf(path);
      return effect === undefined ? [] : [{ key: path, effect, node, live, faults: [] }];
    }),
    ...walked.unknown.flatMap((unknown): readonly List[] => {
      const stray = strayKey(unknown, source.scope === "managed");
      if (stray === undefined) return [];
      const { severity, message, hint, lists: meant } = stray;
      return meant.map((list) => ({ ...list, live: true, faults: [{ severity, message, hint }] }));
    }),
  ];
  return lists
    .toSorted((a, b) => a.node.offset - b.node.offset)
    .flatMap(({ key, effect, node, live, faults: ofList }) => {
      const items = node.type === "array" ? (node.children ?? []) : effect === "allow" ? [] : [node];
      return items.flatMap((item): readonly ListedRule[] => {
        const read = entryOf(item, key, effect, inProject, held);
        if (read === undefined) return [];
        const { line } = document.positionOf(item.offset);
        const { text, readings } = read;
        const faults = [...ofList, ...read.faults];
        return [{ effect, text, line, key, faults, reads: readings.length > 0, live }];
      });
    });
}

interface List {
  readonly key: string;
  readonly effect: RuleEffect;
  readonly node: Node;
  readonly live: boolean;
  /** What is wrong with where it stands. */
  readonly faults: readonly RuleFault[];
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
  held: Held,
): ReturnType<typeof readRuleText> | undefined {
  if (item.type === "string") {
    const text = String(item.value);
    return readRuleText(key === "ignorePatterns" ? `Read(${text})` : text, effect, held);
  }
  return item.type === "object" && key !== "ignorePatterns"
    ? readRuleObject(item, effect, inProject, held)
    : undefined;
}
