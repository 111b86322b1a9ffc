import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildLauncher } from "../../scripts/native.mjs";
import type { Climb, Climbed } from "./climb.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const IS_ROOT = process.getuid?.() === 0;
const base = mkdtempSync(join(IS_ROOT ? "/var/lib" : homedir(), "cordon-ladder-"));
chmodSync(base, 0o755);
const shm = mkdtempSync("/dev/shm/cordon-ladder-");
chmodSync(shm, 0o755);
const driver = join(base, "climb.mjs");
const lists = join(base, "paths.json");
const built = buildLauncher(join(base, "native"));
const launchers = join(base, "native");
const abi = built.built
  ? Number(/landlock (\d+)/.exec(spawnSync(built.path, ["version"], { encoding: "utf8" }).stdout)?.[1] ?? 0)
  : 0;
const without = join(base, "nothing");
if (!built.built) process.stderr.write(`SKIPPED: ${built.why}, the rungs of the launcher were not climbed\n`);

beforeAll(async () => {
  const bundle = await rolldown({
    input: join(HERE, "climb.ts"),
    platform: "node",
    logLevel: "silent",
    resolve: { mainFields: ["module", "main"] },
  });
  await bundle.write({ file: driver, format: "esm" });
  await bundle.close();
  writeFileSync(lists, readFileSync(join(HERE, "../../data/paths.json")));
  mkdirSync(without);
});
afterAll(() => {
  for (const place of [base, shm]) {
    if (!IS_ROOT) execFileSync("chmod", ["-R", "u+rwX", place]);
    rmSync(place, { recursive: true, force: true });
  }
});

/** nobody, where the caller may become that. */
const WHO = IS_ROOT ? (["root", "user"] as const) : (["user"] as const);
type Who = (typeof WHO)[number];
const NOBODY = 65_534;
const as = (who: Who): readonly string[] =>
  IS_ROOT && who === "user" ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];

let rooms = 0;
function room(
  who: Who,
  name = "ws",
  parent = base,
): { readonly home: string; readonly ws: string; readonly outside: string } {
  const at = join(parent, `room ${++rooms}`);
  const [home, outside] = [join(at, "home"), join(at, "outside")];
  const ws = join(home, name);
  for (const path of [at, home, ws, outside]) {
    mkdirSync(path, { recursive: true });
    if (as(who).length > 0) chownSync(path, NOBODY, NOBODY);
  }
  return { home, ws, outside };
}

/**
 * Words that take user namespaces from the program behind them: root's by the sysctl of a namespace
 * of his own, in which nothing but his files keeps its owner; others' by a filter, as containers do.
 */
function noNamespaces(who: Who): readonly string[] {
  return IS_ROOT && who === "root"
    ? ["unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"]
    : [filtered("no-namespaces", NO_NAMESPACES)];
}

function climb(
  who: Who,
  asked: Omit<Climb, "lists" | "launchers"> & { readonly launchers?: string },
  spoilt: readonly string[] = [],
  before: readonly string[] = [],
): Climbed {
  const request: Climb = { lists, launchers, ...asked };
  const argv = [...before, ...as(who), ...spoilt, process.execPath, driver, JSON.stringify(request)];
  const { stdout, stderr } = spawnSync(argv[0] ?? "", argv.slice(1), {
    cwd: "/",
    encoding: "utf8",
    timeout: 120_000,
  });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(`the driver said nothing: ${stderr}`);
  const answer: Climbed = JSON.parse(line);
  if (answer.thrown !== undefined) throw new Error(answer.thrown);
  return answer;
}

/** One line that a person can act on. */
function clear(text: string | undefined): string {
  expect(text).toMatch(/^[^\n]{10,400}$/);
  return text ?? "";
}

const attempt = (outside: string): string =>
  `echo in > made && cat made; echo out > '${outside}/made' 2>/dev/null; echo $$ > "$TMPDIR/t" && echo temporary`;

describe.each(WHO)("as %s", (who) => {
  it.runIf(built.built)("the best rung is taken, proved and remembered", () => {
    const { home, ws, outside } = room(who);
    const first = climb(who, { root: ws, home, command: attempt(outside) });
    expect(first).toMatchObject({ rung: "native", passed: [], status: 0, stdout: "in\ntemporary\n" });
    if (abi >= 2) expect(first.landlock).toBe(Math.min(abi, 7));
    expect(existsSync(join(outside, "made"))).toBe(false);
    expect(readdirSync(join(home, ".local/state/cordon"))).toContain("self-test.json");
    expect(readdirSync(join(home, ".local/state/cordon/self-test"))).toEqual([]);
  });

  it("without a launcher bubblewrap is taken, and it is said why", () => {
    const { home, ws, outside } = room(who);
    const there = climb(who, { root: ws, home, launchers: without, command: attempt(outside) });
    expect(there).toMatchObject({ rung: "bubblewrap", status: 0, stdout: "in\ntemporary\n" });
    expect(clear(there.passed?.[0])).toContain("is not there");
    expect(existsSync(join(outside, "made"))).toBe(false);
  });

  it("without launcher and bubblewrap nothing runs, and it is said what to install", () => {
    const { home, ws } = room(who);
    const bwrapPath = join(base, "no-bwrap");
    const there = climb(who, { root: ws, home, launchers: without, bwrapPath, command: "echo ran > made" });
    expect(there.rung).toBeUndefined();
    expect(clear(there.why)).toContain("no-bwrap");
    expect(clear(there.cure)).toContain("install bubblewrap");
    expect(existsSync(join(ws, "made"))).toBe(false);
  });

  it.each([
    [
      "exits with an error",
      '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit 0\necho broken >&2; exit 1\n',
      "broken",
    ],
    ["is too old", "#!/bin/sh\necho bubblewrap 0.4.1\n", "0.8.0 is needed"],
    ["says nothing", "#!/bin/sh\nexit 0\n", "does not tell its version"],
    [
      "runs commands without any sandbox",
      '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit 0\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n',
      "left rights",
    ],
    ["is no program", "not a program", "does not tell its version"],
  ])("a bubblewrap that %s is not used", (_what, text, why) => {
    const { home, ws } = room(who);
    const bwrapPath = join(dirname(home), "bwrap");
    writeFileSync(bwrapPath, text);
    chmodSync(bwrapPath, 0o755);
    const there = climb(who, { root: ws, home, launchers: without, bwrapPath, command: "echo ran > made" });
    expect(clear(there.why)).toContain(why);
    clear(there.cure);
    expect(existsSync(join(ws, "made"))).toBe(false);
  });

  it("forbidden user namespaces are named, and nothing runs unless a lower rung is allowed", () => {
    const { home, ws, outside } = room(who);
    const refused = climb(who, { root: ws, home, command: "echo ran > made" }, noNamespaces(who));
    const sysctl = IS_ROOT && who === "root";
    expect(clear(refused.why)).toContain(
      sysctl ? "user.max_user_namespaces=0" : "namespaces cannot be made here",
    );
    expect(clear(refused.cure)).toContain(
      sysctl ? "sysctl -w user.max_user_namespaces=" : "seccomp=unconfined",
    );
    expect(existsSync(join(ws, "made"))).toBe(false);
    if (abi < 3) return;
    const there = climb(
      who,
      { root: ws, home, lowest: "landlock", command: attempt(outside) },
      noNamespaces(who),
    );
    expect(there).toMatchObject({ rung: "landlock", status: 0, stdout: "in\ntemporary\n" });
    expect(there.loses).toContain("planting during the command");
    expect(there.passed).toHaveLength(2);
    expect(existsSync(join(outside, "made"))).toBe(false);
  });

  it.runIf(abi >= 6)("without namespaces and mounts the machine stays out of reach all the same", () => {
    const { home, ws, outside } = room(who);
    writeFileSync(join(ws, "secret"), "canary\n");
    mkdirSync(join(ws, "open"), { mode: 0o777 });
    chmodSync(join(ws, "open"), 0o777);
    writeFileSync(join(ws, ".mcp.json"), "{}\n");
    mkdirSync(join(home, ".ssh"));
    writeFileSync(join(home, ".ssh/id_rsa"), "canary\n");
    for (const path of [
      join(ws, ".mcp.json"),
      join(ws, "secret"),
      join(home, ".ssh"),
      join(home, ".ssh/id_rsa"),
    ])
      if (as(who).length > 0) chownSync(path, NOBODY, NOBODY);
    const command = [
      `cat secret ~/.ssh/id_rsa ../.ssh/id_rsa`,
      `ln secret open/link; mv secret open/; cp secret open/copy`,
      `echo x > ${JSON.stringify(outside)}/made; touch /tmp/made-${process.pid} /dev/shm/made-${process.pid}`,
      `kill -0 ${process.pid} && echo signalled`,
      `cat /proc/${process.pid}/environ /proc/${process.pid}/cmdline && echo read`,
      `ls /proc | head -1`,
      `exec 3<>/dev/tcp/127.0.0.1/1 && echo connected`,
      `unshare -U true && echo namespace`,
      `chown ${process.getuid?.()} open && echo owned; chmod u+s /bin/true && echo lent`,
      `echo evil > .mcp.json; (setsid sleep 300 & echo $! > open/pid)`,
      `echo fine > open/fine; node -e 'require("fs").writeFileSync("open/node", "x")'; echo done`,
    ].join("\n");
    const there = climb(
      who,
      { root: ws, home, lowest: "landlock", denyRead: [join(ws, "secret")], command },
      noNamespaces(who),
    );
    expect(there).toMatchObject({ rung: "landlock", stdout: "done\n", violations: 1 });
    expect(there.stderr).not.toContain("canary");
    expect(existsSync(join(outside, "made"))).toBe(false);
    for (const place of ["/tmp", "/dev/shm"])
      expect(existsSync(join(place, `made-${process.pid}`))).toBe(false);
    expect(readFileSync(join(ws, ".mcp.json"), "utf8")).toBe("{}\n");
    expect(readFileSync(join(ws, "open/fine"), "utf8")).toBe("fine\n");
    expect(readFileSync(join(ws, "secret"), "utf8")).toBe("canary\n");
    // What it left running is dead, and its temporary directory gone.
    const pid = readFileSync(join(ws, "open/pid"), "utf8").trim();
    expect(existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("300")).toBe(
      false,
    );
    const uid = as(who).length > 0 ? NOBODY : (process.getuid?.() ?? 0);
    const own = execFileSync(
      "find",
      ["/tmp", "-maxdepth", "1", "-name", "cordon-tmp-*", "-uid", String(uid)],
      { encoding: "utf8" },
    );
    expect(own.split("\n").filter((path) => path !== "" && readdirSync(path).includes("t"))).toEqual([]);
  });

  it.runIf(built.built)(
    "without Landlock the rungs above do without it, and the one below is not there",
    () => {
      const { home, ws, outside } = room(who);
      const deaf = filtered("no-landlock", NO_LANDLOCK);
      const there = climb(who, { root: ws, home, command: attempt(outside) }, [deaf]);
      expect(there).toMatchObject({ rung: "native", status: 0, stdout: "in\ntemporary\n" });
      expect(there.landlock).toBeUndefined();
      const none = climb(who, { root: ws, home, lowest: "landlock", command: "echo ran > made2" }, [
        ...noNamespaces(who),
        deaf,
      ]);
      expect(clear(none.why)).toContain("no Landlock");
      expect(existsSync(join(ws, "made2"))).toBe(false);
    },
  );
});

/** Landlock's three calls do not exist. */
const NO_LANDLOCK = `
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 444, 0, 2),
  BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 446, 1, 0),
  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
`;

/** unshare and clone refuse new user namespaces, clone3 does not exist. */
const NO_NAMESPACES = `
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 5, 0),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_unshare, 1, 0),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 4),
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10000000, 0, 2),
  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
`;

/** A program that starts another one under a filter. */
function filtered(name: string, code: string): string {
  const path = join(base, name);
  if (existsSync(path)) return path;
  const source = `
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **words) {
  struct sock_filter code[] = {${code}};
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 99;
  if (count > 1) execvp(words[1], words + 1);
  return 98;
}
`;
  writeFileSync(`${path}.c`, source);
  execFileSync("cc", ["-O1", "-o", path, `${path}.c`]);
  chmodSync(path, 0o755);
  return path;
}

/** Every rung that can be had here, and how. */
const RUNGS = [
  ...(built.built ? [["native", launchers] as const] : []),
  ["bubblewrap", without] as const,
  ...(abi >= 3 ? [["landlock", launchers] as const] : []),
];

describe.each(RUNGS)("on the rung %s", (rung, launcherPlace) => {
  const at = (asked: Omit<Climb, "lists" | "launchers">, before: readonly string[] = []): Climbed =>
    climb(
      "user",
      { ...asked, launchers: launcherPlace, lowest: "landlock" },
      rung === "landlock" ? noNamespaces("user") : [],
      before,
    );

  it.each([
    ["spaces, quotes, patterns and unicode", `a b'c"d $(x) \`y\` \\z [a]*?{b} prüfung ⛰ 試験`],
    ["a line end, like an option", "--ro-bind\nb"],
  ])("a workspace with %s in its name works", (_what, name) => {
    const { home, ws } = room("user", name);
    const there = at({ root: ws, home, command: "echo in > made && cat made && pwd" });
    expect(there).toMatchObject({ rung, status: 0, stdout: `in\n${ws}\n` });
    expect(readFileSync(join(ws, "made"), "utf8")).toBe("in\n");
  });

  it("a workspace on a tmpfs works", () => {
    const { home } = room("user");
    const { ws } = room("user", "ws", shm);
    const there = at({ root: ws, home, command: "echo in > made && cat made" });
    expect(there).toMatchObject({ rung, status: 0, stdout: "in\n" });
    expect(readFileSync(join(ws, "made"), "utf8")).toBe("in\n");
  });

  it("a home that is the workspace works, without its secrets", () => {
    const { home } = room("user");
    mkdirSync(join(home, ".ssh"));
    mkdirSync(join(home, "sub"));
    writeFileSync(join(home, ".ssh/id_rsa"), "canary\n");
    for (const path of [".ssh", ".ssh/id_rsa", "sub"])
      if (IS_ROOT) chownSync(join(home, path), NOBODY, NOBODY);
    const there = at({
      root: home,
      home,
      command: "echo in > sub/made && cat sub/made; cat .ssh/id_rsa; echo x > .bashrc; true",
    });
    expect(there).toMatchObject({ rung, status: 0, stdout: "in\n" });
    expect(existsSync(join(home, ".bashrc"))).toBe(false);
  });

  it("a working directory that is gone is refused in one line", () => {
    const { home, ws } = room("user");
    const cwd = join(ws, "gone");
    mkdirSync(cwd);
    if (IS_ROOT) chownSync(cwd, NOBODY, NOBODY);
    const there = at({ root: ws, cwd, home, losesPlace: true, command: "echo ran > made" });
    expect(clear(there.refused)).toContain("is gone");
    expect(existsSync(join(ws, "made"))).toBe(false);
  });

  // Only root can make a place read-only without a user namespace, in which nobody owns the system.
  it.runIf(IS_ROOT)("a home that cannot be written works, with a test before each command", () => {
    const { home, ws, outside } = room("user");
    const text = `mount --bind "$1" "$1" && mount --bind "$2" "$2" && mount -o remount,bind,ro "$1" && shift 2 && exec "$@"`;
    const there = at({ root: ws, home, command: attempt(outside) }, [
      "unshare",
      "-m",
      "sh",
      "-c",
      text,
      "sh",
      home,
      ws,
    ]);
    expect(there).toMatchObject({ rung, status: 0, stdout: "in\ntemporary\n" });
    expect(existsSync(join(home, ".local"))).toBe(false);
    expect(existsSync(join(outside, "made"))).toBe(false);
  });
});

describe.runIf(abi >= 3)("the supervisor of the lowest rung", () => {
  const low = { lowest: "landlock" } as const;

  it("passes the status on, of an end and of a signal", () => {
    const { home, ws } = room("user");
    const at = (command: string): number | undefined =>
      climb("user", { ...low, root: ws, home, command }, noNamespaces("user")).status;
    expect(at("exit 7")).toBe(7);
    expect(at("kill -TERM $$")).toBe(143);
    expect(at("kill -KILL $$")).toBe(137);
  });

  it("ends everything when cordon is killed, and the next command takes the rest away", async () => {
    const { home, ws } = room("user");
    const mark = `3${process.pid}`;
    const request: Climb = {
      ...low,
      root: ws,
      home,
      lists,
      launchers,
      command: `(setsid sh -c 'sleep ${mark} & sleep ${mark}' &) ; touch "$TMPDIR/x"; echo "$TMPDIR" > where; sleep ${mark}`,
    };
    const argv = [...as("user"), ...noNamespaces("user"), process.execPath, driver, JSON.stringify(request)];
    const child = spawn(argv[0] ?? "", argv.slice(1), { cwd: "/", stdio: "ignore" });
    const sleepers = (): number =>
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(`sleep\0${mark}`))
        .length;
    await until(() => sleepers() === 3 && existsSync(join(ws, "where")));
    const where = readFileSync(join(ws, "where"), "utf8").trim();
    expect(existsSync(where)).toBe(true);
    child.kill("SIGKILL");
    await until(() => sleepers() === 0);
    climb("user", { ...low, root: ws, home, command: "true" }, noNamespaces("user"));
    expect(existsSync(where)).toBe(false);
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Waits as long as the test may last: nothing here depends on how fast the machine is. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
