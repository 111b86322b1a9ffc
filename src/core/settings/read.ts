import { type Document, readDocument } from "./document.ts";
import { readHooks } from "./hook-list.ts";
import type { Problem } from "./problem.ts";
import { type Finding, type Found, type SettingsReading, consequence } from "./reading.ts";
import { readValue } from "./value.ts";
import { readRuleLists } from "./rule-list.ts";
import type { Rule } from "./rule.ts";
import type { SettingKey, SettingValues } from "./settings.gen.ts";
import type { Place, SettingsSource } from "./source.ts";
import { guessedEntries } from "./meant.ts";
import { placedEntries } from "./placed.ts";
import { mendHint } from "./mend.ts";
import { strayKey } from "./stray.ts";
import { type Walk, walk } from "./walk.ts";

/** More unknown keys than this are counted, not listed. */
const LISTED_UNKNOWN = 20;

/**
 * Reads one settings source. Never throws.
 *
 * A text that is no JSON, or in which a rule list cannot be read, is `faulty`: what can be made out
 * of its deny and ask rules holds, its allow rules do not, and every call asks.
 */
export function readSettings(source: SettingsSource, place: Place): SettingsReading {
  if (source.fault !== undefined) {
    const problem: Problem = {
      severity: "error",
      file: source.file,
      message: `the settings cannot be read: ${source.fault}; ${consequence(source)}`,
      hint: mendHint(source.fault, source),
    };
    return {
      source,
      rules: [askEverything(source, problem)],
      hooks: [],
      problems: [problem],
      says: true,
      faulty: problem,
      found: () => [],
    };
  }
  const document = readDocument(source.text);
  const findings: Finding[] = [];
  if (document.fault) {
    const { message, hint, offset } = document.fault;
    findings.push({
      severity: "error",
      message: `the file ${message}; ${consequence(source)}`,
      hint,
      offset,
      stops: true,
    });
  }
  const walked = document.root && walk(document.root);
  const values = new Map<string, Found<unknown>[]>();
  const rules: readonly Rule[] = walked ? readRuleLists(source, place, walked, document, findings) : [];
  const hooks = walked ? readHooks(source, place, walked, document, findings) : [];
  if (walked) {
    for (const finding of outsideFindings(source, walked)) findings.push(finding);
    const guessed = walked.unknown.flatMap((each) => {
      const placed = placedEntries(each);
      return placed.length > 0 || source.scope !== "managed" ? placed : guessedEntries(each);
    });
    for (const entry of [...walked.entries, ...guessed]) {
      const found = readValue(source, entry, document, findings);
      if (found) values.set(entry.path, [...(values.get(entry.path) ?? []), found]);
    }
  }
  const located = findings
    .toSorted((a, b) => a.offset - b.offset)
    .map((finding) => ({ stops: finding.stops === true, problem: toProblem(source, document, finding) }));
  const faulty = located.find(({ stops }) => stops)?.problem;
  return {
    source,
    rules: faulty
      ? [...rules.filter(({ effect }) => effect !== "allow"), askEverything(source, faulty)]
      : rules,
    hooks,
    problems: located.map(({ problem }) => problem),
    says: faulty !== undefined || (walked !== undefined && saysSomething(walked)),
    faulty,
    // The table of keys and the types are made from the same schema, and the walk has checked the value.
    found: <K extends SettingKey>(key: K) => (values.get(key) ?? []) as readonly Found<SettingValues[K]>[],
  };
}

function saysSomething({ entries, unknown, misfits }: Walk): boolean {
  return entries.length + unknown.length + misfits.length > 0;
}

/** The rule that holds for a file that cannot be taken at its word; its text says where and why. */
export function askEverything(source: SettingsSource, problem: Problem): Rule {
  const line =
    problem.line === undefined ? "" : `${source.file === undefined ? ", line " : ":"}${problem.line}`;
  const what = problem.message
    .replace(/; every call (?:asks|is denied) until it is mended$/, "")
    .replace(/^the settings cannot be read: /, "")
    .replace(/^the file /, "it ");
  return {
    effect: "ask",
    text: `* (${source.file ?? `the ${source.scope} settings`}${line} cannot be read: ${what})`,
    scope: source.scope,
    file: source.file,
    line: problem.line,
    tool: "*",
    specifier: { kind: "none" },
    anchor: source.anchor,
  };
}

function toProblem(source: SettingsSource, document: Document, finding: Finding): Problem {
  const { severity, key, message, hint, offset } = finding;
  return { severity, file: source.file, ...document.positionOf(offset), key, message, hint };
}

/** Groups that are no object, keys that stand twice, keys that mean nothing. */
function outsideFindings(source: SettingsSource, { misfits, repeated, unknown }: Walk): readonly Finding[] {
  const strays = unknown.flatMap((each) => {
    const stray = strayKey(each, source.scope === "managed");
    return stray ? [{ ...stray, offset: each.key.offset }] : [];
  });
  const listed = strays.filter(
    ({ lists, severity }, index) => index < LISTED_UNKNOWN || lists.length > 0 || severity === "error",
  );
  const rest = strays.length - listed.length;
  const last = listed.at(-1);
  return [
    ...misfits.map(({ node, key, expected }): Finding => {
      const message = `${key === "" ? "the settings" : `\`${key}\``} must be ${expected}; ${consequence(source)}`;
      return {
        severity: "error",
        key: key === "" ? undefined : key,
        message,
        hint: key === "" ? 'write `{"permissions": {...}}`, or `{}` for no settings' : "write `{...}`",
        offset: node.offset,
        stops: true,
      };
    }),
    ...repeated.map(({ path, key }): Finding => {
      const message = `\`${path}\` stands more than once; everything in it that tightens holds, of the rest the last`;
      return { severity: "warning", key: path, message, hint: "keep one", offset: key.offset };
    }),
    ...listed.map(({ severity, key, message, hint, stops, offset }): Finding => ({
      severity,
      key,
      message,
      hint,
      offset,
      stops: stops === true,
    })),
    ...(rest > 0 && last
      ? [{ severity: "warning", message: `${rest} more unknown keys`, offset: last.offset } as const]
      : []),
  ];
}
