import { createHash } from "node:crypto";
import type { Hook } from "../../core/settings/hooks.ts";
import type { Problem } from "../../core/settings/problem.ts";
import { changeSource } from "../../core/hooks/payload.ts";
import { selectHooks } from "../../core/hooks/select.ts";
import type { SettingsSource } from "../../core/settings/source.ts";
import { stateDirectory } from "../settings/places.ts";
import { isWritten } from "../settings/written.ts";
import { recordedTrust } from "../trust/belief.ts";
import type { LoadRequest } from "../settings/load.ts";

/** A settings file before and after a change; undefined where it is not there. */
export interface Change {
  readonly name: string;
  readonly before: SettingsSource | undefined;
  readonly now: SettingsSource | undefined;
}

/** What hooks said about one version of a file. */
export interface Ruling {
  readonly content: string;
  readonly kind: "taken" | "blocked" | "failed";
  readonly why: string;
}

/**
 * How a file stands: as it is; faulty; blocked, with what it was in force beside what it tightens
 * now; or waiting for the hooks, so that nothing of it opens.
 */
export type Standing =
  | { readonly kind: "taken" | "faulty" }
  | { readonly kind: "blocked" | "waiting"; readonly why: string };

/** Sources under names that stay the same from one look to the next. */
export function named(sources: readonly SettingsSource[]): ReadonlyMap<string, SettingsSource> {
  const all = new Map<string, SettingsSource>();
  for (const source of sources) {
    const base = `${source.scope} ${source.file ?? ""}`;
    let name = base;
    for (let nth = 2; all.has(name); nth++) name = `${base} ${nth}`;
    all.set(name, source);
  }
  return all;
}

/** What a file holds, whoever believes it. */
export function contentOf(source: SettingsSource | undefined): string {
  if (source === undefined) return "absent";
  return source.fault === undefined ? `text ${source.text}` : `fault ${source.fault}`;
}

/** The names of both, those that are gone in the place they had. */
export function namesOf(
  now: ReadonlyMap<string, SettingsSource>,
  before: ReadonlyMap<string, SettingsSource>,
): readonly string[] {
  const names = [...now.keys()];
  let last: string | undefined;
  for (const name of before.keys()) {
    if (!now.has(name)) names.splice(last === undefined ? 0 : names.indexOf(last) + 1, 0, name);
    last = name;
  }
  return names;
}

/** The ConfigChange hooks that a change of this file is for. */
export function heardBy(hooks: readonly Hook[], { before, now }: Change): readonly Hook[] {
  const source = now ?? before;
  if (source === undefined) return [];
  return selectHooks(hooks, "ConfigChange", [changeSource(source.scope)], () => false, source.base);
}

/** The source with nothing left that opens. */
export function tightened(source: SettingsSource): SettingsSource {
  return { ...source, trusted: false, repository: true };
}

/** A source in which nothing can be read, so that every call asks. */
export function withheld(source: SettingsSource, why: string): SettingsSource {
  const { scope, file, anchor, base } = source;
  return { scope, file, anchor, base, trusted: false, repository: true, fault: why };
}

/**
 * A source that is no longer what is in its file, believed as far as it would be if it were: trust
 * that was taken back since is gone.
 */
export function believedNow(source: SettingsSource, { home, env }: LoadRequest): SettingsSource {
  const { scope, file, trusted, text, base } = source;
  if (!trusted || file === undefined || text === undefined) return source;
  if (scope !== "project" && scope !== "local") return source;
  const bytes = Buffer.from(text);
  const written = scope === "local" && isWritten(stateDirectory(env, home), file, bytes);
  const belief = written || recordedTrust({ root: base, home, env })(file, bytes);
  return {
    ...source,
    trusted: belief !== false,
    repository: source.repository || belief !== true,
  };
}

/** The fingerprint of settings of which not everything holds as it is in the files. */
export function mixedFingerprint(fingerprint: string, more: readonly SettingsSource[]): string {
  if (more.length === 0) return fingerprint;
  const hash = createHash("sha256").update(fingerprint);
  for (const source of more) {
    const { scope, tier, file, trusted, repository } = source;
    hash.update(JSON.stringify([scope, tier, file, trusted, repository, contentOf(source)]));
  }
  return hash.digest("hex");
}

/** What a person has to know about how a file stands; undefined where that is as usual. */
export function problemOf(source: SettingsSource, standing: Standing): Problem | undefined {
  const { file } = source;
  switch (standing.kind) {
    case "taken":
      return undefined;
    case "faulty":
      return {
        severity: "warning",
        file,
        message:
          "what it denied and asked about before it became faulty still holds; what it allowed does not",
        hint: "mend the file",
      };
    case "blocked":
      return {
        severity: "warning",
        file,
        message: `the change is not taken over: ${standing.why}; what was allowed before stays so, what it denies and asks about now holds as well`,
        hint: "take the change back, or ask whoever set up the hook",
      };
    case "waiting":
      return {
        severity: "warning",
        file,
        message: `the change is not taken over yet: ${standing.why}; until then every call asks`,
        hint: "mend the hook, or take the change back",
      };
  }
}
