import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, type Stage, WHO, inventory, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** Each command must succeed, print what stands behind it and nothing else, and plant nothing. */
const WORKS: readonly (readonly [name: string, command: string, stdout: string])[] = [
  [
    "write, rename, delete",
    "mkdir -p d/e && echo x > d/e/f && mv d/e/f d/g && cat d/g && rm -r d && test ! -e d",
    "x\n",
  ],
  [
    "mktemp",
    'f=$(mktemp) && echo x > $f && cat $f && d=$(mktemp -d) && test -d $d && test -n "$TMPDIR"',
    "x\n",
  ],
  ["here-documents and here-strings", "cat <<E\nh $((1+1))\nE\ncat <<< s", "h 2\ns\n"],
  [
    "system files",
    "head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; test -s /etc/passwd; echo n > /dev/null; cat < /dev/null",
    "4\n4\n",
  ],
  ["own descriptors by name", "echo a > /dev/null; echo b | cat /dev/stdin; cat <(echo c)", "b\nc\n"],
  [
    "git: add and commit",
    "echo b > b.txt && git add -A && git commit -qm second && git log --format=%s",
    "second\nfirst\n",
  ],
  [
    "git: branch, tag, stash, checkout, merge, gc",
    "git checkout -qb topic && echo t >> a.txt && git commit -qam t && git tag v1 && echo u >> a.txt && git stash -q && git stash pop -q && git checkout -q -- a.txt && git checkout -q main && git merge -q topic && git tag -d v1 >/dev/null && git log --format=%s && git gc -q && git fsck --no-progress --no-dangling",
    "t\nfirst\n",
  ],
  [
    "git: rebase, reset, clean, status",
    "git checkout -qb x && echo 1 > 1 && git add 1 && git commit -qm 1 && git checkout -q main && echo 2 > 2 && git add 2 && git commit -qm 2 && git checkout -q x && git rebase -q main && git reset -q --hard HEAD~1 && touch junk && git clean -qfd && git status -s && git log --format=%s",
    "2\nfirst\n",
  ],
  [
    "git: a new repository and a clone",
    "git init -q n && cd n && echo x > f && git add f && git commit -qm n && git log --format=%s && git clone -q . ../m && git -C ../m log --format=%s",
    "n\nn\n",
  ],
  [
    "git: a new linked worktree",
    "git worktree add -q w && cd w && echo x > f && git add f && git commit -qm w && git log --format=%s -1 && cd .. && git worktree remove w && git worktree prune && git worktree list | wc -l",
    "w\n1\n",
  ],
  ["node", "node -p '[1, 2].map((x) => x * 2).join()'", "2,4\n"],
  [
    "node: fork with a channel",
    `echo 'if (process.send) { process.send("up"); } else { const c = require("child_process").fork(__filename); c.on("message", (m) => { console.log(m); }); }' > f.js && node f.js`,
    "up\n",
  ],
  [
    "node: threads and WebAssembly memory",
    `node -e 'new (require("worker_threads").Worker)("process.stdout.write(String(new WebAssembly.Memory({ initial: 1, maximum: 65536 }).buffer.byteLength))", { eval: true })'`,
    "65536",
  ],
  [
    "npm test",
    `echo '{"name":"p","version":"1.0.0","scripts":{"test":"node -e 1 && echo tested"}}' > package.json && npm test --silent`,
    "tested\n",
  ],
  [
    "npm pack and version",
    `echo '{"name":"p","version":"1.0.0"}' > package.json && npm pack --silent && npm version patch --no-git-tag-version --silent`,
    "p-1.0.0.tgz\nv1.0.1\n",
  ],
  [
    "python: processes, semaphores, shared memory",
    `cat > m.py <<'E'
import multiprocessing as m
from multiprocessing import shared_memory
def f(x): return x * x
if __name__ == "__main__":
    with m.Pool(2) as p: print(p.map(f, [1, 2, 3]))
    q = m.Queue(); q.put(1); print(q.get())
    s = shared_memory.SharedMemory(create=True, size=10); s.buf[0] = 7; print(s.buf[0]); s.close(); s.unlink()
E
python3 m.py`,
    "[1, 4, 9]\n1\n7\n",
  ],
  [
    "own sockets",
    `python3 - <<'E'
import socket
for fam, addr in ((socket.AF_UNIX, "own.sock"), (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0))):
    s = socket.socket(fam); s.bind(addr); s.listen()
    c = socket.socket(fam); c.connect(s.getsockname()); a, _ = s.accept(); a.send(b"hi"); print(c.recv(2).decode())
E
rm own.sock`,
    "hi\nhi\nhi\n",
  ],
  [
    "a terminal of its own",
    `python3 -c 'import pty; pty.spawn(["sh", "-c", "test -t 0 && echo tty"])'`,
    "tty\r\n",
  ],
  ["tracing its own children", "strace -o t.txt true && grep -c execve t.txt", "1\n"],
  ["killing its own children", "sleep 100 & kill $!; wait $! || echo $?", "143\n"],
  ["traps and background", "trap 'echo bye' EXIT; sleep 0.05 & wait; (exit 7) || echo $?", "7\nbye\n"],
  [
    "fifos and links",
    "mkfifo p && (echo x > p &) && cat p && ln -s a.txt l && cat l && ln a.txt h && cat h && rm p l h",
    "x\na\na\n",
  ],
  [
    "look-alikes of protected names",
    "mkdir -p .github/workflows .vscode-ext githooks && echo x | tee .gitignore .env.example .gitattributes .github/workflows/ci.yml .npmignore .bashrc.txt CLAUDE.md Makefile > /dev/null && git add -f . && git commit -qm all && echo ok",
    "ok\n",
  ],
  ["the user by name", 'test -n "$(id -un)" && test -O a.txt && echo mine', "mine\n"],
  ["large output", "head -c 3000000 /dev/zero | tr '\\0' x | wc -c", "3000000\n"],
];

describe.each(WHO)("ordinary work, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  it.each(WORKS)("%s", async (_name, command, stdout) => {
    const { run } = actor.scene();
    const result = await run(`set -e -o pipefail; ${command}`);
    const { stdout: out, stderr, status, violations } = result;
    expect({ out, stderr, status, violations }).toEqual({
      out: stdout,
      stderr: "",
      status: 0,
      violations: [],
    });
  });

  it("commits in a linked worktree whose repository is elsewhere, and cannot touch its hooks", async () => {
    const { run, outside, outsideRun } = actor.scene();
    outsideRun(
      `cd ${outside}; git init -q main; cd main; git commit -q --allow-empty -m m; git worktree add -q ../wt`,
    );
    const root = join(outside, "wt");
    const before = inventory(join(outside, "main/.git/hooks"));
    const config = readFileSync(join(outside, "main/.git/config"), "utf8");
    const result = await run(
      `echo x > f && git add f && git commit -qm linked && git log --format=%s; git stash list; git branch other; echo x > ../main/.git/hooks/pre-commit; git config a.b c; mv ../main/.git ../g; echo x > ../main/new`,
      { root, cwd: root },
    );
    expect(result.stdout).toBe("linked\nm\n");
    expect(inventory(join(outside, "main/.git/hooks"))).toEqual(before);
    expect(readFileSync(join(outside, "main/.git/config"), "utf8")).toBe(config);
    expect(existsSync(join(outside, "main/new"))).toBe(false);
    expect(outsideRun(`cd ${outside}/main; git branch --format='%(refname:short)'`)).toBe(
      "main\nother\nwt\n",
    );
    expect(result.violations).toEqual([]);
  });

  it("commits in a submodule as its own workspace", async () => {
    const { run, ws, outside, outsideRun } = actor.scene();
    outsideRun(
      `cd ${outside}; git init -q lib; cd lib; git commit -q --allow-empty -m l; cd ${ws}; git -c protocol.file.allow=always submodule --quiet add ${outside}/lib lib; git commit -qm sub`,
    );
    const root = join(ws, "lib");
    const result = await run("echo x > f && git add f && git commit -qm s && git log --format=%s", {
      root,
      cwd: root,
    });
    expect(result).toMatchObject({ stdout: "s\nl\n", violations: [] });
  });

  it("works with a home that cannot be written, and one that is not there", async () => {
    const { run, outsideRun, home, environment } = actor.scene();
    outsideRun(`chmod -R a-w ${home}`);
    const first = await run(
      "echo x > f && git add f && git commit -qm x && npm --version >/dev/null && echo ok",
    );
    expect(first.stdout).toBe("ok\n");
    const committer = {
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@b",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@b",
    };
    const gone = { ...environment, HOME: "/nonexistent/home", ...committer };
    expect((await run("echo y > f && git commit -qam y && node -p 1", { environment: gone })).stdout).toBe(
      "1\n",
    );
  });

  it("works in a workspace on a tmpfs, below /tmp, with a home there", async () => {
    const { run, environment, outsideRun } = actor.scene();
    const base = `/tmp/cordon-ws-${process.pid}-${who}`;
    outsideRun(
      `mkdir -p ${base}/ws ${base}/home/.ssh; echo k > ${base}/home/.ssh/id_rsa; cp ~/.gitconfig ${base}/home/; cd ${base}/ws; git init -q .`,
    );
    const root = `${base}/ws`;
    const result = await run(
      `echo x > f && git add f && git commit -qm t && git log --format=%s; cat ~/.ssh/id_rsa; echo x > ../new; mktemp >/dev/null && echo tmp`,
      { root, cwd: root, environment: { ...environment, HOME: `${base}/home` } },
    );
    const left = inventory(base, [".git"]);
    outsideRun(`rm -rf ${base}`);
    expect(result.stdout).toBe("t\ntmp\n");
    expect(left.join("\n")).not.toMatch(/\/new /);
    const shm = `/dev/shm/cordon-ws-${process.pid}-${who}`;
    outsideRun(`mkdir ${shm}`);
    const onShm = await run("echo x > f; cat f", { root: shm, cwd: shm });
    const kept = readFileSync(`${shm}/f`, "utf8");
    outsideRun(`rm -rf ${shm}`);
    expect([onShm.stdout, kept]).toEqual(["x\n", "x\n"]);
  });

  it("passes the environment by a list, and points caches into the private directory", async () => {
    const { run, environment } = actor.scene();
    const { stdout } = await run("env", {
      environment: {
        ...environment,
        AWS_SECRET_ACCESS_KEY: "s",
        GITHUB_TOKEN: "s",
        SSH_AUTH_SOCK: "/s",
        NODE_OPTIONS: "--require=/s",
        LD_PRELOAD: "/s",
        BASH_ENV: "/s",
        LC_TIME: "C",
        CI: "1",
        PATH: ".:bin::/usr/bin:/bin",
      },
    });
    const names = stdout.split("\n").flatMap((line) => /^([^=]+)=/.exec(line)?.[1] ?? []);
    const expected =
      "CI CORDON_SANDBOX HOME LANG LC_TIME PATH PWD SHLVL TERM TMPDIR XDG_CACHE_HOME _ npm_config_cache npm_config_update_notifier";
    expect(names.toSorted()).toEqual(expected.split(" ").toSorted());
    expect(stdout).toMatch(/^PATH=\/usr\/bin:\/bin$/m);
    expect(stdout).toMatch(/^TMPDIR=\/tmp$/m);
  });

  it("reads its standard input", async () => {
    const { run } = actor.scene();
    expect((await run("cat | tr a-z A-Z", { stdin: "hello" })).stdout).toBe("HELLO");
  });
});
