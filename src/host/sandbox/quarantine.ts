import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  cpSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import type { Seen } from "../../core/layers/9-sandbox/facts.ts";
import type { Remedy } from "../../core/layers/9-sandbox/aftermath.ts";
import type { Violation } from "../../core/layers/9-sandbox/result.ts";
import { seenAt, smallText } from "./look.ts";

/** Content of files that no mount holds, taken before the command. */
export type Remembered = ReadonlyMap<string, { readonly text: string; readonly mode: number }>;

/** Takes the content of the watched files. Files that are large or not readable are left out. */
export function remember(watch: readonly Seen[]): Remembered {
  return new Map(
    watch.flatMap(({ real }) => {
      const text = smallText(real);
      return text === undefined ? [] : [[real, { text, mode: statSync(real).mode & 0o777 }] as const];
    }),
  );
}

/**
 * Moves what a command planted into a private directory below `quarantine` and puts back what stood
 * there before. Nothing is deleted.
 *
 * Where the private directory cannot be written, the thing is renamed beside its place; where that
 * fails too, the violation says so and the thing is still there.
 */
export function applyRemedies(
  remedies: readonly Remedy[],
  quarantine: string,
  remembered: Remembered,
): readonly Violation[] {
  if (remedies.length === 0) return [];
  const place = join(
    quarantine,
    `${new Date().toISOString().replace(/[:.]/g, "-")}-${randomBytes(4).toString("hex")}`,
  );
  const violations = remedies.map((remedy, index): Violation => {
    const { path, why, kind } = remedy;
    const failed: string[] = [];
    let movedTo: string | undefined;
    if (seenAt(path).id !== "") {
      try {
        movedTo = moveAway(path, place, index);
      } catch (error) {
        failed.push(error instanceof Error ? error.message : String(error));
      }
    }
    let restored = false;
    try {
      restored = failed.length === 0 && restore(remedy, remembered);
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
    return {
      kind,
      path,
      why,
      movedTo,
      restored,
      failed: failed.length === 0 ? undefined : failed.join("; "),
    };
  });
  try {
    writeFileSync(join(place, "where.json"), `${JSON.stringify(violations, undefined, 2)}\n`, {
      mode: 0o600,
    });
  } catch {
    // The violations are on the result as well; this file only helps whoever looks in later.
  }
  return violations;
}

function moveAway(path: string, place: string, index: number): string {
  // Held by descriptor, so that nobody can exchange the directory between look and rename.
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${parent}`;
    if (readlinkSync(held) !== dirname(path)) throw new Error(`${dirname(path)} was exchanged`);
    const from = `${held}/${basename(path)}`;
    const beside = `${basename(path)}.cordon-quarantine-${randomBytes(4).toString("hex")}`;
    const to = join(place, `${index}-${basename(path)}`);
    try {
      makeDirectories(place, 0o700);
      moveInto(from, to);
      return to;
    } catch {
      renameSync(from, `${held}/${beside}`);
      return join(dirname(path), beside);
    }
  } finally {
    closeSync(parent);
  }
}

function moveInto(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    rmSync(from, { recursive: true, force: true });
  }
}

function restore(remedy: Remedy, remembered: Remembered): boolean {
  if (remedy.relink !== undefined) {
    symlinkSync(remedy.relink, remedy.path);
    return true;
  }
  const before = remedy.rewrite === true ? remembered.get(remedy.path) : undefined;
  if (before === undefined) return false;
  writeFileSync(remedy.path, before.text, { flag: "wx", mode: before.mode });
  return true;
}
