/**
 * Why a layer wants a person. The kind decides who else may answer (`ANSWERS`); a person can
 * answer any ask once.
 */
export const ASK_KINDS = [
  "unmatched",
  "path.outside",
  "path.protected",
  "path.link",
  "path.runs-later",
  "path.secret",
  "unknown",
  "unknown.guarded",
  "rule",
  "managed",
  "hook",
  "destructive",
  "critical",
  "interaction",
  "sandbox",
  "agent-config",
  /** An address outside the network boundary, or no address at all. */
  "network",
  /** A host nothing opened, where the mode itself would not ask. */
  "host",
  /** A tool that plan mode uses only where a rule says so. */
  "plan",
  "supervised",
] as const;
export type AskKind = (typeof ASK_KINDS)[number];

/** Who said allow. An ask is answered before it reaches a person only by what `ANSWERS` lists. */
export const ANSWERERS = [
  /** The built-in silent set: reads inside the project, read-only commands, bookkeeping tools. */
  "built-in",
  /** An allow rule for the call or for this part of a command. */
  "rule",
  /** A bare `Edit` rule, which names no path. */
  "edit-rule",
  /** A Read or Edit rule whose pattern names the path (and, for a link, its target). */
  "path-rule",
  "hook",
  /** A grant of this session, given by a person. */
  "grant",
  "acceptEdits",
  "autoAllow",
  "bypass",
  /** bypassPermissions for a call that runs in cordon's sandbox. */
  "bypass-sandboxed",
] as const;
export type Answerer = (typeof ANSWERERS)[number];

const BYPASS = ["bypass", "bypass-sandboxed"] as const;
const RULES = ["rule", "edit-rule", "path-rule"] as const;

/**
 * The table of asks (design, section 3). A kind with an empty list stands in every mode.
 *
 * INVARIANT: nothing outside this table answers an ask.
 */
export const ANSWERS: Readonly<Record<AskKind, readonly Answerer[]>> = {
  unmatched: ["built-in", ...RULES, "hook", "grant", "acceptEdits", "autoAllow", ...BYPASS],
  "path.outside": ["path-rule", "grant", "bypass-sandboxed"],
  "path.protected": BYPASS,
  "path.link": ["path-rule", ...BYPASS],
  "path.runs-later": ["edit-rule", "path-rule", ...BYPASS],
  "path.secret": ["path-rule"],
  unknown: ["autoAllow", ...BYPASS],
  "unknown.guarded": [],
  rule: [],
  managed: [],
  hook: [],
  destructive: [],
  critical: [],
  interaction: [],
  sandbox: [],
  "agent-config": [],
  network: [],
  host: ["rule", "grant"],
  plan: ["rule"],
  supervised: [],
};
