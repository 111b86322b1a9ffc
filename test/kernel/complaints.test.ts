import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Rule, readRule } from "../../src/core/settings/rule.ts";
import { type Actor, type Options, RUNGS, type Stage, WHO, inventory, openStage } from "./stage.ts";

/** What people complain about in sandboxes of this kind. Each is a thing that must not happen here. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

function denying(texts: readonly string[] = []): readonly Rule[] {
  return texts.flatMap((text) =>
    readRule(text, "deny").readings.map((reading) => ({
      ...reading,
      text,
      scope: "user" as const,
      anchor: "/nowhere",
    })),
  );
}

/** One odd thing on the machine, and ordinary work beside it that must not notice. */
interface Odd {
  readonly name: string;
  /** Run outside first, in the workspace; `$O` is the directory outside. */
  readonly before: string;
  readonly sandbox?: Options["sandbox"];
  /** Deny rules. */
  readonly rules?: readonly string[];
  /** What is run besides the ordinary work, with what it must print. */
  readonly also?: readonly [command: string, stdout: string];
  /** Removes what a test harness cannot. */
  readonly after?: string;
}

const DENIED = "cat: .env: Permission denied\n";

const ODD: readonly Odd[] = [
  {
    name: "a denied path that does not exist",
    before: "true",
    sandbox: { denyRead: ["/no/such/path", "/no/*/glob"] },
  },
  {
    name: "denied writing and allowed writing where nothing is",
    before: "true",
    sandbox: { denyWrite: ["/no/such"], allowWrite: ["/no/such/either"], allowRead: ["/no/such/too"] },
  },
  { name: "a start file that cannot be written", before: "touch ~/.zshrc; chmod 444 ~/.zshrc ~/.bashrc" },
  { name: "a home that cannot be written", before: "chmod 555 ~", after: "chmod 755 ~" },
  {
    name: ".env as a link to a file beside it",
    before: "echo s > real.env; ln -s real.env .env",
    rules: ["Read(.env)"],
    also: ["cat .env 2>&1 | sed s,.*cat,cat,", DENIED],
  },
  {
    name: ".env as a link out of the workspace",
    before: 'echo s > "$O/e"; ln -s "$O/e" .env',
    rules: ["Read(.env)"],
    also: ["cat .env 2>&1 | sed s,.*cat,cat,", DENIED],
  },
  {
    name: ".env as a link that leads nowhere",
    before: "ln -s /no/such .env",
    rules: ["Read(.env)"],
  },
  { name: ".env as a link to itself", before: "ln -s .env .env", rules: ["Read(.env)"] },
  {
    name: ".env as a directory, a pipe below it",
    before: "mkdir .env; mkfifo .env/p",
    rules: ["Read(.env)"],
  },
  { name: "a pipe that is called .env", before: "mkfifo .env", rules: ["Read(.env)"] },
  {
    name: ".env in a directory that cannot be entered",
    before: "mkdir c; touch c/.env; chmod 000 c",
    rules: ["Read(.env)"],
    after: "chmod 755 c",
  },
  { name: "a denied directory that is a link", before: 'ln -s "$O/dir" d', sandbox: { denyRead: ["./d"] } },
  {
    name: "protected names that are links, into the workspace and out of it",
    before:
      'mkdir real; ln -s real .vscode; ln -s "$O/dir" .idea; ln -s /no/such .mcp.json; ln -s "$O/file" .envrc',
  },
  { name: "hooks that are a link", before: "mkdir hooks; rm -rf .git/hooks; ln -s ../hooks .git/hooks" },
  {
    name: "links of another system's home in the home directory",
    before:
      "ln -s /mnt/c/none ~/.aws; ln -s /mnt/c/none ~/.azure; ln -s /mnt/c/none/x ~/.npmrc; ln -s /mnt/c/none ~/.cache; ln -s none ~/.npm",
  },
  {
    name: "caches that are files, links and read-only",
    before: 'touch ~/.npm; ln -s "$O/dir" ~/.cache; mkdir -p ~/.cargo/registry; chmod 555 ~/.cargo/registry',
    after: "chmod 755 ~/.cargo/registry",
  },
  {
    name: "names with line ends, blanks, quotes and bytes that are no text",
    before: `mkdir $'a\\nb' 'c d' "e'f" $'\\xff\\xfe'; touch $'a\\nb/.mcp.json' $'\\xff\\xfe/x'`,
    after: `rm -rf $'\\xff\\xfe'`,
  },
  {
    name: "a directory that belongs to nobody's mode",
    before: "mkdir closed; chmod 000 closed",
    after: "chmod 755 closed",
  },
  {
    name: "a hundred links in a chain and a loop of directories",
    before: "mkdir l; cd l; for n in $(seq 100); do ln -s $((n + 1)) $n; done; touch 101; ln -s .. up; cd ..",
  },
  {
    name: "sockets and devices that were left behind",
    before: `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("old.sock")'`,
  },
  {
    name: "a repository in the repository, bare ones, and half of one",
    before: "git init -q in; git init -q --bare b.git; mkdir half; touch half/HEAD",
  },
];

const ORDINARY = `set -e; echo x > f && git add f && git commit -qm f && git log --format=%s -1 && mktemp >/dev/null && git init -q fresh && git -C fresh status --short && mkdir -p new/dir && cat f`;
const PRINTED = "f\nx\n";

describe.each(WHO.flatMap((who) => RUNGS.map((rung) => [who, rung] as const)))(
  "complaints, as %s on %s",
  (who, rung) => {
    let actor: Actor;
    beforeAll(() => {
      const found = stage.actors.find(({ name }) => name === who);
      if (found === undefined) throw new Error(who);
      actor = found;
    });

    // Twice each: the plan is made in one way for everybody, and mounted in two.
    const here = RUNGS.length === 1 || WHO.length === 1 || (who === "root") === (rung === "bubblewrap");
    it.each(here ? ODD : [])(
      "one odd path does not stop every command: $name",
      async ({ before, sandbox, rules: texts, also, after }) => {
        const { run, outsideRun, ws, outside, home } = actor.scene();
        const rules = denying(texts);
        const prepared = `O=${outside}; cd ${ws}; `;
        outsideRun(`${prepared}${before}`);
        const found = await run(ORDINARY, { sandbox, rules, rung });
        const { stdout, status, stderr, refused, thrown } = found;
        expect({ stdout, status, stderr, refused, thrown }).toEqual({
          stdout: PRINTED,
          status: 0,
          stderr: "",
          refused: undefined,
          thrown: undefined,
        });
        if (also !== undefined) expect((await run(also[0], { sandbox, rules, rung })).stdout).toBe(also[1]);
        if (after !== undefined) outsideRun(`HOME=${home}; ${prepared}${after}`);
      },
    );

    it("nothing is left on the machine, and nothing is there meanwhile either", async () => {
      const { run, ws, home, outside, outsideRun } = actor.scene();
      const places = [ws, home, outside];
      const before = places.flatMap((place) => inventory(place));
      const running = run("sleep 0.8; cat a.txt", {
        rung,
        rules: denying(["Read(.env)", "Read(~/.aws/**)"]),
      });
      await pause(400);
      expect(places.flatMap((place) => inventory(place))).toEqual(before);
      expect(outsideRun(`cd ${ws}; git status --short`)).toBe("");
      expect(await running).toMatchObject({ stdout: "a\n", violations: [] });
      expect(places.flatMap((place) => inventory(place))).toEqual(before);
    });

    it("sessions in one workspace do not take each other's files away", async () => {
      const { run, ws } = actor.scene();
      const names = readdirSync(ws);
      const rounds = [0.4, 0.1, 0.3, 0.05, 0.2, 0.1].map(async (seconds, index) => {
        await pause(index * 60);
        return await run(
          `sleep ${seconds}; echo ${index} > own${index}; cat a.txt own${index}; git status --short | grep -c own${index}`,
          { rung },
        );
      });
      const results = await Promise.all(rounds);
      results.forEach((result, index) =>
        expect(result).toMatchObject({ stdout: `a\n${index}\n1\n`, violations: [] }),
      );
      expect(readdirSync(ws).toSorted()).toEqual(
        [...names, ...results.map((_, index) => `own${index}`)].toSorted(),
      );
    });

    it("what is denied later is denied, in the same session, and what appeared later too", async () => {
      const { run, ws, outsideRun } = actor.scene();
      const rules = denying(["Read(.env)", "Read(a.txt)"]);
      outsideRun(`cd ${ws}; mkdir sub`);
      expect((await run("cat a.txt", { rung })).stdout).toBe("a\n");
      expect((await run("cat a.txt", { rung })).stdout).toBe("a\n");
      expect((await run("cat a.txt", { rung, rules })).stdout).toBe("");
      outsideRun(`cd ${ws}; echo secret > sub/.env`);
      expect((await run("cat a.txt sub/.env", { rung, rules })).stdout).toBe("");
      expect((await run("cat a.txt", { rung })).stdout).toBe("a\n");
    });

    it("a denied read is refused, not hidden: EACCES, for files and directories", async () => {
      const { run, ws, outsideRun } = actor.scene();
      outsideRun(`cd ${ws}; echo s > .env; mkdir d; echo s > d/x`);
      const { stdout } = await run(
        `python3 -c '
import errno, os
for path in (".env", "d/x", "d", os.path.expanduser("~/.ssh/id_rsa"), os.path.expanduser("~/.netrc")):
    try: (os.listdir if path == "d" else open)(path); print("OPEN", path)
    except OSError as e: print(errno.errorcode[e.errno])
print(os.path.exists(".env"), os.path.exists("d"))
'`,
        { rung, rules: denying(["Read(.env)"]), sandbox: { denyRead: [`${ws}/d`] } },
      );
      expect(stdout).toBe(`${"EACCES\n".repeat(5)}True True\n`);
    });

    it("a refused write is refused with the right error, also of modes and times", async () => {
      const { run, outside, home } = actor.scene();
      const { stdout } = await run(
        `python3 -c '
import errno, os
for act in (lambda p: open(p, "a"), lambda p: os.chmod(p, 0o600), lambda p: os.utime(p), lambda p: os.unlink(p), lambda p: os.rename(p, p + "x")):
    for path in ("${outside}/file", "${home}/.bashrc"):
        try: act(path); print("DONE", path)
        except OSError as e: print(errno.errorcode[e.errno])
'`,
        { rung },
      );
      expect(new Set(stdout.trim().split("\n")).size, stdout).toBe(1);
      expect(stdout).toMatch(/^(EROFS|EACCES|EPERM)\n/);
    });

    it("forty linked worktrees, and a command in each of the first and the last", async () => {
      const { run, outside, outsideRun } = actor.scene();
      outsideRun(
        `cd ${outside}; git init -q main; cd main; echo a > a; git add a; git commit -qm m; for n in $(seq 40); do git worktree add -q ../wt$n >/dev/null 2>&1; done`,
      );
      for (const name of ["wt1", "wt40", "main"]) {
        const root = join(outside, name);
        const result = await run(
          "echo x >> a && git commit -qam here && git log --format=%s -1 && git worktree list | wc -l",
          { root, cwd: root, rung },
        );
        expect(result).toMatchObject({ stdout: "here\n41\n", violations: [] });
      }
    });

    it.runIf(who === "root")("a socket of somebody else, in a directory of his own", async () => {
      const { run, outside } = actor.scene();
      const program = `import os, socket, sys, time
os.mkdir("p"); s = socket.socket(socket.AF_UNIX); s.bind("p/s"); s.listen()
os.chown("p", 65534, 65534); os.chmod("p", 0o700); print("up", flush=True); time.sleep(60)`;
      const server = spawn("python3", ["-c", program], {
        cwd: outside,
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        await once(server.stdout, "data");
        const { stdout } = await run(`cat a.txt; cat ${outside}/p/s 2>/dev/null || echo no`, { rung });
        expect(stdout).toBe("a\nno\n");
      } finally {
        server.kill("SIGKILL");
      }
    });

    it("a system whose directories are links, and one program asked for by each name", async () => {
      const { run } = actor.scene();
      const { stdout } = await run(
        "for d in bin sbin lib lib64; do test -e /$d && readlink -f /$d >/dev/null && echo $d; done | wc -l; /bin/true && /usr/bin/true && echo both",
        { rung, blockReadsOutside: true },
      );
      expect(stdout).toMatch(/^[2-4]\nboth\n$/);
    });

    it("no variable or file of the workspace switches the sandbox off", async () => {
      const { run, home, outside, environment } = actor.scene();
      const off = { CORDON_SANDBOX: "0", CORDON_NO_SANDBOX: "1", DISABLE_SANDBOX: "1", CORDON_DISABLE: "1" };
      const result = await run(
        `export CORDON_SANDBOX=0; mkdir -p .cordon; echo '{"sandbox":{"enabled":false}}' > .cordon/settings.json; echo x > ${outside}/new; echo x > ${home}/new; echo $CORDON_SANDBOX`,
        { rung, environment: { ...environment, ...off } },
      );
      expect(result.stdout).toBe("0\n");
      expect(existsSync(join(outside, "new")) || existsSync(join(home, "new"))).toBe(false);
      expect(result.violations.map(({ kind }) => kind)).toEqual(["planted"]);
    });
  },
);
