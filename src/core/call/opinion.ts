import type { Answerer, AskKind } from "./ask.ts";
import type { Span } from "./call.ts";
import type { Code } from "./codes.ts";
import type { Effect } from "./effect.ts";

/** The pure layers, in the order a call passes them. */
export const LAYERS = ["availability", "managed", "hooks", "rules", "scope", "command", "mode"] as const;
export type Layer = (typeof LAYERS)[number];

/** Where settings come from, strictest authority first. */
export const SCOPES = ["managed", "command-line", "local", "project", "user", "session", "built-in"] as const;
export type Scope = (typeof SCOPES)[number];

/** The rule an opinion rests on, as it is written, and where. */
export interface RuleRef {
  readonly text: string;
  readonly effect: "allow" | "ask" | "deny";
  readonly scope: Scope;
  readonly file?: string | undefined;
  /** One-based. */
  readonly line?: number | undefined;
}

/** One use of a path. What may be read may not be written for that, nor may its neighbour. */
export interface About {
  /** The part, the action and the path as the command has it: the same for all that is said about this use. */
  readonly use: string;
  /** Of several places it leads to, as a pattern does, the one that is meant; absent = the use as a whole. */
  readonly place?: string | undefined;
}

/**
 * One layer's opinion of one tool call, or of one part of it.
 *
 * INVARIANT: an opinion stricter than `pass` names its source. The prompt, `explain` and the
 * audit record print the same opinion, never a paraphrase.
 */
export interface Opinion {
  readonly layer: Layer;
  readonly effect: Effect;
  /** Stable identifier with an entry in docs/codes. Never renamed, never reused. */
  readonly code: Code;
  /** One lower-case sentence without a full stop; the agent's own text in backticks. */
  readonly why: string;
  /** Present on an ask. */
  readonly kind?: AskKind | undefined;
  /** Present on an allow. */
  readonly answers?: Answerer | undefined;
  /** An ask that nobody answers ends as this; `deny` where a mode has no use for a question. */
  readonly otherwise?: "deny" | undefined;
  /** The part of a compound command this is about; absent = the whole call. */
  readonly part?: number | undefined;
  /** The path or host this is about; an answer must name the same one. */
  readonly subject?: string | undefined;
  /** Of a path: for what it is used, and where. An answer must be about the same use. */
  readonly about?: About | undefined;
  readonly rule?: RuleRef | undefined;
  readonly span?: Span | undefined;
  /** What would be lost and what to run instead, for destructive calls. */
  readonly hint?: string | undefined;
}
