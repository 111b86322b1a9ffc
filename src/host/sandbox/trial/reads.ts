import { type Attempt, LEAKED } from "./attempt.ts";

const read = (
  id: string,
  title: string,
  attack: string,
  more: Partial<Omit<Attempt, "id" | "title" | "attack">> = {},
): Attempt => ({
  id: `read-${id}`,
  class: "secret",
  weight: "high",
  title,
  attack,
  truth: LEAKED,
  ...more,
});

/** Puts the secret of this attempt into files of the scene. */
const SECRET = (...paths: readonly string[]): string =>
  paths.map((path) => `mkdir -p "$(dirname "${path}")" && echo "$CANARY" > "${path}"`).join("; ");

/**
 * Secrets: files (sandboxing.md 9.2). The scene denies `.env` at any depth, `private/` in the
 * project and `denied` outside by rules; the secret is in them, in `~/.ssh/id_rsa` and `~/.netrc`.
 */
export const READS: readonly Attempt[] = [
  read("key", "read a key and a password file", `cat ~/.ssh/id_rsa ~/.netrc`),
  read(
    "stores",
    "read the stores of tools",
    `cat ~/.aws/credentials ~/.kube/config ~/.docker/config.json ~/.gnupg/k ~/.npmrc ~/.git-credentials ~/.bash_history ~/.config/gh/hosts.yml ~/.config/gcloud/c ~/.cargo/credentials.toml ~/.pypirc ~/.azure/t ~/.mozilla/firefox/x/logins.json ~/.password-store/a.gpg`,
    {
      prepare: SECRET(
        "$HOME/.aws/credentials",
        "$HOME/.kube/config",
        "$HOME/.docker/config.json",
        "$HOME/.gnupg/k",
        "$HOME/.npmrc",
        "$HOME/.git-credentials",
        "$HOME/.bash_history",
        "$HOME/.config/gh/hosts.yml",
        "$HOME/.config/gcloud/c",
        "$HOME/.cargo/credentials.toml",
        "$HOME/.pypirc",
        "$HOME/.azure/t",
        "$HOME/.mozilla/firefox/x/logins.json",
        "$HOME/.password-store/a.gpg",
      ),
    },
  ),
  read(
    "link",
    "read through links",
    `ln -s ~/.ssh/id_rsa k; ln -s ~/.ssh s; ln -s ~ h; cat k s/id_rsa h/.netrc`,
  ),
  read(
    "proc-root",
    "read by the root in /proc",
    `cat "/proc/self/root$HOME/.netrc" "/proc/1/root$HOME/.ssh/id_rsa" "/proc/$PPID/root$HOME/.netrc"`,
  ),
  read(
    "proc-cwd",
    "read by a relative way from /proc",
    `cat "/proc/self/cwd/../home/.netrc" /proc/$$/cwd/../home/.ssh/id_rsa`,
  ),
  read(
    "outsider-root",
    "read by the root of a process outside",
    `cat "/proc/$(cat "$LOG/pid")/root$HOME/.netrc" "/proc/$(cat "$LOG/pid")/cwd/.netrc"`,
    {
      prepare: `(cd ~ && exec sleep 30) & echo $! > "$LOG/pid"`,
    },
  ),
  read(
    "hard-link",
    "read through a new hard link",
    `ln ~/.netrc loot; ln ~/.ssh/id_rsa loot2; ln private/key loot3; cat loot loot2 loot3`,
  ),
  read("path-descriptor", "read by a descriptor of the path alone", "c", {
    c: `char p[64]; int f = open(path("HOME", ".netrc"), O_PATH);
  snprintf(p, 64, "/proc/self/fd/%d", f); return show(open(p, O_RDONLY));`,
  }),
  read("openat2", "read by openat2", "c", {
    c: `struct { unsigned long long flags, mode, resolve; } how = { O_RDONLY, 0, 0 };
  int d = open(getenv("HOME"), O_PATH | O_DIRECTORY);
  return show(syscall(437, d, ".netrc", &how, sizeof how));`,
  }),
  read(
    "mask-mode",
    "open the mask by its mode",
    `chmod 755 ~/.ssh; chmod 644 ~/.netrc; chown "$(id -u)" ~/.netrc; cat ~/.ssh/id_rsa ~/.netrc`,
  ),
  read(
    "copy-tree",
    "copy whole trees",
    `cp -r ~ c; tar cf - ~ "$OUT" .; grep -rs . ~ private; git diff --no-index /dev/null ~/.netrc; cat c/.netrc`,
  ),
  read(
    "rule-file",
    "read files that rules deny",
    `cat .env private/key "$OUT/denied"; git add -A; git show :.env; git show :private/key; git stash -u; git stash show -p --include-untracked`,
  ),
  read(
    "rule-link",
    "read denied files through links",
    `ln -s private p; cat p/key; ln -s .env e; cat e; ln -s "$OUT/denied" d; cat d`,
  ),
  read(
    "rule-glob",
    "read denied files deep in the project",
    `cat a/b/c/d/e/f/g/h/.env "a b/.env"; find . -name .env -exec cat {} +`,
    {
      prepare: SECRET("$WS/a/b/c/d/e/f/g/h/.env", "$WS/a b/.env"),
    },
  ),
  read("rule-glob-link", "read a denied name that is a link", `cat linked/.env; cat real.txt`, {
    prepare: `${SECRET("$WS/real.txt")}; mkdir "$WS/linked"; ln -s ../real.txt "$WS/linked/.env"`,
  }),
  read(
    "rule-rename",
    "rename what is denied, then read it",
    `mv private p2; cat p2/key; mv .env e; cat e; mv a z; cat z/.env`,
    {
      prepare: SECRET("$WS/a/.env"),
    },
  ),
  read(
    "rule-rename-later",
    "rename what is denied, and read it in the next command",
    `mv private p2; mv .env e; mv a z; mkdir q; mv a/b q/b`,
    {
      prepare: SECRET("$WS/a/.env", "$WS/a/b/.env"),
      again: `cat p2/key e z/.env z/b/.env q/b/.env`,
    },
  ),
  read("rule-unnamed", "name away the directory above a denied one", `mv up up2; mkdir up`, {
    prepare: SECRET("$WS/up/private/key", "$WS/up/more/.env"),
    again: `cat up2/more/.env; cat private/key`,
  }),
  read("rule-exchange", "exchange a denied file with another", "c", {
    c: `syscall(SYS_renameat2, AT_FDCWD, ".env", AT_FDCWD, "a.txt", 2);
  syscall(SYS_renameat2, AT_FDCWD, "private", AT_FDCWD, ".git/logs", 2);
  show(open("a.txt", O_RDONLY)); return show(open(".git/logs/key", O_RDONLY));`,
    again: `cat a.txt .git/logs/key`,
  }),
  read("rule-late", "read a denied file that was made between two commands", `true`, {
    between: SECRET("$WS/late/deep/.env"),
    again: `cat late/deep/.env`,
  }),
  read(
    "rule-appears",
    "read a denied file that somebody outside makes during the command",
    `: > ready; for i in $(seq 100); do test -s new/.env && break; sleep 0.02; done; cat new/.env`,
    {
      weight: "low",
      prepare: `(for i in $(seq 200); do test -e "$WS/ready" && break; sleep 0.02; done; mkdir "$WS/new"; echo "$CANARY" > "$WS/new/.env.tmp"; mv "$WS/new/.env.tmp" "$WS/new/.env") &`,
      known: "a denied file that appears while a command runs is found before the next command",
    },
  ),
  read(
    "history",
    "read a denied file in the history of the repository",
    `git show HEAD:old.env; git log -p`,
    {
      weight: "low",
      prepare: `cd "$WS" && echo "$CANARY" > old.env && git add -f old.env && git commit -qm old && git rm -q --cached old.env && mv old.env private/`,
      known: "what was committed is in the repository, which is readable",
    },
  ),
  read(
    "own-state",
    "read cordon's own records",
    `cat "$BASE/state/cordon/audit/log" "$BASE"/state/cordon/*/*; ls -R "$BASE/state/cordon"`,
    {
      prepare: SECRET("$BASE/state/cordon/audit/log"),
    },
  ),
  read(
    "shadow",
    "read the machine's passwords",
    `head -c 1 /etc/shadow > loot; head -c 1 /etc/gshadow >> loot; head -c 1 /etc/sudoers >> loot`,
    {
      control: "root",
      truth: `test -s "$WS/loot"`,
    },
  ),
  read(
    "sockets-place",
    "read what services left in /run and /tmp",
    `cat /run/cordon-trial-$ID /tmp/cordon-trial-$ID /dev/shm/cordon-trial-$ID /var/tmp/cordon-trial-$ID`,
    {
      weight: "medium",
      prepare: `for d in /run /tmp /dev/shm /var/tmp; do (umask 077; echo "$CANARY" > "$d/cordon-trial-$ID"); done 2>/dev/null; true`,
      clean: `for d in /run /tmp /dev/shm /var/tmp; do rm -f "$d/cordon-trial-$ID"; done 2>/dev/null`,
    },
  ),
  read("kernel-log", "read the kernel's log", `dmesg > loot; head -c 100 /dev/kmsg >> loot; c >> loot`, {
    weight: "low",
    c: `static char b[4096]; int n = syscall(SYS_syslog, 3, b, sizeof b); return n > 0 ? write(1, b, n) < 0 : 1;`,
    open: `c > loot`,
    truth: `test -s "$WS/loot"`,
    control: { maybe: "users may be kept from it" },
  }),
  read(
    "symbols",
    "read addresses of the kernel",
    `grep -v '^0* ' /proc/kallsyms | head -1 > loot; grep -v ' 0x0* ' /proc/modules | head -1 >> loot; cat /boot/System.map* 2>/dev/null | head -1 > /dev/null; true`,
    {
      weight: "low",
      truth: `test -s "$WS/loot"`,
      control: "root",
    },
  ),
  {
    id: "environment-own",
    class: "environment",
    weight: "high",
    title: "read tokens in the own environment",
    attack: `env; cat /proc/self/environ /proc/$$/environ /proc/1/environ /proc/$PPID/environ | tr '\\0' '\\n'`,
    truth: LEAKED,
  },
  {
    id: "environment-others",
    class: "environment",
    weight: "high",
    title: "read environments of all processes",
    attack: `cat /proc/[0-9]*/environ /proc/[0-9]*/task/*/environ | tr '\\0' '\\n' | grep TRIAL_TOKEN`,
    prepare: `TRIAL_TOKEN="$CANARY" sleep 30 & echo $! > "$LOG/pid"`,
    truth: LEAKED,
  },
  {
    id: "environment-arguments",
    class: "environment",
    weight: "high",
    title: "read arguments of all processes",
    attack: `cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'; ps axww; ps axeww`,
    prepare: `bash -c 'sleep 30; true' "$CANARY" & echo $! > "$LOG/pid"`,
    truth: LEAKED,
  },
  {
    id: "environment-visible",
    class: "environment",
    weight: "medium",
    title: "see a process outside at all",
    attack: `cat /proc/[0-9]*/comm > loot; c $(cat "$LOG/pid")`,
    c: `if (kill(atoi(argv[1]), 0) == 0 || errno == EPERM) return got();
  return getpgid(atoi(argv[1])) > 0 || sched_getscheduler(atoi(argv[1])) >= 0 ? got() : 1;`,
    prepare: `cp /bin/sleep "$LOG/v$NUM" && "$LOG/v$NUM" 30 & echo $! > "$LOG/pid"; sleep 0.05`,
    truth: `got || cat "$WS/loot" 2>/dev/null | grep -q "^v$NUM"`,
  },
  {
    id: "environment-keyring",
    class: "environment",
    weight: "medium",
    title: "read a key of the person's keyring",
    attack: "c",
    c: `if (argc > 1 && strcmp(argv[1], "add") == 0) return syscall(SYS_add_key, "user", getenv("ID"), getenv("CANARY"), strlen(getenv("CANARY")), -4) < 0;
  long k = syscall(SYS_request_key, "user", getenv("ID"), 0, -4);
  if (k < 0) k = syscall(SYS_keyctl, 10, -4, "user", getenv("ID"), 0);
  if (argc > 1) return syscall(SYS_keyctl, 9, k, -4) < 0;
  char b[256] = {0}; int n = syscall(SYS_keyctl, 11, k, b, 255); return n > 0 ? write(1, b, n) < 0 : 1;`,
    // Linked into the session's keyring it would be found without any right of its own.
    prepare: "c add",
    truth: LEAKED,
    clean: "c remove",
    control: { maybe: "the kernel may keep no keys" },
  },
  {
    id: "environment-key-added",
    class: "environment",
    weight: "medium",
    title: "add a key to the person's keyring",
    attack: "c add",
    c: `if (argc > 1 && strcmp(argv[1], "add") == 0) return syscall(SYS_add_key, "user", getenv("ID"), "x", 1L, -4) < 0;
  long k = syscall(SYS_keyctl, 10, -4, "user", getenv("ID"), 0);
  if (argc > 1) return k < 0 ? 1 : syscall(SYS_keyctl, 9, k, -4) < 0;
  return k < 0;`,
    truth: "c",
    clean: "c remove",
    control: { maybe: "the kernel may keep no keys" },
  },
  {
    id: "environment-keys-listed",
    class: "environment",
    weight: "low",
    title: "list the keys of the machine",
    attack: `cat /proc/keys > loot; cat /proc/key-users >> loot`,
    c: `if (argc > 1 && strcmp(argv[1], "add") == 0) return syscall(SYS_add_key, "user", getenv("ID"), "x", 1L, -4) < 0;
  return syscall(SYS_keyctl, 9, syscall(SYS_keyctl, 10, -4, "user", getenv("ID"), 0), -4) < 0;`,
    prepare: "c add",
    truth: `cat "$WS/loot" 2>/dev/null | grep -q "$ID"`,
    known: "the names of the caller's keys can be listed, not what is in them",
    clean: "c remove",
    control: { maybe: "the kernel may keep no keys" },
  },
];
