import type { Attempt } from "./attempt.ts";
import { FILES } from "./files.ts";
import { IPC } from "./ipc.ts";
import { KERNEL } from "./kernel.ts";
import { KNOBS } from "./knobs.ts";
import { LIMITS } from "./limits.ts";
import { MOUNTS } from "./mounts.ts";
import { NETWORK } from "./network.ts";
import { GIT } from "./planting-git.ts";
import { AGENTS } from "./planting-agents.ts";
import { TOOLS } from "./planting-tools.ts";
import { GIT_NEW } from "./planting-new.ts";
import { PROCESSES } from "./processes.ts";
import { READS } from "./reads.ts";
import { LINKS, WRITES } from "./writes.ts";

/** Every attempt, in the order of the classes. */
export const ATTEMPTS: readonly Attempt[] = [
  ...WRITES,
  ...LINKS,
  ...FILES,
  ...MOUNTS,
  ...KNOBS,
  ...READS,
  ...GIT,
  ...GIT_NEW,
  ...AGENTS,
  ...TOOLS,
  ...PROCESSES,
  ...IPC,
  ...KERNEL,
  ...NETWORK,
  ...LIMITS,
];
