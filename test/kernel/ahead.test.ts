import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LimitPolicy } from "../../src/core/settings/policy.ts";
import { groupParents } from "../../src/host/sandbox/linux/group.ts";
import { type Sandbox, openSandbox, placeOf } from "../../src/host/sandbox/sandbox.ts";
import { policyOf } from "./driver.ts";
import { LISTS, RUNGS, type Stage, openStage } from "./stage.ts";

const parents = groupParents();
const there = RUNGS.includes("native") && process.getuid?.() === 0 && parents.pids !== undefined;
if (!there) process.stderr.write("SKIPPED: not root, or no control groups: what waits in them was not run\n");

/** Groups of this process, with the numbers of the processes in each. */
function groups(parent: string | undefined): readonly (readonly string[])[] {
  if (parent === undefined) return [];
  return readdirSync(parent)
    .filter((name) => name.startsWith(`cordon-${process.pid}-`))
    .map((name) =>
      readFileSync(join(parent, name, "cgroup.procs"), "utf8")
        .split("\n")
        .filter(Boolean),
    );
}

async function until(holds: () => boolean): Promise<void> {
  for (let left = 800; left > 0; left--) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error("it does not come true");
}

describe.skipIf(!there)("control groups that wait for the next command", () => {
  let stage: Stage;
  let sandbox: Sandbox;
  beforeAll(async () => {
    stage = await openStage();
    sandbox = openSandbox({
      launcher: join(stage.base, "native/cordon-launcher"),
      lists: JSON.parse(readFileSync(LISTS, "utf8")),
      environment: { PATH: "/usr/bin:/bin", HOME: join(stage.base, "home") },
    });
    for (const name of ["home", "ws", "theirs"]) mkdirSync(join(stage.base, name));
    chownSync(join(stage.base, "theirs"), 65534, 65534);
  });
  afterAll(() => {
    sandbox.close();
    stage.close();
  });

  const run = async (text: string, limits: LimitPolicy = {}, name = "ws"): Promise<string> => {
    const root = realpathSync(join(stage.base, name));
    const place = placeOf(root, root, {
      HOME: join(stage.base, "home"),
      XDG_STATE_HOME: join(stage.base, "state"),
    });
    const plan = await sandbox.prepare(policyOf({ limits }), place);
    if (plan.kind === "refused") throw new Error(plan.why);
    const argv = [plan.programs.bash, "--noprofile", "--norc", "-c", text];
    const { stdout, status } = await sandbox.run(plan, argv, { stdin: "ignore", output: "collect" });
    return `${status} ${Buffer.from(stdout ?? []).toString()}`;
  };

  // A busy machine may look too late for what waits a moment.
  it("hold the launcher that waits, then the command, and go with it", { retry: 5 }, async () => {
    for (let round = 0; round < 4; round++) expect(await run("echo x")).toBe("0 x\n");
    await until(() => groups(parents.pids).some((pids) => pids.length === 1));
    const [waiting] = groups(parents.pids).find((pids) => pids.length === 1) ?? [];
    expect(readFileSync(`/proc/${waiting}/comm`, "latin1")).toBe("cordon-launcher\n");
    const done = run("sleep 1; echo y");
    // What waited has started it there: the launcher, the first process, the shell and its child.
    await until(() => groups(parents.pids).some((pids) => pids.includes(waiting ?? "") && pids.length >= 3));
    expect(await done).toBe("0 y\n");
    await until(() => !groups(parents.pids).some((pids) => pids.includes(waiting ?? "")));
    // Without work what waits ends, and leaves nothing.
    await until(() => groups(parents.pids).some((pids) => pids.length === 1));
    await until(() => groups(parents.pids).length === 0 && groups(parents.memory).length === 0);
  });

  it("are made anew for other limits, with room for the launcher", async () => {
    const most = (): readonly string[] =>
      readdirSync(parents.pids ?? "")
        .filter((name) => name.startsWith(`cordon-${process.pid}-`))
        .map((name) => readFileSync(join(parents.pids ?? "", name, "pids.max"), "utf8").trim());
    // What waits ends after a while without work; on a slow machine another command is needed then.
    const seen = async (limit: string, command: () => Promise<unknown>): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const done = command();
        for (let look = 0; look < 50; look++) {
          if (most().includes(limit)) return void (await done);
          await pause(20);
        }
        await done;
      }
      expect(most()).toContain(limit);
    };
    await seen("13", () => run("true", { processes: 12 }));
    // Those that wait are for others: this one makes its own.
    await seen("14", async () => expect(await run("sleep 0.3; echo y", { processes: 14 })).toBe("0 y\n"));
    await seen("15", () => run("true", { processes: 14 }));
  });

  it("are left when the sandbox is closed", async () => {
    for (let round = 0; round < 2; round++) await run("true");
    await until(() => groups(parents.pids).some((pids) => pids.length === 1));
    sandbox.close();
    await until(() => groups(parents.pids).length === 0 && groups(parents.memory).length === 0);
  });

  it.skipIf(parents.memory === undefined)("take in a command that is its owner's, not root's", async () => {
    execFileSync("chmod", ["755", stage.base]);
    for (let round = 0; round < 3; round++) {
      expect(await run("id -u; sleep 0.05", {}, "theirs")).toBe("0 65534\n");
      await pause(60);
    }
  });
});
