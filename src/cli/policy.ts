import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { parseArgs } from "node:util";
import type { Mode } from "../core/call/mode.ts";
import { readDocument, valueOf } from "../core/settings/document.ts";
import { deniedByFault } from "../core/settings/denied.ts";
import { buildPolicy } from "../core/settings/merge.ts";
import { governs } from "../core/settings/pick.ts";
import type { Policy } from "../core/settings/policy.ts";
import type { Origin } from "../core/settings/origin.ts";
import { formatProblem } from "../core/settings/problem.ts";
import { readSettings } from "../core/settings/read.ts";
import type { SettingsReading } from "../core/settings/reading.ts";
import type { ManagedTier, SettingsSource } from "../core/settings/source.ts";
import { type ManagedBehaviour, managedBehaviour, rankManaged, tierOf } from "../core/settings/tiers.ts";
import { walk } from "../core/settings/walk.ts";
import { type LoadedSettings, loadSources } from "../host/settings/load.ts";
import { managedDirectories, policyPlaces } from "../host/settings/places.ts";
import {
  type Command,
  EXIT,
  type Terminal,
  parseFault,
  printable,
  printableJson,
  usageError,
} from "./command.ts";

const HELP = `usage: cordon policy status [--json]

Shows what the organisation's managed settings lock on this machine: every managed source with its age
(files, policies of the operating system, the answer of a policy helper, which is asked anew), every key
with its line and what it does here, and whether what a source allows counts beside the others. A source
that exists and cannot be taken at its word (unreadable, faulty, writable by others than the
administrator, a link) stops the gate. The last lines name what holds in the end: the mode, and every
tool that is denied altogether because of what is faulty or not enforced.

options:
  --json  print the result as JSON

exit status: 0 managed settings hold, or there are none; 78 a managed source stops the gate, or every
call or a whole tool is denied by what is faulty or not enforced; 64 usage

examples:
  cordon policy status
  cordon policy status --json
`;

/** Where managed settings are looked for; a test has a root of its own. */
export interface Machine {
  readonly platform?: NodeJS.Platform | undefined;
  readonly top?: string | undefined;
  readonly now?: (() => number) | undefined;
}

export const command: Command = policyWith({});

/** The command for a machine. */
export function policyWith(machine: Machine): Command {
  return {
    name: "policy",
    summary: "show what managed settings lock",
    help: HELP,
    run: async (argv, io) => perform(argv, io, machine),
  };
}

async function perform(argv: readonly string[], io: Terminal, machine: Machine): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { json: { type: "boolean" } },
    });
    const [verb, ...more] = positionals;
    if (verb === undefined)
      return usageError(io, "policy", "the action is missing", "write `cordon policy status`");
    if (verb !== "status")
      return usageError(io, "policy", `there is no action \`${verb}\``, "`status` is one");
    if (more.length > 0) return usageError(io, "policy", `\`${more[0] ?? ""}\` is too many`);
    const status = statusOf(io, machine);
    io.stdout(
      values.json === true
        ? `${printableJson(JSON.stringify(status))}\n`
        : inWords(status, machine.platform ?? process.platform),
    );
    return status.stopped || status.denied.length > 0 ? EXIT.settings : EXIT.ok;
  } catch (error) {
    const fault = parseFault(error);
    if (fault === undefined) throw error;
    return usageError(io, "policy", fault);
  }
}

/** What holds on the machine. */
interface Status {
  readonly stopped: boolean;
  readonly managedSourcesBehavior: ManagedBehaviour;
  /** The mode managed settings come to; absent where they speak of none. */
  readonly mode?: ModeStatus | undefined;
  /** Tools of which every call is denied because something is faulty or not enforced; `*` = all. */
  readonly denied: readonly DeniedStatus[];
  /** The highest first. */
  readonly files: readonly FileStatus[];
}

interface ModeStatus {
  readonly value: Mode;
  /** Only a stricter one may be chosen. */
  readonly enforced: boolean;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

interface DeniedStatus {
  readonly tool: string;
  readonly why: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

/** One managed source and what it does. */
interface FileStatus {
  /** The file; of a policy in the registry its key and value, of a helper the program. */
  readonly file: string;
  readonly source: ManagedTier;
  /** Seconds since it was last written, or answered; undefined where that cannot be told. */
  readonly age: number | undefined;
  /** Nothing runs because of it. */
  readonly stops: boolean;
  /** What it allows counts; false where a higher source goes first. */
  readonly opens: boolean;
  readonly keys: readonly KeyStatus[];
  /** Something in it is an error; the rest of it holds. */
  readonly faulty: boolean;
  /** With file, line and column. */
  readonly problems: readonly string[];
}

interface KeyStatus {
  readonly key: string;
  readonly line: number;
  readonly value: unknown;
  /**
   * `locks`: nothing below can undo it; `opens`: it allows something; `denies`: faulty or not enforced
   * yet, so what it governs is denied; `is off`: it says that nothing is locked; `gives way`: another
   * source has a stricter one; `does not count`: another source goes first.
   */
  readonly effect: "locks" | "opens" | "denies" | "is off" | "gives way" | "does not count" | "passed on";
  readonly denies?: readonly string[] | undefined;
}

function statusOf(io: Terminal, { platform, top, now = Date.now }: Machine): Status {
  // No project is looked at: a place that has none.
  const place = { root: io.home, cwd: io.home, home: io.home };
  const loaded = loadSources({
    ...place,
    env: io.env,
    ambient: true,
    trusted: () => false,
    platform,
    top,
  });
  const sources = loaded.sources.filter(({ scope }) => scope === "managed");
  const policy = buildPolicy(sources, place, loaded.fingerprint);
  const readings = rankManaged(
    sources.map((source) => readSettings(source, place)),
    [],
  );
  const files = readings.map((reading): FileStatus => {
    const { source, outranked } = reading;
    const alone = buildPolicy([source], place, loaded.fingerprint);
    return {
      file: source.file ?? "",
      source: tierOf(reading),
      age: ageOf(source, loaded, now),
      stops: alone.managed.stopped !== undefined,
      opens: outranked === undefined,
      keys: keysOf(reading, policy),
      faulty: policy.problems.some(({ file, severity }) => file === source.file && severity === "error"),
      problems: policy.problems
        .filter(({ file }) => file === source.file)
        .map((problem) => formatProblem(problem)),
    };
  });
  const stopped = policy.managed.stopped !== undefined;
  const denied = deniedByFault(policy).map(({ tool, why, origin: { file, line } }) => ({
    tool,
    why,
    file,
    line,
  }));
  const mode = modeOf(policy);
  return { stopped, managedSourcesBehavior: managedBehaviour(readings), mode, denied, files };
}

function modeOf({ mode: { value, origin, enforced } }: Policy): ModeStatus | undefined {
  if (enforced !== undefined)
    return { value, enforced: true, file: enforced.origin.file, line: enforced.origin.line };
  return origin && { value, enforced: false, file: origin.file, line: origin.line };
}

function keysOf(reading: SettingsReading, { managed, mode }: Policy): readonly KeyStatus[] {
  const { source } = reading;
  const document = source.text === undefined ? undefined : readDocument(source.text);
  if (document?.root === undefined) return [];
  return walk(document.root)
    .entries.filter(({ live }) => live)
    .map(({ path, node, info }): KeyStatus => {
      const { line } = document.positionOf(node.offset);
      const here = (origin: Origin | undefined): boolean =>
        origin?.file === source.file && origin?.line === line;
      const denies = managed.notEnforced
        .filter(({ key, origin }) => key === path && here(origin))
        .map(({ tool }) => tool);
      const value = valueOf(node, 8);
      const opens = info.merge === "opens" || (info.merge === "rules" && /allow/i.test(path));
      const effect =
        denies.length > 0
          ? "denies"
          : info.merge === "inert"
            ? "passed on"
            : opens
              ? reading.outranked === undefined && reading.faulty === undefined
                ? "opens"
                : "does not count"
              : info.merge === "lock" && !governs(value)
                ? "is off"
                : path === "enforcePermissionMode" && !here(mode.enforced?.origin)
                  ? "gives way"
                  : "locks";
      return { key: path, line, value, effect, ...(denies.length > 0 && { denies }) };
    });
}

function ageOf(
  { file, tier }: SettingsSource,
  { answered }: LoadedSettings,
  now: () => number,
): number | undefined {
  if (file === undefined || tier === "person") return undefined;
  const time = tier === "helper" ? answered.get(file) : timeOf(file);
  return time === undefined ? undefined : Math.max(0, Math.round((now() - time) / 1_000));
}

/** When a file was last written; what lies in the registry has no time, and a file may be out of reach. */
function timeOf(file: string): number | undefined {
  try {
    return isAbsolute(file) ? statSync(file, { throwIfNoEntry: false })?.mtimeMs : undefined;
  } catch {
    return undefined;
  }
}

function inWords(status: Status, platform: NodeJS.Platform): string {
  const { files, managedSourcesBehavior, stopped } = status;
  if (files.length === 0) {
    const places = [...policyPlaces(platform), ...managedDirectories(platform)].join(" and ");
    return `no managed settings on this machine (looked in ${places})\n`;
  }
  const several = new Set(files.map(({ source }) => source)).size > 1;
  const how = several ? [`managedSourcesBehavior: ${managedSourcesBehavior}\n`] : [];
  const last = stopped ? "every call is denied: a source stops the gate\n" : inTheEnd(status);
  const end = last === "" ? [] : [last];
  return [...how, ...files.map((file) => fileInWords(file, status)), ...end].join("\n");
}

/** What holds of all sources together. */
function inTheEnd({ mode, denied }: Status): string {
  const at = ({
    file = "",
    line,
  }: {
    readonly file?: string | undefined;
    readonly line?: number | undefined;
  }) => printable(line === undefined ? file : `${file}:${line}`);
  const modes =
    mode === undefined
      ? []
      : [
          `mode: ${mode.value}, ${mode.enforced ? "and no laxer one may be chosen" : "to begin with"} (${at(mode)})\n`,
        ];
  const all = denied.filter(({ tool }) => tool === "*");
  const tools = (all.length > 0 ? all : denied).map(
    (each) =>
      `${each.tool === "*" ? "every call is" : `all calls of ${printable(each.tool)} are`} DENIED: ${printable(each.why)} (${at(each)})\n`,
  );
  return [...modes, ...tools].join("");
}

function fileInWords(status: FileStatus, { denied, mode }: Status): string {
  const { file, source, age, stops, opens, keys, problems, faulty } = status;
  const own = denied.filter((each) => each.file === file);
  const state = stops ? "STOPS THE GATE: every call is denied until it is mended" : stateOf(own, faulty);
  const width = Math.max(0, ...keys.map(({ key }) => key.length));
  const values = keys.map(({ value }) => shortly(value));
  const wide = Math.max(0, ...values.map((value) => value.length));
  const rows = keys.map(({ key, line, effect, denies = [] }, index) => {
    const why = own.find((each) => each.line === line && each.why.startsWith(`\`${key}\` `));
    const what =
      effect === "denies"
        ? `${why?.why.endsWith("cannot be read") === true ? "cannot be read" : "not enforced yet"}; denies ${denies.includes("*") ? "every call" : denies.join(", ")}`
        : effect === "gives way" && mode !== undefined
          ? `gives way to ${mode.value}, which is stricter`
          : effect;
    const value = (values[index] ?? "").padEnd(wide);
    return `  line ${String(line).padStart(3)}  ${key.padEnd(width)}  ${value}  ${printable(what)}\n`;
  });
  const faults = problems.flatMap((problem) => problem.split("\n").map((line) => `  ${printable(line)}\n`));
  const name = source === "helper" ? `the answer of ${printable(file)}` : printable(file);
  const old = age === undefined ? "" : `, ${ageInWords(age)} old`;
  const closed = opens ? "" : ", but nothing it allows";
  return `${name}: ${state}${old}${stops ? "" : closed}\n${rows.join("")}${faults.join("")}`;
}

/** What a source that does not stop the gate comes to. */
function stateOf(denied: readonly DeniedStatus[], faulty: boolean): string {
  const tools = [...new Set(denied.map(({ tool }) => tool))];
  if (tools.includes("*")) return "DENIES EVERY CALL";
  if (tools.length > 0) return `holds, and DENIES ALL CALLS of ${tools.map(printable).join(", ")}`;
  return faulty ? "holds, with a fault" : "holds";
}

/** A value in a few words. */
function shortly(value: unknown): string {
  if (Array.isArray(value)) return `${value.length} ${value.length === 1 ? "entry" : "entries"}`;
  const text = printable(JSON.stringify(value));
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function ageInWords(seconds: number): string {
  const [size, name] =
    seconds >= 86_400 ? [86_400, "day"] : seconds >= 3_600 ? [3_600, "hour"] : [60, "minute"];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
