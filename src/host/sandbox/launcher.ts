import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isWithin } from "../../core/call/path.ts";
import { makeDirectories } from "../make-directories.ts";
import { realPath } from "./look.ts";

/** cordon's own launcher, after it was looked at. */
export interface Launcher {
  readonly path: string;
  readonly sha256: string;
}

/** A launcher, or why there is none that can be trusted. */
export type FoundLauncher =
  | ({ readonly kind: "found" } & Launcher)
  | { readonly kind: "none"; readonly why: string; readonly cure: string };

const NAME = "cordon-launcher";
/** Beside the bundles, beside the library, and where a checkout has built it. */
const PLACES: readonly string[] = ["../native", "../../native", "../dist/native"];
/** The same, for the sources themselves. Never from a bundle: three levels up is somebody else's. */
const FROM_SOURCES = "../../../dist/native";
const BUILD = "run `npm run build` where gcc and libc6-dev are installed";

/**
 * The launcher that was built with cordon, if it is what was built: a file of root's or the
 * caller's, in directories that nobody else can write to, with the content that the build noted.
 *
 * Never throws. Whether it works on this machine is not known yet.
 */
export function findLauncher(directory: string | undefined = builtIn()): FoundLauncher {
  if (directory === undefined) return none("the native launcher was not built", BUILD);
  const path = join(directory, NAME);
  try {
    const real = realPath(path);
    if (real === undefined) return none(`${path} is not there`, BUILD);
    const why = distrust(real);
    if (why !== undefined) return none(why, `make it yours alone (chmod, chown), or ${BUILD}`);
    const noted: unknown = JSON.parse(readFileSync(join(dirname(real), "launcher.json"), "utf8"));
    const sha256 = hashOf(real);
    const isNoted =
      typeof noted === "object" && noted !== null && "sha256" in noted && noted.sha256 === sha256;
    return isNoted
      ? { kind: "found", path: real, sha256 }
      : none(`${real} is not what was built: its hash is another one`, BUILD);
  } catch (error) {
    return none(
      `${path} cannot be looked at: ${error instanceof Error ? error.message : String(error)}`,
      BUILD,
    );
  }
}

function none(why: string, cure: string): FoundLauncher {
  return { kind: "none", why, cure };
}

function builtIn(): string | undefined {
  const places = import.meta.url.endsWith("/src/host/sandbox/launcher.ts") ? [FROM_SOURCES] : PLACES;
  return places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((directory) => existsSync(join(directory, NAME)));
}

/** Why somebody else could have written the file, or can. */
function distrust(path: string): string | undefined {
  const file = lstatSync(path);
  const own = (uid: number): boolean => uid === 0 || uid === process.getuid?.();
  if (!file.isFile()) return `${path} is no regular file`;
  if (!own(file.uid)) return `${path} belongs to user ${file.uid}`;
  if ((file.mode & 0o022) !== 0) return `${path} can be written by others`;
  if ((file.mode & 0o111) === 0) return `${path} is not executable`;
  for (let here = dirname(path), above = false; ; here = dirname(here), above = true) {
    const { uid, mode } = statSync(here);
    // A group of one's own may write to one's checkout; in a sticky directory nobody moves our entries.
    const open = above ? (mode & 0o002) !== 0 && (mode & 0o1000) === 0 : (mode & 0o022) !== 0;
    if (!own(uid)) return `${here} belongs to user ${uid}`;
    if (open) return `${here} can be written by others`;
    if (here === "/") return undefined;
  }
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/**
 * Where a launcher that was found is started from, so that no command can reach it: its own place, or
 * a copy in cordon's own state, which no command can write to. `other`: the command is somebody
 * else's, who has to be able to start it.
 */
export function launcherFor(
  path: string,
  writable: readonly string[],
  state: string,
  other: boolean,
): { readonly kind: "found"; readonly path: string } | { readonly kind: "none"; readonly why: string } {
  const isOpen = (each: string): boolean => writable.some((root) => isWithin(each, root));
  try {
    const used = isOpen(path) ? copyOf(path, join(state, "native")) : path;
    if (isOpen(used)) return { kind: "none", why: `${used} lies in a writable directory` };
    if (other && !isReachable(used))
      return { kind: "none", why: `the owner of the workspace cannot start ${used}` };
    return { kind: "found", path: used };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: "none", why: `${path} lies in a writable directory and cannot be copied: ${why}` };
  }
}

/** Throws where there is no copy that can be trusted. */
function copyOf(path: string, directory: string): string {
  const bytes = readFileSync(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const copy = join(directory, `${NAME}-${sha256.slice(0, 16)}`);
  if (existsSync(copy) && distrust(copy) === undefined && hashOf(copy) === sha256) return copy;
  makeDirectories(directory, 0o700);
  const fresh = `${copy}.${process.pid}`;
  writeFileSync(fresh, bytes, { mode: 0o500 });
  chmodSync(fresh, 0o500);
  renameSync(fresh, copy);
  const why = distrust(copy);
  if (why !== undefined) throw new Error(why);
  return copy;
}

/** Anybody may go there and execute it. */
function isReachable(path: string): boolean {
  for (let here = path; ; here = dirname(here)) {
    if ((statSync(here).mode & 0o001) === 0) return false;
    if (here === "/") return true;
  }
}
