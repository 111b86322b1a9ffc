import { lstatSync, rmSync } from "node:fs";
import { replaceFile } from "../settings/atomic.ts";
import { SettingsFileError } from "../settings/error.ts";
import { withLock } from "../settings/lock.ts";
import { preparePrivate } from "../settings/written.ts";
import {
  type TrustRecord,
  type TrustStore,
  contentsAt,
  contentsFile,
  digestOf,
  isPrivate,
  readRecord,
  recordFile,
} from "./store.ts";

/**
 * Changes what is kept for a place while no other cordon does, from what stands there then.
 * Undefined from `change` removes it. Throws `SettingsFileError`, with the record as it was, where
 * the store cannot be relied on.
 */
export function changeRecord(
  store: TrustStore,
  place: string,
  change: (old: TrustRecord | undefined) => TrustRecord | undefined,
  contents: readonly Uint8Array[] = [],
): void {
  prepare(store);
  const file = recordFile(store, place);
  withLock(store.base, file, () => {
    refuseUnreliable(file);
    const old = readRecord(store, place);
    const next = change(old);
    const kept = contentsFile(store, place);
    if (next === undefined) {
      rmSync(file, { force: true });
      rmSync(kept, { force: true });
      return;
    }
    refuseUnreliable(kept);
    const known = contentsAt(kept);
    for (const bytes of contents) known.set(digestOf(bytes), Buffer.from(bytes).toString("base64"));
    const named = next.checkouts.flatMap(({ files }) => files.map(({ sha256 }) => sha256));
    const entries = [...new Set(named)].flatMap((sha256) => {
      const text = known.get(sha256);
      return text === undefined ? [] : [[sha256, text] as const];
    });
    // First what the record names, so that a crash between the two costs no more than a comparison.
    replaceFile(kept, bytesOf(Object.fromEntries(entries)), { mode: 0o600 });
    replaceFile(file, bytesOf({ version: 1, ...next }), { mode: 0o600 });
  });
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Makes the store. What others could have written into is refused, not mended. */
function prepare(store: TrustStore): void {
  for (const directory of store.directories.slice(1)) {
    const stats = lstatSync(directory, { throwIfNoEntry: false });
    if (stats !== undefined && !isPrivate(stats, "directory")) {
      throw new SettingsFileError(
        directory,
        "is a link, open to others or not your own: what it says you trust cannot be relied on",
        "remove it and trust again",
      );
    }
  }
  for (const directory of store.directories) preparePrivate(directory);
}

function refuseUnreliable(file: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined || isPrivate(stats, "file")) return;
  throw new SettingsFileError(file, "is a link, open to others or not your own", "remove it and trust again");
}
