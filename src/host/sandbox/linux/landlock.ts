import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Seen } from "../../../core/layers/9-sandbox/facts.ts";
import type { Ground } from "../../../core/layers/9-sandbox/ladder.ts";
import { type DirectoryEntry, landlockListings } from "../../../core/layers/9-sandbox/landlock-alone.ts";
import type { SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import { filterBytes } from "../../../core/layers/9-sandbox/seccomp.ts";
import { filterRules } from "../../../core/layers/9-sandbox/seccomp-rules.ts";
import type { Backend, Start, Started } from "../backend.ts";
import { SandboxError } from "../error.ts";
import { kernelText, realPath, seenAt } from "../look.ts";
import { CHANNEL, asked } from "./native.ts";
import { groupsLeft } from "./group.ts";
import { commandWords } from "./native-order.ts";
import { feedInput, followStatus, pipeOf, stdioOf } from "./pipes.ts";
import { startOf } from "./processes.ts";

/** Entries of protected directories that are compared; more are not looked at. */
const MOST_INSIDE = 2_000;

/**
 * Carries out plans of the rung `landlock` with cordon's own launcher: no namespace is made. What
 * the command started is ended by the launcher, which is told by SIGTERM or by the end of Node.
 */
export function landlockBackend(launcher: string): Backend {
  return {
    rung: "landlock",
    program: "cordon-launcher",
    start: (what) => {
      try {
        return Promise.resolve(start(launcher, what));
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

function start(launcher: string, what: Start): Started {
  const { plan, argv, groups } = what;
  const temporary = plan.environment["TMPDIR"];
  if (
    plan.rung !== "landlock" ||
    plan.landlock === undefined ||
    plan.filter === undefined ||
    temporary === undefined
  )
    throw new SandboxError("setup", "the plan was made for another rung", "plan again");
  makeTemporary(temporary, plan.identity);
  const stdio = stdioOf(what);
  const child = spawn(launcher, ["alone"], {
    cwd: "/",
    env: {},
    stdio: [...stdio, "pipe"],
    ...plan.identity,
  });
  const remove = (): void => rmSync(temporary, { recursive: true, force: true });
  child.on("close", remove);
  child.on("error", remove);
  const status = followStatus(child, CHANNEL);
  const channel = pipeOf(child, CHANNEL);
  channel?.on("error", () => undefined);
  const feed = stdio[0] === "pipe" ? ["--feed"] : [];
  channel?.write(
    asked(
      [...feed, ...commandWords(plan, argv, groupsLeft(child, plan, groups))],
      filterBytes(plan.filter, filterRules(false)),
    ),
  );
  feedInput(child, what);
  return { child, ...status, onExit: undefined, end: () => void child.kill("SIGTERM") };
}

function makeTemporary(path: string, identity: SandboxPlan["identity"]): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    if (identity !== undefined) chownSync(path, identity.uid, identity.gid);
  } catch (error) {
    throw new SandboxError(
      "setup",
      `a directory for temporary files cannot be made: ${error instanceof Error ? error.message : String(error)}`,
      "look at the permissions of that directory",
    );
  }
}

/** The kernel's ABI of Landlock, as the launcher tells; 0 where there is none, or it says nothing. */
export function landlockAbi(launcher: string): number {
  const { stdout } = spawnSync(launcher, ["version"], {
    cwd: "/",
    env: {},
    timeout: 3_000,
    encoding: "utf8",
  });
  return Number(/^cordon-launcher \d+ landlock (\d+)$/m.exec(stdout ?? "")?.[1] ?? 0);
}

/**
 * What the machine has to be asked for a plan to be carried out without namespaces. Removes the
 * temporary directories of launchers that were killed.
 */
export function landlockGround(
  plan: SandboxPlan,
  abi: number,
): Extract<Ground, { readonly rung: "landlock" }> {
  const base = realPath(plan.environment["TMPDIR"] ?? "/tmp") ?? "/tmp";
  sweep(base);
  const name = `${prefix()}${process.pid}-${startOf(process.pid)}-${randomBytes(6).toString("hex")}`;
  return {
    rung: "landlock",
    abi,
    listings: new Map(landlockListings(plan).map((path) => [path, entriesOf(path)])),
    temporary: join(base, name),
    processes: threadsOf(plan.identity?.uid ?? process.getuid?.() ?? 0),
    inside: plan.protected.flatMap(({ path }) => within(plan, path)),
  };
}

function entriesOf(directory: string): readonly DirectoryEntry[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      type: entry.isDirectory()
        ? "directory"
        : entry.isFile()
          ? "file"
          : entry.isSymbolicLink()
            ? "link"
            : entry.isSocket()
              ? "socket"
              : "other",
    }));
  } catch {
    // Nothing in it is granted.
    return [];
  }
}

/** What lies in a protected directory. Hooks of git are looked at by the inspection itself. */
function within({ inspection }: SandboxPlan, directory: string): readonly Seen[] {
  const isHooks = inspection.before.gits.some(({ files }) => files.some(({ real }) => real === directory));
  if (isHooks || statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const found: Seen[] = [];
  const open = [directory];
  for (let next = open.pop(); next !== undefined && found.length < MOST_INSIDE; next = open.pop())
    for (const { name, type } of entriesOf(next)) {
      const path = join(next, name);
      if (type === "directory") open.push(path);
      found.push(seenAt(path));
    }
  return found;
}

/** Processes and threads of a user; all of them count against one limit. */
function threadsOf(uid: number): number {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .reduce((sum, pid) => {
      const status = kernelText(`/proc/${pid}/status`);
      const own = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1) === uid;
      return own ? sum + Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 1) : sum;
    }, 0);
}

/** Names are told apart by namespace: a number of another one says nothing about who lives. */
function prefix(): string {
  return `cordon-tmp-${statSync("/proc/self/ns/pid").ino}-`;
}

/** Removes what launchers left that were killed; what belongs to somebody else cannot be removed. */
function sweep(base: string): void {
  for (const { name } of entriesOf(base)) {
    const own = prefix();
    const owner = name.startsWith(own) ? /^(\d+)-(\d*)-[0-9a-f]+$/.exec(name.slice(own.length)) : null;
    if (owner === null || isAlive(Number(owner[1]), owner[2] ?? "")) continue;
    try {
      const mine = statSync(join(base, name)).uid === process.getuid?.();
      if (mine) rmSync(join(base, name), { recursive: true, force: true });
    } catch {
      // Gone, or not for us to remove.
    }
  }
}

/** A process that has ended and that nobody has taken in yet makes no more use of its files. */
function isAlive(pid: number, since: string): boolean {
  const stat = kernelText(`/proc/${pid}/stat`);
  return startOf(pid) === since && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
