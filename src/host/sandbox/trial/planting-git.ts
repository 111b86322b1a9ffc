import { type Attempt, HOME_CHANGED, OUTSIDE_CHANGED, RAN, type TrialClass } from "./attempt.ts";

/** Shell text that writes a program leaving the mark to a path. */
export const EVIL = (path: string): string =>
  `printf '#!/bin/sh\\ntouch "%s"\\ntest -t 0 || cat\\n' "$MARK" > "${path}"; chmod +x "${path}"`;

/** A configuration line that leaves the mark when anybody asks for the status. */
export const MONITOR = `printf '[core]\\n\\tfsmonitor = touch \\\\"%s\\\\";\\n' "$MARK"`;

export const plant = (
  className: TrialClass,
  id: string,
  title: string,
  attack: string,
  more: Partial<Omit<Attempt, "id" | "class" | "title" | "attack">> = {},
): Attempt => ({ id, class: className, weight: "high", title, attack, truth: RAN, ...more });

const hook = (id: string, title: string, attack: string, more: Parameters<typeof plant>[4] = {}): Attempt =>
  plant("hook", `hook-${id}`, title, attack, more);
const config = (id: string, title: string, attack: string, more: Parameters<typeof plant>[4] = {}): Attempt =>
  plant("git-config", `config-${id}`, title, attack, more);
const shape = (id: string, title: string, attack: string, more: Parameters<typeof plant>[4] = {}): Attempt =>
  plant("git-shape", `shape-${id}`, title, attack, more);

/** Planting in the repository that is there (sandboxing.md 9.3). */
export const GIT: readonly Attempt[] = [
  hook("new", "make a hook", EVIL(".git/hooks/pre-commit")),
  hook(
    "all",
    "make every hook",
    `for h in post-checkout post-commit post-index-change pre-commit prepare-commit-msg commit-msg reference-transaction post-merge fsmonitor-watchman; do ${EVIL(".git/hooks/$h")}; done`,
  ),
  hook(
    "changed",
    "change a hook that is there",
    `echo 'touch "'"$MARK"'"' >> .git/hooks/pre-commit; ${EVIL(".git/hooks/pre-commit")}`,
    {
      prepare: `printf '#!/bin/sh\\nexit 0\\n' > "$WS/.git/hooks/pre-commit"; chmod +x "$WS/.git/hooks/pre-commit"`,
    },
  ),
  hook("by-rename", "rename a file to a hook", `${EVIL("evil")}; mv evil .git/hooks/post-commit`),
  hook("by-hard-link", "make a hook by a hard link", `${EVIL("evil")}; ln evil .git/hooks/pre-commit`),
  hook("by-link", "make a hook by a link", `${EVIL("evil")}; ln -s ../../evil .git/hooks/pre-commit`),
  hook("unnamed-file", "give a file without a name a hook's name", "c", {
    c: `char from[64]; int f = open(".", O_TMPFILE | O_RDWR, 0755);
  dprintf(f, "#!/bin/sh\\ntouch \\"%s\\"\\n", getenv("MARK"));
  snprintf(from, 64, "/proc/self/fd/%d", f);
  int r = linkat(AT_FDCWD, from, AT_FDCWD, ".git/hooks/pre-commit", AT_SYMLINK_FOLLOW);
  return r;`,
  }),
  hook(
    "exchanged",
    "exchange the hooks with another directory",
    `mkdir evil; ${EVIL("evil/pre-commit")}; c`,
    {
      c: `return syscall(SYS_renameat2, AT_FDCWD, "evil", AT_FDCWD, ".git/hooks", 2);`,
    },
  ),
  hook(
    "directory-link",
    "put a link in the place of the hooks",
    `mkdir evil; ${EVIL("evil/pre-commit")}; mv .git/hooks .git/old || rm -rf .git/hooks; ln -s ../evil .git/hooks`,
  ),
  hook(
    "no-directory",
    "make hooks where there are none",
    `mkdir -p .git/hooks; ${EVIL(".git/hooks/pre-commit")}`,
    {
      prepare: `rm -rf "$WS/.git/hooks"`,
    },
  ),
  hook(
    "no-directory-link",
    "make a link to hooks where there are none",
    `mkdir evil; ${EVIL("evil/pre-commit")}; ln -s ../evil .git/hooks`,
    {
      prepare: `rm -rf "$WS/.git/hooks"`,
    },
  ),
  hook(
    "no-directory-rename",
    "rename a directory to hooks where there are none",
    `mkdir evil; ${EVIL("evil/post-commit")}; mv evil .git/hooks`,
    {
      prepare: `rm -rf "$WS/.git/hooks"`,
    },
  ),
  hook(
    "archive",
    "unpack a hook",
    `mkdir -p x/.git/hooks; ${EVIL("x/.git/hooks/pre-commit")}; tar cf h.tar -C x .git && tar xf h.tar; rm -rf x`,
  ),
  hook(
    "template",
    "let git itself bring a hook",
    `mkdir -p t/hooks; ${EVIL("t/hooks/pre-commit")}; git init -q --template=t .; GIT_TEMPLATE_DIR="$PWD/t" git init -q .`,
  ),
  hook("mode", "make a sleeping hook executable", `chmod +x .git/hooks/pre-commit; ${EVIL("tool")}`, {
    prepare: `printf '#!/bin/sh\\n./tool\\n' > "$WS/.git/hooks/pre-commit"; chmod -x "$WS/.git/hooks/pre-commit"`,
  }),
  hook(
    "named-directory",
    "change hooks in the directory that the configuration names",
    `${EVIL("hooks/pre-commit")}; ${EVIL("hooks/post-commit")}; mv hooks h2; mkdir hooks; ${EVIL("hooks/pre-commit")}`,
    {
      prepare: `mkdir "$WS/hooks"; printf '#!/bin/sh\\nexit 0\\n' > "$WS/hooks/pre-commit"; chmod +x "$WS/hooks/pre-commit"; git -C "$WS" config core.hooksPath hooks`,
    },
  ),
  hook(
    "named-absent",
    "make the directory of hooks that the configuration names",
    `mkdir -p tools/hooks; ${EVIL("tools/hooks/pre-commit")}`,
    {
      prepare: `git -C "$WS" config core.hooksPath tools/hooks`,
    },
  ),
  hook(
    "named-by-person",
    "change hooks that the person's own configuration names",
    `mkdir -p githooks; ${EVIL("githooks/pre-commit")}`,
    {
      prepare: `mkdir "$WS/githooks"; git config --global core.hooksPath githooks`,
    },
  ),
  hook(
    "late",
    "let a process without a parent make a hook at the end",
    `(setsid bash -c 'for i in $(seq 40); do ${EVIL(".git/hooks/pre-commit").replaceAll("'", `'"'"'`)}; sleep 0.01; done' >/dev/null 2>&1 &)`,
    {
      truth: `sleep 0.5; ${RAN}`,
    },
  ),
  config(
    "hooks-path",
    "name another directory of hooks",
    `mkdir evil; ${EVIL("evil/pre-commit")}; git config core.hooksPath evil; printf '[core]\\n\\thooksPath = evil\\n' >> .git/config`,
  ),
  config(
    "monitor",
    "name a program that watches files",
    `${MONITOR} >> .git/config; git config core.fsmonitor "touch '$MARK';"`,
  ),
  config(
    "renamed",
    "rename a configuration into place",
    `cp .git/config c; ${MONITOR} >> c; mv -f c .git/config; cp .git/config c; ${MONITOR} >> c; ln -f c .git/config`,
  ),
  config("exchanged", "exchange the configuration", `cp .git/config c; ${MONITOR} >> c; c`, {
    c: `return syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, ".git/config", 2);`,
  }),
  config(
    "linked",
    "put a link in the place of the configuration",
    `cp .git/config c; ${MONITOR} >> c; rm -f .git/config; ln -s ../c .git/config`,
  ),
  config(
    "include",
    "include another file",
    `${MONITOR} > inc; git config include.path ../inc; printf '[include]\\n\\tpath = ../inc\\n' >> .git/config`,
  ),
  config("included", "change a file that is included", `${MONITOR} >> inc; mv inc i2; ${MONITOR} > inc`, {
    prepare: `echo '[user]' > "$WS/inc"; git -C "$WS" config include.path ../inc`,
  }),
  config("included-absent", "make a file that is included", `${MONITOR} > team.gitconfig`, {
    prepare: `git -C "$WS" config include.path ../team.gitconfig`,
  }),
  config(
    "filter",
    "name a filter and select it",
    `git config filter.x.clean "touch '$MARK'; cat"; printf '[filter "x"]\\n\\tclean = "touch \\\\"%s\\\\"; cat"\\n' "$MARK" >> .git/config; echo '* filter=x' > .gitattributes`,
  ),
  config(
    "attributes",
    "select a filter that is there",
    `mkdir -p .git/info; echo '* filter=x' > .git/info/attributes`,
    {
      prepare: `git -C "$WS" config filter.x.clean "touch '$MARK'; cat"`,
      weight: "medium",
    },
  ),
  config(
    "diff",
    "name a program that shows differences",
    `git config diff.external "touch '$MARK';"; printf '[diff]\\n\\texternal = touch \\\\"%s\\\\";\\n' "$MARK" >> .git/config`,
  ),
  config(
    "signing",
    "name a program that signs",
    `${EVIL("sign")}; git config gpg.program "$PWD/sign"; git config commit.gpgsign true; printf '[commit]\\n\\tgpgsign = true\\n[gpg]\\n\\tprogram = %s/sign\\n' "$PWD" >> .git/config`,
  ),
  config(
    "worktree",
    "use a configuration of the working tree",
    `${MONITOR} > .git/config.worktree; git config extensions.worktreeConfig true; printf '[extensions]\\n\\tworktreeConfig = true\\n' >> .git/config`,
  ),
  config(
    "worktree-on",
    "make the configuration of the working tree where it is in use",
    `${MONITOR} > .git/config.worktree`,
    {
      prepare: `git -C "$WS" config extensions.worktreeConfig true`,
    },
  ),
  config(
    "lock",
    "leave a configuration in the lock file",
    `cp .git/config .git/config.lock; ${MONITOR} >> .git/config.lock; mv -f .git/config.lock .git/config`,
  ),
  config(
    "remote",
    "name a helper for the remote",
    `git config remote.origin.url "ext::touch \${MARK// /% }"; git config protocol.ext.allow always; printf '[remote "origin"]\\n\\turl = "ext::touch %s"\\n[protocol "ext"]\\n\\tallow = always\\n' "\${MARK// /% }" >> .git/config`,
    {
      truth: `cd "$WS"; git fetch origin >/dev/null 2>&1 < /dev/null; test -e "$MARK"`,
    },
  ),
  shape(
    "swapped",
    "put another repository in the place of .git",
    `cp -r .git g2; ${MONITOR} >> g2/config; mv .git old && mv g2 .git`,
  ),
  shape("exchanged", "exchange .git with another repository", `cp -r .git g2; ${MONITOR} >> g2/config; c`, {
    c: `return syscall(SYS_renameat2, AT_FDCWD, "g2", AT_FDCWD, ".git", 2);`,
  }),
  shape(
    "file",
    "put a file in the place of .git",
    `cp -r .git g2; ${MONITOR} >> g2/config; mv .git old || rm -rf .git; echo 'gitdir: g2' > .git`,
  ),
  shape(
    "link",
    "put a link in the place of .git",
    `cp -r .git g2; ${MONITOR} >> g2/config; mv .git old || rm -rf .git; ln -s g2 .git`,
  ),
  shape(
    "commondir",
    "name another common directory",
    `cp -r .git g2; ${MONITOR} >> g2/config; echo ../g2 > .git/commondir`,
  ),
  shape(
    "commondir-link",
    "name another common directory by a link",
    `cp -r .git g2; ${MONITOR} >> g2/config; echo ../g2 > cd; ln -s ../cd .git/commondir`,
  ),
  shape(
    "removed",
    "remove what makes .git a repository, and give the project the shape of one",
    `cp -r .git g; rm -rf .git/HEAD .git/objects .git/refs; cp -r g/HEAD g/objects g/refs .; printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tworktree = .\\n' > config; ${MONITOR} >> config`,
    {
      truth: `cd "$WS"; git status -s >/dev/null 2>&1; test -e "$MARK"`,
    },
  ),
  shape(
    "message-link",
    "let git write the next message elsewhere",
    `ln -sf "$HOME/.bashrc" .git/COMMIT_EDITMSG; ln -sf "$HOME/.bashrc" .git/ORIG_HEAD; ln -sf "$HOME/.profile" .git/FETCH_HEAD`,
    {
      weight: "medium",
      after: "work",
      truth: HOME_CHANGED,
    },
  ),
  shape(
    "log-link",
    "let git keep its log elsewhere",
    `rm -f .git/logs/HEAD; ln -s "$HOME/.bashrc" .git/logs/HEAD; rm -f .git/logs/refs/heads/main; ln -s "$OUT/file" .git/logs/refs/heads/main`,
    {
      weight: "medium",
      after: "work",
      truth: `${HOME_CHANGED} || ${OUTSIDE_CHANGED}`,
    },
  ),
  shape(
    "index-link",
    "let git keep its index elsewhere",
    `mv .git/index i; ln -s "$OUT/new" .git/index; ln -s "$OUT/new2" .git/packed-refs`,
    {
      weight: "medium",
      after: `work; (cd "$WS"; git pack-refs --all) 2>/dev/null`,
      truth: OUTSIDE_CHANGED,
    },
  ),
  shape("object-link", "let git keep its objects elsewhere", "c", {
    c: `char at[64]; for (int i = 0; i < 256; i++) { snprintf(at, 64, ".git/objects/%02x", i); symlink(path("OUT", "dir"), at); } return 0;`,
    weight: "medium",
    after: "work",
    truth: OUTSIDE_CHANGED,
  }),
  shape("ref-link", "let git keep a branch elsewhere", `rm -rf .git/refs/tags; ln -s "$OUT" .git/refs/tags`, {
    weight: "medium",
    after: `work; git -C "$WS" tag t1 2>/dev/null`,
    truth: OUTSIDE_CHANGED,
  }),
];
