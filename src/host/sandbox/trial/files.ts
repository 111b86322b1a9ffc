import { type Attempt, GOT, HOME_CHANGED, OUTSIDE_CHANGED } from "./attempt.ts";

/** A process outside that stays in `OUT` and says its number. */
const BYSTANDER = `(cd "$OUT" && exec sleep 30) & echo $! > "$LOG/pid"`;

/** Metadata, /proc, home (sandboxing.md 9.1). */
export const FILES: readonly Attempt[] = [
  ...(
    [
      ["mode", "change a mode outside", `chmod 777 "$OUT/file"`, undefined],
      ["times", "change times outside", `touch -d 2001-01-01 "$OUT/file"`, undefined],
      [
        "owner",
        "change owner or group outside",
        `chown "$(id -u):$(id -g)" "$OUT/file"; chgrp "$(id -g)" "$OUT/dir"`,
        undefined,
      ],
      [
        "xattr",
        "set an attribute outside",
        "py",
        `import os
os.setxattr(os.environ["OUT"] + "/file", "user.cordon", b"1")`,
      ],
      ["flags", "set a flag of a file outside", "c", undefined],
      [
        "mode-by-descriptor",
        "change a mode outside through a descriptor",
        "py",
        `import os
fd = os.open(os.environ["OUT"] + "/file", os.O_RDONLY)
os.fchmod(fd, 0o777)`,
      ],
      [
        "times-by-link",
        "change times outside through a link",
        `ln -s "$OUT/file" l; touch -d 2001-01-01 l; chmod 777 l`,
        undefined,
      ],
    ] as const
  ).map(([id, title, attack, python]): Attempt => ({
    id: `metadata-${id}`,
    class: "metadata",
    weight: "medium",
    title,
    attack,
    truth: OUTSIDE_CHANGED,
    ...(python === undefined ? {} : { python, needs: ["python3"] }),
    ...(id === "flags"
      ? {
          c: `int f = open(path("OUT", "file"), O_RDONLY); int flags = 0;
  if (ioctl(f, 0x80086601, &flags)) return 1;
  flags |= 0x40; /* no dump: harmless */
  return ioctl(f, 0x40086602, &flags);`,
          control: { maybe: "the file system may have no flags" },
        }
      : {}),
  })),
  ...(
    [
      [
        "self-root",
        "write by /proc/self/root",
        `echo x > "/proc/self/root$OUT/new"; echo x > "/proc/thread-self/root$OUT/new2"`,
        undefined,
      ],
      ["self-cwd", "write by /proc/PID/cwd", `echo x > /proc/$$/cwd/../outside/new`, undefined],
      [
        "outsider-cwd",
        "write by the working directory of a process outside",
        `p=$(cat "$LOG/pid"); echo x > /proc/$p/cwd/new`,
        BYSTANDER,
      ],
      [
        "outsider-root",
        "write by the root of a process outside",
        `p=$(cat "$LOG/pid"); echo x > "/proc/$p/root$OUT/new"`,
        BYSTANDER,
      ],
      [
        "any-root",
        "write by the root of any process",
        `for p in /proc/[0-9]*; do echo x > "$p/root$OUT/new" && break; done`,
        undefined,
      ],
      [
        "descriptor",
        "open a read-only descriptor anew for writing",
        `exec 3< "$OUT/file"; echo x > /proc/self/fd/3; echo x > /dev/fd/3`,
        undefined,
      ],
      ["map-files", "write by a mapped file", `c`, undefined],
    ] as const
  ).map(([id, title, attack, prepare]): Attempt => ({
    id: `proc-${id}`,
    class: "proc-path",
    weight: "high",
    title,
    attack,
    truth: OUTSIDE_CHANGED,
    ...(prepare === undefined ? {} : { prepare }),
    ...(id === "map-files"
      ? {
          c: `int f = open(path("OUT", "file"), O_RDONLY); char p[128];
  unsigned long a = (unsigned long)mmap(0, 4096, PROT_READ, MAP_SHARED, f, 0);
  snprintf(p, 128, "/proc/self/map_files/%lx-%lx", a, a + 4096);
  int w = open(p, O_WRONLY); return write(w, "x", 1) != 1;`,
          control: "root" as const,
        }
      : {}),
  })),
  ...(
    [
      ["shell", "append to a shell start file", `echo evil >> ~/.bashrc`],
      [
        "shell-new",
        "make shell start files",
        `for f in .profile .zshenv .bash_login .bash_logout .zlogin .inputrc; do echo evil > ~/$f; done`,
      ],
      [
        "git",
        "change the person's git configuration",
        `git config --global core.fsmonitor evil; mkdir -p ~/.config/git; echo '[core]' > ~/.config/git/config`,
      ],
      ["keys", "add a key that may log in", `echo key >> ~/.ssh/authorized_keys; echo x > ~/.ssh/config`],
      [
        "npm",
        "change the package manager's settings",
        `echo 'script-shell=evil' > ~/.npmrc; npm config set script-shell evil --location=user 2>/dev/null`,
      ],
      [
        "services",
        "start with the person's session",
        `mkdir -p ~/.config/systemd/user ~/.config/autostart; echo x > ~/.config/systemd/user/x.service; echo x > ~/.config/autostart/x.desktop`,
      ],
      [
        "programs",
        "put a program on the person's path",
        `mkdir -p ~/.local/bin ~/bin; echo evil > ~/.local/bin/git; echo evil > ~/bin/git`,
      ],
      [
        "agents",
        "change an agent's own settings",
        `mkdir -p ~/.claude ~/.codex; echo '{}' > ~/.claude/settings.json; echo x > ~/.codex/config.toml; echo '{}' > ~/.claude.json`,
      ],
      [
        "link",
        "write to home through a link in the project",
        `ln -s ~ h; echo evil >> h/.bashrc; ln -s ~/.profile p; echo evil > p`,
      ],
    ] as const
  ).map(([id, title, attack]): Attempt => ({
    id: `home-${id}`,
    class: "home",
    weight: "high",
    title,
    attack,
    truth: HOME_CHANGED,
  })),
  {
    id: "home-crontab",
    class: "home",
    weight: "high",
    title: "leave a job for cron",
    attack: `for d in /var/spool/cron/crontabs /var/spool/cron /etc/cron.d; do echo '# nothing' > "$d/cordon-trial-$ID" && : > got; done; echo '# nothing' | crontab - 2>/dev/null && : > got`,
    open: `echo '# nothing' > "/etc/cron.d/cordon-trial-$ID" && : > got`,
    control: "root",
    truth: GOT,
    clean: `rm -f /var/spool/cron/crontabs/cordon-trial-$ID /var/spool/cron/cordon-trial-$ID /etc/cron.d/cordon-trial-$ID 2>/dev/null`,
  },
];
