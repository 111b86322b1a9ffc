import { createHash, randomUUID } from "node:crypto";
import type { ToolCall } from "../../core/call/call.ts";
import type { Decision } from "../../core/call/decision.ts";
import { limitText } from "../../core/layers/9-sandbox/limits.ts";
import type { SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../../core/layers/9-sandbox/result.ts";
import {
  type Approval,
  type AuditRecord,
  type HookRecord,
  decisionRecord,
  hooksRecord,
  runRecord,
} from "../../core/layers/11-audit/record.ts";
import { auditDirectory } from "../audit/directory.ts";
import { AuditError } from "../audit/error.ts";
import { openAudit } from "../audit/sink.ts";
import type { Gate } from "../gate.ts";

/** Writes what was decided and what became of it. */
export interface Recorder {
  /** False when the record is required and could not be written: the call must not run. */
  decision(
    call: ToolCall,
    decision: Decision,
    approval: Approval | undefined,
    duration: number,
    hooks?: readonly HookRecord[],
  ): boolean;
  run(result: SandboxResult, rung: SandboxPlan["rung"]): void;
  /** Joins a decision with its run. */
  readonly id: string;
  /** The decision on this call was recorded elsewhere, under the same id. */
  resume(call: ToolCall): void;
  refusal(why: string): void;
  /** Hooks that ran outside of a decision. */
  hooks(hooks: readonly HookRecord[], session?: string): void;
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * A recorder for one call. Trouble with the log is told through `notify`; it stops the call only
 * where the settings require the record.
 */
export function openRecorder(
  gate: Gate,
  program: string,
  clock: () => number,
  notify: (text: string) => void,
  id: string = randomUUID(),
): Recorder {
  const { audit } = gate.policy.cordon;
  const grounds = { policy: gate.policy.fingerprint, tables: gate.tables.hash };
  let recorded: ToolCall | undefined;
  const append = (entry: AuditRecord): boolean => {
    try {
      const directory = auditDirectory(audit.path, gate.env, gate.home);
      const log = openAudit({ directory, clock, writer: "shared", program, durable: audit.required });
      try {
        log.append(entry);
      } finally {
        log.close();
      }
      return true;
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      notify(
        `the audit log could not be written: ${error.message}${error.hint === undefined ? "" : `; ${error.hint}`}`,
      );
      return false;
    }
  };
  const outcome = (result: Parameters<typeof runRecord>[0]["result"], duration: number): void => {
    if (recorded !== undefined) append(runRecord({ id, call: recorded, result, duration, digest }));
  };
  return {
    id,
    resume: (call) => {
      recorded = call;
    },
    decision: (call, decision, approval, duration, hooks) => {
      recorded = call;
      const written = append(
        decisionRecord({ id, call, decision, approval, hooks, grounds, duration, digest }),
      );
      return written || !audit.required;
    },
    run: (result, rung) =>
      outcome(
        {
          status: result.status,
          ...(result.ended === "exited" ? {} : { refused: result.ended }),
          sandbox: {
            kind: rung ?? "none",
            violations: result.violations.map(({ kind, path, why }) => ({ kind, subject: path, rule: why })),
            refusals: (result.refusals ?? []).map((refusal) => ({
              kind: refusal.class,
              subject: refusal.path ?? refusal.host ?? "",
              rule: refusal.rule,
              why: refusal.why,
              certain: refusal.certain,
            })),
            limits: result.limits.map((hit) => ({
              kind: hit.limit,
              allowed: hit.allowed,
              text: limitText(hit),
            })),
          },
        },
        result.durationMs,
      ),
    refusal: (why) => outcome({ refused: why, sandbox: { kind: "none", violations: [] } }, 0),
    hooks: (hooks, session) => {
      if (hooks.length > 0) append(hooksRecord({ id, call: recorded, session, hooks, digest }));
    },
  };
}
