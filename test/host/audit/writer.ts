import { writeSync } from "node:fs";
import { AuditError } from "../../../src/host/audit/error.ts";
import { openAudit } from "../../../src/host/audit/sink.ts";
import { record } from "./sample.ts";

/**
 * A process that appends records and prints the id of each on a line of its own once it is
 * acknowledged. Arguments: directory, kind of writer, records (0: until killed), characters of
 * the command, and whether each record is written through a handle of its own.
 */
const [directory = "", kind = "own", count = "0", size = "10", handles = "one"] = process.argv.slice(2);
const open = (): ReturnType<typeof openAudit> =>
  openAudit({ directory, clock: Date.now, writer: kind === "own" ? "own" : "shared" });

try {
  let log = open();
  for (let i = 0; count === "0" || i < Number(count); i += 1) {
    const id = `${process.pid}-${i}`;
    log.append(record(id, "x".repeat(Number(size))));
    writeSync(1, `${id}\n`);
    if (handles === "many") {
      log.close();
      log = open();
    }
  }
  log.close();
} catch (error) {
  if (!(error instanceof AuditError)) throw error;
  writeSync(2, `${error.fault} ${error.message}\n`);
  process.exitCode = 3;
}
