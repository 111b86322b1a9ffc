import type { Mode } from "../call/mode.ts";
import type { HookPolicy } from "./hooks.ts";
import type { Problem } from "./problem.ts";
import type { Rule } from "./rule.ts";
import type { ServerList } from "./servers.ts";
import type { Origin } from "./origin.ts";

/**
 * Everything the settings say, pooled over all sources, trust applied.
 *
 * INVARIANT: an allow rule, directory or mode of an untrusted source is not in here. Deny and ask
 * rules of every source are. A managed file that could not be read is `stopped`, never skipped.
 */
export interface Policy {
  /** Hash of every byte the policy was made from. */
  readonly fingerprint: string;
  readonly rules: readonly Rule[];
  readonly mode: ModePolicy;
  /** Absolute working directories besides the project root. */
  readonly directories: readonly string[];
  readonly managed: ManagedPolicy;
  /** Lists of the only MCP servers that may be used; every one of them has to admit a server. */
  readonly servers?: readonly ServerList[] | undefined;
  readonly limitsOfPaths: PathPolicy;
  readonly sandbox: SandboxPolicy;
  readonly cordon: CordonPolicy;
  readonly hooks: HookPolicy;
  readonly problems: readonly Problem[];
  /** What untrusted project files would have added, for one line on stderr. */
  readonly ignored: { readonly rules: number; readonly files: readonly string[] };
}

export interface ModePolicy {
  /** The mode of the highest source that sets one. */
  readonly value: Mode;
  readonly origin?: Origin | undefined;
  /** Managed: only a stricter mode may be chosen. */
  readonly enforced?: { readonly mode: Mode; readonly origin: Origin } | undefined;
  /** `disableBypassPermissionsMode`: bypass becomes `default`. */
  readonly bypassDisabled?: Origin | undefined;
  /** `disableAutoMode`: auto becomes `default`. */
  readonly autoDisabled?: Origin | undefined;
  /** `denyInsteadOfPrompting`: what would ask is denied. */
  readonly denyInsteadOfPrompting?: Origin | undefined;
}

export interface ManagedPolicy {
  /** A managed file that exists and cannot be read stops the gate: every call is denied for this reason. */
  readonly stopped?: Problem | undefined;
  /** Absolute glob roots outside which every call is denied. */
  readonly allowedDirectories?: { readonly globs: readonly string[]; readonly origin: Origin } | undefined;
  readonly blockNetworkTools?: Origin | undefined;
  readonly requireReadFirst?: Origin | undefined;
  /** `allowManagedDomainsOnly`: a WebFetch that no managed rule allows is denied. */
  readonly onlyManagedDomains?: Origin | undefined;
  /** Tool patterns governed by a managed key that cordon accepts but does not enforce yet: denied. */
  readonly notEnforced: readonly { readonly tool: string; readonly key: string; readonly origin: Origin }[];
  /** Absolute paths of policy helpers: no agent may touch them. */
  readonly helpers?: readonly string[] | undefined;
  /** `allowManagedPermissionRulesOnly`: nothing may be saved, lower allow rules are gone. */
  readonly onlyManagedRules?: Origin | undefined;
}

export interface PathPolicy {
  readonly blockReadsOutside?: Origin | undefined;
  readonly blockWritesOutside?: Origin | undefined;
  /** Patterns added to the built-in lists; gitignore form without an anchor = any depth below the project. */
  readonly protectedPaths: readonly string[];
  readonly runsLater: readonly string[];
  readonly secretPaths: readonly string[];
}

export interface SandboxPolicy {
  /** Unset means on for commands that cordon starts. Explicit false counts from user, command line, managed. */
  readonly enabled: boolean;
  readonly failIfUnavailable: boolean;
  readonly autoAllowBashIfSandboxed: boolean;
  readonly allowUnsandboxedCommands: boolean;
  /** Absolute paths. */
  readonly allowWrite: readonly string[];
  readonly denyWrite: readonly string[];
  readonly denyRead: readonly string[];
  readonly allowRead: readonly string[];
  readonly allowedDomains: readonly string[];
  readonly deniedDomains: readonly string[];
  readonly bwrapPath?: string | undefined;
  /** The weakest kind of sandbox that may be used; undefined = `LOWEST_RUNG`. */
  readonly lowestRung?: Rung | undefined;
  /** Files that run later are held like protected names; undefined = false. */
  readonly holdRunsLater?: boolean | undefined;
}

/** Kinds of sandbox, best first: how a plan is carried out. */
export const RUNGS = ["native", "bubblewrap", "landlock"] as const;
export type Rung = (typeof RUNGS)[number];

/** What is used at least where settings say nothing. */
export const LOWEST_RUNG: Rung = "bubblewrap";

export interface CordonPolicy {
  /** Seconds a prompt waits. */
  readonly approvalTimeout: number;
  readonly audit: {
    readonly path?: string | undefined;
    readonly required: boolean;
    /** Days a file of the log is kept; undefined = for ever. */
    readonly retention?: number | undefined;
  };
  readonly hook: { readonly autoApprove: boolean; readonly rewriteIntoSandbox: boolean };
  readonly limits: LimitPolicy;
}

/** What a sandboxed command may use; undefined = the built-in default. */
export interface LimitPolicy {
  /** Bytes of data segment a process may map. */
  readonly memory?: number | undefined;
  /** Bytes of memory that all processes use together. */
  readonly totalMemory?: number | undefined;
  readonly processes?: number | undefined;
  /** Seconds of processor time, all processes together. */
  readonly cpuTime?: number | undefined;
  /** Bytes a file may grow to. */
  readonly fileSize?: number | undefined;
  /** Bytes by which the disks of the writable directories may fill up. */
  readonly disk?: number | undefined;
  readonly openFiles?: number | undefined;
  /** Bytes of the private temporary directory. */
  readonly temporary?: number | undefined;
  /** Bytes of output, both streams together. */
  readonly output?: number | undefined;
  /** Seconds of wall time. */
  readonly time?: number | undefined;
}
