import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import { formatProblem, type Problem } from "../../../src/core/settings/problem.ts";
import { readSettings } from "../../../src/core/settings/read.ts";
import type { SettingsReading } from "../../../src/core/settings/reading.ts";
import type { Rule } from "../../../src/core/settings/rule.ts";
import type { Place, SettingsSource } from "../../../src/core/settings/source.ts";

export const PLACE: Place = { root: "/srv/app", cwd: "/srv/app", home: "/home/dev" };

/** Every kind of source, the highest first. `local-repo` and `project` come with an untrusted repository. */
export const KINDS = [
  "managed",
  "command-line",
  "local",
  "local-repo",
  "project-trusted",
  "project",
  "user",
] as const;
export type Kind = (typeof KINDS)[number];

/** A source of a kind; `settings` is a text or a value. */
export function source(kind: Kind, settings: unknown, file: string = FILES[kind]): SettingsSource {
  const text = typeof settings === "string" ? settings : JSON.stringify(settings);
  return { ...placeOf(kind), file, text };
}

export function unreadable(kind: Kind, fault: string): SettingsSource {
  return { ...placeOf(kind), file: FILES[kind], fault };
}

const FILES: Readonly<Record<Kind, string>> = {
  managed: "/etc/cordon/managed-settings.json",
  "command-line": "/tmp/given.json",
  local: "/srv/app/.cordon/settings.local.json",
  "local-repo": "/srv/app/.claude/settings.local.json",
  "project-trusted": "/srv/app/.cordon/settings.json",
  project: "/srv/app/.claude/settings.json",
  user: "/home/dev/.claude/settings.json",
};

function placeOf(kind: Kind): Omit<SettingsSource, "text" | "fault" | "file"> {
  const own = { trusted: true, repository: false };
  const project = { anchor: PLACE.root, base: PLACE.root };
  switch (kind) {
    case "managed":
      return { scope: "managed", ...own, ...project };
    case "command-line":
      return { scope: "command-line", ...own, anchor: "/tmp", base: "/tmp" };
    case "local":
      return { scope: "local", ...own, ...project };
    case "local-repo":
      return { scope: "local", trusted: false, repository: true, ...project };
    case "project-trusted":
      return { scope: "project", trusted: true, repository: true, ...project };
    case "project":
      return { scope: "project", trusted: false, repository: true, ...project };
    case "user":
      return { scope: "user", ...own, anchor: "/home/dev/.claude", base: "/home/dev/.claude" };
  }
}

export function policyOf(...sources: readonly SettingsSource[]): Policy {
  return buildPolicy(sources, PLACE, "fingerprint");
}

export function readingOf(kind: Kind, settings: unknown): SettingsReading {
  return readSettings(source(kind, settings), PLACE);
}

/** `deny Bash(rm *)`, one line a rule; the effect that holds and the text as written. */
export function rulesIn({ rules }: { readonly rules: readonly Rule[] }): readonly string[] {
  return rules.map(({ effect, text }) => `${effect} ${text}`);
}

/** What rules match: effect, tool and specifier. */
export function matched({ rules }: { readonly rules: readonly Rule[] }): readonly string[] {
  return rules.map(({ effect, tool, specifier }) => {
    switch (specifier.kind) {
      case "none":
        return `${effect} ${tool}`;
      case "command":
        return `${effect} ${tool}(${specifier.stages.map(({ text }) => text).join(" | ")})`;
      case "parameter":
        return `${effect} ${tool}(${specifier.name}:${specifier.pattern})`;
      case "path":
      case "domain":
      case "name":
        return `${effect} ${tool}(${specifier.pattern})`;
    }
  });
}

/** `error 3:5 text`, one line a problem. */
export function said(problems: readonly Problem[]): readonly string[] {
  return problems.map(
    (problem) => `${problem.severity} ${formatProblem({ ...problem, file: undefined, hint: undefined })}`,
  );
}

/** True when a rule of this policy makes every call ask. */
export function asksEverything({ rules }: { readonly rules: readonly Rule[] }): boolean {
  return rules.some(
    ({ effect, tool, specifier }) => effect !== "allow" && tool === "*" && specifier.kind === "none",
  );
}
