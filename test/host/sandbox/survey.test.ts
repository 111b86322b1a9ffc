import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SandboxNeeds, Survey } from "../../../src/core/layers/9-sandbox/facts.ts";
import { sandboxNeeds } from "../../../src/core/layers/9-sandbox/needs.ts";
import { type Surveyor, openSurveyor } from "../../../src/host/sandbox/survey.ts";
import { LISTS, PLACE, policyWith } from "../../core/layers/9-sandbox/made.ts";

let base: string;
let root: string;
let needs: SandboxNeeds;
let surveyor: Surveyor;
const place = (): string => join(base, "state/running");

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-survey-")));
  root = join(base, "ws");
  mkdirSync(root);
  const lists = { ...LISTS, credential: [] };
  needs = sandboxNeeds(policyWith({}), { ...PLACE, root, cwd: root, home: join(base, "home") }, lists);
  surveyor = openSurveyor();
});
afterEach(() => {
  surveyor.close();
  rmSync(base, { recursive: true, force: true });
});

/** A survey, in an order of its own; stamps of what is not compared by content may be old. */
function plainly(survey: Survey): unknown {
  const byPath = <T extends { readonly path: string }>(list: readonly T[]): readonly T[] =>
    list.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return {
    sightings: byPath(survey.sightings)
      .map(({ path, mark, id, link, real, type, open, closed }) => [
        path,
        mark,
        id,
        link,
        real,
        type,
        open,
        closed,
      ])
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    gits: byPath(survey.gits),
    gitLinks: byPath(survey.gitLinks),
    sockets: survey.sockets.toSorted(),
    unread: survey.unread,
    complete: survey.complete,
  };
}

/** What is known without looking, and what somebody sees who looks at everything. */
async function both(): Promise<{ readonly told: boolean; readonly known: unknown; readonly fresh: unknown }> {
  const told = await surveyor.settle(needs, place());
  const known = plainly(surveyor.survey(needs, "plan", told));
  const fresh = plainly(openSurveyor().survey(needs, "plan"));
  return { told, known, fresh };
}

async function watching(): Promise<void> {
  // The first call begins, the second look adds what is to be watched.
  await both();
  expect((await both()).told).toBe(true);
}

function repository(path: string): void {
  for (const name of ["objects", "refs", "hooks", "info"]) mkdirSync(join(path, name), { recursive: true });
  writeFileSync(join(path, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(path, "config"), "[core]\n\tbare = false\n");
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

const NAMES = ["a", "b", ".mcp.json", ".vscode", ".claude", "plans", "node_modules", "sub"];

/** One thing that a program could do; paths that do not fit do nothing. */
function meddle(next: (below: number) => number): void {
  const directories = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const somewhere = (): string => directories[next(directories.length + 1)] ?? root;
  const path = (): string => join(somewhere(), NAMES[next(NAMES.length)] ?? "a");
  const [one, two] = [path(), path()];
  const ways: readonly (() => void)[] = [
    () => mkdirSync(one),
    () => writeFileSync(one, "x"),
    () => renameSync(one, two),
    () => renameSync(somewhere(), one),
    () => rmSync(one, { recursive: true }),
    () => symlinkSync(two, one),
    () => repository(join(somewhere(), ".git")),
    () => repository(somewhere()),
    () => writeFileSync(join(somewhere(), ".git"), `gitdir: ${somewhere()}/.git\n`),
    () => appendFileSync(join(somewhere(), ".git/config"), "\tfilemode = true\n"),
    () => writeFileSync(join(somewhere(), ".git/hooks/pre-commit"), "x"),
    () => writeFileSync(join(somewhere(), ".git/commondir"), "..\n"),
    () => repository(join(somewhere(), ".git/modules/m")),
    () => mkdirSync(join(somewhere(), ".git/worktrees/w"), { recursive: true }),
    () => {
      // A directory exchanged for another of the same name.
      const old = somewhere();
      renameSync(old, `${base}/aside`);
      mkdirSync(old);
      renameSync(`${base}/aside`, join(old, "aside"));
    },
    () => rmSync(join(somewhere(), ".git"), { recursive: true }),
    () => linkSync(one, two),
    () => utimesSync(somewhere(), 1, 1),
  ];
  try {
    ways[next(ways.length)]?.();
  } catch {
    // It does not fit.
  }
}

describe("a survey that was told what changed", () => {
  it("knows what somebody sees who looks at everything", async () => {
    repository(join(root, ".git"));
    mkdirSync(join(root, "src/deep"), { recursive: true });
    let told = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed * 7919);
      for (let count = 1 + next(6); count > 0; count--) meddle(next);
      const seen = await both();
      expect(seen.known, `seed ${seed}`).toEqual(seen.fresh);
      if (seen.told) told += 1;
    }
    // Otherwise this would only compare two full looks.
    expect(told).toBeGreaterThan(45);
  });

  it("is the same object where nothing changed, and another where something did", async () => {
    repository(join(root, ".git"));
    // What changed within the last tick is looked at again.
    await pause(120);
    await watching();
    const survey = async (): Promise<Survey> =>
      surveyor.survey(needs, "plan", await surveyor.settle(needs, place()));
    const first = await survey();
    expect(await survey()).toBe(first);
    writeFileSync(join(root, ".mcp.json"), "x");
    const second = await survey();
    expect(second).not.toBe(first);
    expect(second.sightings.map(({ path }) => path)).toContain(join(root, ".mcp.json"));
  });

  it("learns of a directory that moved away, changed there and came back", async () => {
    mkdirSync(join(root, "a/b/c"), { recursive: true });
    await watching();
    renameSync(join(root, "a"), join(base, "a"));
    writeFileSync(join(base, "a/b/c/.mcp.json"), "x");
    renameSync(join(base, "a"), join(root, "a"));
    const { told, known, fresh } = await both();
    expect([told, known]).toEqual([true, fresh]);
    renameSync(join(root, "a"), join(base, "a"));
    expect((await both()).known).toEqual((await both()).fresh);
    rmSync(join(base, "a/b/c/.mcp.json"));
    mkdirSync(join(base, "a/b/.vscode"));
    renameSync(join(base, "a"), join(root, "a"));
    const again = await both();
    expect([again.told, again.known]).toEqual([true, again.fresh]);
  });

  it("learns of content that is changed in place, also through another name of the file", async () => {
    repository(join(root, ".git"));
    linkSync(join(root, ".git/config"), join(base, "other-name"));
    await pause(120);
    await watching();
    appendFileSync(join(base, "other-name"), "[core]\n\tfsmonitor = x\n");
    const { told, known, fresh } = await both();
    expect([told, known]).toEqual([true, fresh]);
    expect(readFileSync(join(root, ".git/config"), "utf8")).toContain("fsmonitor");
  });

  it("is not relied on after more events than the queue surely holds", async () => {
    mkdirSync(join(root, "many"));
    await watching();
    const limit = Number(readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));
    for (let count = limit / 4 + 10; count > 0; count--) {
      writeFileSync(join(root, "many/x"), "");
      rmSync(join(root, "many/x"));
    }
    writeFileSync(join(root, "many/.mcp.json"), "x");
    const { told, known, fresh } = await both();
    expect([told, known]).toEqual([false, fresh]);
    expect((await both()).told).toBe(true);
  }, 60_000);

  it("is not relied on while the program around watches files as well", async () => {
    await watching();
    const other = watch(base, () => undefined);
    try {
      expect((await both()).told).toBe(false);
    } finally {
      other.close();
      // The handle is gone a turn later.
      await pause(10);
    }
  });

  it.runIf(existsSync("/usr/bin/bwrap"))(
    "learns of what is done through a mount of the directory",
    async () => {
      repository(join(root, ".git"));
      mkdirSync(join(root, "a"));
      await watching();
      const command = "touch a/.mcp.json; mkdir -p a/b/.vscode; mv a/b a/c; touch .git/hooks/pre-commit";
      const confined = ["--ro-bind", "/", "/", "--dev", "/dev", "--bind", root, root, "--chdir", root];
      execFileSync("/usr/bin/bwrap", [...confined, "/bin/sh", "-c", command]);
      const { told, known, fresh } = await both();
      expect([told, known]).toEqual([true, fresh]);
      expect(JSON.stringify(known)).toContain(join(root, "a/c/.vscode"));
    },
  );

  it("takes another spelling that leads to the same entry for the name, and nothing else", () => {
    mkdirSync(join(root, "blind"));
    writeFileSync(join(root, "blind/.mcp.json"), "x");
    // What a directory that is blind to case looks like: one entry by both names.
    linkSync(join(root, "blind/.mcp.json"), join(root, "blind/.MCP.json"));
    mkdirSync(join(root, "sharp"));
    writeFileSync(join(root, "sharp/.MCP.json"), "x");
    const found = surveyor.survey(needs, "plan").sightings.map(({ path }) => path.slice(root.length + 1));
    expect(found.toSorted()).toEqual(["blind/.MCP.json", "blind/.mcp.json"]);
  });

  it("leaves no file behind when it is closed", async () => {
    await watching();
    expect(readdirSync(place())).toHaveLength(1);
    surveyor.close();
    expect(readdirSync(place())).toEqual([]);
    const { told, known, fresh } = await both();
    expect([told, known]).toEqual([false, fresh]);
  });

  it("looks for itself where a place of its own cannot be made", async () => {
    writeFileSync(join(base, "state"), "a file in its place");
    expect((await both()).told).toBe(false);
    const { told, known, fresh } = await both();
    expect([told, known]).toEqual([false, fresh]);
  });

  it("opens after a command what that closed", async () => {
    mkdirSync(join(root, "a/closed"), { recursive: true });
    await watching();
    writeFileSync(join(root, "a/closed/.mcp.json"), "x");
    chmodSync(join(root, "a/closed"), 0);
    const after = surveyor.survey(needs, "inspect", await surveyor.settle(needs, place()));
    expect(after.sightings.map(({ path }) => path)).toEqual([join(root, "a/closed/.mcp.json")]);
    expect(existsSync(join(root, "a/closed/.mcp.json"))).toBe(true);
  });
});
