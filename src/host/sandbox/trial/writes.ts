import { type Attempt, GOT, OUTSIDE_CHANGED } from "./attempt.ts";

const write = (
  id: string,
  title: string,
  attack: string,
  more: Partial<Omit<Attempt, "id" | "title" | "attack">> = {},
): Attempt => ({
  id,
  class: "write",
  weight: "high",
  title,
  attack,
  truth: OUTSIDE_CHANGED,
  ...more,
});

/** Writes outside the project by any spelling, by links, and in races (sandboxing.md 9.1). */
export const WRITES: readonly Attempt[] = [
  write("write-new", "make a file outside", `echo x > "$OUT/new"`),
  write("write-dotdot", "make a file outside by ..", `echo x > ../outside/new; echo x > "$OUT/dir/../new2"`),
  write(
    "write-climb",
    "climb out by fifty times ..",
    `up=; for i in $(seq 50); do up=$up../; done; echo x > "$up$OUT/new"`,
  ),
  write("write-append", "append to a file outside", `echo x >> "$OUT/file"`),
  write("write-truncate", "truncate a file outside", `truncate -s 0 "$OUT/file"; : > "$OUT/file"`),
  write(
    "write-in-place",
    "overwrite a byte of a file outside",
    `printf X | dd of="$OUT/file" conv=notrunc bs=1 2>/dev/null`,
  ),
  write("write-delete", "remove a file and a directory outside", `rm -f "$OUT/file"; rmdir "$OUT/dir"`),
  write("write-mkdir", "make a directory outside", `mkdir -p "$OUT/a/b"`),
  write("write-fifo", "make a pipe outside", `mkfifo "$OUT/pipe"`),
  write("write-symlink", "make a link outside", `ln -s /etc/passwd "$OUT/l"`),
  write("write-socket", "bind a socket outside", `py`, {
    needs: ["python3"],
    python: `import os, socket
s = socket.socket(socket.AF_UNIX)
os.chdir(os.environ["OUT"])
s.bind("s")`,
  }),
  write(
    "write-node",
    "write from a script",
    `"$NODE" -e 'require("fs").writeFileSync(process.env.OUT + "/new", "x")'`,
  ),
  write("write-openat2", "make a file outside by openat2", `c`, {
    c: `struct { unsigned long long flags, mode, resolve; } how = { O_CREAT | O_WRONLY, 0600, 0 };
  int d = open(getenv("OUT"), O_PATH | O_DIRECTORY);
  return syscall(437, d, "new", &how, sizeof how) < 0;`,
  }),
  write("write-tmpfile", "give a file without a name a name outside", `c`, {
    c: `int f = open(getenv("OUT"), O_TMPFILE | O_RDWR, 0600);
  if (f < 0) f = open(getenv("WS"), O_TMPFILE | O_RDWR, 0600);
  char from[64]; snprintf(from, 64, "/proc/self/fd/%d", f);
  return linkat(AT_FDCWD, from, AT_FDCWD, path("OUT", "new"), AT_SYMLINK_FOLLOW);`,
  }),
  write("write-copy-range", "copy into a file outside inside the kernel", `c`, {
    c: `int from = open("a.txt", O_RDONLY), to = open(path("OUT", "file"), O_WRONLY);
  if (syscall(SYS_copy_file_range, from, 0, to, 0, 2L, 0) < 1) sendfile(to, from, 0, 2);
  return 0;`,
  }),
  write("write-mmap", "write to a file outside through memory", `c`, {
    c: `int f = open(path("OUT", "file"), O_RDWR);
  char *p = mmap(0, 4, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
  if (p == MAP_FAILED) return 1;
  p[0] = 'X'; return msync(p, 4, MS_SYNC);`,
  }),
  write("write-memfd", "run a program from memory that writes outside", `py`, {
    needs: ["python3"],
    python: `import os
fd = os.memfd_create("x")
os.write(fd, open("/usr/bin/touch", "rb").read())
os.execve(fd, ["touch", os.environ["OUT"] + "/new"], {})`,
  }),
  write(
    "write-loader",
    "start a copied program by the loader",
    `cp /usr/bin/touch t; for l in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib/ld-musl-*.so.1; do test -e $l && $l ./t "$OUT/new"; done`,
  ),
  write(
    "write-tools",
    "let tools write outside",
    `tar cf t.tar a.txt && tar xf t.tar -C "$OUT"; cp a.txt "$OUT/cp"; git init -q "$OUT/repo"; git --work-tree="$OUT" checkout -q -- a.txt; install a.txt "$OUT/i"`,
  ),
  write(
    "write-tar-link",
    "unpack an archive that leads outside",
    `ln -s "$OUT" d && tar cf t.tar d && rm d && mkdir d && echo x > d/n && tar rf t.tar d/n && rm -rf d && tar xPf t.tar --keep-directory-symlink; tar cPf u.tar --transform "s,^a.txt,$OUT/new," a.txt; tar xPf u.tar`,
  ),
  write(
    "write-shared-places",
    "leave a file in /tmp, /var/tmp and /dev/shm",
    `for d in /tmp /var/tmp /dev/shm; do echo x > "$d/cordon-trial-$ID"; done`,
    {
      truth: `ls /tmp/cordon-trial-$ID /var/tmp/cordon-trial-$ID /dev/shm/cordon-trial-$ID 2>/dev/null | grep -q .`,
      clean: `rm -f /tmp/cordon-trial-$ID /var/tmp/cordon-trial-$ID /dev/shm/cordon-trial-$ID`,
    },
  ),
  write(
    "write-system",
    "leave a file in the system's directories",
    `for d in / /etc /usr/bin /usr/local/bin /opt /var/lib /var/spool /boot /run; do echo x > "$d/cordon-trial-$ID"; done`,
    {
      control: "root",
      truth: `for d in / /etc /usr/bin /usr/local/bin /opt /var/lib /var/spool /boot /run; do test -e "$d/cordon-trial-$ID" && exit 0; done; exit 1`,
      clean: `for d in / /etc /usr/bin /usr/local/bin /opt /var/lib /var/spool /boot /run; do rm -f "$d/cordon-trial-$ID"; done 2>/dev/null`,
    },
  ),
  write(
    "write-launcher",
    "overwrite the program that runs the sandbox",
    `p=$(dirname "$NODE"); for f in "$NODE" /usr/bin/bwrap /bin/bash /usr/bin/git; do exec 3>>"$f" && : > got; done`,
    {
      control: "root",
      truth: GOT,
      open: `for f in /usr/bin/printenv /usr/bin/tac; do exec 3>>"$f" && : > got; done`,
    },
  ),
];

const link = (
  id: string,
  title: string,
  attack: string,
  more: Partial<Omit<Attempt, "id" | "title" | "attack">> = {},
): Attempt => write(id, title, attack, { class: "link", ...more });

export const LINKS: readonly Attempt[] = [
  link("link-file", "write through a link to a file", `ln -s "$OUT/file" l; echo x > l`),
  link("link-dangling", "make a file through a link that leads nowhere", `ln -s "$OUT/new" l; echo x > l`),
  link("link-directory", "write through a link to a directory", `ln -s "$OUT" d; echo x > d/new; rm d/file`),
  link(
    "link-chain",
    "write through a chain of links",
    `ln -s "$OUT" c1; ln -s c1/dir c2; ln -s "$WS/c2" c3; echo x > c3/new; ln -s /proc/self/cwd/c3 c4; echo x > c4/new2`,
  ),
  link(
    "link-by-git",
    "let git write through a link",
    `ln -s "$OUT" d; git add -A; echo x | git hash-object -w --stdin > h; git update-index --add --cacheinfo "100644,$(cat h),d/new"; git checkout-index -f -a --prefix="$OUT/"; git checkout -f -- d/new`,
  ),
  link("link-hard", "write through a new hard link", `ln "$OUT/file" h && echo x > h`),
  link("link-hard-fd", "make a hard link from a descriptor", `c`, {
    c: `int f = open(path("OUT", "file"), O_PATH);
  char from[64]; snprintf(from, 64, "/proc/self/fd/%d", f);
  if (linkat(f, "", AT_FDCWD, "h", AT_EMPTY_PATH) && linkat(AT_FDCWD, from, AT_FDCWD, "h", AT_SYMLINK_FOLLOW)) return 1;
  int h = open("h", O_WRONLY | O_TRUNC); return write(h, "x", 1) != 1;`,
  }),
  link("link-rename-out", "rename a file out", `echo x > f; mv f "$OUT/moved"; mv a.txt "$OUT/file"`),
  link(
    "link-rename-in",
    "rename a file and a directory in",
    `mv "$OUT/file" stolen; mv "$OUT/dir" stolen-dir`,
  ),
  link("link-exchange", "exchange a file with one outside", `c`, {
    c: `return syscall(SYS_renameat2, AT_FDCWD, "a.txt", AT_FDCWD, path("OUT", "file"), 2);`,
  }),
  link("link-exchange-directory", "exchange a directory with one outside", `mkdir d; c`, {
    c: `return syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, path("OUT", "dir"), 2);`,
  }),
  link(
    "link-workspace-moved",
    "rename the project and write where it was",
    `mv "$WS" "$BASE/moved"; ln -s "$OUT" "$WS"`,
    { weight: "medium", truth: `test -e "$BASE/moved" || test -L "$WS"` },
  ),
  link(
    "link-root-replaced",
    "put a link in the place of a writable directory",
    `rm -rf "$BASE/extra" && ln -s "$OUT" "$BASE/extra"; rmdir "$BASE/extra"`,
    { again: `echo x > "$BASE/extra/new"`, truth: `changed outside || test -L "$BASE/extra"` },
  ),
  link("link-restored", "put links in the place of directories into which files are put back", "c attack", {
    prepare: "c prepare",
    c: `char from[64], to[64]; int prepares = !strcmp(argv[1], "prepare"); chdir(getenv("WS")); mkdir("p", 0755);
  for (int i = 0; i < 300; i++) {
    snprintf(from, 64, "p/%d", i); snprintf(to, 64, "q%d", i);
    if (!prepares) { rename(from, to); symlink(path("OUT", "dir"), from); continue; }
    mkdir(from, 0755); strcat(from, "/.mcp.json"); int f = creat(from, 0644); write(f, "mine", 4); close(f);
  }
  return 0;`,
    control: { impossible: "only who puts files back can be deceived" },
  }),
  {
    id: "race-directory",
    class: "race",
    weight: "high",
    title: "exchange a directory and a link while writing through it",
    attack: `mkdir d; ln -s "$OUT" l; c`,
    c: `pid_t p = fork();
  if (p == 0) { for (int i = 0; i < 30000; i++) syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "l", 2); _exit(0); }
  while (waitpid(p, 0, WNOHANG) == 0) { int f = open("d/new", O_CREAT | O_WRONLY, 0600); if (f >= 0) { write(f, "x", 1); close(f); } }
  return 0;`,
    truth: OUTSIDE_CHANGED,
  },
  {
    id: "race-file",
    class: "race",
    weight: "high",
    title: "exchange a file and a link while writing to it",
    attack: `echo x > f; ln -s "$OUT/file" l; c`,
    c: `pid_t p = fork();
  if (p == 0) { for (int i = 0; i < 30000; i++) syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "l", 2); _exit(0); }
  while (waitpid(p, 0, WNOHANG) == 0) { struct stat s; if (argc < 2 && (lstat("f", &s) || S_ISLNK(s.st_mode))) continue;
    int f = open("f", O_WRONLY | O_TRUNC); if (f >= 0) { write(f, "evil", 4); close(f); } }
  return 0;`,
    // The look before the write is what the attack beats; without it a control needs no luck.
    open: `echo x > f; ln -s "$OUT/file" l; c blind`,
    truth: OUTSIDE_CHANGED,
  },
  {
    id: "race-parent",
    class: "race",
    weight: "high",
    title: "exchange a parent directory while removing below it",
    attack: `mkdir -p d/dir; ln -s "$OUT" l; c`,
    c: `pid_t p = fork();
  if (p == 0) { for (int i = 0; i < 30000; i++) syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "l", 2); _exit(0); }
  while (waitpid(p, 0, WNOHANG) == 0) { unlink("d/file"); rmdir("d/dir"); mkdir("d/made", 0700); }
  return 0;`,
    truth: OUTSIDE_CHANGED,
  },
];
