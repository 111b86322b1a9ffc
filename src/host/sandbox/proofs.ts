import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { arch, release, version } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDirectories } from "../make-directories.ts";
import type { Footing } from "./footing.ts";
import { kernelText } from "./look.ts";

/** Proofs that are kept; the oldest goes first. */
const MOST_PROOFS = 8;
const MOST_BYTES = 64 * 1024;
const FILE = "self-test.json";

/** Parts of a process that decide what it can confine. */
const OWN_STATUS = /^(?:Uid|Gid|CapEff|CapBnd|NoNewPrivs|Seccomp|Seccomp_filters):.*$/gm;
const SYSCTLS: readonly string[] = [
  "user/max_user_namespaces",
  "kernel/unprivileged_userns_clone",
  "kernel/apparmor_restrict_unprivileged_userns",
];

/**
 * What a proof holds for: this boot of this kernel, this user in these namespaces, these very
 * programs, this cordon. Anything that could make the next sandbox another one changes it.
 */
export function proofKey({ rung, launcher, bubblewrap }: Omit<Footing, "abi" | "passed">): string {
  const parts = [
    rung,
    identity(launcher),
    identity(bubblewrap),
    identity(fileURLToPath(import.meta.url)),
    kernelText("/proc/sys/kernel/random/boot_id").trim(),
    [arch(), release(), version()],
    ["user", "mnt", "pid", "net"].map(namespace),
    kernelText("/proc/self/status").match(OWN_STATUS),
    SYSCTLS.map((name) => kernelText(`/proc/sys/${name}`).trim()),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function identity(path: string | undefined): readonly string[] {
  if (path === undefined) return [];
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return [path];
  return [path, stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, stat.mode].map(String);
}

function namespace(name: string): string {
  try {
    return readlinkSync(`/proc/self/ns/${name}`);
  } catch {
    return "";
  }
}

/**
 * The ABI of Landlock with which the sandbox of this key was proved before; undefined = it was not.
 * A file that is faulty, or not private, proves nothing.
 */
export function provedAbi(state: string, key: string): number | undefined {
  return read(state).find((proof) => proof.key === key)?.abi;
}

/** Remembers a proof, where the state directory lets us. */
export function keepProof(state: string, key: string, abi: number): void {
  try {
    const proofs = [...read(state).filter((each) => each.key !== key), { key, abi }].slice(-MOST_PROOFS);
    makeDirectories(state, 0o700);
    const fresh = join(state, `${FILE}.${process.pid}`);
    writeFileSync(fresh, `${JSON.stringify({ version: 1, proofs })}\n`, { mode: 0o600 });
    renameSync(fresh, join(state, FILE));
  } catch {
    // The next one tests again.
  }
}

interface Remembered {
  readonly key: string;
  readonly abi: number;
}

function isRemembered(value: unknown): value is Remembered {
  if (typeof value !== "object" || value === null || !("key" in value) || !("abi" in value)) return false;
  const { key, abi } = value;
  return typeof key === "string" && /^[0-9a-f]{64}$/.test(key) && Number.isInteger(abi) && Number(abi) >= 0;
}

function read(state: string): readonly Remembered[] {
  let descriptor: number | undefined;
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    descriptor = openSync(join(state, FILE), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const file = fstatSync(descriptor);
    const directory = statSync(state);
    const own = (uid: number): boolean => uid === process.getuid?.();
    if (!file.isFile() || !own(file.uid) || (file.mode & 0o077) !== 0 || file.size > MOST_BYTES) return [];
    if (!own(directory.uid) || (directory.mode & 0o022) !== 0) return [];
    const value: unknown = JSON.parse(readFileSync(descriptor, "utf8"));
    if (typeof value !== "object" || value === null || !("version" in value) || value.version !== 1)
      return [];
    const proofs: unknown = "proofs" in value ? value.proofs : undefined;
    return Array.isArray(proofs) && proofs.every(isRemembered) ? proofs : [];
  } catch {
    return [];
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
