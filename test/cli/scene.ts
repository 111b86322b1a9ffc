import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { Command, Terminal } from "../../src/cli/command.ts";

/** A home and a project of their own. */
export interface Scene {
  readonly top: string;
  readonly home: string;
  readonly project: string;
  /** What a process needs to live in the scene. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file; the name is relative to the top. Gives back its path. */
  readonly put: (name: string, content: string | Uint8Array, mode?: number) => string;
  /** Writes cordon's user settings. */
  readonly settings: (settings: object) => string;
}

/** Makes a scene and takes it away when the test is over. */
export function scene(): Scene {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "cordon-cli-")));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  const home = join(top, "home");
  const project = join(home, "app");
  mkdirSync(project, { recursive: true });
  const put: Scene["put"] = (name, content, mode = 0o644) => {
    const file = join(top, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
    return file;
  };
  return {
    top,
    home,
    project,
    env: { HOME: home, PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` },
    put,
    settings: (settings) => put("home/.config/cordon/settings.json", JSON.stringify(settings)),
  };
}

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  /** How often something was written to standard output. */
  readonly writes: number;
}

/** Runs a command of the command line in a scene, in this process. */
export async function runIn(
  { home, project, env }: Pick<Scene, "home" | "project" | "env">,
  command: Command,
  argv: readonly string[],
  parts: Partial<Terminal> & { readonly input?: string | Uint8Array } = {},
): Promise<Outcome> {
  const written = { out: "", err: "", writes: 0 };
  const { input = "", ...rest } = parts;
  const io: Terminal = {
    stdout: (text) => {
      written.out += text;
      written.writes++;
    },
    stderr: (text) => (written.err += text),
    stdin: (async function* () {
      yield Buffer.from(input);
    })(),
    env,
    cwd: () => project,
    home,
    isTerminal: false,
    interrupted: new AbortController().signal,
    ...rest,
  };
  const status = await command.run(argv, io);
  return { status, ...written };
}
