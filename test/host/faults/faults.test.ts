/**
 * What the gate says when the system fails, hangs or lies under it: never laxer than without the
 * fault. The built program runs as it is; what stands between it and the system is fault.c.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hookCommand } from "../../../src/agents/claude-code/hook-command.ts";
import { PROGRAM, program } from "../../cli/program.ts";
import { type Faulty, openFaulty } from "./preload.ts";
import { strikes } from "./sample.ts";
import { type Advice, ASK, DENY, NOTHING, SCENES, openAdvice, payload, struckBy } from "./scenes.ts";
import { type World, makeWorld } from "./world.ts";

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

describe.skipIf(process.platform !== "linux")("under a faulty system", { timeout: 3_600_000 }, () => {
  let faulty: Faulty;
  let world: World;
  let advice: Advice;

  beforeAll(() => {
    faulty = openFaulty({ program: PROGRAM, source: join(import.meta.dirname, "fault.c") });
    world = makeWorld();
    advice = openAdvice(faulty, world);
  });
  afterAll(() => {
    faulty?.remove();
    world?.remove();
  });

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
    expect(struckBy(advice, strikes(advice.calls, 3))).toEqual([]);
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
    for (const nth of struck.slice(0, 6))
      expect(advice.laxer(advice.check({ kind, nth, action }))).toEqual([]);
  });

  it.each(["stat", "readlink", "open", "read", "readdir", "fstat"])(
    "nor does it when every %s fails",
    (kind) => {
      expect(advice.laxer(advice.check({ kind, nth: 0, action: "EIO" }))).toEqual([]);
    },
  );

  it.each(["stat", "read"])("a %s that never comes back is no answer", (kind) => {
    const ended = advice.check({ kind, nth: 20, action: "hang" }, 2_000);
    expect(ended.status).toBeUndefined();
    expect(advice.laxer(ended)).toEqual([]);
  });

  it.each(UNDETECTABLE)("except: $why", ({ kind, action, about, call }) => {
    const places = advice.calls
      .filter((each) => each.kind === kind)
      .flatMap(({ path }, index) => (path.endsWith(`/${about}`) ? [index + 1] : []));
    expect(places.length).toBeGreaterThan(0);
    const fooled = places
      .slice(0, 3)
      .some((nth) => advice.laxer(advice.check({ kind, nth, action })).includes(call));
    expect(fooled).toBe(true);
  });

  // The sandbox goes without a share: there is one of it.
  const scenes = SCENES.slice(1).map((scene) => {
    const [door = ""] = scene.name.split(" ");
    const kin = SCENES.filter(({ name }) => name.startsWith(door));
    return [scene.name, scene, { turn: kin.indexOf(scene), of: door === "run:" ? 3 : kin.length }] as const;
  });
  it.each(scenes)("%s: no laxer, and what is said is true, when something fails", (_name, scene, share) => {
    const stage = scene.open(faulty, world);
    expect(stage.found).toEqual(stage.expected);
    expect(struckBy(stage, strikes(stage.calls, 1, share))).toEqual([]);
  });

  it("a command that has to run in the sandbox does not run outside of it when no process starts", () => {
    const stage = SCENES.find(({ name }) => name === "run: in the sandbox")?.open(faulty, world);
    const forks = stage?.calls.filter(({ kind }) => kind === "fork") ?? [];
    const starts = forks.map(({ path }, index) => ({ kind: "fork", nth: index + 1, action: "EAGAIN", path }));
    expect(stage && struckBy(stage, starts)).toEqual([]);
  });

  it("a hook that hangs is killed, and the call is blocked", () => {
    const launcher = world.put("launch", faulty.script(world, { kind: "read", nth: 3, action: "hang" }));
    const line = hookCommand(launcher, true).replace("-s KILL 55", "-s KILL 2");
    expect(line).toContain("KILL 2 ");
    const { status, out, err } = program(
      ["setsid", "--wait", "bash", "-c", `chmod +x ${launcher}; ${line}`],
      {
        cwd: world.home,
        env: world.env,
        input: payload(world, "Bash", { command: "make all" }),
      },
    );
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain("cordon: gate failed");
  });
});
