/**
 * What the gate says when the system fails, hangs or lies under it: never laxer than without the
 * fault. The built program runs as it is; what stands between it and the system is fault.c.
 */
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hookCommand } from "../../../src/agents/claude-code/hook-command.ts";
import { program } from "../../cli/program.ts";
import { type Line, linesIn, verdictsIn } from "./calls.ts";
import { type Ended, type Fault, type Faulty, type Seen, openFaulty } from "./preload.ts";
import { named, strikes } from "./sample.ts";
import { type World, makeWorld } from "./world.ts";

const ASK = 1;
const DENY = 2;
/** Not answered: the call does not run. */
const NOTHING = 3;

/**
 * Lies that no program can see through, and why. Everything else has to be stricter.
 *
 * Each has an example; an entry whose example is seen through is one too many.
 */
const UNDETECTABLE: readonly {
  readonly why: string;
  readonly kind: string;
  readonly action: string;
  /** The end of the path of the call that lies. */
  readonly about: string;
  readonly call: string;
}[] = [
  {
    why: "a settings file of which the system says that it is not there is no file",
    kind: "stat",
    action: "ENOENT",
    about: "home/app/.claude/settings.json",
    call: "app: bypassPermissions docker ps",
  },
  {
    why: "a path of which the system says that it is not there is a new one",
    kind: "stat",
    action: "ENOENT",
    about: "home/app/plain",
    call: "app:  Read plain/a.txt",
  },
  {
    why: "a link of which the system says that it is a file is a file",
    kind: "stat",
    action: "file",
    about: "home/app/keylink",
    call: "app:  Read keylink",
  },
];

/**
 * A settings file below the organisation's that cannot be read makes every call ask, and says so:
 * what it would have denied asks then (semantics, section 2). Nothing else may become an ask.
 */
function floorOf(err: string): number {
  return /the settings cannot be read/.test(err) ? ASK : DENY;
}

describe.skipIf(process.platform !== "linux")("under a faulty system", { timeout: 3_600_000 }, () => {
  let faulty: Faulty;
  let world: World;
  let lines: readonly Line[];
  let advice: { readonly calls: readonly Seen[]; readonly verdicts: ReadonlyMap<string, number> };

  const check = (fault?: Fault, limit?: number): Ended =>
    faulty.run(["check", "--batch"], { ...world, cwd: world.home, input: batch(lines), limit }, fault);

  beforeAll(() => {
    faulty = openFaulty();
    world = makeWorld();
    lines = linesIn(world);
    const run = { ...world, cwd: world.home, input: batch(lines) };
    const traced = faulty.trace(["check", "--batch"], run);
    advice = { calls: traced.calls, verdicts: verdictsIn(lines, traced.out) };
  });
  afterAll(() => {
    faulty?.remove();
    world?.remove();
  });

  /** What was answered laxer under a fault. */
  const laxer = ({ out, err }: Ended): readonly string[] => {
    const got = verdictsIn(lines, out);
    return lines.flatMap(({ id }) => {
      const least = Math.min(advice.verdicts.get(id) ?? NOTHING, floorOf(err));
      return (got.get(id) ?? NOTHING) < least ? [id] : [];
    });
  };

  it("the world is one in which faults could matter", () => {
    const counted = [0, ASK, DENY].map(
      (rank) => [...advice.verdicts.values()].filter((v) => v === rank).length,
    );
    expect([...advice.verdicts.values()]).not.toContain(NOTHING);
    for (const count of counted) expect(count).toBeGreaterThan(8);
    for (const kind of ["stat", "fstat", "readlink", "open", "read", "readdir"])
      expect(advice.calls.filter((call) => call.kind === kind).length, kind).toBeGreaterThan(10);
    for (const name of [
      "etc/managed-settings.d/10-more.json",
      "home/.config/cordon/settings.json",
      ".git/HEAD",
    ])
      expect(
        advice.calls.some(({ kind, path }) => kind === "read" && path.endsWith(name)),
        name,
      ).toBe(true);
    expect(advice.calls.some(({ path }) => path.includes("/cordon/trust/"))).toBe(true);
    expect(advice.calls.some(({ path }) => path.includes("/cordon/written/"))).toBe(true);
  });

  it("no single call that fails or lies makes an answer laxer", () => {
    const found = strikes(advice.calls, 3).flatMap((strike) => {
      return laxer(check(strike)).map((id) => `${named(strike)} | ${id}`);
    });
    expect(found).toEqual([]);
  });

  it.each([
    ["read", "cut", "home/app/.git/HEAD", "a branch whose name is cut off"],
    ["read", "cut", "home/.config/cordon/settings.json", "a file that is being written"],
    ["readlink", "target", "home/app/plain", "a link that leads elsewhere meanwhile"],
    ["readlink", "ENOENT", "home/app/out", "a link that is gone meanwhile"],
    ["readdir", "ENOENT", "home/app", "a directory that is gone, and there"],
    ["open", "ENOENT", "home/app/.claude/settings.json", "a file that is gone meanwhile"],
    ["stat", "EACCES", "home/app/locked", "a directory nobody may enter, and may"],
  ])("nor does a %s that ends in %s about %s: %s", (kind, action, about) => {
    const places = advice.calls.filter((call) => call.kind === kind);
    const struck = places.flatMap(({ path }, index) => (path.endsWith(`/${about}`) ? [index + 1] : []));
    expect(struck.length).toBeGreaterThan(0);
    for (const nth of struck.slice(0, 6)) expect(laxer(check({ kind, nth, action }))).toEqual([]);
  });

  it.each(["stat", "readlink", "open", "read", "readdir", "fstat"])(
    "nor does it when every %s fails",
    (kind) => {
      expect(laxer(check({ kind, nth: 0, action: "EIO" }))).toEqual([]);
    },
  );

  it.each(["stat", "read"])("a %s that never comes back is no answer", (kind) => {
    const ended = check({ kind, nth: 20, action: "hang" }, 2_000);
    expect(ended.status).toBeUndefined();
    expect(laxer(ended)).toEqual([]);
  });

  it.each(UNDETECTABLE)("except: $why", ({ kind, action, about, call }) => {
    const places = advice.calls
      .filter((each) => each.kind === kind)
      .flatMap(({ path }, index) => (path.endsWith(`/${about}`) ? [index + 1] : []));
    expect(places.length).toBeGreaterThan(0);
    const fooled = places.slice(0, 3).some((nth) => laxer(check({ kind, nth, action })).includes(call));
    expect(fooled).toBe(true);
  });

  describe("the hook of an agent", () => {
    const answer = ({ status, out }: Ended): number => {
      if (status !== 0) return DENY;
      if (out === "") return 0;
      return ["allow", "ask", "deny"].findIndex((word) => out.includes(`"permissionDecision":"${word}"`));
    };
    const payload = (tool: string, input: object): string =>
      JSON.stringify({
        cwd: join(world.home, "app"),
        session_id: "s",
        permission_mode: "default",
        hook_event_name: "PreToolUse",
        tool_name: tool,
        tool_input: input,
      });
    const hook = (input: string, fault?: Fault): Ended =>
      faulty.run(["hook", "claude-code"], { ...world, cwd: world.home, input }, fault);

    it.each([
      [0, "denies", DENY, "Read", { file_path: "plain/a.txt" }],
      [1, "denies", DENY, "Bash", { command: "git push --force" }],
      [2, "denies", DENY, "Bash", { command: "nc x 1" }],
      [3, "asks", ASK, "Bash", { command: "npm publish x" }],
      [4, "lets pass", 0, "Bash", { command: "make all" }],
    ] as const)("%i: %s no less when something fails (%i %s %o)", (turn, _word, want, tool, input) => {
      const text = payload(tool, input);
      const traced = faulty.trace(["hook", "claude-code"], { ...world, cwd: world.home, input: text });
      expect(answer(traced)).toBe(want);
      const found = strikes(traced.calls, 1, { turn, of: 5 }).flatMap((strike) => {
        const before = records(world);
        const ended = hook(text, strike);
        const rank = answer(ended);
        // The settings require the record: what is not denied is in the log.
        const unrecorded = rank < DENY && records(world) <= before ? ["not recorded"] : [];
        const least = Math.min(want, settingsFault(world, strike.path) ? ASK : DENY);
        return [...unrecorded, ...(rank < least ? [`answered ${rank}`] : [])].map(
          (what) => `${named(strike)} | ${what}`,
        );
      });
      expect(found).toEqual([]);
    });

    it("that hangs is killed, and the call is blocked", () => {
      const launcher = world.put("launch", faulty.script(world, { kind: "read", nth: 3, action: "hang" }));
      const line = hookCommand(launcher, true).replace("-s KILL 55", "-s KILL 2");
      expect(line).toContain("KILL 2 ");
      const { status, out, err } = program(
        ["setsid", "--wait", "bash", "-c", `chmod +x ${launcher}; ${line}`],
        {
          cwd: world.home,
          env: world.env,
          input: payload("Bash", { command: "make all" }),
        },
      );
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toContain("cordon: gate failed");
    });
  });

  describe("a command", () => {
    it.each([
      ["runs", 0, "touch marker", "marker", true],
      ["is refused by a rule about where a link leads", 1, "cp plain/a.txt copied", "copied", false],
      ["is refused by a hook that is a program", 2, "touch forbidden", "forbidden", false],
      ["is refused by a hook that is a module", 3, "touch unwanted", "unwanted", false],
    ] as const)("that %s: not more than that when something fails", (_what, turn, command, file, runs) => {
      const cwd = join(world.home, "app");
      const made = join(cwd, file);
      const argv = ["run", "--", command];
      const traced = faulty.trace(argv, { ...world, cwd });
      expect([existsSync(made), traced.err]).toEqual([runs, expect.any(String)]);
      const found = strikes(traced.calls, 1, { turn, of: 3 }).flatMap((strike) => {
        rmSync(made, { force: true });
        const before = records(world);
        const ended = faulty.run(argv, { ...world, cwd }, strike);
        if (!existsSync(made)) return [];
        if (!runs) return [`${named(strike)} | it ran: ${ended.err}`];
        return records(world) > before ? [] : [`${named(strike)} | it ran without a record`];
      });
      rmSync(made, { force: true });
      expect(found).toEqual([]);
    });
  });

  it("a command that has to run in the sandbox never runs outside of it", () => {
    const cwd = join(world.home, "app");
    const made = join(cwd, "where");
    const here = readlinkSync("/proc/self/ns/pid");
    const argv = ["run", "--settings", '{"sandbox":{"enabled":true}}', "--", "sh where.sh"];
    const where = (): string => (existsSync(made) ? readFileSync(made, "utf8").trim() : "");
    const traced = faulty.trace(argv, { ...world, cwd });
    expect([where() !== "", where() === here]).toEqual([traced.status === 0, false]);
    const forks = traced.calls.filter(({ kind }) => kind === "fork");
    const starts = forks.map(({ path }, index) => ({ kind: "fork", nth: index + 1, action: "EAGAIN", path }));
    const found = [...starts, ...strikes(traced.calls, 1, { turn: 0, of: 9 })].flatMap((strike) => {
      rmSync(made, { force: true });
      faulty.run(argv, { ...world, cwd }, strike);
      return where() === here ? [named(strike)] : [];
    });
    rmSync(made, { force: true });
    expect(found).toEqual([]);
  });

  describe("a change of a settings file", () => {
    const file = (name: string): string => join(world.home, name);
    const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

    it.each([
      ["add deny", "--user", ".config/cordon/settings.json", "Bash(added *)", 0],
      ["remove deny", "--user", ".config/cordon/settings.json", "Bash(terraform *)", 1],
      ["add allow", "--local", "app/.cordon/settings.local.json", "Bash(added *)", 2],
    ] as const)("%s %s is made or not, and what is said of it is true", (what, scope, name, rule, turn) => {
      const path = file(name);
      const cwd = file("app");
      const argv = ["permissions", ...what.split(" "), rule, scope, "--yes"];
      const old = textOf(path);
      const restore = (): void => {
        // A lock that could not be taken away is in nobody's way but for a while.
        rmSync(file(".local/state/cordon/locks"), { recursive: true, force: true });
        if (old === "") rmSync(path, { force: true });
        else writeFileSync(path, old);
      };
      const traced = faulty.trace(argv, { ...world, cwd });
      const fresh = textOf(path);
      restore();
      expect([traced.status, fresh === old]).toEqual([0, false]);
      const found = strikes(traced.calls, 1, { turn, of: 3 }).flatMap((strike) => {
        const { status, err } = faulty.run(argv, { ...world, cwd }, strike);
        const now = textOf(path);
        restore();
        if (now !== old && now !== fresh) return [`${named(strike)} | neither: ${now.slice(0, 80)}`];
        const told = what.startsWith("remove")
          ? status === 0 || now === old
          : (status === 0) === (now === fresh);
        return told ? [] : [`${named(strike)} | ended with ${status}: ${err}`];
      });
      expect(found).toEqual([]);
    });
  });
});

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
