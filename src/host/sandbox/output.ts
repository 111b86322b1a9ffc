import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type { LimitHit } from "../../core/layers/9-sandbox/result.ts";
import type { Streams } from "./backend.ts";
import { fileTail, openTail, relay } from "./tail.ts";

/** Bytes of collected output where the caller says nothing. */
export const OUTPUT_LIMIT: number = 64 * 1024 * 1024;

/** How long a reader is waited for after a command that was ended, milliseconds. */
const PATIENCE = 1_000;

/** What became of a command's output. */
export interface Output {
  /** Settles when what is passed on was written; where nobody is patient, after a second at the latest. */
  readonly flushed: (patient: boolean) => Promise<void>;
  /** What was collected; empty where it was passed on. */
  readonly bytes: () => { stdout?: Uint8Array; stderr?: Uint8Array };
  /** Collected standard error behind a colon, for a message; empty where there is none. */
  readonly text: () => string;
  /** The end of standard error; undefined where nobody saw it. */
  readonly tail: () => string | undefined;
}

/**
 * Collects a command's output or passes it on, and calls `hit` when it is more than `most` bytes,
 * both streams together. Nothing beyond that is kept or passed on.
 */
export function takeOutput(
  child: ChildProcess,
  { output = "inherit", watch = "none" }: Streams,
  most: number,
  hit: (limit: LimitHit) => void,
): Output {
  const tail = openTail();
  const fileEnd = watch === "file" && output === "inherit" ? fileTail() : undefined;
  const chunks: { readonly out: Buffer[]; readonly err: Buffer[]; size: number } = {
    out: [],
    err: [],
    size: 0,
  };
  const within = (data: Uint8Array): Uint8Array => {
    const room = Math.max(0, most - chunks.size);
    chunks.size += data.length;
    if (chunks.size > most) hit({ limit: "output", allowed: most, killed: true });
    return data.subarray(0, room);
  };
  const relays =
    output === "inherit"
      ? [
          relay(child.stderr, process.stderr, within, tail),
          relay(child.stdout, process.stdout, within, watch === "merge" ? tail : undefined),
        ]
      : [];
  child.once("exit", () => {
    for (const { release } of relays) release();
  });
  if (output === "collect") {
    child.stdout?.on("data", (data: Uint8Array) => void chunks.out.push(Buffer.from(within(data))));
    child.stderr?.on("data", (data: Uint8Array) => {
      tail.take(data);
      chunks.err.push(Buffer.from(within(data)));
    });
  }
  return {
    flushed: async (patient) => {
      const all = Promise.all(relays.map(({ flushed }) => flushed));
      await (patient || relays.length === 0
        ? all
        : Promise.race([all, pause(PATIENCE, undefined, { ref: false })]));
    },
    tail: () => (child.stderr === null ? fileEnd?.() : tail.text()),
    bytes: () =>
      output === "collect" ? { stdout: Buffer.concat(chunks.out), stderr: Buffer.concat(chunks.err) } : {},
    text: () => (chunks.err.length === 0 ? "" : `: ${Buffer.concat(chunks.err).toString("utf8").trim()}`),
  };
}
