/** What a command uses of the machine; each has a setting in `cordon.limits`. */
export type LimitName =
  | "memory"
  | "processes"
  | "cpuTime"
  | "fileSize"
  | "disk"
  | "temporary"
  | "openFiles"
  | "output"
  | "time";

/** A limit that ended the command or was seen to bind. */
export interface LimitHit {
  readonly limit: LimitName;
  /** Seconds, bytes or a count, as the limit has it. */
  readonly allowed: number;
  /** A process was ended for it. False: the kernel refused more, and the command went on. */
  readonly killed: boolean;
}

/** Something the command left that it must not leave. */
export interface Violation {
  readonly kind: "planted" | "replaced" | "changed" | "uninspected";
  readonly path: string;
  /** Who would run or believe it. */
  readonly why: string;
  /** Where it was moved to. Absent: it is still there, or there was nothing to move. */
  readonly movedTo?: string | undefined;
  /** Left by an earlier command whose launcher was killed. */
  readonly earlier?: boolean | undefined;
  /** What stood there before is back. */
  readonly restored: boolean;
  /** Why it could not be moved or restored. */
  readonly failed?: string | undefined;
}

/** What was refused, by what is needed to do it. */
export const REFUSAL_CLASSES = ["write", "read", "connect", "exec", "namespace"] as const;
export type RefusalClass = (typeof REFUSAL_CLASSES)[number];

/**
 * Something the command tried and the sandbox refused.
 *
 * INVARIANT: `path` and `rule` are the plan's: the plan makes that path unreachable, whoever named
 * it. That the command really tried is known only where `certain`; otherwise it is what its output
 * says, which is a hint and loosens nothing by itself. A text in it may hold any character.
 */
export interface Refusal {
  readonly class: RefusalClass;
  /** Absolute, where it leads after every link. */
  readonly path?: string | undefined;
  /** A name or an address. */
  readonly host?: string | undefined;
  /** The setting, rule or list that keeps it closed. */
  readonly rule: string;
  /** Why it is closed: lower case, no full stop. */
  readonly why: string;
  /** What to do about it: lower case, no full stop. */
  readonly hint: string;
  /**
   * Whether a person may open it for one command: `ask`; `warn`, where what is written there runs
   * or is believed outside; `never`.
   */
  readonly opens: "ask" | "warn" | "never";
  /** What the command wanted to make of an absent path. */
  readonly make?: "file" | "directory" | undefined;
  /** The kernel or the supervisor reported it, not the command. */
  readonly certain: boolean;
}

/** How a sandboxed command ended. */
export interface SandboxResult {
  /** The command's own status; 128+n for a signal; 126 and 127 where it could not be started. */
  readonly status: number;
  /** `exited`: by itself. `aborted`: by the caller's signal. `limit`: by one of `limits`. */
  readonly ended: "exited" | "aborted" | "limit";
  readonly limits: readonly LimitHit[];
  readonly violations: readonly Violation[];
  /** What it was kept from, as far as that can be told. Absent where nobody looked. */
  readonly refusals?: readonly Refusal[] | undefined;
  readonly durationMs: number;
  /** Present where the output was collected. */
  readonly stdout?: Uint8Array | undefined;
  readonly stderr?: Uint8Array | undefined;
}
