import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { kernelText } from "../look.ts";

/** Kills the first process of a pid namespace, and with it every other one in there. */
export function endNamespace(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/**
 * Waits until the first process of a pid namespace is dead; the kernel lets it die only after all
 * others in there. False after `patience` milliseconds.
 */
export async function namespaceEnded(pid: number, patience: number): Promise<boolean> {
  const until = performance.now() + patience;
  // The kernel takes a millisecond or two to take a network namespace down.
  for (let wait = 0; performance.now() < until; wait = Math.min(20, wait + 1)) {
    if (isDead(pid)) return true;
    await (wait < 3 ? new Promise(setImmediate) : pause(wait - 2));
  }
  return isDead(pid);
}

/** PF_EXITING of linux/sched.h: the process can start nothing more. */
const EXITING = 4;

/**
 * A zombie counts as dead: whoever has to reap it may never come. So does a first process that is
 * on its way out and has no children: then nobody else is left in its namespace, and the kernel is
 * only taking the mounts down.
 */
function isDead(pid: number): boolean {
  const stat = kernelText(`/proc/${pid}/stat`);
  if (stat === "") return !exists(pid);
  const [state, , , , , , flags] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return true;
  return (Number(flags) & EXITING) !== 0 && childrenOf(pid) === "";
}

/** Undefined where the kernel does not tell. */
function childrenOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** When a process started, in clock ticks since boot; tells it from a later one of the same number. Empty where there is none. */
export function startOf(pid: number): string {
  const stat = kernelText(`/proc/${pid}/stat`);
  // Without /proc only whether there is one.
  if (stat === "" && process.platform === "darwin") return exists(pid) ? "1" : "";
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
