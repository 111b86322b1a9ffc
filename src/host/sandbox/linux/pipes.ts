import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Streams } from "../backend.ts";
import { isKeyboard } from "../keyboard.ts";

type Stdio = "pipe" | "inherit" | "ignore";

/** What the first three descriptors of a launcher are to be. */
export function stdioOf(streams: Streams): readonly [Stdio, Stdio, Stdio] {
  const { stdin = "inherit", output, watch } = streams;
  const out = output === "collect" || watch === "merge" || watch === "relay" ? "pipe" : "inherit";
  return [stdin instanceof Uint8Array || isKeyboard(streams) ? "pipe" : stdin, out, out];
}

/** Our end of a descriptor of the child that was made as a pipe. */
export function pipeOf(child: ChildProcess, fd: number): (Readable & Writable) | undefined {
  const stream: unknown = child.stdio[fd];
  return isDuplex(stream) ? stream : undefined;
}

function isDuplex(stream: unknown): stream is Readable & Writable {
  return typeof stream === "object" && stream !== null && "end" in stream && "on" in stream;
}

/** Writes all of `bytes` to a descriptor of the child and ends it. A child that is gone is no error. */
export function feed(child: ChildProcess, fd: number, bytes: Uint8Array): void {
  const stream = pipeOf(child, fd);
  stream?.on("error", () => undefined);
  stream?.end(bytes);
  stream?.resume();
}

/** Gives the child its standard input where that is bytes. */
export function feedInput(child: ChildProcess, streams: Streams): void {
  const { stdin } = streams;
  if (!(stdin instanceof Uint8Array) || child.stdin === null) return;
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
}

/** What a launcher has said of the command so far. */
export interface Status {
  readonly first: () => number | undefined;
  readonly exit: () => number | undefined;
  readonly onExit: (told: () => void) => void;
  /** Text of a complaint of the launcher itself. */
  readonly trouble: () => string | undefined;
  /** The process whose namespaces are ready to be opened. */
  readonly ready: () => number | undefined;
  /** What was prepared for the command is out of date; it has not run. */
  readonly stale: () => boolean;
}

/**
 * Follows the lines of JSON a launcher writes to a descriptor: `child-pid`, `exit-code`,
 * `trouble` (hexadecimal), `ready`, `stale`.
 * `onFirst` is called once, when the first process of the namespace exists.
 */
export function followStatus(
  child: ChildProcess,
  fd: number,
  onFirst: (pid: number) => void = () => undefined,
): Status {
  const seen: { text: string; first?: number; told?: () => void } = { text: "" };
  const exit = (): number | undefined => {
    const code = /"exit-code": (\d+)/.exec(seen.text)?.[1];
    return code === undefined ? undefined : Number(code);
  };
  pipeOf(child, fd)?.on("data", (data: Uint8Array) => {
    seen.text += Buffer.from(data).toString("latin1");
    const first = /"child-pid": (\d+)/.exec(seen.text)?.[1];
    if (first !== undefined && seen.first === undefined) {
      seen.first = Number(first);
      onFirst(seen.first);
    }
    if (seen.told !== undefined && exit() !== undefined) {
      seen.told();
      seen.told = undefined;
    }
  });
  return {
    first: () => seen.first,
    exit,
    onExit: (told) => {
      seen.told = told;
    },
    ready: () => {
      const pid = /"ready": (\d+)/.exec(seen.text)?.[1];
      return pid === undefined ? undefined : Number(pid);
    },
    stale: () => seen.text.includes('{"stale": 1}'),
    trouble: () => {
      const text = /^\{"trouble": "(.*)"\}$/m.exec(seen.text)?.[1];
      return text === undefined ? undefined : Buffer.from(text, "hex").toString("utf8");
    },
  };
}

/** Keeps this process from ending before the child has. */
export function stayFor(child: ChildProcess): void {
  child.ref();
  for (const stream of child.stdio) if (isHeld(stream)) stream.ref();
}

/** Lets this process end before the child has. */
export function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) if (isHeld(stream)) stream.unref();
}

function isHeld(stream: unknown): stream is { readonly ref: () => void; readonly unref: () => void } {
  return typeof stream === "object" && stream !== null && "ref" in stream && "unref" in stream;
}
