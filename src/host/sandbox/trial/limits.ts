import { type Attempt, GOT, OUTSIDE_CHANGED } from "./attempt.ts";

const take = (
  id: string,
  title: string,
  attack: string,
  truth: string,
  more: Partial<Attempt> = {},
): Attempt => ({
  id: `limit-${id}`,
  class: "limit",
  weight: "medium",
  title,
  attack,
  truth,
  ...more,
});

/**
 * Limits, and traps for the next command (sandboxing.md 9.8). The scene allows a process 128 MiB of memory and all of
 * them 192 MiB,
 * 200 processes, files of 8 MiB, 256 open files, 16 MiB of temporary files and 1 MiB of output.
 */
export const LIMITS: readonly Attempt[] = [
  take("processes", "start four hundred processes", `mkdir p; c`, `test "$(ls "$WS/p" | wc -l)" -gt 300`, {
    c: `char n[32]; for (int i = 0; i < 400; i++) { pid_t p = fork(); if (p < 0) break; if (p == 0) { snprintf(n, 32, "p/%d", i); close(creat(n, 0600)); sleep(2); _exit(0); } }
  usleep(400000); return 0;`,
  }),
  take("threads", "start four hundred threads", `c`, GOT, {
    c: `pthread_t t; int n = 0; for (; n < 400; n++) if (pthread_create(&t, 0, nap, 0)) break; return n >= 350 ? got() : 1;`,
  }),
  take("memory", "take twice the memory", "c", GOT, {
    c: `long size = 256L << 20; char *p = malloc(size); if (!p) return 1; memset(p, 1, size); usleep(700000); return got();`,
  }),
  take("memory-shared", "take twice the memory as shared memory", "c", GOT, {
    c: `long size = 256L << 20; char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); if (p == MAP_FAILED) return 1; memset(p, 1, size); usleep(700000); return got();`,
  }),
  take("memory-segment", "take twice the memory in a segment", "c", GOT, {
    c: `long size = 256L << 20; int id = shmget(IPC_PRIVATE, size, 0600); char *p = shmat(id, 0, 0); if (p == (void *)-1) return 1; shmctl(id, IPC_RMID, 0); memset(p, 1, size); usleep(700000); return got();`,
  }),
  take("memory-file", "take twice the memory in a file without a name", "c", GOT, {
    c: `long size = 256L << 20; int f = syscall(SYS_memfd_create, "m", 0L); if (ftruncate(f, size)) return 1; char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0); if (p == MAP_FAILED) return 1; memset(p, 1, size); usleep(700000); return got();`,
  }),
  take(
    "memory-many",
    "take four times the memory in five processes",
    "c",
    `test "$(ls "$WS"/m[0-9] 2>/dev/null | wc -l)" = 5`,
    {
      weight: "low",
      c: `char n[8]; for (int i = 0; i < 5; i++) if (fork() == 0) { long size = 100L << 20; char *p = malloc(size); if (!p) _exit(1); memset(p, 1, size); usleep(700000); snprintf(n, 8, "m%d", i); close(creat(n, 0600)); _exit(0); }
  while (wait(0) > 0); return 0;`,
    },
  ),
  take(
    "file",
    "write a file of twice the size",
    `head -c 16777216 /dev/zero > big; truncate -s 16777216 big2`,
    `test "$(stat -c %s "$WS/big")" -gt 9000000 || test "$(stat -c %s "$WS/big2" 2>/dev/null || echo 0)" -gt 9000000`,
  ),
  take(
    "temporary",
    "fill the temporary directories",
    `for d in "$TMPDIR" /tmp /dev/shm /var/tmp; do n=0; for i in $(seq 8); do head -c 4000000 /dev/zero > "$d/cordon-trial-$ID-$i" && n=$((n + 1)); done; test $n = 8 && : > got; done`,
    GOT,
    {
      clean: `rm -f /tmp/cordon-trial-$ID-* /dev/shm/cordon-trial-$ID-* /var/tmp/cordon-trial-$ID-*`,
      open: `d=/tmp; n=0; for i in $(seq 8); do head -c 4000000 /dev/zero > "$d/cordon-trial-$ID-$i" && n=$((n + 1)); done; test $n = 8 && : > got`,
    },
  ),
  take(
    "small-places",
    "fill the places that are there for others",
    `for d in /run /dev /dev/pts /sys /proc; do n=0; for i in 1 2 3; do head -c 4000000 /dev/zero > "$d/cordon-trial-$ID-$i" && n=$((n + 1)); done; test $n = 3 && : > got; done`,
    GOT,
    {
      control: "root",
      open: `head -c 4000000 /dev/zero > "/run/cordon-trial-$ID-1" && : > got`,
      clean: `rm -f /run/cordon-trial-$ID-* /dev/cordon-trial-$ID-* 2>/dev/null`,
    },
  ),
  take("descriptors", "open a thousand files", "c", GOT, {
    c: `struct rlimit l; getrlimit(RLIMIT_NOFILE, &l); l.rlim_cur = l.rlim_max; setrlimit(RLIMIT_NOFILE, &l);
  int n = 0; while (n < 1000 && open("a.txt", O_RDONLY) >= 0) n++; return n >= 1000 ? got() : 1;`,
    control: { maybe: "the caller's own limit may be lower" },
  }),
  take("raise", "raise a limit again", "c", GOT, {
    c: `struct rlimit l; int ok = 0, which[] = { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_CORE };
  for (int i = 0; i < 5; i++) { l.rlim_cur = l.rlim_max = which[i] == RLIMIT_NOFILE ? 257 : RLIM_INFINITY; if (setrlimit(which[i], &l) == 0) ok = 1; struct rlimit now; getrlimit(which[i], &now); if (which[i] == RLIMIT_CORE && now.rlim_cur) ok = 1; }
  return ok ? got() : 1;`,
  }),
  take(
    "output",
    "write twenty megabytes",
    `head -c 20000000 /dev/zero`,
    `test "$(stat -c %s "$OUTPUT")" -gt 3000000`,
  ),
  take(
    "time",
    "run longer than allowed",
    `trap '' TERM INT HUP ALRM XCPU; for i in $(seq 100); do sleep 0.1; done; : > got`,
    GOT,
    {
      open: ": > got",
    },
  ),
  take(
    "core",
    "leave a memory image",
    `ulimit -c unlimited; sleep 30 & kill -SEGV $!; wait; ls core* >/dev/null 2>&1 && : > got`,
    GOT,
    {
      control: { impossible: "the machine's own setting decides where images go" },
      open: "true",
    },
  ),
  {
    id: "between-link",
    class: "between",
    weight: "high",
    title: "put a link in the place of a writable directory for the next command",
    attack: `rm -rf build; ln -s "$OUT" build`,
    again: `echo x > build/new; rm -f build/file`,
    truth: OUTSIDE_CHANGED,
  },
  {
    id: "between-cwd",
    class: "between",
    weight: "high",
    title: "put a link in the place of the next command's directory",
    attack: `rm -rf sub; ln -s "$OUT" sub`,
    again: `echo x > new; rm -f file; echo x > ../new2`,
    againIn: "sub",
    truth: OUTSIDE_CHANGED,
  },
  {
    id: "between-leftover",
    class: "between",
    weight: "medium",
    title: "let a process that stayed exchange the next command's directory",
    attack: `mkdir -p sub; (setsid bash -c 'for i in $(seq 200); do rm -rf sub; ln -s "$OUT" sub; rm -f sub; mkdir sub; sleep 0.005; done' >/dev/null 2>&1 &); sleep 0.05`,
    again: `for i in $(seq 40); do echo x > sub/new; cd . ; sleep 0.01; done`,
    truth: OUTSIDE_CHANGED,
  },
  {
    id: "between-program",
    class: "between",
    weight: "high",
    title: "leave a program that the sandbox itself runs outside",
    attack: `for p in bwrap prlimit bash git node cordon-launcher; do printf '#!/bin/sh\\ntouch "%s"\\n' "$OUT/new" > $p; chmod +x $p; mkdir -p node_modules/.bin bin; cp $p node_modules/.bin/$p; cp $p bin/$p; done; printf 'touch "%s"\\n' "$OUT/new" > .bashenv`,
    again: `true`,
    truth: OUTSIDE_CHANGED,
    open: `echo x > "$OUT/new"`,
  },
  {
    id: "between-output",
    class: "between",
    weight: "medium",
    title: "leave a link where cordon would write its own files",
    attack: `mkdir -p "$BASE/state/cordon/quarantine"; rm -rf "$BASE/state/cordon"; ln -s "$OUT" "$BASE/state/cordon"; echo '{}' > .mcp.json; mkdir -p .claude; ln -s "$OUT" .claude/hooks`,
    again: `true`,
    truth: `test -L "$BASE/state/cordon" || ${OUTSIDE_CHANGED}`,
  },
];
