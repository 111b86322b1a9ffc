import { normalise } from "../call/path.ts";
import { all, governs, locked, originOf, problemAt } from "./pick.ts";
import type { ManagedPolicy } from "./policy.ts";
import type { Origin } from "./origin.ts";
import type { Problem } from "./problem.ts";
import type { Found, SettingsReading } from "./reading.ts";
import { intersectGlobs, resolvePath } from "./resolve.ts";
import type { Rule } from "./rule.ts";
import { isByName } from "./servers.ts";
import { KEYS, type SettingKey } from "./settings.gen.ts";

/** Keys of the table that govern tools and are not enforced yet. */
const NOT_ENFORCED: readonly { readonly key: SettingKey; readonly tools: readonly string[] }[] = [
  ...KEYS,
].flatMap(([path, { denies }]) => (denies && isSettingKey(path) ? [{ key: path, tools: denies }] : []));

function isSettingKey(path: string): path is SettingKey {
  return KEYS.has(path);
}

/** What managed settings lock. `stopped` is the first managed file that cannot be taken at its word. */
export function managedPolicy(
  readings: readonly SettingsReading[],
  stopped: Problem | undefined,
  home: string,
  problems: Problem[],
): ManagedPolicy {
  return {
    stopped,
    allowedDirectories: allowedDirectories(readings, home, problems),
    blockNetworkTools: locked(readings, "blockNetworkTools"),
    requireReadFirst: locked(readings, "requireReadFirst"),
    onlyManagedDomains: locked(readings, "sandbox.network.allowManagedDomainsOnly"),
    notEnforced: [
      ...commandPlugins(readings),
      ...NOT_ENFORCED.flatMap(({ key, tools }) =>
        all(readings, key).flatMap(({ reading, found }) =>
          reading.source.scope === "managed" &&
          (governsKey(key, found.value) || found.faulty) &&
          !isEnforced(key, reading, found, readings)
            ? governedTools(key, found.value, tools).map((tool) => ({
                tool,
                key,
                origin: originOf(reading, found),
              }))
            : [],
        ),
      ),
    ],
    onlyManagedRules: locked(readings, "allowManagedPermissionRulesOnly"),
  };
}

/** Where no managed file speaks of `disableCommandPluginSources`, it follows `allowManagedHooksOnly`. */
function commandPlugins(readings: readonly SettingsReading[]): ManagedPolicy["notEnforced"] {
  const origin = locked(readings, "allowManagedHooksOnly");
  const key = "disableCommandPluginSources";
  if (origin === undefined || all(readings, key).length > 0) return [];
  return (KEYS.get(key)?.denies ?? []).map((tool) => ({ tool, key, origin }));
}

/**
 * Ask rules for restrictions outside managed files that are not enforced yet: what they govern
 * asks, so that they are not lost.
 */
export function unenforcedAsks(readings: readonly SettingsReading[], problems: Problem[]): readonly Rule[] {
  return NOT_ENFORCED.flatMap(({ key, tools }) =>
    all(readings, key).flatMap(({ reading, found }): readonly Rule[] => {
      const { source } = reading;
      if (source.scope === "managed" || !(governsKey(key, found.value) || found.faulty)) return [];
      if (isEnforced(key, reading, found, readings)) return [];
      const what = tools.map((tool) => `\`${tool}\``).join(", ");
      const message = `\`${key}\` is not enforced yet; calls of ${what} ask while it is set`;
      problems.push(
        problemAt(reading, found, key, { severity: "warning", message, hint: "write ask or deny rules" }),
      );
      return tools.map((tool) => ({
        effect: "ask",
        text: `${tool} (${key})`,
        scope: source.scope,
        file: source.file,
        line: found.at().line,
        tool,
        specifier: { kind: "none" },
        anchor: source.anchor,
      }));
    }),
  );
}

/** True where this use of a key that is not enforced in general is. */
function isEnforced(
  key: SettingKey,
  reading: SettingsReading,
  found: Found<unknown>,
  readings: readonly SettingsReading[],
): boolean {
  switch (key) {
    case "allowedMcpServers":
      // By name; a list that cannot be read is the shorter one.
      return reading.found(key).every(isByName);
    case "deniedMcpServers":
      // Servers denied by name are exact deny rules already.
      return !found.faulty && reading.found(key).every(isByName);
    case "policyHelper":
      return !found.faulty && helperAnswered(reading, readings);
    default:
      return false;
  }
}

/**
 * The host asks every helper that files or the operating system name, or none: where there is an
 * answer, each of them has answered or failed, which stops the gate.
 */
function helperAnswered({ source }: SettingsReading, readings: readonly SettingsReading[]): boolean {
  return (
    (source.tier === "files" || source.tier === "policy") &&
    readings.some((other) => other.source.scope === "managed" && other.source.tier === "helper")
  );
}

/** An empty list of what is allowed shuts everything out; an empty list of what is denied does nothing. */
function governsKey(key: SettingKey, value: unknown): boolean {
  return governs(value) || KEYS.get(key)?.merge === "restricts";
}

/** `strictPluginOnlyCustomization` names what it governs. */
function governedTools(key: SettingKey, value: unknown, tools: readonly string[]): readonly string[] {
  if (key !== "strictPluginOnlyCustomization" || !Array.isArray(value)) return tools;
  const surfaces: ReadonlyMap<unknown, string> = new Map([
    ["skills", "Skill"],
    ["agents", "Agent"],
    ["mcp", "mcp__*"],
  ]);
  return value.flatMap((surface) => surfaces.get(surface) ?? []);
}

/** Within one file the lists join; several files allow what all of them allow. */
function allowedDirectories(
  readings: readonly SettingsReading[],
  home: string,
  problems: Problem[],
): { readonly globs: readonly string[]; readonly origin: Origin } | undefined {
  const key = "allowedDirectories";
  const lists = readings.flatMap((reading) => {
    const [first, ...others] = reading.found(key);
    if (first === undefined) return [];
    const globs = [first, ...others].flatMap((found) =>
      found.value.flatMap((text, index) => {
        const { path } = /^[/~$]/.test(text) ? resolvePath(text, "/", home) : {};
        if (path !== undefined) return [normalise(path)];
        const message = `\`${text}\` is no absolute path; it allows nothing`;
        problems.push(
          problemAt(
            reading,
            found,
            key,
            { severity: "error", message, hint: "start it with `/` or `~/`" },
            index,
          ),
        );
        return [];
      }),
    );
    return [{ globs, reading, found: first }];
  });
  const [first, ...others] = lists;
  if (first === undefined) return undefined;
  const globs = others.reduce<readonly string[]>(
    (held, { globs: next }) => intersectGlobs(held, next),
    first.globs,
  );
  if (globs.length === 0) {
    const message = "no directory is allowed by all managed files; every call is denied";
    problems.push(
      problemAt(first.reading, first.found, key, {
        severity: "error",
        message,
        hint: "name a directory that all of them allow",
      }),
    );
  }
  return { globs, origin: originOf(first.reading, first.found) };
}
