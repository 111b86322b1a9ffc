/** What a layer can say, weakest first. Comparison is by position in this list. */
export const EFFECTS = ["pass", "allow", "ask", "deny"] as const;
export type Effect = (typeof EFFECTS)[number];

/** What a call ends as: an effect that is not `pass`. */
export type Verdict = Exclude<Effect, "pass">;
