import { type Mode, atLeastAsStrict, modeNamed } from "../call/mode.ts";
import { type Candidate, all, candidates, choose, locked, opens, originOf, problemAt } from "./pick.ts";
import type { ModePolicy } from "./policy.ts";
import type { Origin } from "./origin.ts";
import type { Problem } from "./problem.ts";
import type { Found, SettingsReading } from "./reading.ts";
import { isPermitted } from "./source.ts";

const OWN = "cordon.defaultMode";
const SHARED = "permissions.defaultMode";

/**
 * The mode the settings ask for.
 *
 * INVARIANT: never laxer for a repository file or an untrusted one; never `auto`; never bypass
 * where that is disabled; never laxer than what is enforced.
 */
export function modePolicy(readings: readonly SettingsReading[], problems: Problem[]): ModePolicy {
  const wishes = readings.flatMap((reading): readonly Candidate<Mode>[] => {
    const own = reading.found(OWN);
    const shared = reading.found(SHARED);
    const both = [
      ...shared.map((found) => ({ found, key: SHARED })),
      ...own.map((found) => ({ found, key: OWN })),
    ];
    return both.flatMap(({ found, key }) => {
      const wish = modeWish(reading, found, key, problems);
      // In a file that chooses freely cordon's own key goes before the shared one.
      return wish === undefined || (wish.free && key === SHARED && own.length > 0) ? [] : [wish];
    });
  });
  const bypassDisabled =
    locked(readings, "permissions.disableBypassPermissionsMode") ??
    locked(readings, "disableBypassPermissionsMode");
  const chosen = choose(wishes, "default", atLeastAsStrict);
  const allowed: Mode = chosen.value === "bypassPermissions" && bypassDisabled ? "default" : chosen.value;
  const enforced = enforcedMode(readings, bypassDisabled !== undefined, problems);
  const fixed = enforced && (chosen.origin === undefined || !atLeastAsStrict(allowed, enforced.mode));
  return {
    value: fixed ? enforced.mode : allowed,
    origin: fixed ? enforced.origin : chosen.origin,
    enforced,
    bypassDisabled,
    autoDisabled: locked(readings, "permissions.disableAutoMode") ?? locked(readings, "disableAutoMode"),
    denyInsteadOfPrompting: locked(readings, "permissions.denyInsteadOfPrompting"),
  };
}

function modeWish(
  reading: SettingsReading,
  found: Found<string>,
  key: string,
  problems: Problem[],
): Candidate<Mode> | undefined {
  const { source } = reading;
  const outside = isPermitted("outside", source);
  if (!outside && (found.value === "auto" || found.value === "bypassPermissions")) {
    const message = `\`${found.value}\` does nothing here: settings inside a project cannot choose it`;
    problems.push(problemAt(reading, found, key, { severity: "warning", message, hint: "remove it" }));
    return undefined;
  }
  if (found.value === "auto") {
    const message = "`auto` is a classifier mode of another product; it behaves as `default`";
    problems.push(problemAt(reading, found, key, { severity: "note", message, hint: "write `default`" }));
  }
  return {
    value: settled(found.value),
    origin: originOf(reading, found),
    managed: source.scope === "managed",
    free: found.live && opens(reading) && !source.repository,
  };
}

/** A word that names no mode is the strictest one. */
function settled(word: string): Mode {
  return word === "auto" ? "default" : (modeNamed(word) ?? "supervised");
}

function enforcedMode(
  readings: readonly SettingsReading[],
  bypassDisabled: boolean,
  problems: Problem[],
): { readonly mode: Mode; readonly origin: Origin } | undefined {
  const wishes = candidates(readings, "enforcePermissionMode").map((wish) => ({
    ...wish,
    value: settled(wish.value),
  }));
  for (const { reading, found } of all(readings, "enforcePermissionMode")) {
    if (found.value !== "auto") continue;
    const message = "`auto` is a classifier mode of another product; `default` is enforced";
    problems.push(
      problemAt(reading, found, "enforcePermissionMode", {
        severity: "note",
        message,
        hint: "write `default`",
      }),
    );
  }
  const { value, origin = wishes[0]?.origin } = choose<Mode>(wishes, "default", atLeastAsStrict);
  return origin && { mode: value === "bypassPermissions" && bypassDisabled ? "default" : value, origin };
}
