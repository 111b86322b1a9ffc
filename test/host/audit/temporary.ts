import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { openAudit, type AuditLog, type AuditOptions } from "../../../src/host/audit/sink.ts";

/** A maker of fresh directories that are removed after each test. */
export function directories(): () => string {
  const made: string[] = [];
  afterEach(() => {
    for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
  });
  return () => {
    const path = mkdtempSync(join(tmpdir(), "cordon-audit-"));
    made.push(path);
    return join(path, "audit");
  };
}

/** A clock that starts at a fixed moment and goes on one second a look. */
export function ticking(start: number = Date.UTC(2025, 0, 31, 12)): () => number {
  let now = start;
  return () => (now += 1000);
}

export function openAt(directory: string, options: Partial<AuditOptions> = {}): AuditLog {
  return openAudit({ directory, clock: ticking(), writer: "own", ...options });
}

export function filesIn(directory: string): readonly string[] {
  return readdirSync(directory).sort();
}

export function linesIn(directory: string, file: string): readonly string[] {
  return readFileSync(join(directory, file), "utf8").split("\n").slice(0, -1);
}

export { record } from "./sample.ts";
