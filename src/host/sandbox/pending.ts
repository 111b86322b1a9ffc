import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDirectories } from "../make-directories.ts";
import type { Inspection } from "../../core/layers/9-sandbox/plan.ts";
import { startOf } from "./linux/processes.ts";
import type { Remembered } from "./quarantine.ts";

/** What has to be known to look for plants when the launcher did not live to do it. */
export interface PendingRecord {
  readonly inspection: Inspection;
  readonly remembered: Remembered;
}

/**
 * Notes down, before a command starts, what was there. Returns what takes the note back; a
 * launcher that is killed never does, and the next command in the workspace finds the note.
 *
 * Where the private directory cannot be written there is no note, and nothing is recovered.
 */
export function notePending(record: PendingRecord): () => void {
  const directory = directoryOf(record.inspection.quarantine);
  const path = join(
    directory,
    `${process.pid}-${startOf(process.pid)}-${randomBytes(4).toString("hex")}.json`,
  );
  const text = JSON.stringify({ inspection: record.inspection, remembered: [...record.remembered] });
  try {
    makeDirectories(directory, 0o700);
    writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  } catch {
    return () => undefined;
  }
  return () => rmSync(path, { force: true });
}

/**
 * The notes of launchers that died, for one workspace. Each is handed out once, whoever asks; a
 * note that cannot be read is dropped.
 */
export function takePending(quarantine: string, workspace: string): readonly PendingRecord[] {
  const directory = directoryOf(quarantine);
  return names(directory).flatMap((name): readonly PendingRecord[] => {
    const owner = /^(\d+)-(\d*)-[0-9a-f]+\.json$/.exec(name);
    if (owner === null || startOf(Number(owner[1])) === owner[2]) return [];
    const path = join(directory, name);
    try {
      const record = read(path);
      if (record.inspection.needs.roots[0]?.path !== workspace) return [];
      // Whoever renames it has it.
      const taken = `${path}.taken`;
      renameSync(path, taken);
      rmSync(taken);
      return [record];
    } catch {
      rmSync(path, { force: true });
      return [];
    }
  });
}

function directoryOf(quarantine: string): string {
  return join(dirname(quarantine), "running");
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Only cordon writes here, in a directory that no command can reach. */
function read(path: string): PendingRecord {
  const {
    inspection,
    remembered,
  }: { inspection: Inspection; remembered: [string, { text: string; mode: number }][] } = JSON.parse(
    readFileSync(path, "utf8"),
  );
  return { inspection, remembered: new Map(remembered) };
}
