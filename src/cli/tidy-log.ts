import { auditDirectory } from "../host/audit/directory.ts";
import { enforceRetention } from "../host/audit/retention.ts";
import type { Gate } from "../host/gate.ts";

/**
 * Removes what the retention of the settings ends from the audit log; nothing where they name
 * none. Never throws: a log that cannot be tidied changes no decision.
 */
export function tidyLog({ policy, env, home }: Gate, program: string): void {
  const { path, retention } = policy.cordon.audit;
  if (retention === undefined) return;
  try {
    const directory = auditDirectory(path, env, home);
    enforceRetention({ directory, days: retention, clock: Date.now, program });
  } catch {
    // A directory that cannot be named is for the recorder to tell about.
  }
}
