import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { readDocument, valueOf } from "../core/settings/document.ts";
import { type Problem, formatProblem } from "../core/settings/problem.ts";
import { readSettings } from "../core/settings/read.ts";
import type { SettingsSource } from "../core/settings/source.ts";
import { walk } from "../core/settings/walk.ts";
import { loadSources } from "../host/settings/load.ts";
import { managedDirectories } from "../host/settings/places.ts";
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

Shows what the organisation's managed settings lock on this machine: every managed file with its age,
every key with its line and what it does here. A managed file that exists and cannot be taken at its
word (unreadable, faulty, writable by others than the administrator, a link) stops the gate.

options:
  --json  print the result as JSON

exit status: 0 managed settings hold, or there are none; 78 a managed file stops the gate; 64 usage

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
    const files = statusOf(io, machine);
    io.stdout(
      values.json === true
        ? `${printableJson(JSON.stringify({ stopped: files.some(({ stops }) => stops), files }))}\n`
        : inWords(files, machine.platform ?? process.platform),
    );
    return files.some(({ stops }) => stops) ? EXIT.settings : EXIT.ok;
  } catch (error) {
    const fault = parseFault(error);
    if (fault === undefined) throw error;
    return usageError(io, "policy", fault);
  }
}

/** One managed file and what it does. */
interface FileStatus {
  readonly file: string;
  /** Seconds since it was last written; undefined where that cannot be told. */
  readonly age: number | undefined;
  /** Nothing runs because of it. */
  readonly stops: boolean;
  readonly keys: readonly KeyStatus[];
  /** With file, line and column. */
  readonly problems: readonly string[];
}

interface KeyStatus {
  readonly key: string;
  readonly line: number;
  readonly value: unknown;
  /** `locks`: nothing below can undo it; `denies`: not enforced yet, so what it governs is denied. */
  readonly effect: "locks" | "denies" | "passed on";
  readonly denies?: readonly string[] | undefined;
}

/** The managed files of the machine, the highest first. */
function statusOf(io: Terminal, { platform, top, now = Date.now }: Machine): readonly FileStatus[] {
  // No project is looked at: a place that has none.
  const place = { root: io.home, cwd: io.home, home: io.home };
  const { sources } = loadSources({
    ...place,
    env: io.env,
    ambient: true,
    trusted: () => false,
    platform,
    top,
  });
  return sources
    .filter(({ scope }) => scope === "managed")
    .map((source): FileStatus => {
      const { faulty, problems } = readSettings(source, place);
      return {
        file: source.file ?? "",
        age: ageOf(source.file, now),
        stops: faulty !== undefined,
        keys: keysOf(source),
        problems: problems.map((problem: Problem) => formatProblem(problem)),
      };
    });
}

function keysOf({ text }: SettingsSource): readonly KeyStatus[] {
  const document = text === undefined ? undefined : readDocument(text);
  if (document?.root === undefined) return [];
  return walk(document.root)
    .entries.filter(({ live }) => live)
    .map(({ path, node, info }): KeyStatus => {
      const effect = info.denies !== undefined ? "denies" : info.merge === "inert" ? "passed on" : "locks";
      const { line } = document.positionOf(node.offset);
      return { key: path, line, value: valueOf(node, 8), effect, denies: info.denies };
    });
}

function ageOf(file: string | undefined, now: () => number): number | undefined {
  const time = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return time === undefined ? undefined : Math.max(0, Math.round((now() - time) / 1_000));
}

function inWords(files: readonly FileStatus[], platform: NodeJS.Platform): string {
  if (files.length === 0) {
    const places = managedDirectories(platform).join(" and ");
    return `no managed settings on this machine (looked in ${places})\n`;
  }
  return files.map(fileInWords).join("\n");
}

function fileInWords({ file, age, stops, keys, problems }: FileStatus): string {
  const state = stops ? "STOPS THE GATE: every call is denied until it is mended" : "holds";
  const width = Math.max(0, ...keys.map(({ key }) => key.length));
  const rows = keys.map(({ key, line, value, effect, denies }) => {
    const what = effect === "denies" ? `not enforced yet; denies ${(denies ?? []).join(", ")}` : effect;
    return `  line ${String(line).padStart(3)}  ${key.padEnd(width)}  ${shortly(value)}  ${what}\n`;
  });
  const faults = problems.map((problem) => `  ${printable(problem.replaceAll("\n", "\n  "))}\n`);
  return `${printable(file)}: ${state}${age === undefined ? "" : `, ${ageInWords(age)} old`}\n${rows.join("")}${faults.join("")}`;
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
