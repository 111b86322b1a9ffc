#!/usr/bin/env node
// Starts the program. A hook call is a process for one decision, and half of its time would be
// compiling: the build keeps the compiled code beside each file, and this is what uses it.
import { programLoader } from "./code-cache.ts";

try {
  programLoader(import.meta.dirname)("./program.cjs");
} catch (error) {
  process.stderr.write(`cordon: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  // Node's own status 1 would be that of an ask.
  process.exit(70);
}
