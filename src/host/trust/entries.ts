import type { Json } from "../../core/call/json.ts";
import { adviseOnRule } from "../../core/inquiry/advice/advice.ts";
import { type Node, propertiesOf, readDocument, valueOf } from "../../core/settings/document.ts";
import { readSettings } from "../../core/settings/read.ts";
import type { Rule } from "../../core/settings/rule.ts";
import { GROUPS, KEYS } from "../../core/settings/settings.gen.ts";
import { isPermitted } from "../../core/settings/source.ts";
import { readFrontMatter } from "../session/front-matter.ts";
import type { Subject } from "./subjects.ts";

/** What sort of thing an entry adds; in the order they are shown. */
export const ENTRY_KINDS = [
  "hook",
  "command",
  "server",
  "code",
  "plug-in",
  "environment",
  "allow",
  "directory",
  "sandbox",
  "mode",
  "instructions",
  "other",
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One thing a file of a project would add if it were trusted. */
export interface TrustEntry {
  readonly kind: EntryKind;
  /** From the root of the checkout. */
  readonly path: string;
  /** One-based. */
  readonly line: number;
  /** The dotted key, and the value as JSON. In full: what is left out is where something would hide. */
  readonly text: string;
  /** It starts a program, or decides which one is started. */
  readonly runs: boolean;
  /** False for what is shown and does nothing more when trusted. */
  readonly opens: boolean;
  readonly note?: string | undefined;
}

/** What a file would add, or why nothing of it can count. */
export type Contribution = { readonly entries: readonly TrustEntry[]; readonly fault?: string | undefined };

/** Deeper than the parser goes. */
const ALL_LEVELS = 10_000;

/** Keys that name a program of whoever wrote the file. */
const COMMANDS: ReadonlySet<string> = new Set([
  "apiKeyHelper",
  "awsAuthRefresh",
  "awsCredentialExport",
  "gcpAuthRefresh",
  "otelHeadersHelper",
  "proxyAuthHelper",
  "statusLine",
  "subagentStatusLine",
  "fileSuggestion",
]);
/** Keys that bring programs of somebody else. */
const PLUG_INS: ReadonlySet<string> = new Set(["enabledPlugins", "extraKnownMarketplaces", "pluginConfigs"]);
const SERVERS: ReadonlySet<string> = new Set([
  "enableAllProjectMcpServers",
  "enabledMcpjsonServers",
  "mcpServers",
]);
/** Variables by which a program is chosen or made to load something. */
const RUNS_BY_NAME =
  /^(?:LD_.*|DYLD_.*|GIT_.*|NODE_OPTIONS|NODE_PATH|BASH_ENV|BASH_FUNC_.*|ENV|PATH|SHELL|PS[0-4]|PROMPT_COMMAND|PYTHON.*|PERL5?.*|RUBY.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|MAVEN_OPTS|GRADLE_OPTS|RUSTC.*|.*(?:EDITOR|PAGER|BROWSER|COMMAND|ASKPASS|WRAPPER|SHELL|_CMD|_RC))$/i;
const SENDS_BY_NAME = /(?:_URL|_URI|_ENDPOINT|_PROXY|_HOST|_HEADERS|^https?_proxy|^all_proxy)$/i;

/**
 * Everything a file would add, in the order of its text; `home` is the person's. Never throws; a file
 * that cannot be read in full is a fault.
 */
export function entriesOf(subject: Subject, home: string): Contribution {
  if (subject.fault !== undefined) return { entries: [], fault: subject.fault };
  switch (subject.kind) {
    case "code":
      return { entries: [codeEntry(subject.path, subject)] };
    case "instructions":
      return { entries: [instructionsEntry(subject.path, subject)] };
    case "servers":
      return serverEntries(subject, subject.text);
    case "settings":
    case "local":
      return settingsEntries(subject, subject.text, home);
  }
}

function codeEntry(
  path: string,
  { bytes, text }: { readonly bytes: Uint8Array; readonly text: string },
): TrustEntry {
  return { kind: "code", path, line: 1, text: sizeOf(bytes, text), runs: true, opens: true, note: "read it" };
}

/** A text that the model is told; it permits nothing, and may say anything. */
function instructionsEntry(
  path: string,
  { bytes, text }: { readonly bytes: Uint8Array; readonly text: string },
): TrustEntry {
  const scoped = readFrontMatter(text);
  const about = scoped === undefined ? "" : `for ${scoped.paths.join(", ")}: `;
  const note = "the model is told it: read it";
  const shown = `${about}${sizeOf(bytes, text)}`;
  return { kind: "instructions", path, line: 1, text: shown, runs: false, opens: true, note };
}

function sizeOf(bytes: Uint8Array, text: string): string {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return `${lines} line${lines === 1 ? "" : "s"}, ${bytes.length} bytes`;
}

function serverEntries(subject: Subject, text: string): Contribution {
  const { root, fault, positionOf } = readDocument(text);
  if (fault !== undefined || root?.type !== "object") {
    return { entries: [], fault: `the file ${fault?.message ?? "must be an object"}` };
  }
  const line = (node: Node): number => positionOf(node.offset).line;
  return {
    entries: propertiesOf(root).flatMap(({ name, key, value }): readonly TrustEntry[] =>
      name === "mcpServers" && value.type === "object"
        ? propertiesOf(value).map((server) =>
            serverEntry(subject, server.name, server.value, line(server.key)),
          )
        : [other(subject, name, value, line(key))],
    ),
  };
}

function serverEntry({ path }: Subject, name: string, node: Node, line: number): TrustEntry {
  // One that is reached by its address alone starts nothing here.
  const runs = !(named(node, "url") && !startsProgram(node));
  return { kind: "server", path, line, text: `${name} ${jsonOf(node)}`, runs, opens: true };
}

function settingsEntries(subject: Subject, text: string, home: string): Contribution {
  const { path, file, own } = subject;
  const base = "/";
  const place = { scope: subject.kind === "local" ? "local" : "project", repository: !own } as const;
  const source = { ...place, file, trusted: true, anchor: base, base, text };
  const here = { root: base, cwd: base, home };
  const { faulty, rules } = readSettings(source, here);
  if (faulty !== undefined) {
    const at = faulty.line === undefined ? "" : `line ${faulty.line}: `;
    return { entries: [], fault: `${at}${faulty.message}` };
  }
  const { root, positionOf } = readDocument(text);
  const entries: TrustEntry[] = [];
  const descend = (node: Node, group: string): void => {
    for (const { name, key, value } of propertiesOf(node)) {
      const dotted = group === "" ? name : `${group}.${name}`;
      if (!name.includes(".") && GROUPS.has(dotted) && value.type === "object") {
        descend(value, dotted);
        continue;
      }
      const lineOf = (each: Node): number => positionOf(each.offset).line;
      const info = name.includes(".") ? undefined : KEYS.get(dotted);
      if (info !== undefined && !isPermitted(info.scopes, source)) continue;
      switch (info?.merge) {
        case "closes":
        case "restricts":
        case "lock":
          break;
        case "rules":
          if (!/(?:^|\.)allow(?:edTools)?$/.test(dotted)) break;
          for (const item of itemsOf(value))
            entries.push({
              kind: "allow",
              path,
              line: lineOf(item),
              text: plain(item),
              runs: false,
              opens: true,
              note: idleNote(rules, item, lineOf(item), here),
            });
          break;
        case "choice":
        case "limit": {
          const kind = name === "defaultMode" ? "mode" : "sandbox";
          const note = own
            ? "counts in full: the file does not come with the repository"
            : "only where it is stricter";
          entries.push({
            kind,
            path,
            line: lineOf(key),
            text: `${dotted} ${jsonOf(value)}`,
            runs: false,
            opens: own,
            note,
          });
          break;
        }
        case "opens":
          for (const item of itemsOf(value)) {
            const kind = name === "additionalDirectories" ? "directory" : "sandbox";
            const label = kind === "directory" ? plain(item) : `${dotted} ${jsonOf(item)}`;
            const note = kind === "directory" ? undefined : "widens the sandbox";
            entries.push({ kind, path, line: lineOf(item), text: label, runs: false, opens: true, note });
          }
          break;
        default:
          // Whatever is not known to tighten is shown.
          if (dotted !== "$schema") entries.push(...freeEntries(subject, dotted, value, lineOf(key), lineOf));
          break;
      }
    }
  };
  if (root !== undefined) descend(root, "");
  return { entries };
}

/** Why an allow rule does nothing where it stands, or hardly what is meant; undefined for one that counts. */
function idleNote(
  rules: readonly Rule[],
  item: Node,
  line: number,
  place: Parameters<typeof adviseOnRule>[1],
): string | undefined {
  if (item.type !== "string") return undefined;
  const own = rules.filter(
    (rule) => rule.effect === "allow" && rule.line === line && rule.text === item.value,
  );
  if (own.length === 0) return "does not count: it cannot be read as a rule";
  const idle = own.map((rule) =>
    adviseOnRule(rule, place).find(({ kind }) => kind === "never" || kind === "unlikely"),
  );
  // One text may stand for several rules.
  const [first] = idle;
  if (first === undefined || idle.includes(undefined)) return undefined;
  return first.kind === "never" ? `does not count: ${first.why}` : first.why;
}

/** Keys that the gate itself does nothing with, and those it does not know. */
function freeEntries(
  subject: Subject,
  key: string,
  value: Node,
  line: number,
  lineOf: (node: Node) => number,
): readonly TrustEntry[] {
  const { path } = subject;
  if (key === "hooks" && value.type === "object") {
    return propertiesOf(value).flatMap((event) => hookEntries(subject, event.name, event.value, lineOf));
  }
  if (key === "env" && value.type === "object") {
    return propertiesOf(value).map((variable): TrustEntry => {
      const runs = RUNS_BY_NAME.test(variable.name);
      const note = SENDS_BY_NAME.test(variable.name) ? "chooses where data is sent" : undefined;
      const text = `${variable.name}=${plain(variable.value)}`;
      return { kind: "environment", path, line: lineOf(variable.key), text, runs, opens: true, note };
    });
  }
  const text = `${key} ${jsonOf(value)}`;
  if (COMMANDS.has(key) || /(?:Helper|Command)$/.test(key))
    return [{ kind: "command", path, line, text, runs: true, opens: true }];
  if (PLUG_INS.has(key)) return [{ kind: "plug-in", path, line, text, runs: true, opens: true }];
  if (SERVERS.has(key)) return [{ kind: "server", path, line, text, runs: true, opens: true }];
  return [other(subject, key, value, line)];
}

/** One entry a handler, so that none hides behind the others. */
function hookEntries(
  { path }: Subject,
  event: string,
  value: Node,
  lineOf: (node: Node) => number,
): readonly TrustEntry[] {
  const hook = (node: Node, text: string): TrustEntry => ({
    kind: "hook",
    path,
    line: lineOf(node),
    text,
    runs: true,
    opens: true,
  });
  const groups = value.type === "array" ? (value.children ?? []) : [value];
  return groups.flatMap((group) => {
    const properties = group.type === "object" ? propertiesOf(group) : [];
    const lists = properties.filter(({ name }) => name === "hooks");
    if (lists.length === 0 || lists.some((list) => list.value.type !== "array"))
      return [hook(group, `${event} ${jsonOf(group)}`)];
    const rest = properties
      .filter(({ name }) => name !== "hooks")
      .map((each) => `${each.name}=${jsonOf(each.value)} `)
      .join("");
    return lists.flatMap((list) =>
      (list.value.children ?? []).map((handler) => hook(handler, `${event} ${rest}${jsonOf(handler)}`)),
    );
  });
}

function other({ path }: Subject, key: string, value: Node, line: number): TrustEntry {
  const runs = startsProgram(value);
  return { kind: runs ? "command" : "other", path, line, text: `${key} ${jsonOf(value)}`, runs, opens: true };
}

/** Something in it is called a command or a helper. */
function startsProgram(node: Node): boolean {
  if (node.type === "array") return (node.children ?? []).some(startsProgram);
  if (node.type !== "object") return false;
  return propertiesOf(node).some(
    ({ name, value }) => /(?:^command|Command|Helper|^helper|^script)$/.test(name) || startsProgram(value),
  );
}

function named(node: Node, key: string): boolean {
  return node.type === "object" && propertiesOf(node).some(({ name }) => name === key);
}

/** The entries of a list; what should be one and is none is shown as it is. */
function itemsOf(node: Node): readonly Node[] {
  return node.type === "array" ? (node.children ?? []) : [node];
}

/** A string as it is, everything else as JSON. */
function plain(node: Node): string {
  return node.type === "string" ? String(node.value) : jsonOf(node);
}

function jsonOf(node: Node): string {
  const value: Json = valueOf(node, ALL_LEVELS);
  return JSON.stringify(value);
}
