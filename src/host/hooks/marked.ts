import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** How often what is marked is looked for: a process may start another while it dies. */
const LOOKS = 10;

/**
 * Kills every process whose environment carries `entry` (`NAME=value`): what hooks started and left
 * behind, in whatever session. Linux only; elsewhere, and for one that has cleared its environment,
 * only the group of the hook is ended.
 */
export async function endMarked(entry: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const found = marked(entry);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    await pause(5);
  }
}

function marked(entry: string): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(`\0${entry}\0`));
}

/** Empty for a process of another user, and for one that is dead. */
function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`;
  } catch {
    return "";
  }
}
