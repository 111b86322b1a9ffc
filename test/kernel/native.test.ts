import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findLauncher, launcherFor } from "../../src/host/sandbox/launcher.ts";
import { kernelText } from "../../src/host/sandbox/look.ts";
import { type Actor, NODE, RUNGS, type Scene, type Stage, WHO, openStage } from "./stage.ts";

const NATIVE = { rung: "native" } as const;
const there = RUNGS.includes("native");
if (!there) process.stderr.write("SKIPPED: no C compiler, the native rung was not run\n");

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const mountsOf = (path: string): readonly string[] =>
  kernelText("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => line.includes(path));

describe.skipIf(!there).each(WHO)("the native rung, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });
  /** The first command makes its own namespaces, the second those of the session; the third joins them. */
  const thrice = async (scene: Scene, command: string): Promise<readonly string[]> => {
    const said: string[] = [];
    for (let round = 0; round < 3; round++) {
      const { status, stdout, stderr, thrown } = await scene.run(command, NATIVE);
      expect([thrown, stderr, status]).toEqual([undefined, "", 0]);
      said.push(stdout);
    }
    return said;
  };

  it("is in namespaces of its own, without rights, under the filter", async () => {
    const names = ["user", "mnt", "net", "pid", "ipc", "uts", "cgroup"];
    const outside = names.map((name) => readlinkSync(`/proc/self/ns/${name}`));
    for (const text of await thrice(
      actor.scene(),
      `readlink ${names.map((name) => `/proc/self/ns/${name}`).join(" ")}
grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)' /proc/self/status
printf 'spaces:\\t'; cat /proc/sys/user/max_user_namespaces; tr -d '\\n' < /proc/self/uid_map`,
    )) {
      const lines = text.split("\n");
      expect(lines.slice(0, 7).filter((line) => outside.includes(line))).toEqual([]);
      const fields = new Map(lines.slice(7).map((line) => line.split(":\t") as [string, string]));
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
        expect([set, fields.get(set)]).toEqual([set, "0000000000000000"]);
      expect(fields.get("NoNewPrivs")).toBe("1");
      expect(fields.get("Seccomp")).toBe("2");
      expect(fields.get("spaces")).toBe("0");
      expect(fields.get("Uid")?.split("\t")).toEqual(Array(4).fill(String(actor.uid)));
      expect(lines.at(-1)?.trim().split(/ +/)).toEqual([String(actor.uid), "0", "1"]);
    }
  });

  it("sees three descriptors, its own processes, and nothing of the launcher", async () => {
    for (const text of await thrice(
      actor.scene(),
      `ls /proc/$$/fd > /tmp/fds; sed 's/^/fd /' /tmp/fds; echo /proc/[0-9]* | wc -w
cat /proc/1/environ /proc/1/maps /proc/1/mem 2>/dev/null | wc -c; ls /proc/1/fd 2>/dev/null | wc -l; readlink /proc/1/exe | wc -c`,
    )) {
      const lines = text.trim().split("\n");
      expect(lines.filter((line) => line.startsWith("fd")).filter((line) => line !== "fd 255")).toEqual([
        "fd 0",
        "fd 1",
        "fd 2",
      ]);
      // The launcher's own, the shell, and those of the pipeline.
      expect(Number(lines.at(-4))).toBeLessThan(8);
      expect(lines.slice(-3)).toEqual(["0", "0", "0"]);
    }
  });

  it("gives each command private files and processes, but one file system of the project", async () => {
    const scene = actor.scene();
    for (const text of await thrice(
      scene,
      "ls -A /tmp /var/tmp /dev/shm | grep -v '^/\\|^$\\|^.caches$'; echo $(mktemp) > /dev/null; touch /tmp/x /var/tmp/x /dev/shm/x; echo line >> kept; wc -l < kept",
    ))
      expect(text.trim()).toMatch(/^[123]$/);
    expect(readFileSync(join(scene.ws, "kept"), "utf8")).toBe("line\n".repeat(3));
  });

  it("passes on status, signals, input, arguments and the working directory", async () => {
    const scene = actor.scene();
    for (let round = 0; round < 3; round++) {
      expect((await scene.run("exit 125", NATIVE)).status).toBe(125);
      expect((await scene.run("kill -TERM $$", NATIVE)).status).toBe(143);
      expect((await scene.run("kill -KILL $$", NATIVE)).status).toBe(137);
      expect((await scene.run(["/nonexistent/program"], NATIVE)).status).toBe(127);
      expect((await scene.run(["/etc/passwd"], NATIVE)).status).toBe(126);
      expect((await scene.run("cat", { ...NATIVE, stdin: "given" })).stdout).toBe("given");
      const words = ["/usr/bin/printf", "[%s]", "a b", "", "ü\n*", "'\"$"];
      expect((await scene.run(words, NATIVE)).stdout).toBe("[a b][][ü\n*]['\"$]");
      expect((await scene.run("pwd", NATIVE)).stdout).toBe(`${scene.ws}\n`);
    }
  });

  it("works where names have spaces, line ends and letters of any script", async () => {
    const scene = actor.scene();
    const root = join(scene.ws, "a b\nc\té 漢");
    scene.outsideRun(
      `mkdir '${root}'; cd '${root}'; git init -q .; mkdir .vscode; echo s > .env; echo t > '.vscode/x y'`,
    );
    for (let round = 0; round < 3; round++) {
      const { status, stdout } = await scene.run("touch 'made here'; echo x > .vscode/x; cat .env", {
        ...NATIVE,
        root,
        sandbox: { denyRead: [join(root, ".env")] },
      });
      expect([status, stdout]).toEqual([1, ""]);
      expect(readdirSync(join(root, ".vscode"))).toEqual(["x y"]);
      expect(existsSync(join(root, "made here"))).toBe(true);
    }
  });

  it("hides a file that was replaced between two commands, in whatever way", async () => {
    const scene = actor.scene();
    const [secret, protectedFile] = [join(scene.ws, ".env"), join(scene.ws, ".mcp.json")];
    writeFileSync(secret, "old-secret");
    writeFileSync(protectedFile, "{}");
    if (who !== "root") execFileSync("chown", [String(actor.uid), secret, protectedFile]);
    const sandbox = { denyRead: [secret] };
    const look = async (): Promise<void> => {
      const { stdout, stderr } = await scene.run("cat .env; echo '{\"x\":1}' > .mcp.json", {
        ...NATIVE,
        sandbox,
      });
      expect(stdout).toBe("");
      expect(stderr).toContain(".env: Permission denied");
      expect(stderr).toContain(".mcp.json: Read-only file system");
    };
    for (let round = 0; round < 3; round++) await look();
    // As an editor saves: a new file takes the name.
    for (const path of [secret, protectedFile]) {
      writeFileSync(`${path}.new`, "new-secret");
      if (who !== "root") execFileSync("chown", [String(actor.uid), `${path}.new`]);
      renameSync(`${path}.new`, path);
    }
    await look();
    await look();
    // The directory around it.
    renameSync(scene.ws, `${scene.ws}.old`);
    execFileSync("cp", ["-a", `${scene.ws}.old`, scene.ws]);
    await look();
    expect(readFileSync(protectedFile, "utf8")).toBe("new-secret");
  });

  it("hides a file that is replaced while commands start", async () => {
    const scene = actor.scene();
    const secret = join(scene.ws, ".env");
    const [file = "", ...args] = actor.as(
      "/bin/bash",
      "-c",
      `cd '${scene.ws}'; while :; do echo secret-$RANDOM > new; mv new .env; done`,
    );
    const editor = spawn(file, args, { stdio: "ignore" });
    try {
      for (let left = 100; !existsSync(secret) && left > 0; left--) await pause(20);
      for (let round = 0; round < 25; round++) {
        const { stdout, thrown } = await scene.run("cat .env", {
          ...NATIVE,
          sandbox: { denyRead: [secret] },
        });
        // Replaced after the start, the mount goes with the old file: so it is with every sandbox of mounts.
        if (stdout === "") continue;
        expect([thrown, stdout]).toEqual([undefined, expect.stringMatching(/^secret/)]);
      }
    } finally {
      editor.kill("SIGKILL");
    }
    // Nothing disturbs it any more.
    for (let round = 0; round < 2; round++)
      expect((await scene.run("cat .env", { ...NATIVE, sandbox: { denyRead: [secret] } })).stdout).toBe("");
  });

  it("two at once share neither files nor processes", async () => {
    const scene = actor.scene();
    await thrice(scene, "true");
    const all = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) =>
        scene.run(`echo ${name} > /tmp/n; sleep 0.4; cat /tmp/n; echo /proc/[0-9]* | wc -w`, NATIVE),
      ),
    );
    expect(all.map(({ stdout }) => stdout.split("\n")[0])).toEqual(["a", "b", "c", "d"]);
    for (const { stdout } of all) expect(Number(stdout.split("\n")[1])).toBeLessThan(6);
  });

  it("three thousand masks", async () => {
    const scene = actor.scene();
    scene.outsideRun(
      `cd '${scene.ws}'; mkdir deep; cd deep; for i in $(seq 3000); do echo ${scene.canary} > secret-$i; done`,
    );
    const denyRead = Array.from({ length: 3000 }, (_each, index) =>
      join(scene.ws, `deep/secret-${index + 1}`),
    );
    for (let round = 0; round < 3; round++) {
      const { thrown, refused, stdout } = await scene.run("cat deep/secret-* | wc -c", {
        ...NATIVE,
        sandbox: { denyRead },
      });
      expect([thrown, refused, stdout.trim()]).toEqual([undefined, undefined, "0"]);
    }
  }, 120_000);

  /** A driver of its own that runs commands in turn, to be killed. */
  const begin = (scene: Scene, commands: readonly string[]): ChildProcess => {
    const [file = "", ...args] = actor.as(
      NODE,
      actor.driver,
      "serve",
      join(stage.base, "paths.json"),
      join(stage.base, "native/cordon-launcher"),
    );
    const child = spawn(file, args, { stdio: ["pipe", "ignore", "inherit"], env: {} });
    for (const [id, command] of commands.entries())
      child.stdin?.write(
        `${JSON.stringify({ id, confined: true, root: scene.ws, environment: scene.environment, command, ...NATIVE })}\n`,
      );
    return child;
  };
  const until = async (what: () => boolean): Promise<void> => {
    for (let left = 400; !what(); left--) {
      if (left === 0) throw new Error("it did not happen");
      await pause(20);
    }
  };
  /** Processes whose arguments hold a word. */
  const processesWith = (word: string): readonly number[] =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && kernelText(`/proc/${pid}/cmdline`).includes(word));
  /** Namespaces that a living process is in. */
  const spaces = (): ReadonlySet<string> =>
    new Set(
      readdirSync("/proc").flatMap((pid) => {
        try {
          return /^\d+$/.test(pid) ? [readlinkSync(`/proc/${pid}/ns/mnt`)] : [];
        } catch {
          return [];
        }
      }),
    );

  it.each(["Node", "the launcher", "the first process", "the command"])(
    "nothing is left after %s is killed",
    async (whom) => {
      const scene = actor.scene();
      const word = `7${Math.floor(Math.random() * 1e8)}`;
      const before = spaces();
      const driver = begin(scene, [
        "true",
        "true",
        `touch begun; (setsid sleep ${word} &) ; sleep ${word}; true`,
      ]);
      try {
        await until(
          () => existsSync(join(scene.ws, "begun")) && processesWith(`sleep\0${word}`).length === 2,
        );
        const launcher = processesWith(join(stage.base, "native/cordon-launcher"))
          .filter((pid) => kernelText(`/proc/${pid}/cmdline`).includes("\0run"))
          .toSorted((a, b) => a - b);
        const parentOf = (pid: number): number =>
          Number(/^PPid:\s+(\d+)$/m.exec(kernelText(`/proc/${pid}/status`))?.[1]);
        const outer = launcher.find((pid) => parentOf(pid) === driver.pid);
        const first = launcher.find((pid) => parentOf(pid) === outer);
        const command =
          first === undefined
            ? undefined
            : processesWith("touch begun").find((pid) => parentOf(pid) === first);
        const victim = {
          Node: driver.pid,
          "the launcher": outer,
          "the first process": first,
          "the command": command,
        }[whom];
        expect(victim).toBeTypeOf("number");
        process.kill(victim ?? -1, "SIGKILL");
        await until(() => processesWith(`sleep\0${word}`).length === 0);
        driver.kill("SIGKILL");
        await until(
          () => [...spaces()].every((space) => before.has(space)) || processesWith(word).length === 0,
        );
        expect(mountsOf(scene.ws)).toEqual([]);
        expect(processesWith(scene.ws)).toEqual([]);
      } finally {
        driver.kill("SIGKILL");
      }
    },
  );
});

describe.skipIf(!there)("the launcher is trusted only as it was built", () => {
  const copy = (name: string): string => {
    const directory = join(stage.base, `launcher-${name}`);
    mkdirSync(directory, { mode: 0o755 });
    for (const file of ["cordon-launcher", "launcher.json"])
      copyFileSync(join(stage.base, "native", file), join(directory, file));
    chmodSync(join(directory, "cordon-launcher"), 0o555);
    return directory;
  };
  const why = (directory: string): string => {
    const found = findLauncher(directory);
    return found.kind === "found" ? "found" : found.why;
  };

  it("as it was built", () => expect(why(copy("whole"))).toBe("found"));
  it("not when it was changed", () => {
    const directory = copy("changed");
    chmodSync(join(directory, "cordon-launcher"), 0o755);
    writeFileSync(join(directory, "cordon-launcher"), "#!/bin/sh\n", { flag: "a" });
    chmodSync(join(directory, "cordon-launcher"), 0o555);
    expect(why(directory)).toMatch(/hash/);
  });
  it("not when others can write it", () => {
    const directory = copy("open");
    chmodSync(join(directory, "cordon-launcher"), 0o575);
    expect(why(directory)).toMatch(/can be written by others/);
  });
  it("not when others can write its directory", () => {
    const directory = copy("open-directory");
    chmodSync(directory, 0o777);
    expect(why(directory)).toMatch(/can be written by others/);
  });
  it("not when it cannot be executed", () => {
    const directory = copy("plain");
    chmodSync(join(directory, "cordon-launcher"), 0o444);
    expect(why(directory)).toMatch(/not executable/);
  });
  it("not when it is not there, or its hash is not", () => {
    expect(why(join(stage.base, "nowhere"))).toMatch(/is not there/);
    const directory = copy("unnoted");
    writeFileSync(join(directory, "launcher.json"), "{");
    expect(why(directory)).toMatch(/cannot be looked at/);
  });
  it.skipIf(process.getuid?.() !== 0)("not when it is somebody else's", () => {
    const directory = copy("foreign");
    execFileSync("chown", ["12345", join(directory, "cordon-launcher")]);
    expect(why(directory)).toMatch(/belongs to user 12345/);
  });
});

describe.skipIf(!there)("a launcher that lies in the project", () => {
  it("is copied to cordon's state, which no command can reach, or not used", async () => {
    const actor = stage.actors[0];
    if (actor === undefined) throw new Error("nobody");
    const { ws, state } = actor.scene();
    cpSync(join(stage.base, "native"), join(ws, "native"), { recursive: true });
    const path = join(ws, "native/cordon-launcher");
    const used = launcherFor(path, [ws], state, false);
    if (used.kind === "none") throw new Error(used.why);
    expect(used.path.startsWith(`${state}/native/`)).toBe(true);
    expect(readFileSync(used.path).equals(readFileSync(path))).toBe(true);
    expect(launcherFor(path, [ws], state, false)).toEqual(used);
    // A copy that was tampered with is made anew.
    chmodSync(used.path, 0o700);
    writeFileSync(used.path, "changed");
    expect(launcherFor(path, [ws], state, false)).toEqual(used);
    expect(readFileSync(used.path).equals(readFileSync(path))).toBe(true);
    expect(launcherFor(path, [ws, state], state, false).kind).toBe("none");
    // A directory of the caller's own lets nobody else in.
    expect(launcherFor(path, [ws], state, true).kind).toBe("none");
  });
});
