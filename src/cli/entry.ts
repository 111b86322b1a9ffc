// Imports nothing of cordon before the handlers stand: a file that fails to load must not look
// like a verdict either.
import { readFileSync } from "node:fs";

/** An exception nobody caught is an internal error (70); node's own status 1 is that of an ask. */
function crash(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`cordon: internal error: ${text}\n`);
  process.exit(70);
}
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? "unknown";
}

async function start(): Promise<number> {
  const [{ main }, { surroundings }] = await Promise.all([import("./main.ts"), import("./surroundings.ts")]);
  return main(process.argv.slice(2), surroundings(), version());
}

void start().then((status) => {
  process.exitCode = status;
  // A read of standard input that nobody waits for any more cannot be called off, and even
  // process.exit() waits for it. A status above 128 is that of a signal.
  setTimeout(() => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
    process.kill(process.pid, status > 128 ? status - 128 : "SIGKILL");
  }, 300).unref();
}, crash);
