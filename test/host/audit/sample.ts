import type { DecisionRecord } from "../../../src/core/layers/11-audit/record.ts";

/** A record as small as one can be. */
export function record(id: string, command = "ls"): DecisionRecord {
  return {
    type: "decision",
    id,
    tool: "Bash",
    input: { command },
    cwd: "/p",
    root: "/p",
    sandboxed: false,
    mode: "default",
    verdict: "allow",
    code: "cmd.read-only",
    layer: "command",
    why: "only reads",
    parts: [],
    opinions: [],
    grounds: { policy: "p", tables: "t" },
    duration: 0.1,
  };
}
