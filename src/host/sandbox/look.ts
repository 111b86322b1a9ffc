import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  readlinkSync,
  realpathSync,
  statSync,
  statfsSync,
} from "node:fs";
import type { FileType, Seen } from "../../core/layers/9-sandbox/facts.ts";

/** Longest text that is read of a small file, bytes. */
const MOST_TEXT = 64 * 1024;

/**
 * What stands at a path, links followed for `real` and `type` only. Never throws. `resolved` says
 * that the directory above is known to have no link in its path.
 *
 * A path that may not be looked at counts as absent: a command of the same user cannot reach it
 * either.
 */
export function seenAt(path: string, resolved = false): Seen {
  const absent: Seen = { path, real: path, type: "absent", id: "", stamp: "" };
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return absent;
    const told = {
      path,
      id: `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`,
      stamp: `${stat.ctimeNs}:${stat.size}`,
    };
    if (!stat.isSymbolicLink())
      return { ...told, real: resolved ? path : (realPath(path) ?? path), type: typeOf(stat) };
    const real = realPath(path);
    const target = real === undefined ? undefined : statSync(real, { bigint: true, throwIfNoEntry: false });
    return {
      ...told,
      link: readlinkSync(path),
      real: real ?? path,
      type: target === undefined ? "absent" : typeOf(target),
      targetId: target === undefined ? undefined : `${target.dev}:${target.ino}:${target.birthtimeNs}`,
    };
  } catch {
    return absent;
  }
}

function typeOf(stat: { isFile(): boolean; isDirectory(): boolean }): FileType {
  return stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other";
}

/** The path after every link; undefined where it leads nowhere. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/**
 * File systems whose files the kernel makes up while they are read, by the number statfs gives:
 * proc, sysfs, debugfs, tracefs, securityfs, cgroup, cgroup2, configfs, bpf, efivarfs, selinuxfs, pstore.
 */
const MADE_UP: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x73636673, 0x27e0eb, 0x63677270, 0x62656570, 0xcafe4a11,
  0xde5e81e4, 0xf97cff8c, 0x6165676c,
]);

/**
 * The text of a small regular file; undefined where there is none, it is longer than `most` bytes,
 * or the kernel makes it up.
 *
 * INVARIANT: never waits for what stands there and never holds more than `most` bytes and one,
 * wherever a link leads and whatever size is claimed.
 */
export function smallText(path: string, most: number = MOST_TEXT): string | undefined {
  let descriptor: number | undefined;
  try {
    // Opening a device can do something by itself.
    const before = statSync(path, { throwIfNoEntry: false });
    if (before?.isFile() !== true || before.size > most || isMadeUp(path)) return undefined;
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    // Another thing may stand there by now.
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > most) return undefined;
    if ((stat.dev !== before.dev || stat.ino !== before.ino) && isMadeUp(`/proc/self/fd/${descriptor}`))
      return undefined;
    // One more than is claimed tells a file that goes on.
    let buffer = Buffer.allocUnsafe(Math.min(stat.size, most) + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += read;
      if (length > most) return undefined;
      if (read === 0) return buffer.toString("utf8", 0, length);
      if (length < buffer.length) continue;
      const whole = Buffer.allocUnsafe(most + 1);
      buffer.copy(whole, 0, 0, length);
      buffer = whole;
    }
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Throws where it cannot be told. */
function isMadeUp(path: string): boolean {
  // Some kernels give the number with a sign.
  return process.platform === "linux" && MADE_UP.has(statfsSync(path).type >>> 0);
}

/** The text of a kernel file, which has no size; empty where it cannot be read. */
export function kernelText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
