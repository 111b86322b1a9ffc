import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { adviseOn } from "../core/inquiry/advice/advice.ts";
import type { Advice } from "../core/inquiry/advice/remark.ts";
import { propertiesOf, readDocument } from "../core/settings/document.ts";
import { buildPolicy } from "../core/settings/merge.ts";
import { readRuleText } from "../core/settings/rule-entry.ts";
import type { RuleEffect } from "../core/settings/rule.ts";
import type { SettingsSource } from "../core/settings/source.ts";
import { confirm } from "../host/prompts/confirm.ts";
import { unifiedDiff } from "../host/settings/diff.ts";
import { type EditedText, withRule } from "../host/settings/edit.ts";
import { SettingsFileError } from "../host/settings/error.ts";
import { loadSources } from "../host/settings/load.ts";
import { ownUserFile, projectFiles, stateDirectory } from "../host/settings/places.ts";
import { readWhole, utf8 } from "../host/settings/read-file.ts";
import { checkoutAbove } from "../host/trust/surroundings.ts";
import { removeRule, withoutRule } from "../host/settings/remove.ts";
import { saveRule } from "../host/settings/save.ts";
import { agentVariable } from "./agent-session.ts";
import { EXIT, type Terminal, pathFrom, printable, printableJson, usageError } from "./command.ts";

type Verb = "add" | "remove";
type FileScope = "user" | "project" | "local";

/** Asks for a yes at the controlling terminal. */
export type Ask = typeof confirm;

interface Change {
  readonly verb: Verb;
  readonly effect: RuleEffect;
  readonly rule: string;
  /** Undefined: `remove` looks for the one file in which the rule stands. */
  readonly scope: FileScope | undefined;
  readonly root: string;
  readonly yes: boolean;
  /** Also where managed settings let only their own rules count. */
  readonly anyway: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Where managed settings are looked for; a test has a root of its own. */
export interface Machine {
  readonly platform?: NodeJS.Platform | undefined;
  readonly top?: string | undefined;
}

/** `cordon permissions add` and `remove`: edits one settings file, after showing what changes. */
export async function changePermissions(
  verb: Verb,
  argv: readonly string[],
  io: Terminal,
  ask: Ask,
  machine: Machine = {},
): Promise<number> {
  const change = readChange(verb, argv, io);
  if (typeof change === "number") return change;
  const agent = agentVariable(io.env);
  if (agent !== undefined) {
    io.stderr(`cordon permissions: not changed: ${agent} is set, so this is an agent's session\n`);
    io.stderr("  hint: rules are for a person to change; run it in a terminal of your own\n");
    return EXIT.refused;
  }
  try {
    return await carryOut(change, io, ask, machine);
  } catch (error) {
    if (!(error instanceof SettingsFileError)) throw error;
    io.stderr(`cordon permissions: ${printable(error.message)}\n`);
    if (error.hint !== undefined) io.stderr(`  hint: ${printable(error.hint)}\n`);
    return EXIT.settings;
  }
}

function readChange(verb: Verb, argv: readonly string[], io: Terminal): Change | number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      user: { type: "boolean" },
      project: { type: "boolean" },
      local: { type: "boolean" },
      cwd: { type: "string" },
      yes: { type: "boolean" },
      anyway: { type: "boolean" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const wrong = (what: string, hint?: string): number => usageError(io, "permissions", what, hint);
  const [named, rule, ...more] = positionals;
  const example = `write \`cordon permissions ${verb} allow 'Bash(npm test)'\``;
  const effect = (["allow", "ask", "deny"] as const).find((each) => each === named);
  if (effect === undefined)
    return wrong(named === undefined ? "the effect is missing" : `there is no effect \`${named}\``, example);
  if (rule === undefined || rule.trim() === "") return wrong("the rule is missing", example);
  if (more.length > 0) return wrong(`\`${more[0] ?? ""}\` is too many`, "quote the rule");
  const scopes = (["user", "project", "local"] as const).filter((name) => values[name] === true);
  if (scopes.length > 1) return wrong(`--${scopes.join(" and --")} do not go together`);
  if (values.cwd === "") return wrong("--cwd is empty");
  return {
    verb,
    effect,
    rule,
    scope: scopes[0] ?? (verb === "add" ? "local" : undefined),
    root: pathFrom(io, values.cwd ?? "."),
    yes: values.yes === true,
    anyway: values.anyway === true,
    dryRun: values["dry-run"] === true,
    json: values.json === true,
  };
}

async function carryOut(change: Change, io: Terminal, ask: Ask, machine: Machine): Promise<number> {
  const { verb, effect, rule, root, json, dryRun } = change;
  if (verb === "add") {
    const read = readRuleText(rule, effect);
    const fault = read.faults.find(({ severity }) => severity === "error" || read.readings.length === 0);
    if (fault !== undefined) return usageError(io, "permissions", fault.message, fault.hint);
    for (const { message, hint } of read.faults) warn(io, message, hint);
  }
  const { home, env } = io;
  const { sources } = loadSources({ root, cwd: root, home, env, ambient: true, ...machine });
  const files = filesFor(change, io);
  const standing = files.filter((file) => stands(file, effect, rule));
  const chosen = verb === "add" ? files.slice(0, 1) : standing;
  if (verb === "remove" && change.scope === undefined && standing.length > 1) {
    const names = standing.map(printable).join(", ");
    return usageError(io, "permissions", `it stands in ${names}`, "say which: --user, --project or --local");
  }
  const edits = chosen.map((file) => planned(file, change));
  const changed = edits.filter((edit) => edit.changed);
  const remarks = verb === "add" ? remarksOn(change, sources, chosen[0], io) : [];
  if (changed.length === 0) {
    const what = verb === "add" ? "the rule stands there already" : "no file has that rule";
    report(io, change, [], remarks, false, `nothing to do: ${what}\n`);
    return EXIT.ok;
  }
  const diff = changed.map(({ file, before, after }) => unifiedDiff(file, before, after)).join("");
  if (!json) io.stdout(diff.split("\n").map(printable).join("\n"));
  for (const { why, fix } of remarks) warn(io, why, fix);
  const lock = verb === "add" ? lockOn(change, sources, home) : undefined;
  if (lock !== undefined) warn(io, `the rule would not count: ${lock}`, undefined);
  if (dryRun) {
    report(io, change, changed, remarks, false, "nothing is written (--dry-run)\n");
    return EXIT.ok;
  }
  if (lock !== undefined && !change.anyway) {
    warn(io, "not saved", "leave it, or say --anyway to keep the rule for when the lock is gone");
    return EXIT.refused;
  }
  const loosens = (verb === "add") === (effect === "allow");
  if (loosens && !change.yes) {
    const answer = await ask(`Change ${changed.length === 1 ? "it" : "them"}? [y/N]: `, io.interrupted);
    if (answer !== "yes") {
      io.stderr(`cordon permissions: not changed${answer === "nobody" ? ": there is nobody to ask" : ""}\n`);
      if (answer === "nobody") io.stderr("  hint: run it in a terminal, or say --yes\n");
      return EXIT.refused;
    }
  }
  for (const { file } of changed) apply(change, file, sources, io);
  const done = verb === "add" ? "saved in" : "removed from";
  report(
    io,
    change,
    changed,
    remarks,
    true,
    changed.map(({ file }) => `${done} ${printable(file)}\n`).join(""),
  );
  for (const { file } of changed) afterwards(change, file, sources, io);
  return EXIT.ok;
}

/** Why managed settings let no rule of this kind count; undefined where they do. */
function lockOn(
  { effect, rule, root }: Change,
  sources: readonly SettingsSource[],
  home: string,
): string | undefined {
  if (effect !== "allow") return undefined;
  const { managed } = buildPolicy(sources, { root, cwd: root, home }, "");
  const locks = [
    { key: "allowManagedPermissionRulesOnly", origin: managed.onlyManagedRules },
    ...(/^\s*WebFetch\b/.test(rule)
      ? [{ key: "sandbox.network.allowManagedDomainsOnly", origin: managed.onlyManagedDomains }]
      : []),
  ];
  const set = locks.find(({ origin }) => origin !== undefined);
  if (set?.origin === undefined) return undefined;
  const { file = "the managed settings", line } = set.origin;
  return `managed settings let only their own allow rules count (\`${set.key}\`, ${file}${line === undefined ? "" : `:${line}`})`;
}

/**
 * The files of the scope, cordon's own first; without a scope all that a person may change. Further
 * down in a checkout those at its top count too, and come first where the directory has none.
 */
function filesFor({ scope, root }: Change, { home }: Terminal): readonly string[] {
  const top = checkoutAbove(root, home);
  const own = [".cordon", ".claude"].some((name) => existsSync(join(root, name)));
  const places = typeof top === "string" ? (own ? [root, top] : [top, root]) : [root];
  const local = places.flatMap((place) => projectFiles(place).local);
  const shared = places.flatMap((place) => projectFiles(place).shared);
  const user = [ownUserFile(home), join(home, ".claude", "settings.json")];
  switch (scope) {
    case "local":
      return local;
    case "project":
      return shared;
    case "user":
      return user;
    case undefined:
      return [...new Set([...local, ...shared, ...user])];
  }
}

interface Planned {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string;
  readonly changed: boolean;
}

function planned(file: string, { verb, effect, rule }: Change): Planned {
  const before = textOf(file);
  const edited: EditedText =
    verb === "add" ? withRule(before ?? "{}\n", effect, rule) : withoutRule(before ?? "{}\n", effect, rule);
  if (edited.fault !== undefined)
    throw new SettingsFileError(file, `${edited.fault}; nothing was changed`, edited.hint);
  return { file, before, after: edited.text, changed: edited.changed };
}

function textOf(file: string): string | undefined {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "absent") return undefined;
  if (reading.kind === "fault") throw new SettingsFileError(file, reading.why, "change it by hand");
  const text = utf8(reading.bytes);
  if (text === undefined) throw new SettingsFileError(file, "is not written in UTF-8", "change it by hand");
  return text;
}

/** Whether the rule stands under its own key. A file that cannot be read is left to `planned`, where it is named. */
function stands(file: string, effect: RuleEffect, rule: string): boolean {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "fault") return true;
  const text = reading.kind === "bytes" ? utf8(reading.bytes) : undefined;
  const { root } = readDocument(text ?? "{}");
  const groups = root === undefined ? [] : propertiesOf(root).filter(({ name }) => name === "permissions");
  const lists = groups.flatMap(({ value }) => propertiesOf(value)).filter(({ name }) => name === effect);
  return lists.some(({ value }) => (value.children ?? []).some((item) => item.value === rule));
}

function apply(
  { verb, effect, rule }: Change,
  file: string,
  sources: readonly SettingsSource[],
  io: Terminal,
): void {
  const state = stateDirectory(io.env, io.home);
  if (verb === "remove") removeRule({ file, effect, rule, state });
  else {
    const trusted = (name: string, bytes: Uint8Array): boolean =>
      sources.some((source) => source.file === name && source.trusted && source.text === utf8(bytes));
    saveRule({ file, effect, rule, state, trusted });
  }
}

/** What the new rule does not do, or does besides, beside the rules that are there. */
function remarksOn(
  { effect, rule, scope = "local", root }: Change,
  sources: readonly SettingsSource[],
  file: string | undefined,
  { home }: Terminal,
): readonly Advice[] {
  const place = { root, cwd: root, home };
  const anchor =
    scope === "user" ? join(home, ".config", "cordon") : file === undefined ? root : dirname(dirname(file));
  const text = JSON.stringify({ permissions: { [effect]: [rule] } });
  const added: SettingsSource = { scope, file, trusted: true, repository: false, anchor, base: anchor, text };
  const known = buildPolicy(sources, place, "").rules.filter(
    (each) => each.text !== rule || each.file !== file,
  );
  const own = buildPolicy([added], place, "").rules;
  const advice = adviseOn([...known, ...own], place);
  return own.flatMap((each) => advice.get(each) ?? []);
}

function warn(io: Terminal, what: string, hint: string | undefined): void {
  io.stderr(`cordon permissions: ${printable(what)}\n`);
  if (hint !== undefined) io.stderr(`  hint: ${printable(hint)}\n`);
}

function report(
  io: Terminal,
  { verb, effect, rule, dryRun, json }: Change,
  changes: readonly Planned[],
  advice: readonly Advice[],
  changed: boolean,
  text: string,
): void {
  if (!json) {
    io.stdout(text);
    return;
  }
  const files = changes.map(({ file, before, after }) => ({ file, diff: unifiedDiff(file, before, after) }));
  io.stdout(
    `${printableJson(JSON.stringify({ verb, effect, rule, changed, dryRun, files, advice }, undefined, 2))}\n`,
  );
}

/** A file that comes with the project counts by what it was when it was trusted. */
function afterwards(
  { effect, verb }: Change,
  file: string,
  sources: readonly SettingsSource[],
  io: Terminal,
): void {
  const before = sources.find((source) => source.file === file);
  const { shared } = projectFiles(join(file, "..", ".."));
  if (!shared.includes(file)) return;
  if (before?.trusted === true)
    io.stderr(
      "cordon permissions: the file changed, so the workspace has to be trusted again\n  hint: run `cordon trust`\n",
    );
  else if (verb === "add" && effect === "allow")
    io.stderr(
      "cordon permissions: the rule does not count until the workspace is trusted\n  hint: run `cordon trust`\n",
    );
}
