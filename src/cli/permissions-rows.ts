import { adviseOn, adviseOnFaults, adviseOnRule } from "../core/inquiry/advice/advice.ts";
import type { Advice } from "../core/inquiry/advice/remark.ts";
import { type ListedRule, listRules } from "../core/settings/listed.ts";
import { readSettings } from "../core/settings/read.ts";
import type { Rule, RuleEffect } from "../core/settings/rule.ts";
import type { SettingsSource } from "../core/settings/source.ts";
import type { Scope } from "../core/call/opinion.ts";
import { auditDirectory } from "../host/audit/directory.ts";
import { type Usage, ruleUsage, usageKey } from "../host/audit/usage.ts";
import type { Gate } from "../host/gate.ts";

/** One rule as the list shows it. */
export interface Row {
  readonly effect: RuleEffect;
  readonly rule: string;
  /** The tools the rule is consulted for. */
  readonly tools: readonly string[];
  readonly scope: Scope;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** The file it stands in may open something. */
  readonly trusted: boolean;
  /** Calls are judged by it. */
  readonly counts: boolean;
  /** Why it does not count. */
  readonly why?: string | undefined;
  /** Decisions in which it spoke, as far as the log was read. */
  readonly hits: number;
  /** UTC, ISO 8601. */
  readonly lastUsed?: string | undefined;
  readonly advice: readonly Advice[];
  /** No rule anybody wrote, but what holds while the file cannot be read. */
  readonly note?: string | undefined;
}

export interface Listing {
  readonly rows: readonly Row[];
  readonly usage: Usage;
  /** The audit log that was read. */
  readonly log: string;
}

/**
 * Every rule of these settings, highest scope first, with what became of it and what is wrong
 * with it. `sources` are those the gate was made from.
 */
export function listPermissions(gate: Gate, sources: readonly SettingsSource[]): Listing {
  const log = auditDirectory(gate.policy.cordon.audit.path, gate.env, gate.home);
  const usage = ruleUsage(log);
  const advice = adviseOn(gate.policy.rules, gate);
  const left = new Set(gate.policy.rules);
  const rowOf = (row: Omit<Row, "hits" | "lastUsed" | "advice">, remarks: readonly Advice[]): Row => {
    const used = usage.rules.get(usageKey({ ...row, text: row.rule }));
    return { ...row, hits: used?.hits ?? 0, lastUsed: used?.last, advice: distinct(remarks) };
  };
  const placed = byPlace(gate.policy.rules);
  const listed = sources.flatMap((source) => {
    const reading = readSettings(source, gate);
    const known = byPlace(reading.rules);
    return listRules(source).map((entry): Row => {
      const place = placeOf({ ...entry, file: source.file, scope: source.scope });
      const counted = (placed.get(place) ?? []).filter((rule) => left.has(rule));
      for (const rule of counted) left.delete(rule);
      const read = counted.length > 0 ? counted : (known.get(place) ?? []);
      const why = counted.length > 0 ? undefined : whyNot(entry, source, reading.faulty !== undefined);
      const own =
        counted.length > 0
          ? read.flatMap((rule) => advice.get(rule) ?? [])
          : read.flatMap((rule) => adviseOnRule(rule, gate));
      return rowOf(
        {
          effect: entry.effect,
          rule: entry.text,
          tools: [...new Set(read.map(({ tool }) => tool))],
          scope: source.scope,
          file: source.file,
          line: entry.line,
          trusted: source.trusted,
          counts: counted.length > 0,
          why,
        },
        [...adviseOnFaults(entry.text, entry.faults, entry.reads), ...own],
      );
    });
  });
  // What other keys come to: blocked commands, servers, files that cannot be read.
  const others = [...left].map((rule): Row => {
    const { text, tool, scope, file, line } = rule;
    const stops = text.startsWith("* (") && text.includes(" cannot be read");
    // What cannot be read asks; in a managed file it stops the gate.
    const effect = stops && scope === "managed" ? "deny" : rule.effect;
    const note = stops
      ? `the file cannot be read: every call ${effect === "deny" ? "is denied" : "asks"} until it is mended`
      : undefined;
    return rowOf(
      { effect, rule: text, tools: [tool], scope, file, line, trusted: true, counts: true, note },
      (advice.get(rule) ?? []).filter(({ kind }) => kind !== "never"),
    );
  });
  return { rows: [...listed, ...others], usage, log };
}

function placeOf({ file, scope, line, text }: Pick<Rule, "file" | "scope" | "line" | "text">): string {
  return JSON.stringify([scope, file, line, text]);
}

function byPlace(rules: readonly Rule[]): ReadonlyMap<string, readonly Rule[]> {
  const placed = new Map<string, Rule[]>();
  for (const rule of rules) {
    const place = placeOf(rule);
    const list = placed.get(place);
    if (list === undefined) placed.set(place, [rule]);
    else list.push(rule);
  }
  return placed;
}

/** A text that is read in two ways has each remark once; a fault says more than a guess about its form. */
function distinct(advice: readonly Advice[]): readonly Advice[] {
  const seen = new Set<string>();
  return advice.filter(({ kind, why }) => {
    const key = kind === "unlikely" && why.includes("unknown tool") ? "unlikely" : `${kind} ${why}`;
    const again = seen.has(key) || (kind === "unlikely" && seen.has("unlikely"));
    seen.add(key);
    return !again;
  });
}

function whyNot(entry: ListedRule, source: SettingsSource, faulty: boolean): string {
  if (!entry.reads) return "it cannot be read";
  if (faulty) return "its file has a fault, so nothing in it opens anything";
  if (!source.trusted)
    return source.scope === "local"
      ? "the file was not written by cordon and the workspace is not trusted"
      : "the workspace is not trusted; see `cordon trust`";
  if (!entry.live) return "a later list of the same name takes its place";
  return "managed settings let only their own rules count";
}
