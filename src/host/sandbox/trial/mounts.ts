import { type Attempt, GOT, LEAKED, OUTSIDE_CHANGED } from "./attempt.ts";

const mount = (
  id: string,
  title: string,
  attack: string,
  more: Partial<Omit<Attempt, "id" | "title" | "attack">> = {},
): Attempt => ({
  id: `mount-${id}`,
  class: "mount",
  weight: "high",
  title,
  attack,
  truth: OUTSIDE_CHANGED,
  ...more,
});

/** Mount calls, shed masks, handles and devices (sandboxing.md 9.1). */
export const MOUNTS: readonly Attempt[] = [
  mount(
    "bind",
    "bind a directory outside into the project",
    `mkdir m; mount --bind "$OUT" m && echo x > m/new; mount -o remount,rw / && echo x > "$OUT/new"; unshare -Urm bash -c 'mount --bind "$OUT" m && mount -o remount,rw,bind m; echo x > m/new'`,
    { open: `mkdir m; unshare -Urm bash -c 'mount --bind "$OUT" m && echo x > m/new'` },
  ),
  mount("remount", "make a read-only mount writable", "c", {
    c: `unshare(CLONE_NEWUSER | CLONE_NEWNS);
  mount("none", getenv("OUT"), 0, MS_REMOUNT | MS_BIND, 0);
  mount("none", "/", 0, MS_REMOUNT | MS_BIND, 0);
  return creat(path("OUT", "new"), 0600) < 0;`,
  }),
  mount("move-tree", "clone a tree and attach it in the project", `mkdir m; c`, {
    c: `unshare(CLONE_NEWUSER | CLONE_NEWNS);
  int t = syscall(428, AT_FDCWD, getenv("OUT"), 1);
  struct { unsigned long long set, clear, prop, ns; } a = { 0, 1, 0, 0 };
  syscall(442, t, "", AT_EMPTY_PATH, &a, sizeof a);
  int f = openat(t, "new", O_CREAT | O_WRONLY, 0600);
  if (f >= 0) return 0;
  if (syscall(429, t, "", AT_FDCWD, "m", 4)) return 1;
  return creat("m/new", 0600) < 0;`,
  }),
  mount(
    "overlay",
    "look through an overlay at what is masked",
    `mkdir u w m; unshare -Urm bash -c 'mount -t overlay o -o lowerdir="$HOME",upperdir=u,workdir=w,userxattr m; cat m/.netrc m/.ssh/id_rsa'; mount -t overlay o -o lowerdir="$HOME",upperdir=u,workdir=w m && cat m/.netrc`,
    {
      truth: LEAKED,
      open: `mkdir u w m; unshare -Urm bash -c 'mount -t overlay o -o lowerdir="$HOME",upperdir=u,workdir=w,userxattr m; cat m/.netrc'`,
      control: { maybe: "the kernel may have no overlays for users" },
    },
  ),
  mount(
    "unmask",
    "take the mask off a secret",
    `umount ~/.netrc; umount -l ~/.ssh; umount -a 2>/dev/null; cat ~/.netrc ~/.ssh/id_rsa`,
    {
      truth: LEAKED,
      open: `cat ~/.netrc`,
    },
  ),
  mount(
    "unmask-namespace",
    "take the mask off in new namespaces",
    `unshare -Urm bash -c 'umount ~/.netrc; umount -l ~/.ssh; umount -R -l ~; cat ~/.netrc ~/.ssh/id_rsa'; unshare -m bash -c 'umount ~/.netrc; cat ~/.netrc'`,
    {
      truth: LEAKED,
    },
  ),
  mount(
    "unmask-bind",
    "see under a mask by a bind of the directory above",
    `mkdir m; unshare -Urm bash -c 'mount --bind "$HOME" m; cat m/.netrc m/.ssh/id_rsa; mount --bind / m; cat "m$HOME/.netrc"'`,
    {
      truth: LEAKED,
    },
  ),
  mount(
    "cover",
    "mount something over a protected directory",
    `unshare -Urm bash -c 'mount -t tmpfs t .git/hooks && : > got'; mount -t tmpfs t .git/hooks && : > got`,
    {
      truth: GOT,
      open: `unshare -Urm bash -c 'mount -t tmpfs t .git/hooks && : > got'`,
    },
  ),
  mount("fsopen", "make a file system by the new calls", "c", {
    c: `unshare(CLONE_NEWUSER | CLONE_NEWNS);
  int f = syscall(430, "tmpfs", 0); if (f < 0) return 1;
  syscall(431, f, 6, 0, 0, 0);
  int m = syscall(432, f, 0, 0); return m < 0 ? 1 : got();`,
    truth: GOT,
  }),
  mount("pivot", "change the root", `mkdir m; c`, {
    c: `unshare(CLONE_NEWUSER | CLONE_NEWNS);
  mount("none", "/", 0, MS_REC | MS_PRIVATE, 0);
  if (mount("t", "m", "tmpfs", 0, 0)) return 1;
  int f = open("got", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  mkdir("m/old", 0700);
  if (syscall(SYS_pivot_root, "m", "m/old")) { unlink("got"); return 1; }
  return 0;`,
    truth: GOT,
    control: { maybe: "the machine's root may not be exchanged" },
  }),
  mount("chroot", "leave a changed root by a directory that was held open", `mkdir x; c`, {
    c: `unshare(CLONE_NEWUSER);
  int d = open(".", O_RDONLY);
  if (chroot("x")) return 1;
  fchdir(d); for (int i = 0; i < 64; i++) chdir("..");
  chroot("."); return creat(path("OUT", "new"), 0600) < 0;`,
  }),
  {
    id: "device-handle",
    class: "device",
    weight: "high",
    title: "open a denied file by its handle",
    attack: "c",
    c: `struct { struct file_handle h; char room[128]; } h = { .h.handle_bytes = 128 }; int m;
  if (name_to_handle_at(AT_FDCWD, path("HOME", ".netrc"), &h.h, &m, 0)) return 1;
  int d = open(getenv("HOME"), O_RDONLY), f = open_by_handle_at(d, &h.h, O_RDONLY);
  if (f < 0) { unshare(CLONE_NEWUSER | CLONE_NEWNS); f = open_by_handle_at(d, &h.h, O_RDONLY); }
  return show(f);`,
    truth: LEAKED,
    control: { maybe: "only root may open handles, and not on every file system" },
  },
  {
    id: "device-handle-guess",
    class: "device",
    weight: "high",
    title: "open a denied file by a handle made from its inode number",
    prepare: `stat -c %i ~/.netrc > "$LOG/inode"`,
    attack: `c $(cat "$LOG/inode")`,
    c: `struct { struct file_handle h; unsigned int id[2]; } h = { .h = { 8, 1 } };
  h.id[0] = strtoul(argv[1], 0, 10); h.id[1] = 0;
  struct { struct file_handle h; char room[128]; } seen = { .h.handle_bytes = 128 }; int m;
  if (name_to_handle_at(AT_FDCWD, "a.txt", &seen.h, &m, 0) == 0) h.h.handle_type = seen.h.handle_type;
  int d = open(getenv("WS"), O_RDONLY), f = open_by_handle_at(d, &h.h, O_RDONLY);
  return show(f);`,
    truth: LEAKED,
    control: { maybe: "only root may open handles, and a generation of 0 does not fit every file system" },
  },
  {
    id: "device-mknod-disk",
    class: "device",
    weight: "high",
    title: "make the device of the disk and open it",
    attack: "c",
    c: `struct stat s; stat("/", &s);
  if (mknod("disk", S_IFBLK | 0600, s.st_dev)) return 1;
  return open("disk", O_RDONLY) < 0 ? 1 : got();`,
    truth: `test -b "$WS/disk" || got`,
    control: "root",
  },
  {
    id: "device-mknod-memory",
    class: "device",
    weight: "high",
    title: "make the devices of memory and kernel log",
    attack: `mknod mem c 1 1; mknod kmsg c 1 11; mknod null c 1 3; : > null && test -c null && : > got`,
    truth: `test -c "$WS/mem" || test -c "$WS/null" || got`,
    control: "root",
  },
  {
    id: "device-open",
    class: "device",
    weight: "high",
    title: "read the disk, memory and the kernel by their devices",
    attack: `for d in /dev/vd? /dev/sd? /dev/nvme?n? /dev/xvd? /dev/dm-? /dev/mem /dev/kmem /dev/port /proc/kcore /dev/loop0 /dev/fuse /dev/kvm /dev/net/tun; do exec 3<"$d" && : > got; done`,
    truth: GOT,
    control: "root",
  },
  {
    id: "device-kernel-log",
    class: "device",
    weight: "medium",
    title: "write into the kernel's log",
    attack: `exec 3> /dev/kmsg && : > got`,
    truth: GOT,
    control: "root",
  },
  {
    id: "device-terminals",
    class: "device",
    weight: "high",
    title: "open the terminals of the machine",
    attack: `for d in /dev/pts/[0-9]* /dev/tty[0-9]* /dev/vcs* /dev/console /dev/ttyS?; do exec 3<>"$d" && : > got; done`,
    truth: GOT,
    control: { maybe: "there may be no terminal" },
  },
];
