import { type ChildProcess, spawn } from "node:child_process";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { landlockAbi } from "../../src/host/sandbox/linux/landlock.ts";
import { asked } from "../../src/host/sandbox/linux/native.ts";
import { pipeOf } from "../../src/host/sandbox/linux/pipes.ts";
import { kernelText } from "../../src/host/sandbox/look.ts";
import { type Actor, RUNGS, type Stage, WHO, openStage } from "./stage.ts";

const there = RUNGS.includes("native");
if (!there) process.stderr.write("SKIPPED: no C compiler, the launcher's pipes were not looked at\n");

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const launcher = (): string => join(stage.base, "native/cordon-launcher");

describe
  .skipIf(!there)
  .each(WHO.flatMap((who) => (["native", "landlock"] as const).map((rung) => [who, rung] as const)))(
  "what a command reads and writes, as %s on %s",
  (who, rung) => {
    let actor: Actor;
    beforeAll(() => {
      const found = stage.actors.find(({ name }) => name === who);
      if (found === undefined) throw new Error(who);
      actor = found;
    });
    beforeEach(({ skip }) => {
      if (rung === "landlock" && landlockAbi(launcher()) === 0) skip("the kernel has no Landlock");
    });

    it("gives pipes where its output is taken in, so that they can be opened by name", async () => {
      const scene = actor.scene();
      // The first one makes its own namespaces, the third joins those of the session.
      for (let round = 0; round < 3; round++) {
        const { stdout, stderr, thrown } = await scene.run(
          `echo one > /dev/stdout; echo two | tee /dev/stderr 2>&1 >/dev/null; echo three >> /proc/self/fd/1
stat -L -c %F /dev/stdin /dev/stdout /dev/stderr; cat /dev/stdin; yes | head -1; echo "\${PIPESTATUS[*]}"`,
          { rung },
        );
        expect([thrown, stderr]).toEqual([undefined, ""]);
        expect(stdout).toBe(`one\ntwo\nthree\n${"fifo\n".repeat(3)}y\n141 0\n`);
      }
      const { stdout, stderr } = await scene.run("echo out; echo err > /dev/stderr", { rung });
      expect([stdout, stderr]).toEqual(["out\n", "err\n"]);
    });

    it("passes on input of any bytes and length, and much output, all of it", async () => {
      const scene = actor.scene();
      const input = Array.from({ length: 30_000 }, (_, at) => String.fromCharCode(at % 0x7ff)).join("");
      for (let round = 0; round < 3; round++) {
        expect((await scene.run("cat; exec >&-; sleep 0.05", { rung, stdin: input })).stdout).toBe(input);
        // Nobody reads it.
        expect((await scene.run("exec <&-; echo done", { rung, stdin: input })).stdout).toBe("done\n");
      }
      const { status, stdout, stderr } = await scene.run(
        "head -c 50000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; exit 3",
        { rung, outputLimit: 60_000_000 },
      );
      expect([status, stdout.length, stderr.length]).toEqual([3, 50_000_000, 3_000_000]);
      expect([/[^x]/.test(stdout), /[^y]/.test(stderr)]).toEqual([false, false]);
    });

    it("ends a command that writes without end: by its limit, by an abort, by a limit of time", async () => {
      const scene = actor.scene();
      const limited = await scene.run("yes", { rung, outputLimit: 100_000 });
      expect([limited.ended, limited.limits[0]?.limit, limited.status]).toEqual(["limit", "output", 137]);
      expect((await scene.run("yes", { rung, abortAfter: 100 })).ended).toBe("aborted");
      const timed = await scene.run("echo first; sleep 60", { rung, timeLimit: 0.3 });
      expect([timed.limits[0]?.limit, timed.stdout]).toEqual(["time", "first\n"]);
    });
  },
);

describe.skipIf(!there)("the launcher, passing output on", () => {
  /** Started as Node starts it, without a sandbox around it; its answers as text. */
  const begin = (
    ...command: readonly string[]
  ): { readonly child: ChildProcess; readonly said: string[] } => {
    const child = spawn(join(stage.base, "native/cordon-launcher"), ["run"], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      cwd: "/",
    });
    const said: string[] = [];
    const channel = pipeOf(child, 3);
    channel?.on("data", (data: Uint8Array) => said.push(Buffer.from(data).toString()));
    const words = ["--root-bind", "--late", "--proc", "/proc", "--cwd", "/", "--", ...command];
    channel?.write(asked(words, new Uint8Array()));
    return { child, said };
  };
  const closed = (child: ChildProcess): Promise<unknown> =>
    new Promise((resolve) => child.once("close", resolve));

  it("ends a command whose reader has gone, by SIGPIPE", async () => {
    const { child, said } = begin("/usr/bin/yes");
    child.stderr?.resume();
    child.stdout?.once("data", () => child.stdout?.destroy());
    await closed(child);
    expect(said.join("")).toContain(`"exit-code": ${128 + 13}`);
  });

  it("waits for a reader that does not read, and loses nothing", async () => {
    const { child, said } = begin("/bin/sh", "-c", "yes | head -c 900000; echo end >&2");
    const [out, err]: [number[], string[]] = [[], []];
    child.stderr?.on("data", (data: Uint8Array) => err.push(Buffer.from(data).toString()));
    await pause(200);
    // Nobody has asked for it yet: it fits into no buffer.
    expect(said.join("")).not.toContain("exit-code");
    expect(err).toEqual([]);
    child.stdout?.on("data", (data: Uint8Array) => out.push(data.length));
    await closed(child);
    expect(out.reduce((sum, length) => sum + length, 0)).toBe(900_000);
    expect([err.join(""), said.join("").includes('"exit-code": 0')]).toEqual(["end\n", true]);
  });

  it("cannot be looked into by its own user", async () => {
    const { child, said } = begin("/bin/sleep", "60");
    while (!said.join("").includes("child-pid")) await pause(5);
    await pause(50);
    const status = kernelText(`/proc/${child.pid}/status`);
    expect(/^CapEff:\t(.*)$/m.exec(status)?.[1]).toBe("0000000000000000");
    const owned = lstatSync(`/proc/${child.pid}/environ`).uid;
    expect(owned).toBe(0);
    child.kill("SIGKILL");
    await closed(child);
  });
});
