import { type Attempt, type TrialClass, type Weight } from "./attempt.ts";

export const named = (
  className: TrialClass,
  id: string,
  title: string,
  attack: string,
  truth: string,
  more: Partial<Attempt> = {},
): Attempt => ({ id, class: className, weight: "high", title, attack, truth, ...more });

/** Succeeds when one of the paths below the project exists, as a file, a link or anything else. */
export const THERE = (...paths: readonly string[]): string =>
  `cd "$WS"; for p in ${paths.map((path) => `"${path}"`).join(" ")}; do if test -e "$p" || test -L "$p"; then exit 0; fi; done; exit 1`;

/** Makes every path of a list, and looks whether any is there afterwards. */
export const all = (
  className: TrialClass,
  id: string,
  title: string,
  paths: readonly string[],
  weight: Weight = "high",
  more: Partial<Attempt> = {},
): Attempt =>
  named(
    className,
    id,
    title,
    `for p in ${paths.map((path) => `'${path}'`).join(" ")}; do mkdir -p "$(dirname "$p")"; echo evil > "$p"; done`,
    THERE(...paths),
    { weight, ...more },
  );

/** Files that a shell, an editor or a tool obeys (sandboxing.md 9.3). */
export const TOOLS: readonly Attempt[] = [
  all("shell-file", "shell-bash", "make start files of bash", [
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".inputrc",
    ".bash_aliases",
  ]),
  all("shell-file", "shell-zsh", "make start files of zsh and fish", [
    ".zshenv",
    ".zshrc",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".config/fish/config.fish",
    ".config/fish/conf.d/x.fish",
  ]),
  all("shell-file", "shell-other", "make start files of other shells", [
    ".kshrc",
    ".mkshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".logout",
    ".xonshrc",
    ".config/nushell/config.nu",
  ]),
  all(
    "shell-file",
    "shell-session",
    "make files that start with the session",
    [
      ".xprofile",
      ".xsession",
      ".xinitrc",
      ".pam_environment",
      ".config/autostart/x.desktop",
      ".config/systemd/user/x.service",
    ],
    "medium",
  ),
  named(
    "shell-file",
    "shell-home",
    "write start files where home is the project",
    `for f in .bash_login .zlogin .inputrc .profile .ssh/authorized_keys .config/git/config; do mkdir -p $(dirname $f); echo evil > $f; done; echo evil >> .bashrc; echo evil >> .gitconfig`,
    `cd ~; cat .bash_login .zlogin .inputrc .profile .ssh/authorized_keys .config/git/config .bashrc .gitconfig 2>/dev/null | grep -q evil`,
    {
      root: "home",
    },
  ),
  named(
    "shell-file",
    "shell-renamed",
    "rename files to start files",
    `echo evil > x; mv x .zshenv; echo evil > y; ln y .bash_login; ln -s x .profile; mkdir -p c/fish; echo evil > c/fish/config.fish; mv c .config`,
    THERE(".zshenv", ".bash_login", ".profile", ".config/fish/config.fish"),
  ),
  all("tool-file", "tool-editors", "make files that editors obey", [
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".idea/workspace.xml",
    ".idea/runConfigurations/x.xml",
    "sub/.vscode/tasks.json",
    "sub/.idea/x.iml",
  ]),
  all(
    "tool-file",
    "tool-editors-more",
    "make files that less known editors obey",
    [
      ".vim/vimrc",
      ".vimrc",
      ".exrc",
      ".nvimrc",
      ".nvim.lua",
      ".dir-locals.el",
      ".fleet/run.json",
      ".zed/tasks.json",
    ],
    "medium",
  ),
  all("tool-file", "tool-environment", "make files that run when a directory is entered", [
    ".envrc",
    "sub/.envrc",
  ]),
  all(
    "tool-file",
    "tool-environment-more",
    "make files that select programs",
    [".mise.toml", "mise.toml", ".autoenv.zsh", ".flox/env/manifest.toml"],
    "medium",
  ),
  all("tool-file", "tool-packages", "make settings of package managers", [
    ".npmrc",
    ".yarnrc.yml",
    ".yarnrc",
    ".pnpmfile.cjs",
    ".pnp.cjs",
    "bunfig.toml",
    ".cargo/config.toml",
    "sub/.npmrc",
  ]),
  all("tool-file", "tool-hooks", "make files that name git hooks", [
    ".husky/pre-commit",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    ".lefthook.yml",
  ]),
  all("tool-file", "tool-containers", "make files that containers start with", [
    ".devcontainer/devcontainer.json",
    ".devcontainer.json",
  ]),
  all(
    "tool-file",
    "tool-debuggers",
    "make files that debuggers load",
    [".gdbinit", ".lldbinit", ".gdbearlyinit"],
    "medium",
  ),
  all(
    "tool-file",
    "tool-build",
    "write files that a build or a check runs",
    ["Makefile", "package.json", ".tool-versions", ".github/workflows/x.yml", "conftest.py"],
    "low",
    { known: "a build runs what the project says; a person reviews it" },
  ),
  all(
    "tool-file",
    "tool-instructions",
    "write instructions for agents",
    ["AGENTS.md", "CLAUDE.md", "GEMINI.md"],
    "low",
    {
      known: "instructions are text that a person reviews; `cordon.protectedPaths` protects them",
    },
  ),
  named(
    "tool-file",
    "tool-changed",
    "change editor files that are there",
    `echo evil > .vscode/tasks.json; rm -rf .vscode; mv .vscode v; mkdir -p .vscode; echo evil > .vscode/tasks.json; chmod 777 .vscode; echo evil > .envrc; mv .envrc e; echo evil > .envrc`,
    `cat "$WS/.vscode/tasks.json" "$WS/.envrc" 2>/dev/null | grep -q evil || test ! -e "$WS/.vscode/tasks.json"`,
    {
      prepare: `mkdir "$WS/.vscode"; echo mine > "$WS/.vscode/tasks.json"; echo mine > "$WS/.envrc"`,
    },
  ),
  named(
    "tool-file",
    "tool-link-exchanged",
    "put a directory in the place of a protected link",
    `rm .vscode; mkdir .vscode; echo evil > .vscode/tasks.json`,
    `test ! -L "$WS/.vscode"`,
    {
      prepare: `mkdir "$WS/shared"; ln -s shared "$WS/.vscode"`,
    },
  ),
  named(
    "tool-file",
    "tool-link-target",
    "change what a protected link leads to",
    `echo evil > shared/tasks.json; rm -rf shared; mkdir shared; echo evil > shared/tasks.json`,
    `cat "$WS/shared/tasks.json" 2>/dev/null | grep -q evil`,
    {
      prepare: `mkdir "$WS/shared"; echo mine > "$WS/shared/tasks.json"; ln -s shared "$WS/.vscode"`,
    },
  ),
  named(
    "tool-file",
    "tool-many",
    "change one of three hundred protected files",
    "c attack",
    `cat "$WS"/p/*/.mcp.json 2>/dev/null | grep -q evil`,
    {
      prepare: "c prepare",
      c: `char at[64]; int prepares = !strcmp(argv[1], "prepare"); const char *text = prepares ? "mine" : "evil";
  chdir(getenv("WS")); mkdir("p", 0755);
  for (int i = 0; i < 300; i++) {
    snprintf(at, 64, "p/%d", i); if (prepares) mkdir(at, 0755);
    strcat(at, "/.mcp.json"); int f = open(at, O_CREAT | O_WRONLY | O_TRUNC, 0644); write(f, text, 4); close(f);
  }
  if (prepares) return 0;
  for (int i = 200; i < 300; i++) {
    char to[64]; snprintf(at, 64, "p/%d", i); snprintf(to, 64, "p/x%d", i); rename(at, to); mkdir(at, 0755);
    strcat(at, "/.mcp.json"); int f = creat(at, 0644); write(f, "evil", 4); close(f);
  }
  return 0;`,
    },
  ),
];
