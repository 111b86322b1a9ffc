import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Line, linesIn, verdictsIn } from "./calls.ts";
import type { Ended, Fault, Faulty, Seen } from "./preload.ts";
import { type Strike, named } from "./sample.ts";
import type { World } from "./world.ts";

/** Answers by strictness. */
export const ASK = 1;
export const DENY = 2;
/** Not answered: the call does not run. */
export const NOTHING = 3;

/** Something the program does, first without a fault and then under any number of them. */
export interface Scene {
  readonly name: string;
  readonly open: (faulty: Faulty, world: World) => Stage;
}

/** A scene that was played once without a fault. */
export interface Stage {
  /** The calls to the system that can be struck. */
  readonly calls: readonly Seen[];
  /** What came of playing it without a fault; where it is not `expected`, faults would show nothing. */
  readonly found: unknown;
  readonly expected: unknown;
  /** Plays it under a fault. What was laxer than without, or untrue; empty = nothing. */
  readonly strike: (strike: Strike) => readonly string[];
}

/** Every scene. Together they pass each door through which a decision leaves cordon. */
export const SCENES: readonly Scene[] = [
  { name: "check: a batch of calls", open: openAdvice },
  hookScene("hook: a read that is denied", DENY, "Read", { file_path: "plain/a.txt" }),
  hookScene("hook: a push that is denied", DENY, "Bash", { command: "git push --force" }),
  hookScene("hook: a command the organisation denies", DENY, "Bash", { command: "nc x 1" }),
  hookScene("hook: a command that asks", ASK, "Bash", { command: "npm publish x" }),
  hookScene("hook: a command that passes", 0, "Bash", { command: "make all" }),
  commandScene("run: a command", "touch marker", "marker", true),
  commandScene("run: refused by a rule", "cp plain/a.txt copied", "copied", false),
  commandScene("run: refused by a hook that is a program", "touch forbidden", "forbidden", false),
  commandScene("run: refused by a hook that is a module", "touch unwanted", "unwanted", false),
  { name: "run: in the sandbox", open: openConfined },
  changeScene("add deny", "--user", ".config/cordon/settings.json", "Bash(added *)"),
  changeScene("remove deny", "--user", ".config/cordon/settings.json", "Bash(terraform *)"),
  changeScene("add allow", "--local", "app/.cordon/settings.local.json", "Bash(added *)"),
];

/** The batch of calls, and what was answered to each without a fault. */
export interface Advice extends Stage {
  readonly verdicts: ReadonlyMap<string, number>;
  readonly check: (fault?: Fault, limit?: number) => Ended;
  /** The calls that were answered laxer. */
  readonly laxer: (ended: Ended) => readonly string[];
}

/** Plays the batch. */
export function openAdvice(faulty: Faulty, world: World): Advice {
  const lines = linesIn(world);
  const run = { ...world, cwd: world.home, input: batch(lines) };
  const traced = faulty.trace(["check", "--batch"], run);
  const verdicts = verdictsIn(lines, traced.out);
  const check: Advice["check"] = (fault, limit) => faulty.run(["check", "--batch"], { ...run, limit }, fault);
  const laxer: Advice["laxer"] = ({ out, err }) => {
    const got = verdictsIn(lines, out);
    return lines.flatMap(({ id }) => {
      const least = Math.min(verdicts.get(id) ?? NOTHING, floorOf(err));
      return (got.get(id) ?? NOTHING) < least ? [id] : [];
    });
  };
  return {
    calls: traced.calls,
    found: [...verdicts.values()].includes(NOTHING),
    expected: false,
    verdicts,
    check,
    laxer,
    strike: (strike) => laxer(check(strike)),
  };
}

/**
 * A settings file below the organisation's that cannot be read makes every call ask, and says so:
 * what it would have denied asks then (semantics, section 2). Nothing else may become an ask.
 */
function floorOf(err: string): number {
  return /the settings cannot be read/.test(err) ? ASK : DENY;
}

/** What the hook of an agent is given. */
export function payload({ home }: World, tool: string, input: object): string {
  return JSON.stringify({
    cwd: join(home, "app"),
    session_id: "s",
    permission_mode: "default",
    hook_event_name: "PreToolUse",
    tool_name: tool,
    tool_input: input,
  });
}

function hookScene(name: string, expected: number, tool: string, toolInput: object): Scene {
  const open = (faulty: Faulty, world: World): Stage => {
    const argv = ["hook", "claude-code"];
    const run = { ...world, cwd: world.home, input: payload(world, tool, toolInput) };
    const traced = faulty.trace(argv, run);
    return {
      calls: traced.calls,
      found: answered(traced),
      expected,
      strike: (strike) => {
        const before = records(world);
        const rank = answered(faulty.run(argv, run, strike));
        // The settings require the record: what is not denied is in the log.
        const unrecorded = rank < DENY && records(world) <= before ? ["not recorded"] : [];
        const least = Math.min(expected, settingsFault(world, strike.path) ? ASK : DENY);
        return [...unrecorded, ...(rank < least ? [`answered ${rank}`] : [])];
      },
    };
  };
  return { name, open };
}

function answered({ status, out }: Ended): number {
  if (status !== 0) return DENY;
  if (out === "") return 0;
  return ["allow", "ask", "deny"].findIndex((word) => out.includes(`"permissionDecision":"${word}"`));
}

/** A command that makes a file, or is kept from it. */
function commandScene(name: string, command: string, file: string, runs: boolean): Scene {
  const open = (faulty: Faulty, world: World): Stage => {
    const cwd = join(world.home, "app");
    const made = join(cwd, file);
    const argv = ["run", "--", command];
    const { calls } = faulty.trace(argv, { ...world, cwd });
    const found = existsSync(made);
    rmSync(made, { force: true });
    const strike = (each: Strike): readonly string[] => {
      const before = records(world);
      const ended = faulty.run(argv, { ...world, cwd }, each);
      const ran = existsSync(made);
      rmSync(made, { force: true });
      if (!ran) return [];
      if (!runs) return [`it ran: ${ended.err}`];
      return records(world) > before ? [] : ["it ran without a record"];
    };
    return { calls, found, expected: runs, strike };
  };
  return { name, open };
}

/** A command that has to run in the sandbox and writes down where it ran. */
function openConfined(faulty: Faulty, world: World): Stage {
  const cwd = join(world.home, "app");
  const made = join(cwd, "where");
  const here = readlinkSync("/proc/self/ns/pid");
  const argv = ["run", "--settings", '{"sandbox":{"enabled":true}}', "--", "sh where.sh"];
  const where = (): string => (existsSync(made) ? readFileSync(made, "utf8").trim() : "");
  const traced = faulty.trace(argv, { ...world, cwd });
  const found = [where() !== "", where() === here];
  rmSync(made, { force: true });
  const strike = (each: Strike): readonly string[] => {
    faulty.run(argv, { ...world, cwd }, each);
    const outside = where() === here;
    rmSync(made, { force: true });
    return outside ? ["it ran outside of the sandbox"] : [];
  };
  // Where there is no sandbox it does not run.
  return { calls: traced.calls, found, expected: [traced.status === 0, false], strike };
}

/** A settings file is changed: it is made or not, and what is said of it is true. */
function changeScene(what: string, scope: string, file: string, rule: string): Scene {
  const open = (faulty: Faulty, world: World): Stage => {
    const path = join(world.home, file);
    const cwd = join(world.home, "app");
    const argv = ["permissions", ...what.split(" "), rule, scope, "--yes"];
    const text = (): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
    const old = text();
    const restore = (): void => {
      // A lock that could not be taken away is in nobody's way but for a while.
      rmSync(join(world.home, ".local/state/cordon/locks"), { recursive: true, force: true });
      if (old === "") rmSync(path, { force: true });
      else writeFileSync(path, old);
    };
    const traced = faulty.trace(argv, { ...world, cwd });
    const fresh = text();
    restore();
    const strike = (each: Strike): readonly string[] => {
      const { status, err } = faulty.run(argv, { ...world, cwd }, each);
      const now = text();
      restore();
      if (now !== old && now !== fresh) return [`neither: ${now.slice(0, 80)}`];
      const told = what.startsWith("remove")
        ? status === 0 || now === old
        : (status === 0) === (now === fresh);
      return told ? [] : [`ended with ${status}: ${err}`];
    };
    return { calls: traced.calls, found: [traced.status, fresh === old], expected: [0, false], strike };
  };
  return { name: `permissions ${what} ${scope}`, open };
}

/** What of the strikes was found out, each in a line. */
export function struckBy(stage: Stage, strikes: readonly Strike[]): readonly string[] {
  return strikes.flatMap((strike) => stage.strike(strike).map((what) => `${named(strike)} | ${what}`));
}

function batch(lines: readonly Line[]): string {
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** Decisions that stand in the log, whole. */
function records({ home }: World): number {
  const directory = join(home, ".local", "state", "cordon", "audit");
  if (!existsSync(directory)) return 0;
  const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  return texts
    .flatMap((text) => text.split("\n").slice(0, -1))
    .filter((line) => line.includes('"type":"decision"') && line.endsWith("}")).length;
}

/** A fault about a settings file below the organisation's: see `floorOf`. */
function settingsFault({ home }: World, path: string): boolean {
  return path.startsWith(`${home}/`) && /\/settings(?:\.local)?\.json$/.test(path);
}
