import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { filterBytes } from "../../../core/layers/9-sandbox/seccomp.ts";
import type { Backend, Start, Started } from "../backend.ts";
import { FDS, bubblewrapArguments, limitedCommand } from "./arguments.ts";
import { inheritedDescriptors } from "./descriptors.ts";
import { feed, feedInput, followStatus, pipeOf, stdioOf } from "./pipes.ts";
import { endNamespace } from "./processes.ts";
import { tagOne } from "./strays.ts";

/**
 * What starts the command inside: it says that it is there, and goes on when it is told to. The first
 * process of the namespace asks to die with bubblewrap only once everything is mounted; whoever is
 * killed before that would leave a command that nobody watches, perhaps under half a plan. With
 * nobody there to say so, nothing begins.
 */
const GATE: readonly string[] = [
  "/bin/sh",
  "-c",
  `echo >&${FDS.gate}; read -r go <&${FDS.gate} || exit 125; exec "$@" ${FDS.gate}<&-`,
  "gate",
];

/** Carries plans out with the bubblewrap at `path`. Landlock's rules are applied inside by `launcher`. */
export function bubblewrapBackend(path: string, launcher?: string): Backend {
  return {
    rung: "bubblewrap",
    program: "bubblewrap",
    start: (what) => Promise.resolve(start(path, launcher, what)),
  };
}

function start(bubblewrap: string, launcher: string | undefined, what: Start): Started {
  const { plan, argv, groups } = what;
  const block = groups.length > 0;
  const filter = plan.filter === undefined ? undefined : filterBytes(plan.filter);
  const words = ["--args", String(FDS.arguments), "--", ...GATE, ...limitedCommand(plan, argv, launcher)];
  const used: readonly number[] = [
    FDS.arguments,
    FDS.status,
    ...(filter === undefined ? [] : [FDS.filter]),
    ...(block ? [FDS.block] : []),
    FDS.gate,
  ];
  const leaks = inheritedDescriptors().filter((fd) => !used.includes(fd));
  // The shell closes what Node cannot; it starts with an empty environment and reads no file.
  const closing = `exec ${leaks.map((fd) => `${fd}>&-`).join(" ")}; exec "$0" "$@"`;
  const [file, args] =
    leaks.length === 0
      ? [bubblewrap, words]
      : [plan.programs.bash, ["--noprofile", "--norc", "-c", closing, bubblewrap, ...words]];
  const tag = tagOne();
  const child = spawn(file, args, {
    cwd: "/",
    // bubblewrap's own environment can be read from inside as that of process 1.
    env: tag.environment,
    stdio: [
      ...stdioOf(what),
      ...[3, 4, 5, 6, 7].map((fd): "pipe" | "ignore" => (used.includes(fd) ? "pipe" : "ignore")),
    ],
    ...plan.identity,
  });
  // Killed before it could say what it has started, it leaves that behind.
  child.once("exit", (_code, signal) => {
    if (signal !== null) tag.end();
  });
  const text = `${bubblewrapArguments(plan, block).join("\0")}\0`;
  feed(child, FDS.arguments, Buffer.from(text));
  if (filter !== undefined) feed(child, FDS.filter, filter);
  feedInput(child, what);
  const gate = pipeOf(child, FDS.gate);
  gate?.on("error", () => undefined);
  gate?.once("data", () => gate.end("\n"));
  const status = followStatus(child, FDS.status, (first) => {
    if (!block) return;
    try {
      for (const group of groups) writeFileSync(join(group, "cgroup.procs"), String(first));
      feed(child, FDS.block, Buffer.from("1"));
    } catch {
      // Without the group there is no limit, so the command must not start.
      endNamespace(first);
    }
  });
  return { child, ...status, onExit: undefined };
}
