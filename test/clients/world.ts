import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ScriptedCall, type ToolResult, startModel } from "./model-server.ts";

/** Milliseconds a client may take for one call. */
const PATIENCE = 60_000;

/** What came of one run of the client. */
export interface ClientRun {
  readonly results: readonly ToolResult[];
  /** Everything the client told the model. */
  readonly heard: string;
  /** Everything the client printed, for a failed case. */
  readonly log: string;
}

/** A throwaway home and project. Nothing of the real ones is visible by name. */
export interface World {
  readonly home: string;
  readonly project: string;
  /** Neither home nor project. */
  readonly outside: string;
  /** Writes a file below the world's top; the name is absolute or relative to the project. */
  readonly put: (path: string, text: string, mode?: number) => string;
  /** The text of a file of the project; undefined where there is none. */
  readonly text: (name: string) => string | undefined;
  readonly exists: (path: string) => boolean;
  /** Runs cordon's command line in the project. */
  readonly cordon: (...argv: readonly string[]) => SpawnSyncReturns<string>;
  /** Lets the client make a call of the model's, the first of these that is on offer in a conversation. */
  readonly run: (
    call: ScriptedCall | readonly ScriptedCall[],
    ...argv: readonly string[]
  ) => Promise<ClientRun>;
}

/** Makes a world, lets `work` use it, and takes it away. */
export async function inWorld<T>(
  client: string,
  cordon: string,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const top = mkdtempSync(join(tmpdir(), "cordon-clients-"));
  const [home, project, outside] = ["home", "project", "outside"].map((name) => join(top, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [join(home, ".claude"), project, outside])
    mkdirSync(directory, { recursive: true });
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, ".claude"),
    LANG: "C.UTF-8",
  };
  const world: World = {
    home,
    project,
    outside,
    put: (path, text, mode = 0o644) => {
      const file = path.startsWith("/") ? path : join(project, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode });
      return file;
    },
    text: (name) => (existsSync(join(project, name)) ? readFileSync(join(project, name), "utf8") : undefined),
    exists: existsSync,
    cordon: (...argv) => spawnSync(cordon, argv, { cwd: project, env, encoding: "utf8", timeout: PATIENCE }),
    run: async (call, ...argv) => {
      const model = await startModel([call].flat());
      try {
        const log = await runClient(client, argv, project, {
          ...env,
          ANTHROPIC_BASE_URL: model.url,
          ANTHROPIC_API_KEY: "dummy",
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
          DISABLE_AUTOUPDATER: "1",
          // The client refuses to skip permissions as root without it.
          IS_SANDBOX: "1",
        });
        return { results: model.results(), heard: model.heard(), log };
      } finally {
        await model.close();
      }
    },
  };
  try {
    return await work(world);
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

async function runClient(
  client: string,
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(client, ["-p", "x", "--output-format", "stream-json", "--verbose", ...argv], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (text: Buffer) => (log += text.toString("utf8")));
  child.stderr.on("data", (text: Buffer) => (log += text.toString("utf8")));
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(timer);
      resolve(log);
    });
  });
}
