import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { rolldown } from "rolldown";
import { type FileKind, logFiles } from "../../../src/host/audit/directory.ts";
import { open } from "../../../src/host/audit/line.ts";
import { verifyAudit } from "../../../src/host/audit/verify.ts";

/** A writer that is still at work after so many milliseconds hangs. */
const PATIENCE = 300_000;

/** Puts the program of the writers into one file that Node can run. */
export async function buildWriter(file: string): Promise<void> {
  const bundle = await rolldown({ input: "test/host/audit/writer.ts", platform: "node" });
  await bundle.write({ file, format: "esm" });
  await bundle.close();
}

/** A small generator with a seed (mulberry32), so that a plan can be made again; gives whole numbers below a bound. */
export function below(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** How one process writes. */
export interface WriterPlan {
  readonly kind: FileKind;
  readonly handles: "one" | "many";
  /** Characters of every command. */
  readonly size: number;
  /** Records; without an end where it is 0. */
  readonly records: number;
  /** Killed so many milliseconds after so many records were acknowledged; at the start after none. */
  readonly kill?: { readonly after: number; readonly wait: number } | undefined;
}

/** `count` writers of all kinds, each of which is killed at a moment of its own. */
export function killPlan(seed: number, count: number): readonly WriterPlan[] {
  const random = below(seed);
  // Of large records a kill leaves a half; of small ones more are under way at once.
  const size = [10, 3_000, 20_000, 200_000][random(4)] ?? 10;
  const kinds = [["own"], ["shared"], ["own", "shared"]] as const;
  const among = kinds[random(3)] ?? ["shared"];
  const most = size > 50_000 ? 4 : 16;
  return Array.from({ length: count }, () => {
    const kind = among[random(among.length)] ?? "shared";
    const early = random(5) === 0;
    return {
      kind,
      // A file for every record of 50 processes would measure the making of files.
      handles: kind === "shared" && random(2) === 0 ? "many" : "one",
      size,
      records: 0,
      // So long it takes until all of them have started.
      kill: early ? { after: 0, wait: random(30 * count) } : { after: 1 + random(most), wait: random(30) },
    };
  });
}

/** What one process was seen to do. */
export interface Written {
  /** Ids of the records whose append had returned. */
  readonly acknowledged: readonly string[];
  readonly pid: number;
  readonly signal: string | null;
  /** What it said on standard error: why it refused a record. */
  readonly said: string;
}

/** Starts the writers at once, kills them as planned and waits for their end. */
export function runWriters(
  script: string,
  directory: string,
  plans: readonly WriterPlan[],
): Promise<readonly Written[]> {
  return Promise.all(plans.map((plan) => runWriter(script, directory, plan)));
}

function runWriter(script: string, directory: string, plan: WriterPlan): Promise<Written> {
  const { kind, records, size, handles, kill } = plan;
  const argv = [script, directory, kind, String(records), String(size), handles];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
  // Whoever kills must get its turn among 50 that are busy.
  if (kill !== undefined && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  let [out, said, lines] = ["", "", 0];
  if (kill?.after === 0) void killAfter(child, kill.wait);
  child.stdout.on("data", (data: Buffer) => {
    out += data.toString();
    const before = lines;
    for (const byte of data) if (byte === 10) lines += 1;
    if (kill !== undefined && before < kill.after && lines >= kill.after) void killAfter(child, kill.wait);
  });
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const guard = setTimeout(() => child.kill("SIGABRT"), PATIENCE);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_, signal) => {
      clearTimeout(guard);
      // Only whole lines count as acknowledged.
      resolve({ acknowledged: out.split("\n").slice(0, -1), pid: child.pid ?? 0, signal, said });
    });
  });
}

async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  await pause(milliseconds);
  child.kill("SIGKILL");
}

/** What a look at a log after the writers ended found. */
export interface Examined {
  /** Everything that must not be; empty where nothing was lost. */
  readonly faults: readonly string[];
  /** Records in the log. */
  readonly records: number;
  /** Half lines that killed writers left. */
  readonly halves: number;
}

/**
 * Compares a log with what its writers were seen to do.
 *
 * A fault is: an acknowledged record that is not there exactly once; a record before the last of
 * a writer that is not there, acknowledged or not; more than one that was not acknowledged; damage
 * that `verify` finds; a half line that it does not name, or another note on a line.
 */
export function examineLog(directory: string, written: readonly Written[]): Examined {
  const faults: string[] = [];
  const counts = new Map<string, number>();
  const halves = new Set<string>();
  for (const file of logFiles(directory)) {
    const lines = readFileSync(join(directory, file), "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      const read = line === "" ? undefined : open(line);
      if (typeof read === "object") {
        const id = read.record["id"];
        if (typeof id === "string" && index < lines.length - 1) counts.set(id, (counts.get(id) ?? 0) + 1);
      } else if (read === "altered") faults.push(`${file}:${index + 1} is altered`);
      if (read === "torn" || (index === lines.length - 1 && line !== "")) halves.add(`${file}:${index + 1}`);
    }
  }
  const ofWriter = new Map<string, number>();
  for (const id of counts.keys()) {
    const pid = id.slice(0, id.indexOf("-"));
    ofWriter.set(pid, (ofWriter.get(pid) ?? 0) + 1);
  }
  for (const { acknowledged, pid, signal, said } of written) {
    for (const id of acknowledged)
      if (counts.get(id) !== 1) faults.push(`acknowledged ${id} is there ${counts.get(id) ?? 0} times`);
    let kept = 0;
    while (counts.has(`${pid}-${kept}`)) kept += 1;
    if (ofWriter.get(String(pid)) !== (kept === 0 ? undefined : kept))
      faults.push(`of writer ${pid} something before its last record is missing`);
    if (kept > acknowledged.length + 1) faults.push(`writer ${pid} went on without acknowledging`);
    if (said !== "") faults.push(`writer ${pid} refused: ${said.trim()}`);
    if (signal === "SIGABRT") faults.push(`writer ${pid} hung`);
  }
  const report = verifyAudit(directory);
  for (const { file, line, what } of report.damage) faults.push(`damage ${file}:${line ?? ""} ${what}`);
  const named = report.notes.flatMap(({ file, line }) => (line === undefined ? [] : `${file}:${line}`));
  for (const place of halves) if (!named.includes(place)) faults.push(`the half line ${place} is not named`);
  for (const place of named) if (!halves.has(place)) faults.push(`${place} is named and no half line`);
  const records = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const told = report.files.reduce((sum, file) => sum + file.records, 0);
  if (told !== records) faults.push(`verify counts ${told} records, there are ${records}`);
  return { faults, records, halves: halves.size };
}
