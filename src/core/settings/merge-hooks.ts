import type { HookPolicy } from "./hooks.ts";
import { all, locked, opens } from "./pick.ts";
import type { SettingsReading } from "./reading.ts";

/**
 * The hooks of all files.
 *
 * INVARIANT: a hook of an untrusted file, or of one that cannot be taken at its word, is not among
 * them. A repository never switches off the hooks of a person or of the organisation.
 */
export function hookPolicy(readings: readonly SettingsReading[]): HookPolicy {
  const onlyManaged =
    locked(readings, "allowManagedHooksOnly") !== undefined ||
    all(readings, "strictPluginOnlyCustomization").some(
      ({ found }) => found.value === true || (Array.isArray(found.value) && found.value.includes("hooks")),
    );
  const disabled = all(readings, "disableAllHooks").filter(
    ({ reading, found }) => found.value && opens(reading),
  );
  const offIn = (test: (reading: SettingsReading) => boolean): boolean =>
    disabled.some(({ reading }) => test(reading));
  const allOff = offIn(({ source }) => source.scope === "managed");
  const personalOff = onlyManaged || offIn(({ source }) => !source.repository);
  const repositoryOff = offIn(({ source }) => source.repository);
  return {
    hooks: readings
      .filter(mayAsk)
      .flatMap(({ hooks }) => hooks)
      .filter(({ origin, repository }) => {
        if (allOff) return false;
        return origin.scope === "managed" || !(personalOff || (repository && repositoryOff));
      }),
    ignored: readings
      .filter(({ source }) => !source.trusted)
      .reduce((sum, { hooks }) => sum + hooks.length, 0),
    urls: restrictions(readings, "allowedHttpHookUrls"),
    variables: restrictions(readings, "httpHookAllowedEnvVars"),
  };
}

/** A hook can forbid: an administrator's runs also where another source of theirs goes first. */
function mayAsk({ source, faulty, outranked }: SettingsReading): boolean {
  return source.trusted && faulty === undefined && outranked !== "person";
}

/** The lists of trusted files join; one of an untrusted file can only narrow what they allow. */
function restrictions(
  readings: readonly SettingsReading[],
  key: "allowedHttpHookUrls" | "httpHookAllowedEnvVars",
): readonly (readonly string[])[] {
  const set = all(readings, key);
  const trusted = set.filter(({ reading }) => opens(reading));
  const others = set.filter(({ reading }) => !opens(reading));
  return [
    ...(trusted.length === 0 ? [] : [trusted.flatMap(({ found }) => found.value)]),
    ...others.map(({ found }) => found.value),
  ];
}
