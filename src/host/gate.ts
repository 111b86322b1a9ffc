import { userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ToolCall } from "../core/call/call.ts";
import type { Decision } from "../core/call/decision.ts";
import type { Facts } from "../core/call/facts.ts";
import type { JsonObject } from "../core/call/json.ts";
import type { Mode } from "../core/call/mode.ts";
import { judge, prepare } from "../core/gate.ts";
import { type GateContext, examine } from "../core/inquiry/inquiry.ts";
import { needsOf } from "../core/inquiry/needs.ts";
import type { MovedDirectory } from "../core/inquiry/path-classes.ts";
import type { Tables } from "../core/knowledge/tables.ts";
import { buildPolicy } from "../core/settings/merge.ts";
import type { Policy } from "../core/settings/policy.ts";
import type { Problem } from "../core/settings/problem.ts";
import type { Place } from "../core/settings/source.ts";
import { gatherFacts } from "./facts/gather.ts";
import { runtimeDirectory } from "./session/session.ts";
import { type LoadRequest, loadSources } from "./settings/load.ts";
import { stateDirectory } from "./settings/places.ts";
import { builtInTables } from "./tables.ts";

/** Where a gate stands and which settings it obeys. */
export interface GateOptions {
  /** Directory the agent works in; default the process's own. */
  readonly cwd?: string | undefined;
  /** Project root; default `cwd`. */
  readonly root?: string | undefined;
  readonly home?: string | undefined;
  /** The mode of calls that name none. */
  readonly mode?: Mode | undefined;
  /** Settings of the command-line scope: a file, or JSON text. */
  readonly settings?: string | undefined;
  /** Managed settings for a trial; they count as managed only where `ambient` is false. */
  readonly managed?: string | undefined;
  /** False: no settings file of the machine, the project or the person is read. Default true. */
  readonly ambient?: boolean | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** A call as a caller of the library writes it; what is missing comes from the gate. */
export interface CallInput {
  readonly tool: string;
  readonly input: JsonObject;
  readonly cwd?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly sandboxed?: boolean | undefined;
  readonly opens?: ToolCall["opens"];
  readonly session?: string | undefined;
  readonly agent?: string | undefined;
}

/** What the host knows besides what it looks up: hook answers, grants of the session, files read. */
export type KnownFacts = Partial<Pick<Facts, "hooks" | "grants" | "reads" | "sandboxFault">>;

/**
 * A gate: one policy at one place. Deciding runs nothing, asks nobody and writes nothing.
 *
 * INVARIANT: a handle without shared state; two gates in one process know nothing of each other.
 */
export interface Gate {
  readonly policy: Policy;
  readonly context: GateContext;
  readonly tables: Tables;
  readonly cwd: string;
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What is wrong with the settings, with file, line and column. */
  readonly problems: readonly Problem[];
  call(input: CallInput): ToolCall;
  decide(input: CallInput, known?: KnownFacts): Decision;
}

/**
 * Opens a gate. Never throws for faulty settings: they make it stricter and stand in `problems`;
 * a managed file that cannot be read denies every call.
 */
export function createGate(options: GateOptions = {}): Gate {
  const { place, request } = placeOf(options);
  const { sources, fingerprint } = loadSources(request);
  const policy = buildPolicy(sources, place, fingerprint);
  return gateFor(policy, place, request.env, builtInTables(), options.mode);
}

/** Where a gate with these options stands, and what it loads its settings by. */
export function placeOf(options: GateOptions): { readonly place: Place; readonly request: LoadRequest } {
  const env = options.env ?? process.env;
  const home = resolve(options.home ?? homeIn(env));
  const cwd = resolve(options.cwd ?? process.cwd());
  const place = { root: resolve(options.root ?? cwd), cwd, home };
  const { settings: settingsArg, managed: managedArg } = options;
  return { place, request: { ...place, env, settingsArg, managedArg, ambient: options.ambient !== false } };
}

/** A relative or empty `$HOME` counts as unset: it would make the settings of the project the person's. */
function homeIn(env: Readonly<Record<string, string | undefined>>): string {
  const { HOME: home } = env;
  return home !== undefined && isAbsolute(home) ? home : userInfo().homedir;
}

/** What calls at a place are judged by: the policy, what guards it there, and what runs when cordon runs. */
export function contextAt(
  policy: Policy,
  place: Place,
  env: Readonly<Record<string, string | undefined>>,
  tables: Tables,
): GateContext {
  const guards = guardsAt(policy, place.home, env);
  return prepare(policy, { ...place, guards, program: PROGRAM, moved: movedBy(env, place) }, tables);
}

/** A gate for a policy that is already built. */
export function gateFor(
  policy: Policy,
  place: { readonly root: string; readonly cwd: string; readonly home: string },
  env: Readonly<Record<string, string | undefined>>,
  tables: Tables,
  mode?: Mode,
): Gate {
  const context = contextAt(policy, place, env, tables);
  const call = (input: CallInput): ToolCall => ({
    tool: input.tool,
    input: input.input,
    cwd: input.cwd === undefined ? place.cwd : resolve(place.cwd, input.cwd),
    root: place.root,
    home: place.home,
    mode: input.mode ?? mode,
    sandboxed: input.sandboxed,
    ...(input.opens === undefined ? {} : { opens: input.opens }),
    session: input.session,
    agent: input.agent,
  });
  return {
    policy,
    context,
    tables,
    ...place,
    env,
    problems: policy.problems,
    call,
    decide: (input, known) => decideCall(context, call(input), known),
  };
}

/**
 * What runs when cordon runs, two directories above this file in every build: whoever changes it
 * decides from then on.
 */
const PROGRAM: readonly string[] = ["dist", "cordon", "node_modules/unbash", "node_modules/jsonc-parser"].map(
  (name) => join(fileURLToPath(new URL("../..", import.meta.url)), name),
);

/** cordon's own state at this place: what it trusts, remembers and records, and who gives the policy. */
function guardsAt(
  policy: Policy,
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const { path } = policy.cordon.audit;
  const helpers = policy.managed.helpers ?? [];
  const state = [stateDirectory(env, home), runtimeDirectory(env, home)];
  return [...state, ...(path === undefined ? [] : [path]), ...helpers];
}

/** Variables that put a directory below home elsewhere, and where it lies without them. */
const MOVABLE: readonly (readonly [name: string, usual: string])[] = [
  ["CLAUDE_CONFIG_DIR", ".claude"],
  ["CODEX_HOME", ".codex"],
  ["GNUPGHOME", ".gnupg"],
  ["CARGO_HOME", ".cargo"],
  ["XDG_CONFIG_HOME", ".config"],
  ["XDG_STATE_HOME", ".local/state"],
  ["XDG_DATA_HOME", ".local/share"],
  ["XDG_CACHE_HOME", ".cache"],
];

/** Where these directories lie; a relative path is seen from the directory the gate stands in. */
export function movedBy(
  env: Readonly<Record<string, string | undefined>>,
  { cwd, home }: Pick<Place, "cwd" | "home">,
): readonly MovedDirectory[] {
  return MOVABLE.flatMap(([name, usual]) => {
    const { [name]: named } = env;
    if (named === undefined || named === "") return [];
    const path = resolve(cwd, named);
    return path === join(home, usual) || path === "/" ? [] : [{ usual, path }];
  });
}

/** Reads a call, finds out what the core asks for, and lets it decide. */
export function decideCall(context: GateContext, call: ToolCall, known: KnownFacts = {}): Decision {
  const inquiry = examine(context, call);
  return judge(inquiry, gatherFacts(needsOf(inquiry), known));
}
