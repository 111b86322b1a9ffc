import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { onTestFinished } from "vitest";
import type { LoadRequest } from "../../../src/host/settings/load.ts";

/** A machine of its own below a temporary directory: root of the file system, home, project. */
export interface Machine {
  readonly top: string;
  readonly home: string;
  readonly root: string;
  readonly state: string;
  /** Writes a file and its directories; gives back its path. */
  readonly put: (path: string, content: string | Uint8Array, mode?: number) => string;
  readonly request: (more?: Partial<LoadRequest>) => LoadRequest;
}

/** Makes a machine and takes it away when the test is over. */
export function machine(): Machine {
  const top = mkdtempSync(join(tmpdir(), "cordon-settings-"));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  chmodSync(top, 0o755);
  const home = join(top, "home/dev");
  const root = join(home, "app");
  mkdirSync(root, { recursive: true });
  return {
    top,
    home,
    root,
    state: join(home, ".local/state/cordon"),
    put: (path, content, mode = 0o644) => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      writeFileSync(path, content, { mode });
      chmodSync(path, mode);
      return path;
    },
    request: (more) => ({ root, cwd: root, home, env: {}, ambient: true, platform: "linux", top, ...more }),
  };
}

export const isRoot: boolean = process.getuid?.() === 0;

/** The user id of somebody without rights, made for the tests where it is missing. */
export function nobodyOfTests(): number {
  const name = "cordon-test";
  const find = (): number | undefined => {
    const { status, stdout } = spawnSync("id", ["-u", name], { encoding: "utf8" });
    return status === 0 ? Number(stdout.trim()) : undefined;
  };
  const found = find();
  if (found !== undefined) return found;
  spawnSync("useradd", ["--no-create-home", "--shell", "/usr/sbin/nologin", name]);
  const made = find();
  if (made === undefined) throw new Error("no user for the tests could be made");
  return made;
}

/** Runs TypeScript in a process of its own, bundled, with the rights of `uid`; gives its standard output. */
export function runAs(uid: number, bundle: string, ...args: readonly string[]): string {
  const command = [
    "--reuid",
    `${uid}`,
    "--regid",
    `${uid}`,
    "--clear-groups",
    process.execPath,
    bundle,
    ...args,
  ];
  return execFileSync("setpriv", command, { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "" } });
}

/** Bundles the driver into a file that everybody can read. */
export async function driver(top: string): Promise<string> {
  const file = join(top, "driver.mjs");
  const bundle = await rolldown({
    input: join(import.meta.dirname, "driver.ts"),
    platform: "node",
    // jsonc-parser's `main` loads its parts at run time and cannot be bundled.
    resolve: { mainFields: ["module", "main"] },
  });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  chmodSync(file, 0o644);
  return file;
}
