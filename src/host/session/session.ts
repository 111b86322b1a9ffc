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
} from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Grant } from "../../core/call/facts.ts";
import { readRule } from "../../core/settings/rule.ts";
import { makeDirectories } from "../make-directories.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A person's session with an agent, and what was allowed in it. */
export interface Session {
  readonly id: string;
  grants(): readonly Grant[];
  /** Remembers a rule until the session ends. Throws when the private directory cannot be used. */
  grant(rule: string): void;
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
  const file = join(directory, `${createHash("sha256").update(id).digest("hex").slice(0, 32)}.grants`);
  return {
    id,
    grants: () => {
      try {
        if (!isOwn(directory)) return [];
        const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          const stat = fstatSync(descriptor);
          if (!stat.isFile() || (process.geteuid !== undefined && stat.uid !== process.geteuid())) return [];
          return readFileSync(descriptor, "utf8")
            .split("\n")
            .filter((rule) => rule !== "" && readRule(rule, "allow").readings.length > 0)
            .map((rule) => ({ rule }));
        } finally {
          closeSync(descriptor);
        }
      } catch {
        return [];
      }
    },
    grant: (rule) => {
      if (rule.includes("\n")) throw new Error("a rule for a session stands on one line");
      makeDirectories(directory, 0o700);
      if (lstatSync(directory).isDirectory()) chmodSync(directory, 0o700);
      if (!isOwn(directory)) throw new Error(`${directory} is a link or belongs to another user`);
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

/** A real directory of our own that nobody else can enter. */
function isOwn(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return false;
  return process.geteuid === undefined || (stat.uid === process.geteuid() && (stat.mode & 0o077) === 0);
}
