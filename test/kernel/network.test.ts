import { spawn } from "node:child_process";
import { type Server, createServer } from "node:net";
import { createSocket } from "node:dgram";
import { chmodSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Actor, NODE, type Stage, WHO, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

function listen(
  server: Server,
  where: { readonly port: number; readonly host: string } | string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    if (typeof where === "string") server.listen(where, () => resolve());
    else server.listen(where, () => resolve());
  });
}

describe.each(WHO)("network and sockets, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  it.each(["127.0.0.1", "::1"])("a service of the machine on %s is not reached", async (host) => {
    let calls = 0;
    const server = createServer((socket) => {
      calls++;
      socket.end("hello\n");
    });
    await listen(server, { port: 0, host });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { run, open } = actor.scene();
    const attack = `exec 3<>/dev/tcp/${host}/${port} && cat <&3`;
    const inside = await run(attack);
    expect(calls).toBe(0);
    expect(inside.stdout).toBe("");
    expect((await open(attack)).stdout, "reached without a sandbox").toBe("hello\n");
    server.close();
  });

  it("datagrams and names do not leave", async () => {
    const socket = createSocket("udp4");
    let calls = 0;
    socket.on("message", () => calls++);
    await new Promise<void>((resolve) => {
      socket.bind(0, "127.0.0.1", () => resolve());
    });
    const { run, open } = actor.scene();
    const attack = `echo x > /dev/udp/127.0.0.1/${socket.address().port}`;
    await run(attack);
    await pause(50);
    expect(calls).toBe(0);
    await open(attack);
    await pause(50);
    expect(calls, "reached without a sandbox").toBe(1);
    socket.close();
    const { stdout, status } = await run(
      "getent hosts example.org; ip -o link 2>/dev/null | grep -vc ' lo:'; cat /proc/net/dev | grep -c ':'",
    );
    expect(stdout.trim().split("\n").at(-1)).toBe("1");
    expect(status).toBe(0);
  });

  it("unix sockets of the machine are not reached: in /tmp, /run, home and the workspace", async () => {
    const { run, open, ws, home, outside } = actor.scene();
    // Only root can make a directory in /run.
    const top = process.geteuid?.() === 0 ? "/run" : "/dev/shm";
    const run1 = `${top}/cordon-test-${process.pid}-${who}`;
    mkdirSync(run1, { recursive: true });
    chmodSync(run1, 0o777);
    const paths = [
      join("/tmp", `cordon-${process.pid}-${who}.sock`),
      join(run1, "s"),
      join(ws, "s.sock"),
      join(home, "agent.sock"),
      join(outside, "o.sock"),
    ];
    const calls: string[] = [];
    const servers = paths.map((path) => createServer((socket) => (calls.push(path), socket.end("hello\n"))));
    for (const [index, server] of servers.entries()) await listen(server, paths[index] ?? "");
    for (const path of paths) chmodSync(path, 0o777);
    const attack = (path: string): string =>
      `python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("${path}"); print(s.recv(9))'`;
    for (const path of paths) {
      const inside = await run(attack(path));
      expect(inside.status, path).not.toBe(0);
    }
    expect(calls).toEqual([]);
    for (const path of paths) await open(attack(path));
    expect(calls.length, "reached without a sandbox").toBe(paths.length);
    for (const server of servers) server.close();
    rmSync(run1, { recursive: true });
  });

  it("an abstract socket is not reached", async () => {
    const { run, open, outside } = actor.scene();
    const log = join(outside, "log");
    const name = `cordon-${process.pid}-${who}`;
    const code = `import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind(chr(0) + "${name}")\ns.listen()\nopen("${outside}/ready", "w")\nwhile True:\n c, _ = s.accept()\n open("${log}", "a").write("x")\n c.close()`;
    const [file = "", ...args] = actor.as("/usr/bin/python3", "-c", code);
    const server = spawn(file, args, { stdio: "inherit" });
    onTestFinished(() => void server.kill("SIGKILL"));
    while (!existsSync(join(outside, "ready"))) await pause(20);
    const attack = `python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + "${name}"); s.recv(1)'`;
    expect((await run(attack)).status).toBe(1);
    expect(existsSync(log)).toBe(false);
    await open(attack);
    expect(existsSync(log), "reached without a sandbox").toBe(true);
  });

  it("a socket bound by a relative path is hidden too", async () => {
    const { run, ws, outside } = actor.scene();
    const log = join(outside, "log");
    const code = `process.chdir(${JSON.stringify(ws)}); require("net").createServer((s) => { require("fs").writeFileSync(${JSON.stringify(log)}, "x"); s.end("hi") }).listen("rel.sock")`;
    const [file = "", ...args] = actor.as(NODE, "-e", code);
    const server = spawn(file, args, { stdio: "ignore" });
    onTestFinished(() => void server.kill("SIGKILL"));
    while (!existsSync(join(ws, "rel.sock"))) await pause(20);
    const result = await run(
      `python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("rel.sock")'`,
    );
    expect(result.status).toBe(1);
    expect(existsSync(log)).toBe(false);
  });
});
