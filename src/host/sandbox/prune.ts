import { randomBytes } from "node:crypto";
import type { Dirent } from "node:fs";
import { chmod, lstat, readdir, rename, rmdir, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isClaimed, layersIn } from "./layer.ts";

/** When layers over caches are cleared up. Milliseconds and bytes. */
export interface PruneLimits {
  /** A layer that no session has used for so long goes. */
  readonly unused: number;
  /** Above this all layers together lose the ones used longest ago. */
  readonly bytes: number;
  /** Time between two rounds. */
  readonly every: number;
}

const DAY = 24 * 60 * 60 * 1000;
export const PRUNE_LIMITS: PruneLimits = { unused: 30 * DAY, bytes: 10 * 1024 ** 3, every: DAY };

/** A command that takes longer than this leaves time to clear up, milliseconds. */
const LATER = 200;
/** Entries that are counted of one layer. What has more counts as what was seen. */
const MOST_COUNTED = 500_000;

/**
 * Clears up old layers while a command runs, in the background and quietly. Call what it returns
 * when the command ends; a round that is cut short goes on with the next one.
 */
export function pruneMeanwhile(state: string): () => void {
  const round = { over: false };
  const timer = setTimeout(() => {
    prune(state, PRUNE_LIMITS, () => round.over).catch(() => undefined);
  }, LATER).unref();
  return () => {
    round.over = true;
    clearTimeout(timer);
  };
}

/**
 * One round: removes layers that are too old, then those used longest ago while all together are
 * too large. A layer that a living session has claimed, or that was used within the last day,
 * stays. Rejects with what the system says; what was begun is finished by a later round.
 *
 * Follows no link: what is in a layer was written by commands.
 */
export async function prune(state: string, limits: PruneLimits, over: () => boolean): Promise<void> {
  const directory = layersIn(state);
  const mark = join(directory, "pruned");
  const last = await stat(mark).catch(() => undefined);
  if (last !== undefined && Date.now() - last.mtimeMs < limits.every) return;
  const names = await readdir(directory);
  for (const name of names) if (name.startsWith(TRASH)) await remove(join(directory, name), over);
  const layers: { readonly path: string; readonly used: number; readonly size: number }[] = [];
  for (const name of names.filter((each) => /^[0-9a-f]{20}$/.test(each))) {
    if (over()) return;
    const path = join(directory, name);
    const used = await lastUse(path);
    if (Date.now() - used > limits.unused && (await discard(directory, name, over))) continue;
    layers.push({ path, used, size: await sizeOf(path, over) });
  }
  let total = layers.reduce((sum, { size }) => sum + size, 0);
  for (const { path, used, size } of layers.toSorted((a, b) => a.used - b.used)) {
    if (over()) return;
    if (total <= limits.bytes || Date.now() - used < Math.min(DAY, limits.unused)) break;
    if (await discard(directory, path.slice(directory.length + 1), over)) total -= size;
  }
  if (over()) return;
  await writeFile(mark, "", { mode: 0o600 });
  await utimes(mark, new Date(), new Date());
}

const TRASH = "removed-";

/** The time a session took the layer last; of one without a note, that of its making. */
async function lastUse(layer: string): Promise<number> {
  const noted = await stat(join(layer, "where")).catch(() => stat(layer));
  return noted.mtimeMs;
}

/** False where a session has it. Renamed first: a session that starts now makes a new one. */
async function discard(directory: string, name: string, over: () => boolean): Promise<boolean> {
  const path = join(directory, name);
  const notes = (await readdir(path)).filter((each) => each.endsWith(".claim"));
  if (notes.some((note) => isClaimed(join(path, note)))) return false;
  const trash = join(directory, `${TRASH}${randomBytes(6).toString("hex")}`);
  await rename(path, trash);
  await remove(trash, over);
  return true;
}

async function remove(path: string, over: () => boolean): Promise<void> {
  if (over()) return;
  const about = await lstat(path);
  if (!about.isDirectory()) return await unlink(path);
  // Go closes its module cache, and the kernel an overlay's work directory.
  if ((about.mode & 0o700) !== 0o700) await chmod(path, 0o700);
  for (const entry of await readdir(path)) await remove(join(path, entry), over);
  if (!over()) await rmdir(path);
}

async function sizeOf(path: string, over: () => boolean): Promise<number> {
  const queue = [path];
  let [bytes, entries] = [0, 0];
  for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
    const found = await readdir(directory, { withFileTypes: true }).catch((): Dirent[] => []);
    for (const entry of found) {
      entries += 1;
      if (over() || entries > MOST_COUNTED) return bytes;
      const at = join(directory, entry.name);
      if (entry.isDirectory()) queue.push(at);
      else bytes += (await lstat(at).catch(() => undefined))?.size ?? 0;
    }
  }
  return bytes;
}
