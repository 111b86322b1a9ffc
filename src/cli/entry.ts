#!/usr/bin/env node
// Imports nothing of cordon before the handlers stand: a file that fails to load must not look
// like a verdict either.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import type { Terminal } from "./command.ts";

/** An exception nobody caught is an internal error (70); node's own status 1 is that of an ask. */
function crash(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`cordon: internal error: ${text}\n`);
  process.exit(70);
}
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
// The reader of the result has gone (`cordon … | head`): there is nobody to answer.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  error.code === "EPIPE" ? process.exit(70) : crash(error),
);

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? "unknown";
}

async function start(): Promise<number> {
  const { main } = await import("./main.ts");
  const interruption = new AbortController();
  process.once("SIGINT", () => interruption.abort());
  const home = process.env["HOME"];
  const io: Terminal = {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: () => process.cwd(),
    home: home?.startsWith("/") === true ? home : homedir(),
    isTerminal: process.stdout.isTTY === true,
    columns: process.stdout.columns,
    interrupted: interruption.signal,
  };
  return main(process.argv.slice(2), io, version());
}

// Setting the status and letting the loop run dry keeps output whole that is still being written.
process.exitCode = await start().catch(crash);
