import { statSync } from "node:fs";
import { startOf } from "./linux/processes.ts";

/** Milliseconds after which what a process of another namespace left counts as left behind. */
const PATIENCE = 24 * 60 * 60 * 1000;

/** Names this process among all that ever had its number: number, start, namespace of processes. */
export function ownMark(): string {
  return `${process.pid}-${startOf(process.pid)}-${space()}`;
}

/**
 * True where the process that `ownMark` named is gone. Numbers mean something in one namespace only: of
 * a process in another one, a container next door for instance, nothing can be told; it counts as
 * living until what it left was not touched for a day.
 */
export function isGone(mark: string, touched: number): boolean {
  const [pid = "", start = "", where = ""] = mark.split("-");
  if (where !== space()) return Date.now() - touched > PATIENCE;
  return startOf(Number(pid)) !== start;
}

/** Empty where the system has no such namespaces. */
function space(): string {
  return String(statSync("/proc/self/ns/pid", { throwIfNoEntry: false })?.ino ?? "");
}
