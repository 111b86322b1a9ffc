import { escapeGlob } from "../call/glob.ts";
import { limitPolicy } from "./limits.ts";
import {
  type ListFindings,
  addedPatterns,
  closingPaths,
  closingTexts,
  openingPaths,
  openingTexts,
} from "./lists.ts";
import { helperFiles, hookFiles } from "./hook-files.ts";
import { hookPolicy } from "./merge-hooks.ts";
import { managedPolicy } from "./merge-managed.ts";
import { modePolicy } from "./merge-mode.ts";
import { pooledRules } from "./merge-rules.ts";
import { candidates, choose, highest, locked, problemAt } from "./pick.ts";
import {
  type CordonPolicy,
  LOWEST_RUNG,
  type Policy,
  RUNGS,
  type Rung,
  type SandboxPolicy,
} from "./policy.ts";
import type { Problem } from "./problem.ts";
import { askEverything, readSettings } from "./read.ts";
import type { SettingsReading } from "./reading.ts";
import { resolvePath } from "./resolve.ts";
import { serverLists } from "./servers.ts";
import { administrators, rankManaged, underLock } from "./tiers.ts";
import { type Place, SETTINGS_SCOPES, type SettingsSource, isPermitted } from "./source.ts";

/** Seconds a question waits where settings say nothing. */
export const APPROVAL_TIMEOUT = 300;

/**
 * The policy that a set of settings sources comes to. Total: a source that cannot be read makes it
 * stricter, never less.
 *
 * Sources of one scope go in the order given, the first being the highest. `fingerprint` is kept
 * as it is.
 */
export function buildPolicy(sources: readonly SettingsSource[], place: Place, fingerprint: string): Policy {
  const ordered = SETTINGS_SCOPES.flatMap((scope) => sources.filter((source) => source.scope === scope));
  const read = ordered.map((source) => readSettings(source, place));
  const problems: Problem[] = read.flatMap((reading) => reading.problems);
  const readings = rankManaged(read, problems);
  const lists: ListFindings = { problems, faulty: [] };

  const mode = modePolicy(readings, problems);
  const { rules, ignored } = pooledRules(readings, problems);
  const sandbox = sandboxPolicy(readings, place, lists);
  const hooks = hookPolicy(readings);
  const helpers = helperFiles(readings);
  const limitsOfPaths = {
    blockReadsOutside: locked(readings, "permissions.blockReadsOutsideWorkingDirectories"),
    blockWritesOutside: locked(readings, "permissions.blockWritesOutsideWorkingDirectories"),
    protectedPaths: [
      ...addedPatterns(readings, "cordon.protectedPaths", lists),
      ...hookFiles(hooks.hooks, place),
      ...helpers.map(escapeGlob),
    ],
    runsLater: addedPatterns(readings, "cordon.runsLater", lists),
    secretPaths: addedPatterns(readings, "cordon.secretPaths", lists),
  };
  const directories = openingPaths(readings, "permissions.additionalDirectories", place.home, lists);
  const cordon = cordonPolicy(readings, place, problems);
  for (const { problem } of lists.faulty) problems.push(problem);
  const stopped = [
    ...readings.flatMap(({ source, faulty }) => (faulty && source.scope === "managed" ? [faulty] : [])),
    ...lists.faulty.flatMap(({ reading, problem }) => (reading.source.scope === "managed" ? [problem] : [])),
  ];
  return {
    fingerprint,
    rules: [...rules, ...lists.faulty.map(({ reading, problem }) => askEverything(reading.source, problem))],
    mode,
    directories,
    managed: {
      ...managedPolicy(readings, stopped[0], place.home, problems),
      helpers: helpers.length === 0 ? undefined : helpers,
    },
    servers: serverLists(readings, problems),
    limitsOfPaths,
    sandbox,
    cordon,
    hooks,
    problems,
    ignored,
  };
}

function sandboxPolicy(
  readings: readonly SettingsReading[],
  { home }: Place,
  lists: ListFindings,
): SandboxPolicy {
  const trueIsStricter = (a: boolean, b: boolean): boolean => a || !b;
  const falseIsStricter = (a: boolean, b: boolean): boolean => !a || b;
  return {
    enabled: choose(
      candidates(readings, "sandbox.enabled", ({ source }) => isPermitted("outside", source)),
      true,
      trueIsStricter,
    ).value,
    failIfUnavailable: choose(candidates(readings, "sandbox.failIfUnavailable"), false, trueIsStricter).value,
    autoAllowBashIfSandboxed: choose(
      candidates(readings, "sandbox.autoAllowBashIfSandboxed"),
      false,
      falseIsStricter,
    ).value,
    allowUnsandboxedCommands: choose(
      candidates(readings, "sandbox.allowUnsandboxedCommands"),
      true,
      falseIsStricter,
    ).value,
    allowWrite: openingPaths(readings, "sandbox.filesystem.allowWrite", home, lists, "no patterns"),
    denyWrite: closingPaths(readings, "sandbox.filesystem.denyWrite", home, lists),
    denyRead: [
      ...new Set([
        ...closingPaths(readings, "sandbox.filesystem.denyRead", home, lists),
        ...closingPaths(readings, "sandbox.credentials.files", home, lists),
      ]),
    ],
    allowRead: openingPaths(
      underLock(readings, "sandbox.filesystem.allowManagedReadPathsOnly"),
      "sandbox.filesystem.allowRead",
      home,
      lists,
    ),
    allowedDomains: openingTexts(
      underLock(readings, "sandbox.network.allowManagedDomainsOnly"),
      "sandbox.network.allowedDomains",
    ),
    deniedDomains: closingTexts(readings, "sandbox.network.deniedDomains"),
    bwrapPath: highest(administrators(readings), "sandbox.bwrapPath")?.value,
    lowestRung: lowestRung(readings),
    holdRunsLater:
      choose(candidates(readings, "cordon.sandbox.holdRunsLater"), false, trueIsStricter).value || undefined,
  };
}

/** Weaker than what is built in is for the person, the command line and the organisation to allow. */
function lowestRung(readings: readonly SettingsReading[]): Rung | undefined {
  const wishes = candidates(readings, "cordon.sandbox.lowestRung", ({ source }) =>
    isPermitted("outside", source),
  );
  if (wishes.length === 0) return undefined;
  return choose<Rung>(wishes, LOWEST_RUNG, (a, b) => RUNGS.indexOf(a) <= RUNGS.indexOf(b)).value;
}

function cordonPolicy(
  readings: readonly SettingsReading[],
  { home }: Place,
  problems: Problem[],
): CordonPolicy {
  return {
    approvalTimeout: highest(readings, "cordon.approvalTimeout")?.value ?? APPROVAL_TIMEOUT,
    audit: {
      path: auditPath(readings, home, problems),
      required: locked(readings, "cordon.audit.required") !== undefined,
      retention: highest(readings, "cordon.audit.retention")?.value,
    },
    hook: {
      autoApprove: choose(candidates(readings, "cordon.hook.autoApprove"), false, (a, b) => !a || b).value,
      rewriteIntoSandbox: choose(
        candidates(readings, "cordon.hook.rewriteIntoSandbox"),
        false,
        (a, b) => a || !b,
      ).value,
    },
    limits: limitPolicy(readings),
  };
}

function auditPath(
  readings: readonly SettingsReading[],
  home: string,
  problems: Problem[],
): string | undefined {
  const key = "cordon.audit.path";
  const set = highest(readings, key);
  if (set === undefined) return undefined;
  const { path, fault, hint } = resolvePath(set.value, set.reading.source.base, home);
  const [found] = set.reading.found(key);
  if (fault !== undefined && found) {
    const message = `\`${set.value}\` ${fault}; the log stays where it is by default`;
    problems.push(problemAt(set.reading, found, key, { severity: "error", message, hint }));
  }
  return path;
}
