import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Grant } from "../../core/call/facts.ts";
import { readRule } from "../../core/settings/rule.ts";
import { makeDirectories } from "../make-directories.ts";
import { codeOf } from "../settings/read-file.ts";
import { type Denial, noteDenial, readDenials } from "./denials.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A person's session with an agent: what was allowed in it, and what was denied. */
export interface Session {
  readonly id: string;
  grants(): readonly Grant[];
  /** Remembers a rule until the session ends. Throws when the private directory cannot be used. */
  grant(rule: string): void;
  /**
   * Forgets a rule, or all without one; gives back what was forgotten. Throws when the private
   * directory cannot be used.
   */
  revoke(rule?: string): readonly string[];
  /**
   * Remembers a denial and says the how manieth of its kind it is. Never throws: 0 where it could
   * not be remembered.
   */
  deny(denial: Denial): number;
  /** What was denied lately, oldest first. Never throws. */
  denials(): readonly Denial[];
  /**
   * Those of these names that were not told in the session yet; from now on they were. Never throws:
   * nothing is told that cannot be remembered as told.
   */
  tell(names: readonly string[]): readonly string[];
  /** What was told is told again: the agent has forgotten it. Never throws. */
  forgetTold(): void;
}

/**
 * The session a process belongs to: named by the caller, by `CORDON_SESSION`, else the leader of
 * the terminal session, told from later ones by the time it started.
 */
export function sessionId(named: string | undefined, env: Environment): string {
  const given = named ?? env["CORDON_SESSION"];
  if (given !== undefined && given !== "") return given;
  try {
    const leader = statField(process.pid, 6);
    return `terminal-${leader}-${statField(Number(leader), 22)}`;
  } catch {
    return `process-${process.ppid}`;
  }
}

/** A field of /proc/PID/stat, counted as in proc(5); the name in field 2 may hold blanks and brackets. */
function statField(pid: number, field: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const rest = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return rest[field - 3] ?? "0";
}

/** Where sessions are kept: gone at the end of the login where the system offers that. Never visible in the sandbox. */
export function runtimeDirectory(env: Environment, home: string): string {
  const runtime = env["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && isAbsolute(runtime)) return join(runtime, "cordon");
  const state = env["XDG_STATE_HOME"];
  return join(state !== undefined && isAbsolute(state) ? state : join(home, ".local/state"), "cordon/run");
}

/** Opens a session. Reading never fails: a store that cannot be read grants nothing. */
export function openSession(id: string, directory: string): Session {
  const name = createHash("sha256").update(id).digest("hex").slice(0, 32);
  const file = join(directory, `${name}.grants`);
  const refused = join(directory, `${name}.denials`);
  const told = join(directory, `${name}.told`);
  const granted = (): readonly string[] => {
    if (!isOwn(directory)) return [];
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile() || (process.geteuid !== undefined && stat.uid !== process.geteuid())) return [];
      return readFileSync(descriptor, "utf8")
        .split("\n")
        .filter((rule) => rule !== "" && readRule(rule, "allow").readings.length > 0);
    } finally {
      closeSync(descriptor);
    }
  };
  const prepare = (): void => {
    makeDirectories(directory, 0o700);
    if (lstatSync(directory).isDirectory()) chmodSync(directory, 0o700);
    if (!isOwn(directory)) throw new Error(`${directory} is a link or belongs to another user`);
  };
  return {
    id,
    grants: () => {
      try {
        return [...new Set(granted())].map((rule) => ({ rule }));
      } catch {
        return [];
      }
    },
    revoke: (rule) => {
      try {
        const before = granted();
        const gone = new Set(before.filter((each) => rule === undefined || each === rule));
        if (gone.size === 0) return [];
        const left = before.filter((each) => !gone.has(each));
        // A new file under the old name: a grant that is read meanwhile is there or not, never half.
        const temporary = `${file}.${process.pid}.new`;
        writeFileSync(temporary, left.map((each) => `${each}\n`).join(""), { flag: "wx", mode: 0o600 });
        renameSync(temporary, file);
        return [...gone];
      } catch (error) {
        if (codeOf(error) === "ENOENT") return [];
        throw error;
      }
    },
    deny: (denial) => {
      try {
        prepare();
        return noteDenial(refused, denial);
      } catch {
        return 0;
      }
    },
    denials: () => {
      try {
        return isOwn(directory) ? readDenials(refused) : [];
      } catch {
        return [];
      }
    },
    tell: (names) => {
      try {
        if (names.length === 0) return [];
        prepare();
        return noteTold(told, names);
      } catch {
        return [];
      }
    },
    forgetTold: () => {
      try {
        if (isOwn(directory)) rmSync(told, { force: true });
      } catch {
        // Then it is not told again.
      }
    },
    grant: (rule) => {
      if (rule.includes("\n")) throw new Error("a rule for a session stands on one line");
      prepare();
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
      const descriptor = openSync(file, flags, 0o600);
      try {
        appendFileSync(descriptor, `${rule}\n`);
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

/** Bytes of names a session remembers; beyond them nothing more is told. */
const MOST_TOLD = 64 * 1024;

/** Appends the names that are not in the file; gives them back. Two at the same time may both tell one. */
function noteTold(file: string, names: readonly string[]): readonly string[] {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MOST_TOLD) return [];
    const known = new Set(readFileSync(descriptor, "utf8").split("\n"));
    const fresh = [...new Set(names)].filter((name) => !known.has(name));
    if (fresh.length > 0) appendFileSync(descriptor, fresh.map((name) => `${name}\n`).join(""));
    return fresh;
  } finally {
    closeSync(descriptor);
  }
}

/** A real directory of our own that nobody else can enter. */
function isOwn(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return false;
  return process.geteuid === undefined || (stat.uid === process.geteuid() && (stat.mode & 0o077) === 0);
}
