import { readFileSync } from "node:fs";

/**
 * The device number of the controlling terminal, see proc_pid_stat(5); 0 where there is none, also
 * once it was hung up. Undefined where the system does not tell.
 */
export function terminalNumber(): number | undefined {
  try {
    const text = readFileSync("/proc/self/stat", "utf8");
    // The name of the program stands in brackets and may hold any character.
    const field = text.slice(text.lastIndexOf(")") + 2).split(" ")[4];
    return field === undefined ? undefined : Number(field);
  } catch {
    return undefined;
  }
}
