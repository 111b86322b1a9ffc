import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readWhole } from "../settings/read-file.ts";
import type { TrustPlace } from "./place.ts";

/** Bytes before the name of an entry, with the hash of SHA-1; two more where its flags go on. */
const ENTRY_HEAD = 62;

/**
 * Whether a file comes with the repository, as far as the index of git tells. True wherever that
 * cannot be told: no repository, no index, a form of index that is not read here.
 */
export function isTracked({ gitDirectory }: TrustPlace, path: string): boolean {
  if (gitDirectory === undefined) return true;
  try {
    // Part of such an index lies in another file.
    if (readdirSync(gitDirectory).some((name) => name.startsWith("sharedindex."))) return true;
  } catch {
    return true;
  }
  const reading = readWhole(join(gitDirectory, "index"), "refuse");
  const names = reading.kind === "bytes" ? namesIn(Buffer.from(reading.bytes)) : undefined;
  if (names === undefined) return true;
  const wanted = path.toLowerCase();
  // A directory stands for all that is in it: a submodule, or one the checkout leaves out.
  return names.some((name) => {
    const bare = (name.endsWith("/") ? name.slice(0, -1) : name).toLowerCase();
    return wanted === bare || wanted.startsWith(`${bare}/`);
  });
}

/** The names in an index of version 2 or 3; undefined where it is another one or does not hold together. */
function namesIn(index: Buffer): readonly string[] | undefined {
  if (index.length < 12 || index.toString("latin1", 0, 4) !== "DIRC") return undefined;
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3) return undefined;
  const names: string[] = [];
  let at = 12;
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    if (at + ENTRY_HEAD > index.length) return undefined;
    const flags = index.readUInt16BE(at + ENTRY_HEAD - 2);
    const start = at + ENTRY_HEAD + ((flags & 0x4000) === 0 ? 0 : 2);
    const end = index.indexOf(0, start);
    const length = flags & 0x0fff;
    // Other hashes are longer: then the length that is noted does not fit.
    if (end === -1 || end === start || (length < 0x0fff && end - start !== length)) return undefined;
    names.push(index.toString("utf8", start, end));
    // Filled up with zeros to a multiple of eight, with one at least.
    at += Math.ceil((end + 1 - at) / 8) * 8;
  }
  return names;
}
