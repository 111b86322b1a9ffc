import { buildPolicy } from "../core/settings/merge.ts";
import { readSettings } from "../core/settings/read.ts";
import type { SettingsSource } from "../core/settings/source.ts";
import { type Gate, type GateOptions, gateFor, placeOf } from "./gate.ts";
import { arrange, fingerprintOf, policyOf } from "./live/arrange.ts";
import {
  type Change,
  type Ruling,
  type Standing,
  believedNow,
  contentOf,
  heardBy,
  named,
  namesOf,
} from "./live/standing.ts";
import { loadSources } from "./settings/load.ts";
import { helperMemory } from "./settings/policy-helper.ts";
import { builtInTables } from "./tables.ts";

/** A gate for as long as a session lasts. */
export interface LiveGate {
  /**
   * The gate as the settings are now. The same handle as before where nothing changed.
   *
   * INVARIANT: a file that became faulty opens nothing, and what it denied and asked about before
   * still holds, until it reads again. Where the gate was opened with hooks it is the same with a
   * change they were not asked about yet.
   */
  current(): Gate;
  /**
   * As `current`, after the ConfigChange hooks of the settings before the change were asked about
   * it. The same as `current` where the gate was opened without hooks. Never rejects.
   *
   * INVARIANT: a change that a hook blocks opens nothing and closes at once: what the file said
   * before stays, what it denies and asks about now holds too. A hook that fails consents to
   * nothing: every call asks, and it is asked again. No hook keeps a managed file from changing, nor
   * trust from being taken back.
   */
  refresh(): Promise<Gate>;
}

/** Who is told of changes. Without it no hook runs. */
export interface ChangeHooks {
  readonly session: string;
  readonly signal?: AbortSignal | undefined;
  /** Says something a person should know. */
  readonly notify?: ((text: string) => void) | undefined;
}

/**
 * Opens a gate that follows its settings: every file, and what is trusted, is read again before
 * each call, so that a change holds from the next call on, whatever clock and watchers make of it.
 * Takes well below a millisecond where files have the usual size. Never throws, like `createGate`.
 */
export function openLiveGate(options: GateOptions = {}, hooks?: ChangeHooks): LiveGate {
  const { place, request: asked } = placeOf(options);
  const request = { ...asked, helpers: helperMemory() };
  const tables = builtInTables();
  const good = new Map<string, SettingsSource>();
  const rulings = new Map<string, Ruling>();
  let inForce: ReadonlyMap<string, SettingsSource> | undefined;
  let known: { readonly fingerprint: string; readonly holds: boolean; readonly gate: Gate } | undefined;

  const isFaulty = (source: SettingsSource): boolean => readSettings(source, place).faulty !== undefined;
  const believe = (source: SettingsSource): SettingsSource => believedNow(source, request);
  /** The gate of the settings before the changes: it has the hooks that are asked about them. */
  const earlierGate = (): Gate => {
    const sources = [...(inForce?.values() ?? [])].map(believe);
    const policy = buildPolicy(sources, place, known?.fingerprint ?? "");
    return gateFor(policy, place, request.env, tables, options.mode);
  };
  const changesIn = (sources: readonly SettingsSource[]): readonly Change[] => {
    const now = named(sources);
    const before = inForce ?? now;
    return namesOf(now, before).map((name) => ({ name, before: before.get(name), now: now.get(name) }));
  };

  const standingOf = (change: Change, earlier: () => Gate): Standing => {
    const { name, before, now } = change;
    if (!isChanged(change)) {
      rulings.delete(name);
      return { kind: "taken" };
    }
    if (now !== undefined && isFaulty(now)) return { kind: "faulty" };
    if (hooks === undefined || (now ?? before)?.scope === "managed") return { kind: "taken" };
    const ruling = rulings.get(name);
    const said = ruling?.content === contentOf(now) ? ruling : undefined;
    if (said?.kind === "taken" || heardBy(earlier().policy.hooks.hooks, change).length === 0)
      return { kind: "taken" };
    if (said?.kind === "blocked") return { kind: "blocked", why: said.why };
    return { kind: "waiting", why: said?.why ?? "its hooks were not asked about it yet" };
  };

  const current = (): Gate => {
    const loaded = loadSources(request);
    if (known?.fingerprint === loaded.fingerprint && !known.holds) return known.gate;
    let earlier: Gate | undefined;
    const stands = changesIn(loaded.sources).map((change) => ({
      name: change.name,
      now: change.now,
      was: change.before,
      good: good.get(change.name),
      standing: standingOf(change, () => (earlier ??= earlierGate())),
    }));
    for (const { name, now } of stands) if (now !== undefined && !isFaulty(now)) good.set(name, now);
    const arranged = arrange(stands, believe);
    const fingerprint = fingerprintOf(arranged, loaded);
    const gate =
      known?.gate.policy.fingerprint === fingerprint
        ? known.gate
        : gateFor(policyOf(arranged, place, fingerprint), place, request.env, tables, options.mode);
    ({ inForce } = arranged);
    const holds = stands.some(({ standing }) => standing.kind !== "taken");
    known = { fingerprint: loaded.fingerprint, holds, gate };
    return gate;
  };

  const ask = async (change: Change, gate: Gate, about: ChangeHooks): Promise<void> => {
    const { name, before, now } = change;
    const source = now ?? before;
    if (source === undefined || heardBy(gate.policy.hooks.hooks, change).length === 0) return;
    const { scope, file } = source;
    const { session, signal, notify = (): void => undefined } = about;
    const { blockedChange, remarksOf, runSessionHooks } = await import("./hooks/session-hooks.ts");
    const { hookRecord } = await import("../core/hooks/record.ts");
    const { openRecorder } = await import("./run/recorder.ts");
    const ran = await runSessionHooks(gate, { event: "ConfigChange", scope, file }, { session, signal });
    for (const line of remarksOf(ran, "ConfigChange")) notify(line);
    const blocked = blockedChange(ran, scope);
    const kind = blocked === undefined ? "taken" : blocked.failed ? "failed" : "blocked";
    rulings.set(name, { content: contentOf(now), kind, why: blocked?.why ?? "" });
    openRecorder(gate, "gate", Date.now, notify).hooks(
      ran.map((each) => hookRecord(each, undefined)),
      session,
    );
  };

  const askAbout = async (about: ChangeHooks): Promise<void> => {
    if (inForce === undefined) return;
    const open = changesIn(loadSources(request).sources).filter((change) => {
      const ruling = rulings.get(change.name);
      const settled = ruling?.content === contentOf(change.now) && ruling.kind !== "failed";
      return isChanged(change) && !settled && !(change.now !== undefined && isFaulty(change.now));
    });
    if (open.length === 0) return;
    const gate = earlierGate();
    for (const change of open) await ask(change, gate, about);
  };

  // What holds from the start on is what stands there now: a change before the first call is one too.
  if (hooks !== undefined) current();
  let turn: Promise<void> = Promise.resolve();
  return {
    current,
    refresh: async () => {
      if (hooks === undefined) return current();
      // One after the other: each asks about what the one before left. What fails leaves the change waiting.
      turn = turn.then(async () => askAbout(hooks)).catch(() => undefined);
      await turn;
      return current();
    },
  };
}

function isChanged({ before, now }: Change): boolean {
  return contentOf(before) !== contentOf(now);
}
