import type { Work } from "./work.ts";

const SOCKETS = `cat > s.py <<'E'
import os, socket, threading
def pair(kind, address):
    s = socket.socket(socket.AF_UNIX, kind); s.bind(address)
    c = socket.socket(socket.AF_UNIX, kind)
    if kind == socket.SOCK_DGRAM:
        c.connect(address); c.send(b"hi"); return s.recv(2).decode()
    s.listen(); c.connect(address); a, _ = s.accept(); a.send(b"hi"); return c.recv(2).decode()
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
    print(pair(kind, f"own{int(kind)}.sock"), pair(kind, f"\\0own{int(kind)}"))
a, b = socket.socketpair(); a.send(b"sp"); print(b.recv(2).decode())
d = os.environ["TMPDIR"] + "/t.sock"; print(pair(socket.SOCK_STREAM, d))
for fam, addr in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0))):
    s = socket.socket(fam); s.bind(addr); s.listen()
    c = socket.socket(fam); c.connect(s.getsockname()); x, _ = s.accept(); x.send(b"hi"); print(c.recv(2).decode())
E
python3 s.py; rm *.sock`;

const LOCAL_WHEEL = `mkdir -p k/kp && echo 'x = 5' > k/kp/__init__.py && cat > k/build_local.py <<'E'
import os, zipfile
def build_wheel(d, *_):
    n = "kp-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(d, n), "w") as z:
        z.write("kp/__init__.py"); i = "kp-1.0.dist-info/"
        z.writestr(i + "METADATA", "Metadata-Version: 2.1\\nName: kp\\nVersion: 1.0\\n")
        z.writestr(i + "WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr(i + "RECORD", "")
    return n
E
printf '[build-system]\\nrequires = []\\nbuild-backend = "build_local"\\nbackend-path = ["."]\\n[project]\\nname = "kp"\\nversion = "1.0"\\n' > k/pyproject.toml`;

/** Interpreters, compilers, their package managers without a network, and servers of one's own. */
export const LANGUAGES: readonly Work[] = [
  { name: "node", command: "node -p '[1, 2].map((x) => x * 2).join()'", stdout: "2,4\n" },
  {
    name: "node: fork with a channel",
    command: `echo 'if (process.send) { process.send("up"); } else { const c = require("child_process").fork(__filename); c.on("message", (m) => { console.log(m); }); }' > f.js && node f.js`,
    stdout: "up\n",
  },
  {
    name: "node: cluster, workers share a port",
    alone: "no port and no socket can be listened on",
    command: `cat > c.js <<'E'
const cluster = require("cluster"), http = require("http");
if (cluster.isPrimary) {
  let up = 0;
  cluster.fork();
  cluster.fork();
  cluster.on("listening", (_w, { port }) => {
    if (++up !== 2) return;
    http.get({ port, host: "127.0.0.1", agent: false }, (r) => {
      console.log(r.statusCode);
      for (const w of Object.values(cluster.workers)) w.kill();
    });
  });
} else http.createServer((_q, r) => r.end("x")).listen(0, "127.0.0.1");
E
node c.js`,
    stdout: "200\n",
  },
  {
    name: "node: worker threads, WebAssembly memory, crypto, zlib",
    command: `node -e 'new (require("worker_threads").Worker)("process.stdout.write(String(new WebAssembly.Memory({ initial: 1, maximum: 65536 }).buffer.byteLength))", { eval: true }); require("crypto").randomBytes(4, () => require("zlib").gzip("x", () => 0))'`,
    stdout: "65536",
  },
  {
    name: "node: fs.watch sees a change, a server on a unix socket answers",
    alone: "no port and no socket can be listened on",
    command: `cat > w.js <<'E'
const fs = require("fs"), net = require("net");
const watcher = fs.watch(".", (_e, name) => {
  if (name !== "seen") return;
  console.log("watched");
  watcher.close();
  clearInterval(timer);
});
const timer = setInterval(() => fs.writeFileSync("seen", String(Math.random())), 50);
const server = net.createServer((c) => c.end("pipe")).listen("p.sock", () =>
  net.connect("p.sock").on("data", (d) => {
    console.log(String(d));
    server.close();
  }),
);
E
node w.js | sort -u`,
    stdout: "pipe\nwatched\n",
  },
  {
    name: "npm: run, test, scripts with arguments",
    command: `echo '{"name":"p","version":"1.0.0","scripts":{"test":"node -e 1 && echo tested","say":"echo"}}' > package.json && npm test --silent && npm run --silent say -- hello`,
    stdout: "tested\nhello\n",
  },
  {
    name: "npm: version, pack, install of a local archive, offline",
    command: `mkdir p && cd p && echo '{"name":"p","version":"1.0.0","bin":"p.js"}' > package.json && printf '#!/usr/bin/env node\\nconsole.log("p runs")\\n' > p.js && npm pack --silent && npm version patch --no-git-tag-version --silent && cd .. && echo '{"name":"q","version":"1.0.0"}' > package.json && npm install --silent --offline --no-audit --no-fund ./p/p-1.0.0.tgz && npx --offline p && test -d node_modules/p`,
    stdout: "p-1.0.0.tgz\nv1.0.1\np runs\n",
    outside: { command: "ls node_modules; ls -A ~/.npm 2>/dev/null || true", stdout: "p\n" },
  },
  {
    name: "npm: its cache can be filled and checked",
    command: `mkdir p && cd p && echo '{"name":"cached-p","version":"1.2.3"}' > package.json && npm pack --silent >/dev/null && npm cache add ./cached-p-1.2.3.tgz && npm cache verify | grep -c 'Content verified: [1-9]'`,
    stdout: "1\n",
  },
  {
    name: "python: processes, semaphores, shared memory",
    alone: "there is no shared memory",
    command: `cat > m.py <<'E'
import multiprocessing as m
from multiprocessing import shared_memory
def f(x): return x * x
if __name__ == "__main__":
    with m.Pool(2) as p: print(p.map(f, [1, 2, 3]), flush=True)
    q = m.Queue(); q.put(1); print(q.get(), flush=True)
    s = shared_memory.SharedMemory(create=True, size=10); s.buf[0] = 7; print(s.buf[0], flush=True); s.close(); s.unlink()
    c = m.get_context("forkserver"); pr = c.Process(target=print, args=("served",)); pr.start(); pr.join()
E
python3 m.py`,
    stdout: "[1, 4, 9]\n1\n7\nserved\n",
  },
  {
    name: "python: a virtual environment",
    command: `python3 -m venv --without-pip v && . v/bin/activate && python -c 'import sys; print(sys.prefix != sys.base_prefix)' && mkdir m && echo 'x = 3' > m/__init__.py && python -c 'import m; print(m.x)' && test -d m/__pycache__`,
    programs: ["python3 -c 'import ensurepip'"],
    stdout: "True\n3\n",
  },
  {
    name: "python: pip installs a package of the project",
    command: `${LOCAL_WHEEL} && python3 -m venv --without-pip v && python3 -m pip --python v/bin/python install -q --no-index --disable-pip-version-check ./k && v/bin/python -c 'import kp; print(kp.x)'`,
    programs: ["python3 -m pip --version"],
    stdout: "5\n",
  },
  {
    name: "pytest, with its cache",
    command: `printf 'def test_one(tmp_path):\\n    (tmp_path / "x").write_text("y")\\n    assert 1 == 1\\n' > test_t.py && python3 -m pytest -q test_t.py | tail -1 | grep -o '1 passed' && test -d .pytest_cache && echo cached`,
    programs: ["python3 -c 'import pytest'"],
    stdout: "1 passed\ncached\n",
  },
  {
    name: "sockets of its own: stream, seqpacket, datagram, abstract, loopback",
    alone: "no port and no socket can be listened on",
    command: SOCKETS,
    stdout: "hi hi\nhi hi\nhi hi\nsp\nhi\nhi\nhi\n",
  },
  {
    name: "curl to a server of its own",
    alone: "no port and no socket can be listened on",
    command: `python3 -m http.server 8123 --bind 127.0.0.1 >/dev/null 2>&1 & p=$!; for i in $(seq 100); do curl -fsS http://127.0.0.1:8123/a.txt 2>/dev/null && break; sleep 0.05; done; curl -fsS http://localhost:8123/a.txt; kill $p`,
    programs: ["curl"],
    stdout: "a\na\n",
  },
  {
    name: "make and cc",
    command: `printf 'all: m\\n\\t./m\\nm: m.c\\n\\tcc -O1 -o m m.c -lm -pthread\\n' > Makefile && printf '#include <stdio.h>\\n#include <pthread.h>\\nstatic void *f(void *x) { return x; }\\nint main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); puts("built"); return 0; }\\n' > m.c && make -s -j2`,
    programs: ["make", "cc"],
    stdout: "built\n",
  },
  {
    name: "go test and go build",
    command: `printf 'module x\\ngo 1.18\\n' > go.mod && printf 'package main\\nimport "fmt"\\nfunc F() int { return 2 }\\nfunc main() { fmt.Println(F()) }\\n' > m.go && printf 'package main\\nimport "testing"\\nfunc TestF(t *testing.T) { if F() != 2 { t.Fail() } }\\n' > m_test.go && go test ./... | grep -c '^ok' && go build -o m . && ./m`,
    programs: ["go"],
    stdout: "1\n2\n",
  },
  {
    name: "cargo build and test",
    command: `cargo init -q --name k --vcs none . && cargo build -q --offline && ./target/debug/k && cargo test -q --offline 2>&1 | grep -c 'test result: ok'`,
    programs: ["cargo --version"],
    stdout: /^Hello, world!\n[1-9]\n$/,
  },
  {
    name: "gpg: an agent of its own, a signature, a signed commit",
    alone: "no port and no socket can be listened on",
    command: `export GNUPGHOME=$TMPDIR/gh && mkdir -m 700 $GNUPGHOME && gpg --batch -q --passphrase '' --quick-gen-key k@example.org ed25519 sign never 2>/dev/null && gpg --batch -q -o s.sig -ab a.txt && gpg --verify s.sig a.txt 2>&1 | grep -c 'Good signature'; git -c user.signingkey=k@example.org commit -qS --allow-empty -m signed && git log --format=%s%G? -1; gpgconf --kill all`,
    programs: ["gpg"],
    stdout: /^1\nsigned[UG]\n$/,
    stderr: /^.*$/s,
  },
  {
    name: "sqlite, with its log",
    command: `sqlite3 d.db 'pragma journal_mode=wal; create table t(x); insert into t values (3); select x from t;' && python3 -c 'import sqlite3; c = sqlite3.connect("d.db"); print(c.execute("select x from t").fetchall())'`,
    programs: ["sqlite3"],
    stdout: "wal\n3\n[(3,)]\n",
  },
  {
    // Its own sandbox takes namespaces, which there are none of inside; the switch is what people use in containers too.
    name: "a browser without a head, a page of the project",
    command: `echo '<p id=x>page</p><script>document.title="t"</script>' > p.html && B=$(command -v chromium || command -v chromium-browser || command -v google-chrome) && $B --headless --no-sandbox --disable-gpu --user-data-dir=$TMPDIR/b --dump-dom file://$PWD/p.html 2>/dev/null | grep -o 'page'`,
    programs: ["chromium|chromium-browser|google-chrome"],
    stdout: "page\n",
  },
];
