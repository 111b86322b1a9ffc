import type { Problem } from "./problem.ts";
import { all, opens, problemAt } from "./pick.ts";
import type { SettingsReading } from "./reading.ts";
import { isPattern, resolvePath } from "./resolve.ts";
import type { SettingKey, SettingValues } from "./settings.gen.ts";

/** What merging lists has to say besides the lists. */
export interface ListFindings {
  readonly problems: Problem[];
  /** Files of which an entry that tightens could not be read. */
  readonly faulty: { readonly reading: SettingsReading; readonly problem: Problem }[];
}

type TextListKey = {
  [K in SettingKey]: SettingValues[K] extends readonly string[] ? K : never;
}[SettingKey];

/** The entries of a list that opens something: trusted files only. */
export function openingTexts(readings: readonly SettingsReading[], key: TextListKey): readonly string[] {
  return unique(
    all(readings, key).flatMap(({ reading, found }) => (opens(reading) && found.live ? found.value : [])),
  );
}

/** The entries of a list that tightens: every occurrence in every file. */
export function closingTexts(readings: readonly SettingsReading[], key: TextListKey): readonly string[] {
  return unique(all(readings, key).flatMap(({ found }) => found.value));
}

/** Absolute paths of a list that opens something; what cannot be resolved opens nothing. */
export function openingPaths(
  readings: readonly SettingsReading[],
  key: TextListKey,
  home: string,
  out: ListFindings,
  patterns: "patterns" | "no patterns" = "patterns",
): readonly string[] {
  return unique(
    all(readings, key).flatMap(({ reading, found }) =>
      !opens(reading) || !found.live
        ? []
        : found.value.flatMap((text, index) => {
            const { path, fault } = resolvePath(text, reading.source.base, home);
            if (path !== undefined && (patterns === "patterns" || !isPattern(path))) return [path];
            const message = `\`${text}\` ${fault ?? "is a pattern"}; it opens nothing`;
            const hint = "write a plain path";
            out.problems.push(problemAt(reading, found, key, { severity: "error", message, hint }, index));
            return [];
          }),
    ),
  );
}

/** Absolute paths of a list that tightens; a file with one that cannot be resolved is faulty. */
export function closingPaths(
  readings: readonly SettingsReading[],
  key: "sandbox.filesystem.denyRead" | "sandbox.filesystem.denyWrite" | "sandbox.credentials.files",
  home: string,
  out: ListFindings,
): readonly string[] {
  return unique(
    all(readings, key).flatMap(({ reading, found }) =>
      found.value.flatMap((entry, index) => {
        const text = typeof entry === "string" ? entry : entry.path;
        const { path, fault, hint } = resolvePath(text, reading.source.base, home);
        if (path !== undefined) return [path];
        const message = `\`${text}\` ${fault}; ${reading.source.scope === "managed" ? "every call is denied" : "every call asks"} until it is mended`;
        const problem = problemAt(reading, found, key, { severity: "error", message, hint }, index);
        out.faulty.push({ reading, problem });
        return [];
      }),
    ),
  );
}

/** Patterns added to the built-in lists. A `!` would take something out of them and is refused. */
export function addedPatterns(
  readings: readonly SettingsReading[],
  key: "cordon.protectedPaths" | "cordon.runsLater" | "cordon.secretPaths",
  out: ListFindings,
): readonly string[] {
  return unique(
    all(readings, key).flatMap(({ reading, found }) =>
      found.value.filter((pattern, index) => {
        if (!pattern.startsWith("!")) return true;
        const message = `\`${pattern}\` would take something out of the list, which settings cannot`;
        const hint = "remove the entry";
        out.problems.push(problemAt(reading, found, key, { severity: "error", message, hint }, index));
        return false;
      }),
    ),
  );
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}
