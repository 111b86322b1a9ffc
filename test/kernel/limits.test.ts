import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limitText } from "../../src/core/layers/9-sandbox/limits.ts";
import { groupParents } from "../../src/host/sandbox/linux/group.ts";
import { type Options, type Outcome, RUNGS, type Scene, type Stage, WHO, openStage } from "./stage.ts";

const MiB = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** Bash that holds so many megabytes and waits; the colon keeps it from becoming the `sleep`. */
const hold = (megabytes: number): string =>
  `(x=$(head -c ${megabytes}000000 /dev/zero | tr '\\0' x); sleep 20; :)`;

/** The limits that were told, as a person reads them. */
const told = ({ limits }: Outcome): readonly string[] =>
  limits.map((hit) => limitText({ killed: true, ...hit } as Parameters<typeof limitText>[0]));

/** Processes anywhere on the machine whose command line holds a text. */
function running(text: string): number {
  return readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "latin1").includes(text);
    } catch {
      return false;
    }
  }).length;
}

/** Control groups that the drivers of this stage left. */
function groupsLeft(): readonly string[] {
  return Object.values(groupParents()).flatMap((parent) =>
    parent === undefined ? [] : readdirSync(parent).filter((name) => isOurs(name)),
  );
}

function isOurs(name: string): boolean {
  const owner = /^cordon-(\d+)-/.exec(name)?.[1];
  if (owner === undefined) return false;
  try {
    return readFileSync(`/proc/${owner}/cmdline`, "latin1").includes(stage.base);
  } catch {
    return false;
  }
}

const CASES = WHO.flatMap((who) => RUNGS.map((rung) => [who, rung] as const));

describe.each(CASES)("limits of a command of %s, rung %s", (who, rung) => {
  // What is the same code for every rung is tried on one.
  const once = it.runIf(rung === "bubblewrap");
  const scene = (): Pick<Scene, "run" | "ws"> => {
    const actor = stage.actors.find(({ name }) => name === who);
    if (actor === undefined) throw new Error(who);
    const { run, ws } = actor.scene();
    return { ws, run: (command, options: Options = {}) => run(command, { ...options, rung }) };
  };

  it("the memory of all processes together", async () => {
    const { run } = scene();
    const limits = { memory: 512 * MiB, totalMemory: 128 * MiB };
    const mark = `31.${process.pid}`;
    const result = await run(
      `for i in 1 2 3 4 5 6; do ${hold(30).replace("sleep 20", `sleep ${mark}`)} & done; wait`,
      {
        limits,
      },
    );
    expect(result).toMatchObject({ status: 137, ended: "limit" });
    expect(told(result)).toEqual(["killed: 128 MiB memory limit"]);
    expect(running(mark)).toBe(0);
    const fine = await run(`${hold(30).replace("sleep 20", "sleep 0.6")}; echo fine`, { limits });
    expect(fine).toMatchObject({ status: 0, stdout: "fine\n", limits: [] });
  });

  once("pages that processes share count once", async () => {
    const { run } = scene();
    const limits = { memory: 512 * MiB, totalMemory: 160 * MiB };
    const result = await run(
      "x=$(head -c 40000000 /dev/zero | tr '\\0' x); for i in 1 2 3 4 5 6; do (sleep 0.7; :) & done; wait; echo ${#x}",
      { limits },
    );
    expect(result).toMatchObject({ status: 0, stdout: "40000000\n", limits: [] });
  });

  once("processor time, of a process that listens and of one that does not", async () => {
    const { run } = scene();
    const one = await run("while :; do :; done", { limits: { cpuTime: 1 } });
    expect([137, 152]).toContain(one.status);
    expect(told(one)).toEqual(["killed: 1 s processor time limit"]);
    const deaf = await run("trap '' XCPU; while :; do :; done", { limits: { cpuTime: 1 } });
    expect(told(deaf)).toEqual(["killed: 1 s processor time limit"]);
    const fine = await run("sleep 0.4", { limits: { cpuTime: 1 } });
    expect(fine).toMatchObject({ status: 0, limits: [] });
  });

  it("processor time, of many processes", async () => {
    const { run } = scene();
    const many = await run("for i in 1 2 3 4 5 6; do (while :; do :; done) & done; wait", {
      limits: { cpuTime: 1 },
    });
    expect(told(many)).toEqual(["killed: 1 s processor time limit"]);
  });

  once("wall time", async () => {
    const result = await scene().run("sleep 100", { limits: { time: 1 } });
    expect(result).toMatchObject({ status: 137, ended: "limit" });
    expect(told(result)).toEqual(["killed: 1 s time limit"]);
  });

  it("processes", async () => {
    const { run } = scene();
    const most = 60;
    const result = await run(
      `node -e 'for (let i = 0; i < 150; i++) require("child_process").spawn("sleep", ["32.${process.pid}"]).on("error", () => {}); setTimeout(() => process.exit(3), 1500)'`,
      { limits: { processes: most } },
    );
    expect(result.limits).toMatchObject([{ limit: "processes", allowed: most }]);
    expect(told(result)[0]).toMatch(/^(?:killed|reached): limit of processes \(60\)$/);
    expect(running(`32.${process.pid}`)).toBe(0);
  });

  once("the size of one file", async () => {
    const { run, ws } = scene();
    const result = await run("exec head -c 5000000 /dev/zero > big", { limits: { fileSize: MiB } });
    expect(result.status).toBe(153);
    expect(told(result)).toEqual(["killed: 1 MiB file size limit"]);
    expect(statSync(join(ws, "big")).size).toBe(MiB);
  });

  it("the disk, in many files", async () => {
    const { run, ws } = scene();
    const write = "for i in $(seq 400); do head -c 1000000 /dev/urandom > f$i; sleep 0.02; done";
    const result = await run(write, { limits: { disk: 20 * MiB } });
    expect(result).toMatchObject({ status: 137, ended: "limit" });
    expect(told(result)).toEqual(["killed: 20 MiB disk limit"]);
    const left = readdirSync(ws).filter((name) => name.startsWith("f"));
    expect(left.length).toBeGreaterThan(15);
    expect(left.length).toBeLessThan(390);
    const fine = await run("head -c 5000000 /dev/urandom > g; sleep 0.6", { limits: { disk: 20 * MiB } });
    expect(fine).toMatchObject({ status: 0, limits: [] });
  });

  it("temporary files", async () => {
    const result = await scene().run("head -c 5000000 /dev/zero > $TMPDIR/x 2>/dev/null; sleep 2; echo on", {
      limits: { temporary: 2 * MiB },
    });
    expect(result).toMatchObject({ status: 0, stdout: "on\n" });
    expect(told(result)).toEqual(["reached: limit of temporary files (2 MiB)"]);
  });

  once("open files", async () => {
    const result = await scene().run(
      `node -e 'const fs = require("fs"); try { for (;;) fs.openSync("a.txt"); } catch (e) { console.log(e.code); } setTimeout(() => {}, 2000)'`,
      { limits: { openFiles: 64 } },
    );
    expect(result).toMatchObject({ status: 0, stdout: "EMFILE\n" });
    expect(told(result)).toEqual(["reached: limit of open files (64)"]);
  });

  once("output", async () => {
    const result = await scene().run("yes", { limits: { output: MiB } });
    expect(result).toMatchObject({ status: 137, ended: "limit" });
    expect(told(result)).toEqual(["killed: 1 MiB output limit"]);
    expect(result.stdout.length).toBe(MiB);
  });

  it("leave no control group behind", () => {
    expect(groupsLeft()).toEqual([]);
  });
});

it.runIf(existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes"))(
  "root's memory is held by the kernel where it can be",
  () => {
    if (process.getuid?.() !== 0) return;
    expect(groupParents().memory).toMatch(/^\/sys\/fs\/cgroup\/memory/);
  },
);
