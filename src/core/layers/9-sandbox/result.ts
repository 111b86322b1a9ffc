/** A limit that ended the command or was seen to bind. */
export interface LimitHit {
  readonly limit: "time" | "output" | "processes" | "fileSize";
  /** Seconds, bytes or a count, as the limit has it. */
  readonly allowed: number;
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

/** How a sandboxed command ended. */
export interface SandboxResult {
  /** The command's own status; 128+n for a signal; 126 and 127 where it could not be started. */
  readonly status: number;
  /** `exited`: by itself. `aborted`: by the caller's signal. `limit`: by one of `limits`. */
  readonly ended: "exited" | "aborted" | "limit";
  readonly limits: readonly LimitHit[];
  readonly violations: readonly Violation[];
  readonly durationMs: number;
  /** Present where the output was collected. */
  readonly stdout?: Uint8Array | undefined;
  readonly stderr?: Uint8Array | undefined;
}
