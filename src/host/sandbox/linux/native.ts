import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import { filterBytes } from "../../../core/layers/9-sandbox/seccomp.ts";
import type { Backend, Start, Started } from "../backend.ts";
import { SandboxError } from "../error.ts";
import { kernelText, seenAt } from "../look.ts";
import { type MountOrder, commandWords, mountOrder } from "./native-order.ts";
import { feedInput, followStatus, pipeOf, stdioOf } from "./pipes.ts";
import { groupsLeft, openGroup } from "./group.ts";
import { type Launch, type Spares, openSpares } from "./spare.ts";

/** Where the launcher is asked and answers; see native/report.h. */
export const CHANNEL = 3;
/** Sessions kept at a time: plans of one workspace and policy are alike, and more need more memory. */
const MOST_SESSIONS = 4;
/** The namespaces a command joins, in the order of the launcher's arguments; the inner user first. */
const JOINED = ["user", "net", "uts", "cgroup", "mnt"] as const;

/** Namespaces made for plans that mount the same; open descriptors keep them alive. */
interface Session {
  readonly order: MountOrder;
  /** Descriptors by `JOINED`. Undefined: it is being made for the first time of use, or was closed. */
  spaces: Promise<readonly number[]> | undefined;
  /** How many commands have asked for it. */
  uses: number;
}

/**
 * Carries plans out with cordon's own launcher: the namespaces and mounts that commands share are
 * made once, by the second command that needs them; a first one, which may be the only one, makes
 * its own.
 *
 * Everything it keeps are descriptors of this process. When that dies nothing is left.
 */
export function nativeBackend(launcher: string): Backend {
  const sessions = new Map<string, Session>();
  const spares = openSpares();
  return {
    rung: "native",
    program: "cordon-launcher",
    overlays: true,
    merges: true,
    close: () => {
      spares.close();
      for (const key of sessions.keys()) drop(sessions, key);
    },
    group: (plan) => spares.group(madeFor(plan)),
    waits: spares.waits,
    ended: (plan) => {
      const { groups } = plan.inspection;
      // With room for the launcher, which waits in them.
      if (groups !== undefined)
        spares.prepare({ made: madeFor(plan), open: () => openGroup(groups, plan.limits, 1) });
    },
    start: async (what) => {
      const order = mountOrder(what.plan.mounts);
      if (order === undefined)
        throw new SandboxError(
          "setup",
          "the launcher cannot keep the order of these mounts",
          "set cordon.sandbox.lowestRung to see what bubblewrap makes of them, and report the plan",
        );
      const key = keyOf(what.plan, order);
      const session = take(sessions, key, order);
      session.uses += 1;
      if (session.uses > 1) session.spaces ??= makeSession(launcher, what.plan, order);
      let spaces: readonly number[] | undefined;
      try {
        spaces = await session.spaces;
      } catch (error) {
        sessions.delete(key);
        throw error;
      }
      const started = start(launcher, what, session, spaces, spares);
      return {
        ...started,
        stale: () => {
          const stale = started.stale();
          if (stale && sessions.get(key) === session) drop(sessions, key);
          return stale;
        },
      };
    },
  };
}

/** Whatever changes what the mounts of a plan would show: the words, the user, the machine's own mounts. */
function keyOf(plan: SandboxPlan, order: MountOrder): string {
  return JSON.stringify([
    order.early,
    order.late,
    plan.identity ?? null,
    order.sources.map((path) => seenAt(path).id),
    kernelText("/proc/self/mountinfo"),
  ]);
}

function take(sessions: Map<string, Session>, key: string, order: MountOrder): Session {
  const known = sessions.get(key) ?? { order, spaces: undefined, uses: 0 };
  // The one used last comes last.
  sessions.delete(key);
  sessions.set(key, known);
  const [oldest] = sessions.keys();
  if (sessions.size > MOST_SESSIONS && oldest !== undefined) drop(sessions, oldest);
  return known;
}

/** Commands that run in it keep it for themselves. */
function drop(sessions: Map<string, Session>, key: string): void {
  const spaces = sessions.get(key)?.spaces;
  sessions.delete(key);
  spaces?.then(
    (descriptors) => descriptors.forEach((fd) => closeSync(fd)),
    () => undefined,
  );
}

/** What goes to the launcher: words and the filter, each with its length; see native/order.h. */
export function asked(words: readonly string[], filter: Uint8Array): Uint8Array {
  const text = Buffer.from(words.length === 0 ? "" : `${words.join("\0")}\0`);
  const lengths = [text.length, filter.length].map((length) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(length);
    return bytes;
  });
  return Buffer.concat([lengths[0] ?? new Uint8Array(), text, lengths[1] ?? new Uint8Array(), filter]);
}

function start(
  launcher: string,
  what: Start,
  { order }: Session,
  spaces: readonly number[] | undefined,
  spares: Spares,
): Started {
  const { plan, argv, groups } = what;
  const stdio = stdioOf(what);
  const joined = spaces?.map((_fd, index) => String(CHANNEL + 1 + index)) ?? [];
  const launch: Launch = {
    path: launcher,
    args: ["run", ...joined],
    stdio: [...stdio, "pipe", ...(spaces ?? [])],
    identity: plan.identity,
    session: spaces ?? {},
    channel: CHANNEL,
  };
  const { child, status, spare, groups: within } = spares.take(launch, groups);
  const left = within.length > 0 ? [] : groupsLeft(child, plan, groups);
  const mounts =
    spaces === undefined
      ? [...order.early, ...order.late]
      : [...order.late, ...order.checks.flatMap((path) => ["--check", path])];
  const passed = [...(stdio[0] === "pipe" ? ["--feed"] : []), ...(what.watch === "merge" ? ["--merge"] : [])];
  const filter = plan.filter === undefined ? new Uint8Array() : filterBytes(plan.filter);
  const channel = pipeOf(child, CHANNEL);
  channel?.on("error", () => undefined);
  channel?.write(asked([...mounts, ...passed, ...commandWords(plan, argv, left)], filter));
  feedInput(child, what);
  // What the caller has open may be closed by the next time.
  if (spaces !== undefined && !stdio.includes("inherit")) spares.lay(launch);
  return {
    child,
    ...status,
    // One that ended before it was asked for anything.
    stale: () => status.stale() || (spare && status.first() === undefined && status.trouble() === undefined),
  };
}

function madeFor({ inspection, limits }: SandboxPlan): string {
  return JSON.stringify([inspection.groups ?? null, limits]);
}

/** Makes the namespaces and opens them. The process that made them ends then. */
function makeSession(launcher: string, plan: SandboxPlan, order: MountOrder): Promise<readonly number[]> {
  const child = spawn(launcher, ["session"], {
    cwd: "/",
    env: {},
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    ...plan.identity,
  });
  const status = followStatus(child, CHANNEL);
  const channel = pipeOf(child, CHANNEL);
  channel?.on("error", () => undefined);
  channel?.write(asked([...order.early, ...order.late], new Uint8Array()));
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      reject(new SandboxError("setup", why, "repeat the command if a file vanished meanwhile"));
    };
    child.on("error", (error) => fail(`the launcher cannot be started: ${error.message}`));
    child.on("close", () => fail(status.trouble() ?? "the launcher ended before the namespaces were made"));
    channel?.on("data", () => {
      const pid = status.ready();
      if (pid === undefined) return;
      try {
        resolve(openSpaces(pid));
      } catch (error) {
        fail(`the namespaces cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
      }
      // It waits for this.
      channel.destroy();
    });
  });
}

function openSpaces(pid: number): readonly number[] {
  const opened: number[] = [];
  try {
    for (const name of JOINED) opened.push(openSync(`/proc/${pid}/ns/${name}`, "r"));
    return opened;
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}
