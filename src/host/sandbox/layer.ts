import { createHash, randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import { isGone, ownMark } from "./owner.ts";

/** Layers over caches that sessions in one workspace can have at the same time. */
const MOST_LAYERS = 8;

/** Directory of all layers in cordon's state. */
export function layersIn(state: string): string {
  return join(state, "caches");
}

/** Directory of one workspace's layers. */
export function layerOf(state: string, root: string): string {
  return join(layersIn(state), createHash("sha256").update(root).digest("hex").slice(0, 20));
}

/** Makes a workspace's directory and notes that it is in use; undefined where nothing can be kept. */
export function keepLayer(layer: string, root: string): string | undefined {
  return quietly(() => {
    makeDirectories(layer, 0o700);
    const where = join(layer, "where");
    if (textOf(where) !== root) writeFileSync(where, root, { mode: 0o600 });
    // The time of the last use, for clearing up.
    const now = new Date();
    utimesSync(where, now, now);
    return layer;
  });
}

/** Takes a numbered layer that no living session has; undefined where all are taken. */
export function claimLayer(layer: string): string | undefined {
  for (let number = 0; number < MOST_LAYERS; number++) {
    const note = join(layer, `${number}.claim`);
    const taken = quietly(() => {
      if (isClaimed(note)) return false;
      // Whoever renames a dead session's note may write his own.
      const old = `${note}.${randomBytes(4).toString("hex")}`;
      quietly(() => renameSync(note, old));
      writeFileSync(note, ownMark(), { mode: 0o600, flag: "wx" });
      rmSync(old, { force: true });
      return true;
    });
    if (taken === true) return join(layer, String(number));
  }
  return undefined;
}

/** For another session to take. */
export function giveBack(layer: string): void {
  quietly(() => rmSync(`${layer}.claim`, { force: true }));
}

/** A living process holds the layer that the note is for. */
export function isClaimed(note: string): boolean {
  const owner = textOf(note) ?? "";
  return owner !== "" && !isGone(owner, statSync(note, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

/** The text of a file, or undefined. */
export function textOf(path: string): string | undefined {
  return quietly(() => readFileSync(path, "utf8"));
}

/** The outcome, or undefined where the system refuses. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
