import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { type Survey, recordConsent, surveyAt } from "../../../src/host/trust/survey.ts";

/** A home, and projects in it, below a directory of their own. */
export interface Grounds {
  readonly top: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** `~/.local/state/cordon`. */
  readonly state: string;
  /** Writes a file; the name is relative to the home. Gives back its path. */
  readonly put: (name: string, content: string | Uint8Array, mode?: number) => string;
  readonly git: (cwd: string, ...argv: readonly string[]) => string;
  /** Makes a repository with these files committed; the name is relative to the home. */
  readonly repository: (name: string, files?: Readonly<Record<string, string>>) => string;
  readonly survey: (directory: string) => Survey;
  /** Agrees to whatever stands in a directory. */
  readonly trust: (directory: string) => Survey;
  /** The policy of a gate in a directory. */
  readonly policy: (root: string) => Policy;
  /** The allow rules of a gate in a directory. */
  readonly allowed: (root: string) => readonly string[];
}

export const ALLOW = '{"permissions": {"allow": ["Bash(make *)"]}}';
export const SHARED = ".claude/settings.json";
export const LOCAL = ".claude/settings.local.json";

/** Makes grounds and takes them away when the test is over. */
export function grounds(): Grounds {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "cordon-trust-")));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  chmodSync(top, 0o755);
  const home = join(top, "home");
  mkdirSync(home);
  const env = { HOME: home, CORDON_SESSION: "one" };
  const put: Grounds["put"] = (name, content, mode = 0o644) => {
    const file = join(home, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };
  const git: Grounds["git"] = (cwd, ...argv) =>
    execFileSync("git", ["-c", "protocol.file.allow=always", ...argv], {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        HOME: home,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "t",
        GIT_AUTHOR_EMAIL: "t@localhost",
        GIT_COMMITTER_NAME: "t",
        GIT_COMMITTER_EMAIL: "t@localhost",
      },
    });
  const survey: Grounds["survey"] = (directory) => surveyAt(directory, { env, home });
  const policy: Grounds["policy"] = (root) => {
    const request = { root, cwd: root, home, env, ambient: true, platform: "linux", top } as const;
    const { sources, fingerprint } = loadSources(request);
    return buildPolicy(sources, request, fingerprint);
  };
  return {
    top,
    home,
    env,
    state: join(home, ".local/state/cordon"),
    put,
    git,
    repository: (name, files = { [SHARED]: ALLOW }) => {
      const root = join(home, name);
      mkdirSync(root, { recursive: true });
      git(root, "init", "-q", "-b", "main");
      for (const [path, text] of Object.entries(files)) put(join(name, path), text);
      git(root, "add", "-A", "-f");
      git(root, "commit", "-q", "--allow-empty", "-m", "first");
      return root;
    },
    survey,
    trust: (directory) => {
      const seen = survey(directory);
      if (seen.store === undefined) throw new Error("no store");
      recordConsent(seen, seen.store, "2025-01-31T12:00:00.000Z");
      return seen;
    },
    policy,
    allowed: (root) =>
      policy(root)
        .rules.filter(({ effect }) => effect === "allow")
        .map(({ text }) => text),
  };
}
