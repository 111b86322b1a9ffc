import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { recordWritten } from "../../../src/host/settings/written.ts";
import { recordConsent, surveyAt } from "../../../src/host/trust/survey.ts";

/** A machine on which every scope has settings, with projects of several kinds in one home. */
export interface World {
  readonly top: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Prefixes whose looking-up may fail, and where managed files lie. */
  readonly under: readonly string[];
  readonly move: string;
  readonly put: (name: string, content: string) => string;
  readonly remove: () => void;
}

/** A hook that is asked about every command, as a program and as a module. */
const GUARD = `#!/bin/sh
case "$(cat)" in *forbidden*) exit 2 ;; esac
`;
const MODULE =
  'export default ({ input }) => ({ decision: input.command.includes("unwanted") ? "deny" : "allow" });\n';

const userSettings = (home: string): object => ({
  permissions: {
    allow: [
      "Bash(make *)",
      "Bash(touch *)",
      "Bash(cp *)",
      "Bash(sh where.sh)",
      "Read(~/notes/**)",
      "Edit(./gen/**)",
    ],
    ask: ["Bash(npm publish *)", "Edit(./docs/**)"],
    deny: ["Read(./private/**)", "Bash(terraform *)", "Edit(./locked/**)"],
    additionalDirectories: ["~/shared"],
  },
  hooks: {
    PreToolUse: [
      {
        matcher: "Bash",
        hooks: [
          { type: "command", command: `sh ${join(home, "hooks", "guard.sh")}` },
          { type: "module", path: join(home, "hooks", "guard.mjs") },
        ],
      },
    ],
  },
  sandbox: { enabled: false },
  cordon: { secretPaths: ["*.key"], audit: { required: true } },
});
const MANAGED = { permissions: { deny: ["Bash(nc *)", "Read(//srv/secret/**)"] } };
const DROP_IN = { blockedCommands: ["dd *"], permissions: { ask: ["Bash(git tag *)"] } };
const PROJECT = {
  permissions: {
    allow: ["Bash(cargo *)"],
    deny: ["Bash(docker *)", "Read(./vault/**)"],
    disableBypassPermissionsMode: "disable",
  },
};
const LOCAL = { permissions: { allow: ["Bash(pytest *)"], deny: ["Bash(psql *)"] } };

/** Makes the world. It has to be taken away with `remove`. */
export function makeWorld(): World {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "cordon-faults-")));
  chmodSync(top, 0o755);
  const home = join(top, "home");
  const runtime = join(top, "run");
  mkdirSync(runtime, { mode: 0o700 });
  const env = {
    HOME: home,
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    CORDON_SESSION: "one",
    XDG_RUNTIME_DIR: runtime,
  };
  const put: World["put"] = (name, content) => {
    const file = join(top, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const json = (name: string, value: object): string => put(name, `${JSON.stringify(value, null, 2)}\n`);
  const git = (cwd: string, ...argv: readonly string[]): void => {
    execFileSync(
      "git",
      ["-c", "init.defaultBranch=main", "-c", "user.name=t", "-c", "user.email=t@t", ...argv],
      {
        cwd,
        stdio: "ignore",
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: home, GIT_CONFIG_NOSYSTEM: "1" },
      },
    );
  };

  json("etc/managed-settings.json", MANAGED);
  json("etc/managed-settings.d/10-more.json", DROP_IN);
  json("home/.config/cordon/settings.json", userSettings(home));
  put("home/hooks/guard.sh", GUARD);
  put("home/hooks/guard.mjs", MODULE);
  json("home/.claude/settings.json", { permissions: { deny: ["Bash(rsync *)"] } });
  put("home/.ssh/id_rsa", "key\n");
  put("home/notes/a.txt", "note\n");
  put("home/shared/a.txt", "shared\n");
  put("home/elsewhere/a.txt", "other\n");
  for (const name of ["app", "mine"]) {
    const project = join(home, name);
    json(`home/${name}/.claude/settings.json`, PROJECT);
    for (const file of [
      "README.md",
      "src/app.ts",
      "private/a.txt",
      "vault/a.txt",
      "docs/a.md",
      "gen/a.ts",
      "locked/a.ts",
      "a.key",
      "kit/.claude/settings.json",
      "kit/b.ts",
    ])
      put(`home/${name}/${file}`, "text\n");
    put(`home/${name}/where.sh`, "readlink /proc/self/ns/pid > where\n");
    git(project, "init", "-q");
    git(project, "add", "README.md", ".claude/settings.json");
    git(project, "commit", "-q", "-m", "x");
    symlinkSync("../.ssh/id_rsa", join(project, "keylink"));
    symlinkSync("private", join(project, "plain"));
    symlinkSync("plain/a.txt", join(project, "twice"));
    symlinkSync(join(home, "elsewhere"), join(project, "out"));
    symlinkSync("src", join(project, "in"));
    symlinkSync("locked/a.ts", join(project, "open.ts"));
    symlinkSync("loop", join(project, "loop"));
  }
  // On another branch: a push without a name is only asked about.
  git(join(home, "mine"), "checkout", "-q", "-b", "feature/x");
  git(join(home, "mine"), "worktree", "add", "-q", "-b", "wt", join(home, "tree"));
  const local = json("home/mine/.claude/settings.local.json", LOCAL);
  const state = join(home, ".local", "state", "cordon");
  recordWritten(state, local, [Buffer.from(`${JSON.stringify(LOCAL, null, 2)}\n`)]);
  json("home/app/.claude/settings.local.json", {
    permissions: { allow: ["Bash(pytest *)"], deny: ["Bash(mysql *)"] },
  });
  const survey = surveyAt(join(home, "mine"), { env, home });
  if (survey.store !== undefined) recordConsent(survey, survey.store, "2026-01-01T00:00:00Z");
  return {
    top,
    home,
    env,
    under: [top],
    move: `/etc/cordon=${join(top, "etc")}`,
    put,
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}
