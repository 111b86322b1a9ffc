import type { Attempt } from "./attempt.ts";

/** What every C function of an attempt finds. */
const PRELUDE = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/io.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* A path below a directory that the environment names. */
static char *path(const char *variable, const char *name) {
  static char text[4096];
  snprintf(text, sizeof text, "%s/%s", getenv(variable), name);
  return text;
}
/* The attack had what it wanted: leaves the file that is looked for outside. */
static int got(void) { return close(creat(path("WS", "got"), 0600)); }
/* Writes what a descriptor holds to the output. */
static int show(int f) {
  static char text[4096];
  int n = f < 0 ? -1 : (int)read(f, text, sizeof text);
  return n > 0 ? write(1, text, n) < 0 : 1;
}
/* Writes on, as a thread of another process. */
static int beat(void *unused) {
  for (int i = 0; i < 150; i++) {
    int f = open("beat", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    dprintf(f, "%d", i); close(f); usleep(15000);
  }
  _exit(0);
}
static void *nap(void *unused) { sleep(2); return 0; }
static int heard;
static void hear(int signal) { heard = open(path("LOG", "signal"), O_CREAT | O_WRONLY, 0600); write(heard, "x", 1); }
/* Somebody outside: a secret in memory and in a descriptor, and ears for signals. */
static int victim(void) {
  int listened[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGHUP, SIGINT, SIGIO };
  for (int i = 0; i < 6; i++) signal(listened[i], hear);
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  char *secret = strdup(getenv("CANARY")), *copy = strdup(secret);
  int f = open(path("LOG", "held"), O_CREAT | O_RDWR | O_TRUNC, 0600);
  write(f, secret, strlen(secret)); lseek(f, 0, SEEK_SET); unlink(path("LOG", "held"));
  int out = open(path("LOG", "victim.new"), O_CREAT | O_WRONLY, 0600);
  dprintf(out, "%d %lx %d %d\\n", getpid(), (unsigned long)secret, f, getpgrp()); close(out);
  char from[4096]; strcpy(from, path("LOG", "victim.new")); rename(from, path("LOG", "victim"));
  for (int i = 0; i < 3000; i++) {
    usleep(10000);
    if (strcmp(secret, copy)) { close(open(path("LOG", "memory.new"), O_CREAT | O_WRONLY, 0600)); int m = open(path("LOG", "memory"), O_CREAT | O_WRONLY, 0600); write(m, "x", 1); close(m); return 0; }
  }
  return 0;
}
`;

/** The C functions of the attempts in one program, which calls the one that its first argument names. */
export function programSource(attempts: readonly Attempt[]): string {
  const own = attempts.filter(({ c }) => c !== undefined);
  const functions = own.map(
    ({ c }, index) => `static int attack${index}(int argc, char **argv) {\n  ${c ?? ""}\n}\n`,
  );
  const calls = own.map(
    ({ id }, index) => `  if (!strcmp(name, "${id}")) return attack${index}(argc - 1, argv + 1);\n`,
  );
  return `${PRELUDE}${functions.join("")}int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  if (!strcmp(name, "victim")) return victim();
${calls.join("")}  return 99;
}
`;
}

/**
 * Serves one kind of address and leaves a file when somebody comes: what an attack must not bring
 * about. Ports are chosen by the kernel and told in a file.
 */
export const SERVER = `import os, socket, struct, sys
kind, address = sys.argv[1:3]
log = os.environ["LOG"]
types = {"stream": socket.SOCK_STREAM, "give": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET, "tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
network = kind in ("tcp", "udp")
family = (socket.AF_INET6 if ":" in address else socket.AF_INET) if network else socket.AF_UNIX
s = socket.socket(family, types[kind])
s.bind((address, 0) if network else (chr(0) + address[1:] if address.startswith("@") else address))
if kind not in ("dgram", "udp"): s.listen()
if network: open(log + "/port.new", "w").write(str(s.getsockname()[1])); os.rename(log + "/port.new", log + "/port")
elif not address.startswith("@"): os.chmod(address, 0o777)
open(log + "/up", "w").close()
while True:
    if kind in ("dgram", "udp"): s.recv(99); c = None
    else: c, _ = s.accept()
    with open(log + "/server", "a") as f: f.write("x")
    if kind == "give":
        d = os.open(os.environ["OUT"], os.O_RDONLY)
        c.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", d))])
    if c: c.close()
`;

/** The other side: connects or sends in many ways. */
export const CLIENT = `import os, socket, struct, sys
kind, address = sys.argv[1:3]
port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
name = chr(0) + address[1:] if address.startswith("@") else address
types = {"stream": socket.SOCK_STREAM, "take": socket.SOCK_STREAM, "give": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}
if kind in types:
    s = socket.socket(socket.AF_UNIX, types[kind])
    s.settimeout(2)
    s.connect(name)
    if kind == "give":
        d = os.open(os.environ["HOME"] + "/.netrc", os.O_RDONLY)
        s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", d))])
    elif kind == "take":
        _, extra, _, _ = s.recvmsg(1, 64)
        d = struct.unpack("i", extra[0][2][:4])[0]
        os.close(os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=d))
    else: s.send(b"x")
elif kind == "offer":
    s = socket.socket(socket.AF_UNIX)
    s.bind(name); s.listen(); s.settimeout(3)
    c, _ = s.accept()
    _, extra, _, _ = c.recvmsg(1, 64)
    os.write(1, os.read(struct.unpack("i", extra[0][2][:4])[0], 999))
elif kind in ("pair", "pair-connect"):
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    if kind == "pair": a.sendto(b"x", name)
    else: a.connect(name); a.send(b"x")
elif kind in ("tcp", "probe"):
    try:
        s = socket.create_connection((address, port), 1); s.send(b"x"); reached = True
    except ConnectionRefusedError: reached = kind == "probe"
    if kind == "probe" and reached: open(os.environ["WS"] + "/got", "w").close()
elif kind == "fastopen":
    s = socket.socket(); s.settimeout(1); s.sendto(b"x", socket.MSG_FASTOPEN, (address, port))
elif kind == "udp":
    f, t, p, _, a = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
    socket.socket(f, t, p).sendto(b"x", a)
elif kind == "dns":
    q = b"\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\7example\\0\\0\\1\\0\\1"
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(q, (address, port))
elif kind == "ping":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); s.settimeout(1)
    p = struct.pack("!BBHHH", 8, 0, 0, 1, 1); c = ~(0x0800 + 1 + 1) & 0xffff
    s.sendto(struct.pack("!BBHHH", 8, 0, c, 1, 1), (address, 0)); s.recv(99)
`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The head of every text of an attempt: its variables and its words. `secret` says whether the text
 * may know the secret; what is attacked may not.
 */
export function textHead(variables: Readonly<Record<string, string>>, part: "attack" | "outside"): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const words = [
    // A program that cannot be started has not been stopped.
    `made() { "$@"; local s=$?; case $s in 99|126|127) echo; echo "unmade $ID";; esac; return $s; }`,
    `c() { made "$PROGRAM" "$ATTEMPT" "$@"; }`,
    `py() { made /usr/bin/python3 "$BIN/$ATTEMPT.py" "$@"; }`,
    `talk() { /usr/bin/python3 "$BIN/talk.py" "$@" 2>/dev/null; }`,
  ];
  const outside = [
    `changed() { case " $CHANGED " in *" $1 "*) return 0;; *) return 1;; esac; }`,
    `leaked() { cat "$OUTPUT" "$WS"/loot* 2>/dev/null | grep -aqF "$CANARY"; }`,
    `got() { test -e "$WS/got"; }`,
    `served() { sleep 0.05; test -s "$LOG/server"; }`,
    `serve() { rm -f "$LOG/up"; /usr/bin/python3 "$BIN/serve.py" "$@" & for i in $(seq 300); do test -e "$LOG/up" && break; sleep 0.01; done; }`,
    `victim() { "$PROGRAM" victim "victim-$ID" & for i in $(seq 300); do test -s "$LOG/victim" && break; sleep 0.01; done; }`,
    `work() { (cd "\${1:-$WS}" && echo "$RANDOM" > worked && git add worked; git status -s; git diff HEAD; git commit -qm work; git log -1; git checkout -q -b "b$RANDOM") >/dev/null 2>&1 </dev/null; }`,
  ];
  return `${[...lines, ...words, ...(part === "outside" ? outside : [])].join("\n")}\n`;
}
