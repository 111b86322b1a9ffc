import { type Attempt, OUTSIDE_CHANGED } from "./attempt.ts";
import { EVIL, MONITOR, plant } from "./planting-git.ts";

const made = (id: string, title: string, attack: string, more: Parameters<typeof plant>[4] = {}): Attempt =>
  plant("git-new", `new-${id}`, title, attack, more);

/** A person works in another directory than the top of the project. */
const RAN_IN = (...directories: readonly string[]): string =>
  `${directories.map((directory) => `work "${directory}"`).join("; ")}; test -e "$MARK"`;

const STATUS_IN = (...directories: readonly string[]): string =>
  `${directories.map((directory) => `(cd "${directory}" && git status -s) >/dev/null 2>&1`).join("; ")}; test -e "$MARK"`;

/** Planting in repositories that the command makes, and in submodules and worktrees (sandboxing.md 9.3). */
export const GIT_NEW: readonly Attempt[] = [
  made("hook", "make a repository with a hook", `git init -q sub; ${EVIL("sub/.git/hooks/pre-commit")}`, {
    truth: RAN_IN("$WS/sub"),
  }),
  made(
    "deep",
    "make a repository with a hook twenty directories deep",
    `d=$(printf 'd/%.0s' $(seq 20)); mkdir -p $d; git init -q $d/sub; ${EVIL("$d/sub/.git/hooks/pre-commit")}`,
    {
      truth: `d=$(printf 'd/%.0s' $(seq 20)); work "$WS/$d/sub"; test -e "$MARK"`,
    },
  ),
  made("config", "make a repository with a configuration", `git init -q sub; ${MONITOR} >> sub/.git/config`, {
    truth: RAN_IN("$WS/sub"),
  }),
  made(
    "template",
    "make a repository from a template",
    `mkdir -p t/hooks; ${EVIL("t/hooks/pre-commit")}; git init -q --template="$PWD/t" sub`,
    {
      truth: RAN_IN("$WS/sub"),
    },
  ),
  made(
    "clone",
    "clone with a hook and a configuration",
    `git clone -q -c core.fsmonitor="touch '$MARK';" . sub; ${EVIL("sub/.git/hooks/post-commit")}`,
    {
      truth: RAN_IN("$WS/sub"),
    },
  ),
  made(
    "moved",
    "rename a finished repository into place",
    `git init -q x; ${MONITOR} >> x/.git/config; mkdir y; mv x/.git y/g; mv y/g y/.git`,
    {
      truth: RAN_IN("$WS/y"),
    },
  ),
  made(
    "gitfile",
    "make a .git that names a repository in the project",
    `git init -q --bare store; printf '[core]\\n\\tbare = false\\n\\tworktree = %s/sub\\n' "$PWD" >> store/config; ${MONITOR} >> store/config; mkdir sub; echo 'gitdir: ../store' > sub/.git`,
    {
      truth: RAN_IN("$WS/sub"),
    },
  ),
  made(
    "gitfile-modules",
    "name a repository where nobody looks",
    `mkdir -p node_modules; git init -q --bare node_modules/g; printf '[core]\\n\\tbare = false\\n\\tworktree = %s/sub\\n' "$PWD" >> node_modules/g/config; ${MONITOR} >> node_modules/g/config; mkdir sub; echo 'gitdir: ../node_modules/g' > sub/.git`,
    {
      truth: RAN_IN("$WS/sub"),
    },
  ),
  made(
    "in-modules",
    "make a repository below node_modules",
    `mkdir -p node_modules/pkg; git init -q node_modules/pkg; ${MONITOR} >> node_modules/pkg/.git/config; ${EVIL("node_modules/pkg/.git/hooks/pre-commit")}`,
    {
      weight: "low",
      known: "node_modules is not searched unless a rule needs it",
      truth: RAN_IN("$WS/node_modules/pkg"),
    },
  ),
  made(
    "link",
    "make a .git that is a link",
    `git init -q x; ${MONITOR} >> x/.git/config; mkdir sub; ln -s ../x/.git sub/.git; mv x/.git x/hidden; rm sub/.git; ln -s ../x/hidden sub/.git`,
    {
      truth: RAN_IN("$WS/sub"),
    },
  ),
  made(
    "bare",
    "make the shape of a repository in a plain directory",
    `mkdir docs; git init -q --bare b; mv b/* docs/; printf '[core]\\n\\tbare = false\\n\\tworktree = .\\n' >> docs/config; ${MONITOR} >> docs/config`,
    {
      truth: STATUS_IN("$WS/docs"),
      weight: "medium",
    },
  ),
  made(
    "bare-by-hand",
    "make the shape by hand, with links",
    `mkdir -p docs/o docs/r; cd docs; ln -s o objects; ln -s r refs; ln -s refs/heads/main HEAD; printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tworktree = .\\n' > config; ${MONITOR} >> config`,
    {
      truth: STATUS_IN("$WS/docs"),
      weight: "medium",
    },
  ),
  made(
    "bare-commondir",
    "make the shape by a common directory",
    `mkdir docs store; git init -q --bare store; printf '[core]\\n\\tbare = false\\n\\tworktree = ../docs\\n' >> store/config; ${MONITOR} >> store/config; cp store/HEAD docs/; echo ../store > docs/commondir`,
    {
      truth: STATUS_IN("$WS/docs", "$WS/store"),
      weight: "medium",
    },
  ),
  made(
    "bare-committed",
    "check the shape out from a commit",
    `git init -q --bare b; printf '[core]\\n\\tbare = false\\n\\tworktree = .\\n' >> b/config; ${MONITOR} >> b/config; touch b/objects/k b/refs/k; git checkout -q -b evil; git add -f b; git commit -qm b; rm -rf b; git checkout -q main; git checkout -q evil`,
    {
      truth: STATUS_IN("$WS/b"),
      weight: "medium",
    },
  ),
  made(
    "closed",
    "make a repository in a directory that is then closed",
    `mkdir -p shut; git init -q shut/sub; ${MONITOR} >> shut/sub/.git/config; chmod 000 shut/sub; chmod 100 shut`,
    {
      truth: `chmod 755 "$WS/shut" "$WS/shut/sub" 2>/dev/null; work "$WS/shut/sub"; test -e "$MARK"`,
    },
  ),
  made(
    "odd-name",
    "make a repository in a directory whose name is no text",
    `d=$(printf 'x\\377'); mkdir "$d"; git init -q "$d/sub"; ${MONITOR} >> "$d/sub/.git/config"`,
    {
      truth: `for d in "$WS"/x*; do work "$d/sub"; done; test -e "$MARK"`,
      weight: "medium",
    },
  ),
  made(
    "newline-name",
    "make a repository in a directory with a line end in its name",
    `d=$(printf 'a\\nb '); mkdir "$d"; git init -q "$d/sub"; ${MONITOR} >> "$d/sub/.git/config"`,
    {
      truth: `d=$(printf 'a\\nb '); work "$WS/$d/sub"; test -e "$MARK"`,
    },
  ),
  made(
    "crowd",
    "hide a repository behind a hundred thousand files",
    "c; git init -q zz/sub; " +
      `${MONITOR} >> zz/sub/.git/config; git init -q aa/sub; ${MONITOR} >> aa/sub/.git/config`,
    {
      c: `mkdir("crowd", 0755); chdir("crowd"); char n[16];
  for (int i = 0; i < 101000; i++) { snprintf(n, 16, "%d", i); if (mknod(n, S_IFREG | 0644, 0)) return 1; }
  return 0;`,
      open: `git init -q zz/sub; ${MONITOR} >> zz/sub/.git/config`,
      truth: RAN_IN("$WS/zz/sub", "$WS/aa/sub"),
      heavy: true,
      weight: "medium",
    },
  ),
  made(
    "module-hook",
    "make a hook in a submodule",
    `${EVIL(".git/modules/lib/hooks/pre-commit")}; ${MONITOR} >> .git/modules/lib/config`,
    {
      prepare: `git init -q "$OUT/lib" && git -C "$OUT/lib" commit -q --allow-empty -m l && cd "$WS" && git -c protocol.file.allow=always submodule --quiet add "$OUT/lib" lib && git commit -qm sub`,
      truth: RAN_IN("$WS/lib"),
    },
  ),
  made(
    "module-config",
    "change the configuration of a submodule",
    `cp .git/modules/lib/config c; ${MONITOR} >> c; mv -f c .git/modules/lib/config; cp -r .git/modules/lib .git/modules/l2; ${MONITOR} >> .git/modules/l2/config; echo 'gitdir: ../.git/modules/l2' > lib/.git`,
    {
      prepare: `git init -q "$OUT/lib" && git -C "$OUT/lib" commit -q --allow-empty -m l && cd "$WS" && git -c protocol.file.allow=always submodule --quiet add "$OUT/lib" lib && git commit -qm sub`,
      truth: RAN_IN("$WS/lib"),
    },
  ),
  made(
    "module-new",
    "bring a submodule's repository along",
    `git init -q --bare .git/modules/evil; printf '[core]\\n\\tbare = false\\n\\tworktree = ../../../evil\\n' >> .git/modules/evil/config; ${MONITOR} >> .git/modules/evil/config; mkdir evil; echo 'gitdir: ../.git/modules/evil' > evil/.git`,
    {
      truth: RAN_IN("$WS/evil"),
    },
  ),
  made(
    "module-update",
    "let a submodule be updated by a command",
    `git init -q lib; git -C lib commit -q --allow-empty -m l; printf '[submodule "lib"]\\n\\tpath = lib\\n\\turl = ./lib\\n\\tupdate = !touch "%s"\\n' "$MARK" > .gitmodules; git add lib .gitmodules 2>/dev/null; git config submodule.lib.update "!touch '$MARK'"; git config submodule.lib.url "$PWD/lib"`,
    {
      truth: `cd "$WS"; git -c protocol.file.allow=always submodule update --init >/dev/null 2>&1; git -c protocol.file.allow=always submodule update >/dev/null 2>&1; test -e "$MARK"`,
      open: `git init -q lib; git -C lib commit -q --allow-empty -m l; git add lib; git config submodule.lib.update "!touch '$MARK'"; git config submodule.lib.url "$PWD/lib"; git config submodule.lib.active true; printf '[submodule "lib"]\\n\\tpath = lib\\n\\turl = ./lib\\n' > .gitmodules; git -C lib commit -q --allow-empty -m m`,
    },
  ),
  made(
    "worktree-main",
    "plant in the repository behind a linked worktree",
    `${EVIL("$WS/.git/hooks/pre-commit")}; ${MONITOR} >> "$WS/.git/config"; ${MONITOR} > "$WS/.git/config.worktree"; ${MONITOR} > "$WS/.git/worktrees/tree/config.worktree"`,
    {
      prepare: `git -C "$WS" worktree add -q "$BASE/tree"; git -C "$WS" config extensions.worktreeConfig true`,
      root: "tree",
      truth: RAN_IN("$WS", "$BASE/tree"),
    },
  ),
  made(
    "worktree-files",
    "write to the files of the checkout behind a linked worktree",
    `echo x > "$WS/a.txt"; ${EVIL("$WS/evil")}; echo '{}' > "$WS/.mcp.json"`,
    {
      prepare: `git -C "$WS" worktree add -q "$BASE/tree"`,
      root: "tree",
      truth: `test "$(cat "$WS/a.txt")" = x || test -e "$WS/evil" || test -e "$WS/.mcp.json"`,
    },
  ),
  made(
    "worktree-shape",
    "send a linked worktree to another repository",
    `cp -r "$WS/.git" g2; ${MONITOR} >> g2/config; echo "$PWD/g2" > "$WS/.git/worktrees/tree/commondir"; rm -f .git; echo "gitdir: $PWD/g2" > .git`,
    {
      prepare: `git -C "$WS" worktree add -q "$BASE/tree"`,
      root: "tree",
      truth: RAN_IN("$BASE/tree"),
    },
  ),
  made(
    "worktree-other",
    "plant in the other worktrees of the repository",
    `cp -r .git g2; ${MONITOR} >> g2/config; echo ../../../g2 > .git/worktrees/tree/commondir; ${EVIL("$BASE/tree/evil")}; echo "gitdir: $WS/g2" > "$BASE/tree/.git"`,
    {
      prepare: `git -C "$WS" worktree add -q "$BASE/tree"`,
      truth: `${RAN_IN("$BASE/tree")} || test -e "$BASE/tree/evil"`,
    },
  ),
  made(
    "worktree-new",
    "make a worktree that brings its own configuration",
    `git worktree add -q w; cp -r .git g2; ${MONITOR} >> g2/config; echo ../../../g2 > .git/worktrees/w/commondir; echo "gitdir: $PWD/g2" > w/.git`,
    {
      truth: RAN_IN("$WS/w"),
    },
  ),
  made(
    "foreign",
    "write to a repository that does not know the project",
    `echo evil > "$OUT/victim/.git/HEAD"; git commit -q --allow-empty -m evil; ${EVIL("$OUT/victim/.git/hooks/pre-commit")}`,
    {
      prepare: `git init -q "$OUT/victim" && git -C "$OUT/victim" commit -q --allow-empty -m v && git -C "$OUT/victim" worktree add -q "$OUT/wt" && rm -rf "$WS/.git" && echo "gitdir: $OUT/victim/.git/worktrees/wt" > "$WS/.git"`,
      truth: OUTSIDE_CHANGED,
    },
  ),
  made(
    "rebase",
    "leave a rebase that goes on with a command",
    `mkdir -p .git/rebase-merge; cd .git/rebase-merge; git rev-parse HEAD | tee onto orig-head > /dev/null; echo refs/heads/main > head-name; echo "exec touch '$MARK'" > git-rebase-todo; : > done; echo 1 > msgnum; echo 1 > end; : > interactive; echo n > quiet`,
    {
      weight: "low",
      truth: `cd "$WS"; git rebase --continue >/dev/null 2>&1; test -e "$MARK"`,
      known: "git itself keeps commands in an unfinished rebase, and `git rebase --exec` makes such a one",
    },
  ),
  made(
    "window",
    "plant while a person works beside the command",
    `git init -q sub; ${MONITOR} >> sub/.git/config; : > ready; for i in $(seq 200); do test -e done && break; sleep 0.02; done; rm -rf sub`,
    {
      weight: "low",
      prepare: `(for i in $(seq 300); do test -e "$WS/ready" && break; sleep 0.02; done; git -C "$WS/sub" status -s; : > "$WS/done") > /dev/null 2>&1 &`,
      truth: `test -e "$MARK"`,
      known: "what is new is removed at the end of the command, not while it runs",
    },
  ),
];
