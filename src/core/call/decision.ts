import type { AskKind } from "./ask.ts";
import type { Code } from "./codes.ts";
import type { Verdict } from "./effect.ts";
import type { Mode } from "./mode.ts";
import type { Layer, Opinion, RuleRef } from "./opinion.ts";
import type { Span } from "./call.ts";

/** The verdict on one part of a compound command. */
export interface PartDecision {
  /** The part as it is matched: words dequoted, blanks folded. */
  readonly command: string;
  readonly decision: Verdict;
  readonly code: Code;
  readonly why: string;
  readonly span?: Span | undefined;
}

/** A rule that would let this call pass, narrowest first. */
export interface Suggestion {
  readonly rule: string;
  /** Where it would be kept. */
  readonly destination: "session" | "local" | "project" | "user";
}

/**
 * What cordon says to one tool call, with its reasons.
 *
 * INVARIANT: `verdict` is never laxer than any part and never laxer than any standing opinion.
 */
export interface Decision {
  readonly verdict: Verdict;
  readonly code: Code;
  readonly layer: Layer;
  readonly why: string;
  /** Present when the verdict is `ask`, and on a deny that was an ask nobody may answer. */
  readonly kind?: AskKind | undefined;
  readonly rule?: RuleRef | undefined;
  /** Index into `parts` of the part that decided. */
  readonly part?: number | undefined;
  readonly hint?: string | undefined;
  readonly mode: Mode;
  readonly parts: readonly PartDecision[];
  /** Everything every layer said, in gauntlet order; the asks that were answered included. */
  readonly opinions: readonly Opinion[];
  /** Every rule of every offer, narrowest first. */
  readonly suggestions: readonly Suggestion[];
  /** Ways to let such calls pass from now on, narrowest first; all rules of one offer belong together. */
  readonly offers: readonly (readonly Suggestion[])[];
}
