import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, NODE, type Stage, WHO, compile, openStage } from "./stage.ts";

let stage: Stage;
let fork: string | undefined;
let grow: string | undefined;
beforeAll(async () => {
  stage = await openStage();
  fork = compile(stage, "fork", FORK);
  grow = compile(stage, "grow", GROW);
});
afterAll(() => stage.close());

/** A fork bomb that ends: every process forks until it cannot, then sleeps. */
const FORK = `
#include <stdlib.h>
#include <unistd.h>
int main(int c, char **v) { alarm(atoi(v[1])); for (;;) { int p = fork(); if (p == 0) alarm(atoi(v[1])); if (p < 0) usleep(100000); } }`;
/** Takes memory until it cannot. */
const GROW = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) { long n = 0; for (; n < 64; n++) { char *p = malloc(16 << 20); if (!p) break; memset(p, 1, 16 << 20); } printf("%ld\\n", n * 16); return 0; }`;

const processes = (): number => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;

describe.each(WHO)("processes, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  it("has no rights, no way to get any, and a filter", async () => {
    const { run } = actor.scene();
    const { stdout } = await run("cat /proc/self/status; id -u");
    for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      expect(stdout).toMatch(new RegExp(`^${name}:\\s+0+$`, "m"));
    expect(stdout).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(stdout).toMatch(/^Seccomp:\s+2$/m);
    expect(stdout.trim().split("\n").at(-1)).toBe(String(actor.uid));
    const names = ["user", "mnt", "pid", "ipc", "net", "uts", "cgroup"];
    const inside = (await run(`for n in ${names.join(" ")}; do readlink /proc/self/ns/$n; done`)).stdout
      .trim()
      .split("\n");
    expect(inside).toHaveLength(names.length);
    names.forEach((name, index) => expect(inside[index]).not.toBe(readlinkSync(`/proc/self/ns/${name}`)));
  });

  it.each(["the caller's signal", "the time limit", "the output limit"])(
    "%s ends everything",
    async (why) => {
      const { run, ws } = actor.scene();
      const beat = join(ws, "beat");
      const options = {
        "the caller's signal": { abortAfter: 3000 },
        "the time limit": { timeLimit: 3 },
        "the output limit": { outputLimit: 100_000 },
      }[why];
      const result = await run(
        `trap '' TERM INT HUP; (trap '' TERM; setsid bash -c 'while :; do date +%N > ${beat}; sleep 0.02; done' >/dev/null 2>&1 &); until test -e ${beat}; do sleep 0.01; done; ${why === "the output limit" ? "yes" : "sleep 100"}`,
        options,
      );
      expect(result.status).toBe(137);
      expect(result.ended).toBe(why === "the caller's signal" ? "aborted" : "limit");
      expect(result.stdout.length).toBeLessThanOrEqual(100_000);
      expect(result.limits.map(({ limit }) => limit)).toEqual(
        { "the caller's signal": [], "the time limit": ["time"], "the output limit": ["output"] }[why],
      );
      const then = statSync(beat).mtimeMs;
      await pause(200);
      expect(statSync(beat).mtimeMs).toBe(then);
    },
  );

  it("inherits no descriptor but the first three", async () => {
    const { ws, outside, environment } = actor.scene();
    const request = {
      id: 1,
      confined: true,
      root: ws,
      environment,
      command: `ls /proc/self/fd; cat <&20 <&200; ls /proc/self/fd/20/`,
    };
    const [file = "", ...args] = actor.as(NODE, actor.driver, "serve", join(stage.base, "paths.json"));
    const dir = openSync(outside, "r");
    const secret = openSync(join(outside, "secret"), "r");
    const stdio: ("pipe" | "inherit" | "ignore" | number)[] = Array.from({ length: 201 }, () => "ignore");
    stdio.splice(0, 3, "pipe", "pipe", "inherit");
    stdio[7] = secret;
    stdio[20] = dir;
    stdio[200] = secret;
    const child = spawn(file, args, { stdio, env: {} });
    child.stdin?.end(`${JSON.stringify(request)}\n`);
    let text = "";
    for await (const data of child.stdout ?? []) text += String(data);
    closeSync(dir);
    closeSync(secret);
    // 3 is the directory that ls itself opens.
    expect(JSON.parse(text).stdout).toBe("0\n1\n2\n3\n");
  });

  it("cannot type into the terminal it was started from", async () => {
    const { ws, environment } = actor.scene();
    const attack = `python3 -c "
import fcntl
for c in 'INJECTED': fcntl.ioctl(0, 0x5412, c)
"; cut -d ' ' -f 7 /proc/self/stat`;
    const typed = (confined: boolean): string => {
      const request = JSON.stringify({
        id: 1,
        confined,
        root: ws,
        environment,
        command: attack,
        inherit: true,
      });
      const plain = ["/bin/bash", "-c", attack];
      const serve = [NODE, actor.driver, "once", join(stage.base, "paths.json"), request];
      return execFileSync(
        "/usr/bin/python3",
        ["-c", PTY, ...actor.as("env", ...(confined ? serve : plain))],
        { encoding: "utf8", timeout: 20_000 },
      );
    };
    if (readFileSync("/proc/sys/dev/tty/legacy_tiocsti", "utf8").trim() === "1")
      expect(typed(false), "the attack works without a sandbox").toContain("INJECTED");
    const inside = typed(true);
    expect(inside).toContain("Operation not permitted");
    // No controlling terminal.
    expect(inside).toMatch(/^0\r$/m);
    expect(inside.replace(/for c in.*/g, "")).not.toContain("INJECTED");
  });

  it("the number of processes is bounded", async ({ skip }) => {
    if (fork === undefined) return skip();
    const { run } = actor.scene();
    const before = processes();
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, processes() - before)), 20);
    const result = await run(`${fork} 20`, { limits: { processes: 200 }, timeLimit: 1.5 });
    clearInterval(watch);
    expect(result.ended).toBe("limit");
    expect(peak).toBeGreaterThan(100);
    expect(peak).toBeLessThan(320);
    expect(processes() - before).toBeLessThan(50);
  });

  it("memory, file size, open files and temporary files are bounded", async ({ skip }) => {
    const { run } = actor.scene();
    const limits = { memory: 128 << 20, fileSize: 1 << 20, openFiles: 64, temporary: 2 << 20 };
    if (grow === undefined) return skip();
    const memory = await run(grow, { limits });
    expect(Number(memory.stdout)).toBeLessThan(128);
    expect(Number(memory.stdout)).toBeGreaterThan(32);
    const file = await run("exec head -c 5000000 /dev/zero > big", { limits });
    expect(file).toMatchObject({ status: 153, limits: [{ limit: "fileSize", allowed: 1 << 20 }] });
    expect((await run("stat -c %s big; ulimit -f unlimited", { limits })).stdout).toBe(`${1 << 20}\n`);
    const tmp = await run(
      "for i in 1 2 3 4; do head -c 900000 /dev/zero > $TMPDIR/$i || echo full; done; for i in 1 2 3 4; do head -c 900000 /dev/zero > /dev/shm/$i || echo full; done",
      { limits },
    );
    expect(tmp.stdout).toBe("full\nfull\nfull\nfull\n");
    const files = await run(
      `node -e 'const fs = require("fs"); let n = 0; try { for (;; n++) fs.openSync("a.txt"); } catch (e) { console.log(e.code, n < 64) }'; ulimit -n 100 || echo held`,
      { limits },
    );
    expect(files.stdout).toBe("EMFILE true\nheld\n");
  });

  it("says that a program does not exist, and passes statuses and signals on", async () => {
    const { run } = actor.scene();
    expect((await run(["no-such-program"])).status).toBe(127);
    expect((await run(["./a.txt"])).status).toBe(126);
    expect((await run(["sh", "-c", "exit 42"])).status).toBe(42);
    expect((await run("kill -TERM $$")).status).toBe(143);
    expect((await run("kill -9 $$")).status).toBe(137);
    expect((await run([])).fault).toBe("usage");
    expect((await run(["echo", "a\0b"])).fault).toBe("usage");
    expect((await run(["printf", "%s|", "", "a b", "$HOME", "'", "ü\n"])).stdout).toBe("|a b|$HOME|'|ü\n|");
  });
});

describe.runIf(WHO.includes("root"))("root in a workspace of somebody else", () => {
  it("becomes that somebody, whom limits bind, and moves away what he plants", async () => {
    const [root, user] = stage.actors;
    if (root === undefined || user === undefined) throw new Error("two users are needed");
    const [own, theirs] = [root.scene(), user.scene()];
    const result = await own.run(
      "id -u; echo x > made; git add made; git commit -qm x; echo x > .mcp.json; cat ~/.gitconfig",
      {
        root: theirs.ws,
        cwd: theirs.ws,
        environment: theirs.environment,
      },
    );
    expect(result.stdout.split("\n")[0]).toBe(String(user.uid));
    expect(result.stderr).toBe("");
    expect(statSync(join(theirs.ws, "made")).uid).toBe(user.uid);
    expect(result.violations).toMatchObject([{ path: join(theirs.ws, ".mcp.json"), kind: "planted" }]);
    const reading = await own.run(`cat ${own.home}/.ssh/id_rsa ${own.home}/.netrc`, {
      root: theirs.ws,
      cwd: theirs.ws,
    });
    expect(reading.stdout).not.toContain(own.canary);
  });

  it("stays root where that somebody cannot get there, and says what follows", async () => {
    const [root, user] = stage.actors;
    if (root === undefined || user === undefined) throw new Error("two users are needed");
    const own = root.scene();
    own.outsideRun(
      `mkdir -p ${own.outside}/closed/ws; chmod 700 ${own.outside}/closed; chown ${user.uid} ${own.outside}/closed/ws`,
    );
    const place = join(own.outside, "closed/ws");
    const result = await own.run("id -u; echo x > made", { root: place, cwd: place });
    expect(result.stdout).toBe("0\n");
    expect(existsSync(join(place, "made"))).toBe(false);
    expect(result.notes.join("\n")).toMatch(/belongs to user/);
  });
});

/** Runs argv on a terminal of its own and prints what the terminal showed. */
const PTY = `
import os, pty, sys, time, select
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
out = b''
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data: break
    out += data
sys.stdout.write(out.decode('utf8', 'replace'))
`;
