import type { Work } from "./work.ts";

/** git, in a repository with one commit. */
export const GIT: readonly Work[] = [
  {
    name: "add and commit",
    command: "echo b > b.txt && git add -A && git commit -qm second && git log --format=%s",
    stdout: "second\nfirst\n",
    outside: {
      command: "git log --format=%s; git status --short; git fsck --no-progress",
      stdout: "second\nfirst\n",
    },
  },
  {
    name: "branch, tag, stash, checkout, merge, gc",
    command:
      "git checkout -qb topic && echo t >> a.txt && git commit -qam t && git tag v1 && git tag -am note v2 && echo u >> a.txt && git stash -q && git stash pop -q && git checkout -q -- a.txt && git checkout -q main && git merge -q topic && git tag -d v1 >/dev/null && git log --format=%s && git gc -q && git fsck --no-progress --no-dangling",
    stdout: "t\nfirst\n",
  },
  {
    name: "rebase, reset, clean, status, revert, cherry-pick, bisect",
    command:
      "git checkout -qb x && echo 1 > 1 && git add 1 && git commit -qm 1 && git checkout -q main && echo 2 > 2 && git add 2 && git commit -qm 2 && git checkout -q x && git rebase -q main && git reset -q --hard HEAD~1 && git cherry-pick ORIG_HEAD >/dev/null && git revert --no-edit HEAD >/dev/null && touch junk && git clean -qfd && git status -s && git log --format=%s && git bisect start HEAD HEAD~2 >/dev/null 2>&1 && git bisect reset >/dev/null 2>&1",
    stdout: 'Revert "1"\n1\n2\nfirst\n',
  },
  {
    name: "a merge with a conflict, and rerere, mergetool off",
    command:
      "git checkout -qb y && echo y > a.txt && git commit -qam y && git checkout -q main && echo m > a.txt && git commit -qam m && ! git merge -q y >/dev/null && echo both > a.txt && git add a.txt && git commit -qm both && git log --format=%s -1 && git merge-base main y | wc -c",
    stdout: "both\n41\n",
  },
  {
    name: "a new repository, and a clone of a local path",
    command:
      "git init -q n && cd n && echo x > f && git add f && git commit -qm n && git log --format=%s && git clone -q . ../m && git -C ../m log --format=%s && git clone -q --bare . ../b.git && git -C ../m pull -q",
    stdout: "n\nn\n",
    stderr: /^.*$/s,
  },
  {
    name: "a new linked worktree, with a commit in it",
    command:
      "git worktree add -q w && cd w && echo x > f && git add f && git commit -qm w && git log --format=%s -1 && cd .. && git worktree list | wc -l && git worktree remove w && git worktree prune && git worktree list | wc -l",
    stdout: "w\n2\n1\n",
  },
  {
    name: "a worktree that stays",
    command: "git worktree add -q w && cd w && echo x > f && git add f && git commit -qm w",
    stdout: "",
    outside: { command: "git -C w log --format=%s -1; git -C w status --short", stdout: "w\n" },
  },
  {
    name: "bundle, archive, format-patch, apply, am",
    command:
      "git bundle create -q r.bundle main && git bundle verify -q r.bundle && git archive HEAD | tar t && echo z >> a.txt && git commit -qam z && git format-patch -q -1 && git reset -q --hard HEAD~1 && git am -q 0001-z.patch && git log --format=%s -1 && git diff HEAD~1 | git apply -R && cat a.txt",
    stdout: "a.txt\nz\na\n",
    stderr: /^(.*(okay|records).*\n)*$/,
  },
  {
    name: "blame, grep, log -p, show, notes, describe, sparse reads",
    command:
      "git blame -s a.txt | grep -c a && git grep -c a && git show --stat HEAD | grep -c a.txt && git notes add -m n && git notes show && git tag v1 && git describe --tags && git cat-file -p HEAD:a.txt && git rev-parse --show-toplevel | grep -c ws",
    stdout: "1\na.txt:1\n1\nn\nv1\na\n1\n",
  },
  {
    name: "hooks of the repository run inside",
    command: "echo b > b && git add b && git commit -qm hooked && git log --format=%s -1 && cat hooked",
    before:
      "printf '#!/bin/sh\\necho ran > hooked\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit",
    stdout: "hooked\nran\n",
  },
  {
    name: "a submodule: add, commit in it, update",
    before:
      "git init -q ../outside/lib && git -C ../outside/lib commit -q --allow-empty -m l && git -c protocol.file.allow=always submodule --quiet add ../outside/lib lib && git commit -qm sub",
    command:
      "cd lib && echo x > f && git add f && git commit -qm s && cd .. && git add lib && git commit -qm bump && git submodule status | wc -l && git -C lib log --format=%s && git log --format=%s -1",
    stdout: "1\ns\nl\nbump\n",
  },
];
