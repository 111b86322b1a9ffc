import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { kindOfFile, logFiles, openLog, type FileKind } from "./directory.ts";
import { AuditError, isGone, reasonOf } from "./error.ts";
import { chain, GENESIS, openBytes, type Reading } from "./line.ts";
import { linesOf, linksOf, removedBy, type LinkedHead } from "./reader.ts";

/** Something about a file; `line` counts from one. */
export interface Finding {
  readonly file: string;
  readonly line?: number | undefined;
  readonly what: string;
}

export interface FileReport extends LinkedHead {
  readonly kind: FileKind;
  /** Decisions and runs. */
  readonly records: number;
  /** The writer ended it; shared files are never ended. */
  readonly closed: boolean;
}

/** What a look at all chains of a directory found. */
export interface AuditReport {
  readonly directory: string;
  readonly files: readonly FileReport[];
  /** The first bad line of every damaged file, and files that are missing or cut. Empty: nothing was altered. */
  readonly damage: readonly Finding[];
  /** What is no damage but worth knowing: writers that were killed, files the retention removed. */
  readonly notes: readonly Finding[];
}

interface Link extends LinkedHead {
  /** Who remembers it. */
  readonly by: Finding;
}

interface Walk {
  readonly report: FileReport;
  /** The chain before every line, and at the end. */
  readonly chains: readonly string[];
  readonly links: readonly Link[];
  /** Files that a line of this one says the retention removed. */
  readonly removed: readonly Link[];
  readonly damage?: Finding | undefined;
  readonly notes: readonly Finding[];
}

/**
 * Follows every chain in `directory` and every link between its files, and, with `against`, heads
 * that were saved earlier and elsewhere.
 *
 * Reads only; writers may go on meanwhile. A file that cannot be read is damage. What nobody
 * remembers cannot be missed: the last lines of the newest file, and a directory that was removed
 * whole, are covered only by `against`.
 */
export function verifyAudit(directory: string, against: readonly LinkedHead[] = []): AuditReport {
  const walks = new Map<string, Walk>();
  for (const file of logFiles(directory)) {
    const one = walk(directory, file);
    // Removed since it was listed, as if before; a later file, which is read after it, says whether it might go.
    if (one !== "gone") walks.set(file, one);
  }
  const saved = against.map((head): Link => ({
    ...head,
    by: { file: head.file, what: "a head that was saved" },
  }));
  const damage: Finding[] = [];
  for (const { damage: found } of walks.values()) if (found !== undefined) damage.push(found);
  const blamed = new Set(damage.map((finding) => finding.file));
  const retired = new Map<string, Link>();
  for (const link of [...walks.values()].flatMap((one) => one.removed)) {
    if (!walks.has(link.file) && link.lines >= (retired.get(link.file)?.lines ?? 0))
      retired.set(link.file, link);
  }
  for (const link of [...saved, ...[...walks.values()].flatMap((one) => one.links)]) {
    if (blamed.has(link.file)) continue;
    if (isRetired(link, retired.get(link.file))) continue;
    let what = compare(link, walks.get(link.file));
    if (what === undefined) continue;
    if (walks.has(link.file)) {
      // Its writer may have gone on after it was read here.
      const again = walk(directory, link.file);
      if (again !== "gone") {
        walks.set(link.file, again);
        what = compare(link, again);
      }
      if (what === undefined) continue;
    }
    blamed.add(link.file);
    damage.push({ file: link.file, what });
  }
  damage.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0)));
  return {
    directory,
    files: [...walks.values()].map((one) => one.report),
    damage,
    notes: [
      ...[...walks.values()].flatMap((one) => one.notes),
      ...[...retired.values()].map(({ file, lines, by }) => ({
        file,
        what: `removed by the retention with ${lines} lines; ${by.file}:${by.line ?? 1} says so`,
      })),
    ],
  };
}

/** The retention removed the file, and it was then at least what the link knew. */
function isRetired(link: Link, retired: Link | undefined): boolean {
  if (retired === undefined || retired.lines < link.lines) return false;
  return retired.lines > link.lines || link.lines === 0 || retired.hash === link.hash;
}

function compare(link: Link, target: Walk | undefined): string | undefined {
  const by = link.by.line === undefined ? link.by.what : `${link.by.file}:${link.by.line}`;
  if (target === undefined) return `is gone; ${by} knew it with ${link.lines} lines`;
  if (target.damage !== undefined) return undefined;
  const value = target.chains[link.lines];
  if (value === undefined)
    return `has ${target.report.lines} lines, but ${by} knew ${link.lines}: its end was cut off`;
  if (link.lines > 0 && value !== link.hash)
    return `its first ${link.lines} lines are not those that ${by} knew`;
  return undefined;
}

/** What a walk has gathered so far. */
interface Progress {
  readonly chains: string[];
  readonly offsets: number[];
  /** Lines of a shared file that are no records, from 0. */
  readonly torn: number[];
  /** Lines that a later record covers. */
  covered: number;
  records: number;
  closed: boolean;
  started: boolean;
}

function walk(directory: string, file: string): Walk | "gone" {
  const kind = kindOfFile(file) ?? "own";
  const progress: Progress = {
    chains: [GENESIS],
    offsets: [0],
    torn: [],
    covered: 0,
    records: 0,
    closed: false,
    started: false,
  };
  const links: Link[] = [];
  const removed: Link[] = [];
  const notes: Finding[] = [];
  let damage: Finding | undefined;
  let descriptor: number | undefined;
  try {
    descriptor = openLog(join(directory, file), "read").descriptor;
    for (const { raw, offset, ended } of linesOf(descriptor, 0, fstatSync(descriptor).size)) {
      const index = progress.chains.length - 1;
      const line = index + 1;
      if (!ended) {
        notes.push({
          file,
          line,
          what: "unfinished: its writer was killed while writing it, or is writing now",
        });
        break;
      }
      const read = openBytes(raw);
      const fault = faultOf(kind, file, index, raw, read, progress);
      if (fault !== undefined) {
        damage = { file, ...fault };
        break;
      }
      progress.chains.push(chain(progress.chains[index] ?? GENESIS, index, raw, read));
      progress.offsets.push(offset + raw.length + 1);
      if (typeof read === "string") continue;
      const { record } = read;
      progress.started = true;
      if (record["type"] === "close") progress.closed = true;
      else if (record["type"] !== "start" && record["type"] !== "rotate") progress.records += 1;
      for (const link of linksOf(read)) links.push({ ...link, by: { file, line, what: "" } });
      for (const link of removedBy(read)) removed.push({ ...link, by: { file, line, what: "" } });
    }
  } catch (error) {
    if (isGone(error)) return "gone";
    damage = {
      file,
      what: error instanceof AuditError ? error.message.slice(error.path.length + 2) : reasonOf(error),
    };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  for (const index of progress.torn) {
    const covered = index < progress.covered;
    const what = covered
      ? "unfinished: its writer was killed while writing it"
      : "unreadable, and no later record covers it";
    notes.push({ file, line: index + 1, what });
  }
  if (kind === "own" && damage === undefined && !progress.closed) {
    notes.push({ file, what: "not closed: its writer was killed, or still runs" });
  }
  const lines = progress.chains.length - 1;
  const report: FileReport = {
    file,
    kind,
    lines,
    hash: progress.chains[lines] ?? GENESIS,
    records: progress.records,
    closed: progress.closed,
  };
  return { report, chains: progress.chains, links, removed, damage, notes };
}

/** Why a line cannot be where it is, and which line is to blame (from one). */
function faultOf(
  kind: FileKind,
  file: string,
  index: number,
  raw: Uint8Array,
  read: Reading,
  progress: Progress,
): { readonly line: number; readonly what: string } | undefined {
  const line = index + 1;
  if (read === "altered") return { line, what: "altered: its hash is not that of its text" };
  if (read === "torn") {
    if (kind === "own") return { line, what: "altered: not a record" };
    if (raw.length > 0) progress.torn.push(index);
    return undefined;
  }
  if (!progress.started && (read.record["type"] !== "start" || read.record["file"] !== file)) {
    return { line, what: "does not start this file: lines before it are missing, or the file was renamed" };
  }
  if (kind === "own") {
    if (progress.closed) return { line, what: "follows the closing line" };
    if (read.seq > index)
      return { line, what: `is record ${read.seq + 1}: ${read.seq - index} before it are missing` };
    if (read.seq < index)
      return { line, what: `is record ${read.seq + 1}: it was repeated, or lines were added before it` };
  }
  const fits =
    read.seq <= index && progress.chains[read.seq] === read.prev && progress.offsets[read.seq] === read.at;
  if (!fits) {
    const first = progress.torn.find((torn) => torn >= progress.covered && torn < read.seq);
    if (first !== undefined) return { line: first + 1, what: `altered after line ${line} had covered it` };
    const range = `lines ${progress.covered + 1} to ${Math.max(progress.covered + 1, Math.min(read.seq, index))}`;
    return {
      line,
      what: `does not follow from what stands before it: something in ${range} was altered, added or removed`,
    };
  }
  progress.covered = Math.max(progress.covered, read.seq);
  return undefined;
}
