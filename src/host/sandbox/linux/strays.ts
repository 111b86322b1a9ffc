import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { endNamespace, startOf } from "./processes.ts";

/** In the environment of what this process starts commands with; a command itself does not get it. */
const NAME = "CORDON_STARTED_BY";

/** Tells what one process of cordon's started from everything else, and nothing about it. */
export interface Tag {
  readonly environment: Readonly<Record<string, string>>;
  /** Kills what carries the tag. */
  readonly end: () => void;
}

/** A tag for one command. */
export function tagOne(): Tag {
  const text = `${tagOf(process.pid, startOf(process.pid))}-${randomBytes(6).toString("hex")}`;
  return { environment: { [NAME]: text }, end: () => endTagged((tag) => tag === text) };
}

/**
 * Kills what a dead process of cordon's left running: bubblewrap asks the kernel to die with its parent
 * only after it has started its first child, which asks for the same only when everything is mounted.
 * Whoever is killed between leaves one that waits for ever.
 */
export function endOrphans(pid: number, start: string): void {
  const dead = tagOf(pid, start);
  if (startOf(pid) !== start) endTagged((tag) => tag.startsWith(`${dead}-`));
}

/** Numbers of processes mean something in one namespace only. */
function tagOf(pid: number, start: string): string {
  return createHash("sha256").update(`${pid} ${start} ${namespace()}`).digest("hex").slice(0, 24);
}

function namespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "unknown";
  }
}

function endTagged(matches: (tag: string) => boolean): void {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const tag = tagIn(name);
    if (tag !== undefined && matches(tag)) endNamespace(Number(name));
  }
}

function tagIn(pid: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, "latin1");
    return text
      .split("\0")
      .find((entry) => entry.startsWith(`${NAME}=`))
      ?.slice(NAME.length + 1);
  } catch {
    // Gone, or another user's.
    return undefined;
  }
}
